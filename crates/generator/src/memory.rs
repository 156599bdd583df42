//! What is known of a site from its last plan, so that a file that did not change is not read again.
//!
//! Every fact stands beside the stamp of the file that it was read from, and holds while the
//! stamp is the same. Only stamps that were older than the coarsest clock get in.

use std::collections::HashMap;
use std::sync::Arc;

use revisit_rules::site::FileStamp;

use crate::content_hash::Sha256;
use crate::overlay::Edit;
use crate::packs::{Group, Pack};
use crate::references::Kind;
use crate::shell::References;

/// What is known from the last plan of the same folder by the same config: files that did not
/// change since are not read again.
#[derive(Debug, Default)]
pub struct Memory {
    pub(crate) references: HashMap<(String, Kind), (FileStamp, References)>,
    pub(crate) workers: HashMap<String, (FileStamp, Vec<String>)>,
    pub(crate) pages: HashMap<String, (FileStamp, PageFacts)>,
    pub(crate) packs: HashMap<PackKey, Arc<Pack>>,
}

/// Which files a pack carries, and their states.
pub(crate) type PackKey = (Group, Vec<FileStamp>);

/// What a page's bytes say, once read.
#[derive(Debug, Clone)]
pub(crate) struct PageFacts {
    pub(crate) edits: Vec<Edit>,
    /// Of the page as served.
    pub(crate) sha256: Sha256,
    /// Length as served.
    pub(crate) size: u64,
    pub(crate) tag_forbidden: bool,
}
