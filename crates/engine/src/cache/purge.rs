//! Throwing out by hand: a URL, all below a prefix, all with a tag, everything.
//!
//! What is on its way to the store when a purge comes is not kept either.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use revisit_rules::http::invalidate::groups;
use revisit_rules::http::key;
use revisit_rules::http::{Target, uri};

use super::Cache;
use super::entry::Entry;
use crate::Fetch;

/// Why nothing can be purged so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no URL with a host, as `http://shop.example/path`")]
pub struct PurgeError(pub String);

impl<F: Fetch> Cache<F> {
    /// Throws out what is kept for a URL, with all its variants. Says whether there was something.
    pub fn purge_url(&self, url: &str) -> Result<bool, PurgeError> {
        let nothing = Target {
            scheme: "http",
            authority: "",
            path: "/",
        };
        let read = uri::resolve(nothing, url.as_bytes());
        let uri = read.filter(|uri| !uri.target().authority.is_empty());
        let uri = uri.ok_or_else(|| PurgeError(url.to_owned()))?;
        Ok(with_our_scheme(uri.target(), |target| {
            self.0.throw_out(target)
        }))
    }

    /// Throws out all URLs that begin so, `http://shop.example/products/` say. Says how many.
    pub fn purge_prefix(&self, prefix: &str) -> Result<usize, PurgeError> {
        let (scheme, rest) = prefix
            .split_once("://")
            .filter(|(scheme, rest)| ["http", "https"].contains(scheme) && !rest.is_empty())
            .ok_or_else(|| PurgeError(prefix.to_owned()))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let target = Target {
            scheme,
            authority,
            // A host is all of its URLs, and not the beginning of another host.
            path: if path.is_empty() { "/" } else { path },
        };
        let prefix = with_our_scheme(target, |target| target.origin() + target.path);
        Ok(self.purge(|entry| entry.url.starts_with(&prefix)))
    }

    /// Throws out all answers with this tag in `Cache-Tag`, `Surrogate-Key` or `Cache-Groups`. Says
    /// for how many URLs there were some.
    pub fn purge_tag(&self, tag: &str) -> usize {
        self.purge(|entry| has_tag(&entry.stored.headers, tag))
    }

    /// Throws out everything. Says how many URLs that were.
    pub fn purge_all(&self) -> usize {
        self.purge(|_| true)
    }

    fn purge(&self, unwanted: impl Fn(&Entry) -> bool) -> usize {
        self.0.flights.forget_all();
        self.0
            .store
            .retain(|_, variants| !variants.0.iter().any(|entry| unwanted(entry)))
    }
}

/// We are asked by http, whatever the public URL begins with; a port that goes without saying there
/// goes without saying here.
fn with_our_scheme<T>(target: Target<'_>, take: impl FnOnce(Target<'_>) -> T) -> T {
    take(Target {
        scheme: "http",
        authority: &key::authority(target),
        path: target.path,
    })
}

/// `Cache-Tag` is a list with commas, `Surrogate-Key` one with spaces.
fn has_tag(headers: &HeaderMap, tag: &str) -> bool {
    let values = |name: HeaderName| headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    let in_list = |name: HeaderName, separator: u8| {
        values(name).any(|value| {
            let mut tags = value.split(|byte| *byte == separator);
            tags.any(|found| found.trim_ascii() == tag.as_bytes())
        })
    };
    in_list(CACHE_TAG, b',')
        || in_list(SURROGATE_KEY, b' ')
        || groups(headers).any(|group| group == tag)
}

const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
