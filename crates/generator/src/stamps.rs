//! Is a folder as the last build saw and left it?
//!
//! For those who build again whenever it is not. What a build writes into the folder itself must
//! not look like a change, and what somebody else writes meanwhile must.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use revisit_rules::site::FileStamp;

use crate::content_hash::sha256;
use crate::own::added;
use crate::prefixes::Prefixes;
use crate::walk::walk;
use crate::{BuildConfig, BuildError, Overlay};

/// The states of a site's own files, by their paths.
pub type Stamps = BTreeMap<String, FileStamp>;

/// What the folder `root` holds now, less what a build of this config adds. Costs a walk: no file of
/// the site is read.
///
/// # Errors
/// [`BuildError::Folder`], [`BuildError::Read`], [`BuildError::NotASite`] and [`BuildError::Config`].
pub fn stamps(root: &Path, config: &BuildConfig) -> Result<Stamps, BuildError> {
    let walk = walk(root, &added(root, &config.worker.name))?;
    let walk = Prefixes::parse(&config.site.prefixes)?.rename(walk, &config.worker.name)?;
    let stamp = |found: crate::walk::Found| (found.path, found.stamp);
    Ok(walk.files.into_iter().map(stamp).collect())
}

/// What [`stamps`] tells right after `overlay` was written into `root` itself, if nobody else writes
/// there. A page that is no longer as the build wrote it keeps the stamp that the build saw, and so
/// differs.
pub fn stamps_written(root: &Path, overlay: &Overlay) -> Stamps {
    let written = |path: &str| {
        let file = overlay.prefixes.locate(root, path);
        // The stamp first: what changes after it changes the stamp too.
        let stamp = FileStamp::of(&fs::metadata(&file).ok()?);
        let hash = sha256(&fs::read(&file).ok()?);
        (overlay.files[path].sha256 == Some(hash)).then_some(stamp)
    };
    let state = |(path, file): (&String, &crate::SiteFile)| {
        let own = match file.edits.is_empty() {
            true => None,
            false => written(path),
        };
        (path.clone(), own.unwrap_or(file.stamp))
    };
    overlay.files.iter().map(state).collect()
}

/// What [`stamps`] tells if `overlay` was written elsewhere, and nobody writes into its site.
pub fn stamps_seen(overlay: &Overlay) -> Stamps {
    let state = |(path, file): (&String, &crate::SiteFile)| (path.clone(), file.stamp);
    overlay.files.iter().map(state).collect()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{Destination, Memory, Options, plan, write};

    /// Builds in place; `meddle` gets the folder after that. Does it look as the build left it?
    fn check(meddle: impl FnOnce(&Path), same: bool) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::write(root.join("index.html"), "<script src=app.js></script>").unwrap();
        fs::write(root.join("app.js"), "1").unwrap();
        let options = Options {
            now: SystemTime::UNIX_EPOCH,
            development: None,
            previous: None,
        };
        let config = BuildConfig::default();
        let mut memory = Memory::default();
        let overlay = plan(root, &config, &options, &mut memory, &()).unwrap();
        assert_eq!(stamps(root, &config).unwrap(), stamps_seen(&overlay));
        write(root, &overlay, "sw.js", Destination::InPlace).unwrap();
        assert_ne!(stamps(root, &config).unwrap(), stamps_seen(&overlay));
        meddle(root);
        let left = stamps_written(root, &overlay);
        assert_eq!(stamps(root, &config).unwrap() == left, same);
    }

    #[test]
    fn what_a_build_writes_is_no_change_and_what_others_write_meanwhile_is_one() {
        check(|_| (), true);
        check(|root| fs::write(root.join("app.js"), "22").unwrap(), false);
        check(
            |root| fs::write(root.join("index.html"), "new").unwrap(),
            false,
        );
        check(|root| fs::remove_file(root.join("app.js")).unwrap(), false);
        check(
            |root| fs::remove_file(root.join("index.html")).unwrap(),
            false,
        );
        check(|root| fs::write(root.join("new.js"), "1").unwrap(), false);
        check(|root| fs::write(root.join("revisit/x"), "1").unwrap(), true);
    }
}
