//! The record of an action: what was asked for, who answered, why, and what it cost.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method};
use revisit_rules::appcache::Event;
use url::Url;

use crate::{Action, Destination};

mod reason;
mod role;

pub use reason::{NotKept, Reason};
pub use role::Role;

/// What one action came to.
#[derive(Debug, Clone)]
pub struct Visit {
    /// What was done.
    pub action: Action,
    /// When, by the true time.
    pub started: SystemTime,
    /// The document that the current tab shows afterwards, if it shows one.
    pub document: Option<Url>,
    /// How that document came, where the action was about one.
    pub arrival: Arrival,
    /// All that was asked for, in the order of asking.
    pub exchanges: Vec<Exchange>,
    /// What did not come as it should.
    pub broken: Vec<Broken>,
    /// The pages that name the manifest of an application cache, and which they name.
    pub manifests: Vec<(Url, Url)>,
    /// What open pages heard of their application caches, in the order of time.
    pub events: Vec<PageEvent>,
    /// When the last of what the load waits for had come: an estimate by the network model.
    pub load_time: Duration,
}

/// An event at a page's `window.applicationCache`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageEvent {
    /// Its tab, counted from 0 in the order of opening.
    pub tab: usize,
    /// The page.
    pub page: Url,
    /// When, since the beginning of the visit: an estimate.
    pub at: Duration,
    /// Which.
    pub event: Event,
}

/// How a document came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrival {
    /// The action was about no document.
    #[default]
    None,
    /// It was loaded.
    Loaded,
    /// It stood in the back-forward cache, and was shown as it was.
    Restored,
    /// It did not come; see [`Visit::broken`].
    Failed,
}

/// One question and who answered it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What was asked for.
    pub url: Url,
    /// By which method.
    pub method: Method,
    /// What for.
    pub destination: Destination,
    /// The document or subresource in which it was found.
    pub found_in: Option<Url>,
    /// Who answered.
    pub layer: Layer,
    /// Why that one.
    pub reason: Reason,
    /// What reached servers for it, most often one request or none.
    pub asked: Vec<Asked>,
    /// The status that the page sees; `None` where there is no response.
    pub status: Option<u16>,
    /// The response's fields as the page gets them.
    pub headers: HeaderMap,
    /// Bytes of content, decoded.
    pub body_bytes: u64,
    /// Bytes on the wire of what the server pushed beside its answer, and was not refused.
    pub pushed_bytes: u64,
    /// Nobody waits for it: a stale response was used meanwhile, or it is a prefetch.
    pub background: bool,
    /// Whether the answer was used past its lifetime, without asking.
    pub stale: bool,
    /// What the application cache of the page had to do with it, if it has one.
    pub application_cache: Option<Role>,
    /// Why the answer was not kept, where the network gave one that is not.
    pub not_kept: Option<NotKept>,
    /// When it was asked, since the beginning of the visit: an estimate.
    pub start: Duration,
    /// When the last byte had come: an estimate.
    pub end: Duration,
}

/// A request that reached a server.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its fields.
    pub headers: HeaderMap,
    /// The status of the reply.
    pub status: u16,
    /// Bytes on the wire, up and down, heads among them: an estimate of the heads.
    pub wire_bytes: u64,
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// The document itself, which has it already: an earlier use, or a preload. DevTools shows no
    /// request.
    Document,
    /// The memory cache of the tab.
    Memory,
    /// The application cache of the page, or to a navigation one of the site's.
    ApplicationCache,
    /// The service worker.
    Worker,
    /// The disk cache, for the first use of what was prefetched.
    Prefetch,
    /// The disk cache (the HTTP cache).
    Disk,
    /// The HTTP/2 push cache of the connection.
    Push,
    /// A server; 304 too, where the bytes come from the disk.
    Network,
    /// Nobody.
    Nobody,
}

/// Something that did not come as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What was asked for.
    pub url: Url,
    /// What for.
    pub destination: Destination,
    /// What went wrong.
    pub trouble: Trouble,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Trouble {
    /// There is no network.
    #[error("there is no network")]
    Offline,
    /// Nobody knows what the server answers: it is played from a recording that does not have it.
    #[error("not in the recording")]
    NotRecorded,
    /// The server cannot be reached.
    #[error("the server cannot be reached")]
    Unreachable,
    /// The mode was `only-if-cached`, and nothing usable was kept.
    #[error("nothing usable is kept, and asking was forbidden")]
    CacheMiss,
    /// The server answers with an error.
    #[error("the server answers with status {0}")]
    Status(u16),
    /// The page has an application cache, and its manifest lists this nowhere.
    #[error("the manifest of the page's application cache lists it nowhere")]
    ListedNowhere,
    /// More redirects than a browser follows, which is 20: a loop, most often.
    #[error("more than 20 redirects: a loop, most often")]
    TooManyRedirects,
    /// A redirect without a readable `Location`.
    #[error("a redirect leads nowhere")]
    BadRedirect,
    /// More subresources than [`crate::Limits::exchanges_max`].
    #[error("more requests than a visit may have")]
    TooManyRequests,
}

impl Exchange {
    /// Was a kept response confirmed by the server (304)?
    pub fn is_validated(&self) -> bool {
        self.layer == Layer::Network && self.asked.last().is_some_and(|asked| asked.status == 304)
    }

    /// Bytes on the wire, heads among them.
    pub fn wire_bytes(&self) -> u64 {
        let asked: u64 = self.asked.iter().map(|asked| asked.wire_bytes).sum();
        asked + self.pushed_bytes
    }

    /// Who answered, in the words of DevTools.
    pub fn label(&self) -> &'static str {
        match self.layer {
            Layer::Network if self.is_validated() => "304",
            layer => layer.label(),
        }
    }
}

impl Visit {
    /// Bytes on the wire.
    pub fn wire_bytes(&self) -> u64 {
        self.exchanges.iter().map(Exchange::wire_bytes).sum()
    }

    /// How many requests reached servers.
    pub fn requests(&self) -> usize {
        self.exchanges.iter().map(|one| one.asked.len()).sum()
    }

    /// Did everything come?
    pub fn works(&self) -> bool {
        self.broken.is_empty()
    }
}

impl Layer {
    /// In the words of DevTools.
    pub fn label(self) -> &'static str {
        match self {
            Self::Document => "same document",
            Self::Memory => "memory cache",
            Self::ApplicationCache => "application cache",
            Self::Worker => "ServiceWorker",
            Self::Prefetch => "prefetch cache",
            Self::Disk => "disk cache",
            Self::Push => "push cache",
            Self::Network => "network",
            Self::Nobody => "failed",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
