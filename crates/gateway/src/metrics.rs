//! What a gateway counts: requests by status, and by what the cache did.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::header::HeaderName;
use revisit_engine::{Fetch, FetchError, Request, Response};

/// The counts of a gateway since it began.
#[derive(Debug, Default)]
pub struct Metrics {
    /// By the first digit of the status, from 1 to 5.
    statuses: [AtomicU64; 5],
    /// Requests without an answer from behind, which got one of ours.
    unanswered: AtomicU64,
    hits: AtomicU64,
    stale: AtomicU64,
    collapsed: AtomicU64,
    /// Those that wanted what is kept or nothing, and got nothing.
    refused: AtomicU64,
    forwarded: AtomicU64,
}

impl Metrics {
    fn count(&self, answer: &Result<Response, FetchError>) {
        let Ok(response) = answer else {
            self.unanswered.fetch_add(1, Relaxed);
            return;
        };
        let class = usize::from(response.status().as_u16() / 100).wrapping_sub(1);
        if let Some(count) = self.statuses.get(class) {
            count.fetch_add(1, Relaxed);
        }
        // Ours is the last member (RFC 9211 §2).
        let said = response
            .headers()
            .get_all(CACHE_STATUS)
            .into_iter()
            .next_back();
        let Some(said) = said else {
            return;
        };
        let mut count = &self.forwarded;
        for part in said.as_bytes().split(|byte| *byte == b';') {
            match part {
                b"hit" => count = &self.hits,
                b"collapsed" => count = &self.collapsed,
                b"detail=only-if-cached" => count = &self.refused,
                // The last of them.
                detail if detail.starts_with(b"detail=") => count = &self.stale,
                _ => {}
            }
        }
        count.fetch_add(1, Relaxed);
    }

    /// The counts in the text format of Prometheus, with the size of what is kept.
    pub(crate) fn text(&self, memory: (u64, usize), disk: Option<(u64, u64)>) -> String {
        let mut text = String::new();
        let mut metric = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
            // Writing into a string cannot fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
            for (label, value) in values {
                let _ = writeln!(text, "{name}{label} {value}");
            }
        };
        let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        let labels = classes.map(|class| format!("{{status=\"{class}\"}}"));
        let statuses: Vec<(&str, u64)> = labels
            .iter()
            .zip(&self.statuses)
            .map(|(label, count)| (label.as_str(), count.load(Relaxed)))
            .collect();
        metric(
            "revisit_responses_total",
            "counter",
            "Responses by the class of their status.",
            &statuses,
        );
        let outcomes = [
            ("{outcome=\"hit\"}", self.hits.load(Relaxed)),
            ("{outcome=\"stale\"}", self.stale.load(Relaxed)),
            ("{outcome=\"collapsed\"}", self.collapsed.load(Relaxed)),
            ("{outcome=\"forwarded\"}", self.forwarded.load(Relaxed)),
            ("{outcome=\"refused\"}", self.refused.load(Relaxed)),
            ("{outcome=\"unanswered\"}", self.unanswered.load(Relaxed)),
        ];
        metric(
            "revisit_cache_requests_total",
            "counter",
            "Requests by what the cache did.",
            &outcomes,
        );
        metric(
            "revisit_cache_bytes",
            "gauge",
            "Bytes of memory for what is kept.",
            &[("", memory.0)],
        );
        metric(
            "revisit_cache_urls",
            "gauge",
            "URLs for which something is kept in memory.",
            &[("", memory.1 as u64)],
        );
        if let Some((bytes, responses)) = disk {
            metric(
                "revisit_cache_disk_bytes",
                "gauge",
                "Bytes on the disk for what is kept.",
                &[("", bytes)],
            );
            metric(
                "revisit_cache_disk_responses",
                "gauge",
                "Responses that are kept on the disk.",
                &[("", responses)],
            );
        }
        text
    }
}

/// A [`Fetch`] whose answers are counted.
pub struct Counted<F> {
    inner: F,
    metrics: Arc<Metrics>,
}

impl<F> Counted<F> {
    /// Counts what `inner` answers in `metrics`.
    pub fn before(inner: F, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }
}

impl<F: Fetch> Fetch for Counted<F> {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let answer = self.inner.fetch(request).await;
        self.metrics.count(&answer);
        answer
    }
}

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
