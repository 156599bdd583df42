//! `CacheStorage`: caches by name, of one storage key.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bytes::Bytes;
use revisit_rules::cache_api::{QueryOptions, RequestUrl, ResponseType, StorageKey, opaque};
use revisit_store::{Contract, Staging, Store};

use super::{Cache, CacheError, DomString, IntoRequest, Quota, Response};
use crate::record::{Kind, Space};
use crate::{Clock, SystemClock};

/// The caches of one storage key (`self.caches`). Clones are the same.
#[derive(Clone)]
pub struct CacheStorage(Arc<Shared>);

/// What the caches of a storage key have in common.
pub(super) struct Shared {
    store: Store,
    pub(super) space: Bytes,
    pub(super) key: StorageKey,
    /// What relative URLs are relative to.
    pub(super) base: RequestUrl,
    pub(super) options: Options,
    pub(super) clock: Arc<dyn Clock>,
    secret: RandomState,
}

/// How much there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Bytes that all caches of the storage key may hold together: URLs, fields, bodies, the
    /// padding of opaque responses and 256 bytes a pair. Default 1 GiB.
    pub quota_bytes: u64,
    /// Caches that it may have. Default `10000`.
    pub caches_max: usize,
    /// Requests that one `add_all` has under way at once. Default `6`, as browsers have to one host.
    pub fetches_max: usize,
    /// Redirects that `add` follows. Default `20`, as Fetch says.
    pub redirects_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quota_bytes: 1 << 30,
            caches_max: 10_000,
            fetches_max: 6,
            redirects_max: 20,
        }
    }
}

impl Options {
    /// Another [`Options::quota_bytes`].
    pub fn quota_bytes(mut self, bytes: u64) -> Self {
        self.quota_bytes = bytes;
        self
    }
}

/// `MultiCacheQueryOptions`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MultiCacheQueryOptions {
    /// `ignoreSearch`, `ignoreMethod`, `ignoreVary`.
    pub query: QueryOptions,
    /// `cacheName`: look into this cache only.
    pub cache_name: Option<DomString>,
}

impl From<QueryOptions> for MultiCacheQueryOptions {
    fn from(query: QueryOptions) -> Self {
        let cache_name = None;
        Self { query, cache_name }
    }
}

/// What `navigator.storage.estimate()` says, of caches alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Bytes that are held, with padding.
    pub usage: u64,
    /// Bytes that may be held.
    pub quota: u64,
}

impl CacheStorage {
    /// The caches of the origin of `url`, which also is what relative URLs are relative to.
    ///
    /// `SecurityError` if the origin is not potentially trustworthy. The store must be durable: a
    /// relaxed one would forget what was put.
    pub fn new(store: Store, url: &str) -> Result<Self, CacheError> {
        Self::with_options(store, url, Options::default())
    }

    /// [`CacheStorage::new`] with other limits.
    pub fn with_options(store: Store, url: &str, options: Options) -> Result<Self, CacheError> {
        Self::with_clock(store, url, options, Arc::new(SystemClock::start()))
    }

    /// [`CacheStorage::with_options`] with another clock, which says when a pair was put.
    pub fn with_clock(
        store: Store,
        url: &str,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CacheError> {
        if store.contract() != Contract::Durable {
            return Err(CacheError::Relaxed);
        }
        let base = RequestUrl::parse(url, None)?;
        let key = StorageKey::of(&base)?;
        let space = Space::new(Kind::Caches, key.as_str()).to_bytes().into();
        Ok(Self(Arc::new(Shared {
            store,
            space,
            key,
            base,
            options,
            clock,
            secret: RandomState::new(),
        })))
    }

    /// The twin for tests: the same in memory, gone with its last clone.
    pub fn in_memory(url: &str) -> Result<Self, CacheError> {
        Self::new(Store::memory(Contract::Durable), url)
    }

    /// Whose caches these are.
    pub fn storage_key(&self) -> &StorageKey {
        &self.0.key
    }

    /// `open(cacheName)`: the cache of this name, made if it is not there.
    ///
    /// `QuotaExceededError` if there may be no more.
    pub async fn open(&self, name: impl Into<DomString> + Send) -> Result<Cache, CacheError> {
        let name = name.into();
        if let Some(cache) = self.cache(&name).await? {
            return Ok(cache);
        }
        let shared = &self.0;
        let caches = shared.store.collections(&shared.space).len();
        if caches >= shared.options.caches_max {
            return Err(CacheError::QuotaExceeded(Quota::Caches { caches }));
        }
        let opened = shared.store.open_collection(&shared.space, name.as_wtf8());
        Ok(Cache::new(shared.clone(), opened.await?))
    }

    /// `has(cacheName)`.
    pub async fn has(&self, name: impl Into<DomString> + Send) -> Result<bool, CacheError> {
        let name = name.into();
        Ok(self.keys().await?.contains(&name))
    }

    /// `delete(cacheName)`: says whether there was one. Whoever holds the cache can still use it.
    pub async fn delete(&self, name: impl Into<DomString> + Send) -> Result<bool, CacheError> {
        let (shared, name) = (&self.0, name.into());
        let deleted = shared
            .store
            .delete_collection(&shared.space, name.as_wtf8());
        Ok(deleted.await?)
    }

    /// `keys()`: the names, in the order in which the caches were made.
    pub async fn keys(&self) -> Result<Vec<DomString>, CacheError> {
        let names = self.0.store.collections(&self.0.space);
        let names = names.iter().filter_map(|name| DomString::from_wtf8(name));
        Ok(names.collect())
    }

    /// `match(request, options)`: the first answer of the first cache that has one, in the order of
    /// [`CacheStorage::keys`].
    pub fn match_(
        &self,
        request: impl IntoRequest,
        options: impl Into<MultiCacheQueryOptions>,
    ) -> impl Future<Output = Result<Option<Response>, CacheError>> + Send {
        let request = request.into_request(&self.0.base);
        let options = options.into();
        async move {
            let request = request?;
            let names = match options.cache_name {
                Some(name) => vec![name],
                None => self.keys().await?,
            };
            for name in names {
                // One that was deleted meanwhile has no answer.
                let Some(cache) = self.cache(&name).await? else {
                    continue;
                };
                if let Some(found) = cache.match_(&request, options.query).await? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        }
    }

    /// What is held, and what may be. Opaque responses count with padding that nobody can foresee.
    pub fn estimate(&self) -> Estimate {
        Estimate {
            usage: self.0.store.usage(&self.0.space).bytes,
            quota: self.0.options.quota_bytes,
        }
    }

    async fn cache(&self, name: &DomString) -> Result<Option<Cache>, CacheError> {
        let shared = &self.0;
        let found = shared.store.collection(&shared.space, name.as_wtf8());
        let cache = |collection| Cache::new(shared.clone(), collection);
        Ok(found.await?.map(cache))
    }
}

impl Shared {
    /// Begins a body, which can never be larger than the quota.
    pub(super) fn stage(&self) -> Staging {
        self.store.stage(self.options.quota_bytes)
    }

    /// What a response for this URL is charged with beside its bytes: the same for the same URL as
    /// long as the process lives.
    pub(super) fn padding(&self, kind: ResponseType, url: &RequestUrl) -> u64 {
        opaque::padding(kind, self.secret.hash_one(url.without_fragment()))
    }
}

impl std::fmt::Debug for CacheStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CacheStorage").field(&self.0.key).finish()
    }
}
