//! One step of a scenario: what is done, and what is promised of it.

use http::{HeaderMap, Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, ScenarioError, Span, nearest};
use crate::{CacheMode, Cleared, ClockError, Credentials, Destination, Fetching, Health, Phase};

/// One step: exactly one of its actions, with a name and checks if wanted.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// What it is called in the table.
    pub name: Option<String>,
    /// Type this address, or take it from the bookmarks.
    pub visit: Option<String>,
    /// Follow a link to this address.
    pub link: Option<String>,
    /// Type this address in a new tab.
    pub new_tab: Option<String>,
    /// Go to the tab in this place, counted from 1 in the order of opening.
    pub tab: Option<usize>,
    /// What takes no more than a word: `reload` (F5), `hard-reload`, `back`, `forward`, `close-tab`, `restart` (the
    /// browser), `offline`, `online`; of a page's script `update` and `swap-cache` (`applicationCache.update()` and
    /// `swapCache()`).
    #[serde(rename = "do")]
    pub act: Option<Do>,
    /// A script of the page calls `fetch()`.
    pub fetch: Option<FetchStep>,
    /// The page inserts `<link rel=preload as=fetch>` for this address.
    pub preload: Option<String>,
    /// The page inserts `<link rel=prefetch>` for this address.
    pub prefetch: Option<String>,
    /// So much time passes.
    pub wait: Option<Span>,
    /// The machine's clock is ahead of the truth by this from now on; with a `-` before it, behind.
    pub clock: Option<String>,
    /// This version of `[deploys]` is deployed.
    pub deploy: Option<String>,
    /// How the servers are from now on: `work`, `down`, or a status (`503`) that answers everything.
    pub servers: Option<String>,
    /// The visitor clears data: `cache`, `cookies` or `everything`.
    pub clear: Option<Clear>,
    /// What is promised of this step; one that does not hold ends the command with exit status 1.
    pub check: Option<Check>,
}

/// What takes no more than a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Do {
    /// F5.
    Reload,
    /// Ctrl+F5.
    HardReload,
    /// One back in the history.
    Back,
    /// One forward in the history.
    Forward,
    /// Close the tab.
    CloseTab,
    /// Close the browser and start it again.
    Restart,
    /// The network goes away.
    Offline,
    /// The network is back.
    Online,
    /// A script of the page calls `applicationCache.update()`.
    Update,
    /// A script of the page calls `applicationCache.swapCache()`.
    SwapCache,
}

/// What is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Clear {
    /// What is cached.
    Cache,
    /// Cookies, and with them application caches.
    Cookies,
    /// All of it.
    Everything,
}

/// A call of `fetch()`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FetchStep {
    /// The address, relative to the site.
    pub url: String,
    /// The cache mode. Default `default`.
    pub mode: InMode,
    /// The method. Default `GET`.
    pub method: Option<String>,
}

/// The cache mode of a `fetch()`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InMode {
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

/// What a step does, with addresses as they are written.
#[derive(Debug, Clone, PartialEq)]
pub enum Planned {
    /// See [`crate::Action::Typed`].
    Typed(String),
    /// See [`crate::Action::Link`].
    Link(String),
    /// See [`crate::Action::NewTab`].
    NewTab(String),
    /// See [`crate::Action::Tab`]; from 0.
    Tab(usize),
    /// A word.
    Do(Do),
    /// See [`crate::Action::Fetch`]; the address, and the rest without one.
    Fetch(String, CacheMode, Method),
    /// See [`crate::Action::Insert`].
    Insert(String, Phase),
    /// See [`crate::Action::Wait`].
    Wait(Span),
    /// See [`crate::Action::SetClock`].
    Clock(ClockError),
    /// See [`crate::Action::Deploy`].
    Deploy(String),
    /// See [`crate::Action::Servers`].
    Servers(Health),
    /// See [`crate::Action::Clear`].
    Clear(Cleared),
}

impl Step {
    /// A step that does this.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// What it does.
    ///
    /// # Errors
    /// It does nothing, or two things, or what it says cannot be read.
    pub fn planned(&self) -> Result<Planned, ScenarioError> {
        let mut all = Vec::new();
        all.extend(self.visit.clone().map(Planned::Typed));
        all.extend(self.link.clone().map(Planned::Link));
        all.extend(self.new_tab.clone().map(Planned::NewTab));
        if let Some(place) = self.tab {
            let place = place.checked_sub(1).ok_or_else(|| {
                ScenarioError::new("there is no tab 0", "tabs are counted from 1".to_owned())
            })?;
            all.push(Planned::Tab(place));
        }
        all.extend(self.act.map(Planned::Do));
        if let Some(fetch) = &self.fetch {
            all.push(fetch.planned()?);
        }
        all.extend(
            self.preload
                .clone()
                .map(|url| Planned::Insert(url, Phase::Preload)),
        );
        all.extend(
            self.prefetch
                .clone()
                .map(|url| Planned::Insert(url, Phase::Prefetch)),
        );
        all.extend(self.wait.map(Planned::Wait));
        if let Some(clock) = &self.clock {
            all.push(Planned::Clock(clock_error(clock)?));
        }
        all.extend(self.deploy.clone().map(Planned::Deploy));
        if let Some(servers) = &self.servers {
            all.push(Planned::Servers(health(servers)?));
        }
        all.extend(self.clear.map(|what| {
            Planned::Clear(match what {
                Clear::Cache => Cleared::Cache,
                Clear::Cookies => Cleared::Cookies,
                Clear::Everything => Cleared::Everything,
            })
        }));
        let mut all = all.into_iter();
        match (all.next(), all.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(ScenarioError::new(
                "it does nothing",
                "add one of `visit`, `link`, `new_tab`, `tab`, `do`, `fetch`, `preload`, `prefetch`, `wait`, `clock`, `deploy`, `servers`, `clear`"
                    .to_owned(),
            )),
            (Some(_), Some(_)) => Err(ScenarioError::new(
                "it does two things",
                "make two steps of it: each begins with `[[step]]`".to_owned(),
            )),
        }
    }
}

impl FetchStep {
    fn planned(&self) -> Result<Planned, ScenarioError> {
        let mode = match self.mode {
            InMode::Default => CacheMode::Default,
            InMode::NoStore => CacheMode::NoStore,
            InMode::Reload => CacheMode::Reload,
            InMode::NoCache => CacheMode::NoCache,
            InMode::ForceCache => CacheMode::ForceCache,
            InMode::OnlyIfCached => CacheMode::OnlyIfCached,
        };
        let method = self.method.as_deref().unwrap_or("GET");
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| {
            ScenarioError::new(
                format!("`{method}` is no method"),
                "write `POST`, or leave it out".to_owned(),
            )
        })?;
        if self.url.is_empty() {
            return Err(ScenarioError::new("`fetch` has no `url`", None));
        }
        Ok(Planned::Fetch(self.url.clone(), mode, method))
    }
}

impl Planned {
    /// The call that `fetch` makes.
    pub(crate) fn fetching(url: url::Url, mode: CacheMode, method: Method) -> Fetching {
        let body_bytes = (!matches!(method, Method::GET | Method::HEAD)).then_some(0);
        Fetching {
            url,
            method,
            mode,
            credentials: Credentials::SameOrigin,
            headers: HeaderMap::new(),
            body_bytes,
        }
    }

    /// What an inserted link is for.
    pub(crate) fn inserted_as(phase: Phase) -> Destination {
        match phase {
            Phase::Preload | Phase::Load | Phase::OnDemand | Phase::Prefetch => Destination::Fetch,
        }
    }
}

fn clock_error(text: &str) -> Result<ClockError, ScenarioError> {
    let (behind, span) = match text.trim().strip_prefix('-') {
        Some(span) => (true, span),
        None => (false, text),
    };
    let Span(span) = Span::parse(span).map_err(|what| ScenarioError::new(what, None))?;
    Ok(match (span.is_zero(), behind) {
        (true, _) => ClockError::None,
        (false, true) => ClockError::Behind(span),
        (false, false) => ClockError::Ahead(span),
    })
}

fn health(text: &str) -> Result<Health, ScenarioError> {
    match text {
        "work" => Ok(Health::Works),
        "down" => Ok(Health::Unreachable),
        status => {
            let status = StatusCode::from_bytes(status.as_bytes()).ok();
            let status =
                status.filter(|status| status.is_client_error() || status.is_server_error());
            status.map(Health::Answers).ok_or_else(|| {
                let help = nearest(text, &["work", "down"]);
                let help = help.unwrap_or_else(|| {
                    "write `work`, `down`, or a status from 400 to 599".to_owned()
                });
                ScenarioError::new(format!("servers cannot `{text}`"), help)
            })
        }
    }
}
