//! One visitor: the first visit with install, two updates, and how fast the worker answers then.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Browser, Fault, Origin, Tab};
use crate::site::{Deploy, Deploys, files};

/// The line between the visitor and the origin.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    /// Before each answer.
    pub(crate) delay: Duration,
    /// Over all connections together.
    pub(crate) bytes_per_second: Option<u64>,
}

impl Line {
    pub(crate) fn of(delay_ms: usize, bytes_per_second: Option<u64>) -> Line {
        Line {
            delay: Duration::from_millis(delay_ms as u64),
            bytes_per_second,
        }
    }

    pub(crate) fn words(self) -> String {
        let delay = format!("{} ms", self.delay.as_millis());
        match self.bytes_per_second {
            None => delay,
            Some(bytes) => format!("{delay}, {:.1} Mbit/s", bytes as f64 * 8.0 / 1e6),
        }
    }
}

/// What a first visit has cost; times since the navigation began.
pub(crate) struct FirstVisit {
    pub(crate) registered_ms: f64,
    /// An `activated` worker.
    pub(crate) installed_ms: f64,
    /// Every file is kept.
    pub(crate) complete_ms: f64,
    pub(crate) traffic: Traffic,
}

/// What an update has cost; the time since `registration.update()` was called.
pub(crate) struct Update {
    pub(crate) installed_ms: f64,
    pub(crate) traffic: Traffic,
}

/// What the origin was asked for, and has sent, heads included.
pub(crate) struct Traffic {
    pub(crate) requests: f64,
    pub(crate) bytes: f64,
}

/// A browser that has never been there, and the origin of one tool's site.
pub(crate) struct Visitor<'a> {
    pub(crate) origin: Origin,
    pub(crate) browser: Browser,
    pub(crate) tab: Tab,
    pub(crate) count: usize,
    deploys: &'a Deploys,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(deploys: &'a Deploys, count: usize, line: Line) -> Visitor<'a> {
        let origin = Origin::serve(deploys.folder(Deploy::First));
        origin.cache_control(Some("no-cache"));
        let immutable = "public, max-age=31536000, immutable".to_owned();
        origin.fault_where(
            |target| {
                let kept = ["/assets/", "/revisit/", "/workbox-"];
                kept.iter().any(|start| target.starts_with(start))
            },
            Fault::Header("Cache-Control".to_owned(), immutable),
        );
        origin.latency(line.delay);
        origin.line(line.bytes_per_second);
        let browser = Browser::start();
        Visitor {
            tab: browser.tab(),
            origin,
            browser,
            deploys,
            count,
        }
    }

    /// The first visit, up to where the origin is quiet; then every file is read with the origin gone.
    pub(crate) fn install(&self) -> FirstVisit {
        self.tab.load(&self.origin.url("/")).ok();
        let seen = self.tab.wait_for_within(
            "window.benched?.complete && window.benched",
            "a worker that has everything",
            INSTALL_DEADLINE,
        );
        let traffic = self.traffic();
        let at = |name: &str| seen[name].as_f64().expect("the page notes milliseconds");
        self.prove(Deploy::First);
        FirstVisit {
            registered_ms: at("registered"),
            installed_ms: at("activated"),
            complete_ms: at("complete"),
            traffic,
        }
    }

    /// A deploy, noticed by an open page; the new worker then takes over, a page of it is loaded, for that is
    /// when ours fetches what is not the shell, and every file is read with the origin gone.
    pub(crate) fn update(&self, deploy: Deploy) -> Update {
        self.origin.folder_is(self.deploys.folder(deploy));
        self.origin.clear();
        self.tab.run(UPDATE);
        let installed_ms =
            self.tab
                .wait_for_within("window.updated", "an installed update", INSTALL_DEADLINE);
        self.tab
            .wait_for_within(TAKE_OVER, "the new worker to take over", INSTALL_DEADLINE);
        self.tab.load(&self.origin.url("/")).ok();
        self.tab.wait_for_within(
            "window.revisit?.complete !== false",
            "a worker that has everything again",
            INSTALL_DEADLINE,
        );
        let traffic = self.traffic();
        self.prove(deploy);
        Update {
            installed_ms: installed_ms.as_f64().expect("the page gives milliseconds"),
            traffic,
        }
    }

    /// Waits until the origin is quiet, and tells what it was asked for since it was last cleared.
    fn traffic(&self) -> Traffic {
        let mut last = usize::MAX;
        loop {
            std::thread::sleep(QUIET);
            let requests = self.origin.requests();
            if requests.len() == last && requests.iter().all(|request| request.done) {
                return Traffic {
                    requests: last as f64,
                    bytes: self.origin.wire_bytes_sent() as f64,
                };
            }
            last = requests.len();
        }
    }

    /// Reads every file of a deploy with neither the origin nor the HTTP cache, and compares it: a worker
    /// that keeps less would be quicker for nothing. The HTTP cache is empty afterwards, for everyone alike.
    fn prove(&self, deploy: Deploy) {
        self.origin.stop();
        self.browser.clear_http_cache();
        // A first page is not everywhere controlled by its first worker, nor an old one by the next; a new one is.
        self.tab.load(&self.origin.url("/")).ok();
        for files in files(self.count, deploy).chunks(BATCH) {
            let wanted: Vec<_> = files
                .iter()
                .map(|file| {
                    // As it lies there now: the tool may have added a tag.
                    let path = self.deploys.folder(deploy).join(&file.path);
                    (&file.path, checksum(&std::fs::read(path).unwrap()))
                })
                .collect();
            let wrong = self
                .tab
                .run(&format!("const WANTED = {};{COMPARE}", json!(wanted)));
            assert_eq!(wrong, json!([]), "not kept as it was deployed");
        }
        self.origin.start_again();
    }
}

/// FNV-1a, which is short in JavaScript too.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

const COMPARE: &str = "
    const wrong = [];
    for (const [path, wanted] of WANTED) {
        const response = await fetch('/' + path).catch(() => undefined);
        let sum = 0x811c9dc5;
        for (const byte of new Uint8Array(await response?.arrayBuffer())) sum = Math.imul(sum ^ byte, 0x01000193);
        if (!response?.ok || sum >>> 0 !== wanted) wrong.push(path);
    }
    return wrong;
";

const UPDATE: &str = "
    const registration = await navigator.serviceWorker.getRegistration();
    const start = performance.now();
    registration.addEventListener('updatefound', () => {
        const { installing } = registration;
        installing.addEventListener('statechange', () => {
            if (installing.state === 'installed') window.updated = performance.now() - start;
        });
    });
    void registration.update();
";

const TAKE_OVER: &str = "
    navigator.serviceWorker.getRegistration().then(({ installing, waiting, active }) => {
        waiting?.postMessage({ type: 'SKIP_WAITING' });
        return !installing && !waiting && active.state === 'activated';
    })
";

/// How long no request comes before a tool counts as done.
pub(crate) const QUIET: Duration = Duration::from_secs(2);
const INSTALL_DEADLINE: Duration = Duration::from_secs(600);
/// Files that are compared in one go, so that the browser's answer comes in time.
const BATCH: usize = 250;
