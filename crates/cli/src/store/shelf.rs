//! What is in a store: spaces, their collections, and the entries of each.

use std::time::SystemTime;

use bytes::Bytes;
use revisit_engine::record::{Damaged, Described, Kind, Space};
use revisit_store::{Collection, Head, Store, StoreError};
use serde_json::{Value, json};

use super::store_failure;
use crate::args::StorePlace;
use crate::failure::Failure;

/// A collection of a store.
pub(super) struct Shelf {
    /// Whose it is; `None`: it was written by something that we do not know.
    pub(super) space: Option<Space>,
    pub(super) space_bytes: Bytes,
    pub(super) name: Bytes,
    pub(super) collection: Collection,
}

/// An entry as it is listed.
pub(super) struct Listed {
    pub(super) head: Head,
    pub(super) described: Result<Described, Damaged>,
}

/// The collections that are asked for, those of one space together.
pub(super) async fn shelves(store: &Store, place: &StorePlace) -> Result<Vec<Shelf>, Failure> {
    let mut shelves = Vec::new();
    for space_bytes in store.spaces() {
        let space = Space::read(&space_bytes);
        if let Some(site) = &place.site
            && owner(space.as_ref(), &space_bytes) != site.trim_end_matches('/')
        {
            continue;
        }
        for name in store.collections(&space_bytes) {
            if let Some(wanted) = &place.cache
                && wanted.as_encoded_bytes() != name
            {
                continue;
            }
            let found = store.collection(&space_bytes, &name).await;
            let found = found.map_err(|error| store_failure(error, "cannot open a cache"))?;
            shelves.extend(found.map(|collection| Shelf {
                space: space.clone(),
                space_bytes: space_bytes.clone(),
                name,
                collection,
            }));
        }
    }
    Ok(shelves)
}

impl Shelf {
    pub(super) fn part(&self) -> Option<Kind> {
        self.space.as_ref().map(|space| space.kind)
    }

    /// The site.
    pub(super) fn owner(&self) -> String {
        owner(self.space.as_ref(), &self.space_bytes)
    }

    /// The name; what is no text in it as U+FFFD.
    pub(super) fn name(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }

    /// `the cache `v1` of https://shop.example`.
    pub(super) fn called(&self) -> String {
        let part = match self.part() {
            Some(Kind::Caches) => "the cache",
            Some(Kind::Http) => "the HTTP cache",
            Some(Kind::AppCache) => "the application cache",
            None => "the collection",
        };
        format!("{part} `{}` of {}", self.name(), self.owner())
    }

    /// All entries, in the order in which they were put; none if all of it was taken away meanwhile.
    pub(super) async fn entries(&self) -> Result<Vec<Listed>, Failure> {
        let heads = match self.collection.heads().await {
            Err(StoreError::Gone { .. }) => Vec::new(),
            heads => heads.map_err(|error| {
                let doing = format!("cannot list {}", self.called());
                store_failure(error, &doing)
            })?,
        };
        let part = self.part();
        let listed = heads.into_iter().map(|head| Listed {
            described: Described::read(part, &head.id, &head.head),
            head,
        });
        Ok(listed.collect())
    }
}

impl Listed {
    /// The URL, or what stands for it.
    pub(super) fn url(&self) -> String {
        match &self.described {
            Ok(described) => described.url.clone(),
            Err(_) => String::from_utf8_lossy(&self.head.id).into_owned(),
        }
    }

    /// Is it kept for this URL? Fragments do not count.
    pub(super) fn is_of(&self, url: &str) -> bool {
        let plain = |url: &str| {
            url.split_once('#')
                .map_or(url.len(), |(plain, _)| plain.len())
        };
        let own = self.url();
        own[..plain(&own)] == url[..plain(url)]
    }
}

fn owner(space: Option<&Space>, bytes: &[u8]) -> String {
    match space {
        Some(space) => space.owner.clone(),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// What is said of an entry in JSON. Field values are text of one character a byte (Latin-1), so
/// that none is lost.
pub(super) fn json(listed: &Listed, now: SystemTime) -> Value {
    let labels = listed.head.labels.iter();
    let labels: Vec<_> = labels.map(|label| String::from_utf8_lossy(label)).collect();
    let mut value = json!({
        "url": listed.url(),
        "body_bytes": listed.head.body_bytes,
        "stale": listed.head.stale,
        "labels": labels,
    });
    match &listed.described {
        Err(damaged) => value["damaged"] = json!(damaged.to_string()),
        Ok(described) => {
            let date = revisit_rules::http::precondition::http_date;
            let at = described.put_at.and_then(date);
            value["type"] = json!(described.kind);
            value["status"] = json!(described.status);
            value["urls"] = json!(described.urls);
            value["put_at"] = json!(at);
            value["freshness"] = json!(described.freshness(now));
            if !described.kept_as.is_empty() {
                value["kept_as"] = json!(described.kept_as);
            }
            if let Some(created) = described.created {
                value["created_at"] = json!(date(created));
            }
            if let Some(used) = described.used {
                value["used_at"] = json!(date(used));
            }
            value["request_headers"] = fields(&described.request);
            value["response_headers"] = fields(&described.response);
        }
    }
    value
}

fn fields(fields: &http::HeaderMap) -> Value {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        json!([name.as_str(), latin1(value.as_bytes())])
    };
    fields.iter().map(line).collect()
}

/// Bytes as characters of the same numbers.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
