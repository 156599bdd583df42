//! Facts as bytes and back. Numbers are little-endian, lists and texts have their length before them.
//!
//! Reading trusts nothing: what ends early, or is none of the values that were ever written, is `None`.

use std::io::{self, Write};

use bytes::Bytes;
use revisit_references::{Kind, Reference, RelativeTo, When};
use revisit_rules::site::FileStamp;

use crate::content_hash::{Hasher, Sha256};
use crate::overlay::Edit;
use crate::shell::References;

/// Takes facts in and writes their bytes: those of fifty thousand files need not lie in memory beside
/// the facts themselves.
pub(super) struct Writer<'w> {
    to: &'w mut dyn Write,
    written: u64,
    hasher: Hasher,
    failed: Option<io::Error>,
}

impl<'w> Writer<'w> {
    pub(super) fn new(to: &'w mut dyn Write) -> Self {
        Self {
            to,
            written: 0,
            hasher: Hasher::default(),
            failed: None,
        }
    }

    /// How many bytes were written, and their hash; or why not.
    pub(super) fn end(self) -> io::Result<(u64, Sha256)> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok((self.written, self.hasher.finish())),
        }
    }

    /// As they are, without their length.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.to.write_all(bytes).err();
        }
        self.hasher.update(bytes);
        self.written += bytes.len() as u64;
    }

    pub(super) fn number(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.raw(&[flag.into()]);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn hash(&mut self, hash: &Sha256) {
        self.raw(hash);
    }

    pub(super) fn stamp(&mut self, stamp: &FileStamp) {
        self.number(stamp.size);
        self.number(stamp.inode);
        self.raw(&stamp.modified_ns.to_le_bytes());
        self.raw(&stamp.changed_ns.to_le_bytes());
    }

    pub(super) fn kind(&mut self, kind: Kind) {
        let place = KINDS.iter().position(|it| *it == kind);
        self.raw(&[place.unwrap_or(KINDS.len()) as u8]);
    }

    pub(super) fn references(&mut self, references: &References) {
        self.list(references.list.iter(), Self::reference);
        self.list(references.base.iter(), |to, base| to.text(base));
    }

    fn reference(&mut self, reference: &Reference) {
        self.text(&reference.url);
        self.flag(reference.when == When::Load);
        self.kind(reference.kind);
        self.flag(reference.relative_to == RelativeTo::Page);
    }

    pub(super) fn edit(&mut self, edit: &Edit) {
        self.number(edit.range.start);
        self.number(edit.range.end);
        self.bytes(&edit.insert);
    }

    /// How many follow, and each of them.
    pub(super) fn list<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.number(items.len() as u64);
        for item in items {
            each(self, item);
        }
    }
}

/// Gives the facts back, in the order in which they were written.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// The text that was inserted last: nearly all pages get the same, and may share it.
    insert: Bytes,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            insert: Bytes::new(),
        }
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.array()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    pub(super) fn hash(&mut self) -> Option<Sha256> {
        self.array()
    }

    pub(super) fn stamp(&mut self) -> Option<FileStamp> {
        Some(FileStamp {
            size: self.number()?,
            inode: self.number()?,
            modified_ns: i64::from_le_bytes(self.array()?),
            changed_ns: i64::from_le_bytes(self.array()?),
        })
    }

    pub(super) fn kind(&mut self) -> Option<Kind> {
        let [place] = self.array()?;
        KINDS.get(usize::from(place)).copied()
    }

    pub(super) fn references(&mut self) -> Option<References> {
        let list = self.list(Self::reference)?;
        let base: Vec<String> = self.list(Self::text)?;
        let base = base.into_iter().next();
        Some(References { list, base })
    }

    fn reference(&mut self) -> Option<Reference> {
        Some(Reference {
            url: self.text()?,
            when: match self.flag()? {
                true => When::Load,
                false => When::Demand,
            },
            kind: self.kind()?,
            relative_to: match self.flag()? {
                true => RelativeTo::Page,
                false => RelativeTo::Referrer,
            },
        })
    }

    pub(super) fn edit(&mut self) -> Option<Edit> {
        let range = self.number()?..self.number()?;
        let insert = self.bytes()?;
        if self.insert != insert {
            self.insert = Bytes::copy_from_slice(insert);
        }
        Some(Edit {
            range,
            insert: self.insert.clone(),
        })
    }

    /// What [`Writer::list`] wrote.
    pub(super) fn list<T, L: FromIterator<T>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<L> {
        let count = self.number()?;
        // Nothing is written in no bytes: a count beyond them is damage, and would run for long.
        (count <= self.rest.len() as u64)
            .then(|| (0..count).map(|_| each(self)).collect())
            .flatten()
    }
}

const KINDS: [Kind; 7] = [
    Kind::Style,
    Kind::Script,
    Kind::Module,
    Kind::Worker,
    Kind::Page,
    Kind::Manifest,
    Kind::Other,
];
