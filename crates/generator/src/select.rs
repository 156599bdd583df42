//! Which files are kept, and when?
//!
//! The shell first, and all of it or nothing is built. Then, when the page is idle, smaller files
//! before larger ones within the budget: that keeps the most pages whole, and a video never pushes
//! out a hundred of them. The rest is kept when it is first used.

use std::collections::BTreeMap;

use revisit_rules::site::pattern::any_matches;

use crate::config::{Parsed, PrecacheConfig};
use crate::shell::Shell;
use crate::walk::Found;
use crate::{BuildError, LeftOut, Warning};

/// When a file is kept; the worker knows them by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    /// Before the worker counts as installed.
    Shell = 0,
    /// When the page is idle.
    AfterLoad = 1,
    /// When it is first used.
    Lazy = 2,
}

/// The choice among the files of a site.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Path → when it is kept. What is excluded is not in it.
    pub(crate) chosen: BTreeMap<String, Group>,
    /// Lazy since a budget was used up, largest first.
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) shell_files: usize,
    pub(crate) shell_bytes: u64,
    /// Files and bytes of shell and after-load.
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

/// Chooses. `size` is that of a file as it is served: a second build, whose pages have their tag
/// already, must choose the same.
pub(crate) fn select(
    files: &[Found],
    size: &dyn Fn(&Found) -> u64,
    shell: &Shell,
    patterns: &Parsed,
    config: &PrecacheConfig,
) -> Result<Selection, BuildError> {
    let mut selection = Selection::default();
    let wanted =
        |path: &str| any_matches(&patterns.include, path) && !any_matches(&patterns.exclude, path);
    let mut rest = Vec::new();
    for found in files {
        let path = &found.path;
        match shell.files.get(path) {
            Some(Some(by)) if !wanted(path) => selection.warnings.push(Warning::ShellExcluded {
                file: path.clone(),
                by: by.clone(),
            }),
            Some(None) if !wanted(path) => {
                return Err(BuildError::Config {
                    key: "precache.exclude",
                    value: path.clone(),
                    why: "a visit begins with this page, or ends there offline: it must be kept"
                        .into(),
                });
            }
            None if !wanted(path) => {}
            None if !any_matches(&patterns.shell, path) => rest.push(found),
            _ => {
                selection.shell_files += 1;
                selection.shell_bytes += size(found);
                selection.chosen.insert(path.clone(), Group::Shell);
            }
        }
    }
    for (key, budget) in [
        ("budget_bytes", Some(config.budget_bytes)),
        ("shell_budget_bytes", config.shell_budget_bytes),
    ] {
        if let Some(budget) = budget.filter(|budget| selection.shell_bytes > *budget) {
            return Err(too_large(files, shell, &selection, key, budget));
        }
    }
    selection.files = selection.shell_files;
    selection.bytes = selection.shell_bytes;
    let left = config.budget_bytes - selection.shell_bytes;
    let mut left = left.min(config.after_load_budget_bytes.unwrap_or(left));
    rest.sort_by(|a, b| (size(a), &a.path).cmp(&(size(b), &b.path)));
    for found in rest {
        let bytes = size(found);
        let mut group = Group::Lazy;
        if !any_matches(&patterns.lazy, &found.path) {
            if selection.left_out.is_empty() && bytes <= left {
                left -= bytes;
                selection.files += 1;
                selection.bytes += bytes;
                group = Group::AfterLoad;
            } else {
                selection.left_out.push(LeftOut {
                    file: found.path.clone(),
                    bytes,
                });
            }
        }
        // What no browser would have room for is nobody's to keep.
        if group != Group::Lazy || bytes <= config.lazy_budget_bytes {
            selection.chosen.insert(found.path.clone(), group);
        }
    }
    selection.left_out.reverse();
    Ok(selection)
}

fn too_large(
    files: &[Found],
    shell: &Shell,
    selection: &Selection,
    key: &'static str,
    budget: u64,
) -> BuildError {
    let mut largest: Vec<&Found> = files
        .iter()
        .filter(|found| selection.chosen.contains_key(&found.path))
        .collect();
    largest.sort_by_key(|found| std::cmp::Reverse(found.stamp.size));
    let name = |found: &&Found| {
        let by = shell.files.get(&found.path).and_then(|by| by.as_deref());
        let by = by.map_or(String::new(), |by| format!(", loaded by `{by}`"));
        format!("`{}` ({} bytes{by})", found.path, found.stamp.size)
    };
    BuildError::ShellTooLarge {
        needed: selection.shell_bytes,
        key,
        budget,
        largest: largest
            .iter()
            .take(3)
            .map(name)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
