//! For development: pages with their tag, and a worker that keeps nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use revisit_rules::site::names::Promise;

use super::{Memory, Options, Planner, settled};
use crate::overlay::{Body, Generated, Overlay};
use crate::own::refuse_foreign_output;
use crate::prefixes::Prefixes;
use crate::{BuildConfig, BuildError, Report, runtime};

/// Plans what lies over a site while its author works on it: the page client as always, and in the
/// worker's place one that keeps and answers nothing. No name promises anything: what is built
/// again and again may have other bytes under the same hash.
///
/// # Errors
/// See [`BuildError`].
pub fn plan_dev(
    root: &Path,
    config: &BuildConfig,
    options: &Options<'_>,
    memory: &mut Memory,
) -> Result<Overlay, BuildError> {
    let parsed = config.parse()?;
    let planner = Planner {
        root,
        config,
        parsed: &parsed,
        options,
        progress: &(),
    };
    let worker_name = &config.worker.name;
    refuse_foreign_output(root, worker_name)?;
    let client = runtime::client(config)?;
    let client_path = runtime::client_path(&client);
    let inject = config.worker.inject;
    let (walk, pages) = settled(|| {
        let walk = planner.walk()?;
        let stamps = walk
            .files
            .iter()
            .map(|found| (&*found.path, found.stamp))
            .collect();
        let tagged = planner.tagged(&walk, &stamps, &client_path, memory)?;
        Ok((walk, tagged.pages))
    })?;
    let mut files = planner.files(&walk, &pages, &HashMap::new());
    for file in files.values_mut() {
        file.promise = Promise::None;
    }
    let made = |text: String| Generated {
        body: Body::Bytes(text.into()),
        promise: Promise::None,
    };
    let worker = runtime::dev_worker()?;
    Ok(Overlay {
        build: String::new(),
        prefixes: Prefixes::default(),
        generated: BTreeMap::from([
            (client_path, made(client)),
            (worker_name.clone(), made(worker)),
        ]),
        files,
        report: Report {
            files: walk.files.len(),
            pages_tagged: if inject { pages.len() } else { 0 },
            warnings: walk.warnings,
            ..Report::default()
        },
    })
}
