//! The one script tag that a page gets, and the edits that put it there.

use bytes::Bytes;
use revisit_references::{Encoding, Page};

use crate::content_hash::{sha256, short};
use crate::overlay::{Edit, edited};

/// The edits that take earlier tags of ours out of a page and, if there is a `tag`, put it in.
/// Doing it twice is the same as doing it once.
pub(crate) fn edits(page: &Page, tag: Option<&str>) -> Vec<Edit> {
    let mut edits: Vec<Edit> = page
        .client_tags
        .iter()
        .map(|range| Edit {
            range: range.clone(),
            insert: Bytes::new(),
        })
        .collect();
    if let Some(tag) = tag {
        let insert = Bytes::from(encode(tag, page.encoding));
        match edits
            .iter_mut()
            .find(|edit| edit.range.start == page.insert_at || edit.range.end == page.insert_at)
        {
            Some(earlier) => earlier.insert = insert,
            None => edits.push(Edit {
                range: page.insert_at..page.insert_at,
                insert,
            }),
        }
    }
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    edits
}

/// The tag's text. `defer`: it never holds up the page. The line break before it goes with it.
/// `marker` names the page's own bytes: by it a page is known again that was changed on its way.
pub(crate) fn tag(base: &str, client: &str, marker: &str) -> String {
    format!("\n<script defer src=\"{base}{client}\" data-revisit=\"{marker}\"></script>")
}

/// Names a page by its bytes without our tag: 48 bits, base64url.
pub(crate) fn marker(page: &Page, bytes: &[u8]) -> String {
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
