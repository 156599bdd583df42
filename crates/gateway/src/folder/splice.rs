//! Which bytes does a file have on its way out, after the edits of the overlay?
//!
//! Pure: lengths and positions. The file's part is read by `look.rs` and `stream.rs`.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::Edit;
use super::answer::Wanted;

/// Bytes made of stretches of a file and bytes at hand, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pieces: VecDeque<Piece>,
    length: u64,
}

/// A stretch that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// These bytes of the file.
    File(Range<u64>),
    /// Bytes that are not the file's.
    Given(Bytes),
}

/// Why edits do not fit a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misfit {
    #[error("edit {index} begins before the one before it ends")]
    Overlap { index: usize },
    #[error("edit {index} ends before it begins, or behind the file's end")]
    Outside { index: usize },
}

impl Splice {
    /// A file of `file_bytes` bytes with `edits`.
    pub(super) fn new(file_bytes: u64, edits: &[Edit]) -> Result<Self, Misfit> {
        let mut splice = Self {
            pieces: VecDeque::new(),
            length: 0,
        };
        let mut kept_from = 0;
        for (index, Edit { range, insert }) in edits.iter().enumerate() {
            if range.end < range.start || range.end > file_bytes {
                return Err(Misfit::Outside { index });
            }
            if range.start < kept_from {
                return Err(Misfit::Overlap { index });
            }
            splice.push(Piece::File(kept_from..range.start));
            splice.push(Piece::Given(insert.clone()));
            kept_from = range.end;
        }
        splice.push(Piece::File(kept_from..file_bytes));
        Ok(splice)
    }

    /// A file of `file_bytes` bytes as it is.
    pub(super) fn whole(file_bytes: u64) -> Self {
        Self::only(Piece::File(0..file_bytes))
    }

    /// No file.
    pub(super) fn given(bytes: Bytes) -> Self {
        Self::only(Piece::Given(bytes))
    }

    fn only(piece: Piece) -> Self {
        let mut splice = Self {
            pieces: VecDeque::new(),
            length: 0,
        };
        splice.push(piece);
        splice
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes `wanted` of it; what lies behind its end is left out.
    pub(super) fn slice(&self, wanted: Range<u64>) -> Self {
        let mut slice = Self {
            pieces: VecDeque::new(),
            length: 0,
        };
        let mut at = 0;
        for piece in &self.pieces {
            let (begin, end) = (at, at + piece.length());
            let (from, to) = (wanted.start.max(begin), wanted.end.min(end));
            if from < to {
                slice.push(piece.slice(from - begin..to - begin));
            }
            at = end;
        }
        slice
    }

    /// What is `wanted` of it, with what stands between several parts.
    pub(super) fn cut(&self, wanted: Wanted) -> Self {
        let multipart = match wanted {
            Wanted::One(range) => return self.slice(range),
            Wanted::Several(multipart) => multipart,
        };
        let mut cut = Self {
            pieces: VecDeque::new(),
            length: 0,
        };
        for (head, part) in multipart.parts {
            cut.push(Piece::Given(head.into()));
            let (first, last) = part.into_inner();
            for piece in self.slice(first..last + 1).pieces {
                cut.push(piece);
            }
        }
        cut.push(Piece::Given(multipart.end.into()));
        cut
    }

    /// The bytes, where the whole `file` is at hand and has the length that was said.
    pub(super) fn of(&self, file: &Bytes) -> Bytes {
        match self.pieces.front() {
            Some(only) if self.pieces.len() == 1 => only.of(file),
            _ => {
                let mut all = BytesMut::with_capacity(self.length as usize);
                for piece in &self.pieces {
                    all.extend_from_slice(&piece.of(file));
                }
                all.freeze()
            }
        }
    }

    /// The pieces, in order.
    pub(super) fn into_pieces(self) -> VecDeque<Piece> {
        self.pieces
    }

    fn push(&mut self, piece: Piece) {
        if piece.length() > 0 {
            self.length += piece.length();
            self.pieces.push_back(piece);
        }
    }
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::File(range) => range.end - range.start,
            Self::Given(bytes) => bytes.len() as u64,
        }
    }

    fn slice(&self, wanted: Range<u64>) -> Self {
        match self {
            Self::File(range) => Self::File(range.start + wanted.start..range.start + wanted.end),
            Self::Given(bytes) => {
                Self::Given(bytes.slice(wanted.start as usize..wanted.end as usize))
            }
        }
    }

    fn of(&self, file: &Bytes) -> Bytes {
        match self {
            Self::File(range) => file.slice(range.start as usize..range.end as usize),
            Self::Given(bytes) => bytes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use revisit_rules::http::multipart::Multipart;

    const FILE: &str = "0123456789";

    #[test]
    fn edits_change_what_they_name_and_nothing_else() {
        check(&[], FILE);
        check(&[(0..0, "a")], "a0123456789");
        check(&[(10..10, "a")], "0123456789a");
        check(&[(3..5, "")], "01256789");
        check(&[(0..10, "a")], "a");
        check(&[(0..10, "")], "");
        check(&[(2..3, "xx"), (3..3, "y"), (3..4, "z")], "01xxyz456789");
    }

    #[test]
    fn edits_that_do_not_fit_are_refused() {
        refuse(&[(5..11, "")], Misfit::Outside { index: 0 });
        refuse(&[(11..11, "")], Misfit::Outside { index: 0 });
        refuse(&[(2..4, ""), (3..5, "")], Misfit::Overlap { index: 1 });
        refuse(&[(5..5, ""), (1..2, "")], Misfit::Overlap { index: 1 });
        #[allow(clippy::reversed_empty_ranges)]
        refuse(&[(5..4, "")], Misfit::Outside { index: 0 });
    }

    #[test]
    fn a_slice_is_the_same_part_of_the_edited_whole() {
        let splice = splice(&[(2..3, "xx"), (5..7, ""), (9..9, "yyy")]).unwrap();
        let whole = splice.of(&Bytes::from_static(FILE.as_bytes()));
        for from in 0..=whole.len() {
            for to in from..=whole.len() {
                let slice = splice.slice(from as u64..to as u64);
                assert_eq!(
                    slice.of(&Bytes::from_static(FILE.as_bytes())),
                    whole[from..to]
                );
                assert_eq!(slice.length(), (to - from) as u64);
            }
        }
        assert_eq!(splice.slice(0..u64::MAX), splice);
    }

    #[test]
    fn several_parts_stand_between_their_heads() {
        let splice = splice(&[(2..3, "xx")]).unwrap();
        let multipart = Multipart::new(vec![1..=3, 10..=10], 11, None, 0);
        let (head, end) = (multipart.parts[1].0.clone(), multipart.end.clone());
        let length = multipart.length();
        let cut = splice.cut(Wanted::Several(multipart));
        let bytes = cut.of(&Bytes::from_static(FILE.as_bytes()));
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let expected = [b"1xx".as_slice(), &head, b"9", &end].concat();
        assert!(text.ends_with(str::from_utf8(&expected).unwrap()), "{text}");
        assert_eq!((cut.length(), bytes.len() as u64), (length, length));
    }

    fn check(edits: &[(Range<u64>, &'static str)], expected: &str) {
        let splice = splice(edits).unwrap();
        assert_eq!(splice.of(&Bytes::from_static(FILE.as_bytes())), expected);
        assert_eq!(splice.length(), expected.len() as u64);
    }

    fn refuse(edits: &[(Range<u64>, &'static str)], expected: Misfit) {
        assert_eq!(splice(edits), Err(expected), "{edits:?}");
    }

    fn splice(edits: &[(Range<u64>, &'static str)]) -> Result<Splice, Misfit> {
        let edits: Vec<Edit> = edits
            .iter()
            .map(|(range, insert)| Edit {
                range: range.clone(),
                insert: Bytes::from(*insert),
            })
            .collect();
        Splice::new(FILE.len() as u64, &edits)
    }
}
