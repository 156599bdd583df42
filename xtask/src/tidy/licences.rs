//! Licences: may every package that we build upon be shipped with a program under MIT OR Apache-2.0?
//!
//! An expression (SPDX: `OR`, `AND`, `WITH`, brackets) is satisfied when some choice within it has
//! permissive licences only. Weak copyleft is allowed package by package, each with its reason.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Violation;

/// Looks at every package that cargo resolved, for all platforms.
pub(super) fn check(metadata: &Value) -> Result<Vec<Violation>> {
    let packages = metadata["packages"]
        .as_array()
        .context("cargo's metadata has no packages")?;
    Ok(packages.iter().filter_map(check_package).collect())
}

fn check_package(package: &Value) -> Option<Violation> {
    let name = package["name"].as_str().unwrap_or("?");
    let version = package["version"].as_str().unwrap_or("?");
    let excepted = EXCEPTIONS.iter().find(|(package, _, _)| *package == name);
    let allowed = |licence: &str| {
        PERMISSIVE.contains(&licence) || excepted.is_some_and(|(_, extra, _)| *extra == licence)
    };
    let why_not = match package["license"].as_str() {
        None => "names no licence".to_owned(),
        Some(expression) => match satisfiable(expression, &allowed) {
            Ok(true) => return None,
            Ok(false) => format!("is under `{expression}`"),
            Err(why) => format!("has the licence `{expression}`, {why}"),
        },
    };
    Some(Violation::new(
        "Cargo.lock",
        1,
        format!("`{name}` {version} {why_not}"),
        "take another package, or argue for it in `xtask/src/tidy/licences.rs`",
    ))
}

/// Whether some choice within an SPDX expression has allowed licences only.
fn satisfiable(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        // How manifests wrote OR before SPDX.
        .replace('/', " OR ");
    let mut parser = Parser {
        words: spaced.split_whitespace().collect(),
        at: 0,
        allowed,
    };
    let satisfied = parser.either()?;
    match parser.peek() {
        None => Ok(satisfied),
        Some(word) => Err(format!("where `{word}` is one word too many")),
    }
}

struct Parser<'a> {
    words: Vec<&'a str>,
    at: usize,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let taken = self.peek() == Some(word);
        self.at += usize::from(taken);
        taken
    }

    /// `a OR b`
    fn either(&mut self) -> Result<bool, String> {
        let mut satisfied = self.all()?;
        while self.take("OR") {
            satisfied |= self.all()?;
        }
        Ok(satisfied)
    }

    /// `a AND b`, which binds tighter
    fn all(&mut self) -> Result<bool, String> {
        let mut satisfied = self.one()?;
        while self.take("AND") {
            satisfied &= self.one()?;
        }
        Ok(satisfied)
    }

    /// `(…)`, or a licence, perhaps `WITH` an exception
    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let satisfied = self.either()?;
            return match self.take(")") {
                true => Ok(satisfied),
                false => Err("where a bracket stays open".to_owned()),
            };
        }
        let licence = self.name()?;
        if self.take("WITH") {
            let exception = self.name()?;
            return Ok((self.allowed)(&format!("{licence} WITH {exception}")));
        }
        Ok((self.allowed)(licence))
    }

    fn name(&mut self) -> Result<&'a str, String> {
        match self.peek() {
            Some(word) if !["AND", "OR", "WITH", "(", ")"].contains(&word) => {
                self.at += 1;
                Ok(word)
            }
            _ => Err("where a licence's name is missing".to_owned()),
        }
    }
}

const PERMISSIVE: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Packages under a further licence: the package, the licence, and why it may be.
const EXCEPTIONS: [(&str, &str, &str); 5] = [
    ("cssparser", "MPL-2.0", SERVO),
    ("cssparser-macros", "MPL-2.0", SERVO),
    ("cssparser-color", "MPL-2.0", SERVO),
    ("dtoa-short", "MPL-2.0", SERVO),
    ("selectors", "MPL-2.0", SERVO),
];
const SERVO: &str = "Servo's CSS parser; weak copyleft by file, and we change none of its files";

#[cfg(test)]
mod tests {
    use super::*;

    fn check_expression(expression: &str) -> Result<bool, String> {
        satisfiable(expression, &|licence| PERMISSIVE.contains(&licence))
    }

    #[test]
    fn one_permissive_choice_is_enough_and_all_parts_of_an_and_are_needed() {
        assert_eq!(check_expression("MIT"), Ok(true));
        assert_eq!(check_expression("GPL-3.0-only"), Ok(false));
        assert_eq!(check_expression("GPL-3.0-only OR MIT"), Ok(true));
        assert_eq!(check_expression("MIT AND GPL-3.0-only"), Ok(false));
        assert_eq!(check_expression("MIT/Apache-2.0"), Ok(true));
    }

    #[test]
    fn and_binds_tighter_than_or_and_brackets_bind_tightest() {
        assert_eq!(check_expression("MIT OR MIT AND GPL-3.0-only"), Ok(true));
        assert_eq!(check_expression("(MIT OR MIT) AND GPL-3.0-only"), Ok(false));
        assert_eq!(
            check_expression("(MIT OR Apache-2.0) AND Unicode-3.0"),
            Ok(true)
        );
    }

    #[test]
    fn an_exception_is_a_licence_of_its_own() {
        assert_eq!(check_expression("Apache-2.0 WITH LLVM-exception"), Ok(true));
        assert_eq!(check_expression("MIT WITH Odd-exception"), Ok(false));
    }

    #[test]
    fn what_is_no_expression_is_refused_with_the_reason() {
        assert!(check_expression("").is_err());
        assert!(check_expression("(MIT").is_err());
        assert!(check_expression("MIT Apache-2.0").is_err());
        assert!(check_expression("MIT OR").is_err());
    }

    #[test]
    fn weak_copyleft_is_for_named_packages_only() {
        let metadata = |name: &str| serde_json::json!({"packages": [{"name": name, "version": "1.0.0", "license": "MPL-2.0"}]});
        assert!(check(&metadata("cssparser")).unwrap().is_empty());
        assert_eq!(check(&metadata("another")).unwrap().len(), 1);
    }

    #[test]
    fn a_package_without_a_licence_is_refused() {
        let metadata =
            serde_json::json!({"packages": [{"name": "a", "version": "1.0.0", "license": null}]});
        assert_eq!(check(&metadata).unwrap().len(), 1);
    }
}
