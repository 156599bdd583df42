//! Why a method of the Cache API was rejected: the DOM's names, each with its cause.

use std::sync::Arc;

use revisit_rules::cache_api::{Duplicate, NotSecure, Refusal, UrlError};
use revisit_store::StoreError;

use crate::record::Damaged;
use crate::{BodyError, FetchError};

/// Why a promise would be rejected. [`CacheError::name`] is the name that a script sees.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CacheError {
    /// What was asked for is no request of the Cache API.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// What was to be put or added may not be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A request could not be written as one of HTTP.
    #[error("`{url}` cannot be fetched")]
    NotHttp {
        /// Of the request.
        url: String,
        /// What is off.
        #[source]
        source: Arc<http::Error>,
    },
    /// Nothing came, or less than all.
    #[error("`{url}` cannot be fetched")]
    Network {
        /// Of the request.
        url: String,
        /// Why not.
        #[source]
        source: Arc<FetchError>,
    },
    /// A redirect that leads nowhere.
    #[error("`{url}` cannot be fetched: {why}")]
    Redirect {
        /// Of the response that redirects.
        url: String,
        /// What is off with it.
        why: &'static str,
    },
    /// A body ended before its end.
    #[error("the body for `{url}` ended before its end: {why}")]
    Body {
        /// Of the request.
        url: String,
        /// What its source said.
        why: String,
    },
    /// A body was taken before.
    #[error("the body of the response was used")]
    BodyUsed,
    /// Whoever made a body gave it up ([`Aborted`]).
    #[error("the body for `{url}` was aborted")]
    Aborted {
        /// Of the request.
        url: String,
    },
    /// A batch names one pair twice.
    #[error(transparent)]
    Duplicate(#[from] Duplicate),
    /// The origin may have no caches.
    #[error(transparent)]
    NotSecure(#[from] NotSecure),
    /// A store that may forget cannot hold caches.
    #[error("a relaxed store may forget what was put: caches need a durable one")]
    Relaxed,
    /// There is no room. What was kept before is untouched.
    #[error("{0}")]
    QuotaExceeded(Quota),
    /// A kept pair is damaged.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The store cannot.
    #[error(transparent)]
    Store(StoreError),
}

/// What was over which limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Quota {
    /// The storage key may hold no more.
    #[error("the storage key would hold more than its quota of {quota} bytes")]
    Bytes {
        /// Bytes that it would hold, if that is known.
        requested: Option<u64>,
        /// Bytes that it may hold.
        quota: u64,
    },
    /// It may have no more caches.
    #[error("the storage key has {caches} caches, and may have no more")]
    Caches {
        /// How many it has.
        caches: usize,
    },
    /// The disk is full.
    #[error("no room is left on the disk of the store")]
    Disk,
}

impl CacheError {
    /// The name of the exception that a script would see (Web IDL §2.8.1; `TypeError` is
    /// JavaScript's own).
    pub fn name(&self) -> &'static str {
        match self {
            Self::Url(_)
            | Self::Refused(_)
            | Self::NotHttp { .. }
            | Self::Network { .. }
            | Self::Redirect { .. }
            | Self::Body { .. }
            | Self::BodyUsed => "TypeError",
            Self::Aborted { .. } => "AbortError",
            Self::Duplicate(_) | Self::Relaxed => "InvalidStateError",
            Self::NotSecure(_) => "SecurityError",
            Self::QuotaExceeded(_) => "QuotaExceededError",
            Self::Damaged(_) => "DataError",
            Self::Store(error) if error.is_corrupt() => "DataError",
            // "The operation failed for an unknown transient reason (e.g. out of memory)."
            Self::Store(_) => "UnknownError",
        }
    }

    /// What came of a body for `url`.
    pub(super) fn of_body(url: &str, error: &BodyError) -> Self {
        let url = url.to_owned();
        match error.is::<Aborted>() {
            true => Self::Aborted { url },
            false => Self::Body {
                url,
                why: error.to_string(),
            },
        }
    }
}

impl From<StoreError> for CacheError {
    fn from(error: StoreError) -> Self {
        Self::QuotaExceeded(match error {
            StoreError::Quota { needed, bytes_max } => Quota::Bytes {
                requested: Some(needed),
                quota: bytes_max,
            },
            // A body is staged with the quota as its bound.
            StoreError::TooLarge { bytes_max } => Quota::Bytes {
                requested: None,
                quota: bytes_max,
            },
            StoreError::Full => Quota::Disk,
            error => return Self::Store(error),
        })
    }
}

/// The error of a body whose maker gave it up, such as by an `AbortController`: `put` and `add`
/// say `AbortError` then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("aborted")]
pub struct Aborted;
