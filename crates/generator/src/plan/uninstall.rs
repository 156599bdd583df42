//! The way back.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::SystemTime;

use revisit_rules::site::names::Promise;

use super::{Options, Planner, Stop, TRIES_MAX};
use crate::memory::Memory;
use crate::overlay::{Body, Generated, Overlay};
use crate::own::{is_foreign_worker, refuse_foreign_output};
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
        previous: None,
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
    let (walk, files) = loop {
        let walk = match reload {
            true => walk(root, &|_| false)?,
            false => planner.walk()?,
        };
        let files = planner
            .pages(&walk, None, &mut Memory::default())
            .map(|pages| planner.files(&walk, &pages, &HashMap::new()))
            .and_then(|mut files| {
                if !reload {
                    planner.merge_headers(&walk, None, &mut files, &mut Vec::new())?;
                }
                Ok(files)
            });
        match files {
            Ok(files) => break (walk, files),
            Err(Stop::Changed { .. }) if tries < TRIES_MAX => tries += 1,
            Err(Stop::Changed { file }) => return Err(BuildError::Unsettled { file }),
            Err(Stop::Error(error)) => return Err(error),
        }
    };
    let worker = Generated {
        body: Body::Bytes(runtime::uninstaller(reload)?.into()),
        promise: Promise::None,
    };
    let generated = match is_foreign_worker(root, worker_name) {
        true => BTreeMap::new(),
        false => BTreeMap::from([(worker_name.clone(), worker)]),
    };
    Ok(Overlay {
        build: String::new(),
        prefixes: parsed.prefixes.clone(),
        generated,
        files,
        report: Report {
            files: walk.files.len(),
            ..Report::default()
        },
    })
}
