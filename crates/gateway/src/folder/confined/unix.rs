//! Confined opening on Unix: relative to the root's descriptor.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use super::{NoFile, resolve};

pub(super) struct Directory {
    descriptor: OwnedFd,
    path: PathBuf,
}

impl Directory {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let descriptor = openat(CWD, path, AS_FOLDER, Mode::empty())?;
        Ok(Self {
            descriptor,
            path: path.to_owned(),
        })
    }

    /// Opens `name`, whatever it is.
    pub(super) fn file(&self, name: &str) -> Result<File, NoFile> {
        #[cfg(target_os = "linux")]
        if let Some(file) = self.by_kernel(name)? {
            return Ok(file);
        }
        self.by_steps(name)
    }

    /// Lets the kernel walk the way; `None` where it cannot or may not say: a link on the way
    /// (`ELOOP`), a kernel or a sandbox without this call, a tree that moves meanwhile (`EAGAIN`).
    #[cfg(target_os = "linux")]
    fn by_kernel(&self, name: &str) -> Result<Option<File>, NoFile> {
        use rustix::fs::{ResolveFlags, openat2};
        let confined =
            ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
        match openat2(&self.descriptor, name, AS_FILE, Mode::empty(), confined) {
            Ok(file) => Ok(Some(file.into())),
            Err(
                Errno::LOOP
                | Errno::XDEV
                | Errno::NOSYS
                | Errno::PERM
                | Errno::INVAL
                | Errno::AGAIN,
            ) => Ok(None),
            Err(errno) => Err(io::Error::from(errno).into()),
        }
    }

    /// Resolves the links first, then walks the real way without following any.
    pub(super) fn by_steps(&self, name: &str) -> Result<File, NoFile> {
        let real = resolve(&self.path, name)?;
        let mut names = real.iter().peekable();
        let mut folder: Option<OwnedFd> = None;
        while let Some(name) = names.next() {
            let within: BorrowedFd<'_> =
                folder.as_ref().map_or(self.descriptor.as_fd(), AsFd::as_fd);
            let last = names.peek().is_none();
            let flags = if last { AS_FILE } else { AS_FOLDER };
            let opened = openat(within, name, flags | OFlags::NOFOLLOW, Mode::empty())
                .map_err(io::Error::from)?;
            if last {
                return Ok(opened.into());
            }
            folder = Some(opened);
        }
        // The real way is empty: a link to the root itself, which is a folder.
        Err(NoFile::NotThere)
    }
}

/// Errors that say that there is no file, and that `ErrorKind` has no stable name for: too many
/// links, a socket or a device without a driver, a value out of range in a strange file system.
pub(super) fn says_not_there(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(
        errno,
        Some(
            Errno::LOOP
                | Errno::MLINK
                | Errno::NXIO
                | Errno::NODEV
                | Errno::NAMETOOLONG
                | Errno::OPNOTSUPP
        )
    )
}

/// `NONBLOCK`: opening a pipe that nobody writes to would wait for ever.
const AS_FILE: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// A folder may be walked through by who may not list it; only Linux can say so.
#[cfg(target_os = "linux")]
const AS_FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const AS_FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);
