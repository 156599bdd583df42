//! What the owner of a site should look at.

use std::collections::{BTreeMap, HashMap};

use crate::Warning;
use crate::address::{Addresses, Target};
use crate::memory::PageFacts;
use crate::select::Selection;
use crate::shell::Shell;
use crate::walk::Walk;

/// Does a policy keep scripts of the site's own from running? Only the plain cases are told.
pub(super) fn forbids_own_scripts(policy: &str) -> bool {
    let directive = |wanted: &str| {
        policy.split([';', ',']).map(str::trim).find_map(|d| {
            d.strip_prefix(wanted)
                .filter(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    };
    directive("script-src-elem")
        .or_else(|| directive("script-src"))
        .or_else(|| directive("default-src"))
        .is_some_and(|sources| {
            !sources.split_whitespace().any(|source| {
                source == "'self'"
                    || source == "*"
                    || source.contains("//")
                    || source.ends_with(':')
            })
        })
}

/// What the heads of pages outside the shell load and is not there, once for all pages that do.
///
/// Only heads: to parse all of a page of 19 kB costs fifty times as much.
pub(super) fn missing(
    pages: &HashMap<String, PageFacts>,
    shell: &Shell,
    addresses: &Addresses<'_>,
) -> Vec<Warning> {
    // Most pages of a folder load the same: each URL is resolved there once.
    let mut seen = HashMap::new();
    let mut found: BTreeMap<(&str, Option<String>), Vec<&str>> = BTreeMap::new();
    for (page, facts) in pages.iter().filter(|it| !shell.files.contains_key(it.0)) {
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        let base = facts.head.base.as_deref();
        for reference in &facts.head.list {
            let url = &*reference.url;
            let target = seen.entry((folder, base, url)).or_insert_with(|| {
                let from = addresses.of(page, base)?;
                addresses.resolve(&from, url)
            });
            if let Some(Target::Missing { near }) = target {
                found.entry((url, near.clone())).or_default().push(page);
            }
        }
    }
    found
        .into_iter()
        .filter_map(|((url, near), mut by)| {
            by.sort_unstable();
            by.dedup();
            Some(Warning::Missing {
                url: url.to_owned(),
                by: (*by.first()?).to_owned(),
                near,
                others: by.len() - 1,
            })
        })
        .collect()
}

pub(super) fn warnings(
    walk: &Walk,
    shell: &Shell,
    selection: &Selection,
    pages: &HashMap<String, PageFacts>,
    others: Vec<Warning>,
) -> Vec<Warning> {
    let forbidden = pages
        .iter()
        .filter(|(_, facts)| facts.tag_forbidden)
        .map(|(file, _)| Warning::PolicyForbidsTag { file: file.clone() });
    let mut all: Vec<Warning> = walk
        .warnings
        .iter()
        .chain(&shell.warnings)
        .chain(&selection.warnings)
        .cloned()
        .chain(forbidden)
        .chain(others)
        .collect();
    all.sort();
    all
}
