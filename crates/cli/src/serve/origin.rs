//! `revisit serve URL`: the gateway before an origin, with a cache in between.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use revisit_engine::cache::Cache;
#[cfg(feature = "https")]
use revisit_engine::origin::tls::Trust;
use revisit_engine::origin::{Origin, OriginUrl};
use revisit_engine::{Clock, SystemClock};
use revisit_gateway::{Admin, BindError, Cores, Counted, Edited, Limits, Listener, Metrics, Proxy};
use revisit_rules::http::amend::Side;
use revisit_store::{Options, Store};
use serde_json::json;
use tokio::sync::watch;

use crate::args::ServeArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::stop::asked_to_stop;
use crate::store::{open_as, store_failure};
use crate::terminal::say;

/// Whether SITE is a URL rather than a folder.
pub(super) fn is_url(site: &str) -> bool {
    site.contains("://")
}

/// Serves until it is asked to stop.
pub(super) fn run(args: &ServeArgs, config: &Config, url: &str) -> Result<(), Failure> {
    refuse_what_is_for_folders(args)?;
    let url = OriginUrl::parse(url).map_err(|error| {
        let help = error.help().to_owned();
        Failure::words(error).help(help)
    })?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let room = connections_max(config.origin.connections_max.get() as usize);
    let limits = config.limits.limits(room);
    let edits = config.origin.edits()?;

    let origin = Origin::new(url.clone(), config.origin.limits(), clock.clone());
    let origin = trusting(origin, config.origin.ca_file.as_deref())?;
    let origin = Edited::before(origin, Side::Response, &edits);
    let process = RandomState::new().build_hasher().finish();
    let options = config.cache.options(args.profile, args.set_cookie)?;
    let mut room = format!("{} MiB in memory", options.memory_bytes_max >> 20);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .map_err(Failure::work)?;
    let store = open_store(args, config)?;
    let cache = match &store {
        None => Cache::before(origin, options, clock.clone()),
        Some(store) => {
            let cache = Cache::on_disk(origin, options, clock.clone(), store.clone());
            runtime
                .block_on(cache)
                .map_err(|error| store_failure(error, "cannot use the store"))?
        }
    };
    if let Some((bytes, responses)) = cache.disk_size() {
        room += &on_disk(bytes, responses);
    }
    let metrics = Arc::new(Metrics::default());
    let admin = Admin::new(cache.clone(), metrics.clone(), config.admin.token.clone());
    let cache = Edited::before(cache, Side::Request, &edits);
    let proxy = Proxy::before(cache, config.origin.trusted_proxies.clone(), process);
    let proxy = Counted::before(proxy, metrics);

    let admin_address = admin_address(args, config)?;
    let admin_listener = admin_address
        .map(|address| {
            runtime
                .block_on(Listener::bind(address))
                .map_err(cannot_listen)
        })
        .transpose()?;

    let (stop, stopped) = watch::channel(false);
    let address = args.listen.unwrap_or(config.serve.listen);
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let gateway = Cores::serve(address, cores, &Arc::new(proxy), &clock, &limits, &stopped)
        .map_err(cannot_listen)?;
    let admin_address = admin_listener.as_ref().map(Listener::local_addr);
    tell(args, gateway.local_addr(), &url, &room, admin_address);

    runtime.block_on(async {
        match admin_listener {
            None => asked_to_stop().await,
            Some(listener) => {
                let limits = Limits::default();
                let (admin, stopped) = (Arc::new(admin), asked_to_stop());
                listener.serve(admin, clock, limits, stopped).await;
            }
        }
    });
    let _ = stop.send(true);
    super::tell_end(gateway.join());
    if let Some(store) = store {
        let closed = runtime.block_on(store.close());
        closed.map_err(|error| store_failure(error, "cannot close the store"))?;
    }
    Ok(())
}

fn open_store(args: &ServeArgs, config: &Config) -> Result<Option<Store>, Failure> {
    let Some(folder) = args.store.as_ref().or(config.cache.store.as_ref()) else {
        return Ok(None);
    };
    let options = Options::relaxed(config.cache.store_bytes_max);
    open_as(folder, options).map(Some)
}

/// What is there when `serve` begins.
fn on_disk(bytes: u64, responses: u64) -> String {
    let size = bytes.div_ceil(1024);
    match responses {
        0 => ", nothing on disk yet".to_owned(),
        1 => format!(", 1 response on disk ({size} KiB)"),
        _ => format!(", {responses} responses on disk ({size} KiB)"),
    }
}

/// Has the origin believe the authorities of a file, too.
#[cfg(feature = "https")]
fn trusting(origin: Origin, ca_file: Option<&Path>) -> Result<Origin, Failure> {
    let Some(path) = ca_file else {
        return Ok(origin);
    };
    let trust = Trust::default().and_file(path).map_err(|error| {
        let help = "`[origin] ca_file` names a file of certificates, each between `BEGIN CERTIFICATE` and \
                    `END CERTIFICATE`";
        Failure::words(error).help(help.to_owned())
    })?;
    Ok(origin.trusting(trust))
}

#[cfg(not(feature = "https"))]
fn trusting(origin: Origin, ca_file: Option<&Path>) -> Result<Origin, Failure> {
    if ca_file.is_none() {
        return Ok(origin);
    }
    let error = anyhow!("`[origin] ca_file` is about TLS, which this build has not");
    let help = "take it out, or build with TLS (`cargo install … --features https`)";
    Err(Failure::words(error).help(help.to_owned()))
}

fn cannot_listen(error: BindError) -> Failure {
    let help = error.help();
    Failure::work(error).help(help)
}

/// Where to answer those who run it, if anywhere; other machines need a token.
fn admin_address(args: &ServeArgs, config: &Config) -> Result<Option<SocketAddr>, Failure> {
    let Some(address) = args.admin.or(config.admin.listen) else {
        return Ok(None);
    };
    if config.admin.token.as_ref().is_some_and(String::is_empty) {
        let error = anyhow!("`[admin] token` is empty");
        return Err(
            Failure::words(error).help("give it a long random text, or take it out".to_owned())
        );
    }
    if !address.ip().is_loopback() && config.admin.token.is_none() {
        let error =
            anyhow!("other machines can reach {address}, and whoever does could purge and look");
        let help = "set `[admin] token`, or listen at 127.0.0.1";
        return Err(Failure::words(error).help(help.to_owned()));
    }
    Ok(Some(address))
}

fn refuse_what_is_for_folders(args: &ServeArgs) -> Result<(), Failure> {
    let word = match (args.dev, args.no_worker) {
        (true, _) => "--dev",
        (_, true) => "--no-worker",
        _ => return Ok(()),
    };
    let error = anyhow!("`{word}` is about the worker of a folder, and an origin gets none");
    Err(Failure::words(error).help("leave it out".to_owned()))
}

fn tell(
    args: &ServeArgs,
    address: SocketAddr,
    origin: &OriginUrl,
    room: &str,
    admin: Option<SocketAddr>,
) {
    let url = format!("http://{address}/");
    let origin = format!("{}://{}/", origin.scheme(), origin.authority());
    if args.json {
        say!(
            "{:#}",
            json!({ "url": url, "origin": origin, "admin": admin.map(|a| format!("http://{a}/")) })
        );
    } else {
        say!("listening on {url}, before {origin}, {room}");
        if let Some(admin) = admin {
            say!("health, metrics and purge at http://{admin}/");
        }
    }
    super::warn_off_loopback(address);
}

/// As many as there may be open files, without those for the origin and for us.
fn connections_max(origin_connections: usize) -> usize {
    let files = open_files_max().unwrap_or(FILES_ASSUMED);
    let ours = origin_connections + FILES_OF_OURS;
    files
        .saturating_sub(ours)
        .clamp(CONNECTIONS_LEAST, CONNECTIONS_MOST)
}

/// The system's limit of open files, raised as far as it lets us.
#[cfg(unix)]
fn open_files_max() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    Some(current.map_or(CONNECTIONS_MOST * 2, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    }))
}

#[cfg(not(unix))]
fn open_files_max() -> Option<usize> {
    None
}

const FILES_ASSUMED: usize = 1024;
/// Kept connections to the origin, listeners, the log; large bodies.
const FILES_OF_OURS: usize = 128 + revisit_engine::pages::FILES_MAX;
const CONNECTIONS_LEAST: usize = 64;
const CONNECTIONS_MOST: usize = 16_384;
