use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderValue, Method};
use revisit_rules::appcache::{ErrorReason, Served, Status};
use revisit_store::{Contract, Options as StoreOptions};

mod room;

use super::fetching::{Read, read, request};
use super::*;
use crate::{Body, FetchError, Request, Response};

const PAGE: &str = "https://example.com/index.html";
const MANIFEST: &str = "https://example.com/site.appcache";
const CSS: &str = "https://example.com/main.css";
const BIG: &str = "https://example.com/big.bin";

/// Servers in memory.
#[derive(Clone, Default)]
struct Servers(Arc<Mutex<Script>>);

/// Status, fields and body.
type File = (u16, Vec<(&'static str, String)>, Vec<u8>);

#[derive(Default)]
struct Script {
    files: BTreeMap<String, File>,
    offline: bool,
    asked: Vec<String>,
    /// The request of this number gets no answer.
    fails_at: Option<usize>,
}

impl Servers {
    fn with<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    fn set(
        &self,
        url: &str,
        status: u16,
        fields: &[(&'static str, &str)],
        body: impl Into<Vec<u8>>,
    ) {
        let fields = fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        self.with(|it| {
            it.files
                .insert(url.to_owned(), (status, fields, body.into()))
        });
    }

    /// A site of which every file says this version.
    fn release(&self, version: &str) {
        let page = format!("<!doctype html><html manifest=site.appcache><p>{version}");
        self.set(
            PAGE,
            200,
            &[
                ("content-type", "text/html; charset=utf-8"),
                ("x-policy", version),
            ],
            page,
        );
        self.set(CSS, 200, &[("content-type", "text/css")], version);
        let mut big = version.as_bytes().to_vec();
        big.resize(300_000, b'.');
        self.set(BIG, 200, &[], big);
        let manifest = format!(
            "CACHE MANIFEST\n# {version}\nmain.css\nbig.bin\nFALLBACK:\ndocs/ main.css\nNETWORK:\n*\n"
        );
        self.set(
            MANIFEST,
            200,
            &[("content-type", "text/cache-manifest")],
            manifest,
        );
    }
}

impl Fetch for Servers {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let url = request.uri().to_string();
        let answer = self.with(|it| {
            it.asked.push(url.clone());
            let fails = it.fails_at == Some(it.asked.len());
            (!it.offline && !fails).then(|| it.files.get(&url).cloned())
        });
        let Some(found) = answer else {
            return Err(FetchError::Unreachable {
                origin: url,
                source: "offline".into(),
            });
        };
        let (status, fields, body) = found.unwrap_or((404, Vec::new(), Vec::new()));
        let mut response = Response::new(Body::from(bytes::Bytes::from(body)));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        for (name, value) in fields {
            response.headers_mut().append(name, value.parse().unwrap());
        }
        Ok(response)
    }
}

/// A clock that stands still unless it is moved.
#[derive(Clone, Default)]
struct Still(Arc<AtomicUsize>);

impl Clock for Still {
    fn now(&self) -> SystemTime {
        let seconds = 1_600_000_000 + self.0.load(Ordering::SeqCst) as u64;
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

type Browser = AppCache<Servers>;

async fn browser(servers: &Servers, store: &Store) -> Browser {
    let (network, store) = (servers.clone(), store.clone());
    AppCache::open(network, store, Still::default(), Options::default())
        .await
        .unwrap()
}

fn get(url: &str) -> Request {
    request(
        &Url::parse(url).unwrap(),
        Method::GET,
        http::HeaderMap::new(),
    )
    .unwrap()
}

async fn text(response: Response) -> String {
    match read(response.into_body(), 1 << 20).await.unwrap() {
        Read::Whole(bytes) => {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            text.trim_end_matches('.').to_owned()
        }
        Read::Larger(..) => panic!("larger than any file here"),
    }
}

/// A visit to its end: page, what served it, and the events that it saw.
async fn visit(browser: &Browser, url: &str) -> (Page<Servers>, String, Option<Served>) {
    let navigated = browser.navigate(get(url), None).await.unwrap();
    navigated.page.loaded();
    browser.settled().await;
    (
        navigated.page,
        text(navigated.response).await,
        navigated.served,
    )
}

fn names(page: &Page<Servers>) -> Vec<&'static str> {
    let mut names: Vec<_> = page.events().iter().map(Event::name).collect();
    names.dedup();
    names
}

/// What a browser that starts over this store serves when it is offline: nothing, or one version.
async fn version_after_restart(store: &Store) -> Option<String> {
    let servers = Servers::default();
    servers.with(|it| it.offline = true);
    let browser = browser(&servers, store).await;
    let navigated = browser.navigate(get(PAGE), None).await.ok()?;
    let policy = navigated.response.headers()["x-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    let mut versions = vec![policy];
    let page = text(navigated.response).await;
    versions.push(page.rsplit('>').next().unwrap().to_owned());
    for url in [CSS, BIG] {
        versions.push(text(navigated.page.load(get(url)).await.unwrap()).await);
    }
    versions.dedup();
    assert_eq!(versions.len(), 1, "versions mix: {versions:?}");
    versions.pop()
}

fn disk() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::durable()).unwrap();
    (folder, store)
}

#[tokio::test]
async fn a_site_that_was_visited_is_there_after_a_restart_and_offline() {
    let (folder, store) = disk();
    let servers = Servers::default();
    servers.release("v1");
    let browser = browser(&servers, &store).await;
    let (page, _, served) = visit(&browser, PAGE).await;
    assert_eq!(served, None);
    assert_eq!(
        names(&page),
        ["checking", "downloading", "progress", "cached"]
    );
    assert_eq!(page.status(), Status::Idle);
    let kept = browser.kept();
    assert_eq!(kept.len(), 1);
    let css = kept[0].entries.iter().find(|(url, _)| url == CSS).unwrap();
    assert_eq!(css.1, ["explicit", "fallback"]);
    assert!(kept[0].bytes > 300_000);
    drop((page, browser, store));
    let store = Store::open(folder.path(), StoreOptions::durable()).unwrap();
    assert_eq!(version_after_restart(&store).await.as_deref(), Some("v1"));
}

#[tokio::test]
async fn an_update_is_seen_by_the_next_page_and_by_one_that_swaps() {
    let servers = Servers::default();
    let store = Store::memory(Contract::Durable);
    servers.release("v1");
    let browser = browser(&servers, &store).await;
    let (first, ..) = visit(&browser, PAGE).await;
    servers.release("v2");
    let (second, body, served) = visit(&browser, PAGE).await;
    assert!(body.ends_with("v1") && served == Some(Served::Itself));
    assert_eq!(
        names(&second),
        ["checking", "downloading", "progress", "updateready"]
    );
    assert_eq!(text(second.load(get(CSS)).await.unwrap()).await, "v1");
    second.swap_cache().unwrap();
    assert_eq!(text(second.load(get(BIG)).await.unwrap()).await, "v2");
    // the first still has the files that it came with
    assert_eq!(text(first.load(get(BIG)).await.unwrap()).await, "v1");
    assert_eq!(first.status(), Status::UpdateReady);
    assert_eq!(version_after_restart(&store).await.as_deref(), Some("v2"));
}

#[tokio::test]
async fn an_update_that_is_cut_off_at_any_request_leaves_the_last_good_version() {
    let (_folder, store) = disk();
    let servers = Servers::default();
    servers.release("v1");
    let browser = browser(&servers, &store).await;
    drop(visit(&browser, PAGE).await);
    servers.release("v2");
    // The fourth is the page, which by the text keeps its old copy when it cannot be had.
    for (at, url) in [(1, MANIFEST), (2, CSS), (3, BIG), (5, MANIFEST)] {
        servers.with(|it| {
            it.asked.clear();
            it.fails_at = Some(at);
        });
        let (page, ..) = visit(&browser, PAGE).await;
        assert_eq!(names(&page).last(), Some(&"error"), "at {at}");
        assert_eq!(servers.with(|it| it.asked[at - 1].clone()), url);
        let version = version_after_restart(&store).await;
        assert_eq!(version.as_deref(), Some("v1"), "at {at}");
    }
    servers.with(|it| it.fails_at = None);
    drop(visit(&browser, PAGE).await);
    assert_eq!(version_after_restart(&store).await.as_deref(), Some("v2"));
}

#[tokio::test]
async fn a_manifest_that_is_gone_takes_the_kept_cache_with_it() {
    let (_folder, store) = disk();
    let servers = Servers::default();
    servers.release("v1");
    let browser = browser(&servers, &store).await;
    drop(visit(&browser, PAGE).await);
    servers.set(MANIFEST, 410, &[], "");
    let (page, ..) = visit(&browser, PAGE).await;
    assert_eq!(names(&page), ["checking", "obsolete"]);
    assert_eq!(page.status(), Status::Obsolete);
    // the page goes on with what it has
    assert_eq!(text(page.load(get(CSS)).await.unwrap()).await, "v1");
    drop(page);
    assert_eq!(version_after_restart(&store).await, None);
    assert!(browser.kept().is_empty());
}

#[tokio::test]
async fn an_origin_that_keeps_too_much_gets_an_error_and_what_it_had_stays() {
    let store = Store::memory(Contract::Durable);
    let servers = Servers::default();
    servers.release("v1");
    let options = Options {
        origin_bytes_max: 400_000,
        ..Options::default()
    };
    let browser = AppCache::open(servers.clone(), store.clone(), Still::default(), options);
    let browser = browser.await.unwrap();
    drop(visit(&browser, PAGE).await);
    servers.release("v2");
    let (page, ..) = visit(&browser, PAGE).await;
    assert_eq!(
        names(&page),
        ["checking", "downloading", "progress", "error"]
    );
    assert_eq!(version_after_restart(&store).await.as_deref(), Some("v1"));
}

#[tokio::test]
async fn an_update_that_receives_more_than_an_origin_may_keep_ends_before_it_asks_for_the_rest() {
    let servers = Servers::default();
    servers.release("v1");
    let file = |at: usize| format!("https://example.com/f/{at}");
    for (count, bytes_max, kept) in [(4, 500_000, true), (40, 500_000, false)] {
        let listed: String = (0..count).map(|at| format!("f/{at}\n")).collect();
        servers.set(MANIFEST, 200, &[], format!("CACHE MANIFEST\n{listed}"));
        for at in 0..count {
            servers.set(&file(at), 200, &[], vec![b'.'; 100_000]);
        }
        servers.with(|it| it.asked.clear());
        let options = Options {
            origin_bytes_max: bytes_max,
            ..Options::default()
        };
        let store = Store::memory(Contract::Durable);
        let browser = AppCache::open(servers.clone(), store, Still::default(), options);
        let browser = browser.await.unwrap();
        // a second attempt counts anew
        for _ in 0..2 {
            let (page, ..) = visit(&browser, PAGE).await;
            let last = page.events().pop().unwrap();
            match last {
                Event::Error(trouble) => assert_eq!(trouble.reason, ErrorReason::Quota),
                other => assert!(kept, "{other:?}"),
            }
            assert_eq!(browser.kept().len(), usize::from(kept));
        }
        let asked = servers.with(|it| it.asked.iter().filter(|url| url.contains("/f/")).count());
        // five fit, and six are under way at a time
        let most = if kept { 4 } else { 2 * (5 + 6) };
        assert!(asked <= most, "{asked} of {count}");
    }
}

#[tokio::test]
async fn pages_that_are_too_many_go_from_the_store_too() {
    let servers = Servers::default();
    servers.release("v1");
    let store = Store::memory(Contract::Durable);
    let limits = Limits {
        masters_max: 2,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let clock = Still::default();
    let open = || AppCache::open(servers.clone(), store.clone(), clock.clone(), options);
    let browser = open().await.unwrap();
    let html = [("content-type", "text/html")];
    for at in ["9", "8", "7", "6"] {
        let url = format!("https://example.com/{at}.html");
        servers.set(&url, 200, &html, "<html manifest=site.appcache>");
        clock.0.fetch_add(1, Ordering::SeqCst);
        let (page, ..) = visit(&browser, &url).await;
        assert_eq!(page.status(), Status::Idle);
    }
    drop(browser);
    let kept = open().await.unwrap().kept().remove(0).entries;
    let mut pages = kept.iter().filter(|(_, is)| is.contains(&"master"));
    assert_eq!(pages.next().unwrap().0, "https://example.com/6.html");
    assert_eq!(pages.next().unwrap().0, "https://example.com/7.html");
    assert_eq!(pages.next(), None);
    // the rest of the cache is there
    assert!(kept.iter().any(|(url, _)| url == BIG));
}

#[tokio::test]
async fn a_fallback_answers_for_what_fails_and_a_closed_network_refuses() {
    let servers = Servers::default();
    servers.release("v1");
    let store = Store::memory(Contract::Durable);
    let browser = browser(&servers, &store).await;
    let (page, ..) = visit(&browser, PAGE).await;
    servers.set("https://example.com/docs/a", 500, &[], "broken");
    servers.set(
        "https://example.com/docs/b",
        302,
        &[("location", "https://login.example/")],
        "",
    );
    for path in ["a", "b"] {
        let response = page
            .load(get(&format!("https://example.com/docs/{path}")))
            .await;
        assert_eq!(text(response.unwrap()).await, "v1", "{path}");
    }
    let (_, body, served) = visit(&browser, "https://example.com/docs/a").await;
    assert_eq!((&*body, served), ("v1", Some(Served::Fallback)));
    servers.set(MANIFEST, 200, &[], "CACHE MANIFEST\nmain.css\n");
    let (page, ..) = visit(&browser, PAGE).await;
    page.swap_cache().unwrap();
    let refused = page.load(get(BIG)).await.unwrap_err();
    assert_eq!(refused.status(), http::StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_redirect_without_end_and_a_body_that_breaks_off_are_errors() {
    let servers = Servers::default();
    servers.release("v1");
    servers.set(PAGE, 302, &[("location", "/index.html")], "");
    let store = Store::memory(Contract::Durable);
    let browser = browser(&servers, &store).await;
    let error = browser.navigate(get(PAGE), None).await.err().unwrap();
    assert!(error.to_string().contains(PAGE), "{error}");
    servers.release("v1");
    servers.set(CSS, 302, &[("location", "/main.css")], "");
    let (page, ..) = visit(&browser, PAGE).await;
    assert_eq!(
        names(&page),
        ["checking", "downloading", "progress", "error"]
    );
    assert_eq!(
        servers.with(|it| it.asked.iter().filter(|url| *url == CSS).count()),
        1
    );
}

#[tokio::test]
async fn as_a_fetch_it_opens_a_page_for_a_navigation_and_loads_by_it() {
    let servers = Servers::default();
    servers.release("v1");
    let store = Store::memory(Contract::Durable);
    let browser = browser(&servers, &store).await;
    let mut navigation = get(PAGE);
    navigation
        .headers_mut()
        .insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
    let response = browser.fetch(navigation).await.unwrap();
    let page = response
        .extensions()
        .get::<PageRef<Servers>>()
        .unwrap()
        .clone();
    browser.settled().await;
    servers.with(|it| it.offline = true);
    let mut load = get(CSS);
    load.extensions_mut().insert(page);
    assert_eq!(text(browser.fetch(load).await.unwrap()).await, "v1");
    assert!(
        browser.fetch(get(CSS)).await.is_err(),
        "nobody's load is the network's"
    );
}

#[tokio::test]
async fn a_large_page_comes_whole_and_is_kept_within_its_limit_alone() {
    let servers = Servers::default();
    servers.release("v1");
    let page = |manifest: &str| format!("<html{manifest}>{}", " ".repeat(200_000));
    for (manifest, bytes_max, kept) in [
        ("", 1 << 20, 0),
        (" manifest=site.appcache", 1 << 20, 1),
        (" manifest=site.appcache", 100_000, 0),
    ] {
        let store = Store::memory(Contract::Durable);
        servers.set(PAGE, 200, &[("content-type", "text/html")], page(manifest));
        let options = Options {
            page_bytes_max: bytes_max,
            ..Options::default()
        };
        let browser = AppCache::open(servers.clone(), store, Still::default(), options);
        let browser = browser.await.unwrap();
        let (_page, body, _) = visit(&browser, PAGE).await;
        assert_eq!(body, page(manifest));
        assert_eq!(browser.kept().len(), kept, "{manifest} {bytes_max}");
    }
}

#[tokio::test]
async fn what_is_removed_is_gone_from_the_store() {
    let (_folder, store) = disk();
    let servers = Servers::default();
    servers.release("v1");
    let browser = browser(&servers, &store).await;
    drop(visit(&browser, PAGE).await);
    let manifest = Url::parse(MANIFEST).unwrap();
    assert!(browser.remove(&manifest) && !browser.remove(&manifest));
    browser.settled().await;
    assert_eq!(version_after_restart(&store).await, None);
    assert_eq!(store.usage(&keep::space_of(&manifest)).entries, 0);
}
