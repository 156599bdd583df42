//! `revisit serve`: a folder becomes an offline site, with nothing in it written; or a server gets
//! a cache before it ([`origin`]).
//!
//! The gateway listens and serves the folder; the generator's overlay lies over it in memory and
//! follows the folder by itself ([`live`]); what the folder had a while ago is still answered
//! ([`earlier`], [`retain`]); what a worker lacks it gets in one answer ([`measure`]); what another site's worker left behind in a browser
//! is seen off ([`trap`]).

mod earlier;
mod live;
mod measure;
mod origin;
mod retain;
mod trap;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use revisit_engine::{Clock, SystemClock};
use revisit_gateway::{Ended, Folder, FolderOptions, Limits, Listener};
use serde_json::json;

use crate::args::ServeArgs;
use crate::config::{Config, ServeSection};
use crate::failure::Failure;
use crate::stop::asked_to_stop;
use crate::summary::summary;
use crate::terminal::{log, say};
use earlier::EarlierBuilds;
use live::{LiveSite, Over};
use measure::Measured;
use retain::{Bounds, Retained};
use trap::WorkerTrap;

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let config = Config::load(args.config.as_deref())?;
    log(args.access_log || config.serve.access_log);
    if let Some(url) = args.site.to_str().filter(|site| origin::is_url(site)) {
        return origin::run(args, &config, url);
    }
    refuse_what_is_for_origins(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .map_err(Failure::work)?;
    runtime.block_on(serve(args, &config))
}

fn refuse_what_is_for_origins(args: &ServeArgs) -> Result<(), Failure> {
    let word = match (args.profile, args.set_cookie, args.admin) {
        (Some(_), _, _) => "--profile",
        (_, Some(_), _) => "--set-cookie",
        (_, _, Some(_)) => "--admin",
        _ => return Ok(()),
    };
    let error = anyhow!("`{word}` is about the cache before a server, and a folder has none");
    Err(Failure::words(error)
        .help("leave it out, or name a server: `http://127.0.0.1:3000`".to_owned()))
}

async fn serve(args: &ServeArgs, config: &Config) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let address = args.listen.unwrap_or(config.serve.listen);
    let over = over(args, &config.serve)?;
    if !config.site.prefixes.is_empty() {
        let error = anyhow!(
            "`[site] prefixes` is set, and `serve` serves each file under the path that it has on disk"
        );
        return Err(Failure::words(error).help("lay the files out as the host serves them, or take the key out of the config that `serve` reads".to_owned()));
    }
    // Before the long work: a port in use should be said at once.
    let listener = Listener::bind(address).await.map_err(|error| {
        let help = error.help();
        Failure::work(error).help(help)
    })?;
    let address = listener.local_addr();

    let retained = match over {
        Over::Dev => None, // no name promises anything
        Over::Worker | Over::Nothing => retained(&args.site, &config.serve, &clock),
    };
    let site = LiveSite::start(
        &args.site,
        config.build_config(),
        over,
        retained.as_ref(),
        clock.clone(),
    )
    .await?;
    let site = Arc::new(site);
    let report = site.report();
    let options = FolderOptions {
        base: config.site.base.clone(),
        ..FolderOptions::default()
    };
    let folder = Folder::open(&args.site, options.clone(), site.clone(), clock.clone())
        .and_then(|folder| {
            EarlierBuilds::behind(
                folder,
                site.clone(),
                retained.clone(),
                options,
                clock.clone(),
            )
        })
        .map_err(|error| {
            let help = error.help();
            Failure::work(error).help(help)
        })?;
    let measured = Measured::before(folder, site, &config.site.base);
    let trap = WorkerTrap::before(measured)?;

    let url = format!("http://{address}{}", config.site.base);
    if args.json {
        say!(
            "{:#}",
            json!({
                "url": url,
                "worker": over == Over::Worker,
                "dev": over == Over::Dev,
                "report": report,
            })
        );
    } else {
        tell(args, &url, over, &report);
    }
    warn_off_loopback(address);

    let limits = config.limits.limits(Limits::default().connections_max);
    let ended = listener
        .serve(Arc::new(trap), clock, limits, asked_to_stop())
        .await;
    if let Some(retained) = retained {
        retained.close();
    }
    tell_end(ended);
    Ok(())
}

fn tell_end(ended: Ended) {
    match ended {
        Ended::Drained => eprintln!("stopped"),
        Ended::Cut { connections } => eprintln!("stopped; {connections} connections were cut"),
    }
}

/// A place for what earlier builds had, unless the config wants none.
fn retained(site: &Path, config: &ServeSection, clock: &Arc<dyn Clock>) -> Option<Arc<Retained>> {
    let bounds = Bounds {
        time: Duration::from_secs(config.retain_seconds.into()),
        bytes_max: config.retain_bytes_max,
    };
    if bounds.time.is_zero() || bounds.bytes_max == 0 {
        return None;
    }
    match Retained::new(site, bounds, clock.clone()) {
        Ok(retained) => Some(Arc::new(retained)),
        Err(error) => {
            eprintln!("warning: no files of earlier builds are retained: {error}");
            None
        }
    }
}

/// What the words and the config want over the folder; the words win.
fn over(args: &ServeArgs, config: &ServeSection) -> Result<Over, Failure> {
    Ok(match (args.no_worker, args.dev) {
        (true, _) => Over::Nothing,
        (_, true) => Over::Dev,
        _ if config.dev && !config.worker => {
            let error = anyhow!("`[serve] dev = true` and `worker = false` exclude each other");
            return Err(Failure::words(error).help("take one of them out".to_owned()));
        }
        _ if config.dev => Over::Dev,
        _ if config.worker => Over::Worker,
        _ => Over::Nothing,
    })
}

fn tell(args: &ServeArgs, url: &str, over: Over, report: &revisit_generator::Report) {
    let site = args.site.display();
    say!("listening on {url}");
    match over {
        Over::Worker => {
            say!(
                "serving {site} with a service worker over it, build {}",
                report.build
            );
            say!("{}", summary(report).trim_end());
            say!("try: open it, stop this server with Ctrl-C, and load the page again");
        }
        Over::Dev => say!(
            "serving {site} for development: its worker keeps nothing, every change is seen at the next load"
        ),
        Over::Nothing => say!(
            "serving {site} as it is; a browser that has a worker for this address gets one that removes itself"
        ),
    }
}

fn warn_off_loopback(address: SocketAddr) {
    if !address.ip().is_loopback() {
        eprintln!(
            "warning: {address} can be reached from other machines, and without TLS; browsers run service workers \
             over https and on localhost only"
        );
    }
}
