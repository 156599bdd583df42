//! What follows from a case's result: the suite's own rules of judging, once more.
//!
//! They are those of `determineTestResult` in the suite's `test-engine/lib/results.mjs`: a case whose
//! dependencies did not pass says nothing, whatever its result; an error of the name `Setup` is none of
//! the cache's making, nor is a time-out of the suite's client.

use std::collections::BTreeMap;

use serde_json::Value;

/// A case of the suite, and how it ended.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) suite: String,
    pub(super) kind: Kind,
    pub(super) depends_on: Vec<String>,
    /// The name and the words of the error that it ended in.
    pub(super) error: Option<(String, String)>,
}

/// What a case is to a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Required,
    Optimal,
    /// A question of behaviour, with no right answer.
    Check,
}

/// How a case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Passed, or `yes` of a check.
    Passed,
    /// Not passed, or `no` of a check.
    Failed,
    /// What it builds on did not pass.
    Dependency,
    /// Its preparation went wrong.
    Setup,
    /// A request came to the origin twice.
    Retry,
    /// The suite's client gave up waiting.
    TimedOut,
}

impl Verdict {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Dependency => "dependency",
            Self::Setup => "setup",
            Self::Retry => "retry",
            Self::TimedOut => "timed out",
        }
    }
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optimal => "optimal",
            Self::Check => "check",
        }
    }
}

/// Reads what `tests/conformance/run.mjs` printed; `None` if it is no such thing.
pub(super) fn cases(document: &Value) -> Option<BTreeMap<String, Case>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let one = |value: &Value| {
        let error = match &value["result"] {
            Value::Bool(true) => None,
            Value::Array(words) => Some((
                words.first().and_then(text)?,
                words.get(1).and_then(text).unwrap_or_default(),
            )),
            _ => return None,
        };
        let kind = match value["kind"].as_str()? {
            "required" => Kind::Required,
            "optimal" => Kind::Optimal,
            "check" => Kind::Check,
            _ => return None,
        };
        let case = Case {
            suite: text(&value["suite"])?,
            kind,
            depends_on: value["depends_on"]
                .as_array()?
                .iter()
                .filter_map(text)
                .collect(),
            error,
        };
        Some((text(&value["id"])?, case))
    };
    document.as_array()?.iter().map(one).collect()
}

/// How the case `id` counts among `cases`.
///
/// A dependency that was not run did not pass. Dependencies that lead in a circle pass nobody.
pub(super) fn verdict(cases: &BTreeMap<String, Case>, id: &str) -> Verdict {
    judged(cases, id, cases.len())
}

fn judged(cases: &BTreeMap<String, Case>, id: &str, depth_max: usize) -> Verdict {
    let Some(case) = cases.get(id).filter(|_| depth_max > 0) else {
        return Verdict::Dependency;
    };
    let passed = |other: &String| judged(cases, other, depth_max - 1) == Verdict::Passed;
    if !case.depends_on.iter().all(passed) {
        return Verdict::Dependency;
    }
    match &case.error {
        None => Verdict::Passed,
        Some((name, words)) if name == "Setup" && words == "retry" => Verdict::Retry,
        Some((name, _)) if name == "Setup" => Verdict::Setup,
        Some((name, _)) if name == "AbortError" => Verdict::TimedOut,
        Some(_) => Verdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(document: Value, id: &str, expected: Verdict) {
        assert_eq!(verdict(&cases(&document).unwrap(), id), expected, "{id}");
    }

    fn case(id: &str, depends_on: &[&str], result: Value) -> Value {
        json!({"id": id, "suite": "s", "kind": "required", "depends_on": depends_on, "result": result})
    }

    #[test]
    fn a_result_is_judged_by_its_error() {
        for (result, expected) in [
            (json!(true), Verdict::Passed),
            (json!(["Assertion", "no"]), Verdict::Failed),
            (json!(["TypeError", "fetch failed"]), Verdict::Failed),
            (json!(["Setup", "no"]), Verdict::Setup),
            (json!(["Setup", "retry"]), Verdict::Retry),
            (json!(["AbortError", "no"]), Verdict::TimedOut),
        ] {
            check(json!([case("a", &[], result)]), "a", expected);
        }
    }

    #[test]
    fn a_case_counts_only_if_all_that_it_builds_on_passed() {
        let failed = json!(["Assertion", "no"]);
        let all = json!([
            case("ground", &[], failed),
            case("wall", &["ground"], json!(true)),
            case("roof", &["wall"], json!(["Setup", "no"])),
            case("lone", &["absent"], json!(true)),
            case("round", &["round"], json!(true)),
        ]);
        check(all.clone(), "ground", Verdict::Failed);
        for id in ["wall", "roof", "lone", "round"] {
            check(all.clone(), id, Verdict::Dependency);
        }
    }

    #[test]
    fn what_is_no_result_is_refused() {
        assert!(cases(&json!({})).is_none());
        assert!(cases(&json!([case("a", &[], json!(false))])).is_none());
    }
}
