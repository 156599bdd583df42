//! Memory and disk, one property of each at a time.

use revisit_replay::{
    Action, Cors, Destination, Layer, Limits, Options, Order, Phase, Subresource,
};
use serde_json::json;

use crate::server::element;
use crate::stage::{Stage, fresh, layers, with_image};

#[test]
fn memory_goes_with_its_tab_and_with_the_browser() {
    let mut stage = Stage::new();
    let (one, two, image) = with_image(&stage, &fresh());
    assert_eq!(layers(&stage.typed(&one), &image), [Layer::Network]);
    assert_eq!(layers(&stage.typed(&two), &image), [Layer::Memory]);
    let tab = stage.play(Action::NewTab(one.clone()));
    assert_eq!(layers(&tab, &image), [Layer::Disk]);
    stage.play(Action::CloseTab);
    assert_eq!(layers(&stage.typed(&one), &image), [Layer::Memory]);
    stage.play(Action::Restart);
    assert_eq!(layers(&stage.typed(&one), &image), [Layer::Disk]);
}

#[test]
fn large_bodies_are_in_memory_only_while_their_document_is_shown() {
    let mut stage = Stage::new();
    let image = stage.world.put_file("/image", &fresh(), 4 << 20);
    let load = element(&image, Destination::Image, Phase::Load);
    let page = stage.world.page("/one", vec![load.clone()]);
    stage.typed(&page);
    assert_eq!(
        layers(&stage.play(Action::Insert(load)), &image),
        [Layer::Document]
    );
    assert_eq!(layers(&stage.typed(&page), &image), [Layer::Disk]);
}

#[test]
fn what_no_document_holds_leaves_memory_by_age_and_under_pressure() {
    for (minutes, memory_bytes_max, expected) in [
        (4, 1 << 20, Layer::Memory),
        (5, 1 << 20, Layer::Disk),
        (4, 1, Layer::Disk),
    ] {
        let limits = Limits {
            memory_bytes_max,
            ..Limits::default()
        };
        let mut stage = Stage::with(Options {
            limits,
            ..Options::chromium()
        });
        let (one, two, image) = with_image(&stage, &fresh());
        let empty = stage.world.page("/empty", Vec::new());
        stage.typed(&one);
        stage.typed(&empty);
        stage.wait_minutes(minutes);
        stage.typed(&empty);
        let visit = stage.typed(&two);
        assert_eq!(
            layers(&visit, &image),
            [expected],
            "after {minutes} minutes, {memory_bytes_max} bytes"
        );
    }
}

#[test]
fn a_preload_is_used_only_by_what_asks_in_the_same_way() {
    for (destination, cors, expected) in [
        (Destination::Font, Cors::Yes, Layer::Document),
        (Destination::Font, Cors::No, Layer::Network),
        (Destination::Script, Cors::Yes, Layer::Network),
    ] {
        let mut stage = Stage::new();
        let font = stage
            .world
            .put("/font", &json!({"cache-control": "no-store"}));
        let preload = Subresource {
            cors,
            ..element(&font, destination, Phase::Preload)
        };
        let page = stage.world.page(
            "/one",
            vec![preload, element(&font, Destination::Font, Phase::Load)],
        );
        let visit = stage.typed(&page);
        assert_eq!(
            layers(&visit, &font),
            [Layer::Network, expected],
            "{destination:?} {cors:?}"
        );
    }
}

#[test]
fn one_document_asks_for_one_thing_once() {
    let mut stage = Stage::new();
    let script = stage.world.put(
        "/script",
        &json!({"cache-control": "no-cache", "etag": "@etag"}),
    );
    let load = element(&script, Destination::Script, Phase::Load);
    let page = stage.world.page("/one", vec![load; 3]);
    let expected = [Layer::Network, Layer::Document, Layer::Document];
    assert_eq!(layers(&stage.typed(&page), &script), expected);
    assert_eq!(layers(&stage.play(Action::HardReload), &script), expected);
}

#[test]
fn the_textbook_browser_validates_everything_on_f5_and_keeps_memory_for_one_document() {
    for (order, f5, next) in [
        (Order::Chromium, Layer::Memory, Layer::Memory),
        (Order::Textbook, Layer::Network, Layer::Disk),
    ] {
        let options = match order {
            Order::Chromium => Options::chromium(),
            Order::Textbook => Options::textbook(),
        };
        let mut stage = Stage::with(options);
        let (one, two, image) = with_image(&stage, &fresh());
        stage.typed(&one);
        assert_eq!(
            layers(&stage.play(Action::Reload), &image),
            [f5],
            "{order:?}"
        );
        assert_eq!(layers(&stage.typed(&two), &image), [next], "{order:?}");
    }
}

#[test]
fn what_is_prefetched_fills_memory_once_by_the_textbooks() {
    let fields = json!({"cache-control": "no-cache", "etag": "@etag"});
    for (options, expected) in [
        (Options::textbook(), Layer::Memory),
        (Options::chromium(), Layer::Network),
    ] {
        let mut stage = Stage::with(options);
        let (one, two, image) = with_image(&stage, &fields);
        let prefetch = element(&image, Destination::Image, Phase::Prefetch);
        let start = stage.world.page("/start", vec![prefetch]);
        stage.typed(&start);
        assert_eq!(layers(&stage.typed(&one), &image), [expected]);
        assert_eq!(layers(&stage.typed(&two), &image), [Layer::Network]);
    }
}

#[test]
fn sites_share_what_they_load_only_where_the_cache_is_not_partitioned() {
    for (partitioned, expected) in [(true, Layer::Network), (false, Layer::Disk)] {
        let mut stage = Stage::with(Options {
            partitioned,
            ..Options::chromium()
        });
        let library = stage.world.put("https://cdn.example/library.js", &fresh());
        let load = element(&library, Destination::Script, Phase::Load);
        for (site, expected) in [
            ("https://a.example/", Layer::Network),
            ("https://b.example/", expected),
        ] {
            let page = stage.world.page(site, vec![load.clone()]);
            assert_eq!(
                layers(&stage.typed(&page), &library),
                [expected],
                "{partitioned} {site}"
            );
        }
    }
}

#[test]
fn what_is_loaded_on_demand_comes_after_the_load_where_the_options_say_so() {
    for (on_demand, expected) in [(false, 0), (true, 1)] {
        let mut stage = Stage::with(Options {
            on_demand,
            ..Options::chromium()
        });
        let chunk = stage.world.put("/chunk.js", &fresh());
        let later = element(&chunk, Destination::Script, Phase::OnDemand);
        let page = stage.world.page("/one", vec![later]);
        assert_eq!(layers(&stage.typed(&page), &chunk).len(), expected);
    }
}

#[test]
fn what_memory_reads_more_simply_than_the_disk_is_fresh_there_alone() {
    // Measured in Chromium: none of these is asked for again by the next page of the tab.
    for fields in [
        json!({"cache-control": "max-age=60.5"}),
        json!({"cache-control": "max-age=\"60\""}),
        json!({"cache-control": "max-age=60; no-cache"}),
        json!({"cache-control": "must-revalidate", "last-modified": "@start-864000"}),
        json!({"cache-control": "max-age=60", "vary": "Accept, *"}),
        json!({":status": 500, "last-modified": "@start-864000"}),
    ] {
        let mut stage = Stage::new();
        let (one, two, image) = with_image(&stage, &fields);
        stage.typed(&one);
        stage.wait();
        assert_eq!(
            layers(&stage.typed(&two), &image),
            [Layer::Memory],
            "{fields}"
        );
        let tab = stage.play(Action::NewTab(two));
        assert_eq!(layers(&tab, &image), [Layer::Network], "{fields}");
    }
}

#[test]
fn a_thousand_visits_take_no_more_room_than_the_limits_give() {
    let limits = Limits {
        disk_bytes_max: 1 << 20,
        disk_body_bytes_max: 1 << 18,
        ..Limits::default()
    };
    let mut stage = Stage::with(Options {
        limits,
        ..Options::chromium()
    });
    for number in 0..1000 {
        let image = stage
            .world
            .put_file(&format!("/{number}.png"), &fresh(), 50_000);
        let load = element(&image, Destination::Image, Phase::Load);
        let page = stage.world.page(&format!("/{number}"), vec![load]);
        stage.typed(&page);
        let (bytes, _) = stage.replay.disk_size();
        assert!(bytes <= 1 << 20, "{bytes} bytes after {number} visits");
        stage.world.forget(&format!("/{number}.png"));
    }
    let (_, entries) = stage.replay.disk_size();
    assert!(entries > 10, "{entries} entries are left");
}
