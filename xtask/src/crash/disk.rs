//! What a disk may have after the power went: all that was synced, and of the rest any part.
//!
//! A run of the workload is a row of events. A file's bytes last from the end of a sync of it that was
//! begun after they were written, a name from that of its folder. Of all else any subset may be there,
//! and of a write any of its sectors: so a body may be there under its name and be empty, an old one
//! may be back, and a page of the catalog may be half new.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What the system was told to do; it has done it before the next event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A new file, or an empty one in its place.
    Create(PathBuf),
    Folder(PathBuf),
    Write {
        path: PathBuf,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    /// A sync that was begun when so many events had ended.
    Sync(PathBuf, usize),
    /// A line that somebody was told: it is none of the disk's.
    Told(String),
}

/// Which of what was not synced is there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Luck {
    Nothing,
    Everything,
    /// Any of it by this number, writes whole.
    Some(u64),
    /// The same, and of writes any of their sectors.
    Torn(u64),
}

/// Files with what is in them, and folders.
pub(super) type Files = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Bytes that a drive writes in one go.
const SECTOR_BYTES: usize = 512;

/// A step of the replay: events without syncs, each with the number of its file and how it lasts.
#[derive(Debug)]
struct Step<'a> {
    event: &'a Event,
    file: usize,
    lasts: bool,
}

/// The files that are there when the power goes after the first `end` events, and the lines that were
/// told before.
pub(super) fn after_cut(events: &[Event], end: usize, luck: Luck) -> (Files, String) {
    let events = events.get(..end).unwrap_or(events);
    let mut dice = Dice::new(luck, end);
    let (mut names, mut contents) = (BTreeMap::new(), BTreeMap::<usize, Vec<u8>>::new());
    let mut told = String::new();
    for step in steps(events) {
        match step.event {
            Event::Told(line) => {
                told.push_str(line);
                told.push('\n');
            }
            Event::Write { at, bytes, .. } => {
                let content = contents.entry(step.file).or_default();
                if matches!(luck, Luck::Torn(_)) && !step.lasts {
                    for (number, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                        if dice.is_there() {
                            put(content, at + number * SECTOR_BYTES, sector);
                        }
                    }
                } else if step.lasts || dice.is_there() {
                    put(content, *at, bytes);
                }
            }
            Event::Truncate(_, bytes) if step.lasts || dice.is_there() => {
                contents.entry(step.file).or_default().resize(*bytes, 0);
            }
            Event::Create(path) if step.lasts || dice.is_there() => {
                names.insert(path.clone(), Some(step.file));
            }
            Event::Folder(path) if step.lasts || dice.is_there() => {
                names.insert(path.clone(), None);
            }
            Event::Rename(from, to) if step.lasts || dice.is_there() => {
                names.remove(from);
                names.insert(to.clone(), Some(step.file));
            }
            Event::Remove(path) if step.lasts || dice.is_there() => {
                names.remove(path);
            }
            _ => {}
        }
    }
    let mut content =
        |file: Option<usize>| file.map(|file| contents.remove(&file).unwrap_or_default());
    let files = names.into_iter().map(|(path, file)| (path, content(file)));
    (files.collect(), told)
}

/// The events that change something, each with its file, and whether it lasts.
fn steps(events: &[Event]) -> Vec<Step<'_>> {
    let mut live: BTreeMap<&Path, usize> = BTreeMap::new();
    let mut files = 0;
    let mut steps: Vec<(usize, Step<'_>)> = Vec::new();
    for (number, event) in events.iter().enumerate() {
        let file = match event {
            Event::Create(path) | Event::Folder(path) => {
                files += 1;
                live.insert(path, files);
                files
            }
            Event::Write { path, .. } | Event::Truncate(path, _) => match live.get(&**path) {
                Some(file) => *file,
                None => continue,
            },
            Event::Rename(from, to) => match live.remove(&**from) {
                Some(file) => {
                    live.insert(to, file);
                    file
                }
                None => continue,
            },
            Event::Remove(path) => match live.remove(&**path) {
                Some(file) => file,
                None => continue,
            },
            Event::Sync(path, begun) => {
                let synced = live.get(&**path).copied();
                for (_, step) in steps.iter_mut().filter(|(at, _)| at < begun) {
                    step.lasts |= match step.event {
                        Event::Write { .. } | Event::Truncate(..) => Some(step.file) == synced,
                        Event::Create(name) | Event::Folder(name) | Event::Remove(name) => {
                            name.parent() == Some(path)
                        }
                        // Where it went counts: a file system that has the new name has dropped the old.
                        Event::Rename(_, to) => to.parent() == Some(path),
                        Event::Sync(..) | Event::Told(_) => false,
                    };
                }
                continue;
            }
            Event::Told(_) => 0,
        };
        let lasts = matches!(event, Event::Told(_));
        steps.push((number, Step { event, file, lasts }));
    }
    steps.into_iter().map(|(_, step)| step).collect()
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Writes such files below `to`, in the place of `root`; what has no folder is nowhere.
pub(super) fn write(files: &Files, root: &Path, to: &Path) -> Result<()> {
    let mut folders = BTreeSet::new();
    for (path, content) in files {
        let Ok(below) = path.strip_prefix(root) else {
            continue;
        };
        let is_top = below.as_os_str().is_empty();
        if !is_top && !path.parent().is_some_and(|parent| folders.contains(parent)) {
            continue;
        }
        let to = if is_top {
            to.to_owned()
        } else {
            to.join(below)
        };
        let written = match content {
            None => {
                folders.insert(path.clone());
                fs::create_dir(&to)
            }
            Some(bytes) => fs::write(&to, bytes),
        };
        written.with_context(|| format!("cannot write `{}`", to.display()))?;
    }
    Ok(())
}

/// Says of each thing that was not synced whether it is there.
struct Dice {
    luck: Luck,
    state: u64,
}

impl Dice {
    fn new(luck: Luck, end: usize) -> Self {
        let seed = match luck {
            Luck::Nothing | Luck::Everything => 0,
            Luck::Some(seed) | Luck::Torn(seed) => seed,
        };
        let state = seed.wrapping_mul(0x1_0001).wrapping_add(end as u64);
        Self { luck, state }
    }

    fn is_there(&mut self) -> bool {
        match self.luck {
            Luck::Nothing => false,
            Luck::Everything => true,
            Luck::Some(_) | Luck::Torn(_) => {
                // SplitMix64.
                self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = self.state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed ^ (mixed >> 31)) & 1 == 1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &str, at: usize, bytes: &[u8]) -> Event {
        let (path, bytes) = (path.into(), bytes.to_vec());
        Event::Write { path, at, bytes }
    }

    /// A body on its way: written, synced, renamed, its folder synced, told.
    fn body() -> Vec<Event> {
        vec![
            Event::Folder("/s".into()),
            Event::Create("/s/tmp".into()),
            write("/s/tmp", 0, &[7; 1000]),
            Event::Sync("/s/tmp".into(), 3),
            Event::Rename("/s/tmp".into(), "/s/body".into()),
            Event::Sync("/s".into(), 5),
            Event::Sync("/".into(), 6),
            Event::Told("ACK".to_owned()),
        ]
    }

    fn there(events: &[Event], end: usize, luck: Luck) -> Vec<(String, Option<usize>)> {
        let (files, _) = after_cut(events, end, luck);
        let named = |(path, content): (PathBuf, Option<Vec<u8>>)| {
            (path.display().to_string(), content.map(|bytes| bytes.len()))
        };
        files.into_iter().map(named).collect()
    }

    #[test]
    fn what_was_synced_is_there_and_all_else_as_luck_has_it() {
        let events = body();
        let folder = || ("/s".to_owned(), None);
        let file = |name: &str, bytes| (name.to_owned(), Some(bytes));
        for (end, luck, expected) in [
            (8, Luck::Nothing, vec![folder(), file("/s/body", 1000)]),
            (8, Luck::Everything, vec![folder(), file("/s/body", 1000)]),
            // The name of the folder itself lasts last.
            (6, Luck::Nothing, vec![file("/s/body", 1000)]),
            (5, Luck::Nothing, vec![]),
            (5, Luck::Everything, vec![folder(), file("/s/body", 1000)]),
            (4, Luck::Everything, vec![folder(), file("/s/tmp", 1000)]),
            (2, Luck::Everything, vec![folder(), file("/s/tmp", 0)]),
        ] {
            assert_eq!(there(&events, end, luck), expected, "{end} {luck:?}");
        }
        let told = |end| after_cut(&events, end, Luck::Nothing).1;
        assert_eq!((told(7).as_str(), told(8).as_str()), ("", "ACK\n"));
    }

    #[test]
    fn a_sync_is_of_what_was_written_before_it_was_begun() {
        let mut events = body();
        // Written while the sync was under way.
        events[3] = Event::Sync("/s/tmp".into(), 2);
        let expected = vec![("/s".to_owned(), None), ("/s/body".to_owned(), Some(0))];
        assert_eq!(there(&events, 8, Luck::Nothing), expected);
    }

    #[test]
    fn a_write_is_torn_by_sectors_and_each_number_tears_it_otherwise() {
        let events = [
            Event::Create("/f".into()),
            write("/f", 0, &[1; 8 * SECTOR_BYTES]),
        ];
        let mut seen = BTreeSet::new();
        for seed in 0..64 {
            let (files, _) = after_cut(&events, 2, Luck::Torn(seed));
            let Some(Some(bytes)) = files.get(Path::new("/f")) else {
                continue;
            };
            for sector in bytes.chunks(SECTOR_BYTES) {
                assert!(
                    sector.iter().all(|byte| *byte == sector[0]),
                    "half a sector"
                );
            }
            seen.insert(bytes.clone());
        }
        assert!(seen.len() > 10, "{}", seen.len());
        let again = |seed| after_cut(&events, 2, Luck::Torn(seed)).0;
        assert_eq!(again(7), again(7));
    }
}
