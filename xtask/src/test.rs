//! `cargo xtask test`: which stages there are, in which order, and how each went.
//!
//! The cheap stages come first, and the first that does not pass ends the run. The browsers beside
//! Chromium may be missing: their stages are then skipped, with a word. Stages inherit our terminal.
//! The last line is `stages: N passed, N failed, N skipped`.

pub(crate) mod needs;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::shell::{self, cargo, command, metadata, run as sh};
use crate::{Stop, conformance, crash, tidy};

/// One stage of the test run.
struct Stage {
    name: &'static str,
    /// What it does, said before it starts.
    does: &'static str,
    /// Whether words after `--` mean something to it.
    takes_words: bool,
    /// Gets what the machine may lack; an error skips the stage, and says why.
    may_lack: fn() -> Result<()>,
    run: fn(&[&str]) -> Result<()>,
}

const STAGES: [Stage; 11] = [
    Stage {
        name: "format",
        does: "every Rust file is laid out as rustfmt does it",
        takes_words: false,
        may_lack: || Ok(()),
        run: format,
    },
    Stage {
        name: "tidy",
        does: "layers, clocks, printing, sizes, names of machines, licences",
        takes_words: false,
        may_lack: || Ok(()),
        run: |_| tidy::run(),
    },
    Stage {
        name: "lint",
        does: "clippy has nothing to say",
        takes_words: false,
        may_lack: || Ok(()),
        run: lint,
    },
    Stage {
        name: "unit",
        does: "the tests within the crates, and those of their documentation",
        takes_words: true,
        may_lack: || Ok(()),
        run: unit,
    },
    Stage {
        name: "crash",
        does: "a store, and application caches in it, that are killed, or whose disk refuses, at a sample of their calls",
        takes_words: false,
        may_lack: || Ok(()),
        run: |_| crash::sampled(),
    },
    Stage {
        name: "javascript",
        does: "the runtime's types, its lint, and its tests in Node",
        takes_words: false,
        may_lack: || Ok(()),
        run: javascript,
    },
    Stage {
        name: "end-to-end",
        does: "the binary, driven as people do, with a real Chromium",
        takes_words: true,
        may_lack: || Ok(()),
        run: end_to_end,
    },
    Stage {
        name: "conformance",
        does: "the public suite of tests for HTTP caches, its npm package",
        takes_words: false,
        may_lack: || Ok(()),
        run: |_| conformance::npm(),
    },
    Stage {
        name: "static-routes",
        does: "the worker's answers and updates once more, with static routes on",
        takes_words: false,
        may_lack: || Ok(()),
        run: static_routes,
    },
    Stage {
        name: "firefox",
        does: "the worker in a real Firefox",
        takes_words: false,
        may_lack: needs::firefox,
        run: |_| other_browser("other_browsers::firefox::"),
    },
    Stage {
        name: "webkit",
        does: "the worker in a real WebKit",
        takes_words: false,
        may_lack: needs::webkit,
        run: |_| other_browser("other_browsers::webkit::"),
    },
];

/// Runs the named stages, or all of them.
pub(crate) fn run(words: &[&str]) -> Result<(), Stop> {
    let (names, passed_on) = match words.iter().position(|w| *w == "--") {
        Some(at) => (&words[..at], &words[at + 1..]),
        None => (words, &[][..]),
    };
    let chosen = choose(names, passed_on).map_err(Stop::Words)?;

    let mut rows: Vec<(&str, &str, Duration)> = Vec::new();
    let mut failure = None;
    let began = Instant::now();
    for stage in &chosen {
        println!("\n== {}: {}", stage.name, stage.does);
        let started = Instant::now();
        if let Err(why) = (stage.may_lack)() {
            println!("== {} skipped: {why:#}", stage.name);
            rows.push((stage.name, "skipped", started.elapsed()));
            continue;
        }
        let result = (stage.run)(passed_on);
        let took = started.elapsed();
        match result {
            Ok(()) => {
                println!("== {} passed in {}", stage.name, seconds(took));
                rows.push((stage.name, "passed", took));
            }
            Err(error) => {
                println!("== {} did not pass, after {}", stage.name, seconds(took));
                rows.push((stage.name, "FAILED", took));
                failure = Some(error.context(format!("the stage `{}` did not pass", stage.name)));
                break;
            }
        }
    }

    println!();
    for (name, word, took) in &rows {
        println!("  {name:<12} {word:<8} {:>10}", seconds(*took));
    }
    for stage in &chosen[rows.len()..] {
        println!("  {:<12} {:<8}", stage.name, "not run");
    }
    println!("  {:<12} {:<8} {:>10}", "", "", seconds(began.elapsed()));
    let count = |word| rows.iter().filter(|row| row.1 == word).count();
    println!(
        "{}",
        closing(count("passed"), count("FAILED"), chosen.len())
    );
    match failure {
        None => Ok(()),
        Some(error) => Err(Stop::Work(error)),
    }
}

/// The stages that these names ask for, in the order of the list, whatever the order of the names.
fn choose(names: &[&str], passed_on: &[&str]) -> Result<Vec<&'static Stage>, String> {
    let known = STAGES.each_ref().map(|stage| stage.name);
    if let Some(odd) = names.iter().find(|name| !known.contains(name)) {
        return Err(shell::unknown("stage", odd, &known));
    }
    let chosen: Vec<_> = STAGES
        .iter()
        .filter(|stage| names.is_empty() || names.contains(&stage.name))
        .collect();
    if !passed_on.is_empty() && !chosen.iter().all(|stage| stage.takes_words) {
        return Err(format!(
            "`{}` would reach stages that take no words\n\
             help: name the stage: `cargo xtask test end-to-end -- {0}` or `cargo xtask test unit -- {0}`",
            passed_on.join(" ")
        ));
    }
    Ok(chosen)
}

/// The last line, in the form that runs of any language share; what never ran was skipped too.
fn closing(passed: usize, failed: usize, chosen: usize) -> String {
    match chosen - passed - failed {
        0 => format!("stages: {passed} passed, {failed} failed"),
        skipped => format!("stages: {passed} passed, {failed} failed, {skipped} skipped"),
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn format(_: &[&str]) -> Result<()> {
    needs::component("fmt", "rustfmt")?;
    sh(cargo(&["fmt", "--all", "--check"])).context("`cargo fmt --all` lays the files out")
}

fn lint(_: &[&str]) -> Result<()> {
    needs::component("clippy", "clippy")?;
    sh(cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    let mut args = vec!["clippy", "--all-targets"];
    args.extend(LIBRARY);
    args.extend(["--", "-D", "warnings"]);
    sh(cargo(&args))
}

/// Everything but the end-to-end target, which drives a browser and has a stage of its own.
fn unit(words: &[&str]) -> Result<()> {
    let found = test_targets(&metadata(&["--no-deps"])?);
    let mut args = vec!["test", "--workspace", "--lib", "--bins"];
    // what no other crate asks of the engine
    args.extend(["--features", "revisit-engine/appcache"]);
    for target in found.iter().filter(|target| *target != END_TO_END) {
        args.extend(["--test", target]);
    }
    sh(cargo(&with_words(args, words)))?;
    // Cargo wants documentation tests on their own.
    sh(cargo(&with_words(
        vec!["test", "--workspace", "--doc"],
        words,
    )))?;
    for what in ["--lib", "--doc"] {
        let mut args = vec!["test", what];
        args.extend(LIBRARY);
        sh(cargo(&with_words(args, words)))?;
    }
    Ok(())
}

/// What programs that use the cache as a library may switch on, and `revisit` itself does not by default.
const LIBRARY: [&str; 4] = [
    "--package",
    "revisit-engine",
    "--features",
    "origin,tls,tower",
];

fn javascript(_: &[&str]) -> Result<()> {
    needs::node()?;
    needs::node_modules(".")?;
    let files = tidy::tracked_files()?;
    let bin = |name: &str| format!("node_modules/.bin/{name}");
    for project in tsc_projects(&files) {
        sh(command(&bin("tsc"), &["-p", project]))?;
    }
    sh(command(&bin("eslint"), &["--max-warnings", "0", "."]))?;
    let tests: Vec<&str> = runtime_tests(&files);
    if tests.is_empty() {
        println!("no `*.test.js` under `{RUNTIME}` yet");
        return Ok(());
    }
    let mut args = vec!["--test"];
    args.extend(tests);
    sh(command("node", &args))
}

fn end_to_end(words: &[&str]) -> Result<()> {
    needs::chromium()?;
    needs::node()?;
    needs::node_modules(".")?; // Vite
    if let Err(error) = needs::node_modules("benches") {
        // workers of Workbox and sw-precache: the tests that replace them say that they are skipped
        println!("without the packages of `benches/`: {error:#}");
    }
    needs::nginx_if_it_can_be_had();
    let mut passed_on = vec!["--skip", OTHER_BROWSERS];
    passed_on.extend(words);
    sh(cargo(&with_words(END_TO_END_TARGET.to_vec(), &passed_on)))
}

/// Nothing that a visitor gets may be another for static routes.
fn static_routes(_: &[&str]) -> Result<()> {
    needs::chromium()?;
    let tests = ["worker::answers::", "worker::update::"];
    let mut command = cargo(&with_words(END_TO_END_TARGET.to_vec(), &tests));
    command.env("REVISIT_STATIC_ROUTES", "on");
    sh(command)
}

/// The tests of one of the browsers that have a stage of their own.
fn other_browser(tests: &str) -> Result<()> {
    sh(cargo(&with_words(END_TO_END_TARGET.to_vec(), &[tests])))
}

fn with_words<'a>(mut args: Vec<&'a str>, words: &[&'a str]) -> Vec<&'a str> {
    if !words.is_empty() {
        args.push("--");
        args.extend(words);
    }
    args
}

/// The names of all integration-test targets of the workspace.
fn test_targets(metadata: &serde_json::Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut names: Vec<String> = packages
        .flat_map(|package| package["targets"].as_array().into_iter().flatten())
        .filter(|target| target["kind"][0] == "test")
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn tsc_projects(files: &[String]) -> Vec<&str> {
    // The one at the root holds what the projects share, and no file.
    files
        .iter()
        .map(String::as_str)
        .filter(|file| is_ours(file) && file.ends_with("/tsconfig.json"))
        .collect()
}

fn runtime_tests(files: &[String]) -> Vec<&str> {
    files
        .iter()
        .map(String::as_str)
        .filter(|file| is_ours(file) && file.ends_with(".test.js"))
        .collect()
}

const END_TO_END: &str = "e2e";
/// `--workspace` rather than `-p revisit`: with the same features nothing is built a second time.
const END_TO_END_TARGET: [&str; 4] = ["test", "--workspace", "--test", END_TO_END];
const OTHER_BROWSERS: &str = "other_browsers::";
const RUNTIME: &str = "crates/generator/runtime/";
/// The packages that pages and bundlers take.
const PACKAGES: &str = "packages/";

fn is_ours(file: &str) -> bool {
    file.starts_with(RUNTIME) || file.starts_with(PACKAGES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str], passed_on: &[&str]) -> Result<Vec<&'static str>, String> {
        choose(words, passed_on).map(|stages| stages.iter().map(|s| s.name).collect())
    }

    #[test]
    fn without_names_all_stages_run_and_with_names_only_those_in_the_order_of_the_list() {
        assert_eq!(names(&[], &[]).unwrap().len(), STAGES.len());
        assert_eq!(names(&["lint", "format"], &[]).unwrap(), ["format", "lint"]);
    }

    #[test]
    fn an_unknown_stage_is_refused_with_the_nearest() {
        let why = names(&["lnt"], &[]).unwrap_err();
        assert!(
            why.contains("no stage `lnt`") && why.contains("`lint`"),
            "{why}"
        );
    }

    #[test]
    fn words_for_the_tests_want_a_stage_that_takes_them() {
        assert!(names(&["end-to-end"], &["offline"]).is_ok());
        assert!(names(&["unit"], &["offline"]).is_ok());
        assert!(names(&[], &["offline"]).is_err());
        assert!(names(&["lint"], &["offline"]).is_err());
    }

    #[test]
    fn the_last_line_counts_stages_that_passed_failed_and_never_ran() {
        assert_eq!(closing(6, 0, 6), "stages: 6 passed, 0 failed");
        assert_eq!(closing(2, 1, 6), "stages: 2 passed, 1 failed, 3 skipped");
        assert_eq!(closing(5, 1, 6), "stages: 5 passed, 1 failed");
    }

    #[test]
    fn the_last_line_counts_a_stage_that_the_machine_lacks_something_for() {
        assert_eq!(closing(7, 0, 8), "stages: 7 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn only_integration_tests_count_as_test_targets() {
        let metadata = serde_json::json!({"packages": [
            {"targets": [{"kind": ["lib"], "name": "a"}, {"kind": ["test"], "name": "wire"}]},
            {"targets": [{"kind": ["test"], "name": "e2e"}, {"kind": ["bench"], "name": "install"}]},
        ]});
        assert_eq!(test_targets(&metadata), ["e2e", "wire"]);
    }

    #[test]
    fn projects_and_tests_of_the_runtime_are_found_by_their_names() {
        let files: Vec<String> = [
            "tsconfig.json",
            "benches/tsconfig.json",
            "crates/generator/runtime/worker/tsconfig.json",
            "crates/generator/runtime/worker/route.js",
            "crates/generator/runtime/worker/route.test.js",
        ]
        .map(str::to_owned)
        .into();
        assert_eq!(
            tsc_projects(&files),
            ["crates/generator/runtime/worker/tsconfig.json"]
        );
        assert_eq!(
            runtime_tests(&files),
            ["crates/generator/runtime/worker/route.test.js"]
        );
    }
}
