//! Our rules within `_headers`, between two comments, so that a later build finds them again.
//!
//! The owner's text around them is kept byte for byte. A file that a build added itself says so in
//! its first line, and goes with `--uninstall`; an empty one of the owner's stays.

use std::ops::Range;

use bytes::Bytes;

use crate::overlay::Edit;

/// A file of ours alone.
pub(crate) fn added(rules: &str) -> String {
    format!("{BEGIN_ADDED}\n{rules}{END}\n")
}

/// Was this whole file added by a build?
pub(crate) fn is_added(bytes: &[u8]) -> bool {
    bytes.starts_with(BEGIN_ADDED.as_bytes())
        && matches!(&blocks(bytes)[..], [all] if *all == (0..bytes.len()))
}

/// The edits that put `rules` in the place of those of earlier builds; none if they are there.
pub(crate) fn edits(bytes: &[u8], rules: Option<&str>) -> Vec<Edit> {
    // The line break before it is ours, whether or not the owner's text ends in one.
    let insert =
        Bytes::from(rules.map_or(String::new(), |rules| format!("\n{BEGIN}\n{rules}{END}\n")));
    let mut blocks = blocks(bytes).into_iter();
    let first = match blocks.next() {
        None if insert.is_empty() => return Vec::new(),
        None => bytes.len()..bytes.len(),
        Some(block) if blocks.len() == 0 && bytes[block.clone()] == insert => return Vec::new(),
        Some(block) => block,
    };
    let gone = |block: &Range<usize>| match block.start.checked_sub(1) {
        // What the owner wrote behind our rules must not end up in the line before them.
        Some(before) if bytes[before] != b'\n' && block.end < bytes.len() => {
            Bytes::from_static(b"\n")
        }
        _ => Bytes::new(),
    };
    let insert = if insert.is_empty() {
        gone(&first)
    } else {
        insert
    };
    let mut edits = vec![edit(first, insert)];
    edits.extend(blocks.map(|block| {
        let insert = gone(&block);
        edit(block, insert)
    }));
    edits
}

/// The text without our rules; its lines keep their numbers.
pub(crate) fn without(bytes: &[u8]) -> String {
    let mut bytes = bytes.to_vec();
    for block in blocks(&bytes) {
        bytes[block]
            .iter_mut()
            .filter(|byte| **byte != b'\n')
            .for_each(|byte| *byte = b' ');
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn edit(range: Range<usize>, insert: Bytes) -> Edit {
    Edit {
        range: range.start as u64..range.end as u64,
        insert,
    }
}

/// Where rules of earlier builds stand. A beginning without its end is the owner's.
fn blocks(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = None;
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        if text == BEGIN.as_bytes() {
            let broken = at > 0 && bytes[at - 1] == b'\n';
            begin = Some(at - usize::from(broken));
        } else if text == BEGIN_ADDED.as_bytes() {
            begin = Some(at);
        }
        at += line.len();
        if text == END.as_bytes()
            && let Some(begin) = begin.take()
        {
            found.push(begin..at);
        }
    }
    found
}

const BEGIN: &str = "# begin: rules of `revisit build`, written anew by each build";
const BEGIN_ADDED: &str = "# begin: rules of `revisit build`, which added this file";
const END: &str = "# end: rules of `revisit build`";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::edited;

    #[track_caller]
    fn check(owner: &str) {
        let owner = owner.as_bytes();
        let first = edited(owner, &edits(owner, Some("/a\n  A: 1\n")));
        assert!(edits(&first, Some("/a\n  A: 1\n")).is_empty());
        assert!(!is_added(&first));
        let second = edited(&first, &edits(&first, Some("/b\n  B: 1\n")));
        let text = String::from_utf8(second.clone()).unwrap();
        assert!(text.contains("/b") && !text.contains("/a\n  A"), "{text}");
        assert_eq!(edited(&second, &edits(&second, None)), owner);
        assert_eq!(without(&second).lines().count(), text.lines().count());
    }

    #[test]
    fn the_owners_text_comes_back_byte_for_byte() {
        for owner in [
            "",
            "/x\n  X: 1\n",
            "/x\n  X: 1",
            "/x\r\n  X: 1\r\n",
            "\n",
            "\n\n",
            "# begin\n",
        ] {
            check(owner);
        }
        check(&format!("{BEGIN}\n/x\n  X: 1\n"));
    }

    #[test]
    fn text_behind_our_rules_stays_there() {
        let first = edited(
            b"/x\n  X: 1\n",
            &edits(b"/x\n  X: 1\n", Some("/a\n  A: 1\n")),
        );
        let more = [&first[..], b"/y\n  Y: 1"].concat();
        assert_eq!(
            edited(&more, &edits(&more, None)),
            b"/x\n  X: 1\n/y\n  Y: 1"
        );
        assert!(without(&more).ends_with("/y\n  Y: 1"));
        // nor does it join a line that had no end
        let first = edited(b"/x\n  X: 1", &edits(b"/x\n  X: 1", Some("/a\n  A: 1\n")));
        let more = [&first[..], b"/y\n  Y: 1"].concat();
        assert_eq!(
            edited(&more, &edits(&more, None)),
            b"/x\n  X: 1\n/y\n  Y: 1"
        );
    }

    #[test]
    fn a_file_of_ours_is_known_again_until_somebody_adds_to_it() {
        let ours = added("/a\n  A: 1\n");
        assert!(is_added(ours.as_bytes()));
        let more = ours.clone() + "/y\n  Y: 1\n";
        assert!(!is_added(more.as_bytes()));
        let more = more.as_bytes();
        let next = edited(more, &edits(more, Some("/b\n  B: 1\n")));
        assert_eq!(edited(&next, &edits(&next, None)), b"/y\n  Y: 1\n");
        assert!(!is_added(b"") && !is_added(b"/x\n  X: 1\n"));
    }

    #[test]
    fn of_two_blocks_one_is_left() {
        let twice = format!("{BEGIN}\n/a\n{END}\n\n{BEGIN}\n/b\n{END}\nx");
        let next = edited(twice.as_bytes(), &edits(twice.as_bytes(), Some("/c\n")));
        assert_eq!(
            String::from_utf8(next).unwrap(),
            format!("\n{BEGIN}\n/c\n{END}\nx")
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_put_in_comes_out_again(owner in proptest::collection::vec(proptest::sample::select(&["/x", "\n", "\r\n", BEGIN, BEGIN_ADDED, " "][..]), 0..12)) {
            let owner = owner.concat();
            let merged = edited(owner.as_bytes(), &edits(owner.as_bytes(), Some("/a\n  A: 1\n")));
            let back = edited(&merged, &edits(&merged, None));
            proptest::prop_assert_eq!(String::from_utf8(back).unwrap(), owner);
        }
    }
}
