//! Finding: which kept pairs answer a question.

use std::collections::HashMap;

use bytes::Bytes;
use revisit_rules::cache_api::query::{asks, matches};
use revisit_rules::cache_api::{Item, Matched, QueryOptions, replaced};
use revisit_store::{Body, Collection, Entry, Serial};

use super::{CacheError, Request};
use crate::record::Pair;

/// A kept pair.
pub(super) struct Kept {
    pub(super) serial: Serial,
    pub(super) pair: Pair,
    pub(super) body: Body,
    id: Bytes,
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
    /// All that a collection has.
    pub(super) async fn all(collection: &Collection) -> Result<Self, CacheError> {
        Self::read(collection.list().await?)
    }

    /// What a collection has that answers a request.
    pub(super) async fn answers(
        collection: &Collection,
        request: &Request,
        options: QueryOptions,
    ) -> Result<Self, CacheError> {
        if asks(&request.method, options) != Matched::Yes {
            return Ok(Self::default());
        }
        let entries = match options.ignore_search {
            // Entries are named by their URLs with the query.
            true => {
                let mut all = collection.list().await?;
                let path = request.url.without_query().as_bytes();
                all.retain(|entry| {
                    let rest = entry.id.strip_prefix(path);
                    rest.is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'?'))
                });
                all
            }
            false => {
                let id = request.url.without_fragment().as_bytes();
                collection.find(id).await?
            }
        };
        let mut found = Self::read(entries)?;
        let question = request.question();
        let answers = |kept: &Kept| matches(question, kept.pair.item(), options) == Matched::Yes;
        found.kept.retain(answers);
        Ok(found)
    }

    /// What a collection has under these names.
    pub(super) async fn under(
        collection: &Collection,
        ids: impl IntoIterator<Item = &Bytes>,
    ) -> Result<Self, CacheError> {
        let mut entries = Vec::new();
        for id in ids {
            entries.extend(collection.find(id).await?);
        }
        Self::read(entries)
    }

    fn read(entries: Vec<Entry>) -> Result<Self, CacheError> {
        let read = |entry: Entry| {
            Ok::<_, CacheError>(Kept {
                serial: entry.serial,
                pair: Pair::read(&entry.head)?,
                body: entry.body,
                id: entry.id,
            })
        };
        let kept = entries.into_iter().map(read);
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
        let replaced = &self.replaced;
        self.kept.retain(|kept| !replaced.contains(&kept.serial));
    }
}
