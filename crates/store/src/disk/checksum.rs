//! Checksums: which bytes belong together, and are they those that were written?
//!
//! XXH3 with 64 bits, seeded with what the bytes belong to: a chunk of a body with the body's number
//! and its place, a row with all its fields. So not only a flipped bit shows, but also a file in the
//! place of another. It guards against accidents, not against someone who writes into the folder: who
//! can do that can write a fitting catalog too. A hash that withstands people would cost some ten
//! times as much on every read (BLAKE3); one of 32 bits (CRC-32C) misses one accident in 4 billion.

use twox_hash::XxHash3_64;

/// The seed of all sums of one store, drawn when it was made: bytes of another store never fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    nonce: u64,
}

impl Sums {
    pub(super) fn new(nonce: u64) -> Self {
        Self { nonce }
    }

    /// The sum of a chunk of a body.
    pub(super) fn chunk(self, body: u64, index: u64, bytes: &[u8]) -> u64 {
        XxHash3_64::oneshot_with_seed(self.mixed(&[body, index]), bytes)
    }

    /// The sum of a body that lies in its row.
    pub(super) fn inline(self, bytes: &[u8]) -> u64 {
        XxHash3_64::oneshot_with_seed(self.nonce, bytes)
    }

    /// Where an id of a collection stands in the index. Depends on the nonce, so that nobody can
    /// choose ids that fall together.
    pub(super) fn place(self, collection: u64, id: &[u8]) -> u64 {
        XxHash3_64::oneshot_with_seed(self.mixed(&[collection]), id)
    }

    /// The hash of a label.
    pub(super) fn label(self, label: &[u8]) -> u64 {
        XxHash3_64::oneshot_with_seed(self.nonce ^ 1, label)
    }

    /// One number of several.
    pub(super) fn mixed(self, numbers: &[u64]) -> u64 {
        self.row(numbers, &[])
    }

    /// The sum of a row: of its numbers, and of its byte strings with their lengths.
    pub(super) fn row(self, numbers: &[u64], strings: &[&[u8]]) -> u64 {
        let mut hasher = XxHash3_64::with_seed(self.nonce);
        for number in numbers {
            hasher.write(&number.to_le_bytes());
        }
        for string in strings {
            hasher.write(&(string.len() as u64).to_le_bytes());
            hasher.write(string);
        }
        hasher.finish()
    }
}

use std::hash::Hasher as _;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_bound_to_what_the_bytes_belong_to() {
        let sums = Sums::new(7);
        let sum = sums.chunk(1, 0, b"bytes");
        assert_eq!(sum, sums.chunk(1, 0, b"bytes"));
        for other in [
            sums.chunk(2, 0, b"bytes"),
            sums.chunk(1, 1, b"bytes"),
            sums.chunk(1, 0, b"bytez"),
            Sums::new(8).chunk(1, 0, b"bytes"),
        ] {
            assert_ne!(sum, other);
        }
    }

    #[test]
    fn a_row_knows_where_one_string_ends_and_the_next_begins() {
        let sums = Sums::new(7);
        assert_ne!(sums.row(&[], &[b"ab", b"c"]), sums.row(&[], &[b"a", b"bc"]));
        assert_ne!(sums.row(&[1], &[b"a"]), sums.row(&[2], &[b"a"]));
    }
}
