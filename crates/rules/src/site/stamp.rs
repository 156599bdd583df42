//! What tells one state of a file from another without reading it.

/// A file's identity and times, as its folder tells them: while a stamp is the same and not
/// fresh (see [`FileStamp::changed_ns`]), so is the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileStamp {
    /// Length in bytes.
    pub size: u64,
    /// Which file it is in its file system (0 where the platform does not say).
    pub inode: u64,
    /// Last change of the content, in nanoseconds since 1970; times before 1678 and after 2262 count as
    /// these. Sites have many files, and each of them a few stamps.
    pub modified_ns: i64,
    /// Last change of content, name or rights, in nanoseconds since 1970; the later of the two
    /// where the platform has no such time. A file that changed just now may change again
    /// within the same tick of the file system's clock, and the stamp would not show it.
    pub changed_ns: i64,
}

impl FileStamp {
    /// Reads a stamp off what the file system said.
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        let modified_ns = metadata.modified().map_or(0, since_epoch_ns);
        Self {
            size: metadata.len(),
            inode: inode(metadata),
            modified_ns,
            changed_ns: changed_ns(metadata).max(modified_ns),
        }
    }

    /// Nanoseconds between the last change and `now`; 0 for a change in the future.
    pub fn quiet_ns(&self, now: std::time::SystemTime) -> i64 {
        since_epoch_ns(now).saturating_sub(self.changed_ns).max(0)
    }

    /// [`FileStamp::quiet_ns`] of a file that had the stamp `before` when it was seen last.
    ///
    /// A file system may show a new length some milliseconds before the new times; ext4 does so
    /// while it truncates. Where the length is another and the times are not, the change is under
    /// way: 0.
    pub fn quiet_ns_after(&self, before: Option<&Self>, now: std::time::SystemTime) -> i64 {
        let under_way = before.is_some_and(|before| {
            let same_times =
                self.modified_ns == before.modified_ns && self.changed_ns == before.changed_ns;
            same_times && self.inode == before.inode && self.size != before.size
        });
        match under_way {
            true => 0,
            false => self.quiet_ns(now),
        }
    }
}

fn since_epoch_ns(time: std::time::SystemTime) -> i64 {
    let signed = |span: std::time::Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => signed(after),
        Err(before) => -signed(before.duration()),
    }
}

#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(unix)]
fn changed_ns(metadata: &std::fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    let seconds = metadata.ctime().saturating_mul(1_000_000_000);
    seconds.saturating_add(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(not(unix))]
fn changed_ns(_: &std::fs::Metadata) -> i64 {
    0
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_new_length_with_old_times_is_a_change_under_way() {
        let before = stamp(200, 1_000);
        check(stamp(0, 1_000), Some(before), 0);
        check(before, Some(before), 4_000);
        check(stamp(0, 3_000), Some(before), 2_000);
        check(stamp(0, 1_000), None, 4_000);
        let replaced = FileStamp {
            inode: 8,
            ..stamp(0, 1_000)
        };
        check(replaced, Some(before), 4_000);
    }

    #[test]
    fn a_change_in_the_future_counts_as_just_now() {
        check(stamp(1, 9_000), None, 0);
    }

    fn check(stamp: FileStamp, before: Option<FileStamp>, quiet_ns: i64) {
        let now = UNIX_EPOCH + Duration::from_nanos(5_000);
        assert_eq!(stamp.quiet_ns_after(before.as_ref(), now), quiet_ns);
    }

    fn stamp(size: u64, changed_ns: i64) -> FileStamp {
        FileStamp {
            size,
            inode: 7,
            modified_ns: changed_ns,
            changed_ns,
        }
    }
}
