//! What happens to a browser and its network: redirects, clocks, failures, scripts, limits.

use http::{HeaderValue, Method, StatusCode};
use revisit_replay::{
    Action, ActionError, CacheMode, Cleared, ClockError, Credentials, Destination, Fetching,
    Health, Layer, Limits, Network, Options, Phase, Reason, Replay, Trouble,
};
use serde_json::json;
use url::Url;

use crate::server::{World, element, url};
use crate::stage::{Stage, fresh, layers, of, with_image};

#[test]
fn redirects_are_kept_by_their_rules_and_a_loop_ends() {
    let mut stage = Stage::new();
    let end = stage.world.page("/end", Vec::new());
    let moved = stage
        .world
        .put("/moved", &json!({":status": 301, "location": "/end"}));
    let found = stage
        .world
        .put("/found", &json!({":status": 302, "location": "/end"}));
    for (from, second) in [(&moved, Layer::Disk), (&found, Layer::Network)] {
        stage.typed(from);
        let visit = stage.typed(from);
        assert_eq!(layers(&visit, from), [second]);
        assert_eq!(visit.document.as_ref(), Some(&end));
    }
    let circle = stage
        .world
        .put("/circle", &json!({":status": 302, "location": "/circle"}));
    let visit = stage.typed(&circle);
    assert_eq!(visit.broken[0].trouble, Trouble::TooManyRedirects);
    assert_eq!(visit.requests(), 21);
    let astray = stage.world.put(
        "/astray",
        &json!({":status": 302, "location": "mailto:a@b.example"}),
    );
    assert_eq!(stage.typed(&astray).broken[0].trouble, Trouble::BadRedirect);
}

#[test]
fn a_redirect_varies_by_cookie_though_it_does_not_say_so() {
    let mut stage = Stage::new();
    let login = stage.world.put(
        "/login",
        &json!({":status": 302, "location": "/set", "cache-control": "max-age=60"}),
    );
    stage.world.put("/set", &json!({"set-cookie": "user=1"}));
    stage.typed(&login);
    assert_eq!(layers(&stage.typed(&login), &login), [Layer::Network]);
    assert_eq!(layers(&stage.typed(&login), &login), [Layer::Disk]);
}

#[test]
fn a_wrong_clock_spoils_expires_and_leaves_max_age_alone_by_the_textbooks() {
    let ahead = ClockError::Ahead(std::time::Duration::from_secs(3600));
    let max_age = json!({"cache-control": "max-age=60"});
    let expires = json!({"expires": "@now+60"});
    for (options, fields, expected) in [
        (Options::textbook(), &max_age, Layer::Disk),
        (Options::textbook(), &expires, Layer::Network),
        // RFC 9111 has `Date` tell the age of both, so that in a browser of today both suffer …
        (Options::chromium(), &max_age, Layer::Network),
        (Options::chromium(), &expires, Layer::Network),
    ] {
        let mut stage = Stage::with(Options {
            clock: ahead,
            ..options
        });
        let thing = stage.world.put("/thing", fields);
        stage.typed(&thing);
        assert_eq!(layers(&stage.typed(&thing), &thing), [expected], "{fields}");
    }
    // … but without a `Date` only `Expires`.
    for (fields, expected) in [
        (
            json!({":nodate": 1, "cache-control": "max-age=60"}),
            Layer::Disk,
        ),
        (json!({":nodate": 1, "expires": "@now+60"}), Layer::Network),
    ] {
        let mut stage = Stage::with(Options {
            clock: ahead,
            ..Options::chromium()
        });
        let thing = stage.world.put("/thing", &fields);
        stage.typed(&thing);
        assert_eq!(layers(&stage.typed(&thing), &thing), [expected], "{fields}");
    }
}

#[test]
fn a_clock_that_is_set_ages_what_is_kept() {
    let mut stage = Stage::new();
    let thing = stage
        .world
        .put("/thing", &json!({"cache-control": "max-age=60"}));
    stage.typed(&thing);
    let day = std::time::Duration::from_secs(86_400);
    stage.play(Action::SetClock(ClockError::Behind(day)));
    assert_eq!(layers(&stage.typed(&thing), &thing), [Layer::Disk]);
    stage.play(Action::SetClock(ClockError::Ahead(day)));
    assert_eq!(layers(&stage.typed(&thing), &thing), [Layer::Network]);
}

#[test]
fn a_failing_server_is_shown_by_browsers_and_hidden_by_the_text() {
    let fields = json!({"cache-control": "max-age=1", "etag": "@etag"});
    for (options, health, expected) in [
        (
            Options::chromium(),
            Health::Unreachable,
            Some(Trouble::Unreachable),
        ),
        (
            Options::chromium(),
            Health::Answers(StatusCode::SERVICE_UNAVAILABLE),
            Some(Trouble::Status(503)),
        ),
        (Options::textbook(), Health::Unreachable, None),
    ] {
        let mut stage = Stage::with(options);
        let thing = stage.world.put("/thing", &fields);
        stage.typed(&thing);
        stage.wait();
        stage.play(Action::Servers(health));
        let visit = stage.typed(&thing);
        assert_eq!(
            visit.broken.first().map(|broken| broken.trouble),
            expected,
            "{health:?}"
        );
        if expected.is_none() {
            assert_eq!(visit.exchanges[0].reason, Reason::DespiteFailure);
        }
    }
}

#[test]
fn clearing_empties_what_it_names() {
    for (cleared, expected) in [
        (Cleared::Cache, Layer::Network),
        (Cleared::Cookies, Layer::Memory),
        (Cleared::Everything, Layer::Network),
    ] {
        let mut stage = Stage::new();
        let (one, two, image) = with_image(&stage, &fresh());
        stage.typed(&one);
        stage.play(Action::Clear(cleared));
        assert_eq!(
            layers(&stage.typed(&two), &image),
            [expected],
            "{cleared:?}"
        );
    }
}

#[test]
fn a_conditional_fetch_of_a_script_goes_past_the_cache() {
    let mut stage = Stage::new();
    let page = stage.world.page("/one", Vec::new());
    let thing = stage.world.put("/thing", &fresh());
    stage.typed(&page);
    stage.play(Action::Fetch(Fetching::get(thing.clone())));
    for (name, value, kept) in [
        ("if-none-match", "\"other\"", false),
        ("cache-control", "no-cache", true),
    ] {
        let mut fetching = Fetching::get(thing.clone());
        fetching
            .headers
            .insert(name, HeaderValue::from_static(value));
        let visit = stage.play(Action::Fetch(fetching));
        assert_eq!(layers(&visit, &thing), [Layer::Network], "{name}");
        let not_kept = visit.exchanges[0].not_kept.is_none();
        assert_eq!(not_kept, kept, "{name}");
    }
}

#[test]
fn head_is_answered_from_a_kept_get_and_leaves_nothing_itself() {
    let mut stage = Stage::new();
    let page = stage.world.page("/one", Vec::new());
    let thing = stage.world.put("/thing", &fresh());
    stage.typed(&page);
    let head = Action::Fetch(Fetching {
        method: Method::HEAD,
        ..Fetching::get(thing.clone())
    });
    assert_eq!(layers(&stage.play(head.clone()), &thing), [Layer::Network]);
    assert_eq!(layers(&stage.play(head.clone()), &thing), [Layer::Network]);
    stage.play(Action::Fetch(Fetching::get(thing.clone())));
    let visit = stage.play(head);
    assert_eq!(layers(&visit, &thing), [Layer::Disk]);
    assert_eq!(visit.exchanges[0].body_bytes, 0);
}

#[test]
fn actions_that_make_no_sense_say_so_and_change_nothing() {
    let mut stage = Stage::new();
    let page = stage.world.page("/one", Vec::new());
    let no_document = [
        Action::Reload,
        Action::HardReload,
        Action::Link(page.clone()),
        Action::CloseTab,
        Action::Fetch(Fetching::get(page.clone())),
    ];
    for action in no_document {
        let error = stage.replay.play(&action).map(|_| ());
        assert_eq!(error, Err(ActionError::NoDocument), "{action:?}");
    }
    for action in [Action::Back, Action::Forward] {
        assert_eq!(
            stage.replay.play(&action).map(|_| ()),
            Err(ActionError::NoHistory)
        );
    }
    let mail = Url::parse("mailto:a@b.example").expect("a URL");
    assert!(matches!(
        stage.replay.play(&Action::Typed(mail)),
        Err(ActionError::NotHttp(_))
    ));
    let far = Action::Wait(std::time::Duration::MAX);
    assert!(matches!(
        stage.replay.play(&far),
        Err(ActionError::TooLate(_))
    ));
    let absent = ActionError::NoTab { place: 3, open: 0 };
    assert_eq!(stage.replay.play(&Action::Tab(3)).map(|_| ()), Err(absent));
    assert!(matches!(
        stage.replay.play(&Action::Deploy("v9".to_owned())),
        Err(ActionError::UnknownVersion(_))
    ));
    stage.typed(&page);
    assert_eq!(
        stage.replay.play(&Action::Back).map(|_| ()),
        Err(ActionError::NoHistory)
    );
}

#[test]
fn frames_within_themselves_and_pages_without_end_stop() {
    let limits = Limits {
        exchanges_max: 200,
        ..Limits::default()
    };
    let mut stage = Stage::with(Options {
        limits,
        ..Options::chromium()
    });
    let page = url("/one");
    let frames = vec![element(&page, Destination::Iframe, Phase::Load); 2];
    stage.world.page("/one", frames);
    let visit = stage.typed(&page);
    assert!(
        visit.exchanges.len() <= 200,
        "{} exchanges",
        visit.exchanges.len()
    );
    assert!(
        visit
            .broken
            .iter()
            .any(|broken| broken.trouble == Trouble::TooManyRequests)
    );
}

#[test]
fn credentials_decide_who_gets_cookies() {
    let mut stage = Stage::new();
    let page = stage.world.put("/one", &json!({"set-cookie": "a=1"}));
    stage.typed(&page);
    let thing = stage
        .world
        .put("/thing", &json!({"cache-control": "no-store"}));
    for (credentials, expected) in [
        (Credentials::Omit, false),
        (Credentials::SameOrigin, true),
        (Credentials::Include, true),
    ] {
        let visit = stage.play(Action::Fetch(Fetching {
            credentials,
            ..Fetching::get(thing.clone())
        }));
        let sent = of(&visit, &thing).any(|one| one.asked[0].headers.contains_key("cookie"));
        assert_eq!(sent, expected, "{credentials:?}");
    }
}

#[test]
fn a_slower_network_takes_longer_and_the_same_seed_as_long() {
    let time = |network: Network, seed: u64| {
        let world = World::default();
        let loads = (0..20).map(|number| {
            let image = world.put_file(&format!("/{number}.png"), &fresh(), 20_000);
            element(&image, Destination::Image, Phase::Load)
        });
        let page = world.page("/one", loads.collect());
        let options = Options {
            network,
            seed,
            ..Options::chromium()
        };
        let mut replay = Replay::new(options, world.clone(), world);
        replay
            .play(&Action::Typed(page))
            .expect("a typed visit")
            .load_time
    };
    let speeds = [
        Network::NONE,
        Network::FIBRE,
        Network::CABLE,
        Network::FAST_4G,
        Network::SLOW_4G,
        Network::SLOW_3G,
    ];
    let times = speeds.map(|network| time(network, 1));
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    assert!(time(Network::FAST_4G.over_http1(), 1) > time(Network::FAST_4G, 1));
    assert_eq!(time(Network::FAST_4G, 7), time(Network::FAST_4G, 7));
    assert_ne!(time(Network::FAST_4G, 7), time(Network::FAST_4G, 8));
}

#[test]
fn fetch_modes_have_the_names_of_the_standard() {
    for mode in [
        CacheMode::Default,
        CacheMode::NoStore,
        CacheMode::Reload,
        CacheMode::NoCache,
        CacheMode::ForceCache,
        CacheMode::OnlyIfCached,
    ] {
        let dashed = format!("{mode:?}")
            .chars()
            .fold(String::new(), |mut name, letter| {
                if letter.is_uppercase() && !name.is_empty() {
                    name.push('-');
                }
                name.push(letter.to_ascii_lowercase());
                name
            });
        assert_eq!(mode.name(), dashed);
    }
}
