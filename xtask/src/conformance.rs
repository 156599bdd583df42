//! `cargo xtask conformance`: how much of the public suite of tests for HTTP caches do we pass?
//!
//! The suite's own server is the origin, `revisit serve` stands before it as it is by default, and
//! the suite's own client asks. The score counts cases whose dependencies passed. What is not passed is compared with
//! what `tests/conformance/` expects: a case that is lost is an error, and so is one that is won and not yet written down.

mod expectation;
mod run;
mod verdict;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::Stop;
use crate::shell::{self, root};
use crate::test::needs;
use expectation::Expectation;
use verdict::{Case, Kind, Verdict};

/// What the words ask for.
struct Options<'a> {
    /// A checkout of the suite; without, the npm package.
    suite: Option<PathBuf>,
    profile: String,
    /// More words for `revisit serve`.
    switches: Vec<String>,
    /// Words for cargo that build the binary.
    build: &'a [&'a str],
    /// Write what was found as what is expected.
    update: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            suite: None,
            profile: "shared".to_owned(),
            switches: Vec::new(),
            build: &["build", "--quiet", "--package", "revisit"],
            update: false,
        }
    }
}

/// Runs the suite, says the score, and compares.
pub(crate) fn run(words: &[&str]) -> Result<(), Stop> {
    let options = parse(words)?;
    Ok(conformance(&options)?)
}

/// The npm package through a shared cache, and the binary that this `build` leaves: a stage of the test run.
pub(crate) fn npm(build: &[&str]) -> Result<()> {
    conformance(&Options {
        build,
        ..Options::default()
    })
}

/// What [`npm`] needs of the machine.
pub(crate) fn needs() -> Result<()> {
    needs::node()?;
    needs::node_modules(FOLDER)
}

fn parse(words: &[&str]) -> Result<Options<'static>, Stop> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| Stop::Words(format!("`{word}` wants a value")))
        };
        match *word {
            "--suite" => options.suite = Some(PathBuf::from(value()?)),
            "--profile" => match *value()? {
                profile @ ("shared" | "private") => options.profile = profile.to_owned(),
                other => {
                    let known = ["shared", "private"];
                    return Err(Stop::Words(shell::unknown("profile", other, &known)));
                }
            },
            "--update" => options.update = true,
            "--" => options.switches = words.by_ref().map(|w| (*w).to_owned()).collect(),
            other => {
                let known = ["--suite", "--profile", "--update"];
                return Err(Stop::Words(shell::unknown("option", other, &known)));
            }
        }
    }
    Ok(options)
}

fn conformance(options: &Options<'_>) -> Result<()> {
    let (suite, edition) = match &options.suite {
        Some(folder) => {
            needs::node()?;
            (std::path::absolute(folder)?, edition(folder)?)
        }
        None => {
            needs()?;
            (
                root().join(FOLDER).join("node_modules/http-cache-tests"),
                "npm",
            )
        }
    };
    let cases = run::run(&suite, options)?;
    let verdicts: BTreeMap<&str, Verdict> = cases
        .keys()
        .map(|id| (id.as_str(), verdict::verdict(&cases, id)))
        .collect();
    tell(&cases, &verdicts);

    if !options.switches.is_empty() {
        println!("with switches of its own, so there is nothing to compare with");
        return Ok(());
    }
    let name = format!("{edition}-{}.json", options.profile);
    let path = root().join(FOLDER).join(&name);
    let found = Expectation::of(&cases, &verdicts);
    if options.update {
        found.write(&path)?;
        println!("written to `{FOLDER}/{name}`");
        return Ok(());
    }
    let differences = Expectation::read(&path)?.differences(&found);
    if differences.is_empty() {
        println!("as `{FOLDER}/{name}` expects");
        return Ok(());
    }
    for difference in &differences {
        println!("{difference}");
    }
    bail!(
        "{} cases are not as `{FOLDER}/{name}` expects\nhelp: mend what was lost; what is meant goes there by `--update`, and \
         into `docs/conformance.md` with its reason",
        differences.len()
    )
}

/// Which state of the suite is this: that of its repository, or that of its npm package?
fn edition(folder: &Path) -> Result<&'static str> {
    for (file, edition) in [("test-engine/cli.mjs", "today"), ("cli.mjs", "npm")] {
        if folder.join(file).is_file() {
            return Ok(edition);
        }
    }
    bail!(
        "`{}` holds no suite: neither `test-engine/cli.mjs` nor `cli.mjs` is there",
        folder.display()
    )
}

fn tell(cases: &BTreeMap<String, Case>, verdicts: &BTreeMap<&str, Verdict>) {
    println!("\nnot passed:");
    for (id, case) in cases {
        let verdict = verdicts[id.as_str()];
        if verdict == Verdict::Passed || case.kind == Kind::Check {
            continue;
        }
        let words = case.error.as_ref().map_or("", |(_, words)| words);
        println!(
            "  {:<8} {:<10} {:<18} {id}: {words}",
            case.kind.word(),
            verdict.word(),
            case.suite
        );
    }
    println!();
    for kind in [Kind::Required, Kind::Optimal, Kind::Check] {
        let of_kind = cases.iter().filter(|(_, case)| case.kind == kind);
        let (passed, all) = of_kind.fold((0, 0), |(passed, all), (id, _)| {
            let one = usize::from(verdicts[id.as_str()] == Verdict::Passed);
            (passed + one, all + 1)
        });
        println!("{:<8} {passed:>3} of {all}", kind.word());
    }
}

const FOLDER: &str = "tests/conformance";
