//! What is known of a site from its last plan, so that a file that did not change is not read again.
//!
//! Every fact stands beside the stamp of the file that it was read from, and holds while the
//! stamp is the same. Only stamps that were older than the coarsest clock get in. `keep` carries
//! it from one process to the next.

mod encode;
mod keep;

use std::collections::HashMap;
use std::sync::Arc;

use revisit_references::Kind;
use revisit_rules::site::FileStamp;

use crate::content_hash::Sha256;
use crate::overlay::Edit;
use crate::packs::{Batch, Pack};
use crate::shell::References;
use crate::spill::Spill;
use encode::{Reader, Writer};
pub(crate) use keep::{Done, Keep};

/// What is known from the last plan of the same folder by the same config: files that did not
/// change since are not read again.
#[derive(Debug, Default)]
pub struct Memory {
    pub(crate) references: HashMap<(String, Kind), (FileStamp, References)>,
    pub(crate) pages: HashMap<String, (FileStamp, PageFacts)>,
    /// These pages have the tag of an AppCache site, and not the page client's.
    pub(crate) shimmed: bool,
    /// Files that are no pages.
    pub(crate) files: HashMap<String, (FileStamp, FileFacts)>,
    /// Not kept from one process to the next.
    pub(crate) packs: HashMap<PackKey, Arc<Pack>>,
    /// Where new packs wait; none keeps them in memory, for who is to serve them from there.
    pub(crate) spill: Option<Spill>,
}

/// Which files a pack carries, and their states.
pub(crate) type PackKey = (Batch, Vec<FileStamp>);

/// What the bytes of a file that is no page say, once read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileFacts {
    pub(crate) sha256: Sha256,
    /// URLs of workers, as a script writes them; none where nobody looked for them.
    pub(crate) workers: Option<Vec<String>>,
}

/// What a page's bytes say, once read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageFacts {
    pub(crate) edits: Vec<Edit>,
    /// Of the page as served.
    pub(crate) sha256: Sha256,
    /// Length as served.
    pub(crate) size: u64,
    pub(crate) utf8: bool,
    /// The word in its tag, if it gets one.
    pub(crate) marker: Option<String>,
    pub(crate) tag_forbidden: bool,
    /// The AppCache manifest that it names, as written.
    pub(crate) appcache: Option<String>,
    /// What its head loads, as far as that is seen without parsing the rest.
    pub(crate) head: Arc<References>,
}

impl Memory {
    /// A page was written with its edits and is in the state `stamp` now: what was known of it
    /// as it is served holds on, and there is nothing to edit any more.
    pub(crate) fn page_was_written(&mut self, path: &str, stamp: FileStamp, facts: PageFacts) {
        if let Some((then, _)) = self.references.get_mut(&(path.to_owned(), Kind::Page)) {
            *then = stamp; // our tag is none of its references
        }
        let facts = PageFacts {
            edits: Vec::new(),
            ..facts
        };
        self.pages.insert(path.to_owned(), (stamp, facts));
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.list(
            self.references.iter(),
            |to, ((path, kind), (stamp, references))| {
                to.text(path);
                to.kind(*kind);
                to.stamp(stamp);
                to.references(references);
            },
        );
        to.flag(self.shimmed);
        to.list(self.pages.iter(), |to, (path, (stamp, facts))| {
            to.text(path);
            to.stamp(stamp);
            to.list(facts.edits.iter(), Writer::edit);
            to.hash(&facts.sha256);
            to.number(facts.size);
            to.flag(facts.utf8);
            to.list(facts.marker.iter(), |to, marker| to.text(marker));
            to.flag(facts.tag_forbidden);
            to.list(facts.appcache.iter(), |to, url| to.text(url));
            to.references(&facts.head);
        });
        to.list(self.files.iter(), |to, (path, (stamp, facts))| {
            to.text(path);
            to.stamp(stamp);
            to.hash(&facts.sha256);
            to.list(facts.workers.iter(), |to, workers| {
                to.list(workers.iter(), |to, url| to.text(url));
            });
        });
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            references: from.list(|from| {
                let key = (from.text()?, from.kind()?);
                Some((key, (from.stamp()?, from.references()?)))
            })?,
            shimmed: from.flag()?,
            pages: from.list(|from| {
                let (path, stamp) = (from.text()?, from.stamp()?);
                let facts = PageFacts {
                    edits: from.list(Reader::edit)?,
                    sha256: from.hash()?,
                    size: from.number()?,
                    utf8: from.flag()?,
                    marker: from
                        .list::<_, Vec<String>>(Reader::text)?
                        .into_iter()
                        .next(),
                    tag_forbidden: from.flag()?,
                    appcache: from.list::<_, Vec<String>>(Reader::text)?.pop(),
                    head: Arc::new(from.references()?),
                };
                Some((path, (stamp, facts)))
            })?,
            files: from.list(|from| {
                let (path, stamp) = (from.text()?, from.stamp()?);
                let facts = FileFacts {
                    sha256: from.hash()?,
                    workers: from
                        .list::<_, Vec<_>>(|from| from.list(Reader::text))?
                        .pop(),
                };
                Some((path, (stamp, facts)))
            })?,
            packs: HashMap::new(),
            spill: None,
        })
    }
}
