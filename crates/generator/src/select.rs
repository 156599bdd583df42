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
    files: &[&Found],
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
                return Err(not_kept(path, patterns, config));
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
        let is_wanted_later = config.file_bytes_max.is_some_and(|max| bytes > max)
            || any_matches(&patterns.lazy, &found.path);
        if !is_wanted_later {
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

/// A page that must be kept is not: which key keeps it out?
fn not_kept(page: &str, patterns: &Parsed, config: &PrecacheConfig) -> BuildError {
    let why = "a visit begins with this page, or ends there offline: it must be kept";
    if any_matches(&patterns.exclude, page) {
        return BuildError::Config {
            key: "precache.exclude",
            value: page.to_owned(),
            why: why.to_owned(),
        };
    }
    let more = if config.include.len() > 1 {
        ", …"
    } else {
        ""
    };
    BuildError::Config {
        key: "precache.include",
        value: config.include.first().cloned().unwrap_or_default() + more,
        why: format!("`{page}` matches none of its patterns, and {why}"),
    }
}

fn too_large(
    files: &[&Found],
    shell: &Shell,
    selection: &Selection,
    key: &'static str,
    budget: u64,
) -> BuildError {
    let mut largest: Vec<&Found> = files
        .iter()
        .copied()
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

#[cfg(test)]
mod tests {
    use revisit_rules::site::FileStamp;

    use super::*;
    use crate::BuildConfig;

    /// A shell of 300 bytes, and files of 10, 20, 40 and 5,000 beside it; gives those of each group.
    fn check(change: impl FnOnce(&mut PrecacheConfig)) -> Result<[String; 3], BuildError> {
        let mut config = BuildConfig::default();
        config.precache.lazy_budget_bytes = 1000;
        change(&mut config.precache);
        let sizes = [
            ("app.js", 200),
            ("b.txt", 20),
            ("c/d.txt", 40),
            ("film.mp4", 5000),
            ("index.html", 100),
            ("z.txt", 10),
        ];
        let found = |(path, size): (&str, u64)| Found {
            path: path.into(),
            stamp: FileStamp {
                size,
                inode: 0,
                modified_ns: 0,
                changed_ns: 0,
            },
        };
        let files: Vec<Found> = sizes.map(found).into();
        let mut shell = Shell::default();
        shell.files.insert("index.html".into(), None);
        shell
            .files
            .insert("app.js".into(), Some("index.html".into()));
        let parsed = config.parse()?;
        let size = |found: &Found| found.stamp.size;
        let files: Vec<&Found> = files.iter().collect();
        let chosen = select(&files, &size, &shell, &parsed, &config.precache)?.chosen;
        Ok([Group::Shell, Group::AfterLoad, Group::Lazy].map(|group| {
            let of_group = chosen.iter().filter(|(_, g)| **g == group);
            let names: Vec<&str> = of_group.map(|(path, _)| &**path).collect();
            names.join(" ")
        }))
    }

    fn groups(expected: [&str; 3], change: impl FnOnce(&mut PrecacheConfig)) {
        assert_eq!(check(change).unwrap(), expected);
    }

    #[test]
    fn the_rest_of_a_small_site_follows_the_shell_and_a_file_too_large_for_all_is_left_out() {
        let rest = "b.txt c/d.txt film.mp4 z.txt";
        groups(["app.js index.html", rest, ""], |_| ());
        let rest = "b.txt c/d.txt z.txt";
        groups(["app.js index.html", rest, ""], |c| c.budget_bytes = 5000);
        groups(["app.js index.html", rest, "film.mp4"], |c| {
            c.budget_bytes = 5000;
            c.lazy_budget_bytes = 5000;
        });
    }

    #[test]
    fn each_group_has_a_budget_and_all_of_them_one() {
        groups(["app.js index.html", "b.txt z.txt", "c/d.txt"], |c| {
            c.budget_bytes = 330;
        });
        groups(["app.js index.html", "z.txt", "b.txt c/d.txt"], |c| {
            c.budget_bytes = 329;
        });
        groups(["app.js index.html", "b.txt z.txt", "c/d.txt"], |c| {
            c.after_load_budget_bytes = Some(69);
        });
        groups(["app.js index.html", "b.txt c/d.txt z.txt", ""], |c| {
            c.after_load_budget_bytes = Some(70);
        });
        assert!(check(|c| c.shell_budget_bytes = Some(300)).is_ok());
        for (key, refused) in [
            (
                "shell_budget_bytes",
                check(|c| c.shell_budget_bytes = Some(299)),
            ),
            ("budget_bytes", check(|c| c.budget_bytes = 299)),
        ] {
            let Err(BuildError::ShellTooLarge {
                key: found, needed, ..
            }) = refused
            else {
                panic!("{refused:?}")
            };
            assert_eq!((found, needed), (key, 300));
        }
    }

    #[test]
    fn patterns_move_files_between_groups_and_the_shell_wins() {
        groups(
            ["app.js index.html z.txt", "b.txt c/d.txt film.mp4", ""],
            |c| {
                c.shell = vec!["z.txt".into()];
            },
        );
        groups(
            ["app.js index.html", "film.mp4 z.txt", "b.txt c/d.txt"],
            |c| {
                c.lazy = vec!["{b.txt,c/**,app.js}".into()];
            },
        );
        groups(["app.js index.html", "b.txt z.txt", ""], |c| {
            c.exclude = vec!["c/**".into(), "*.mp4".into()];
        });
    }
}
