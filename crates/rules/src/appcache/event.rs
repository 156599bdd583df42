//! What goes in and out of the machine: answers that came, actions to take, events that pages see.

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use url::Url;

use super::caches::{CacheId, GroupId, HostId};
use crate::http::Times;

/// Under which an action's result is told to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// Something for the driver to do, in the order in which they come.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Fetch by GET, with credentials, following no redirect; then tell [`super::AppCaches::fetched`].
    Fetch {
        /// For the answer.
        ticket: Ticket,
        /// Whose update asks; each begins with its manifest.
        group: GroupId,
        /// What to fetch.
        url: Url,
        /// The conditions that the request carries, if a copy is at hand.
        conditions: HeaderMap,
        /// Whether the machine wants the bytes ([`Answer::bytes`]), since it is the manifest.
        is_manifest: bool,
    },
    /// The answer to this is no longer wanted.
    Cancel {
        /// Of which fetch.
        ticket: Ticket,
    },
    /// Make this cache, as it is now, the one that is found again after a crash, all or nothing;
    /// then tell [`super::AppCaches::committed`].
    Commit {
        /// For the result.
        ticket: Ticket,
        /// Whose cache.
        group: GroupId,
        /// Which of its caches.
        cache: CacheId,
    },
    /// An entry of a cache that is kept was marked as foreign. If that is lost it is found out again.
    Mark {
        /// Whose cache.
        group: GroupId,
        /// Which of its caches.
        cache: CacheId,
    },
    /// The group is obsolete: nothing of it may be found again.
    Forget {
        /// Which group.
        manifest_url: Url,
    },
    /// A page was opened from a group, or by its manifest: [`super::AppCaches::used`] says now. It decides which group
    /// makes room for others, also after a restart, for which the driver may write it down now and then.
    Used {
        /// Which group.
        group: GroupId,
    },
    /// Nobody uses this cache any more; bodies that no other cache has can go.
    Release {
        /// Which cache.
        cache: CacheId,
    },
    /// A page that has loaded gets an event.
    Fire {
        /// Which page.
        host: HostId,
        /// Which event.
        event: Event,
    },
    /// Call [`super::AppCaches::tick`] then.
    Wake {
        /// When.
        at: SystemTime,
    },
}

/// An event at a page's `ApplicationCache` object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Looking for an update, or for the manifest the first time.
    Checking,
    /// The manifest is the same.
    NoUpdate,
    /// It is another; its files are being fetched.
    Downloading,
    /// Another file is about to be fetched; at the end `loaded` is `total`.
    Progress {
        /// How many files are done.
        loaded: usize,
        /// How many there are.
        total: usize,
    },
    /// The first cache is complete.
    Cached,
    /// A newer cache is complete.
    UpdateReady,
    /// The manifest is gone, and with it the group.
    Obsolete,
    /// The update came to nothing.
    Error(Trouble),
}

impl Event {
    /// The type of the event.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::NoUpdate => "noupdate",
            Self::Downloading => "downloading",
            Self::Progress { .. } => "progress",
            Self::Cached => "cached",
            Self::UpdateReady => "updateready",
            Self::Obsolete => "obsolete",
            Self::Error(_) => "error",
        }
    }
}

/// Why an update came to nothing, with what Chromium's `ApplicationCacheErrorEvent` told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The kind.
    pub reason: ErrorReason,
    /// Which URL.
    pub url: Url,
    /// The status that came for it, if one did.
    pub status: Option<StatusCode>,
}

impl Trouble {
    /// One sentence for people.
    pub fn message(&self) -> String {
        let Self {
            reason,
            url,
            status,
        } = self;
        let came = match status {
            Some(status) => format!(" ({})", status.as_u16()),
            None => String::new(),
        };
        format!("{}: {url}{came}", reason.words())
    }
}

/// The kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorReason {
    /// The manifest did not come.
    Manifest,
    /// What came is no manifest.
    Signature,
    /// A file of the list did not come.
    Resource,
    /// A file of the list says `no-store`.
    NoStore,
    /// Something was redirected.
    Redirect,
    /// The manifest changed while its files were fetched.
    Changed,
    /// The page itself did not load, or says `no-store`.
    Page,
    /// The cache could not be kept.
    Quota,
    /// The manifest lists more than is allowed.
    Policy,
    /// `abort()` was called.
    Abort,
}

impl ErrorReason {
    /// The word of Chromium's event, where it has one for this.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Signature => "signature",
            Self::Resource | Self::NoStore | Self::Redirect | Self::Page => "resource",
            Self::Changed => "changed",
            Self::Quota => "quota",
            Self::Policy => "policy",
            Self::Abort => "abort",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Manifest => "the manifest cannot be fetched",
            Self::Signature => "this is no manifest",
            Self::Resource => "a file of the manifest cannot be fetched",
            Self::NoStore => "a file of the manifest says `no-store`",
            Self::Redirect => "this is redirected, which an update does not follow",
            Self::Changed => "the manifest changed while its files were fetched",
            Self::Page => "the page did not load, or says `no-store`",
            Self::Quota => "the cache cannot be kept",
            Self::Policy => "the manifest lists more files than are allowed",
            Self::Abort => "the page called `abort()`",
        }
    }
}

/// What became of a fetch.
#[derive(Debug, Clone)]
pub enum Fetched<B> {
    /// Somebody answered, with whatever status; a redirect is an answer too.
    Answer(Answer<B>),
    /// Nobody did.
    Failed(Failed),
}

/// Why a fetch has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// The network gave none, or not the whole of it.
    Network,
    /// There is no room to keep it.
    NoRoom,
}

/// An answer, with its body in the driver's terms.
#[derive(Debug, Clone)]
pub struct Answer<B> {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// When it was asked for, and when it came.
    pub times: Times,
    /// Where its body is.
    pub body: B,
    /// The bytes themselves, for the manifest.
    pub bytes: Option<Arc<[u8]>>,
    /// The `manifest` attribute, if it is a page that has one ([`super::page::manifest_attribute`]).
    pub manifest: Option<String>,
}
