//! The manifest: the list of a build's files, as the worker reads it.
//!
//! The shape is that of `runtime/worker/generation.js`: a JSON array with one element a line. The
//! first line is the head; each further line is a part of the list, with the files of some hundred
//! stems, in their order. The worker cuts it at the line ends and later parses only the part in
//! which it looks a file up. Same input, same bytes; the build id is the hash of the text.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use revisit_rules::site::route::stem;
use serde_json::{Value, json};

use crate::content_hash::{Sha256, sha256, short};
use crate::extra::Revision;
use crate::packs::Pack;
use crate::select::Group;

/// A file that is kept as an entry of its own, with the header fields that it came with.
#[derive(Debug, Clone)]
pub(crate) struct Alone {
    pub(crate) path: String,
    pub(crate) sha256: Sha256,
    pub(crate) size: u64,
    pub(crate) group: Group,
    /// The word in a page's script tag.
    pub(crate) marker: Option<String>,
    /// The marker proves the page, not the hash.
    pub(crate) by_marker: bool,
    /// The header fields of a page, if its host says them: when they change it is fetched anew.
    pub(crate) head: Option<Vec<(String, String)>>,
    /// Of what is no file: this tells one state of it from the next, not the hash.
    pub(crate) revision: Option<Revision>,
}

/// Header fields of a page that lies in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PageHead {
    /// The host says them.
    Known(Vec<(String, String)>),
    /// The worker is to ask for them.
    Asked,
}

/// A manifest as it is written.
pub(crate) struct Manifest {
    pub(crate) text: String,
    pub(crate) build: String,
    /// Header fields of some pages must be asked for.
    pub(crate) asks: bool,
}

/// Writes the list. `head_of`: the header fields of a page in a pack.
pub(crate) fn manifest(
    packs: &[impl AsRef<Pack>],
    alone: &[Alone],
    head_of: &dyn Fn(&str) -> PageHead,
) -> Manifest {
    let mut heads: BTreeMap<Vec<(String, String)>, usize> = BTreeMap::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut packed = Vec::new();
    for (index, pack) in packs.iter().enumerate() {
        let pack = pack.as_ref();
        for file in &pack.files {
            let head = match pack.kind.pages {
                true => head_of(&file.path),
                false => PageHead::Known(vec![("content-type".into(), file.content_type.clone())]),
            };
            if let PageHead::Known(fields) = &head {
                heads.entry(fields.clone()).or_default();
            }
            packed.push((index, file, head));
        }
    }
    for (index, value) in heads.values_mut().enumerate() {
        *value = index;
    }
    let asks = packed.iter().any(|(_, _, head)| *head == PageHead::Asked);
    for (pack, file, head) in packed {
        let head = match head {
            PageHead::Known(fields) => heads[&fields] as i64,
            PageHead::Asked => -1,
        };
        let hash = &short(&file.sha256)[..PACKED_HASH_CHARS];
        let row = json!([file.path, hash, file.size, pack, head]);
        rows.push(Row {
            packed: Some((pack, file.at, file.size)),
            ..Row::new(&file.path, &row)
        });
    }
    // What is new in each build comes last: by then the rest of the build is known.
    let each = |file: &&Alone| file.revision == Some(Revision::EachBuild);
    let (last, first): (Vec<_>, Vec<_>) = alone.iter().partition(each);
    let mut build = String::new();
    for file in first.into_iter().chain(last) {
        let marker = file.marker.as_deref();
        let mut hash = match (&file.revision, marker, file.by_marker) {
            (Some(Revision::Given(word)), ..) => format!("!{}", short(&sha256(word.as_bytes()))),
            (Some(Revision::EachBuild), ..) => {
                if build.is_empty() {
                    build = short(&sha256(format!("{rows:?}").as_bytes()));
                }
                format!("!{build}")
            }
            (None, Some(marker), true) => format!("~{marker}"),
            (None, ..) => short(&file.sha256),
        };
        if let Some(fields) = &file.head {
            let name = short(&sha256(json!(fields).to_string().as_bytes()));
            hash.push_str(&format!(".{}", &name[..HEAD_NAME_CHARS]));
        }
        let place = -1 - file.group as i64;
        let row = match marker {
            Some(marker) => json!([file.path, hash, file.size, place, marker]),
            None => json!([file.path, hash, file.size, place]),
        };
        rows.push(Row::new(&file.path, &row));
    }
    rows.sort_unstable_by(|a, b| {
        as_javascript(stem(a.path), stem(b.path)).then_with(|| a.path.cmp(b.path))
    });

    let parts = parts(&rows);
    let firsts: Vec<&str> = parts.iter().map(|part| stem(part[0].path)).collect();
    let packs: Vec<Value> = packs
        .iter()
        .map(|pack| {
            let pack = pack.as_ref();
            json!([
                pack.name,
                pack.wire.len(),
                u8::from(pack.gzip),
                pack.size,
                pack.kind.group as u8
            ])
        })
        .collect();
    let heads: Vec<Vec<(String, String)>> = heads.into_keys().collect();
    let mut text = format!("[{}", json!([heads, packs, firsts]));
    for part in parts {
        let mut ends: BTreeMap<usize, u64> = BTreeMap::new();
        for (index, row) in part.iter().enumerate() {
            text.push_str(if index == 0 { "\n,[" } else { "," });
            text.push_str(&row.text);
            if let Some((pack, at, size)) = row.packed
                && ends.insert(pack, at + size) != Some(at)
            {
                text.pop();
                text.push_str(&format!(",{at}]"));
            }
        }
        text.push(']');
    }
    text.push_str("\n]\n");
    Manifest {
        build: short(&sha256(text.as_bytes())),
        asks,
        text,
    }
}

/// A file's row: as text, since there are as many as files.
#[derive(Debug)]
struct Row<'a> {
    path: &'a str,
    text: Box<str>,
    /// Its pack, and its offset and size there. The offset is the last of the row, and is said if it
    /// is not the end of the file before in the same part and pack.
    packed: Option<(usize, u64, u64)>,
}

impl<'a> Row<'a> {
    fn new(path: &'a str, row: &Value) -> Self {
        let text = row.to_string().into();
        Self {
            path,
            text,
            packed: None,
        }
    }
}

/// Parts rows at ends of stems: all files that may answer one path stand in one part.
fn parts<'r, 'a>(rows: &'r [Row<'a>]) -> Vec<&'r [Row<'a>]> {
    let mut parts = Vec::new();
    let mut start = 0;
    for end in 1..=rows.len() {
        let ends = |next: &Row<'_>| stem(next.path) != stem(rows[end - 1].path);
        let full = end - start >= PART_FILES && rows.get(end).is_some_and(ends);
        if full || end == rows.len() {
            parts.push(&rows[start..end]);
            start = end;
        }
    }
    parts
}

/// The order in which JavaScript has strings: that of their UTF-16 units.
fn as_javascript(a: &str, b: &str) -> Ordering {
    match a.is_ascii() && b.is_ascii() {
        true => a.cmp(b),
        false => a.encode_utf16().cmp(b.encode_utf16()),
    }
}

/// Within a pack 48 bits find a file again; the pack's own hash proves it.
pub(crate) const PACKED_HASH_CHARS: usize = 8;

/// Tells the header fields of one page in one build from those in the next.
const HEAD_NAME_CHARS: usize = 4;

/// A part is parsed in well under a millisecond, and ten thousand files are twenty parts.
const PART_FILES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[&str]) -> Vec<Value> {
        let alone: Vec<Alone> = files
            .iter()
            .map(|path| Alone {
                path: (*path).to_owned(),
                sha256: sha256(path.as_bytes()),
                size: 1,
                group: Group::AfterLoad,
                marker: None,
                by_marker: false,
                head: None,
                revision: None,
            })
            .collect();
        let none: [Box<Pack>; 0] = [];
        let text = manifest(&none, &alone, &|_| PageHead::Asked).text;
        let whole: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(text.lines().count(), whole.len() + 1, "one element a line");
        whole
    }

    #[test]
    fn all_files_of_a_stem_stand_in_one_part_and_parts_are_found_by_their_first() {
        let mut files: Vec<String> = (0..1400).map(|i| format!("p/{i:05}.html")).collect();
        files.push("p/00511/index.html".into());
        files.push("p/00511".into());
        let list = check(&files.iter().map(String::as_str).collect::<Vec<_>>());
        let firsts = list[0][2].as_array().unwrap();
        assert_eq!(firsts.len(), list.len() - 1);
        for path in ["p/00511.html", "p/00511/index.html", "p/00511"] {
            let part = firsts
                .iter()
                .rposition(|first| first.as_str().unwrap() <= stem(path))
                .unwrap();
            let rows = list[part + 1].as_array().unwrap();
            assert!(rows.iter().any(|row| row[0] == path), "{path}");
        }
    }

    #[test]
    fn the_order_is_that_of_javascript() {
        // U+FF61 comes before U+1F600 in code points, and behind it in UTF-16
        let list = check(&["\u{ff61}", "\u{1f600}"]);
        assert_eq!(list[1][0][0], "\u{1f600}");
    }

    #[test]
    fn a_site_without_files_to_keep_has_a_head_only() {
        assert_eq!(check(&[]).len(), 1);
    }
}
