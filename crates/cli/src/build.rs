//! `revisit build`: plan, write, tell.

use std::path::PathBuf;

use revisit_engine::{Clock, SystemClock};
use revisit_generator::{
    BuildConfig, Destination, Memory, Options, Overlay, plan, plan_uninstall, write,
};
use serde_json::json;

use crate::args::BuildArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::matches;
use crate::summary::summary;
use crate::terminal::{Bar, counted, say};
use crate::watch;

pub(crate) fn run(args: &BuildArgs) -> Result<(), Failure> {
    if args.watch {
        return watch::run(args);
    }
    if !args.matches.is_empty() {
        return matches::run(args);
    }
    once(args, &mut Memory::default()).map(drop)
}

/// What the words and the config want built, and the folder for a copy if there is to be one.
pub(crate) fn wanted(args: &BuildArgs) -> Result<(BuildConfig, Option<PathBuf>), Failure> {
    let config = Config::load(args.config.as_deref())?;
    let mut build = config.build_config();
    build.worker.inject &= !args.no_inject;
    if let Some(name) = &args.worker_name {
        build.worker.name.clone_from(name);
    }
    if let Some(file) = &args.inject {
        build.worker.extend = Some(file.clone());
    }
    Ok((build, args.out.clone().or(config.build.out)))
}

/// One build, told to the user; gives what was written. `memory` is of the same words and config.
pub(crate) fn once(args: &BuildArgs, memory: &mut Memory) -> Result<Overlay, Failure> {
    let clock = SystemClock::start();
    let (build, out) = wanted(args)?;
    let out = out.as_deref();
    let destination = out.map_or(Destination::InPlace, Destination::Folder);
    let previous = args.previous.as_deref().or(out).unwrap_or(&args.site);
    let options = Options {
        now: clock.now(),
        development: None,
        previous: Some(previous),
    };
    let overlay = if args.uninstall {
        plan_uninstall(&args.site, &build, false)?
    } else {
        plan(&args.site, &build, &options, memory, &Bar::new())?
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
    Ok(overlay)
}
