//! Packs: many small files in one body, in transit and at rest.
//!
//! A pack is named by the hash of its bytes, which are those of its files one behind the other.
//! Which files share a pack follows from their paths alone: a file that is added or taken away
//! changes its own pack and at most the next, and no others. Packs of the build before are kept as
//! they are where that costs less (`previous`); this module makes those of the other files.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use revisit_rules::site::media;

use crate::content_hash::{Sha256, sha256, short};
use crate::overlay::Body;
use crate::select::Group;

/// What the files of one pack have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Kind {
    pub(crate) group: Group,
    /// Pages change together, whenever a script that all of them name does.
    pub(crate) pages: bool,
    /// Worth compressing, by their names.
    pub(crate) compresses: bool,
}

impl Kind {
    pub(crate) fn of(path: &str, group: Group) -> Self {
        Self {
            group,
            pages: media::is_document(path),
            compresses: media::compresses(path),
        }
    }
}

/// Which files a new pack is to carry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Batch {
    /// Sorted by path.
    pub(crate) files: Vec<String>,
    pub(crate) kind: Kind,
}

/// A pack as it travels.
#[derive(Debug, Clone)]
pub(crate) struct Pack {
    /// The first 96 bits of its bytes' hash: its name.
    pub(crate) name: String,
    /// Bytes at rest, those of files that went since included.
    pub(crate) size: u64,
    /// What is sent.
    pub(crate) wire: Body,
    pub(crate) gzip: bool,
    pub(crate) kind: Kind,
    pub(crate) files: Vec<Packed>,
}

/// A file's place in its pack.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) path: String,
    pub(crate) sha256: Sha256,
    pub(crate) at: u64,
    pub(crate) size: u64,
    pub(crate) content_type: String,
}

/// Parts files (path, size, kind; sorted by path) into batches of half a megabyte to two.
pub(crate) fn batches<'a>(files: impl Iterator<Item = (&'a str, u64, Kind)> + Clone) -> Vec<Batch> {
    let mut kinds: Vec<Kind> = files.clone().map(|(_, _, kind)| kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut batches = Vec::new();
    for kind in kinds {
        let mut batch: Vec<String> = Vec::new();
        let mut bytes = 0;
        let mut close = |files: &mut Vec<String>, bytes: &mut u64| {
            if !files.is_empty() {
                batches.push(Batch {
                    files: std::mem::take(files),
                    kind,
                });
            }
            *bytes = 0;
        };
        for (path, size, _) in files.clone().filter(|(_, _, k)| *k == kind) {
            if bytes + size > PACK_BYTES_MAX {
                close(&mut batch, &mut bytes);
            }
            batch.push(path.to_owned());
            bytes += size;
            if bytes >= PACK_BYTES_MIN && sha256(path.as_bytes())[0] < CUT_BELOW {
                close(&mut batch, &mut bytes);
            }
        }
        close(&mut batch, &mut bytes);
    }
    batches
}

/// Packs a batch: `whole` is the bytes of its files one behind the other, `facts` the length and
/// hash of each. `fast`: for a pack that travels over loopback only.
pub(crate) fn pack(batch: &Batch, whole: Vec<u8>, facts: &[(u64, Sha256)], fast: bool) -> Pack {
    let mut at = 0;
    let files = batch
        .files
        .iter()
        .zip(facts)
        .map(|(path, (size, sha256))| {
            let start = at;
            at += size;
            let body = &whole[start as usize..at as usize];
            Packed {
                path: path.clone(),
                sha256: *sha256,
                at: start,
                size: *size,
                content_type: media::content_type(path, std::str::from_utf8(body).is_ok()),
            }
        })
        .collect();
    let name = short(&sha256(&whole));
    let gzipped = (batch.kind.compresses && may_shrink(&whole))
        .then(|| gzip(&whole, if fast { LEVEL_FAST } else { LEVEL }))
        .filter(|gzipped| is_worth(gzipped.len(), whole.len()));
    Pack {
        name,
        size: whole.len() as u64,
        gzip: gzipped.is_some(),
        wire: Body::Bytes(gzipped.unwrap_or(whole).into()),
        kind: batch.kind,
        files,
    }
}

/// Tells by a small part, at the fastest level, what is not worth the time: text that holds images
/// or ciphers, and files whose names say too much.
fn may_shrink(whole: &[u8]) -> bool {
    let sample = &whole[..whole.len().min(SAMPLE_BYTES)];
    // What is sampled whole is as quickly tried.
    sample.len() < SAMPLE_BYTES || is_worth(gzip(sample, LEVEL_FAST).len(), sample.len())
}

/// To inflate costs a visitor time as well.
fn is_worth(gzipped: usize, plain: usize) -> bool {
    gzipped < plain - plain / 20
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    // a Vec takes all that is written
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Within two per cent of what level 6 leaves of real sites, in 6 to 17 % less time, and in a third of it where
/// words repeat at random. Level 4 would send every visitor 3 to 5 % more (`docs/benchmarks.md`).
const LEVEL: u32 = 5;
const LEVEL_FAST: u32 = 1;
const SAMPLE_BYTES: usize = 64 << 10;

/// A pack is verified and put as a whole: larger ones hold back too much, smaller ones cost
/// requests.
const PACK_BYTES_MAX: u64 = 2 << 20;

/// From here on a pack ends behind a path whose hash says so.
const PACK_BYTES_MIN: u64 = 512 << 10;

/// One path in eight ends a pack.
const CUT_BELOW: u8 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(String, u64, Group)]) -> Vec<Batch> {
        batches(
            files
                .iter()
                .map(|(path, size, group)| (&**path, *size, Kind::of(path, *group))),
        )
    }

    fn many(count: usize) -> Vec<(String, u64, Group)> {
        (0..count)
            .map(|i| (format!("a/{i:04}.js"), 30_000, Group::AfterLoad))
            .collect()
    }

    #[test]
    fn a_pack_holds_files_of_one_kind() {
        let batches = check(&[
            ("a.js".into(), 10, Group::Shell),
            ("b.png".into(), 10, Group::Shell),
            ("c.js".into(), 10, Group::AfterLoad),
            ("d.png".into(), 10, Group::AfterLoad),
            ("e.css".into(), 10, Group::Shell),
            ("f.html".into(), 10, Group::AfterLoad),
        ]);
        let mut files: Vec<_> = batches.iter().map(|g| g.files.join(" ")).collect();
        files.sort();
        assert_eq!(files, ["a.js e.css", "b.png", "c.js", "d.png", "f.html"]);
    }

    #[test]
    fn no_pack_passes_the_limit_but_one_of_a_single_large_file() {
        let mut files = many(500);
        files.push(("z.js".into(), 5 << 20, Group::AfterLoad));
        let batches = check(&files);
        let last = batches.last().unwrap();
        assert_eq!(last.files, ["z.js"]);
        assert!(
            batches
                .iter()
                .all(|g| g.files.len() as u64 * 30_000 <= PACK_BYTES_MAX || g.files.len() == 1)
        );
    }

    #[test]
    fn a_file_that_goes_changes_two_packs_at_most() {
        let files = many(400);
        let before = check(&files);
        for gone in [0, 57, 200, 399] {
            let mut fewer = files.clone();
            fewer.remove(gone);
            let after = check(&fewer);
            let new = after.iter().filter(|batch| !before.contains(batch)).count();
            assert!(
                new <= 2,
                "{new} new packs of {} without file {gone}",
                after.len()
            );
        }
    }

    #[test]
    fn a_pack_is_its_files_and_is_gzipped_where_that_helps() {
        let packed = check_pack(&[&[b'x'; 5000], b"tail"]);
        assert!(packed.gzip && packed.wire.len() < 200);
        assert_eq!((packed.files[1].at, packed.size), (5000, 5004));
        let random = random(2000);
        let packed = check_pack(&[&random, b""]);
        assert!(!packed.gzip);
        assert!(matches!(packed.wire, Body::Bytes(bytes) if bytes == random));
    }

    #[test]
    fn what_does_not_shrink_in_its_first_part_is_not_tried_further() {
        let text = vec![b'x'; SAMPLE_BYTES];
        let noise = random(SAMPLE_BYTES);
        assert!(check_pack(&[&text, &noise]).gzip);
        assert!(!check_pack(&[&noise, &text]).gzip);
        // one byte less is no sample, but all there is
        let all = [&noise[..SAMPLE_BYTES / 2], &text[..SAMPLE_BYTES / 2 - 1]];
        assert!(check_pack(&all).gzip);
    }

    fn random(bytes: usize) -> Vec<u8> {
        (0..bytes as u32)
            .map(|i| sha256(&i.to_le_bytes())[0])
            .collect()
    }

    /// Packs these scripts; they are found again at their places, and the pack by its name.
    fn check_pack(bodies: &[&[u8]]) -> Pack {
        let batch = Batch {
            files: (0..bodies.len()).map(|i| format!("{i}.js")).collect(),
            kind: Kind::of("0.js", Group::Shell),
        };
        let facts: Vec<_> = bodies
            .iter()
            .map(|body| (body.len() as u64, sha256(body)))
            .collect();
        let whole = bodies.concat();
        let packed = pack(&batch, whole.clone(), &facts, false);
        assert_eq!(packed.name, short(&sha256(&whole)));
        for (file, body) in packed.files.iter().zip(bodies) {
            let (at, size) = (file.at as usize, file.size as usize);
            assert_eq!(&whole[at..at + size], *body);
        }
        packed
    }
}
