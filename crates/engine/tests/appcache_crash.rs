//! A browser with application caches is killed again and again: what it serves afterwards is the last version that it
//! said it had, or a later one, and whole.
#![cfg(feature = "appcache")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use revisit_engine::appcache::{AppCache, Options};
use revisit_engine::{Body, Fetch, FetchError, Request, Response, SystemClock};
use revisit_rules::appcache::Event;
use revisit_store::{Options as StoreOptions, Store};

const FOLDER: &str = "REVISIT_TEST_APPCACHE_FOLDER";
const PAGE: &str = "https://example.com/index.html";
const FILES: [&str; 3] = ["/a.js", "/b.js", "/big.bin"];
const ROUNDS: usize = 14;
/// The test below, which is the second process too.
const NAME: &str =
    "a_kill_at_any_step_of_an_update_leaves_a_whole_version_and_none_older_than_was_told";

/// A site of which all files carry the version's number; 0: nobody answers.
struct Site {
    version: Arc<AtomicU64>,
    tells: bool,
}

impl Fetch for Site {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        if self.tells {
            tell(request.uri().path());
        }
        let version = self.version.load(Ordering::SeqCst);
        let body = match request.uri().path() {
            _ if version == 0 => {
                return Err(FetchError::Unreachable {
                    origin: request.uri().to_string(),
                    source: "offline".into(),
                });
            }
            "/index.html" => format!("<html manifest=m.appcache><p>{version}"),
            "/m.appcache" => format!("CACHE MANIFEST\n# {version}\n{}\n", FILES.join("\n")),
            "/big.bin" => format!("{version}{}", " ".repeat(700_000)),
            _ => version.to_string(),
        };
        let mut response = Response::new(Body::from(Bytes::from(body)));
        response
            .headers_mut()
            .insert("content-type", http::HeaderValue::from_static("text/html"));
        Ok(response)
    }
}

fn tell(word: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "at {word}")
        .and_then(|()| out.flush())
        .expect("somebody reads");
}

async fn browser(folder: &Path, version: u64, tells: bool) -> (AppCache<Site>, Arc<AtomicU64>) {
    let store = Store::open(folder, StoreOptions::durable()).expect("a store that can be opened");
    let version = Arc::new(AtomicU64::new(version));
    let site = Site {
        version: version.clone(),
        tells,
    };
    let opened = AppCache::open(site, store, SystemClock::start(), Options::default()).await;
    (opened.expect("caches that can be read"), version)
}

fn get(url: &str) -> Request {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = url.parse().expect("a URL");
    request
}

async fn number(response: Response) -> u64 {
    let mut body = std::pin::pin!(response.into_body());
    let mut all = Vec::new();
    while let Some(frame) =
        std::future::poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx)).await
    {
        all.extend_from_slice(&frame.expect("a whole body").into_data().expect("data"));
    }
    let text = String::from_utf8(all).expect("text");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a version")
}

/// The version that is served offline; 0: none.
async fn served(folder: &Path) -> u64 {
    let (browser, _) = browser(folder, 0, false).await;
    let Ok(navigated) = browser.navigate(get(PAGE), None).await else {
        return 0;
    };
    let version = number(navigated.response).await;
    for file in FILES {
        let url = format!("https://example.com{file}");
        let found = navigated
            .page
            .load(get(&url))
            .await
            .expect("a file of the cache");
        assert_eq!(number(found).await, version, "versions mix at {file}");
    }
    // nothing of it holds the store when the next one opens it
    drop(navigated.page);
    browser.settled().await;
    version
}

/// What the second process does: one update after the other, each of which it tells.
async fn update_until_killed(folder: &Path) {
    let from = served(folder).await;
    let (browser, version) = browser(folder, from + 1, true).await;
    loop {
        let navigated = browser.navigate(get(PAGE), None).await.expect("a page");
        navigated.page.loaded();
        browser.settled().await;
        let is_kept = |it: &Event| matches!(it, Event::Cached | Event::UpdateReady);
        if navigated.page.events().iter().any(is_kept) {
            let mut out = std::io::stdout();
            let kept = version.load(Ordering::SeqCst);
            writeln!(out, "kept {kept}")
                .and_then(|()| out.flush())
                .expect("somebody reads");
        }
        version.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_kill_at_any_step_of_an_update_leaves_a_whole_version_and_none_older_than_was_told() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return update_until_killed(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut told = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "--nocapture", NAME])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a second process");
        // Each round one step later: a step is a request, or an update that is done.
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let steps = lines
            .map_while(Result::ok)
            .filter(|it| it.starts_with("at ") || it.starts_with("kept "));
        let mut seen = 0;
        for step in steps {
            seen += 1;
            if let Some(version) = step.strip_prefix("kept ") {
                told = version.parse().expect("a number");
            }
            if seen > round {
                break;
            }
        }
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        assert!(seen > round, "it ended by itself");
        let found = served(folder.path()).await;
        assert!(
            found >= told,
            "version {told} was kept, and {found} is served"
        );
    }
    assert!(told > 0, "no update was ever done");
}
