//! What is told of an entry: by `revisit store`, in the words of whoever keeps it.

use std::time::SystemTime;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use revisit_rules::http::{Policy, Stored};

use super::{AppEntry, AppGroup, Damaged, Kept, Kind, Pair};

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
    /// What its freshness is told by, where that counts.
    pub stored: Option<Stored>,
    /// Why it is kept, where there are words for that: the categories of an application cache.
    pub kept_as: Vec<&'static str>,
    /// When what it belongs to was first kept, of the entry that stands for the whole.
    pub created: Option<SystemTime>,
    /// When that was last used, to a day.
    pub used: Option<SystemTime>,
    /// The fields of the request, as far as they are kept.
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
            Some(Kind::Http) => {
                let policy = Policy::shared();
                Ok(Self::of_kept(Kept::read(&policy, head)?))
            }
            None => Ok(Self {
                url: String::from_utf8_lossy(id).into_owned(),
                kind: None,
                status: None,
                urls: Vec::new(),
                put_at: None,
                stored: None,
                kept_as: Vec::new(),
                created: None,
                used: None,
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
            stored: None,
            kept_as: Vec::new(),
            created: None,
            used: None,
            request: pair.headers,
            response: response.headers,
        }
    }

    /// What the HTTP cache keeps is read as by a shared one: that is where a store is behind it.
    fn of_kept(kept: Kept) -> Self {
        let Kept { url, stored } = kept;
        let mut request = HeaderMap::new();
        for (name, value) in stored.vary.fields() {
            if let Some(Ok(value)) = value.map(HeaderValue::from_bytes) {
                request.append(name, value);
            }
        }
        Self {
            url: url.into(),
            kind: None,
            status: Some(stored.status.as_u16()),
            urls: Vec::new(),
            put_at: Some(stored.times.response),
            kept_as: Vec::new(),
            created: None,
            used: None,
            request,
            response: stored.headers.clone(),
            stored: Some(stored),
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
            stored: None,
            kept_as: Vec::new(),
            created: Some(group.created),
            used: Some(group.used),
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
            stored: None,
            kept_as: entry.is.names().chain(foreign).collect(),
            created: None,
            used: None,
            request: HeaderMap::new(),
            response: entry.headers,
        }
    }

    /// How fresh it is at `now`, where that counts: `fresh for 60 s`, `stale for 3 s`, `stale`.
    pub fn freshness(&self, now: SystemTime) -> Option<String> {
        let freshness = self.stored.as_ref()?.freshness(now);
        let (age, lifetime) = (freshness.age, freshness.lifetime.duration);
        Some(match freshness.is_fresh() {
            true => format!("fresh for {} s", freshness.left().as_secs()),
            false if lifetime.is_zero() => "stale".to_owned(),
            false => format!("stale for {} s", (age - lifetime).as_secs()),
        })
    }

    /// The media type, without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.response.get(CONTENT_TYPE)?.as_bytes();
        let essence = value.split(|byte| *byte == b';').next()?.trim_ascii();
        Some(String::from_utf8_lossy(essence).to_ascii_lowercase())
    }
}
