//! Finding: which kept pairs answer a question.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use revisit_rules::cache_api::query::{asks, matches};
use revisit_rules::cache_api::{Item, Matched, QueryOptions, replaced};
use revisit_store::{Body, Collection, Entry, Head, Serial};

use super::{CacheError, Request};
use crate::record::Pair;

/// A kept pair.
pub(super) struct Kept {
    pub(super) serial: Serial,
    pub(super) pair: Pair,
    /// `None` where only heads were asked for.
    pub(super) body: Option<Body>,
    id: Bytes,
}

/// How much of what answers is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Heads,
    First,
    All,
}

/// What there is under some names.
#[derive(Default)]
pub(super) struct Found {
    /// Pairs, in the order in which they were put.
    pub(super) kept: Vec<Kept>,
    /// Pairs that a later put at the same time has [`replaced`]: whoever changes something takes
    /// them away.
    pub(super) replaced: Vec<Serial>,
}

impl Found {
    /// The heads of all that a collection has.
    pub(super) async fn heads(collection: &Collection) -> Result<Self, CacheError> {
        Self::read(collection.heads().await?.into_iter().map(Kept::read_head))
    }

    /// All that a collection has.
    pub(super) async fn all(collection: &Collection) -> Result<Self, CacheError> {
        Self::read(collection.list().await?.into_iter().map(Kept::read))
    }

    /// What a collection has under this name.
    pub(super) async fn under(collection: &Collection, id: &[u8]) -> Result<Self, CacheError> {
        Self::read(collection.find(id).await?.into_iter().map(Kept::read))
    }

    /// What a collection has that answers a request, all of one moment.
    pub(super) async fn answers(
        collection: &Collection,
        request: &Request,
        options: QueryOptions,
        wanted: Wanted,
    ) -> Result<Self, CacheError> {
        if asks(&request.method, options) != Matched::Yes {
            return Ok(Self::default());
        }
        if !options.ignore_search {
            let id = request.url.without_fragment().as_bytes();
            return Ok(Self::under(collection, id).await?.only(request, options));
        }
        // Entries are named by their URLs with the query, so that all names are looked at.
        let path = request.url.without_query().as_bytes();
        let mut heads = collection.heads().await?;
        heads.retain(|head| {
            let rest = head.id.strip_prefix(path);
            rest.is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'?'))
        });
        let mut found = Self::read(heads.into_iter().map(Kept::read_head))?.only(request, options);
        match wanted {
            Wanted::Heads => return Ok(found),
            Wanted::First => found.kept.truncate(1),
            Wanted::All => {}
        }
        let serials: Vec<Serial> = found.kept.iter().map(|kept| kept.serial).collect();
        let entries = collection.get(&serials).await?;
        if entries.len() < serials.len() {
            // Something went meanwhile, and what came in its place was not looked at.
            return Ok(Self::all(collection).await?.only(request, options));
        }
        for (kept, entry) in found.kept.iter_mut().zip(entries) {
            kept.body = Some(entry.body);
        }
        Ok(found)
    }

    fn only(mut self, request: &Request, options: QueryOptions) -> Self {
        let question = request.question();
        let answers = |kept: &Kept| matches(question, kept.pair.item(), options) == Matched::Yes;
        self.kept.retain(answers);
        self
    }

    fn read(kept: impl Iterator<Item = Result<Kept, CacheError>>) -> Result<Self, CacheError> {
        let mut found = Self {
            kept: kept.collect::<Result<_, _>>()?,
            replaced: Vec::new(),
        };
        found.drop_replaced();
        Ok(found)
    }

    fn drop_replaced(&mut self) {
        let mut by_id: HashMap<&Bytes, Vec<&Kept>> = HashMap::new();
        for kept in &self.kept {
            by_id.entry(&kept.id).or_default().push(kept);
        }
        for same in by_id.values().filter(|same| same.len() > 1) {
            let items: Vec<Item<'_>> = same.iter().map(|kept| kept.pair.item()).collect();
            let gone = replaced(&items).into_iter().zip(same);
            let gone = gone.filter(|(gone, _)| *gone);
            self.replaced.extend(gone.map(|(_, kept)| kept.serial));
        }
        let replaced: HashSet<Serial> = self.replaced.iter().copied().collect();
        self.kept.retain(|kept| !replaced.contains(&kept.serial));
    }
}

impl Kept {
    fn read(entry: Entry) -> Result<Self, CacheError> {
        Ok(Self {
            serial: entry.serial,
            pair: Pair::read(&entry.head)?,
            body: Some(entry.body),
            id: entry.id,
        })
    }

    fn read_head(head: Head) -> Result<Self, CacheError> {
        Ok(Self {
            serial: head.serial,
            pair: Pair::read(&head.head)?,
            body: None,
            id: head.id,
        })
    }
}
