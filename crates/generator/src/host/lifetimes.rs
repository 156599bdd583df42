//! Which rules say of all hashed files, and of no other, that they never change?
//!
//! A rule for a folder where all files that it holds are hashed, and single files elsewhere.

use std::collections::BTreeMap;

use crate::own::OUTPUT;

/// What one rule covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cover {
    /// All below this folder.
    Below(String),
    /// One file.
    File(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    pub(crate) covers: Vec<Cover>,
    /// Hashed files that no rule covers: there were too many, or a rule cannot write their names.
    pub(crate) unsaid: usize,
}

/// Chooses at most `rules_max` rules: our own folder first, then folders, then files.
pub(crate) fn lifetimes<'a>(
    files: impl Iterator<Item = (&'a str, bool)>,
    rules_max: usize,
) -> Lifetimes {
    let mut whole: BTreeMap<&str, bool> = BTreeMap::new();
    let mut hashed = Vec::new();
    for (file, is_hashed) in files {
        for folder in folders(file) {
            *whole.entry(folder).or_insert(true) &= is_hashed;
        }
        if is_hashed {
            hashed.push(file);
        }
    }
    let mut unsaid = 0;
    let mut covers: BTreeMap<Cover, usize> = BTreeMap::new();
    for file in hashed {
        let cover = match folders(file).find(|folder| whole[folder] && is_plain(folder)) {
            Some(folder) => Cover::Below(folder.to_owned()),
            None if is_plain(file) => Cover::File(file.to_owned()),
            None => {
                unsaid += 1;
                continue;
            }
        };
        *covers.entry(cover).or_default() += 1;
    }
    let ours = Cover::Below(OUTPUT.to_owned());
    let mut covers: Vec<(Cover, usize)> = covers.into_iter().collect();
    covers.sort_by_key(|(cover, _)| *cover != ours); // stable
    let beyond = covers.split_off(covers.len().min(rules_max));
    unsaid += beyond.iter().map(|(_, files)| files).sum::<usize>();
    Lifetimes {
        covers: covers.into_iter().map(|(cover, _)| cover).collect(),
        unsaid,
    }
}

/// `a` and `a/b` of `a/b/c.js`.
fn folders(file: &str) -> impl Iterator<Item = &str> {
    file.match_indices('/').map(|(at, _)| &file[..at])
}

/// Does it mean itself, and nothing else, in the rules of every host and in a URL?
fn is_plain(path: &str) -> bool {
    path.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+file` is hashed, `-file` is not; a cover of a folder ends in `/*`.
    #[track_caller]
    fn check(files: &[&str], rules_max: usize, expected: &[&str], unsaid: usize) {
        let files = files.iter().map(|file| (&file[1..], file.starts_with('+')));
        let found = lifetimes(files, rules_max);
        let covers: Vec<String> = found
            .covers
            .into_iter()
            .map(|cover| match cover {
                Cover::Below(folder) => folder + "/*",
                Cover::File(file) => file,
            })
            .collect();
        assert_eq!(covers, expected);
        assert_eq!(found.unsaid, unsaid);
    }

    #[test]
    fn a_folder_is_named_if_all_its_files_are_hashed() {
        check(&["+a/b/x", "+a/y", "-index.html"], 9, &["a/*"], 0);
        check(&["+a/b/x", "-a/y", "+a/c/z"], 9, &["a/b/*", "a/c/*"], 0);
        check(&["+a/x", "-a/y", "+z"], 9, &["a/x", "z"], 0);
        check(&["-a/x"], 9, &[], 0);
    }

    #[test]
    fn our_own_folder_comes_first_when_not_all_can_be_said() {
        let files = ["+a/x", "+revisit/m", "+revisit/n", "+z"];
        check(&files, 3, &["revisit/*", "a/*", "z"], 0);
        check(&files, 2, &["revisit/*", "a/*"], 1);
        check(&files, 0, &[], 4);
    }

    #[test]
    fn a_name_that_means_more_in_a_rule_is_left_unsaid() {
        check(&["+a b/x", "+a:b", "+*", "+c/d:e"], 9, &["c/*"], 3);
        check(&["+a b/c/x"], 9, &[], 1);
    }
}
