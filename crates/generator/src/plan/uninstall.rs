//! The way back.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use revisit_rules::site::names::Promise;

use super::{Options, Planner, Stop, TRIES_MAX};
use crate::content_hash::sha256;
use crate::memory::Memory;
use crate::overlay::{Generated, Overlay};
use crate::own::{OUTPUT, is_foreign_worker, refuse_foreign_output};
use crate::walk::walk;
use crate::{BuildConfig, BuildError, Report, runtime};

/// Plans the way back: pages without our tag, and in the worker's place one that removes itself
/// from browsers that have it. `reload`: it also loads open pages anew, for development, where
/// nothing is written and so a worker of the site's own is left to it.
///
/// # Errors
/// See [`BuildError`].
pub fn plan_uninstall(
    root: &Path,
    config: &BuildConfig,
    reload: bool,
) -> Result<Overlay, BuildError> {
    let parsed = config.parse()?;
    let options = Options {
        now: SystemTime::UNIX_EPOCH,
        development: None,
    };
    let planner = Planner {
        root,
        config,
        parsed: &parsed,
        options: &options,
        progress: &(),
    };
    let worker_name = &config.worker.name;
    if !reload {
        refuse_foreign_output(root, worker_name)?;
    }
    let mut tries = 0;
    let (walk, pages) = loop {
        let walk = walk(root, &|path| {
            !reload && (path == OUTPUT || path == worker_name)
        })?;
        match planner.pages(&walk, None, &mut Memory::default()) {
            Ok(pages) => break (walk, pages),
            Err(Stop::Changed { .. }) if tries < TRIES_MAX => tries += 1,
            Err(Stop::Changed { file }) => return Err(BuildError::Unsettled { file }),
            Err(Stop::Error(error)) => return Err(error),
        }
    };
    let body = Bytes::from(runtime::uninstaller(reload)?);
    let worker = Generated {
        sha256: sha256(&body),
        body,
        promise: Promise::None,
    };
    let generated = match is_foreign_worker(root, worker_name) {
        true => BTreeMap::new(),
        false => BTreeMap::from([(worker_name.clone(), worker)]),
    };
    Ok(Overlay {
        build: String::new(),
        generated,
        files: planner.files(&walk, &pages, &[], &[]),
        report: Report {
            files: walk.files.len(),
            ..Report::default()
        },
    })
}
