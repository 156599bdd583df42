//! The one script tag that a page gets, and the edits that put it there.

use bytes::Bytes;
use revisit_references::{Encoding, Page};

use crate::content_hash::{Sha256, sha256, short};
use crate::overlay::{Edit, edited};

/// Which tag pages get.
#[derive(Debug, Clone)]
pub(crate) enum Tag {
    /// The page client's, by its path below the site's root.
    Client(String),
    /// The text of a script that is to run before all others.
    Shim {
        /// The whole tag.
        tag: Bytes,
        /// Of the text within, as a policy names it.
        sha256: Sha256,
    },
}

impl Tag {
    /// A tag with the text of a script; nothing in it may end it early.
    pub(crate) fn shim(script: &str) -> Self {
        Self::Shim {
            tag: format!("\n<script data-revisit=\"appcache\">{script}</script>").into(),
            sha256: sha256(script.as_bytes()),
        }
    }

    /// The edits that put it into a page, and the word in it by which the page is known again.
    pub(crate) fn put(&self, page: &Page, bytes: &[u8], base: &str) -> (Vec<Edit>, Option<String>) {
        match self {
            Self::Client(client) => {
                let marker = marker(page, bytes);
                let tag = tag(base, client, &marker);
                let insert = encode(&tag, page.encoding).into();
                (edits(page, Some((page.insert_at, insert))), Some(marker))
            }
            Self::Shim { tag, .. } => {
                let insert = match page.encoding {
                    Encoding::Ascii => tag.clone(), // of all pages the same bytes
                    other => encode(&String::from_utf8_lossy(tag), other).into(),
                };
                (edits(page, Some((page.insert_first_at, insert))), None)
            }
        }
    }
}

/// The edits that take earlier tags of ours out of a page and, if there is a `tag`, put it in where it says.
/// Doing it twice is the same as doing it once.
pub(crate) fn edits(page: &Page, tag: Option<(u64, Bytes)>) -> Vec<Edit> {
    let mut edits: Vec<Edit> = page
        .client_tags
        .iter()
        .map(|range| Edit {
            range: range.clone(),
            insert: Bytes::new(),
        })
        .collect();
    if let Some((at, insert)) = tag {
        match edits
            .iter_mut()
            .find(|edit| edit.range.start == at || edit.range.end == at)
        {
            Some(earlier) => earlier.insert = insert,
            None => edits.push(Edit {
                range: at..at,
                insert,
            }),
        }
    }
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    edits
}

/// The tag's text. `defer`: it never holds up the page. The line break before it goes with it.
/// `marker` names the page's own bytes: by it a page is known again that was changed on its way.
fn tag(base: &str, client: &str, marker: &str) -> String {
    format!("\n<script defer src=\"{base}{client}\" data-revisit=\"{marker}\"></script>")
}

/// Names a page by its bytes without our tag: 48 bits, base64url.
fn marker(page: &Page, bytes: &[u8]) -> String {
    let bare = edits(page, None);
    let mut marker = match bare.is_empty() {
        true => short(&sha256(bytes)),
        false => short(&sha256(&edited(bytes, &bare))),
    };
    marker.truncate(MARKER_CHARS);
    marker
}

const MARKER_CHARS: usize = 8;

fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Ascii => text.as_bytes().to_vec(),
        Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}
