//! What in a site's folder is ours?
//!
//! The worker's file and one folder beside it. What stands there already and was not written by
//! a build is somebody's, and is refused rather than overwritten.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::host::{HEADERS, SNIPPET};
use crate::plan::is_added;
use crate::{BuildError, runtime};

/// The worker's name and the output folder must be free, or hold what a build of ours left.
pub(crate) fn refuse_foreign_output(root: &Path, worker: &str) -> Result<(), BuildError> {
    let foreign = |file: &str| {
        Err(BuildError::ForeignWorker {
            file: file.to_owned(),
        })
    };
    if is_foreign_worker(root, worker) {
        return foreign(worker);
    }
    let Ok(entries) = std::fs::read_dir(root.join(OUTPUT)) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !(is_output(&name) || name.starts_with('.')) {
            return foreign(&format!("{OUTPUT}/{name}"));
        }
    }
    Ok(())
}

/// Does the worker's name belong to a file that no build of ours wrote?
pub(crate) fn is_foreign_worker(root: &Path, worker: &str) -> bool {
    let Ok(mut file) = File::open(root.join(worker)) else {
        return false;
    };
    let mut start = [0; 64];
    let read = file.read(&mut start).unwrap_or(0);
    !runtime::is_ours(&start[..read])
}

/// Which paths below `root`, on disk, are not the site's own: what a build with a worker of this name has added.
pub(crate) fn added(root: &Path, worker: &str) -> impl Fn(&str) -> bool {
    let headers = is_added(root);
    move |path| path == OUTPUT || path == worker || (headers && path == HEADERS)
}

/// Is this a name that a build gives to a file in its output folder?
pub(crate) fn is_output(name: &str) -> bool {
    (name.starts_with("manifest-") && name.ends_with(".json"))
        || (name.starts_with("client-") && name.ends_with(".js"))
        || name.ends_with(".pack")
        || name == SNIPPET
}

/// The folder, below the site's root, for all that a build adds beside the worker.
pub(crate) const OUTPUT: &str = "revisit";
