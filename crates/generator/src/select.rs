//! Which files are kept ahead of time, within the budget?
//!
//! The shell first, and all of it or nothing is built. Then smaller files before larger ones:
//! that keeps the most pages whole, and a video never pushes out a hundred of them.

use std::collections::BTreeMap;

use revisit_rules::site::pattern::any_matches;

use crate::config::Parsed;
use crate::shell::Shell;
use crate::walk::Found;
use crate::{BuildError, LeftOut, Warning};

/// The choice among the files of a site.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Path → is it loaded by a page of the shell as the page comes up?
    pub(crate) chosen: BTreeMap<String, bool>,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) shell_files: usize,
    pub(crate) shell_bytes: u64,
    pub(crate) bytes: u64,
}

/// Chooses. `size` is that of a file as it is served: a second build, whose pages have their tag
/// already, must choose the same.
pub(crate) fn select(
    files: &[Found],
    size: &dyn Fn(&Found) -> u64,
    shell: &Shell,
    config: &Parsed,
    budget: u64,
) -> Result<Selection, BuildError> {
    let mut selection = Selection::default();
    let wanted =
        |path: &str| any_matches(&config.include, path) && !any_matches(&config.exclude, path);
    let mut rest = Vec::new();
    for found in files {
        let path = &found.path;
        match shell.files.get(path) {
            Some(_) if wanted(path) => {
                selection.shell_files += 1;
                selection.shell_bytes += size(found);
                selection.chosen.insert(path.clone(), true);
            }
            Some(Some(by)) => selection.warnings.push(Warning::ShellExcluded {
                file: path.clone(),
                by: by.clone(),
            }),
            Some(None) => {
                return Err(BuildError::Config {
                    key: "precache.exclude",
                    value: path.clone(),
                    why: "a visit begins with this page, or ends there offline: it must be kept"
                        .into(),
                });
            }
            None if wanted(path) => rest.push(found),
            None => {}
        }
    }
    if selection.shell_bytes > budget {
        return Err(too_large(files, shell, &selection, budget));
    }
    selection.bytes = selection.shell_bytes;
    rest.sort_by(|a, b| (size(a), &a.path).cmp(&(size(b), &b.path)));
    for found in rest {
        let size = size(found);
        if selection.left_out.is_empty() && selection.bytes + size <= budget {
            selection.bytes += size;
            selection.chosen.insert(found.path.clone(), false);
        } else {
            selection.left_out.push(LeftOut {
                file: found.path.clone(),
                bytes: size,
            });
        }
    }
    selection.left_out.reverse();
    Ok(selection)
}

fn too_large(files: &[Found], shell: &Shell, selection: &Selection, budget: u64) -> BuildError {
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
        budget,
        largest: largest
            .iter()
            .take(3)
            .map(name)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
