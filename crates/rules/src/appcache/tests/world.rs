//! One browser and its servers in virtual time: what the machine wants is done at once, until it wants no more.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::appcache::{
    Action, Answer, AppCaches, Event, Failed, Fetched, HostId, Limits, Opened, Opening, Outcome,
    Profile, Served, Subresource, Ticket,
};
use crate::http::Times;

/// What a server has under a URL.
#[derive(Debug, Clone, Default)]
pub(super) struct Resource {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) headers: HeaderMap,
    pub(super) redirect: Option<String>,
    /// There is no answer at all.
    pub(super) error: bool,
    /// The `manifest` attribute of the page that this is.
    pub(super) manifest: Option<String>,
}

impl Resource {
    pub(super) fn new(body: &str) -> Self {
        Self {
            status: 200,
            body: body.into(),
            ..Self::default()
        }
    }

    pub(super) fn page(body: &str, manifest: &str) -> Self {
        Self {
            manifest: Some(manifest.to_owned()),
            ..Self::new(body)
        }
    }

    pub(super) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::new(&format!("error {status}"))
        }
    }

    pub(super) fn field(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }
}

/// Who answered, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Got {
    /// `network`, `cache`, `fallback:URL` or `error`.
    pub(super) from: String,
    pub(super) body: String,
}

pub(super) struct World {
    pub(super) caches: AppCaches<Vec<u8>>,
    pub(super) now: SystemTime,
    pub(super) offline: bool,
    /// URL, and answers in turn; the last one repeats.
    pub(super) servers: BTreeMap<String, VecDeque<Resource>>,
    /// What was asked of servers, and how.
    pub(super) asked: Vec<String>,
    pub(super) kept: bool,
    /// Fetches that nobody answers until [`World::release`].
    pub(super) held: Vec<(Ticket, Url)>,
    pub(super) hold: fn(&Url) -> bool,
    pub(super) pages: BTreeMap<String, HostId>,
    events: BTreeMap<HostId, Vec<Event>>,
    pub(super) commits: usize,
}

impl World {
    pub(super) fn new(profile: Profile) -> Self {
        Self {
            caches: AppCaches::new(profile, Limits::default()),
            now: UNIX_EPOCH + Duration::from_secs(1_500_000_000),
            offline: false,
            servers: BTreeMap::new(),
            asked: Vec::new(),
            kept: true,
            held: Vec::new(),
            hold: |_| false,
            pages: BTreeMap::new(),
            events: BTreeMap::new(),
            commits: 0,
        }
    }

    pub(super) fn set(&mut self, url: &str, resource: Resource) {
        self.servers.insert(url.to_owned(), [resource].into());
    }

    /// One request to a server; conditions are answered as servers do.
    fn ask(&mut self, url: &Url, conditions: &HeaderMap) -> Option<Resource> {
        let mut url = url.clone();
        url.set_fragment(None);
        self.asked.push(url.to_string());
        if self.offline {
            return None;
        }
        let Some(answers) = self.servers.get_mut(url.as_str()) else {
            return Some(Resource::status(404));
        };
        let next = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop_front()?,
        };
        if next.error {
            return None;
        }
        let same = |field: &str, asked: &str| {
            let (has, asked) = (next.headers.get(field), conditions.get(asked));
            has.is_some() && has == asked
        };
        let unmodified = same("etag", "if-none-match")
            || (!next.headers.contains_key("etag") && same("last-modified", "if-modified-since"));
        if unmodified && next.status == 200 {
            return Some(Resource {
                status: 304,
                body: Vec::new(),
                ..next
            });
        }
        Some(next)
    }

    fn answer(&self, resource: Resource) -> Answer<Vec<u8>> {
        let mut headers = resource.headers;
        let date = httpdate::fmt_http_date(self.now);
        headers.entry("date").or_insert(date.parse().unwrap());
        Answer {
            status: StatusCode::from_u16(resource.status).unwrap(),
            headers,
            times: Times {
                request: self.now,
                response: self.now,
            },
            bytes: Some(resource.body.clone().into()),
            body: resource.body,
            manifest: resource.manifest,
        }
    }

    /// Does all that the machine wants.
    pub(super) fn run(&mut self) {
        loop {
            let actions: Vec<Action> = self.caches.actions().collect();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                match action {
                    Action::Fetch {
                        ticket,
                        url,
                        conditions,
                        ..
                    } => {
                        if (self.hold)(&url) {
                            self.held.push((ticket, url));
                            continue;
                        }
                        self.give(ticket, &url, &conditions);
                    }
                    Action::Commit { ticket, .. } => {
                        self.commits += 1;
                        self.caches.committed(ticket, self.kept, self.now);
                    }
                    Action::Fire { host, event } => {
                        self.events.entry(host).or_default().push(event);
                    }
                    Action::Cancel { ticket } => self.held.retain(|(held, _)| *held != ticket),
                    Action::Mark { .. }
                    | Action::Forget { .. }
                    | Action::Used { .. }
                    | Action::Release { .. }
                    | Action::Wake { .. } => {}
                }
            }
        }
    }

    fn give(&mut self, ticket: Ticket, url: &Url, conditions: &HeaderMap) {
        let fetched = match self.ask(url, conditions) {
            Some(resource) if resource.redirect.is_some() && resource.status < 300 => {
                let redirect = Resource {
                    status: 302,
                    ..resource
                };
                Fetched::Answer(self.answer(redirect))
            }
            Some(resource) => Fetched::Answer(self.answer(resource)),
            None => Fetched::Failed(Failed::Network),
        };
        self.caches.fetched(ticket, fetched, self.now);
    }

    /// Answers what was held.
    pub(super) fn release(&mut self) {
        self.hold = |_| false;
        for (ticket, url) in std::mem::take(&mut self.held) {
            self.give(ticket, &url, &HeaderMap::new());
        }
        self.run();
    }

    /// A navigation, to its end: the page has loaded, and all updates that it began are over.
    pub(super) fn visit(&mut self, url: &str, name: &str, method: &Method) -> Got {
        let (got, answer) = self.begin(url, name, method);
        if let Some(host) = self.pages.get(name) {
            self.caches.loaded(*host, answer, self.now);
        }
        self.run();
        got
    }

    /// A navigation until the page's first tag is read.
    pub(super) fn begin(
        &mut self,
        url: &str,
        name: &str,
        method: &Method,
    ) -> (Got, Option<Answer<Vec<u8>>>) {
        self.pages.remove(name);
        let mut url = Url::parse(url).unwrap();
        for _ in 0..20 {
            let (mut source, mut answer) = (self.caches.navigate(&url, method, None), None);
            if source.is_none() {
                let came = self.ask(&url, &HeaderMap::new());
                if let Some(to) = came.as_ref().and_then(|it| it.redirect.as_deref()) {
                    url = url.join(to).unwrap();
                    continue;
                }
                let outcome = match &came {
                    Some(it) => Outcome::Status(StatusCode::from_u16(it.status).unwrap()),
                    None => Outcome::Error,
                };
                source = self.caches.navigate_after(&url, method, None, outcome);
                if source.is_none() {
                    let Some(came) = came else {
                        return (error(), None);
                    };
                    answer = Some(self.answer(came));
                }
            }
            let (from, body, manifest) = match (&source, &answer) {
                (Some(source), _) => {
                    let entry = self.caches.served(source).unwrap();
                    let from = match source.served {
                        Served::Itself => "cache".to_owned(),
                        Served::Fallback => format!("fallback:{}", source.entry),
                    };
                    (from, entry.body.clone(), entry.names.clone())
                }
                (None, Some(answer)) => {
                    let answer = answer.clone();
                    ("network".to_owned(), answer.body, answer.manifest)
                }
                (None, None) => return (error(), None),
            };
            let opening = Opening {
                address: &url,
                method,
                source,
                manifest: manifest.as_deref(),
                has_worker: false,
            };
            if let Opened::Page(host) = self.caches.open(opening, self.now) {
                self.pages.insert(name.to_owned(), host);
                self.run();
                let body = String::from_utf8(body).unwrap();
                return (Got { from, body }, answer);
            }
        }
        (error(), None)
    }

    /// A load by a page.
    pub(super) fn fetch(&mut self, url: &str, by: &str, method: &Method) -> Got {
        let mut url = Url::parse(url).unwrap();
        let Some(host) = self.pages.get(by).copied() else {
            return self.plain(&url);
        };
        let first = url.clone();
        let text = |body: &[u8]| String::from_utf8(body.to_vec()).unwrap();
        match self.caches.subresource(host, method, &url) {
            Subresource::Cached(entry) => {
                return Got {
                    from: "cache".to_owned(),
                    body: text(&entry.body),
                };
            }
            Subresource::Refused => return error(),
            Subresource::Network(_) | Subresource::NetworkElse(_) => {}
        }
        let mut came = self.ask(&url, &HeaderMap::new());
        let mut outcome = Outcome::Error;
        for _ in 0..20 {
            let Some(resource) = &came else {
                outcome = Outcome::Error;
                break;
            };
            outcome = Outcome::Status(StatusCode::from_u16(resource.status).unwrap());
            let Some(to) = &resource.redirect else {
                break;
            };
            url = url.join(to).unwrap();
            if url.origin() != first.origin() {
                outcome = Outcome::RedirectedAway;
            }
            if outcome == Outcome::RedirectedAway
                && self
                    .caches
                    .subresource_after(host, method, &first, outcome)
                    .is_some()
            {
                break;
            }
            came = self.ask(&url, &HeaderMap::new());
        }
        if let Some(entry) = self.caches.subresource_after(host, method, &first, outcome) {
            let fallback = match self.caches.subresource(host, method, &first) {
                Subresource::NetworkElse(fallback) => fallback.target.to_string(),
                _ => String::new(),
            };
            return Got {
                from: format!("fallback:{fallback}"),
                body: text(&entry.body),
            };
        }
        match came {
            Some(resource) => Got {
                from: "network".to_owned(),
                body: text(&resource.body),
            },
            None => error(),
        }
    }

    fn plain(&mut self, url: &Url) -> Got {
        match self.ask(url, &HeaderMap::new()) {
            Some(resource) => Got {
                from: "network".to_owned(),
                body: String::from_utf8(resource.body).unwrap(),
            },
            None => error(),
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        if let Some(host) = self.pages.remove(name) {
            self.caches.closed(host, self.now);
        }
        self.run();
    }

    /// Begins what the machine has put off.
    pub(super) fn rerun(&mut self) {
        if let Some(at) = self.caches.next_tick() {
            self.now = self.now.max(at);
        }
        self.caches.tick(self.now);
        self.run();
    }

    /// The events at a page since the last look.
    pub(super) fn events(&mut self, name: &str) -> Vec<Event> {
        let host = self.pages.get(name);
        host.and_then(|host| self.events.remove(host))
            .unwrap_or_default()
    }

    /// The same by name, with `progress` events that follow each other as one.
    pub(super) fn event_names(&mut self, name: &str) -> Vec<&'static str> {
        let mut names: Vec<_> = self.events(name).iter().map(Event::name).collect();
        names.dedup_by(|a, b| a == b && *a == "progress");
        names
    }

    pub(super) fn status(&self, name: &str) -> &'static str {
        self.pages
            .get(name)
            .map_or("UNCACHED", |host| self.caches.status(*host).name())
    }
}

fn error() -> Got {
    Got {
        from: "error".to_owned(),
        body: String::new(),
    }
}
