//! How long does a page wait for a first byte, with the worker awake, and with it stopped?

use serde_json::json;

use crate::site::{Deploy, page, spare_scripts};
use crate::visit::Visitor;

/// Milliseconds from the start of a navigation, or of a script's load, to the first byte of its answer.
#[derive(Default)]
pub(crate) struct FirstBytes {
    pub(crate) navigation_warm: Vec<f64>,
    pub(crate) navigation_stopped: Vec<f64>,
    pub(crate) script_warm: Vec<f64>,
    pub(crate) script_stopped: Vec<f64>,
}

impl FirstBytes {
    /// Adds what a visitor sees once all is kept.
    pub(crate) fn measure(&mut self, visitor: &Visitor, deploy: Deploy) {
        let Visitor { tab, browser, .. } = visitor;
        let mut pages = (1..visitor.count / 10).cycle();
        let mut navigation = || {
            let path = page(pages.next().expect("there are pages"));
            tab.load(&visitor.origin.url(&format!("/{path}"))).ok();
            milliseconds(&tab.eval(NAVIGATION))
        };
        // Each only once: what a tab has in memory is no measure.
        let mut scripts = spare_scripts(visitor.count, deploy).into_iter();
        let mut script = || {
            let path = scripts.next().expect("there are scripts");
            milliseconds(&tab.run(&format!("const URL = '/' + {};{SCRIPT}", json!(path))))
        };
        visitor.origin.clear();
        for _ in 0..REPEATS {
            browser.stop_workers();
            self.navigation_stopped.push(navigation());
            browser.stop_workers();
            self.script_stopped.push(script());
            // It is awake now, and the second of each kind finds what it keeps in memory.
            script();
            self.script_warm.push(script());
            navigation();
            self.navigation_warm.push(navigation());
        }
        let asked = |request: &crate::harness::Request| request.path().starts_with("/assets/");
        assert_eq!(visitor.origin.count(asked), 0, "a script was not kept");
    }

    /// The same without a worker: scripts from the HTTP cache, pages confirmed by the origin.
    pub(crate) fn measure_without(&mut self, visitor: &Visitor) {
        visitor.tab.load(&visitor.origin.url("/")).ok();
        let pages = (1..visitor.count / 10).map(page);
        let all: Vec<_> = spare_scripts(visitor.count, Deploy::First)
            .into_iter()
            .chain(pages)
            .collect();
        visitor.tab.run(&format!(
            "await Promise.all({}.map((path) => fetch('/' + path).then((response) => response.blob())));",
            json!(all)
        ));
        self.measure(visitor, Deploy::First);
        self.navigation_stopped.clear();
        self.script_stopped.clear();
    }
}

fn milliseconds(value: &serde_json::Value) -> f64 {
    value.as_f64().expect("the page gives milliseconds")
}

const NAVIGATION: &str = "performance.getEntriesByType('navigation')[0].responseStart";

const SCRIPT: &str = "
    const script = document.createElement('script');
    const loaded = new Promise((resolve, reject) => Object.assign(script, { onload: resolve, onerror: reject }));
    script.src = URL;
    document.head.append(script);
    await loaded;
    const [entry] = performance.getEntriesByName(script.src);
    return entry.responseStart - entry.startTime;
";

/// How often each is measured per visitor; three scripts are used up each time.
pub(crate) const REPEATS: usize = 10;
