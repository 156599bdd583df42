//! Is far more kept ahead of time than the first page needs?
//!
//! Most sites want just that, so it is said of large ones only, and only to who has not set a
//! budget: that was a decision.

use std::collections::BTreeMap;

use crate::config::PrecacheConfig;
use crate::select::{Group, Selection};

/// What is to be said, if anything. `size`: that of a file as it is served.
pub(super) fn note(
    selection: &Selection,
    config: &PrecacheConfig,
    size: &dyn Fn(&str) -> u64,
) -> Option<String> {
    let decided = config.after_load_budget_bytes.is_some()
        || config.budget_bytes != PrecacheConfig::default().budget_bytes;
    let ahead = selection.bytes;
    let many = ahead > AHEAD_BYTES && ahead > TIMES.saturating_mul(selection.shell_bytes);
    if decided || !many {
        return None;
    }
    let files = selection
        .chosen
        .iter()
        .filter(|(_, group)| **group == Group::AfterLoad)
        .map(|(path, _)| (&**path, size(path)))
        .collect();
    let mut folders: Vec<(String, u64)> = folders(files, "").into_iter().collect();
    folders.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let largest: Vec<String> = folders
        .iter()
        .take(SHOWN)
        .map(|(folder, bytes)| format!("`{folder}` {}", mib(*bytes)))
        .collect();
    Some(format!(
        "every visitor is sent {} ahead of time, {} times what the first page needs; most in {}: what few visitors open may be kept when it is first used (`[precache] lazy`), never (`exclude`), or within a limit (`after_load_budget_bytes`)",
        mib(ahead),
        ahead / selection.shell_bytes.max(1),
        largest.join(", ")
    ))
}

/// Bytes by folder, one level below `prefix`; where nearly all lies in one, those within it.
fn folders(files: Vec<(&str, u64)>, prefix: &str) -> BTreeMap<String, u64> {
    let folder_of = |path: &str| {
        let below = path[prefix.len()..].split_once('/');
        below.map(|(name, _)| format!("{prefix}{name}/"))
    };
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for (path, bytes) in &files {
        let folder = folder_of(path).unwrap_or_else(|| format!("{prefix}*"));
        *found.entry(folder).or_default() += bytes;
    }
    let total: u64 = found.values().sum();
    let sole = found
        .iter()
        .find(|(folder, bytes)| folder.ends_with('/') && *bytes / 9 >= total / 10)
        .map(|(folder, _)| folder.clone());
    match sole {
        Some(sole) => {
            let mut within = files;
            within.retain(|(path, _)| path.starts_with(&*sole));
            let deeper = folders(within, &sole);
            // a folder of files only is named as itself
            match deeper.len() {
                0 | 1 => BTreeMap::from([(sole.clone(), found[&sole])]),
                _ => deeper,
            }
        }
        None => found,
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// What a visit may cost without a word.
const AHEAD_BYTES: u64 = 5 << 20;
/// How many times the shell is much.
const TIMES: u64 = 20;
const SHOWN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(files: &[(&str, Group, u64)], config: &PrecacheConfig) -> Option<String> {
        let sizes: BTreeMap<&str, u64> = files.iter().map(|(path, _, n)| (*path, *n)).collect();
        let of = |group| files.iter().filter(move |file| file.1 <= group);
        let selection = Selection {
            chosen: files.iter().map(|(p, g, _)| ((*p).into(), *g)).collect(),
            shell_bytes: of(Group::Shell).map(|file| file.2).sum(),
            bytes: of(Group::AfterLoad).map(|file| file.2).sum(),
            ..Selection::default()
        };
        note(&selection, config, &|path| sizes[path])
    }

    fn check(shell: u64, rest: u64, expected: bool) {
        let files = [
            ("index.html", Group::Shell, shell),
            ("a/b.png", Group::AfterLoad, rest),
            ("film.mp4", Group::Lazy, 1 << 40),
        ];
        let found = said(&files, &PrecacheConfig::default());
        assert_eq!(found.is_some(), expected, "{shell} {rest}");
    }

    #[test]
    fn it_is_said_beyond_five_mebibytes_that_are_more_than_twenty_shells() {
        check(1000, (5 << 20) - 1000, false);
        check(1000, (5 << 20) - 999, true);
        check(1 << 20, 19 << 20, false);
        check(1 << 20, (19 << 20) + 1, true);
        check(0, 6 << 20, true);
    }

    #[test]
    fn who_has_set_a_budget_has_decided() {
        let files = [("a", Group::Shell, 1), ("b", Group::AfterLoad, 9 << 20)];
        for config in [
            PrecacheConfig {
                after_load_budget_bytes: Some(20 << 20),
                ..PrecacheConfig::default()
            },
            PrecacheConfig {
                budget_bytes: 20 << 20,
                ..PrecacheConfig::default()
            },
        ] {
            assert_eq!(said(&files, &config), None);
        }
    }

    #[test]
    fn the_largest_folders_are_named_where_they_part() {
        let files = [
            ("index.html", Group::Shell, 1 << 10),
            ("docs/a/x.html", Group::AfterLoad, 8 << 20),
            ("docs/b/x.html", Group::AfterLoad, 4 << 20),
            ("docs/x.html", Group::AfterLoad, 1 << 20),
            ("x.png", Group::AfterLoad, 1 << 10),
        ];
        let text = said(&files, &PrecacheConfig::default()).unwrap_or_default();
        assert!(
            text.contains("most in `docs/a/` 8.0 MiB, `docs/b/` 4.0 MiB, `docs/*` 1.0 MiB:"),
            "{text}"
        );
    }
}
