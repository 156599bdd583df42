//! What is to change in a collection, at once or not at all.

use bytes::Bytes;

use crate::StoreError;
use crate::entry::{Limits, Serial, charge, within};
use crate::purge::Sequence;
use crate::staging::Staged;

/// An entry to be put.
#[derive(Debug)]
pub struct NewEntry {
    pub(crate) id: Bytes,
    pub(crate) head: Bytes,
    pub(crate) labels: Vec<Bytes>,
    pub(crate) body: Staged,
    pub(crate) padding: u64,
    pub(crate) since: Option<Sequence>,
}

impl NewEntry {
    /// An entry without labels.
    pub fn new(id: impl Into<Bytes>, head: impl Into<Bytes>, body: Staged) -> Self {
        Self {
            id: id.into(),
            head: head.into(),
            labels: Vec::new(),
            body,
            padding: 0,
            since: None,
        }
    }

    /// Gives it a label; one that it has already is not added again.
    pub fn label(mut self, label: impl Into<Bytes>) -> Self {
        let label = label.into();
        if !self.labels.contains(&label) {
            self.labels.push(label);
        }
        self
    }

    /// Lets it count `bytes` more against its space (opaque responses do, so that their size is not told).
    pub fn padding(mut self, bytes: u64) -> Self {
        self.padding = bytes;
        self
    }

    /// What it holds was asked for at this point in the log of purges: a purge that came since
    /// counts for it. Without this it is as new as its commit.
    pub fn since(mut self, since: Sequence) -> Self {
        self.since = Some(since);
        self
    }

    pub(crate) fn charge(&self) -> u64 {
        charge(
            &self.id,
            &self.head,
            &self.labels,
            self.body.len(),
            self.padding,
        )
    }
}

/// Changes to one collection. They are checked and applied in the order of the methods here.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) expects: Vec<(Bytes, Vec<Serial>)>,
    pub(crate) removes: Vec<Serial>,
    pub(crate) heads: Vec<NewHead>,
    pub(crate) inserts: Vec<NewEntry>,
    pub(crate) space_bytes_max: Option<u64>,
}

/// A head, with its labels, that takes the place of one that is there.
#[derive(Debug)]
pub(crate) struct NewHead {
    pub(crate) serial: Serial,
    pub(crate) head: Bytes,
    pub(crate) labels: Vec<Bytes>,
    pub(crate) since: Option<Sequence>,
}

impl Batch {
    /// No changes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only if precisely these entries are under `id` when the batch is committed; else
    /// [`StoreError::Changed`].
    pub fn expect(
        mut self,
        id: impl Into<Bytes>,
        entries: impl IntoIterator<Item = Serial>,
    ) -> Self {
        let mut serials: Vec<Serial> = entries.into_iter().collect();
        serials.sort_unstable();
        self.expects.push((id.into(), serials));
        self
    }

    /// Removes an entry. One that is gone already is no error.
    pub fn remove(mut self, serial: Serial) -> Self {
        self.removes.push(serial);
        self
    }

    /// Gives an entry another head and other labels, and leaves its body and its place in the
    /// order. `since` as in [`NewEntry::since`]. An entry that is gone is no error.
    pub fn replace_head(
        mut self,
        serial: Serial,
        head: impl Into<Bytes>,
        labels: Vec<Bytes>,
        since: Option<Sequence>,
    ) -> Self {
        let head = head.into();
        self.heads.push(NewHead {
            serial,
            head,
            labels,
            since,
        });
        self
    }

    /// Puts an entry behind all that are there.
    pub fn insert(mut self, entry: NewEntry) -> Self {
        self.inserts.push(entry);
        self
    }

    /// Only if the space of the collection counts no more than so many bytes afterwards, or no
    /// more than before; else [`StoreError::Quota`].
    pub fn space_bytes_max(mut self, bytes: u64) -> Self {
        self.space_bytes_max = Some(bytes);
        self
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.removes.is_empty() && self.heads.is_empty() && self.inserts.is_empty()
    }

    /// Refuses what is over a limit.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let changes = self.removes.len() + self.heads.len() + self.inserts.len();
        within("the batch", changes, Limits::BATCH_MAX)?;
        let labels = |labels: &[Bytes]| {
            within("the list of labels", labels.len(), Limits::LABELS_MAX)?;
            labels
                .iter()
                .try_for_each(|label| within("a label", label.len(), Limits::LABEL_BYTES_MAX))
        };
        for entry in &self.inserts {
            within("the id", entry.id.len(), Limits::ID_BYTES_MAX)?;
            within("the head", entry.head.len(), Limits::HEAD_BYTES_MAX)?;
            labels(&entry.labels)?;
        }
        for change in &self.heads {
            within("the head", change.head.len(), Limits::HEAD_BYTES_MAX)?;
            labels(&change.labels)?;
        }
        Ok(())
    }
}
