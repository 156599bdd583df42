//! What an origin may keep in all, and who makes room.

use super::*;
use crate::record::AppGroup;

const FILE_BYTES: usize = 100_000;

/// Sites of one file each on one host, each in a folder of its own.
fn sites(names: &[&str]) -> Servers {
    let servers = Servers::default();
    for name in names {
        let at = |file: &str| format!("https://example.com/{name}/{file}");
        let html = [("content-type", "text/html")];
        servers.set(&at(""), 200, &html, "<html manifest=m>");
        servers.set(&at("m"), 200, &[], "CACHE MANIFEST\nfile\n");
        servers.set(&at("file"), 200, &[], vec![b'.'; FILE_BYTES]);
    }
    servers
}

struct Room {
    servers: Servers,
    store: Store,
    clock: Still,
    options: Options,
}

impl Room {
    /// For so many of the sites.
    fn of(servers: Servers, sites: usize) -> Self {
        let bytes_max = (sites * FILE_BYTES + FILE_BYTES / 2) as u64;
        Self {
            servers,
            store: Store::memory(Contract::Durable),
            clock: Still::default(),
            options: Options {
                origin_bytes_max: bytes_max,
                ..Options::default()
            },
        }
    }

    async fn browser(&self) -> Browser {
        let (network, store) = (self.servers.clone(), self.store.clone());
        let opened = AppCache::open(network, store, self.clock.clone(), self.options);
        opened.await.unwrap()
    }

    /// A visit a second after the one before.
    async fn visit(&self, browser: &Browser, name: &str) -> Page<Servers> {
        self.clock.0.fetch_add(1, Ordering::SeqCst);
        visit(browser, &format!("https://example.com/{name}/"))
            .await
            .0
    }

    /// The sites that are kept, in the browser and after a restart.
    async fn kept(&self, browser: &Browser) -> Vec<String> {
        let names = |browser: &Browser| -> Vec<String> {
            let kept = browser.kept().into_iter();
            kept.map(|it| it.manifest_url.path()[1..2].to_owned())
                .collect()
        };
        let kept = names(browser);
        assert_eq!(names(&self.browser().await), kept, "in the store");
        kept
    }

    /// When the store has it that the site was used.
    async fn used(&self, name: &str) -> u64 {
        let url = Url::parse(&format!("https://example.com/{name}/m")).unwrap();
        let space = keep::space_of(&url);
        let collection = self.store.collection(&space, url.as_str().as_bytes());
        let collection = collection.await.unwrap().expect("a site that is kept");
        let entry = collection.find(AppGroup::ID).await.unwrap().remove(0);
        let used = AppGroup::read(&entry.head).unwrap().used;
        let since = used.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        since.as_secs() - 1_600_000_000
    }
}

fn reason(page: &Page<Servers>) -> Option<ErrorReason> {
    match page.events().pop()? {
        Event::Error(trouble) => Some(trouble.reason),
        _ => None,
    }
}

#[tokio::test]
async fn an_origin_without_room_drops_what_nobody_used_for_longest() {
    let room = Room::of(sites(&["a", "b", "c", "d"]), 3);
    let browser = room.browser().await;
    for name in ["a", "b", "c", "a"] {
        drop(room.visit(&browser, name).await);
    }
    let page = room.visit(&browser, "d").await;
    assert_eq!(names(&page).last(), Some(&"cached"));
    assert_eq!(room.kept(&browser).await, ["a", "c", "d"]);
}

#[tokio::test]
async fn what_pages_have_makes_no_room_and_the_update_ends() {
    let room = Room::of(sites(&["a", "b"]), 1);
    let browser = room.browser().await;
    let open = room.visit(&browser, "a").await;
    let page = room.visit(&browser, "b").await;
    assert_eq!(reason(&page), Some(ErrorReason::Quota));
    assert_eq!(room.kept(&browser).await, ["a"]);
    drop(open);
    let page = room.visit(&browser, "b").await;
    assert_eq!(names(&page).last(), Some(&"cached"));
    assert_eq!(room.kept(&browser).await, ["b"]);
}

#[tokio::test]
async fn nothing_is_dropped_for_an_update_that_cannot_fit() {
    // 100: `a` 60, idle; `b` 30, its page open; the next `b` 80
    let servers = sites(&["a", "b"]);
    let file = |name: &str, percent: usize| {
        let bytes = vec![b'.'; percent * FILE_BYTES / 100];
        servers.set(&format!("https://example.com/{name}/file"), 200, &[], bytes);
    };
    file("a", 60);
    file("b", 30);
    let mut room = Room::of(servers.clone(), 1);
    room.options.origin_bytes_max = FILE_BYTES as u64;
    let browser = room.browser().await;
    drop(room.visit(&browser, "a").await);
    let open = room.visit(&browser, "b").await;
    file("b", 80);
    servers.set(
        "https://example.com/b/m",
        200,
        &[],
        "CACHE MANIFEST\n#2\nfile\n",
    );
    for _ in 0..2 {
        let page = room.visit(&browser, "b").await;
        assert_eq!(reason(&page), Some(ErrorReason::Quota));
        assert_eq!(room.kept(&browser).await, ["a", "b"]);
    }
    // beside the version before it fits, without the other
    file("b", 60);
    let page = room.visit(&browser, "b").await;
    assert_eq!(names(&page).last(), Some(&"updateready"));
    assert_eq!(room.kept(&browser).await, ["b"]);
    drop(open);
}

#[tokio::test]
async fn nothing_is_dropped_for_an_update_that_fails_after_its_files_came() {
    let servers = sites(&["a", "b"]);
    servers.set(
        "https://example.com/b/m",
        200,
        &[],
        "CACHE MANIFEST\nfile\ngone\n",
    );
    let room = Room::of(servers, 1);
    let browser = room.browser().await;
    drop(room.visit(&browser, "a").await);
    let page = room.visit(&browser, "b").await;
    assert_eq!(reason(&page), Some(ErrorReason::Resource));
    assert_eq!(room.kept(&browser).await, ["a"]);
}

#[tokio::test]
async fn pages_that_come_from_the_network_count_as_uses() {
    const DAY: usize = 86_400;
    let servers = sites(&["a"]);
    let manifest = "CACHE MANIFEST\nfile\nSETTINGS:\nprefer-online\n";
    servers.set("https://example.com/a/m", 200, &[], manifest);
    let room = Room::of(servers, 1);
    let browser = room.browser().await;
    drop(room.visit(&browser, "a").await);
    let first = room.used("a").await;
    room.clock.0.fetch_add(DAY - 1, Ordering::SeqCst);
    drop(room.visit(&browser, "a").await);
    assert_eq!(room.used("a").await, first + DAY as u64);
}

#[tokio::test]
async fn what_is_known_of_uses_goes_with_its_group() {
    let room = Room::of(sites(&["a", "b"]), 1);
    let browser = room.browser().await;
    let noted = || browser.0.look(|state| state.use_written.len());
    for name in ["a", "b", "a", "b"] {
        drop(room.visit(&browser, name).await);
        assert_eq!(noted(), 1);
    }
    let page = room.visit(&browser, "b").await;
    let manifest = Url::parse("https://example.com/b/m").unwrap();
    assert!(browser.remove(&manifest));
    drop(page);
    browser.settled().await;
    assert_eq!(noted(), 0);
}

#[tokio::test]
async fn updates_at_the_same_time_have_one_bound() {
    let room = Room::of(sites(&["a", "b", "c"]), 2);
    let browser = room.browser().await;
    let mut pages = Vec::new();
    for name in ["a", "b", "c"] {
        let url = format!("https://example.com/{name}/");
        pages.push(browser.navigate(get(&url), None).await.unwrap().page);
    }
    pages.iter().for_each(Page::loaded);
    browser.settled().await;
    let ended = pages.iter().filter_map(reason);
    assert_eq!(ended.collect::<Vec<_>>(), [ErrorReason::Quota]);
    assert_eq!(room.kept(&browser).await.len(), 2);
    // what was received for the one that ended is no longer counted
    drop(pages);
    for name in ["a", "b", "c"] {
        let page = room.visit(&browser, name).await;
        assert_eq!(page.status(), Status::Idle, "{name}");
    }
}

#[tokio::test]
async fn a_use_is_written_once_a_day_and_counts_after_a_restart() {
    const DAY: usize = 86_400;
    let room = Room::of(sites(&["a", "b", "c"]), 2);
    let browser = room.browser().await;
    drop(room.visit(&browser, "a").await);
    drop(room.visit(&browser, "b").await);
    let first = room.used("a").await;
    room.clock.0.fetch_add(DAY - 3, Ordering::SeqCst);
    drop(room.visit(&browser, "a").await);
    assert_eq!(room.used("a").await, first);
    drop(room.visit(&browser, "a").await);
    assert_eq!(room.used("a").await, first + DAY as u64);
    assert_eq!(room.used("b").await, first + 1);
    drop(browser);
    let browser = room.browser().await;
    assert!(browser.kept()[0].used > browser.kept()[1].used);
    drop(room.visit(&browser, "c").await);
    assert_eq!(room.kept(&browser).await, ["a", "c"]);
}

#[tokio::test]
async fn what_is_still_read_gives_its_room_later_and_nothing_else_goes_for_it() {
    let room = Room::of(sites(&["a", "b", "c"]), 2);
    let browser = room.browser().await;
    drop(room.visit(&browser, "a").await);
    drop(room.visit(&browser, "b").await);
    let reader = room.browser().await;
    let page = room.visit(&browser, "c").await;
    assert_eq!(reason(&page), Some(ErrorReason::Quota));
    assert_eq!(room.kept(&browser).await, ["b"]);
    drop((page, reader));
    let page = room.visit(&browser, "c").await;
    assert_eq!(page.status(), Status::Idle);
    assert_eq!(room.kept(&browser).await, ["b", "c"]);
}
