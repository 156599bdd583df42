//! `revisit worker-modules`: what a worker of the site's own may import.

use std::fs;
use std::path::Path;

use revisit_generator::worker_modules;

use crate::failure::Failure;
use crate::terminal::{plain, say};

/// Writes the modules into `folder`, over those that an earlier version has written.
pub(crate) fn run(folder: &Path) -> Result<(), Failure> {
    let fault = |path: &Path, error: std::io::Error| {
        let error = anyhow::Error::new(error);
        let error = error.context(format!("cannot write `{}`", path.display()));
        Failure::work(error).help(HELP.to_owned())
    };
    fs::create_dir_all(folder).map_err(|error| fault(folder, error))?;
    for (name, text) in worker_modules() {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| fault(&path, error))?;
        say!("{}", plain(&path.display().to_string()));
    }
    Ok(())
}

const HELP: &str = "name a folder that can be written, such as `src/revisit`";
