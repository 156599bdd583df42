//! One application cache: its entries, and which load of a page they answer.
//!
//! HTML 5.1 §11.3.4 (the application cache networking model).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use http::{Method, StatusCode};
use url::{Position, Url};

use super::manifest::{Fallback, Manifest};
use crate::http::Stored;

/// A set of files that one run of the update process brought together.
#[derive(Debug, Clone)]
pub struct Cache<B> {
    /// Its manifest.
    pub manifest: Manifest,
    /// The bytes of it, with which a later one is compared.
    pub manifest_bytes: Arc<[u8]>,
    /// The entries, by URL without fragment.
    pub entries: BTreeMap<String, Entry<B>>,
    /// Whether all of it is there; else pages load as if there were no cache.
    pub complete: bool,
    /// When the first cache of its group was begun.
    pub created: SystemTime,
    /// When this one was begun.
    pub updated: SystemTime,
}

/// What is kept under one URL.
#[derive(Debug, Clone)]
pub struct Entry<B> {
    /// The head of the response.
    pub stored: Stored,
    /// Where its body is, in the driver's terms.
    pub body: B,
    /// Why it is kept.
    pub is: Categories,
    /// A page of another manifest: kept, but no navigation is served with it.
    pub foreign: bool,
    /// The page's own `manifest` attribute, if it is a page that has one.
    pub names: Option<String>,
}

/// Why an entry is kept; several may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Categories {
    /// A page that named the manifest.
    pub master: bool,
    /// The manifest itself.
    pub manifest: bool,
    /// The manifest lists it.
    pub explicit: bool,
    /// It is the target of a fallback.
    pub fallback: bool,
}

impl Categories {
    /// A page that named the manifest.
    pub const MASTER: Self = Self {
        master: true,
        ..Self::NONE
    };
    /// The manifest itself.
    pub const MANIFEST: Self = Self {
        manifest: true,
        ..Self::NONE
    };
    const NONE: Self = Self {
        master: false,
        manifest: false,
        explicit: false,
        fallback: false,
    };

    /// The categories of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            master: self.master || other.master,
            manifest: self.manifest || other.manifest,
            explicit: self.explicit || other.explicit,
            fallback: self.fallback || other.fallback,
        }
    }

    /// Whether it is kept only since it was visited.
    pub const fn is_master_only(self) -> bool {
        self.master && !self.manifest && !self.is_required()
    }

    /// Whether an update that cannot fetch it comes to nothing.
    pub const fn is_required(self) -> bool {
        self.explicit || self.fallback
    }

    /// Their names, in the order of the text.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.master, "master"),
            (self.manifest, "manifest"),
            (self.explicit, "explicit"),
            (self.fallback, "fallback"),
        ]
        .into_iter()
        .filter_map(|(holds, name)| holds.then_some(name))
    }
}

/// Who answers a load of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subresource<'a, E> {
    /// This entry.
    Cached(&'a E),
    /// The network, whatever it says.
    Network(Direct),
    /// The network, but the target of this where it fails (see [`Outcome::calls_for_fallback`]).
    NetworkElse(&'a Fallback),
    /// Nobody: it fails like a network error, since the manifest has no `*` under `NETWORK:`.
    Refused,
}

/// Why a load goes to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direct {
    /// The page has no cache.
    NoCache,
    /// Its cache is not yet complete.
    Incomplete,
    /// It is no GET.
    Method,
    /// Its scheme is not the manifest's.
    Scheme,
    /// A prefix under `NETWORK:` names it.
    Prefix,
    /// `*` stands under `NETWORK:`.
    Wildcard,
}

/// What came of a request to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An answer.
    Status(StatusCode),
    /// A redirect to another origin.
    RedirectedAway,
    /// No answer.
    Error,
    /// The user stopped it.
    Cancelled,
}

impl Outcome {
    /// "redirect to a resource with another origin … or … 4xx or 5xx status code … or … network errors (but not if
    /// the user canceled the download)"
    pub fn calls_for_fallback(self) -> bool {
        match self {
            Self::Status(status) => status.is_client_error() || status.is_server_error(),
            Self::RedirectedAway | Self::Error => true,
            Self::Cancelled => false,
        }
    }
}

impl<B> Cache<B> {
    /// Pages that are kept only since they were visited stay up to this number; those whose copy is oldest go.
    pub(super) fn drop_old_masters(&mut self, masters_max: usize) {
        let pages = self.entries.iter().filter(|(_, it)| it.is.is_master_only());
        let mut pages: Vec<_> = pages
            .map(|(url, it)| (it.stored.times.response, url.clone()))
            .collect();
        let too_many = pages.len().saturating_sub(masters_max);
        pages.sort();
        for (_, url) in pages.into_iter().take(too_many) {
            self.entries.remove(&url);
        }
    }

    /// What is kept under a URL; its fragment does not count.
    pub fn entry(&self, url: &Url) -> Option<&Entry<B>> {
        self.entries.get(key(url))
    }

    /// Who answers a load by a page of this cache, whose manifest has this URL.
    pub fn subresource(
        &self,
        manifest_url: &Url,
        method: &Method,
        url: &Url,
    ) -> Subresource<'_, Entry<B>> {
        if !self.complete {
            return Subresource::Network(Direct::Incomplete);
        }
        // "If the resource is not to be fetched using the HTTP GET mechanism or equivalent, or if its URL has a
        // different <scheme> component than the application cache's manifest, then fetch the resource normally."
        if method != Method::GET {
            return Subresource::Network(Direct::Method);
        }
        if url.scheme() != manifest_url.scheme() {
            return Subresource::Network(Direct::Scheme);
        }
        // "… the resource's URL is a master entry, the manifest, an explicit entry, or a fallback entry"
        if let Some(entry) = self.entry(url) {
            return Subresource::Cached(entry);
        }
        // "… there is an entry in the application cache's online safelist that has the same origin as the resource's
        // URL and that is a prefix match for the resource's URL"
        if self.is_network(url) {
            return Subresource::Network(Direct::Prefix);
        }
        // "… matches fallback namespace f"
        if let Some(fallback) = self.fallback(url) {
            return Subresource::NetworkElse(fallback);
        }
        // "… online safelist wildcard flag is open"
        if self.manifest.network_wildcard {
            return Subresource::Network(Direct::Wildcard);
        }
        Subresource::Refused
    }

    /// Whether a prefix under `NETWORK:` names a URL.
    pub fn is_network(&self, url: &Url) -> bool {
        let network = &self.manifest.network;
        let key = key(url);
        network
            .iter()
            .any(|it| key.starts_with(it.as_str()) && it.origin() == url.origin())
    }

    /// The fallback of a URL: "the longest" namespace that is a prefix of it.
    pub fn fallback(&self, url: &Url) -> Option<&Fallback> {
        let key = key(url);
        self.manifest
            .fallback
            .iter()
            .filter(|it| key.starts_with(it.namespace.as_str()))
            .max_by_key(|it| it.namespace.as_str().len())
    }
}

/// Whether a page of this address with this `manifest` attribute belongs to another group than that of
/// `manifest_url`.
pub(super) fn is_foreign(manifest_url: &Url, address: &Url, attribute: Option<&str>) -> bool {
    super::page::manifest_url(address, attribute).is_some_and(|named| named != *manifest_url)
}

/// A URL without its fragment, as entries are named.
pub(super) fn key(url: &Url) -> &str {
    &url[..Position::AfterQuery]
}
