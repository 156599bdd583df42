//! What is told of an entry: by `revisit store`, in the words of whoever keeps it.

use std::time::SystemTime;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::{AppEntry, AppGroup, Damaged, Kind, Pair};

/// An entry as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// What it answers, with the fragment that it was put with.
    pub url: String,
    /// The type of the response, as the Cache API says it.
    pub kind: Option<&'static str>,
    /// The status; 0 for a network error.
    pub status: Option<u16>,
    /// Where it came from, in the order of redirects.
    pub urls: Vec<String>,
    /// When it was put.
    pub put_at: Option<SystemTime>,
    /// How fresh it is, where that counts.
    pub freshness: Option<String>,
    /// Why it is kept, where there are words for that: the categories of an application cache.
    pub kept_as: Vec<&'static str>,
    /// When what it belongs to was first kept, of the entry that stands for the whole.
    pub created: Option<SystemTime>,
    /// The fields of the request.
    pub request: HeaderMap,
    /// The fields of the response.
    pub response: HeaderMap,
}

impl Described {
    /// Reads the head of an entry that is named `id`. Of a part whose heads are not known here it
    /// tells no more than that.
    pub fn read(kind: Option<Kind>, id: &[u8], head: &[u8]) -> Result<Self, Damaged> {
        match kind {
            Some(Kind::Caches) => Ok(Self::of_pair(Pair::read(head)?)),
            Some(Kind::AppCache) if id == AppGroup::ID => {
                Ok(Self::of_group(&AppGroup::read(head)?))
            }
            Some(Kind::AppCache) => Ok(Self::of_app_entry(id, AppEntry::read(head)?)),
            Some(Kind::Http) | None => Ok(Self {
                url: String::from_utf8_lossy(id).into_owned(),
                kind: None,
                status: None,
                urls: Vec::new(),
                put_at: None,
                freshness: None,
                kept_as: Vec::new(),
                created: None,
                request: HeaderMap::new(),
                response: HeaderMap::new(),
            }),
        }
    }

    /// Freshness plays no part in the Cache API.
    fn of_pair(pair: Pair) -> Self {
        let response = pair.response;
        Self {
            url: pair.url.to_string(),
            kind: Some(response.kind.as_str()),
            status: Some(response.status),
            urls: response.urls.iter().map(ToString::to_string).collect(),
            put_at: Some(pair.put_at),
            freshness: None,
            kept_as: Vec::new(),
            created: None,
            request: pair.headers,
            response: response.headers,
        }
    }

    /// An application cache itself: its body is the manifest.
    fn of_group(group: &AppGroup) -> Self {
        Self {
            url: String::from_utf8_lossy(AppGroup::ID).into_owned(),
            kind: None,
            status: None,
            urls: Vec::new(),
            put_at: Some(group.updated),
            freshness: None,
            kept_as: Vec::new(),
            created: Some(group.created),
            request: HeaderMap::new(),
            response: HeaderMap::new(),
        }
    }

    /// Freshness plays no part where a page has an application cache.
    fn of_app_entry(url: &[u8], entry: AppEntry) -> Self {
        let foreign = entry.foreign.then_some("foreign");
        Self {
            url: String::from_utf8_lossy(url).into_owned(),
            kind: None,
            status: Some(entry.status.as_u16()),
            urls: Vec::new(),
            put_at: Some(entry.times.response),
            freshness: None,
            kept_as: entry.is.names().chain(foreign).collect(),
            created: None,
            request: HeaderMap::new(),
            response: entry.headers,
        }
    }

    /// The media type, without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.response.get(CONTENT_TYPE)?.as_bytes();
        let essence = value.split(|byte| *byte == b';').next()?.trim_ascii();
        Some(String::from_utf8_lossy(essence).to_ascii_lowercase())
    }
}
