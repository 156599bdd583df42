//! `window.applicationCache` as scripts of the time use it.

use super::*;

/// A site whose first page runs this script, which comes after the one that counts events.
fn scripted(script: &str) -> Site {
    let site = site("one", "");
    let page = site.read("index.html");
    let tag = format!("<script>{script}</script></head>");
    site.file("index.html", page.replace("</head>", &tag)).file(
        "plain.html",
        "<!DOCTYPE html><title>Plain</title><script>var early = applicationCache.status</script><h1>Plain</h1>",
    );
    site
}

/// What a call throws, by name; `null` if it does not.
fn throws(tab: &Tab, call: &str) -> serde_json::Value {
    tab.eval(&format!(
        "(() => {{ try {{ {call}; return null }} catch (error) {{ return error.name }} }})()"
    ))
}

#[test]
fn events_come_after_the_load_event_in_order_each_with_its_fields() {
    let noted = "var order = [];
        addEventListener('load', function () { order.push('load') });
        'checking downloading progress cached'.split(' ').forEach(function (name) {
          applicationCache['on' + name] = function (event) {
            order.push(name === 'progress' ? event.loaded + '/' + event.total : name);
            if (event.cancelable !== true || event.bubbles || this !== applicationCache || event.target !== this) order.push('odd');
            if (name === 'progress' && !(event instanceof ProgressEvent && event.lengthComputable)) order.push('odd');
          }
        });
        order.push(typeof applicationCache.onchecking)";
    let world = served(&scripted(noted), "");
    let (_browser, tab) = visited(&world);
    let order = tab.eval("order");
    let order: Vec<&str> = order
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it.as_str())
        .collect();
    assert_eq!(order[..4], ["function", "load", "checking", "downloading"]);
    assert_eq!(order[order.len() - 2..], ["2/2", "cached"]);
    let progress: Vec<&str> = order[4..order.len() - 1].to_vec();
    assert!(progress.is_sorted(), "{order:?}");
    assert!(!order.contains(&"odd"), "{order:?}");
}

#[test]
fn handlers_and_listeners_of_every_kind_run_and_calls_without_a_cache_are_refused() {
    let kinds = "var ran = [];
        var object = { handleEvent: function (event) { ran.push(this === object ? event.type : 'odd') } };
        function removed() { ran.push('odd') }
        applicationCache.addEventListener('noupdate', object, false);
        applicationCache.addEventListener('noupdate', function () { ran.push('once') }, { once: true });
        applicationCache.addEventListener('noupdate', removed, false);
        applicationCache.removeEventListener('noupdate', removed, false);
        applicationCache.onnoupdate = removed;
        applicationCache.onnoupdate = function () { ran.push('handler') }";
    let world = served(&scripted(kinds), "");
    let (browser, tab) = visited(&world);
    updated(&tab, "noupdate");
    assert_eq!(tab.eval("ran"), json!(["noupdate", "once", "handler"]));
    updated(&tab, "noupdate");
    assert_eq!(tab.eval("ran.slice(3)"), json!(["noupdate", "handler"]));
    for on in [
        "applicationCache",
        "ApplicationCache",
        "window.ApplicationCache",
    ] {
        let names = [
            "UNCACHED",
            "IDLE",
            "CHECKING",
            "DOWNLOADING",
            "UPDATEREADY",
            "OBSOLETE",
        ];
        let values = names.map(|name| format!("{on}.{name}")).join(",");
        assert_eq!(
            tab.eval(&format!("[{values}]")),
            json!([0, 1, 2, 3, 4, 5]),
            "{on}"
        );
    }
    assert_eq!(
        throws(&tab, "applicationCache.swapCache()"),
        "InvalidStateError"
    );
    assert_eq!(throws(&tab, "applicationCache.abort()"), json!(null));

    let plain = browser.tab();
    plain.load(&world.url("/plain.html")).ok();
    plain.wait_for_control();
    assert_eq!(
        plain.eval("[early, applicationCache.status]"),
        json!([0, 0])
    );
    for call in ["update", "swapCache"] {
        assert_eq!(
            throws(&plain, &format!("applicationCache.{call}()")),
            "InvalidStateError"
        );
    }
    assert_eq!(throws(&plain, "applicationCache.abort()"), json!(null));

    world.out.remove("site.appcache");
    updated(&tab, "obsolete");
    assert_eq!(
        throws(&tab, "applicationCache.update()"),
        "InvalidStateError"
    );
    assert_eq!(throws(&tab, "applicationCache.swapCache()"), json!(null));
    assert_eq!(tab.eval("applicationCache.status"), 0);
    assert_eq!(
        throws(&tab, "applicationCache.swapCache()"),
        "InvalidStateError"
    );
}

#[test]
fn abort_ends_an_update_with_an_error_and_leaves_the_version_before() {
    let world = served(&site("one", ""), "");
    let (_browser, tab) = visited(&world);
    world.deploy(&site("two", ""));
    world
        .origin
        .fault("/style.css", crate::harness::Fault::Stall(0));
    tab.run("seen = []; applicationCache.update()");
    tab.wait_for("applicationCache.status === 3", "the download");
    tab.run("applicationCache.abort()");
    heard(&tab, "error");
    assert_eq!(
        (tab.eval("why"), tab.eval("applicationCache.status")),
        (json!("abort"), json!(1))
    );
    assert_eq!(versions(&tab), 1);
    serves(&tab, "one");
    world.origin.heal();
    updated(&tab, "updateready");
}
