//! The tidy rules: what no compiler and no lint refuses, and the house does.
//!
//! A rule takes the files that git knows (or would take in) and gives violations; each names the
//! place, the fact and the remedy. The nevers are those of `ARCHITECTURE.md`.

mod layers;
mod licences;
mod places;
mod rust_text;
mod sizes;
mod source;

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, bail};

use crate::shell::{command, metadata, output, root};

/// A file of the repository. What is not UTF-8 is not read by any rule.
pub(crate) struct File {
    /// From the root, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A place that a rule refuses, or warns of.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    fact: String,
    remedy: String,
    only_warns: bool,
}

impl Violation {
    fn new(path: &str, line: usize, fact: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            fact: fact.into(),
            remedy: remedy.into(),
            only_warns: false,
        }
    }

    fn warning(self) -> Self {
        Self {
            only_warns: true,
            ..self
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            fact,
            remedy,
            only_warns,
        } = self;
        if *only_warns {
            return write!(f, "warning: {path}:{line}: {fact}");
        }
        write!(f, "error: {path}:{line}: {fact}\n  help: {remedy}")
    }
}

type Rule = fn(&[File]) -> Vec<Violation>;

const RULES: [(&str, Rule); 9] = [
    ("layers", layers::check),
    ("clocks", source::clocks),
    ("printing", source::printing),
    ("directives", source::directives),
    ("unfinished", source::unfinished),
    ("sizes", sizes::check),
    ("machine paths", places::machine_paths),
    ("registries", places::registries),
    ("lock files", places::lock_files),
];

/// Runs every rule over the repository.
pub(crate) fn run() -> Result<()> {
    let files = read(&tracked_files()?)?;
    let mut found: Vec<Violation> = Vec::new();
    let mut counts = BTreeMap::new();
    for (name, rule) in RULES {
        let violations = rule(&files);
        counts.insert(name, violations.iter().filter(|v| !v.only_warns).count());
        found.extend(violations);
    }
    let licences = licences::check(&metadata(&[])?)?;
    counts.insert("licences", licences.len());
    found.extend(licences);

    found.sort();
    for violation in &found {
        println!("{violation}");
    }
    let refused: usize = counts.values().sum();
    let rules: Vec<&str> = counts.keys().copied().collect();
    println!("{} files, rules: {}", files.len(), rules.join(", "));
    if refused > 0 {
        let broken: Vec<String> = counts
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        bail!("{refused} places are not tidy ({})", broken.join(", "));
    }
    Ok(())
}

/// All files that git tracks, or would track with the next `git add`, and that exist.
pub(crate) fn tracked_files() -> Result<Vec<String>> {
    let listed = output(command(
        "git",
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    ))
    .context("the tidy rules look at what git knows")?;
    let mut paths: Vec<String> = listed
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .filter(|path| root().join(path).is_file())
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn read(paths: &[String]) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for path in paths {
        let bytes =
            std::fs::read(root().join(path)).with_context(|| format!("cannot read `{path}`"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File {
                path: path.clone(),
                text,
            });
        }
    }
    Ok(files)
}

/// What a rule says of one file: the lines, for the tests of the rules.
#[cfg(test)]
pub(crate) fn lines(rule: Rule, path: &str, text: &str) -> Vec<usize> {
    let file = File {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    rule(&[file]).iter().map(|v| v.line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_names_place_fact_and_remedy() {
        let violation = Violation::new("crates/rules/src/lib.rs", 7, "`x` is off", "do `y`");
        assert_eq!(
            violation.to_string(),
            "error: crates/rules/src/lib.rs:7: `x` is off\n  help: do `y`"
        );
        assert_eq!(
            violation.warning().to_string(),
            "warning: crates/rules/src/lib.rs:7: `x` is off"
        );
    }
}
