//! What a run is compared with: the cases that are not passed, by name, committed.
//!
//! Checks have no right answer and are left out.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::verdict::{Case, Kind, Verdict};

/// How many cases there are, and how those that are not passed count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expectation {
    required: usize,
    optimal: usize,
    /// Case → verdict, in words.
    not_passed: BTreeMap<String, String>,
}

impl Expectation {
    /// What a run found.
    pub(super) fn of(cases: &BTreeMap<String, Case>, verdicts: &BTreeMap<&str, Verdict>) -> Self {
        let count = |kind| cases.values().filter(|case| case.kind == kind).count();
        let not_passed = cases
            .iter()
            .filter(|(_, case)| case.kind != Kind::Check)
            .map(|(id, _)| (id, verdicts[id.as_str()]))
            .filter(|(_, verdict)| *verdict != Verdict::Passed)
            .map(|(id, verdict)| (id.clone(), verdict.word().to_owned()))
            .collect();
        Self {
            required: count(Kind::Required),
            optimal: count(Kind::Optimal),
            not_passed,
        }
    }

    pub(super) fn read(path: &Path) -> Result<Self> {
        let read = || -> Option<Self> {
            let document: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
            let count = |key: &str| usize::try_from(document[key].as_u64()?).ok();
            let word =
                |(id, verdict): (&String, &Value)| Some((id.clone(), verdict.as_str()?.to_owned()));
            Some(Self {
                required: count("required")?,
                optimal: count("optimal")?,
                not_passed: document["not_passed"]
                    .as_object()?
                    .iter()
                    .map(word)
                    .collect::<Option<_>>()?,
            })
        };
        read().with_context(|| {
            format!(
                "`{}` holds no expectation; `--update` writes one",
                path.display()
            )
        })
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let document = json!({
            "required": self.required,
            "optimal": self.optimal,
            "not_passed": self.not_passed,
        });
        std::fs::write(path, format!("{document:#}\n"))
            .with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// What is otherwise in `found`, a line each.
    pub(super) fn differences(&self, found: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (what, expected, found) in [
            ("required", self.required, found.required),
            ("optimal", self.optimal, found.optimal),
        ] {
            if expected != found {
                lines.push(format!(
                    "{found} {what} cases were run, {expected} expected"
                ));
            }
        }
        let passed = "passed".to_owned();
        let ids = self.not_passed.keys().chain(found.not_passed.keys());
        for id in ids.collect::<std::collections::BTreeSet<_>>() {
            let expected = self.not_passed.get(id).unwrap_or(&passed);
            let now = found.not_passed.get(id).unwrap_or(&passed);
            if expected != now {
                lines.push(format!("{id}: {now}, {expected} expected"));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expectation(not_passed: &[(&str, &str)]) -> Expectation {
        Expectation {
            required: 2,
            optimal: 0,
            not_passed: not_passed
                .iter()
                .map(|(id, word)| ((*id).into(), (*word).into()))
                .collect(),
        }
    }

    #[test]
    fn a_case_that_is_lost_or_won_is_a_difference() {
        let old = expectation(&[("a", "failed"), ("b", "setup")]);
        let new = expectation(&[("b", "failed"), ("c", "failed")]);
        assert_eq!(
            old.differences(&new),
            [
                "a: passed, failed expected",
                "b: failed, setup expected",
                "c: failed, passed expected"
            ]
        );
        assert!(old.differences(&old).is_empty());
        let more = Expectation {
            required: 3,
            ..old.clone()
        };
        assert_eq!(
            old.differences(&more),
            ["3 required cases were run, 2 expected"]
        );
    }

    #[test]
    fn what_was_written_is_read_again() {
        let path = std::env::temp_dir().join(format!("revisit-expectation-{}", std::process::id()));
        let expectation = expectation(&[("a", "failed")]);
        expectation.write(&path).unwrap();
        assert_eq!(Expectation::read(&path).unwrap(), expectation);
        std::fs::remove_file(&path).unwrap();
        assert!(Expectation::read(&path).is_err());
    }
}
