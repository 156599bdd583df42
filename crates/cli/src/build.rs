//! `revisit build`: plan, write, remember, tell.

use std::path::PathBuf;

use revisit_engine::{Clock, SystemClock};
use revisit_generator::{
    self as generator, Before, BuildConfig, Cache, Destination, Options, Overlay, Report, Written,
    plan_uninstall, write,
};
use serde_json::json;
use url::Url;

use crate::args::BuildArgs;
use crate::cache;
use crate::config::Config;
use crate::failure::Failure;
use crate::matches;
use crate::previous::{Deployed, Previous};
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
    once(args).map(drop)
}

/// What the words and the config want built.
pub(crate) struct Wanted {
    pub(crate) build: BuildConfig,
    /// The folder for a copy, if there is to be one.
    pub(crate) out: Option<PathBuf>,
    cache: Option<PathBuf>,
    previous: Option<Previous>,
}

pub(crate) fn wanted(args: &BuildArgs) -> Result<Wanted, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let mut build = config.build_config();
    build.worker.inject &= !args.no_inject;
    if let Some(name) = &args.worker_name {
        build.worker.name.clone_from(name);
    }
    if let Some(file) = &args.inject {
        build.worker.extend = Some(file.clone());
    }
    let previous = args.previous.as_deref();
    let previous = previous.or(config.build.previous.as_deref());
    Ok(Wanted {
        previous: previous.map(Previous::parse).transpose()?,
        build,
        out: args.out.clone().or(config.build.out),
        cache: match args.no_cache {
            true => None,
            false => cache::folder(config.build.cache.as_deref()),
        },
    })
}

/// One build, told to the user; gives what was written, if anything had changed.
pub(crate) fn once(args: &BuildArgs) -> Result<Option<Overlay>, Failure> {
    let clock = SystemClock::start();
    let Wanted {
        build,
        out,
        cache,
        previous,
    } = wanted(args)?;
    let destination = out
        .as_deref()
        .map_or(Destination::InPlace, Destination::Folder);
    if args.uninstall {
        return uninstall(args, &build, destination, &clock).map(|()| None);
    }
    let deployed = match &previous {
        Some(Previous::Deployed(base)) => deployed(base, &build.worker.name),
        _ => None,
    };
    let options = Options {
        now: clock.now(),
        development: None,
        previous: match &previous {
            Some(Previous::Folder(folder)) => Some(Before::in_folder(folder)),
            _ => deployed.as_ref().map(Deployed::before),
        },
    };
    let program = cache::program();
    let cache = cache.as_deref().map(|folder| Cache {
        folder,
        program: &program,
    });
    let built = generator::build(
        &args.site,
        &build,
        &options,
        destination,
        cache,
        &Bar::new(),
    )?;
    let target = out.as_deref().unwrap_or(&args.site).display();
    if let (Some(error), Some(cache)) = (&built.forgotten, cache) {
        let folder = cache.folder.display();
        tracing::warn!(
            "cannot remember this build in `{folder}`, so the next one reads every file again: {error}"
        );
    }
    if args.json {
        say_json(&target.to_string(), built.written, &built.report, &clock);
        return Ok(built.overlay);
    }
    say!(
        "built {target} in {:.2} s, build {}",
        clock.elapsed().as_secs_f64(),
        built.report.build
    );
    say!("{}", summary(&built.report).trim_end());
    if built.written == Written::default() {
        say!("nothing changed since the last build");
    }
    if let (false, Some(client)) = (build.worker.inject, built.client) {
        say!(
            "no page was touched: load the classic script `{}{client}` in yours",
            build.site.base
        );
    }
    Ok(built.overlay)
}

/// The build that is deployed at `base`, if there is one and it can be had.
fn deployed(base: &Url, worker: &str) -> Option<Deployed> {
    let found = Deployed::find(base, worker);
    if let Err(error) = &found {
        eprintln!("warning: this build goes on without the one at `{base}`: {error:#}");
    }
    found.ok()
}

fn uninstall(
    args: &BuildArgs,
    build: &BuildConfig,
    destination: Destination<'_>,
    clock: &SystemClock,
) -> Result<(), Failure> {
    let overlay = plan_uninstall(&args.site, build, false)?;
    let written = write(&args.site, &overlay, &build.worker.name, destination)?;
    let target = match destination {
        Destination::InPlace => &args.site,
        Destination::Folder(out) => out,
    };
    let target = target.display();
    if args.json {
        say_json(&target.to_string(), written, &overlay.report, clock);
        return Ok(());
    }
    say!(
        "took revisit out of {target}: {} written, {} removed",
        counted(written.written, "file"),
        counted(written.removed, "file")
    );
    say!(
        "deploy {}, which removes itself from visitors' browsers, for as long as they may come back",
        build.worker.name
    );
    Ok(())
}

fn say_json(folder: &str, written: Written, report: &Report, clock: &SystemClock) {
    let said = json!({
        "folder": folder,
        "written": written,
        "seconds": clock.elapsed().as_secs_f64(),
        "report": report,
    });
    say!("{said:#}");
}
