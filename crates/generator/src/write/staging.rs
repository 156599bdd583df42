//! A folder for what is not yet in place, for one build at a time.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use revisit_rules::site::FileStamp;

use super::write_error;
use crate::BuildError;

/// Gone when it is dropped, whatever happened.
pub(super) struct Staging {
    pub(super) path: PathBuf,
    /// Held while this build writes.
    _lock: File,
}

impl Staging {
    /// Makes the folder `path`. While another build has it, this one waits; what a build that was
    /// killed has left in it goes, but for a folder `old`, which is put back if `target` is not there.
    pub(super) fn new(path: PathBuf, target: &Path) -> Result<Self, BuildError> {
        let failed = |source| write_error(&path, source);
        let lock = lock(&path).map_err(failed)?;
        let old = path.join(OLD);
        if !target.exists() && old.exists() {
            fs::rename(&old, target).map_err(failed)?;
        }
        for entry in fs::read_dir(&path).map_err(failed)?.flatten() {
            if entry.file_name() == LOCK {
                continue;
            }
            let _ = match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true => fs::remove_dir_all(entry.path()),
                false => fs::remove_file(entry.path()),
            };
        }
        Ok(Self { path, _lock: lock })
    }

    /// Puts the folder `staged` in the place of `target`. On Linux the two change places at once; elsewhere a
    /// build that is killed in between leaves the old one to the next to put back.
    pub(super) fn put_folder(&self, staged: &Path, target: &Path) -> io::Result<()> {
        if !target.exists() {
            return fs::rename(staged, target);
        }
        if exchange(staged, target) {
            return Ok(());
        }
        let old = self.path.join(OLD);
        fs::rename(target, &old)?;
        fs::rename(staged, target).inspect_err(|_| {
            let _ = fs::rename(&old, target); // as it was
        })
    }

    /// Waits until the file system's clock has moved on: what changes from now on has another time
    /// than all that was changed before. `false` if it moves too slowly to be waited for.
    pub(super) fn tick(&self) -> bool {
        let Ok(mut probe) = File::create(self.path.join("tick")) else {
            return false;
        };
        let mut now = || -> io::Result<i64> {
            probe.rewind()?;
            probe.write_all(b"x")?;
            Ok(FileStamp::of(&probe.metadata()?).modified_ns)
        };
        let Ok(first) = now() else {
            return false;
        };
        (0..TICK_TRIES).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            now().is_ok_and(|now| now > first)
        })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The lock of the folder `path`, which is made if it is not there.
fn lock(path: &Path) -> io::Result<File> {
    let name = path.join(LOCK);
    for _ in 0..LOCK_TRIES {
        if fs::symlink_metadata(path).is_ok_and(|found| !found.is_dir()) {
            fs::remove_file(path)?; // a link would lead what is written, and removed, elsewhere
        }
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let mut options = File::options();
        let lock = match options.create(true).truncate(false).write(true).open(&name) {
            // the build that had it has ended
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            lock => lock?,
        };
        match lock.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ => {}
        }
        // Who waited may hold the lock of a folder that is gone by now.
        let stamps = (lock.metadata()?, fs::metadata(&name));
        if let (held, Ok(there)) = stamps
            && FileStamp::of(&held).inode == FileStamp::of(&there).inode
        {
            return Ok(lock);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::ResourceBusy,
        "other builds write here",
    ))
}

#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> bool {
    false
}

const LOCK: &str = "lock";
/// Where what stood in the output's place waits for the new one.
const OLD: &str = "old";
const LOCK_TRIES: u32 = 1000;
/// Milliseconds. Local file systems keep times to ten or better.
const TICK_TRIES: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_in_the_outputs_place_is_put_back_after_a_kill_between_two_renames() {
        let dir = tempfile::tempdir().unwrap();
        let (path, target) = (dir.path().join("staging"), dir.path().join("out"));
        fs::create_dir_all(path.join(OLD)).unwrap();
        fs::write(path.join(OLD).join("a"), "a").unwrap();
        drop(Staging::new(path.clone(), &target).unwrap());
        assert_eq!(fs::read(target.join("a")).unwrap(), b"a");
        assert!(!path.exists());
        // and is no more than rubbish when the new one got there
        fs::create_dir_all(path.join(OLD)).unwrap();
        drop(Staging::new(path.clone(), &target).unwrap());
        assert!(target.join("a").exists() && !path.exists());
    }

    #[test]
    fn a_folder_takes_the_place_of_another_with_and_without_an_exchange() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("out");
        let staging = Staging::new(dir.path().join("staging"), &target).unwrap();
        for round in ["first", "second", "third"] {
            let new = staging.path.join("new");
            let _ = fs::remove_dir_all(&new);
            fs::create_dir(&new).unwrap();
            fs::write(new.join(round), "").unwrap();
            staging.put_folder(&new, &target).unwrap();
            assert!(target.join(round).exists(), "{round}");
            assert_eq!(fs::read_dir(&target).unwrap().count(), 1, "{round}");
        }
    }

    #[test]
    fn a_link_in_the_place_of_the_folder_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("kept"), "").unwrap();
        let path = dir.path().join("staging");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        drop(Staging::new(path, &dir.path().join("out")).unwrap());
        assert!(elsewhere.join("kept").exists());
    }

    #[test]
    fn one_build_at_a_time_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let (path, target) = (dir.path().join("staging"), dir.path().join("out"));
        let within = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let staging = Staging::new(path.clone(), &target).unwrap();
                        let before = within.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(before, 0, "two have it");
                        fs::write(staging.path.join("x"), "x").unwrap();
                        within.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }

    #[test]
    fn after_a_tick_a_change_has_another_time() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(dir.path().join("staging"), dir.path()).unwrap();
        let file = staging.path.join("file");
        let modified = || fs::metadata(&file).unwrap().modified().unwrap();
        for _ in 0..20 {
            fs::write(&file, "a").unwrap();
            let before = modified();
            if staging.tick() {
                fs::write(&file, "b").unwrap();
                assert!(modified() > before);
            }
        }
    }
}
