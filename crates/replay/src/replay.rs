//! A browser that is played: its tabs, its disk, its clock.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method};
use url::Url;

use crate::network::{Lines, Trip};
use crate::{
    Action, Answer, Arrival, Asked, Broken, Destination, Exchange, Health, Layer, Loaded, Options,
    Parse, Reason, Request, Server, Trouble, UnknownVersion, Visit,
};

/// A browser with its profile, before a [`Server`], with a [`Parse`] that reads its pages.
#[derive(Debug)]
pub struct Replay<S, P> {
    options: Options,
    server: S,
    parse: P,
    now: SystemTime,
    offline: bool,
    health: Health,
    lines: Lines,
    document: Option<Url>,
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
    /// The server has no such version.
    #[error(transparent)]
    UnknownVersion(#[from] UnknownVersion),
    /// An address that has no server: `mailto:`, `data:`, a file.
    #[error("`{0}` is no address that a server answers: it begins with http or https")]
    NotHttp(Url),
}

impl<S: Server, P: Parse> Replay<S, P> {
    /// A browser that was never used.
    pub fn new(options: Options, server: S, parse: P) -> Self {
        Self {
            now: options.start,
            lines: Lines::new(options.network, options.seed),
            options,
            server,
            parse,
            offline: false,
            health: Health::Works,
            document: None,
        }
    }

    /// The true time.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// The server.
    pub fn server(&mut self) -> &mut S {
        &mut self.server
    }

    /// Does one action, and tells what came of it.
    ///
    /// # Errors
    /// The action cannot be done in this state; nothing has changed. What merely does not load is no
    /// error but [`Visit::broken`].
    pub fn play(&mut self, action: &Action) -> Result<Visit, ActionError> {
        let mut visit = Visit {
            action: action.clone(),
            started: self.now,
            document: None,
            arrival: Arrival::None,
            exchanges: Vec::new(),
            broken: Vec::new(),
            load_time: Duration::ZERO,
        };
        self.lines.begin(self.now);
        match action {
            Action::Typed(url) | Action::NewTab(url) | Action::Link(url) => {
                self.load(&mut visit, url, Destination::Document, None, Duration::ZERO);
            }
            Action::Wait(span) => self.now += *span,
            Action::Offline => self.offline = true,
            Action::Online => self.offline = false,
            Action::Deploy(version) => self.server.deploy(version)?,
            Action::Servers(health) => self.health = *health,
            _ => {}
        }
        visit.document.clone_from(&self.document);
        visit.load_time = visit
            .exchanges
            .iter()
            .map(|one| one.end)
            .max()
            .unwrap_or_default();
        self.now += visit.load_time;
        Ok(visit)
    }

    fn load(
        &mut self,
        visit: &mut Visit,
        url: &Url,
        destination: Destination,
        found_in: Option<&Url>,
        ready: Duration,
    ) {
        let request = Request {
            method: Method::GET,
            url: url.clone(),
            headers: HeaderMap::new(),
            destination,
            body_bytes: None,
        };
        let answer = if self.offline {
            Answer::Unreachable
        } else {
            self.server.answer(&request, self.now)
        };
        let Answer::Response(response) = answer else {
            visit.broken.push(Broken {
                url: url.clone(),
                destination,
                trouble: if self.offline {
                    Trouble::Offline
                } else {
                    Trouble::Unreachable
                },
            });
            return;
        };
        let origin = url.origin().ascii_serialization();
        let trip = Trip {
            origin: &origin,
            encrypted: url.scheme() == "https",
            ready,
            up_bytes: 500,
            down_bytes: response.wire_body_bytes() + 300,
        };
        let (start, end) = self.lines.travel(&trip, self.now);
        visit.exchanges.push(Exchange {
            url: url.clone(),
            method: Method::GET,
            destination,
            found_in: found_in.cloned(),
            layer: Layer::Network,
            reason: Reason::NothingKept,
            asked: vec![Asked {
                headers: request.headers,
                status: response.status.as_u16(),
                wire_bytes: trip.up_bytes + trip.down_bytes,
            }],
            status: Some(response.status.as_u16()),
            headers: response.headers.clone(),
            body_bytes: response.body.len() as u64,
            background: false,
            stale: false,
            not_kept: None,
            start,
            end,
        });
        if destination == Destination::Document {
            visit.arrival = Arrival::Loaded;
            self.document = Some(url.clone());
        }
        let document = self.document.clone().unwrap_or_else(|| url.clone());
        let found = self.parse.subresources(&Loaded {
            url,
            destination,
            headers: &response.headers,
            body: &response.body,
            document: &document,
        });
        for one in found.iter() {
            self.load(visit, &one.url, one.destination, Some(url), end);
        }
    }
}
