//! As far as a plan has to go to say what becomes of a URL: up to the choice.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use revisit_rules::site::FileStamp;

use super::list::OwnWorker;
use super::{Memory, Options, Planner, Stop, settled};
use crate::address::Addresses;
use crate::matching::{Chosen, Match, decide};
use crate::own::refuse_foreign_output;
use crate::select::select;
use crate::{BuildConfig, BuildError, extension, runtime};

/// Which rule answers each of `urls`, and why: what a build of the site in `root` would do. Nothing
/// is written.
///
/// # Errors
/// See [`BuildError`].
pub fn plan_matches(
    root: &Path,
    config: &BuildConfig,
    options: &Options<'_>,
    urls: &[String],
) -> Result<Vec<Match>, BuildError> {
    let parsed = config.parse()?;
    let planner = Planner {
        root,
        config,
        parsed: &parsed,
        options,
        progress: &(),
    };
    settled(|| planner.matches(urls))
}

impl Planner<'_> {
    fn matches(&self, urls: &[String]) -> Result<Vec<Match>, Stop> {
        let memory = &mut Memory::default();
        let worker_name = &self.config.worker.name;
        refuse_foreign_output(self.root, worker_name)?;
        if let Some(path) = &self.config.worker.extend
            && OwnWorker::of(path, &extension::read(path)?)?.is_some()
        {
            return Err(self.not_for_own_worker("--match").into());
        }
        let walk = self.walk()?;
        let stamps: HashMap<&str, FileStamp> = walk
            .files
            .iter()
            .map(|found| (&*found.path, found.stamp))
            .collect();
        let known: HashSet<&str> = stamps.keys().copied().collect();
        let (entries, offline) = self.entries(&walk, &known)?;
        let extras = self.extras(&known)?;
        let base = &self.config.site.base;
        let addresses = Addresses::new(base, self.parsed.cdn.as_ref(), &known).and(&extras);
        let shell = self.shell(&entries, &stamps, &addresses, memory)?;
        let hosted = self.hosted(&walk, &known)?;
        let (keepable, _) = self.keepable(&walk, &hosted, &entries)?;
        let client = runtime::client(self.config)?;
        let client_path = runtime::client_path(&client);
        // Their sizes as served: the tag counts in the budget.
        let tagged = self.tagged(&walk, &stamps, &client_path, memory)?;
        if let Some(caches) = &tagged.caches {
            return Err(Stop::Error(caches.refuse("--match")));
        }
        let pages = tagged.pages;
        let selection = select(
            &keepable,
            &|found| {
                let page = pages.get(&found.path);
                page.map_or(found.stamp.size, |page| page.size)
            },
            &shell,
            self.parsed,
            &self.config.precache,
        )?;
        let scripts = self.scripts(&selection, &stamps, memory)?;
        let workers = self.workers(&scripts, &selection, &shell, &addresses);
        let hashes = HashMap::new();
        let (alone, _) = self.placed(&selection, &pages, &workers, &stamps, &hashes, &hosted);
        let alone = alone.into_iter().map(|file| file.path).collect();
        let chosen = Chosen {
            config: self.config,
            parsed: self.parsed,
            known: &known,
            extras: &extras,
            shell: &shell,
            selection: &selection,
            workers: &workers,
            alone: &alone,
            offline: offline.as_deref(),
        };
        Ok(urls.iter().map(|url| decide(&chosen, url)).collect())
    }
}
