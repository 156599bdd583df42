//! `revisit build`: plan, write, tell.

use revisit_engine::{Clock, SystemClock};
use revisit_generator::{Destination, Memory, Options, plan, plan_uninstall, write};
use serde_json::json;

use crate::args::BuildArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::summary::summary;
use crate::terminal::{Bar, counted, say};

pub(crate) fn run(args: &BuildArgs) -> Result<(), Failure> {
    let clock = SystemClock::start();
    let config = Config::load(args.config.as_deref())?;
    let mut build = config.build_config();
    build.worker.inject &= !args.no_inject;
    if let Some(name) = &args.worker_name {
        build.worker.name.clone_from(name);
    }
    if let Some(file) = &args.inject {
        build.worker.extend = Some(file.clone());
    }
    let out = args.out.as_deref().or(config.build.out.as_deref());
    let destination = out.map_or(Destination::InPlace, Destination::Folder);
    let options = Options {
        now: clock.now(),
        development: None,
    };
    let overlay = if args.uninstall {
        plan_uninstall(&args.site, &build, false)?
    } else {
        plan(
            &args.site,
            &build,
            &options,
            &mut Memory::default(),
            &Bar::new(),
        )?
    };
    let written = write(&args.site, &overlay, &build.worker.name, destination)?;

    let target = out.unwrap_or(&args.site).display();
    if args.json {
        let report = json!({
            "folder": target.to_string(),
            "written": written,
            "seconds": clock.elapsed().as_secs_f64(),
            "report": overlay.report,
        });
        say!("{report:#}");
    } else if args.uninstall {
        say!(
            "took revisit out of {target}: {} written, {} removed",
            counted(written.written, "file"),
            counted(written.removed, "file")
        );
        say!(
            "deploy {}, which removes itself from visitors' browsers, for as long as they may come back",
            build.worker.name
        );
    } else {
        say!(
            "built {target} in {:.2} s, build {}",
            clock.elapsed().as_secs_f64(),
            overlay.build
        );
        say!("{}", summary(&overlay.report).trim_end());
        if written == Default::default() {
            say!("nothing changed since the last build");
        }
        if !build.worker.inject {
            let client = overlay
                .generated
                .keys()
                .find(|path| path.contains("/client-"));
            if let Some(client) = client {
                say!(
                    "no page was touched: load the classic script `{}{client}` in yours",
                    build.site.base
                );
            }
        }
    }
    Ok(())
}
