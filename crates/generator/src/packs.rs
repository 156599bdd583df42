//! Packs: many small files in one body, in transit and at rest.
//!
//! A pack is named by the hash of its bytes, which are those of its files one behind the other.
//! Which files share a pack follows from their paths alone: a file that is added or taken away
//! changes its own pack and at most the next, and no others.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use revisit_rules::site::media;
use sha2::Digest;

use crate::content_hash::{Sha256, sha256};

/// Which files a pack is to carry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    /// Sorted by path.
    pub(crate) files: Vec<String>,
    /// A page of the shell loads these files itself: they may lie in the HTTP cache.
    pub(crate) loaded: bool,
    /// Worth compressing, by their names.
    pub(crate) compresses: bool,
}

/// A pack as it travels.
#[derive(Debug)]
pub(crate) struct Pack {
    /// Hash of the files' bytes, one behind the other: its name.
    pub(crate) sha256: Sha256,
    /// What is sent.
    pub(crate) wire: Bytes,
    pub(crate) gzip: bool,
    pub(crate) loaded: bool,
    pub(crate) files: Vec<Packed>,
}

#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) path: String,
    pub(crate) sha256: Sha256,
    pub(crate) size: u64,
    pub(crate) content_type: String,
}

/// Parts files (path, size, loaded; sorted by path) into groups of one to two megabytes.
pub(crate) fn groups<'a>(files: impl Iterator<Item = (&'a str, u64, bool)> + Clone) -> Vec<Group> {
    let mut groups = Vec::new();
    for (loaded, compresses) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut files_of_group: Vec<String> = Vec::new();
        let mut bytes = 0;
        let mut close = |files: &mut Vec<String>, bytes: &mut u64| {
            if !files.is_empty() {
                groups.push(Group {
                    files: std::mem::take(files),
                    loaded,
                    compresses,
                });
            }
            *bytes = 0;
        };
        let of_group = files
            .clone()
            .filter(|(path, _, l)| *l == loaded && media::compresses(path) == compresses);
        for (path, size, _) in of_group {
            if bytes + size > PACK_BYTES_MAX {
                close(&mut files_of_group, &mut bytes);
            }
            files_of_group.push(path.to_owned());
            bytes += size;
            if bytes >= PACK_BYTES_MIN && sha256(path.as_bytes())[0] < CUT_BELOW {
                close(&mut files_of_group, &mut bytes);
            }
        }
        close(&mut files_of_group, &mut bytes);
    }
    groups
}

/// Packs the bytes of a group's files, in the group's order. `fast`: for a pack that travels
/// over loopback only.
pub(crate) fn pack(group: &Group, bodies: Vec<Vec<u8>>, fast: bool) -> Pack {
    let mut whole = sha2::Sha256::new();
    let files = group
        .files
        .iter()
        .zip(&bodies)
        .map(|(path, body)| {
            whole.update(body);
            Packed {
                path: path.clone(),
                sha256: sha256(body),
                size: body.len() as u64,
                content_type: media::content_type(path, std::str::from_utf8(body).is_ok()),
            }
        })
        .collect();
    let plain: u64 = bodies.iter().map(|body| body.len() as u64).sum();
    let gzipped = (group.compresses && plain > 0)
        .then(|| gzip(&bodies, fast))
        .filter(|gzipped| (gzipped.len() as u64) < plain - plain / 20);
    Pack {
        sha256: whole.finalize().into(),
        gzip: gzipped.is_some(),
        wire: gzipped.unwrap_or_else(|| bodies.concat()).into(),
        loaded: group.loaded,
        files,
    }
}

fn gzip(bodies: &[Vec<u8>], fast: bool) -> Vec<u8> {
    // Built once and sent to every visitor: the smaller body is worth the time.
    let level = if fast {
        Compression::fast()
    } else {
        Compression::new(6)
    };
    let mut encoder = GzEncoder::new(Vec::new(), level);
    for body in bodies {
        // a Vec takes all that is written
        let _ = encoder.write_all(body);
    }
    encoder.finish().unwrap_or_default()
}

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

    fn check(files: &[(String, u64, bool)]) -> Vec<Group> {
        groups(
            files
                .iter()
                .map(|(path, size, loaded)| (&**path, *size, *loaded)),
        )
    }

    fn many(count: usize) -> Vec<(String, u64, bool)> {
        (0..count)
            .map(|i| (format!("a/{i:04}.js"), 30_000, false))
            .collect()
    }

    #[test]
    fn a_pack_holds_files_of_one_kind() {
        let groups = check(&[
            ("a.js".into(), 10, true),
            ("b.png".into(), 10, true),
            ("c.js".into(), 10, false),
            ("d.png".into(), 10, false),
            ("e.css".into(), 10, true),
        ]);
        let files: Vec<_> = groups.iter().map(|g| g.files.join(" ")).collect();
        assert_eq!(files, ["a.js e.css", "b.png", "c.js", "d.png"]);
    }

    #[test]
    fn no_pack_passes_the_limit_but_one_of_a_single_large_file() {
        let mut files = many(500);
        files.push(("z.js".into(), 5 << 20, false));
        let groups = check(&files);
        let last = groups.last().unwrap();
        assert_eq!(last.files, ["z.js"]);
        assert!(
            groups
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
            let new = after.iter().filter(|group| !before.contains(group)).count();
            assert!(
                new <= 2,
                "{new} new packs of {} without file {gone}",
                after.len()
            );
        }
    }

    #[test]
    fn a_pack_is_its_files_and_is_gzipped_where_that_helps() {
        let group = Group {
            files: vec!["a.js".into(), "b.js".into()],
            loaded: false,
            compresses: true,
        };
        let packed = pack(&group, vec![vec![b'x'; 5000], b"tail".to_vec()], false);
        assert!(packed.gzip && packed.wire.len() < 200);
        assert_eq!(
            packed.sha256,
            sha256(&[vec![b'x'; 5000], b"tail".to_vec()].concat())
        );
        let random: Vec<u8> = (0..2000u32).map(|i| sha256(&i.to_le_bytes())[0]).collect();
        let packed = pack(&group, vec![random.clone(), Vec::new()], false);
        assert!(!packed.gzip && packed.wire == random);
    }
}
