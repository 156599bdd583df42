//! What a build adds to a site, as data: files of its own, and for the site's files what is
//! known of them. The folder itself is not touched.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use revisit_rules::site::FileStamp;
use revisit_rules::site::names::Promise;

use crate::prefixes::Prefixes;
use crate::shell::References;
use crate::spill::Spilled;
use crate::{Report, Sha256};

/// One state of a site: what lies over its folder.
#[derive(Debug)]
pub struct Overlay {
    /// Names this state: the hash of the manifest, shortened.
    pub build: String,
    /// Files that the site does not have, by their path below its root.
    pub generated: BTreeMap<String, Generated>,
    /// The site's own files, by the path of their URL below its base.
    pub files: BTreeMap<String, SiteFile>,
    /// What was done, for the user.
    pub report: Report,
    /// Where the site's own files lie on disk.
    pub(crate) prefixes: Prefixes,
}

/// A file that the build made.
#[derive(Debug, Clone)]
pub struct Generated {
    /// Its bytes.
    pub body: Body,
    /// Whether its name changes with its content.
    pub promise: Promise,
}

/// The bytes of a file that a build made, now or earlier.
#[derive(Debug, Clone)]
pub enum Body {
    /// Made now.
    Bytes(Bytes),
    /// Made by an earlier build, whose output has them.
    File {
        /// Where they lie.
        path: PathBuf,
        /// How many there are.
        bytes: u64,
    },
    /// Made now, and waiting on disk.
    Spilled(Spilled),
}

impl Body {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { bytes, .. } => *bytes,
            Self::Spilled(spilled) => spilled.len(),
        }
    }

    /// Is there not a byte in it?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is known of a file of the site.
#[derive(Debug, Clone)]
pub struct SiteFile {
    /// The state of the file that the rest is true of.
    pub stamp: FileStamp,
    /// Hash of the bytes as they are to be served, after the edits; none if it was not needed.
    pub sha256: Option<Sha256>,
    /// What is to be changed in it: the place of our script tag. Sorted, without overlap.
    pub edits: Vec<Edit>,
    /// What its name says of its lifetime.
    pub promise: Promise,
    /// What it is, where its name may not say so.
    pub media_type: Option<&'static str>,
    /// Of a page: is it UTF-8?
    pub(crate) utf8: bool,
    /// Of a page: the word in its tag.
    pub(crate) marker: Option<String>,
    /// Of a page: the AppCache manifest that it names, as written.
    pub(crate) appcache: Option<String>,
    /// Of a page: what its head loads.
    pub(crate) head: Arc<References>,
}

/// Bytes of a file that go, and bytes that come in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go; empty for an insertion.
    pub range: Range<u64>,
    /// What comes in their place.
    pub insert: Bytes,
}

/// Applies edits to the bytes of a file.
pub(crate) fn edited(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut out =
        Vec::with_capacity(bytes.len() + edits.iter().map(|e| e.insert.len()).sum::<usize>());
    let mut at = 0;
    for Edit { range, insert } in edits {
        out.extend_from_slice(&bytes[at..range.start as usize]);
        out.extend_from_slice(insert);
        at = range.end as usize;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}
