//! One entry of a HAR file, as tools write it and as it is kept.

use std::time::{Duration, SystemTime};

use http::header::CONTENT_RANGE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::super::append;
use super::time::parse;
use crate::Destination;

/// What we read of an entry. Everything may be missing or null: tools differ.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    pageref: Option<String>,
    started_date_time: Option<String>,
    time: Option<f64>,
    request: Option<WrittenRequest>,
    response: Option<WrittenResponse>,
    /// Chrome: `document`, `stylesheet`, …
    #[serde(rename = "_resourceType")]
    resource_type: Option<String>,
    /// Chrome: `memory` or `disk`.
    #[serde(rename = "_fromCache")]
    from_cache: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct WrittenRequest {
    method: Option<String>,
    url: Option<String>,
    headers: Option<Vec<Field>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenResponse {
    status: Option<f64>,
    headers: Option<Vec<Field>>,
    content: Option<Content>,
    body_size: Option<f64>,
    headers_size: Option<f64>,
    /// Chrome: bytes on the wire, with the head; 0 from a cache.
    #[serde(rename = "_transferSize")]
    transfer_size: Option<f64>,
    /// Safari: `Network Load`, `Disk Cache`, `Memory Cache`.
    #[serde(rename = "_fetchType")]
    fetch_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    size: Option<f64>,
    mime_type: Option<String>,
    /// What the encoding saved.
    compression: Option<f64>,
}

#[derive(Deserialize)]
struct Field {
    name: Option<String>,
    value: Option<String>,
}

/// An entry as it is kept.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) page: Option<String>,
    pub(super) started: SystemTime,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) destination: Destination,
    pub(super) cors: bool,
    pub(super) from_cache: bool,
    /// The script of a service worker.
    pub(super) is_worker: bool,
    pub(super) kept: Kept,
}

/// A response as it is kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Length of the content, decoded.
    pub(super) body_bytes: u64,
    /// Its length on the wire, where it is known.
    pub(super) wire_bytes: Option<u64>,
    /// When it came.
    pub(super) at: SystemTime,
}

impl Entry {
    /// `None` for what has no answer over HTTP.
    pub(super) fn of(written: Written) -> Option<Self> {
        let (request, response) = (written.request?, written.response?);
        let mut url = Url::parse(request.url?.trim()).ok()?;
        url.set_fragment(None);
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let status = response
            .status
            .filter(|status| (200.0..=599.0).contains(status))? as u16;
        let confirmed = status == 304;
        let status = match status {
            // A recording of a second visit: what was confirmed is there, and came with 200 once.
            304 => StatusCode::OK,
            status => StatusCode::from_u16(status).ok()?,
        };
        let started = parse(written.started_date_time.as_deref()?)?;
        let took = written
            .time
            .filter(|time| (0.0..DAY_MILLISECONDS).contains(time))
            .unwrap_or(0.0);
        let asked = fields(request.headers.as_deref().unwrap_or_default());
        let mut headers = fields(response.headers.as_deref().unwrap_or_default());
        let content = response.content.as_ref();
        let whole = |size: Option<f64>| size.filter(|size| *size >= 0.0).map(|size| size as u64);
        let from_cache = written.from_cache.is_some()
            || response
                .fetch_type
                .as_deref()
                .is_some_and(|kind| kind.ends_with("Cache"));
        let length = headers.get(http::header::CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
        let body_bytes = whole(content.and_then(|content| content.size))
            .or(length)
            .unwrap_or(0);
        let on_wire = || {
            // Of a cached response tools give 0 or nothing: the field that the server sent is better.
            if from_cache {
                return length;
            }
            // What a 304 transferred is its head.
            let transferred = whole(response.transfer_size).filter(|_| !confirmed);
            let without = |head: u64| {
                let body = transferred.map(|all| all.saturating_sub(head));
                body.filter(|bytes| *bytes > 0)
            };
            whole(response.body_size)
                .filter(|bytes| *bytes > 0)
                .or_else(|| without(whole(response.headers_size)?))
                .or(length)
                // Over HTTP/2 and 3 Chrome does not know the length of the head.
                .or_else(|| without(packed_head(&headers)))
                .or_else(|| {
                    let saved = whole(content.and_then(|content| content.compression))?;
                    Some(body_bytes.saturating_sub(saved))
                })
        };
        let mime = content
            .and_then(|content| content.mime_type.as_deref())
            .unwrap_or_default();
        let text = |name: &str| {
            asked
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let destination = destination(
            written.resource_type.as_deref().unwrap_or_default(),
            text("sec-fetch-dest"),
            mime,
            text("accept"),
        )?;
        let is_worker =
            text("sec-fetch-dest") == "serviceworker" || text("service-worker") == "script";
        let cors = text("sec-fetch-mode") == "cors" || asked.contains_key(http::header::ORIGIN);
        let wire_bytes = on_wire();
        let status = match headers.get(CONTENT_RANGE) {
            // Players ask for `bytes=0-`, and get all of it: it came whole.
            Some(range) if status == StatusCode::PARTIAL_CONTENT && is_whole(range) => {
                headers.remove(CONTENT_RANGE);
                StatusCode::OK
            }
            _ => status,
        };
        Some(Self {
            page: written.pageref.filter(|page| !page.is_empty()),
            started,
            method: Method::from_bytes(request.method?.as_bytes()).ok()?,
            url,
            destination,
            cors,
            from_cache,
            is_worker,
            kept: Kept {
                wire_bytes,
                status,
                headers,
                body_bytes,
                at: started + Duration::from_millis(took as u64),
            },
        })
    }
}

/// Header fields as a server sent them: HTTP/2's own (`:status`) are none, and some tools join repeated ones by lines.
fn fields(written: &[Field]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for field in written {
        let (Some(name), Some(value)) = (&field.name, &field.value) else {
            continue;
        };
        if !name.starts_with(':') && headers.len() < FIELDS_MAX {
            for line in value.split('\n') {
                append(&mut headers, name, line);
            }
        }
    }
    headers
}

/// About how long HPACK makes a head (RFC 7541): names are most often an index, values are packed by a quarter.
fn packed_head(headers: &HeaderMap) -> u64 {
    let fields = headers.iter();
    fields
        .map(|(_, value)| 1 + (value.len() as u64) * 3 / 4)
        .sum()
}

/// `bytes 0-99/100`: is that all of it? (RFC 9110 §14.4)
fn is_whole(range: &HeaderValue) -> bool {
    let numbers = || {
        let (part, all) = range
            .to_str()
            .ok()?
            .trim()
            .strip_prefix("bytes ")?
            .split_once('/')?;
        let (first, last) = part.split_once('-')?;
        let number = |text: &str| text.trim().parse::<u64>().ok();
        Some((number(first)?, number(last)?, number(all)?))
    };
    numbers().is_some_and(|(first, last, all)| first == 0 && last.checked_add(1) == Some(all))
}

/// What it was for, by the best of what is told; `None`: no load of a page.
fn destination(
    resource_type: &str,
    fetch_dest: &str,
    mime: &str,
    accept: &str,
) -> Option<Destination> {
    let by_fetch_metadata = match fetch_dest {
        "document" => Some(Destination::Document),
        "iframe" | "frame" => Some(Destination::Iframe),
        "style" => Some(Destination::Style),
        "script" => Some(Destination::Script),
        "image" => Some(Destination::Image),
        "font" => Some(Destination::Font),
        "audio" => Some(Destination::Audio),
        "video" => Some(Destination::Video),
        "track" => Some(Destination::Track),
        "manifest" => Some(Destination::Manifest),
        "worker" | "sharedworker" | "serviceworker" => Some(Destination::Worker),
        "json" => Some(Destination::Json),
        "object" | "embed" => Some(Destination::Object),
        "empty" => Some(Destination::Fetch),
        _ => None,
    };
    if by_fetch_metadata.is_some() {
        return by_fetch_metadata;
    }
    match resource_type {
        "document" => return Some(Destination::Document),
        "stylesheet" => return Some(Destination::Style),
        "script" => return Some(Destination::Script),
        "image" => return Some(Destination::Image),
        "font" => return Some(Destination::Font),
        "media" => return Some(Destination::Video),
        "texttrack" => return Some(Destination::Track),
        "manifest" => return Some(Destination::Manifest),
        "xhr" | "fetch" | "prefetch" => return Some(Destination::Fetch),
        "websocket" | "eventsource" | "preflight" | "ping" | "csp-violation-report" => return None,
        _ => {}
    }
    let essence = mime
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    Some(match &*essence {
        "text/html" | "application/xhtml+xml"
            if accept.is_empty() || accept.contains("text/html") =>
        {
            Destination::Document
        }
        "text/css" => Destination::Style,
        "application/manifest+json" => Destination::Manifest,
        essence if essence.ends_with("javascript") || essence.ends_with("ecmascript") => {
            Destination::Script
        }
        essence if essence.starts_with("image/") => Destination::Image,
        essence if essence.starts_with("font/") || essence.contains("font-") => Destination::Font,
        essence if essence.starts_with("audio/") => Destination::Audio,
        essence if essence.starts_with("video/") => Destination::Video,
        _ => Destination::Fetch,
    })
}

const FIELDS_MAX: usize = 200;
const DAY_MILLISECONDS: f64 = 86_400_000.0;
