//! An update that is cut off anywhere: the last good version serves on, whole.

use super::*;

/// In front of the worker: after so many more puts each fails, as on a full disk.
const FAILING: &str = "let putsLeft = Infinity
const put = Cache.prototype.put
Cache.prototype.put = function (...given) {
  return putsLeft-- > 0 ? put.apply(this, given) : Promise.reject(new DOMException('full', 'QuotaExceededError'))
}
addEventListener('message', ({ data, ports }) => {
  if (!('putsLeft' in data)) return
  putsLeft = data.putsLeft ?? Infinity
  ports[0].postMessage('')
});
";

fn puts_left(tab: &Tab, count: Option<usize>) {
    tab.run(&format!(
        "await new Promise((done) => {{ const {{ port1, port2 }} = new MessageChannel(); port1.onmessage = done;
           navigator.serviceWorker.controller.postMessage({{ putsLeft: {} }}, [port2]) }})",
        json!(count)
    ));
}

#[test]
fn an_update_whose_puts_fail_at_any_place_leaves_the_version_before() {
    let world = served(&site("one", ""), "");
    let worker = world.out.read("sw.js");
    world.out.file("sw.js", format!("{FAILING}{worker}"));
    let (browser, tab) = visited(&world);
    let new = site("two", "");
    for file in ["app.js", "style.css", "site.appcache"] {
        world.out.file(file, new.read(file));
    }
    let mut failures = 0;
    loop {
        puts_left(&tab, Some(failures));
        tab.run("seen = []; applicationCache.update()");
        tab.wait_for(
            "/^(updateready|error)$/.test(seen[seen.length - 1])",
            "the end of the update",
        );
        if events(&tab).ends_with("updateready") {
            break;
        }
        puts_left(&tab, None);
        failures += 1;
        assert_eq!(
            (tab.eval("why"), versions(&tab)),
            (json!("quota"), 1),
            "{failures}"
        );
        serves(&tab, "one");
        assert!(failures < 20, "it never succeeds");
    }
    puts_left(&tab, None);
    // two files, the page, the manifest, and the record that makes it count
    assert_eq!(failures, 5);
    serves(&tab, "one");
    tab.load(&world.url("/")).ok();
    heard(&tab, "noupdate");
    serves(&tab, "two");
    drop(browser);
}

#[test]
fn a_browser_killed_in_an_update_serves_the_old_version_or_the_new_one_whole() {
    let world = served(&site("one", ""), "");
    let (mut browser, mut tab) = visited(&world);
    let mut word = "one".to_owned();
    for (number, at) in ["/app.js", MANIFEST, "/style.css"].into_iter().enumerate() {
        let next = format!("of deploy {number}").replace(' ', "-");
        world.deploy(&site(&next, ""));
        world.origin.clear();
        tab.run("applicationCache.update()");
        let asked = if at == MANIFEST { 2 } else { 1 };
        crate::harness::eventually(at, crate::harness::DEADLINE, || {
            (world.origin.count_of(at) >= asked).then_some(())
        });
        drop(tab);
        browser.kill();
        world.origin.stop();
        browser.restart();
        browser.clear_http_cache();
        tab = browser.tab();
        tab.load(&world.url("/")).ok();
        let said = tab.eval("said");
        assert!(
            [&*word, &*next].contains(&said.as_str().unwrap_or_default()),
            "{at}: {said}"
        );
        says(&tab, said.as_str().unwrap_or_default());
        world.origin.start_again();
        // and the next visits complete it
        crate::harness::eventually("the new version", crate::harness::DEADLINE, || {
            tab.load(&world.url("/")).ok();
            tab.wait_for(
                "/^(noupdate|updateready|error)$/.test(seen[seen.length - 1])",
                "the update",
            );
            (tab.eval("said") == *next).then_some(())
        });
        says(&tab, &next);
        word = next;
    }
}
