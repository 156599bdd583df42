//! Going back and forward: what is shown as it was left, and what is loaded again.

use revisit_replay::{Action, Arrival, Destination, Fetching, Layer, Phase};
use serde_json::json;
use url::Url;

use crate::server::element;
use crate::stage::{Stage, layers};

/// Leaves a page with these fields, does `meanwhile` on the next one, and goes back after so many
/// minutes.
fn back(fields: &serde_json::Value, minutes: u64, meanwhile: impl Fn(&mut Stage)) -> Arrival {
    let mut stage = Stage::new();
    let page = stage.world.put("/page", fields);
    let next = stage.world.page("/next", Vec::new());
    stage.typed(&page);
    stage.typed(&next);
    meanwhile(&mut stage);
    stage.wait_minutes(minutes);
    stage.play(Action::Back).arrival
}

#[test]
fn a_page_comes_back_as_it_was_left_for_ten_minutes() {
    for (minutes, expected) in [(9, Arrival::Restored), (10, Arrival::Loaded)] {
        assert_eq!(
            back(&json!({}), minutes, |_| {}),
            expected,
            "after {minutes} minutes"
        );
    }
    for (status, expected) in [
        (200, Arrival::Restored),
        (203, Arrival::Loaded),
        (404, Arrival::Loaded),
    ] {
        assert_eq!(
            back(&json!({":status": status}), 0, |_| {}),
            expected,
            "{status}"
        );
    }
}

#[test]
fn a_page_with_no_store_comes_back_unless_a_cookie_changed() {
    let no_store = json!({"cache-control": "no-store"});
    let log_out = |stage: &mut Stage| {
        let out = stage
            .world
            .put("/out", &json!({"set-cookie": "user=; Max-Age=0"}));
        stage.play(Action::Fetch(Fetching::get(out)));
    };
    let log_in = |stage: &mut Stage| {
        let log = stage
            .world
            .put("/in", &json!({"set-cookie": "user=1; HttpOnly"}));
        stage.play(Action::Fetch(Fetching::get(log)));
    };
    assert_eq!(back(&no_store, 0, |_| {}), Arrival::Restored);
    assert_eq!(back(&no_store, 0, log_in), Arrival::Loaded);
    // Nobody was logged in: nothing has changed.
    assert_eq!(back(&no_store, 0, log_out), Arrival::Restored);
    assert_eq!(back(&json!({}), 0, log_in), Arrival::Restored);
}

#[test]
fn a_page_with_no_store_that_fetched_the_like_does_not_come_back() {
    for (fields, expected) in [
        (json!({"cache-control": "no-store"}), Arrival::Loaded),
        (json!({}), Arrival::Restored),
    ] {
        let mut stage = Stage::new();
        let data = stage
            .world
            .put("/data", &json!({"cache-control": "no-store"}));
        let page = stage.world.put("/page", &fields);
        let next = stage.world.page("/next", Vec::new());
        stage.typed(&page);
        stage.play(Action::Fetch(Fetching::get(data)));
        stage.typed(&next);
        assert_eq!(stage.play(Action::Back).arrival, expected, "{fields}");
    }
}

#[test]
fn a_tab_keeps_six_pages() {
    let mut stage = Stage::new();
    let pages: Vec<Url> = (0..8)
        .map(|number| stage.world.page(&format!("/{number}"), Vec::new()))
        .collect();
    for page in &pages {
        stage.typed(page);
        stage.wait();
    }
    // Page 7 is shown, 1 to 6 are parked; each step back parks the page that it leaves, and so lets
    // go of the one that was parked longest ago.
    let arrivals: Vec<Arrival> = (0..7)
        .map(|_| {
            stage.wait();
            stage.play(Action::Back).arrival
        })
        .collect();
    assert_eq!(arrivals[..6], [Arrival::Restored; 6]);
    assert_eq!(arrivals[6], Arrival::Loaded);
    assert_eq!(stage.play(Action::Forward).arrival, Arrival::Restored);
}

#[test]
fn a_restored_page_has_in_memory_what_it_had() {
    let mut stage = Stage::new();
    let image = stage
        .world
        .put("/image", &json!({"cache-control": "no-store"}));
    let load = element(&image, Destination::Image, Phase::Load);
    let page = stage.world.page("/page", vec![load.clone()]);
    let other = stage.world.page("http://b.example/", Vec::new());
    stage.typed(&page);
    stage.typed(&other);
    assert_eq!(stage.play(Action::Back).arrival, Arrival::Restored);
    assert_eq!(
        layers(&stage.play(Action::Insert(load)), &image),
        [Layer::Document]
    );
}

#[test]
fn a_new_page_ends_the_way_forward() {
    let mut stage = Stage::new();
    let pages: Vec<Url> = (0..3)
        .map(|number| stage.world.page(&format!("/{number}"), Vec::new()))
        .collect();
    stage.typed(&pages[0]);
    stage.typed(&pages[1]);
    stage.play(Action::Back);
    let visit = stage.play(Action::Link(pages[2].clone()));
    assert_eq!(visit.document.as_ref(), Some(&pages[2]));
    assert!(stage.replay.play(&Action::Forward).is_err());
    let visit = stage.play(Action::Back);
    assert_eq!(visit.document.as_ref(), Some(&pages[0]));
}

#[test]
fn the_same_address_again_and_a_place_within_it_are_no_new_pages() {
    let mut stage = Stage::new();
    let page = stage.world.page("/page", Vec::new());
    stage.typed(&page);
    stage.typed(&page);
    let place = page.join("#place").expect("a fragment");
    let visit = stage.play(Action::Link(place.clone()));
    assert_eq!((visit.arrival, visit.requests()), (Arrival::None, 0));
    assert_eq!(visit.document, Some(place));
    assert!(stage.replay.play(&Action::Back).is_err());
}

#[test]
fn no_content_leaves_the_page_as_it_is() {
    let mut stage = Stage::new();
    let page = stage.world.page("/page", Vec::new());
    let nothing = stage.world.put("/nothing", &json!({":status": 204}));
    stage.typed(&page);
    let visit = stage.play(Action::Link(nothing));
    assert_eq!((visit.arrival, visit.document), (Arrival::None, Some(page)));
}

#[test]
fn what_does_not_come_stands_in_the_history_and_is_asked_for_again() {
    let mut stage = Stage::new();
    let page = stage.world.page("/page", Vec::new());
    let other = stage.world.page("/other", Vec::new());
    stage.typed(&page);
    stage.play(Action::Offline);
    let visit = stage.typed(&other);
    assert_eq!((visit.arrival, visit.document), (Arrival::Failed, None));
    stage.play(Action::Online);
    let visit = stage.play(Action::Reload);
    assert_eq!(
        (visit.arrival, visit.document),
        (Arrival::Loaded, Some(other))
    );
    assert_eq!(stage.play(Action::Back).document, Some(page));
}
