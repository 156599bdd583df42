//! Throwing out by hand: a URL, all below a prefix, all with a tag, everything.
//!
//! What is on its way to the store when a purge comes is not kept either.

use std::borrow::Cow;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use revisit_rules::http::invalidate::groups;
use revisit_rules::http::key;
use revisit_rules::http::{Target, uri};

use super::Cache;
use super::disk::{Disk, StoreError};
use super::entry::Entry;
use crate::{BodyError, Fetch};

/// Why a purge was not done.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// It does not say what.
    #[error("`{0}` is no URL with a host, as `http://shop.example/path`")]
    NoUrl(String),
    /// It is thrown out of memory, but the disk may bring it back.
    #[error("cannot note the purge on the disk")]
    Disk(#[source] BodyError),
}

impl<F: Fetch> Cache<F> {
    /// Throws out what is kept for a URL, with all its variants. Says whether there was something.
    pub async fn purge_url(&self, url: &str) -> Result<bool, PurgeError> {
        let nothing = Target {
            scheme: "http",
            authority: "",
            path: "/",
        };
        let read = uri::resolve(nothing, url.as_bytes());
        let uri = read.filter(|uri| !uri.target().authority.is_empty());
        let uri = uri.ok_or_else(|| PurgeError::NoUrl(url.to_owned()))?;
        let authority = key::authority(uri.target());
        let target = with_our_scheme(&authority, uri.target());
        self.0.throw_out(target).await.map_err(of_disk)
    }

    /// Throws out all URLs that begin so, `http://shop.example/products/` say. Says how many there
    /// were in memory.
    pub async fn purge_prefix(&self, prefix: &str) -> Result<usize, PurgeError> {
        let (scheme, rest) = prefix
            .split_once("://")
            .filter(|(scheme, rest)| ["http", "https"].contains(scheme) && !rest.is_empty())
            .ok_or_else(|| PurgeError::NoUrl(prefix.to_owned()))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let target = Target {
            scheme,
            authority,
            // A host is all of its URLs, and not the beginning of another host.
            path: if path.is_empty() { "/" } else { path },
        };
        let authority = key::authority(target);
        let target = with_our_scheme(&authority, target);
        let prefix = target.origin() + target.path;
        let _purging = self.0.disk.as_ref().map(Disk::purging);
        let purged = self.purge(|entry| entry.url.starts_with(&prefix));
        if let Some(disk) = &self.0.disk {
            let policy = &self.0.options.policy;
            disk.purge_prefix(&prefix, policy).await.map_err(of_disk)?;
        }
        Ok(purged)
    }

    /// Throws out all answers with this tag in `Cache-Tag`, `Surrogate-Key` or `Cache-Groups`. Says
    /// for how many URLs there were some in memory.
    pub async fn purge_tag(&self, tag: &str) -> Result<usize, PurgeError> {
        let _purging = self.0.disk.as_ref().map(Disk::purging);
        let purged = self.purge(|entry| tags(&entry.stored.headers).any(|found| found == tag));
        if let Some(disk) = &self.0.disk {
            disk.purge_tag(tag).await.map_err(of_disk)?;
        }
        Ok(purged)
    }

    /// Throws out everything. Says how many URLs that were in memory.
    pub async fn purge_all(&self) -> Result<usize, PurgeError> {
        let _purging = self.0.disk.as_ref().map(Disk::purging);
        let purged = self.purge(|_| true);
        if let Some(disk) = &self.0.disk {
            disk.purge_all().await.map_err(of_disk)?;
        }
        Ok(purged)
    }

    fn purge(&self, unwanted: impl Fn(&Entry) -> bool) -> usize {
        self.0.flights.forget_all();
        self.0
            .store
            .retain(|_, variants| !variants.0.iter().any(|entry| unwanted(entry)))
    }
}

fn of_disk(error: StoreError) -> PurgeError {
    PurgeError::Disk(error.into())
}

/// We are asked by http, whatever the public URL begins with; a port that goes without saying there
/// goes without saying here.
fn with_our_scheme<'a>(authority: &'a str, target: Target<'a>) -> Target<'a> {
    Target {
        scheme: "http",
        authority,
        path: target.path,
    }
}

/// All tags of an answer: `Cache-Tag` is a list with commas, `Surrogate-Key` one with spaces.
pub(super) fn tags(headers: &HeaderMap) -> impl Iterator<Item = Cow<'_, str>> {
    let in_list = |name: HeaderName, separator: u8| {
        let values = headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
        let members = values.flat_map(move |value| value.split(move |byte| *byte == separator));
        members
            .map(<[u8]>::trim_ascii)
            .filter(|tag| !tag.is_empty())
            .map(String::from_utf8_lossy)
    };
    in_list(CACHE_TAG, b',')
        .chain(in_list(SURROGATE_KEY, b' '))
        .chain(groups(headers).map(|group| Cow::Owned(group.to_string())))
}

const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
