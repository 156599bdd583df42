//! A browser that is played: its tabs, its disk, its clock, and one action after the other.
//!
//! The way of a request: [`navigate`] (a document) or [`load`] (what a document loads) asks what the
//! document has, then memory, then `http` (the disk, by [`crate::disk`]), then `wire` (pushes, the
//! network).

use std::time::{Duration, SystemTime};

use revisit_rules::http::Policy;
use url::Url;

use crate::cookies::Cookies;
use crate::disk::Disk;
use crate::network::Lines;
use crate::push::PushCache;
use crate::{
    Action, Arrival, Cleared, ClockError, Health, Options, Parse, Server, UnknownVersion, Visit,
};

mod appcache;
mod exchange;
mod http;
mod load;
mod navigate;
mod range;
mod redirect;
mod request;
mod tab;
mod update;
mod wire;
mod write;

use appcache::{Applications, Call};
use navigate::How;
use tab::Tab;

/// A browser with its profile, before a [`Server`], with a [`Parse`] that reads its pages.
#[derive(Debug)]
pub struct Replay<S, P> {
    options: Options,
    server: S,
    parse: P,
    world: World,
    disk: Disk,
    /// How memory caches read responses.
    memory_policy: Policy,
    cookies: Cookies,
    lines: Lines,
    push: PushCache,
    /// `None`: the browser has no application caches.
    applications: Option<Applications>,
    /// In the order of opening.
    tabs: Vec<Tab>,
    /// The tabs in the order in which they were shown, the current one last.
    shown: Vec<u64>,
    tabs_opened: u64,
}

/// What is about the browser: time, and how the network is.
#[derive(Debug)]
struct World {
    now: SystemTime,
    clock: ClockError,
    offline: bool,
    health: Health,
}

/// An action that cannot be done in the state that the browser is in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// There is no document to reload, to click in or to run a script in.
    #[error("no document is open: visit a page first")]
    NoDocument,
    /// There is nothing to go back or forward to.
    #[error("the history ends here: there is no page to go to")]
    NoHistory,
    /// There is no tab in that place.
    #[error("there is no tab {place}: {open} are open")]
    NoTab {
        /// What was asked for, from 0.
        place: usize,
        /// How many there are.
        open: usize,
    },
    /// The browser is one of today.
    #[error("the browser that is played has no application caches")]
    NoApplicationCaches,
    /// What the call throws there is an `InvalidStateError`.
    #[error("the page has no application cache that this could be done with")]
    NoApplicationCache,
    /// The server has no such version.
    #[error(transparent)]
    UnknownVersion(#[from] UnknownVersion),
    /// An address that has no server: `mailto:`, `data:`, a file.
    #[error("`{0}` is no address that a server answers: it begins with http or https")]
    NotHttp(Url),
    /// Time that no calendar holds.
    #[error("{0:?} from now is past the end of the calendar")]
    TooLate(Duration),
}

impl<S: Server, P: Parse> Replay<S, P> {
    /// A browser that was never used.
    pub fn new(options: Options, server: S, parse: P) -> Self {
        Self {
            world: World {
                now: options.start,
                clock: options.clock,
                offline: false,
                health: Health::Works,
            },
            disk: Disk::new(options.policy.clone(), &options.limits),
            memory_policy: crate::memory::policy_of(&options.policy, options.order),
            cookies: Cookies::default(),
            lines: Lines::new(options.network, options.seed),
            push: PushCache::default(),
            applications: options.application_caches.map(Applications::new),
            tabs: Vec::new(),
            shown: Vec::new(),
            tabs_opened: 0,
            options,
            server,
            parse,
        }
    }

    /// The true time.
    pub fn now(&self) -> SystemTime {
        self.world.now
    }

    /// Bytes of application caches that one origin may keep; `None`: this browser has none.
    pub fn application_cache_bytes_max(&self) -> Option<u64> {
        let bytes_max = self.options.limits.application_cache_bytes_max;
        self.applications.as_ref().map(|_| bytes_max)
    }

    /// The server.
    pub fn server(&mut self) -> &mut S {
        &mut self.server
    }

    /// Bytes in the disk cache, and entries.
    pub fn disk_size(&self) -> (u64, usize) {
        self.disk.size()
    }

    /// Does one action, and tells what came of it.
    ///
    /// # Errors
    /// The action cannot be done in this state; nothing has changed. What merely does not load is no
    /// error but [`Visit::broken`].
    pub fn play(&mut self, action: &Action) -> Result<Visit, ActionError> {
        let mut visit = Visit {
            action: action.clone(),
            started: self.world.now,
            document: None,
            arrival: Arrival::None,
            exchanges: Vec::new(),
            broken: Vec::new(),
            manifests: Vec::new(),
            events: Vec::new(),
            load_time: Duration::ZERO,
        };
        self.lines.begin(self.world.now);
        let lines = &self.lines;
        self.push.close_all_but(|origin| lines.is_open(origin));
        self.act(&mut visit, action)?;
        visit.document = self.document().map(|document| document.url.clone());
        let end = |visit: &Visit| visit.exchanges.iter().map(|one| one.end).max();
        let took = end(&visit).unwrap_or_default();
        if visit.arrival == Arrival::None {
            visit.load_time = took;
        }
        let loaded = match visit.arrival {
            Arrival::Loaded => visit.load_time,
            _ => took,
        };
        self.close_pages();
        let rest = self.update_application_caches(&mut visit, loaded);
        let took = end(&visit).unwrap_or_default().max(rest);
        // Where the calendar ends time stands still.
        self.world.now = self.world.now.checked_add(took).unwrap_or(self.world.now);
        Ok(visit)
    }

    fn act(&mut self, visit: &mut Visit, action: &Action) -> Result<(), ActionError> {
        match action {
            Action::Typed(url) => {
                is_http(url)?;
                if self.tabs.is_empty() {
                    self.open_tab();
                }
                self.navigate(visit, url, How::Typed);
            }
            Action::Link(url) => {
                is_http(url)?;
                self.document().ok_or(ActionError::NoDocument)?;
                self.navigate(visit, url, How::Link);
            }
            Action::NewTab(url) => {
                is_http(url)?;
                self.open_tab();
                self.navigate(visit, url, How::Typed);
            }
            Action::Tab(place) => {
                let open = self.tabs.len();
                let place = *place;
                let tab = self
                    .tabs
                    .get(place)
                    .ok_or(ActionError::NoTab { place, open })?;
                let id = tab.id;
                self.shown.retain(|known| *known != id);
                self.shown.push(id);
            }
            Action::Reload | Action::HardReload => {
                let url = self.tab().and_then(Tab::url).cloned();
                let url = url.ok_or(ActionError::NoDocument)?;
                let how = match action {
                    Action::Reload => How::Reload,
                    _ => How::HardReload,
                };
                self.navigate(visit, &url, how);
            }
            Action::Back => self.traverse(visit, -1)?,
            Action::Forward => self.traverse(visit, 1)?,
            Action::CloseTab => {
                let id = self.shown.pop().ok_or(ActionError::NoDocument)?;
                self.tabs.retain(|tab| tab.id != id);
            }
            Action::Restart => {
                self.tabs.clear();
                self.shown.clear();
                self.cookies.end_session();
                self.lines.close();
                self.push.close_all_but(|_| false);
            }
            Action::Offline => {
                self.world.offline = true;
                self.lines.close();
                self.push.close_all_but(|_| false);
            }
            Action::Online => self.world.offline = false,
            Action::Fetch(fetching) => {
                is_http(&fetching.url)?;
                self.document().ok_or(ActionError::NoDocument)?;
                self.script_fetches(visit, fetching);
            }
            Action::Insert(subresource) => {
                is_http(&subresource.url)?;
                self.document().ok_or(ActionError::NoDocument)?;
                self.script_inserts(visit, subresource);
            }
            Action::UpdateApplicationCache => self.script_calls(Call::Update)?,
            Action::SwapApplicationCache => self.script_calls(Call::SwapCache)?,
            Action::Clear(cleared) => self.clear(*cleared),
            Action::Wait(span) => self.pass(*span)?,
            Action::SetClock(error) => self.world.clock = *error,
            Action::Deploy(version) => self.server.deploy(version)?,
            Action::Servers(health) => self.world.health = *health,
        }
        Ok(())
    }

    /// The person clears data.
    fn clear(&mut self, cleared: Cleared) {
        if matches!(cleared, Cleared::Cache | Cleared::Everything) {
            self.clear_caches(None);
        }
        if matches!(cleared, Cleared::Cookies | Cleared::Everything) {
            self.cookies.clear(None);
            // "… at the same time as cookies" and all else that an origin keeps (HTML 5.1 §11.3.4)
            self.clear_application_caches(None);
        }
    }

    /// Drops what caches have of one origin, or all.
    fn clear_caches(&mut self, origin: Option<&str>) {
        self.disk.clear(origin);
        for tab in &mut self.tabs {
            tab.clear(origin);
        }
    }

    fn pass(&mut self, span: Duration) -> Result<(), ActionError> {
        let later = self.world.now.checked_add(span);
        // The local clock, too, has to have a place for it, and lifetimes are added to that.
        let room = later.and_then(|later| later.checked_add(ROOM));
        self.world.now = later
            .filter(|_| room.is_some())
            .ok_or(ActionError::TooLate(span))?;
        Ok(())
    }

    /// What the machine's clock shows so long after the beginning of the visit.
    fn local(&self, after: Duration) -> SystemTime {
        let now = self.world.now.checked_add(after).unwrap_or(self.world.now);
        self.world.clock.shown(now)
    }
}

fn is_http(url: &Url) -> Result<(), ActionError> {
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(()),
        _ => Err(ActionError::NotHttp(url.clone())),
    }
}

/// A thousand years.
const ROOM: Duration = Duration::from_secs(1000 * 365 * 86_400);
