//! Which browser is played, over which network, from when on.

use std::time::{Duration, SystemTime};

use revisit_rules::appcache::Profile;
use revisit_rules::http::Policy;

use crate::{ClockError, Network};

/// Options of a replay; [`Options::chromium`] and [`Options::textbook`] are the two to begin with.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// In which order the layers are asked.
    pub order: Order,
    /// The rules of the disk cache.
    pub policy: Policy,
    /// Disk entries are kept apart by the site of the tab's document, as all browsers do today.
    /// `false`: as they once were, so that sites share what they load.
    pub partitioned: bool,
    /// Documents that are left are kept for going back.
    pub bfcache: bool,
    /// HTTP/2 server push is taken. Historical: browsers have removed it.
    pub push: bool,
    /// Pages with a `manifest` attribute have application caches, whose manifests are read by this profile.
    /// Historical: browsers have removed them.
    pub application_caches: Option<Profile>,
    /// What a page loads only on demand (`import()`, lazy images) is loaded after it.
    pub on_demand: bool,
    /// What the network takes.
    pub network: Network,
    /// When the replay begins, by the true time.
    pub start: SystemTime,
    /// How wrong the machine's clock is at the beginning.
    pub clock: ClockError,
    /// From which the network's jitter comes: the same seed gives the same run.
    pub seed: u64,
    /// `Accept-Language` of the browser.
    pub language: String,
    /// How much there may be of everything.
    pub limits: Limits,
}

/// In which order the layers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// As Chromium does today: what the document has, memory, worker, disk, push, network.
    Chromium,
    /// As the textbooks have it: worker, memory, disk, push, network.
    Textbook,
}

/// How much there may be of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest body in a memory cache; larger ones come from the disk. Default 3 MiB.
    pub memory_body_bytes_max: u64,
    /// Bytes in a memory cache beside what the current document holds. Default 15 MiB.
    pub memory_bytes_max: u64,
    /// How long memory keeps what no document holds. Default 5 minutes.
    pub memory_lifetime: Duration,
    /// Bytes on disk. Default 320 MiB.
    pub disk_bytes_max: u64,
    /// Largest body on disk. Default 40 MiB.
    pub disk_body_bytes_max: u64,
    /// Bytes in application caches of one origin. Default 100 MiB.
    pub application_cache_bytes_max: u64,
    /// Documents that one tab keeps for going back. Default 6.
    pub bfcache_documents_max: usize,
    /// For how long. Default 10 minutes.
    pub bfcache_lifetime: Duration,
    /// Entries of one tab's history. Default 50.
    pub history_max: usize,
    /// Open tabs; the oldest is closed. Default 100.
    pub tabs_max: usize,
    /// Questions of one visit. Default 10,000.
    pub exchanges_max: usize,
    /// How long what a server pushed waits for its use. Default 5 minutes.
    pub push_lifetime: Duration,
    /// Pushed responses that wait on one connection. Default 100.
    pub pushed_max: usize,
    /// Cookies of one host. Default 180.
    pub cookies_max: usize,
    /// Rules of `No-Vary-Search` that are remembered for one path. Default 32.
    pub search_rules_max: usize,
}

impl Options {
    /// Today's Chromium, over fibre.
    pub fn chromium() -> Self {
        let mut policy = Policy::chromium();
        policy.departures.everything_is_kept = true;
        Self {
            order: Order::Chromium,
            policy,
            partitioned: true,
            bfcache: true,
            push: false,
            application_caches: None,
            on_demand: false,
            network: Network::FIBRE,
            start: SystemTime::UNIX_EPOCH + START,
            clock: ClockError::None,
            seed: 0,
            language: "en-US,en;q=0.9".to_owned(),
            limits: Limits::default(),
        }
    }

    /// The browser of the textbooks: the order of layers that they give, HTTP by the letter, but that
    /// `Expires` is held against the own clock; server push, one disk cache for all sites, no
    /// back-forward cache.
    pub fn textbook() -> Self {
        let mut policy = Policy::private();
        policy.departures.own_clock_rules = true;
        Self {
            order: Order::Textbook,
            policy,
            partitioned: false,
            bfcache: false,
            push: true,
            ..Self::chromium()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::chromium()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_body_bytes_max: 3 << 20,
            memory_bytes_max: 15 << 20,
            memory_lifetime: Duration::from_secs(5 * 60),
            disk_bytes_max: 320 << 20,
            disk_body_bytes_max: 40 << 20,
            application_cache_bytes_max: 100 << 20,
            bfcache_documents_max: 6,
            bfcache_lifetime: Duration::from_secs(10 * 60),
            history_max: 50,
            tabs_max: 100,
            exchanges_max: 10_000,
            push_lifetime: Duration::from_secs(5 * 60),
            pushed_max: 100,
            cookies_max: 180,
            search_rules_max: 32,
        }
    }
}

/// 2026-01-01T00:00:00Z.
const START: Duration = Duration::from_secs(1_767_225_600);
