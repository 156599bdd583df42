//! What is there of the build before?
//!
//! A visitor who has the packs of the last build should fetch one small pack with what changed.
//! So packs that are still worth it are kept as they are, their dead bytes included, and only files
//! that no kept pack has go into new ones. Which these are follows from the last build's manifest;
//! nothing of its packs is read, but those that must be fetched are (`deployed`).

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::content_hash::{Sha256, short};
use crate::deployed::{Before, ObtainPack, is_pack};
use crate::manifest::PACKED_HASH_CHARS;
use crate::overlay::Body;
use crate::own::OUTPUT;
use crate::packs::{Kind, Pack, Packed};
use crate::runtime::is_ours;

/// The list of the build before, and where its packs lie.
#[derive(Debug, Default)]
pub(crate) struct Previous<'a> {
    packs: Vec<OldPack>,
    files: HashMap<String, OldFile>,
    obtain: Option<&'a dyn ObtainPack>,
}

#[derive(Debug)]
struct OldPack {
    name: String,
    wire: PathBuf,
    wire_bytes: u64,
    gzip: bool,
    size: u64,
    group: u8,
}

#[derive(Debug)]
struct OldFile {
    hash: String,
    size: u64,
    /// Its pack and its place there.
    place: Option<(usize, u64)>,
    content_type: Option<String>,
}

/// A file that wants a place in a pack.
pub(crate) struct Wanted {
    pub(crate) path: String,
    pub(crate) sha256: Sha256,
    pub(crate) size: u64,
    pub(crate) kind: Kind,
}

#[derive(Deserialize)]
struct Head(
    Vec<Vec<(String, String)>>,
    Vec<(String, u64, u8, u64, u8)>,
    #[allow(dead_code, reason = "the worker's")] Vec<String>,
);

/// Path, hash, size, place; then the number of its header fields and the offset, if that is not
/// the end of the file before, or the marker of a page.
#[derive(Deserialize)]
struct Row(
    String,
    String,
    u64,
    i64,
    #[serde(default)] Value,
    #[serde(default)] Option<u64>,
);

impl<'a> Previous<'a> {
    /// Reads a build; nothing if there is none, or none that this version can read.
    pub(crate) fn read(before: Before<'a>, worker: &str) -> Self {
        Self {
            obtain: before.packs,
            ..Self::try_read(before.folder, worker).unwrap_or_default()
        }
    }

    fn try_read(folder: &Path, worker: &str) -> Option<Self> {
        let script = std::fs::read(folder.join(worker)).ok()?;
        let output = folder.join(OUTPUT);
        let manifest = std::fs::read_dir(&output)
            .ok()
            .filter(|_| is_ours(&script))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let build = name
                    .strip_prefix("manifest-")
                    .and_then(|rest| rest.strip_suffix(".json"));
                build.is_some_and(|build| memchr::memmem::find(&script, build.as_bytes()).is_some())
            })?;
        Self::parse(&std::fs::read_to_string(manifest).ok()?, &output)
    }

    fn parse(text: &str, output: &Path) -> Option<Self> {
        let mut lines = text.strip_prefix('[')?.lines();
        let Head(heads, packs, _) = serde_json::from_str(lines.next()?).ok()?;
        let packs = packs
            .into_iter()
            .map(|(name, wire_bytes, gzip, size, group)| OldPack {
                wire: output.join(format!("{name}.pack")),
                name,
                wire_bytes,
                gzip: gzip == 1,
                size,
                group,
            });
        let mut previous = Self {
            packs: packs.collect(),
            ..Self::default()
        };
        for line in lines.filter(|line| *line != "]") {
            let rows: Vec<Row> = serde_json::from_str(line.strip_prefix(',')?).ok()?;
            let mut ends: HashMap<usize, u64> = HashMap::new();
            for Row(path, hash, size, place, head, at) in rows {
                let mut file = OldFile {
                    hash,
                    size,
                    place: None,
                    content_type: None,
                };
                if let Ok(pack) = usize::try_from(place) {
                    let at = at.or_else(|| ends.get(&pack).copied())?;
                    let end = at.checked_add(size)?;
                    if end > previous.packs.get(pack)?.size {
                        return None;
                    }
                    ends.insert(pack, end);
                    file.place = Some((pack, at));
                    let fields = head.as_u64().and_then(|head| heads.get(head as usize));
                    file.content_type = fields
                        .and_then(|fields| fields.iter().find(|(n, _)| n == "content-type"))
                        .map(|(_, value)| value.clone());
                }
                previous.files.insert(path, file);
            }
        }
        Some(previous)
    }

    /// Had the build before this file with other bytes?
    pub(crate) fn had_otherwise(&self, path: &str, sha256: &Sha256) -> bool {
        self.files
            .get(path)
            .is_some_and(|old| !old.hash.starts_with('~') && !short(sha256).starts_with(&*old.hash))
    }

    /// The packs that are kept, with those of the `wanted` files that they hold; the others are
    /// left in `wanted`.
    pub(crate) fn keep(&self, wanted: &mut Vec<Wanted>) -> Vec<Arc<Pack>> {
        let mut live: BTreeMap<usize, Vec<&Wanted>> = BTreeMap::new();
        for file in wanted.iter() {
            if let Some((pack, _)) = self.place(file) {
                live.entry(pack).or_default().push(file);
            }
        }
        live.retain(|pack, files| {
            let pack = &self.packs[*pack];
            let alive: u64 = files.iter().map(|file| file.size).sum();
            let at_hand = self.obtain.is_some() || pack.is_there();
            // one kind: what `batches` puts apart was put apart then, or the rules have changed
            let of_one_kind = files.iter().all(|file| file.kind == files[0].kind);
            at_hand && of_one_kind && alive * 2 >= pack.size
        });
        self.drop_crumbs(&mut live);
        // last: what is not kept is not fetched either
        live.retain(|pack, _| self.packs[*pack].is_there() || self.obtained(*pack));
        let kept: Vec<Arc<Pack>> = live
            .iter()
            .map(|(index, files)| Arc::new(self.pack(*index, files)))
            .collect();
        let placed: std::collections::HashSet<String> = kept
            .iter()
            .flat_map(|pack| pack.files.iter().map(|file| file.path.clone()))
            .collect();
        wanted.retain(|file| !placed.contains(&file.path));
        kept
    }

    /// Fetches a pack, if somebody can.
    fn obtained(&self, pack: usize) -> bool {
        let OldPack {
            name,
            wire_bytes,
            gzip,
            size,
            ..
        } = &self.packs[pack];
        let proved = |bytes: &[u8]| is_pack(name, *size, *gzip, bytes);
        let path = format!("{OUTPUT}/{name}.pack");
        self.obtain
            .is_some_and(|packs| packs.obtain(&path, *wire_bytes, &proved))
    }

    /// Each small update leaves a small pack: when there are many of one kind, they are packed anew.
    fn drop_crumbs(&self, live: &mut BTreeMap<usize, Vec<&Wanted>>) {
        let mut crumbs: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
        for (index, files) in live.iter() {
            if self.packs[*index].size < CRUMB_BYTES {
                crumbs.entry(files[0].kind).or_default().push(*index);
            }
        }
        for indexes in crumbs.values().filter(|indexes| indexes.len() > CRUMBS_MAX) {
            live.retain(|index, _| !indexes.contains(index));
        }
    }

    fn place(&self, file: &Wanted) -> Option<(usize, u64)> {
        let old = self.files.get(&file.path)?;
        let (pack, at) = old.place?;
        let same = old.size == file.size
            && old.hash == short(&file.sha256)[..PACKED_HASH_CHARS]
            && self.packs[pack].group == file.kind.group as u8
            && (old.content_type.is_some() || file.kind.pages);
        same.then_some((pack, at))
    }

    fn pack(&self, index: usize, files: &[&Wanted]) -> Pack {
        let old = &self.packs[index];
        let mut packed: Vec<Packed> = files
            .iter()
            .filter_map(|file| {
                let known = self.files.get(&file.path)?;
                Some(Packed {
                    path: file.path.clone(),
                    sha256: file.sha256,
                    at: known.place?.1,
                    size: file.size,
                    content_type: known.content_type.clone().unwrap_or_default(),
                })
            })
            .collect();
        packed.sort_by_key(|file| (file.at, file.size));
        Pack {
            name: old.name.clone(),
            size: old.size,
            wire: Body::File {
                path: old.wire.clone(),
                bytes: old.wire_bytes,
            },
            gzip: old.gzip,
            kind: files[0].kind,
            files: packed,
        }
    }
}

impl OldPack {
    fn is_there(&self) -> bool {
        std::fs::metadata(&self.wire).is_ok_and(|found| found.len() == self.wire_bytes)
    }
}

/// A pack below this is a crumb.
const CRUMB_BYTES: u64 = 256 << 10;

/// So many crumbs of one kind are borne: each is a request of a first visit.
const CRUMBS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content_hash::sha256;
    use crate::manifest::{PageHead, manifest};
    use crate::packs::{batches, pack};
    use crate::select::Group;

    struct World {
        folder: tempfile::TempDir,
        files: BTreeMap<String, Vec<u8>>,
    }

    impl World {
        fn new() -> Self {
            let files = (0..24).map(|i| {
                (
                    format!("a/{i:02}.js"),
                    vec![b'a' + i % 26; 20_000 + i as usize],
                )
            });
            Self {
                folder: tempfile::tempdir().unwrap(),
                files: files.collect(),
            }
        }

        fn wanted(&self) -> Vec<Wanted> {
            let wanted = |(path, bytes): (&String, &Vec<u8>)| Wanted {
                path: path.clone(),
                sha256: sha256(bytes),
                size: bytes.len() as u64,
                kind: Kind::of(path, Group::AfterLoad),
            };
            self.files.iter().map(wanted).collect()
        }

        /// Builds over what is there; names of the packs that are kept and of those that are new.
        fn build(&self) -> (Vec<String>, Vec<String>) {
            let output = self.folder.path().join(OUTPUT);
            let before = Previous::read(Before::in_folder(self.folder.path()), "sw.js");
            let mut wanted = self.wanted();
            let mut packs = before.keep(&mut wanted);
            let kept: Vec<String> = packs.iter().map(|pack| pack.name.clone()).collect();
            for batch in batches(wanted.iter().map(|f| (&*f.path, f.size, f.kind))) {
                let bodies: Vec<_> = batch.files.iter().map(|f| &*self.files[f]).collect();
                let facts: Vec<_> = bodies
                    .iter()
                    .map(|body| (body.len() as u64, sha256(body)))
                    .collect();
                packs.push(Arc::new(pack(&batch, bodies.concat(), &facts, false)));
            }
            let new = packs[kept.len()..]
                .iter()
                .map(|pack| pack.name.clone())
                .collect();
            let list = manifest(&packs, &[], &|_| PageHead::Asked);
            let old: Vec<_> = std::fs::read_dir(&output)
                .into_iter()
                .flatten()
                .flatten()
                .collect();
            for entry in old
                .iter()
                .filter(|e| e.file_name().to_string_lossy().starts_with("manifest"))
            {
                std::fs::remove_file(entry.path()).unwrap();
            }
            std::fs::create_dir_all(&output).unwrap();
            for pack in &packs {
                if let Body::Bytes(bytes) = &pack.wire {
                    std::fs::write(output.join(format!("{}.pack", pack.name)), bytes).unwrap();
                }
            }
            std::fs::write(
                output.join(format!("manifest-{}.json", list.build)),
                &list.text,
            )
            .unwrap();
            std::fs::write(
                self.folder.path().join("sw.js"),
                format!("/*revisit*/'{}'", list.build),
            )
            .unwrap();
            let found = Previous::read(Before::in_folder(self.folder.path()), "sw.js");
            assert_eq!(
                found.files.len(),
                self.files.len(),
                "every file is in the list"
            );
            (kept, new)
        }
    }

    #[test]
    fn a_changed_file_costs_one_small_pack_and_keeps_all_others() {
        let mut world = World::new();
        let (_, first) = world.build();
        let (kept, new) = world.build();
        assert_eq!((kept, new.len()), (first.clone(), 0), "nothing changed");
        world.files.insert("a/07.js".into(), vec![b'z'; 20_000]);
        let (kept, new) = world.build();
        assert_eq!((kept, new.len()), (first, 1));
    }

    #[test]
    fn a_pack_is_made_anew_when_more_than_half_of_it_is_dead() {
        let mut world = World::new();
        let (_, first) = world.build();
        assert_eq!(first.len(), 1);
        let size: usize = world.files.values().map(Vec::len).sum();
        let mut dead = 0;
        for i in 0..24 {
            let path = format!("a/{i:02}.js");
            dead += world.files[&path].len();
            world
                .files
                .insert(path, format!("changed {i}").into_bytes());
            let (kept, _) = world.build();
            assert_eq!(
                kept.contains(&first[0]),
                dead * 2 <= size,
                "{dead} of {size}"
            );
        }
    }

    #[test]
    fn many_small_updates_do_not_leave_many_small_packs() {
        let mut world = World::new();
        world.build();
        for i in 0..18 {
            world
                .files
                .insert(format!("a/{i:02}.js"), vec![b'z' - i; 10_000]);
            let (kept, new) = world.build();
            assert!(
                kept.len() + new.len() <= CRUMBS_MAX + 3,
                "update {i}: {kept:?} {new:?}"
            );
        }
    }

    #[test]
    fn a_pack_that_is_gone_or_of_another_length_is_not_kept() {
        let world = World::new();
        let (_, first) = world.build();
        let file = world
            .folder
            .path()
            .join(OUTPUT)
            .join(format!("{}.pack", first[0]));
        std::fs::write(&file, "cut").unwrap();
        let (kept, new) = world.build();
        assert_eq!((kept.len(), new.len()), (0, 1));
        std::fs::remove_file(&file).unwrap();
        let (kept, new) = world.build();
        assert_eq!((kept.len(), new.len()), (0, 1));
    }

    #[test]
    fn what_is_no_manifest_of_this_version_counts_as_no_build() {
        for text in [
            "",
            "[",
            "[]",
            "[[[],[],[]]]",
            "[[[],[],[]]\n,[[\"a\",\"h\",5,0,0,0]]\n]\n",
            "[[[],[[\"p\",1,0,9,0]],[]]\n,[[\"a\",\"h\",5,0,0]]\n]\n",
            "\u{0}",
        ] {
            let found = Previous::parse(text, Path::new("."));
            assert!(found.is_none_or(|found| found.files.is_empty()), "{text:?}");
        }
    }

    /// A change to a small site.
    #[derive(Debug, Clone)]
    enum Change {
        Write {
            file: usize,
            size: usize,
            seed: u8,
        },
        Remove(usize),
        /// Takes another file's bytes.
        Copy {
            file: usize,
            from: usize,
        },
        /// One pack's bytes are gone.
        LosePack(usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        let file = || 0..FILES;
        prop_oneof![
            6 => (file(), 0..60_000usize, any::<u8>())
                .prop_map(|(file, size, seed)| Change::Write { file, size, seed }),
            2 => file().prop_map(Change::Remove),
            2 => (file(), file()).prop_map(|(file, from)| Change::Copy { file, from }),
            1 => (0..8usize).prop_map(Change::LosePack),
        ]
    }

    const FILES: usize = 40;

    /// Scripts, which shrink, images, which do not, and pages.
    fn path(file: usize) -> String {
        format!("a/{file:02}.{}", ["js", "png", "html"][file % 3])
    }

    impl World {
        fn apply(&mut self, change: &Change) {
            match change {
                Change::Write { file, size, seed } => {
                    let bytes = (0..*size).map(|i| (i as u8).wrapping_mul(seed | 1) ^ seed);
                    self.files.insert(path(*file), bytes.collect());
                }
                Change::Remove(file) => {
                    self.files.remove(&path(*file));
                }
                Change::Copy { file, from } => {
                    if let Some(bytes) = self.files.get(&path(*from)).cloned() {
                        self.files.insert(path(*file), bytes);
                    }
                }
                Change::LosePack(pack) => {
                    let packs: Vec<_> = std::fs::read_dir(self.folder.path().join(OUTPUT))
                        .into_iter()
                        .flatten()
                        .flatten()
                        .filter(|entry| entry.path().extension().is_some_and(|e| e == "pack"))
                        .collect();
                    if let Some(pack) = packs.get(*pack) {
                        std::fs::remove_file(pack.path()).unwrap();
                    }
                }
            }
        }

        /// Every file is byte for byte at its place in one of the packs that would be kept, or left
        /// to new ones.
        fn check_kept(&self) {
            let mut left = self.wanted();
            let kept =
                Previous::read(Before::in_folder(self.folder.path()), "sw.js").keep(&mut left);
            let mut seen: Vec<String> = left.into_iter().map(|file| file.path).collect();
            for pack in kept {
                let Body::File { path, bytes } = &pack.wire else {
                    panic!("a kept pack is a file");
                };
                let wire = std::fs::read(path).unwrap();
                assert_eq!(wire.len() as u64, *bytes);
                let mut whole = Vec::new();
                match pack.gzip {
                    true => std::io::copy(&mut flate2::read::GzDecoder::new(&*wire), &mut whole)
                        .map(drop)
                        .unwrap(),
                    false => whole = wire,
                }
                assert_eq!(whole.len() as u64, pack.size);
                assert_eq!(pack.name, short(&sha256(&whole)));
                for file in &pack.files {
                    let there = &whole[file.at as usize..(file.at + file.size) as usize];
                    assert!(there == self.files[&file.path], "{} is another", file.path);
                    assert_eq!(file.sha256, sha256(there));
                    seen.push(file.path.clone());
                }
            }
            seen.sort();
            let all: Vec<&String> = self.files.keys().collect();
            assert_eq!(seen.iter().collect::<Vec<_>>(), all, "each file once");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_kept_pack_has_its_files_byte_for_byte_at_their_places(
            builds in proptest::collection::vec(proptest::collection::vec(change(), 1..10), 1..12)
        ) {
            let mut world = World::new();
            world.files.clear();
            for changes in &builds {
                for change in changes {
                    world.apply(change);
                }
                world.check_kept();
                world.build();
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(\\PC|\n){0,200}") {
            let _ = Previous::parse(&text, Path::new("."));
        }
    }
}
