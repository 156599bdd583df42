//! What the owner of a site should look at.

use std::collections::HashMap;

use crate::Warning;
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
