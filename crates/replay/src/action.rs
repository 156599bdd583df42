//! What a person, a page's script or the world does: the words of a scenario.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::{Credentials, Subresource};

/// One step. All but [`Action::Wait`] take no time but what the network takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Types an address (or picks a bookmark) in the current tab; opens a tab if there is none.
    Typed(Url),
    /// Follows a link of the current document, or has a script set `location.href`.
    Link(Url),
    /// Opens a tab, which becomes the current one, and types there.
    NewTab(Url),
    /// Goes to the tab in this place, counted from 0 in the order of opening.
    Tab(usize),
    /// F5, the reload button, `location.reload()`: the document is validated.
    Reload,
    /// Ctrl+F5: everything is asked for anew, past every cache.
    HardReload,
    /// One back in the tab's history.
    Back,
    /// One forward in the tab's history.
    Forward,
    /// Closes the current tab; the one opened last before it becomes the current one.
    CloseTab,
    /// Closes the browser and starts it again: what is on disk stays.
    Restart,
    /// The network goes away, as when a cable is pulled.
    Offline,
    /// The network is back.
    Online,
    /// A script of the current document calls `fetch()`.
    Fetch(Fetching),
    /// A script of the current document inserts an element that loads this; with a phase of preload or
    /// prefetch it is a `<link>` with that `rel`.
    Insert(Subresource),
    /// A script of the current document calls `applicationCache.update()`.
    UpdateApplicationCache,
    /// A script of the current document calls `applicationCache.swapCache()`.
    SwapApplicationCache,
    /// The person clears data of all sites.
    Clear(Cleared),
    /// Time passes.
    Wait(Duration),
    /// The machine's clock is set right, or wrong by so much from now on.
    SetClock(ClockError),
    /// The server's operator deploys this version; see [`crate::Server::deploy`].
    Deploy(String),
    /// The servers work, or fail in this way, from now on.
    Servers(Health),
}

/// A call of `fetch()`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetching {
    /// What is asked for.
    pub url: Url,
    /// By which method.
    pub method: Method,
    /// `cache` of its options.
    pub mode: CacheMode,
    /// `credentials` of its options.
    pub credentials: Credentials,
    /// Fields that the script sets (`Range`, for one).
    pub headers: HeaderMap,
    /// Length of the body that goes up; `None`: there is none.
    pub body_bytes: Option<u64>,
}

/// The cache mode of a request, in the names of the Fetch standard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum CacheMode {
    /// By the rules of the HTTP cache.
    #[default]
    Default,
    /// Past the cache, and nothing is kept.
    NoStore,
    /// Past the cache, and the answer is kept.
    Reload,
    /// Validated whatever its age.
    NoCache,
    /// From the cache whatever its age, else from the network.
    ForceCache,
    /// From the cache whatever its age, else not at all.
    OnlyIfCached,
}

/// What of the stored data is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cleared {
    /// The HTTP cache, and what is in memory of it.
    Cache,
    /// Cookies, and with them what sites keep: application caches.
    Cookies,
    /// All.
    Everything,
}

/// By how much the machine's clock is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClockError {
    /// It is right.
    #[default]
    None,
    /// It is ahead by this.
    Ahead(Duration),
    /// It is behind by this.
    Behind(Duration),
}

/// How the servers are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Health {
    /// They work.
    #[default]
    Works,
    /// They answer every request with this status and nothing else.
    Answers(StatusCode),
    /// They cannot be reached.
    Unreachable,
}

impl Fetching {
    /// A plain `fetch(url)`.
    pub fn get(url: Url) -> Self {
        Self {
            url,
            method: Method::GET,
            mode: CacheMode::default(),
            credentials: Credentials::SameOrigin,
            headers: HeaderMap::new(),
            body_bytes: None,
        }
    }

    /// The same in this cache mode.
    pub fn in_mode(url: Url, mode: CacheMode) -> Self {
        Self {
            mode,
            ..Self::get(url)
        }
    }
}

impl ClockError {
    /// What the clock shows at `now`.
    pub(crate) fn shown(self, now: SystemTime) -> SystemTime {
        match self {
            Self::None => Some(now),
            Self::Ahead(by) => now.checked_add(by),
            Self::Behind(by) => now.checked_sub(by),
        }
        .unwrap_or(now)
    }
}

impl CacheMode {
    /// As the Fetch standard writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::NoStore => "no-store",
            Self::Reload => "reload",
            Self::NoCache => "no-cache",
            Self::ForceCache => "force-cache",
            Self::OnlyIfCached => "only-if-cached",
        }
    }
}
