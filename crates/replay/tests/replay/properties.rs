//! What holds for every site and every order of actions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{CACHE_CONTROL, DATE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderValue, StatusCode};
use proptest::prelude::*;
use revisit_replay::{
    Action, Answer, CacheMode, Destination, Fetching, Layer, Loaded, Network, Options, Parse,
    Phase, Replay, Request, Response, Server, Subresource, UnknownVersion, Visit,
};
use revisit_rules::http::precondition::http_date;
use url::Url;

/// A site that never changes, and answers conditions.
#[derive(Clone, Debug)]
struct Site {
    files: Arc<HashMap<Url, File>>,
    pages: Arc<HashMap<Url, Arc<[Subresource]>>>,
}

#[derive(Clone, Debug)]
struct File {
    cache_control: String,
    tagged: bool,
    vary: bool,
    bytes: usize,
}

impl Server for Site {
    fn answer(&mut self, request: &Request, now: SystemTime) -> Answer {
        let Some(file) = self.files.get(&request.url) else {
            return Answer::Response(Response::new(StatusCode::NOT_FOUND, ""));
        };
        let current = file.tagged
            && request
                .headers
                .get(IF_NONE_MATCH)
                .is_some_and(|tag| tag == "\"t\"");
        let mut response = match current {
            true => Response::new(StatusCode::NOT_MODIFIED, ""),
            false => Response::new(StatusCode::OK, vec![b'x'; file.bytes]),
        };
        let mut set = |name, value: &str| {
            response
                .headers
                .insert(name, HeaderValue::from_str(value).expect("a field value"));
        };
        set(CACHE_CONTROL, &file.cache_control);
        set(DATE, &http_date(now).expect("a moment of this century"));
        if file.tagged {
            set(ETAG, "\"t\"");
        }
        if file.vary {
            set(VARY, "Accept-Encoding");
        }
        Answer::Response(response)
    }

    fn deploy(&mut self, version: &str) -> Result<(), UnknownVersion> {
        Err(UnknownVersion {
            version: version.to_owned(),
            known: "none".to_owned(),
        })
    }
}

impl Parse for Site {
    fn subresources(&mut self, loaded: &Loaded<'_>) -> Arc<[Subresource]> {
        self.pages.get(loaded.url).cloned().unwrap_or_default()
    }
}

fn url(path: &str) -> Url {
    Url::parse(&format!("https://example.com{path}")).expect("a URL of this test")
}

fn file(cache_control: BoxedStrategy<String>) -> impl Strategy<Value = File> {
    // No page is so small that its bytes are less than those of a condition.
    (cache_control, any::<bool>(), any::<bool>(), 200..5000_usize).prop_map(
        |(cache_control, tagged, vary, bytes)| File {
            cache_control,
            tagged,
            vary,
            bytes,
        },
    )
}

fn any_directives() -> BoxedStrategy<String> {
    prop_oneof![
        Just("no-store".to_owned()),
        Just("no-cache".to_owned()),
        Just("immutable, max-age=100000".to_owned()),
        Just("max-age=5, stale-while-revalidate=100".to_owned()),
        Just("must-revalidate, max-age=50".to_owned()),
        Just("public".to_owned()),
        (0..100_000_u32).prop_map(|seconds| format!("max-age={seconds}")),
    ]
    .boxed()
}

fn an_hour_or_more() -> BoxedStrategy<String> {
    let seconds = 3600..7200_u32;
    seconds
        .prop_map(|seconds| format!("max-age={seconds}"))
        .boxed()
}

fn destination() -> impl Strategy<Value = Destination> {
    prop_oneof![
        Just(Destination::Script),
        Just(Destination::Style),
        Just(Destination::Image),
        Just(Destination::Font),
        Just(Destination::Fetch),
        Just(Destination::Iframe),
    ]
}

/// Pages `/0`, `/1`, … that load files `/f0`, `/f1`, …
fn site(directives: BoxedStrategy<String>) -> impl Strategy<Value = Site> {
    let files = prop::collection::vec((file(directives.clone()), destination()), 1..6);
    let pages = prop::collection::vec(
        (file(directives), prop::collection::vec(0..6_usize, 0..6)),
        PAGES,
    );
    (files, pages).prop_map(|(files, pages)| {
        let mut all = HashMap::new();
        let mut loads = HashMap::new();
        for (number, (file, loaded)) in pages.iter().enumerate() {
            let page = url(&format!("/{number}"));
            let found = loaded.iter().map(|place| {
                let place = place % files.len();
                let file = url(&format!("/f{place}"));
                let phase = if place == 4 {
                    Phase::Prefetch
                } else {
                    Phase::Load
                };
                Subresource::plain(file, files[place].1).in_phase(phase)
            });
            loads.insert(page.clone(), found.collect());
            all.insert(page, file.clone());
        }
        for (number, (file, _)) in files.into_iter().enumerate() {
            all.insert(url(&format!("/f{number}")), file);
        }
        Site {
            files: Arc::new(all),
            pages: Arc::new(loads),
        }
    })
}

const PAGES: usize = 3;

fn page() -> impl Strategy<Value = Url> {
    (0..PAGES).prop_map(|number| url(&format!("/{number}")))
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => page().prop_map(Action::Typed),
        2 => page().prop_map(Action::Link),
        1 => page().prop_map(Action::NewTab),
        1 => (0..3_usize).prop_map(Action::Tab),
        1 => Just(Action::Reload),
        1 => Just(Action::HardReload),
        1 => Just(Action::Back),
        1 => Just(Action::Forward),
        1 => Just(Action::CloseTab),
        1 => Just(Action::Restart),
        1 => (page(), 0..6_usize).prop_map(|(page, mode)| {
            let mode = [
                CacheMode::Default,
                CacheMode::NoStore,
                CacheMode::Reload,
                CacheMode::NoCache,
                CacheMode::ForceCache,
                CacheMode::OnlyIfCached,
            ][mode];
            Action::Fetch(Fetching::in_mode(page, mode))
        }),
    ]
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => action(),
        1 => Just(Action::Offline),
        1 => Just(Action::Online),
        2 => (0..200_000_u64).prop_map(|seconds| Action::Wait(Duration::from_secs(seconds))),
    ]
}

fn browser(site: &Site, options: Options) -> Replay<Site, Site> {
    Replay::new(options, site.clone(), site.clone())
}

fn instant() -> Options {
    Options {
        network: Network::NONE,
        ..Options::chromium()
    }
}

/// What cannot be done is passed over.
fn play_all(replay: &mut Replay<Site, Site>, actions: &[Action]) -> Vec<Visit> {
    actions
        .iter()
        .filter_map(|action| replay.play(action).ok())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_same_seed_gives_the_same_run(
        site in site(any_directives()),
        actions in prop::collection::vec(any_action(), 1..30),
        seed in any::<u64>(),
        textbook in any::<bool>(),
    ) {
        let run = || {
            let options = if textbook { Options::textbook() } else { Options::chromium() };
            let mut replay = browser(&site, Options { seed, network: Network::SLOW_3G, ..options });
            format!("{:?}", play_all(&mut replay, &actions))
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn what_is_fresh_on_disk_is_not_asked_for_by_a_typed_visit(
        site in site(an_hour_or_more()),
        actions in prop::collection::vec(action(), 1..20),
        page in page(),
        minutes in 0..59_u64,
    ) {
        let mut replay = browser(&site, instant());
        play_all(&mut replay, &actions);
        replay.play(&Action::Typed(page.clone())).expect("a typed visit");
        replay.play(&Action::Wait(Duration::from_secs(60 * minutes))).expect("less than an hour");
        play_all(&mut replay, &actions);
        let visit = replay.play(&Action::Typed(page)).expect("a typed visit");
        // What was visited has not aged; all of it was stored within the hour.
        prop_assert_eq!(visit.requests(), 0, "{:?}", visit);
    }

    #[test]
    fn a_hard_reload_asks_for_everything(
        site in site(any_directives()),
        actions in prop::collection::vec(action(), 0..20),
        page in page(),
    ) {
        let mut replay = browser(&site, instant());
        play_all(&mut replay, &actions);
        replay.play(&Action::Typed(page)).expect("a typed visit");
        let visit = replay.play(&Action::HardReload).expect("a reload");
        for one in visit.exchanges.iter().filter(|one| !one.background) {
            // One document asks for one thing once.
            prop_assert!(matches!(one.layer, Layer::Network | Layer::Document), "{:?}", one);
            if one.layer == Layer::Network {
                let asked = &one.asked[0].headers;
                prop_assert_eq!(&asked[CACHE_CONTROL], "no-cache");
                prop_assert!(!asked.contains_key(IF_NONE_MATCH));
            }
        }
        prop_assert_eq!(visit.exchanges[0].layer, Layer::Network);
    }

    #[test]
    fn a_repeat_visit_never_takes_more_bytes_than_the_first(
        site in site(any_directives()),
        page in page(),
        wait in 0..1_000_000_u64,
        same_tab in any::<bool>(),
    ) {
        let mut replay = browser(&site, instant());
        let first = replay.play(&Action::Typed(page.clone())).expect("a typed visit");
        replay.play(&Action::Wait(Duration::from_secs(wait))).expect("days at most");
        let again = if same_tab { Action::Typed(page) } else { Action::NewTab(page) };
        let second = replay.play(&again).expect("a visit");
        prop_assert!(
            second.wire_bytes() <= first.wire_bytes(),
            "{} and then {}: {:?}", first.wire_bytes(), second.wire_bytes(), second
        );
    }

    #[test]
    fn nothing_reaches_a_server_while_offline(
        site in site(any_directives()),
        before in prop::collection::vec(action(), 0..10),
        actions in prop::collection::vec(action(), 1..20),
        textbook in any::<bool>(),
    ) {
        let options = if textbook { Options::textbook() } else { Options::chromium() };
        let mut replay = browser(&site, options);
        play_all(&mut replay, &before);
        replay.play(&Action::Offline).expect("to go offline");
        for visit in play_all(&mut replay, &actions) {
            prop_assert_eq!(visit.requests(), 0);
        }
    }
}
