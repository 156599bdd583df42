//! The memory of a build, in a file of the user's cache folder.
//!
//! One file for each site and place that it is built into. It begins with the digest of what the last build saw and left,
//! which an unchanged rebuild needs, and only then has the facts about single files. Each part has
//! its checksum; a file that is damaged, or of another version, is as if it were not there.
//!
//! It is written aside and renamed: of two builds at a time the later one's file stays, and whoever
//! reads meanwhile reads the whole of one of them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use revisit_rules::site::FileStamp;

use super::Memory;
use super::encode::{Reader, Writer};
use crate::Report;
use crate::content_hash::{Sha256, sha256, short};
use crate::write::Copied;

/// The file of one site and destination.
pub(crate) struct Keep {
    folder: PathBuf,
    path: PathBuf,
}

/// What the last build saw, and what it left.
#[derive(Debug)]
pub(crate) struct Done {
    /// Digest of the config and of this program.
    pub(crate) by: Sha256,
    /// Digest of the site's files and their stamps, and of the files' that were left; none if some
    /// of them had just changed, so that a further change might not show.
    pub(crate) saw: Option<Sha256>,
    pub(crate) report: Report,
    /// Path of the page client.
    pub(crate) client: Option<String>,
}

impl Keep {
    /// `site` and `target` are real paths.
    pub(crate) fn new(folder: &Path, site: &Path, target: &Path) -> Self {
        let mut name = Vec::new();
        for path in [site, target] {
            let path = path.as_os_str().as_encoded_bytes();
            name.extend((path.len() as u64).to_le_bytes());
            name.extend(path);
        }
        let folder = folder.join("builds");
        Self {
            path: folder.join(short(&sha256(&name)) + ENDING),
            folder,
        }
    }

    /// What the last build saw and left, if it was `by` the same config and program.
    pub(crate) fn done(&self, by: &Sha256) -> Option<Done> {
        let mut file = File::open(&self.path).ok()?;
        let [done, _] = parts(&mut file)?;
        let bytes = done.read(&mut file)?;
        let mut from = Reader::new(&bytes);
        let found = Done {
            by: from.hash()?,
            saw: from.list::<_, Vec<_>>(Reader::hash)?.pop(),
            report: serde_json::from_slice(from.bytes()?).ok()?,
            client: from.list::<_, Vec<_>>(Reader::text)?.pop(),
        };
        (from.at_end() && found.by == *by).then_some(found)
    }

    /// What is known of single files.
    pub(crate) fn facts(&self) -> Option<(Memory, HashMap<String, Copied>)> {
        let mut file = File::open(&self.path).ok()?;
        let [_, facts] = parts(&mut file)?;
        let bytes = facts.read(&mut file)?;
        let mut from = Reader::new(&bytes);
        let memory = Memory::read(&mut from)?;
        let copies = from.list(|from| {
            let path = from.text()?;
            let copied = Copied {
                source: from.stamp()?,
                edited: from.list::<_, Vec<_>>(Reader::hash)?.pop(),
                target: from.stamp()?,
            };
            Some((path, copied))
        })?;
        from.at_end().then_some((memory, copies))
    }

    /// Puts all of it in the place of what was known, and drops the files of sites that nobody
    /// has built for long.
    pub(crate) fn put(
        &self,
        done: &Done,
        memory: &Memory,
        copies: &HashMap<String, Copied>,
        now: SystemTime,
    ) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        self.drop_forgotten(now);
        let aside = self.path.with_extension(format!(
            "{}-{}.tmp",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        let written =
            write(&aside, done, memory, copies).and_then(|()| fs::rename(&aside, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written
    }

    /// Says that this site was built, though nothing new is known.
    pub(crate) fn touch(&self, now: SystemTime) {
        let Ok(file) = File::options().append(true).open(&self.path) else {
            return;
        };
        let quiet = file.metadata().map(|it| FileStamp::of(&it).quiet_ns(now));
        if quiet.is_ok_and(|quiet| quiet > DAY.as_nanos() as i64) {
            let _ = file.set_modified(now);
        }
    }

    fn drop_forgotten(&self, now: SystemTime) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let modified = entry.metadata().and_then(|it| it.modified());
            let age = modified.map_or(Duration::ZERO, |modified| {
                now.duration_since(modified).unwrap_or_default()
            });
            if age > KEPT && (name.ends_with(ENDING) || name.ends_with(".tmp")) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Where a part of the file lies, and what its bytes hash to.
struct Part {
    at: u64,
    length: u64,
    sha256: Sha256,
}

impl Part {
    fn read(&self, file: &mut File) -> Option<Vec<u8>> {
        file.seek(SeekFrom::Start(self.at)).ok()?;
        let mut bytes = vec![0; usize::try_from(self.length).ok()?];
        file.read_exact(&mut bytes).ok()?;
        (sha256(&bytes) == self.sha256).then_some(bytes)
    }
}

fn write(
    path: &Path,
    done: &Done,
    memory: &Memory,
    copies: &HashMap<String, Copied>,
) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&[0; HEAD_BYTES])?;
    let mut first = Writer::new(&mut file);
    first.hash(&done.by);
    first.list(done.saw.iter(), Writer::hash);
    first.bytes(&serde_json::to_vec(&done.report)?);
    first.list(done.client.iter(), |to, client| to.text(client));
    let first = first.end()?;
    let mut second = Writer::new(&mut file);
    memory.write(&mut second);
    second.list(copies.iter(), |to, (path, copied)| {
        to.text(path);
        to.stamp(&copied.source);
        to.list(copied.edited.iter(), Writer::hash);
        to.stamp(&copied.target);
    });
    let second = second.end()?;
    file.seek(SeekFrom::Start(0))?;
    let mut head = Writer::new(&mut file);
    head.raw(MAGIC);
    for (bytes, hash) in [first, second] {
        head.number(bytes);
        head.hash(&hash);
    }
    head.end()?;
    file.flush()
}

/// The two parts, as the head tells them and the file's length bears out.
fn parts(file: &mut File) -> Option<[Part; 2]> {
    let mut head = [0; HEAD_BYTES];
    file.read_exact(&mut head).ok()?;
    let mut from = Reader::new(head.strip_prefix(MAGIC)?);
    let mut at = HEAD_BYTES as u64;
    let mut part = || {
        let (length, sha256) = (from.number()?, from.hash()?);
        let part = Part { at, length, sha256 };
        at = at.checked_add(length)?;
        Some(part)
    };
    let parts = [part()?, part()?];
    let length = file.metadata().ok()?.len();
    (length == at && length <= FILE_BYTES_MAX).then_some(parts)
}

static COUNT: AtomicU64 = AtomicU64::new(0);

/// The last four digits are the version of the format.
const MAGIC: &[u8] = b"revisit build 0004";
const HEAD_BYTES: usize = MAGIC.len() + 2 * (8 + 32);
const ENDING: &str = ".build";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A site that was not built for so long is forgotten.
const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// A million files need less.
const FILE_BYTES_MAX: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::{FileFacts, PageFacts};
    use super::*;
    use crate::overlay::Edit;
    use crate::shell::References;
    use revisit_references::{Kind, Reference, RelativeTo, When};

    /// A kept file with one fact of each kind, and its folder.
    fn kept() -> (tempfile::TempDir, Keep) {
        let dir = tempfile::tempdir().unwrap();
        let keep = Keep::new(dir.path(), Path::new("/site"), Path::new("/out"));
        keep.put(&done(), &memory(), &copies(), now()).unwrap();
        (dir, keep)
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + 200 * DAY
    }

    fn stamp(size: u64) -> FileStamp {
        FileStamp {
            size,
            inode: 2,
            modified_ns: -3,
            changed_ns: i64::MAX,
        }
    }

    fn done() -> Done {
        Done {
            by: [1; 32],
            saw: Some([2; 32]),
            report: Report {
                build: "build".into(),
                ..Report::default()
            },
            client: Some("revisit/client-x.js".into()),
        }
    }

    fn memory() -> Memory {
        let reference = Reference {
            url: "a.css".into(),
            when: When::Demand,
            kind: Kind::Style,
            relative_to: RelativeTo::Page,
        };
        let references = References {
            list: vec![reference],
            base: Some("/b/".into()),
        };
        let facts = PageFacts {
            edits: vec![Edit {
                range: 3..5,
                insert: Bytes::from_static(b"tag"),
            }],
            sha256: [7; 32],
            size: 8,
            utf8: true,
            marker: Some("word".into()),
            appcache: Some("site.appcache".into()),
            tag_forbidden: true,
            head: Arc::new(references.clone()),
        };
        let file = |workers| FileFacts {
            sha256: [9; 32],
            workers,
        };
        Memory {
            references: [(("a.html".into(), Kind::Page), (stamp(1), references))].into(),
            pages: [("a.html".into(), (stamp(3), facts))].into(),
            files: [
                ("a.js".into(), (stamp(2), file(Some(vec!["w.js".into()])))),
                ("a.png".into(), (stamp(4), file(None))),
            ]
            .into(),
            ..Memory::default()
        }
    }

    fn copies() -> HashMap<String, Copied> {
        let copied = Copied {
            source: stamp(5),
            edited: Some([3; 32]),
            target: stamp(6),
        };
        [("a.html".into(), copied)].into()
    }

    #[test]
    fn what_was_put_comes_back() {
        let (_dir, keep) = kept();
        let found = keep.done(&[1; 32]).unwrap();
        assert_eq!(found.saw, done().saw);
        assert_eq!(found.client, done().client);
        assert_eq!(found.report.build, "build");
        let (found, found_copies) = keep.facts().unwrap();
        let told = |memory: &Memory| format!("{:?} {:?}", memory.references, memory.pages);
        assert_eq!(told(&found), told(&memory()));
        assert_eq!(found.files, memory().files);
        assert_eq!(found_copies, copies());
    }

    #[test]
    fn what_another_program_or_config_has_kept_is_none_of_ours() {
        let (_dir, keep) = kept();
        assert!(keep.done(&[8; 32]).is_none());
    }

    #[test]
    fn each_site_and_place_has_a_file_of_its_own() {
        let path =
            |site, target| Keep::new(Path::new("/c"), Path::new(site), Path::new(target)).path;
        assert_eq!(path("/a", "/b"), path("/a", "/b"));
        assert_ne!(path("/a", "/b"), path("/a", "/a"));
        assert_ne!(path("/a", "/b"), path("/b", "/b"));
        assert_ne!(path("/a", "b/c"), path("/ab", "/c"));
    }

    #[test]
    fn a_file_of_another_format_is_as_if_it_were_not_there() {
        let (_dir, keep) = kept();
        let mut bytes = fs::read(&keep.path).unwrap();
        bytes[MAGIC.len() - 1] += 1;
        fs::write(&keep.path, bytes).unwrap();
        assert!(keep.done(&[1; 32]).is_none() && keep.facts().is_none());
    }

    #[test]
    fn a_site_is_forgotten_when_nobody_has_built_it_for_ninety_days() {
        let (dir, keep) = kept();
        let age = |name: &str, age: Duration| {
            let path = dir.path().join("builds").join(name);
            let file = File::create(&path).unwrap();
            file.set_modified(now() - age).unwrap();
            path
        };
        let kept = age("a.build", KEPT);
        let gone = age("b.build", KEPT + Duration::from_secs(1));
        let rest = age("c.1-2.tmp", KEPT + Duration::from_secs(1));
        let strange = age("notes.txt", 2 * KEPT);
        keep.put(&done(), &memory(), &copies(), now()).unwrap();
        assert!(kept.exists() && strange.exists());
        assert!(!gone.exists() && !rest.exists());
    }

    #[test]
    fn a_build_that_changes_nothing_keeps_its_file_from_being_forgotten() {
        let (_dir, keep) = kept();
        let file = File::options().append(true).open(&keep.path).unwrap();
        let modified = || fs::metadata(&keep.path).unwrap().modified().unwrap();
        file.set_modified(now() - KEPT).unwrap();
        let changed = FileStamp::of(&file.metadata().unwrap()).changed_ns;
        let changed = Duration::from_nanos(changed.try_into().unwrap());
        let real = SystemTime::UNIX_EPOCH + changed + 2 * DAY;
        keep.touch(real);
        assert_eq!(modified(), real);
        keep.touch(real + DAY / 2);
        assert_eq!(modified(), real);
    }

    proptest! {
        #[test]
        fn damage_is_seen_and_never_a_panic(at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<bool>()) {
            let (_dir, keep) = kept();
            let mut bytes = fs::read(&keep.path).unwrap();
            let at = at.index(bytes.len());
            match cut {
                true => bytes.truncate(at),
                false => bytes[at] ^= 1 << bit,
            }
            fs::write(&keep.path, bytes).unwrap();
            prop_assert!(keep.done(&[1; 32]).is_none() || keep.facts().is_none());
        }

        #[test]
        fn facts_that_nobody_wrote_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Memory::read(&mut Reader::new(&bytes));
        }
    }
}
