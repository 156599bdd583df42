//! Manifests that are none, or change under one's hands: the version before serves on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::harness::{Fault, OriginAnswer};

#[test]
fn a_bad_manifest_ends_in_an_error_that_says_why_and_changes_nothing() {
    let world = served(&site("one", ""), "");
    let (browser, tab) = visited(&world);
    let utf16: Vec<u8> = manifest("two", "")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let answer = |kind: &str, body: Vec<u8>| Fault::Answer(kind.into(), body);
    let files = |count: usize| {
        let list: String = (0..count).map(|n| format!("files/{n}.png\n")).collect();
        answer("text/cache-manifest", manifest("two", &list).into())
    };
    for (reason, told, fault) in [
        (
            "signature",
            "a login",
            answer("text/html", b"<!doctype html><title>Sign in</title>".into()),
        ),
        ("signature", "UTF-16", answer("text/cache-manifest", utf16)),
        (
            "manifest",
            "endless redirects",
            Fault::Redirect(world.url(MANIFEST)),
        ),
        ("manifest", "500", Fault::Status(500)),
        ("manifest", "403", Fault::Status(403)),
        ("manifest", "cut off", Fault::Truncate(20)),
        ("resource", "10,000 files that are not there", files(10_000)),
        (
            "policy",
            "more files than a browser can bear",
            files(20_001),
        ),
    ] {
        world.origin.fault(MANIFEST, fault);
        updated(&tab, "error");
        assert_eq!(tab.eval("why"), reason, "{told}");
        assert_eq!(
            (tab.eval("applicationCache.status"), versions(&tab)),
            (json!(1), 1),
            "{told}"
        );
        serves(&tab, "one");
        world.origin.heal();
    }
    updated(&tab, "noupdate");
    is_whole(&browser, &tab, &world, "one");
}

#[test]
fn a_manifest_that_changes_while_it_is_fetched_is_tried_again_a_few_times_and_no_more() {
    let world = served(&site("one", ""), "");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    world.origin.answer_by(MANIFEST, move |_| {
        // another whenever it is asked for, up to the fourth time
        let version = count.fetch_add(1, Ordering::SeqCst).min(3);
        OriginAnswer::new(
            200,
            "text/cache-manifest",
            manifest(&version.to_string(), ""),
        )
    });
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&world.url("/")).ok();
    heard(&tab, "cached");
    let attempt = "checking downloading progress error";
    assert_eq!(
        events(&tab),
        format!("{attempt} {attempt} checking downloading progress cached")
    );
    assert_eq!(asked.load(Ordering::SeqCst), 6);
    is_whole(&browser, &tab, &world, "one");
}
