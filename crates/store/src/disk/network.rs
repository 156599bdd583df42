//! On which file systems does a store not keep its word?
//!
//! On a network locks may not hold, what another machine writes into the memory-mapped index of the
//! catalog's log is not seen, and a sync may end at a server's cache. The system names a file system by
//! a number (`statfs(2)`, `linux/magic.h`, and for those outside the kernel coreutils' `stat.c`).

use std::path::Path;

use super::options::OpenError;

/// What a file system is to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It lies on other machines, and is called so.
    Network(&'static str),
    /// It is local, or cannot be told: FUSE may be either.
    Usable,
}

/// Refuses a folder on a network.
#[cfg(target_os = "linux")]
pub(super) fn refuse_network(folder: &Path) -> Result<(), OpenError> {
    // Where it cannot be told, opening will say what is wrong.
    let Ok(stat) = rustix::fs::statfs(folder) else {
        return Ok(());
    };
    // The field is signed on some machines, and of 32 or 64 bits.
    match verdict(stat.f_type as u32) {
        Verdict::Usable => Ok(()),
        Verdict::Network(name) => Err(OpenError::Network {
            folder: folder.to_owned(),
            name,
        }),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn refuse_network(_: &Path) -> Result<(), OpenError> {
    Ok(())
}

/// What the file system with this number is.
#[cfg(any(target_os = "linux", test))]
fn verdict(magic: u32) -> Verdict {
    Verdict::Network(match magic {
        0x0000_6969 => "NFS",
        0x0000_517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x0000_564c => "NCP",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x00c3_6400 => "Ceph",
        0x0102_1997 => "9P",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x2003_0528 => "OrangeFS",
        0x786f_4256 => "a shared folder of VirtualBox",
        _ => return Verdict::Usable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_on_another_machine_is_refused_and_all_else_is_not() {
        let check = |magic, expected| assert_eq!(verdict(magic), expected, "{magic:#x}");
        for (magic, name) in [
            (0x6969, "NFS"),
            (0x517b, "SMB"),
            (0xff53_4d42, "SMB"),
            (0xfe53_4d42, "SMB"),
            (0x5346_414f, "AFS"),
            (0x6b41_4653, "AFS"),
            (0x00c3_6400, "Ceph"),
            (0x0102_1997, "9P"),
            (0x0bd0_0bd0, "Lustre"),
        ] {
            check(magic, Verdict::Network(name));
            // Neighbours are other systems.
            check(magic - 1, Verdict::Usable);
            check(magic + 1, Verdict::Usable);
        }
        let local = [
            ("ext4", 0xef53),
            ("XFS", 0x5846_5342),
            ("Btrfs", 0x9123_683e),
            ("tmpfs", 0x0102_1994),
            ("overlayfs", 0x794c_7630),
            ("ZFS", 0x2fc1_2fc1),
            ("FUSE, which may be either", 0x6573_5546),
            ("none", 0),
        ];
        for (_, magic) in local {
            check(magic, Verdict::Usable);
        }
    }

    #[test]
    fn a_folder_of_this_machine_is_not_refused() {
        refuse_network(tempfile::tempdir().unwrap().path()).unwrap();
    }
}
