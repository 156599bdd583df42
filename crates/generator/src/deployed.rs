//! A build before that lies elsewhere: which of its files are wanted, and are these they?
//!
//! Getting them is left to the caller, who has a network: first the worker script, which names the
//! manifest; then, while a build is planned, such packs as are worth keeping. Each is proved by
//! its name before anything is made of it.

use std::fmt::Debug;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use crate::content_hash::{sha256, short};
use crate::own::OUTPUT;
use crate::runtime::is_ours;

/// The output of a build before.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// Where its worker, its manifest and its packs lie.
    pub folder: &'a Path,
    /// Gets packs that are not in the folder yet. None: what is not there is not kept.
    pub packs: Option<&'a dyn ObtainPack>,
}

impl<'a> Before<'a> {
    /// A build that lies in a folder as a whole.
    pub fn in_folder(folder: &'a Path) -> Self {
        Self {
            folder,
            packs: None,
        }
    }
}

/// Gets packs of a build from where it is deployed.
pub trait ObtainPack: Debug + Sync {
    /// Puts the pack of this path, which has so many bytes, into [`Before::folder`] if it can be
    /// had and is `proved`. Is it there now?
    fn obtain(&self, path: &str, bytes: u64, proved: &dyn Fn(&[u8]) -> bool) -> bool;
}

/// The path of the manifest to which a worker script belongs, below the site's base; `None` if no
/// build of ours made the script.
pub fn manifest_of(script: &[u8]) -> Option<String> {
    if !is_ours(script) {
        return None;
    }
    // From behind: code of the site's own comes first.
    let build = memchr::memmem::rfind_iter(script, KEY).find_map(|at| build_at(script, at))?;
    Some(format!("{OUTPUT}/manifest-{build}.json"))
}

/// The build id that stands, in quotes of any kind, behind the key at `at`.
fn build_at(script: &[u8], at: usize) -> Option<&str> {
    let value = at + KEY.len()..at + KEY.len() + BUILD_CHARS + 2;
    let [quote @ (b'"' | b'\'' | b'`'), build @ .., end] = script.get(value)? else {
        return None;
    };
    let is_id = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (quote == end && build.iter().all(is_id))
        .then(|| std::str::from_utf8(build).ok())
        .flatten()
}

/// Are these the bytes of the manifest that lies at `path`?
pub fn is_manifest(path: &str, bytes: &[u8]) -> bool {
    path == format!("{OUTPUT}/manifest-{}.json", short(&sha256(bytes)))
}

/// Are these the bytes of a pack as they travel?
pub(crate) fn is_pack(name: &str, size: u64, gzip: bool, bytes: &[u8]) -> bool {
    if !gzip {
        return bytes.len() as u64 == size && short(&sha256(bytes)) == name;
    }
    let mut whole = Vec::new();
    // One byte more than there may be: no pack unfolds into more memory than it says.
    let mut decoded = GzDecoder::new(bytes).take(size.saturating_add(1));
    decoded.read_to_end(&mut whole).is_ok()
        && whole.len() as u64 == size
        && short(&sha256(&whole)) == name
}

/// As the worker's config is written.
const KEY: &[u8] = b"build:";
const BUILD_CHARS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::{Batch, Kind, pack};
    use crate::select::Group;

    fn check(script: &str, build: Option<&str>) {
        let expected = build.map(|build| format!("revisit/manifest-{build}.json"));
        assert_eq!(manifest_of(script.as_bytes()), expected, "{script}");
    }

    #[test]
    fn the_manifest_is_named_by_the_last_build_id_of_a_worker_of_ours() {
        let id = "AZaz09-_AZaz09-_";
        check(&format!("/*revisit*/x={{build:\"{id}\"}}"), Some(id));
        check(&format!("/*revisit*/x={{build:`{id}`,y:1}}"), Some(id));
        check(
            &format!("/*revisit*/x={{build:'BBBBBBBBBBBBBBBB'}};y={{build:'{id}'}}"),
            Some(id),
        );
        check(
            &format!("/*revisit*/x={{build:\"{id}\"}};y={{build:x.build}}"),
            Some(id),
        );
        check(&format!("x={{build:\"{id}\"}}"), None);
        check("/*revisit*/x={build:\"short\"}", None);
        check("/*revisit*/x={build:\"../../../../etc/p\"}", None);
        check("/*revisit*/x={build:\"AZaz09-_AZaz09-_'}", None);
        check("/*revisit*/x={build:\"AZaz09-_AZaz09-_", None);
        check("/*revisit*/x={build:", None);
        check("/*revisit*/", None);
    }

    #[test]
    fn a_manifest_is_proved_by_its_name() {
        let path = format!("revisit/manifest-{}.json", short(&sha256(b"[]\n")));
        assert!(is_manifest(&path, b"[]\n"));
        assert!(!is_manifest(&path, b"[]"));
    }

    #[test]
    fn a_pack_is_proved_by_its_name_and_unfolds_into_no_more_than_it_says() {
        for (path, gzip) in [("a.js", true), ("a.png", false)] {
            let batch = Batch {
                files: vec![path.into()],
                kind: Kind::of(path, Group::Shell),
            };
            let packed = pack(
                &batch,
                vec![b'x'; 5000],
                &[(5000, sha256(&[b'x'; 5000]))],
                false,
            );
            let crate::Body::Bytes(wire) = packed.wire else {
                panic!("it was made now");
            };
            assert_eq!(packed.gzip, gzip);
            assert!(is_pack(&packed.name, 5000, gzip, &wire));
            assert!(!is_pack(&packed.name, 4999, gzip, &wire));
            assert!(!is_pack(&packed.name, 5001, gzip, &wire));
            assert!(!is_pack(&packed.name, 5000, !gzip, &wire));
            assert!(!is_pack(&packed.name, 5000, gzip, &wire[1..]));
            assert!(!is_pack("AAAAAAAAAAAAAAAA", 5000, gzip, &wire));
            let mut flipped = wire.to_vec();
            flipped[wire.len() / 2] ^= 1;
            assert!(!is_pack(&packed.name, 5000, gzip, &flipped));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_script_and_no_pack_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = manifest_of(&bytes);
            let _ = manifest_of(&[b"/*revisit*/build:\"", &*bytes].concat());
            proptest::prop_assert!(!is_pack("AAAAAAAAAAAAAAAA", u64::MAX, true, &bytes));
        }
    }
}
