//! What `cargo xtask crash` runs, kills and looks at for application caches: a site that is visited, updated, made
//! obsolete and removed, and what a browser serves of it afterwards, offline.
//!
//! ```text
//! appcache_crash run   updates FOLDER LOG   steps one after the other
//! appcache_crash check updates FOLDER LOG   is what is served what the log allows, whole?
//! ```
//!
//! The log has a line `BEGIN n`, and then `ACK n` when a page hears that step n is done, or `ERR n` when it hears of
//! an error. It is written by `writev`, which the store does not use.
#![allow(clippy::print_stderr, reason = "a program for developers")]

use std::fs::{self, File};
use std::io::{IoSlice, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use revisit_engine::appcache::{AppCache, Navigated, Options};
use revisit_engine::{Body, Fetch, FetchError, Request, Response, SystemClock};
use revisit_rules::appcache::Event;
use revisit_store::{Options as StoreOptions, Store};
use url::Url;

type Failed = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let done = runtime.map_err(Failed::from).and_then(|runtime| {
        runtime.block_on(async {
            match words[..] {
                ["run", _, folder, log] => run(folder.as_ref(), log.as_ref()).await,
                ["check", _, folder, log] => check(folder.as_ref(), log.as_ref()).await,
                _ => Err("run|check updates FOLDER LOG".into()),
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One step, and what is kept when it is done.
#[derive(Clone, Copy)]
enum Step {
    /// The site has this version, and its page is visited.
    Release(u64),
    /// Another page of it is visited, and added to the cache that is there.
    Add,
    /// Its manifest is gone, and the page is visited.
    Gone,
    /// It is removed by hand.
    Remove,
}

const STEPS: [Step; 8] = [
    Step::Release(1),
    Step::Release(2),
    Step::Add,
    Step::Release(3),
    Step::Gone,
    Step::Release(4),
    Step::Remove,
    Step::Release(5),
];

/// The version after a step; 0: none.
fn after(before: u64, step: Step) -> u64 {
    match step {
        Step::Release(version) => version,
        Step::Add => before,
        Step::Gone | Step::Remove => 0,
    }
}

const PAGE: &str = "https://example.com/index.html";
const OTHER_PAGE: &str = "https://example.com/other.html";
const MANIFEST: &str = "https://example.com/m.appcache";
/// The first is kept in the catalog, the others as files.
const FILES: [&str; 3] = ["/a.js", "/b.bin", "/c.bin"];

/// A site of which all files carry the version's number; 0: nobody answers.
#[derive(Clone, Default)]
struct Site {
    version: Arc<AtomicU64>,
    manifest_is_gone: Arc<AtomicU64>,
}

impl Fetch for Site {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let version = self.version.load(Ordering::SeqCst);
        let gone = self.manifest_is_gone.load(Ordering::SeqCst) > 0;
        let (status, body) = match request.uri().path() {
            _ if version == 0 => {
                return Err(FetchError::Unreachable {
                    origin: request.uri().to_string(),
                    source: "offline".into(),
                });
            }
            "/m.appcache" if gone => (StatusCode::GONE, String::new()),
            "/m.appcache" => {
                let text = format!("CACHE MANIFEST\n# {version}\n{}\n", FILES.join("\n"));
                (StatusCode::OK, text)
            }
            path if path.ends_with(".html") => (
                StatusCode::OK,
                format!("<html manifest=m.appcache><p>{version}"),
            ),
            path if path.ends_with(".bin") => {
                (StatusCode::OK, format!("{version}{}", " ".repeat(200_000)))
            }
            _ => (StatusCode::OK, version.to_string()),
        };
        let mut response = Response::new(Body::from(Bytes::from(body)));
        *response.status_mut() = status;
        let html = HeaderValue::from_static("text/html");
        response.headers_mut().insert("content-type", html);
        // so that no answer stands for a later version
        let ask = HeaderValue::from_static("no-cache");
        response.headers_mut().insert("cache-control", ask);
        Ok(response)
    }
}

struct Log(File);

impl Log {
    fn open(path: &Path) -> Result<Self, Failed> {
        Ok(Self(File::options().create(true).append(true).open(path)?))
    }

    fn say(&mut self, line: &str) -> Result<(), Failed> {
        let parts = [IoSlice::new(line.as_bytes()), IoSlice::new(b"\n")];
        match self.0.write_vectored(&parts)? == line.len() + 1 {
            true => Ok(()),
            false => Err("the log has no room".into()),
        }
    }
}

fn get(url: &str) -> Result<Request, Failed> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = url.parse()?;
    Ok(request)
}

async fn run(folder: &Path, log: &Path) -> Result<(), Failed> {
    let mut log = Log::open(log)?;
    let store = match Store::open(folder, StoreOptions::durable()) {
        Ok(store) => store,
        // What was injected hit the opening: nothing was told.
        Err(error) => return log.say(&format!("CLOSED {error}")),
    };
    let site = Site::default();
    let clock = SystemClock::start();
    let opened = AppCache::open(site.clone(), store.clone(), clock, Options::default()).await;
    let browser = match opened {
        Ok(browser) => browser,
        Err(error) => return log.say(&format!("CLOSED {error}")),
    };
    for (number, step) in STEPS.into_iter().enumerate() {
        log.say(&format!("BEGIN {number}"))?;
        site.manifest_is_gone.store(0, Ordering::SeqCst);
        let url = match step {
            Step::Add => OTHER_PAGE,
            _ => PAGE,
        };
        match step {
            Step::Release(version) => site.version.store(version, Ordering::SeqCst),
            Step::Gone => site.manifest_is_gone.store(1, Ordering::SeqCst),
            Step::Add | Step::Remove => {}
        }
        let said = if matches!(step, Step::Remove) {
            browser.remove(&Url::parse(MANIFEST)?);
            None
        } else {
            let Navigated { page, .. } = browser.navigate(get(url)?, None).await?;
            page.loaded();
            Some(until_told(&page).await)
        };
        // an update is told when it is there; that something is gone, when it is
        let told_at_once = match said {
            Some(Event::Cached | Event::UpdateReady | Event::NoUpdate) => true,
            Some(Event::Obsolete) | None => {
                browser.settled().await;
                store
                    .spaces()
                    .iter()
                    .all(|space| store.collections(space).is_empty())
            }
            _ => false,
        };
        log.say(&format!(
            "{} {number}",
            if told_at_once { "ACK" } else { "ERR" }
        ))?;
        browser.settled().await;
    }
    drop(browser);
    if let Err(error) = store.close().await {
        log.say(&format!("CLOSED {error}"))?;
    }
    Ok(())
}

/// The event with which an update ends.
async fn until_told(page: &revisit_engine::appcache::Page<Site>) -> Event {
    loop {
        let event = page.event().await;
        if !matches!(
            event,
            Event::Checking | Event::Downloading | Event::Progress { .. }
        ) {
            return event;
        }
    }
}

async fn check(folder: &Path, log: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let mut allowed = vec![0];
    for (number, step) in STEPS.into_iter().enumerate() {
        let said = |word: &str| text.lines().any(|line| line == format!("{word} {number}"));
        let done: Vec<u64> = allowed.iter().map(|before| after(*before, step)).collect();
        if said("ACK") {
            allowed = done;
        } else if said("BEGIN") {
            // It was cut off, or is not known to have happened.
            allowed.extend(done);
        }
    }
    let store = Store::open(folder, StoreOptions::durable())?;
    let found = served(&store).await?;
    if !allowed.contains(&found) {
        return Err(format!("version {found} is served, not one of {allowed:?}\n{text}").into());
    }
    let report = store.check().await?;
    if !report.damages.is_empty() {
        return Err(format!("damaged: {:?}", report.damages).into());
    }
    // nothing is left of other versions
    let entries = store.usage_of_all().entries;
    let pages = 1 + u64::from(found == 2 || found == 3);
    let most = match found {
        0 => 0,
        _ => 2 + FILES.len() as u64 + pages,
    };
    match entries <= most {
        true => Ok(()),
        false => Err(format!("{entries} entries for version {found}\n{text}").into()),
    }
}

/// The version that is served offline; 0: none.
async fn served(store: &Store) -> Result<u64, Failed> {
    let site = Site::default();
    let clock = SystemClock::start();
    let browser = AppCache::open(site, store.clone(), clock, Options::default()).await?;
    let Ok(Navigated { page, response, .. }) = browser.navigate(get(PAGE)?, None).await else {
        return Ok(0);
    };
    let version = number(response).await?;
    for file in FILES {
        let found = page
            .load(get(&format!("https://example.com{file}"))?)
            .await?;
        let other = number(found).await?;
        if other != version {
            return Err(format!("`{file}` is of version {other}, the page of {version}").into());
        }
    }
    drop(page);
    browser.settled().await;
    Ok(version)
}

async fn number(response: Response) -> Result<u64, Failed> {
    let mut body = std::pin::pin!(response.into_body());
    let mut all = Vec::new();
    while let Some(frame) =
        std::future::poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx)).await
    {
        let frame = frame.map_err(|error| error.to_string())?;
        all.extend_from_slice(&frame.into_data().unwrap_or_default());
    }
    let text = String::from_utf8(all)?;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}
