//! Where the URL paths of a site differ from its paths on disk.
//!
//! A host may have a folder under another name: `static/` of the disk below `/assets/`. Everything
//! but the reading and writing of files knows the URL's path alone.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::BuildError;
use crate::own::OUTPUT;
use crate::walk::{Found, Walk};

/// Prefixes of paths on disk, and what stands in their place in a URL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prefixes(
    /// The longest first: it wins.
    Vec<(String, String)>,
);

impl Prefixes {
    /// Reads `[site] prefixes`. The first that means nothing is the error.
    pub(crate) fn parse(from: &BTreeMap<String, String>) -> Result<Self, BuildError> {
        let mut list = Vec::with_capacity(from.len());
        for (disk, url) in from {
            for path in [disk, url] {
                if let Err(why) = is_prefix(path) {
                    return refuse(path.clone(), why.into());
                }
            }
            if is_ours(url) {
                return refuse(url.clone(), "that folder is the build's own".into());
            }
            list.push((disk.clone(), url.clone()));
        }
        list.sort_by_key(|(disk, _)| std::cmp::Reverse(disk.len()));
        Ok(Self(list))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The URL's path below the base, of a file at this path below the root.
    pub(crate) fn url_path<'p>(&self, disk: &'p str) -> Cow<'p, str> {
        let mut rules = self.0.iter();
        let rule = rules.find_map(|(from, to)| Some((to, disk.strip_prefix(&**from)?)));
        match rule {
            Some((to, rest)) => Cow::Owned(format!("{to}{rest}")),
            None => Cow::Borrowed(disk),
        }
    }

    /// The file of the site in `root` that this path below the base names. Of several that could
    /// be it, the one that is there: [`Self::rename`] has seen that there is but one.
    pub(crate) fn locate(&self, root: &Path, url: &str) -> PathBuf {
        let under = self.0.iter().filter_map(|(from, to)| {
            let disk = format!("{from}{}", url.strip_prefix(&**to)?);
            (self.url_path(&disk) == url).then_some(disk)
        });
        under
            .map(|disk| root.join(disk))
            .find(|path| fs::metadata(path).is_ok())
            .unwrap_or_else(|| root.join(url))
    }

    /// Gives the files of a walk the paths of their URLs.
    ///
    /// # Errors
    /// Two files of one path, or one in the place of what the build makes.
    pub(crate) fn rename(&self, mut walk: Walk, worker: &str) -> Result<Walk, BuildError> {
        if self.is_empty() {
            return Ok(walk);
        }
        let mut files: Vec<(String, Found)> = walk
            .files
            .into_iter()
            .map(|found| (self.url_path(&found.path).into_owned(), found))
            .collect();
        let taken = |(url, _): &&(String, Found)| url == worker || is_ours(url);
        if let Some((url, found)) = files.iter().find(taken) {
            let why = format!(
                "`{}` would have the path of what the build makes",
                found.path
            );
            return refuse(url.clone(), why);
        }
        files.sort_by(|(a, _), (b, _)| a.cmp(b));
        for pair in files.windows(2) {
            let [(url, one), (other, two)] = pair else {
                continue;
            };
            if url == other {
                let (one, two) = (&one.path, &two.path);
                let why = format!("`{one}` and `{two}` would both have that path");
                return refuse(url.clone(), why);
            }
        }
        walk.files = files
            .into_iter()
            .map(|(path, found)| Found { path, ..found })
            .collect();
        Ok(walk)
    }
}

/// Is that in the build's own folder?
fn is_ours(path: &str) -> bool {
    path.strip_prefix(OUTPUT)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn is_prefix(path: &str) -> Result<(), &'static str> {
    let mut parts = path.split('/');
    if !path.is_empty() && !path.ends_with('/') {
        return Err("a prefix ends with a slash, or is empty for all");
    }
    if path.starts_with('/') || path.contains("//") || parts.any(|part| part == "." || part == "..")
    {
        return Err("a prefix is a path below the folder, or below the base, such as `static/`");
    }
    Ok(())
}

fn refuse<T>(value: String, why: String) -> Result<T, BuildError> {
    Err(BuildError::Config {
        key: "site.prefixes",
        value,
        why,
    })
}

#[cfg(test)]
mod tests {
    use revisit_rules::site::FileStamp;

    use super::*;

    fn parsed(rules: &[(&str, &str)]) -> Result<Prefixes, BuildError> {
        let rules = rules.iter().map(|(a, b)| ((*a).into(), (*b).into()));
        Prefixes::parse(&rules.collect())
    }

    fn check(rules: &[(&str, &str)], disk: &str, expected: &str) {
        assert_eq!(parsed(rules).unwrap().url_path(disk), expected, "{disk}");
    }

    #[test]
    fn the_longest_prefix_is_replaced() {
        check(&[], "static/a.js", "static/a.js");
        let rules = &[("static/", "assets/"), ("static/raw/", ""), ("x/", "x/y/")];
        check(rules, "static/a.js", "assets/a.js");
        check(rules, "static/raw/a.js", "a.js");
        check(rules, "x/a.js", "x/y/a.js");
        check(rules, "other/static/a.js", "other/static/a.js");
        check(rules, "static", "static");
        check(&[("", "blog/")], "a.html", "blog/a.html");
    }

    fn check_refused(rules: &[(&str, &str)], why: &str) {
        let error = parsed(rules).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        check_refused(&[("static", "assets/")], "ends with a slash");
        check_refused(&[("static/", "assets")], "ends with a slash");
        check_refused(&[("/static/", "")], "below the folder");
        check_refused(&[("static/", "../")], "below the folder");
        check_refused(&[("static/", "revisit/")], "the build's own");
        check_refused(&[("static/", "revisit/x/")], "the build's own");
        assert!(parsed(&[("static/", "revisited/")]).is_ok());
    }

    fn walked(paths: &[&str]) -> Walk {
        let stamp = FileStamp {
            size: 1,
            inode: 1,
            modified_ns: 0,
            changed_ns: 0,
        };
        let found = |path: &&str| Found {
            path: (*path).into(),
            stamp,
        };
        Walk {
            files: paths.iter().map(found).collect(),
            ..Walk::default()
        }
    }

    #[test]
    fn two_files_of_one_path_are_refused_with_both_names() {
        let prefixes = parsed(&[("b/", "a/")]).unwrap();
        let walk = prefixes
            .rename(walked(&["a/1", "b/2", "c"]), "sw.js")
            .unwrap();
        let paths: Vec<_> = walk.files.iter().map(|found| &*found.path).collect();
        assert_eq!(paths, ["a/1", "a/2", "c"]);
        let error = prefixes
            .rename(walked(&["a/1", "b/1"]), "sw.js")
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`a/1` and `b/1`"), "{text}");
        let prefixes = parsed(&[("old/", "")]).unwrap();
        for file in ["old/sw.js", "old/revisit/x"] {
            let error = prefixes.rename(walked(&[file]), "sw.js").unwrap_err();
            let text = error.to_string();
            assert!(text.contains("what the build makes"), "{text}");
        }
    }

    #[test]
    fn a_path_is_found_again_wherever_its_file_is() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["a/1", "b/2"] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let prefixes = parsed(&[("b/", "a/")]).unwrap();
        for (url, disk) in [("a/1", "a/1"), ("a/2", "b/2"), ("a/3", "a/3")] {
            assert_eq!(prefixes.locate(dir.path(), url), dir.path().join(disk));
        }
    }
}
