//! The server that the cells were measured with, and pages of a few words for it.
//!
//! Every answer in full is the next version of its URL; the tag stays. A page is a list of what it
//! loads, one JSON array a line: its parser is at the end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{
    DATE, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use http::{HeaderMap, Method, StatusCode};
use revisit_replay::{
    Answer, Destination, Exchange, Layer, Loaded, Parse, Phase, Request, Response, Server,
    Subresource, Trouble, UnknownVersion, Visit,
};
use revisit_rules::http::precondition::http_date;
use serde_json::{Value, json};
use url::Url;

pub(crate) const SITE: &str = "http://localhost:8080";

/// The tag of everything.
const TAG: &str = "\"s1\"";

/// What the world is made of: shared by a server, a parser and the test.
#[derive(Clone, Default)]
pub(crate) struct World(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    /// Answers of URLs, by path.
    paths: HashMap<String, Resource>,
    /// What pages load.
    pages: HashMap<Url, Vec<Subresource>>,
    started: Option<SystemTime>,
    log: Vec<(Url, Value)>,
}

#[derive(Clone, Default)]
struct Resource {
    fields: Value,
    version: u32,
    first: Option<SystemTime>,
    /// Bytes of a file that is answered in parts; none: a few words that name the version.
    length: Option<usize>,
    /// Answers in place of the fields', by turns.
    status_now: Option<u16>,
}

impl World {
    /// What is under this path answers with these fields, as the cells' file writes them.
    pub(crate) fn put(&self, path: &str, fields: &Value) -> Url {
        let resource = Resource {
            fields: fields.clone(),
            ..Resource::default()
        };
        self.0.borrow_mut().paths.insert(path.to_owned(), resource);
        url(path)
    }

    /// The same, a file of so many bytes.
    pub(crate) fn put_file(&self, path: &str, fields: &Value, length: usize) -> Url {
        let url = self.put(path, fields);
        if let Some(resource) = self.0.borrow_mut().paths.get_mut(path) {
            resource.length = Some(length);
        }
        url
    }

    /// From now on answers are errors of this status, or are as they were.
    pub(crate) fn fail(&self, path: &str, status: Option<u16>) {
        if let Some(resource) = self.0.borrow_mut().paths.get_mut(path) {
            resource.status_now = status;
        }
    }

    /// The server no longer has it.
    pub(crate) fn forget(&self, path: &str) {
        self.0.borrow_mut().paths.remove(path);
    }

    /// A page that stays fresh, and loads these.
    pub(crate) fn page(&self, path: &str, loads: Vec<Subresource>) -> Url {
        let url = self.put(path, &json!({"cache-control": "max-age=3600"}));
        self.0.borrow_mut().pages.insert(url.clone(), loads);
        url
    }

    /// What reached the server for this URL since the last call, as the cells write it.
    pub(crate) fn take_log(&self, url: &Url) -> Value {
        let mut log = std::mem::take(&mut self.0.borrow_mut().log);
        log.retain(|(asked, _)| asked == url);
        log.into_iter().map(|(_, entry)| entry).collect()
    }
}

/// A URL of the site.
pub(crate) fn url(path: &str) -> Url {
    let absolute = if path.starts_with('/') {
        format!("{SITE}{path}")
    } else {
        path.to_owned()
    };
    Url::parse(&absolute).expect("a URL of this test")
}

impl Server for World {
    fn answer(&mut self, request: &Request, now: SystemTime) -> Answer {
        let mut inner = self.0.borrow_mut();
        let started = *inner.started.get_or_insert(now);
        let path = match request.url.as_str().strip_prefix(SITE) {
            Some(path) => path.split('?').next().unwrap_or_default().to_owned(),
            None => request.url.to_string(),
        };
        let Some(resource) = inner.paths.get_mut(&path) else {
            return Answer::Response(Response::new(StatusCode::NOT_FOUND, ""));
        };
        let first = *resource.first.get_or_insert(now);
        let moment = Moments {
            started,
            first,
            now,
        };
        let response = resource.answer(request, &moment);
        let entry = logged(request, &response, resource.version);
        inner.log.push((request.url.clone(), entry));
        Answer::Response(response)
    }

    fn deploy(&mut self, version: &str) -> Result<(), UnknownVersion> {
        Err(UnknownVersion {
            version: version.to_owned(),
            known: "none".to_owned(),
        })
    }
}

impl Parse for World {
    fn subresources(&mut self, loaded: &Loaded<'_>) -> Arc<[Subresource]> {
        let inner = self.0.borrow();
        inner
            .pages
            .get(loaded.url)
            .cloned()
            .unwrap_or_default()
            .into()
    }
}

impl Resource {
    fn answer(&mut self, request: &Request, moments: &Moments) -> Response {
        let headers = moments.fields(&self.fields);
        let status = self.fields[":status"].as_u64().unwrap_or(200);
        let status = self.status_now.map_or(status, u64::from);
        let status = u16::try_from(status)
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.expect("a status of the cells");
        if self.status_now.is_some() {
            return Response::new(status, "down");
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            self.version += 1;
            return Response::new(status, "");
        }
        if let Some(length) = self.length {
            return part(request, headers, length);
        }
        if is_current(request, &headers) {
            let mut response = Response::new(StatusCode::NOT_MODIFIED, "");
            response.headers = headers;
            return response;
        }
        self.version += 1;
        let mut response = Response::new(status, format!("v{}", self.version));
        response.headers = headers;
        let version = HeaderValue::from(self.version);
        response.headers.insert("x-version", version);
        response
    }
}

/// A server that answers a range before it looks at conditions.
fn part(request: &Request, mut headers: HeaderMap, length: usize) -> Response {
    let content = vec![b'x'; length];
    let range = request
        .headers
        .get("range")
        .and_then(|range| range.to_str().ok());
    let range = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = range else {
        let mut response = Response::new(StatusCode::OK, content);
        response.headers = headers;
        return response;
    };
    let first: usize = first.parse().expect("a range from its beginning");
    let last = last.parse().unwrap_or(length - 1).min(length - 1);
    let said = format!("bytes {first}-{last}/{length}");
    headers.insert("content-range", said.parse().expect("a field value"));
    let mut response = Response::new(StatusCode::PARTIAL_CONTENT, content[first..=last].to_vec());
    response.headers = headers;
    response
}

/// "@now+60" and the like.
struct Moments {
    started: SystemTime,
    first: SystemTime,
    now: SystemTime,
}

impl Moments {
    fn fields(&self, fields: &Value) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields.as_object().expect("fields are a table") {
            if name.starts_with(':') {
                assert!(
                    matches!(name.as_str(), ":status" | ":nodate"),
                    "`{name}` is no word that this test knows"
                );
                continue;
            }
            let name: HeaderName = name.parse().expect("a field name");
            let lines: Vec<&Value> = match value {
                Value::Array(lines) => lines.iter().collect(),
                one => vec![one],
            };
            for line in lines {
                let line = line.as_str().expect("a field value is a string");
                headers.append(
                    name.clone(),
                    self.value(line).parse().expect("a field value"),
                );
            }
        }
        let undated = fields[":nodate"].as_u64().is_some();
        if !undated && !headers.contains_key(DATE) {
            headers.insert(DATE, date(self.now));
        }
        headers
    }

    fn value(&self, text: &str) -> String {
        let Some(word) = text.strip_prefix('@') else {
            return text.to_owned();
        };
        if word == "etag" {
            return TAG.to_owned();
        }
        let place = word.find(['+', '-']).unwrap_or(word.len());
        let (name, offset) = word.split_at(place);
        let from = match name {
            "start" => self.started,
            "now" => self.now,
            "first" => self.first,
            _ => panic!("`@{word}` is no moment that this test knows"),
        };
        let seconds: i64 = if offset.is_empty() {
            0
        } else {
            offset.parse().expect("seconds")
        };
        let span = Duration::from_secs(seconds.unsigned_abs());
        let moment = if seconds < 0 {
            from - span
        } else {
            from + span
        };
        date(moment).to_str().expect("a date is ASCII").to_owned()
    }
}

fn date(moment: SystemTime) -> HeaderValue {
    let text = http_date(moment).expect("a moment of this century");
    text.parse().expect("a date is a field value")
}

fn is_current(request: &Request, headers: &HeaderMap) -> bool {
    let same = |condition: HeaderName, validator: &str| {
        let asked = request.headers.get(condition);
        asked.is_some() && asked == headers.get(validator)
    };
    same(IF_NONE_MATCH, "etag") || same(IF_MODIFIED_SINCE, LAST_MODIFIED.as_str())
}

/// A request as the cells write it.
fn logged(request: &Request, response: &Response, version: u32) -> Value {
    let mut entry = json!({"reply": response.status.as_u16()});
    let fields = [
        ("inm", "if-none-match"),
        ("cc", "cache-control"),
        ("pragma", "pragma"),
        ("range", "range"),
        ("ifRange", "if-range"),
        ("secPurpose", "sec-purpose"),
    ];
    for (word, name) in fields {
        if let Some(value) = request.headers.get(name) {
            entry[word] = json!(value.to_str().unwrap_or("?"));
        }
    }
    if request.headers.contains_key(IF_MODIFIED_SINCE) {
        entry["ims"] = json!(true);
    }
    if response.headers.contains_key("x-version") {
        entry["version"] = json!(version);
    }
    entry
}

/// Who answered for `url` in these visits, as the cells write it.
pub(crate) fn answered(visits: &[&Visit], url: &Url) -> Value {
    let all = visits
        .iter()
        .flat_map(|visit| visit.exchanges.iter().map(move |one| (*visit, one)));
    all.filter(|(_, one)| one.url == *url)
        .filter_map(|(visit, one)| label(visit, one))
        .collect::<Vec<_>>()
        .into()
}

/// DevTools shows no request for what the document itself has.
fn label(visit: &Visit, one: &Exchange) -> Option<Value> {
    let label = match one.layer {
        Layer::Document => return None,
        Layer::Memory => "memory",
        Layer::ApplicationCache => "application-cache",
        Layer::Worker => "service-worker",
        Layer::Prefetch => "prefetch-cache",
        Layer::Disk => "disk",
        Layer::Push => "push",
        Layer::Network if one.is_validated() => "network-304",
        Layer::Network => "network",
        Layer::Nobody => {
            let broken = visit.broken.iter().find(|broken| broken.url == one.url);
            match broken.map(|broken| broken.trouble) {
                Some(Trouble::Offline) | None => "failed:net::ERR_INTERNET_DISCONNECTED",
                Some(Trouble::CacheMiss) => "failed:net::ERR_CACHE_MISS",
                Some(_) => "failed",
            }
        }
    };
    Some(json!(label))
}

/// The version that the page got of `url`, the last time.
pub(crate) fn version(visits: &[&Visit], url: &Url) -> Option<u64> {
    let all = visits.iter().flat_map(|visit| &visit.exchanges);
    let seen = all.filter(|one| one.url == *url && !one.background);
    let last = seen
        .filter_map(|one| one.headers.get("x-version"))
        .next_back()?;
    last.to_str().ok()?.parse().ok()
}

/// Something that a page loads; what scripts fetch by `<link rel=prefetch>` needs `crossorigin`.
pub(crate) fn element(url: &Url, destination: Destination, phase: Phase) -> Subresource {
    Subresource::plain(url.clone(), destination).in_phase(phase)
}
