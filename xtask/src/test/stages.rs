//! The stages of the test run: what each needs, and what it does.
//!
//! Cargo builds a crate once for each set of features, so all that is tested in the crates is tested
//! with all features, and all that drives the binary drives the one of the end-to-end tests, which
//! has those of a release.

use anyhow::{Context, Result};

use super::{Stage, needs};
use crate::shell::{cargo, command, metadata, run as sh, target_dir};
use crate::{conformance, crash, tidy};

pub(super) const STAGES: [Stage; 11] = [
    Stage {
        name: "format",
        does: "every Rust file is laid out as rustfmt does it",
        needs: || needs::component("fmt", "rustfmt"),
        run: format,
        ..PLAIN
    },
    Stage {
        name: "tidy",
        does: "layers, clocks, printing, sizes, names of machines, licences",
        run: |_| tidy::run(),
        ..PLAIN
    },
    Stage {
        name: "lint",
        does: "clippy has nothing to say, with the features of a release and with all",
        needs: || needs::component("clippy", "clippy"),
        run: lint,
        ..PLAIN
    },
    Stage {
        name: "unit",
        does: "the tests within the crates, and those of their documentation",
        takes_words: true,
        run: unit,
        ..PLAIN
    },
    Stage {
        name: "crash",
        does: "a store, and application caches in it, that are killed, or whose disk refuses, at a sample of their calls",
        needs: needs::strace,
        run: |_| crash::sampled(),
        ..PLAIN
    },
    Stage {
        name: "javascript",
        does: "the runtime's types, its lint, and its tests in Node",
        needs: || {
            needs::node()?;
            needs::node_modules(".")
        },
        run: javascript,
        ..PLAIN
    },
    Stage {
        name: "conformance",
        // By itself: its cases turn stale by the clock, and a machine under load is late for them.
        does: "the public suite of tests for HTTP caches, its npm package",
        needs: conformance::needs,
        run: |_| conformance::npm(&BUILD_END_TO_END),
        ..PLAIN
    },
    Stage {
        name: "end-to-end",
        does: "the binary, driven as people do, with a real Chromium",
        takes_words: true,
        beside_others: true,
        needs: needs::end_to_end,
        run: end_to_end,
        ..PLAIN
    },
    Stage {
        name: "static-routes",
        does: "the worker's answers and updates once more, with static routes on",
        beside_others: true,
        needs: needs::chromium,
        run: static_routes,
        ..PLAIN
    },
    Stage {
        name: "firefox",
        does: "the worker in a real Firefox",
        may_be_skipped: true,
        beside_others: true,
        needs: needs::firefox,
        run: |_| other_browser("other_browsers::firefox::"),
        ..PLAIN
    },
    Stage {
        name: "webkit",
        does: "the worker in a real WebKit",
        may_be_skipped: true,
        beside_others: true,
        needs: needs::webkit,
        run: |_| other_browser("other_browsers::webkit::"),
        ..PLAIN
    },
];

/// A stage by itself that needs nothing and takes no words.
pub(super) const PLAIN: Stage = Stage {
    name: "",
    does: "",
    takes_words: false,
    may_be_skipped: false,
    beside_others: false,
    needs: || Ok(()),
    run: |_| Ok(()),
};

fn format(_: &[&str]) -> Result<()> {
    sh(cargo(&["fmt", "--all", "--check"])).context("`cargo fmt --all` lays the files out")
}

fn lint(_: &[&str]) -> Result<()> {
    let everything = ["clippy", "--workspace", "--all-targets"];
    let refuse = ["--", "-D", "warnings"];
    sh(cargo(&[&everything[..], &refuse].concat()))?;
    sh(cargo(
        &[&everything[..], &["--all-features"], &refuse].concat(),
    ))?;
    for (manifest, targets) in APART {
        let target = target_dir().join("apart");
        let mut apart = cargo(&["clippy", "--locked", "--manifest-path", manifest, targets]);
        apart.arg("--target-dir").arg(target).args(refuse);
        // What is only checked links no libFuzzer, so none is compiled.
        apart.env("CUSTOM_LIBFUZZER_PATH", "libfuzzer/unused.a");
        sh(apart)?;
    }
    Ok(())
}

/// Everything but the end-to-end target, which drives a browser and has a stage of its own.
fn unit(words: &[&str]) -> Result<()> {
    let found = test_targets(&metadata(&["--no-deps"])?);
    let all = ["test", "--workspace", "--all-features"];
    let mut args = [&all[..], &["--lib", "--bins"]].concat();
    for target in found.iter().filter(|target| *target != END_TO_END) {
        args.extend(["--test", target]);
    }
    sh(cargo(&with_words(args, words)))?;
    // Cargo wants documentation tests on their own.
    sh(cargo(&with_words([&all[..], &["--doc"]].concat(), words)))
}

fn javascript(_: &[&str]) -> Result<()> {
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
    let mut passed_on = vec!["--skip", OTHER_BROWSERS];
    passed_on.extend(words);
    let mut tests = cargo(&with_words(END_TO_END_TARGET.to_vec(), &passed_on));
    if std::env::var_os(THREADS).is_none() {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        tests.env(THREADS, (3 * cores).to_string());
    }
    sh(tests)
}

/// Nothing that a visitor gets may be another for static routes.
fn static_routes(_: &[&str]) -> Result<()> {
    let tests = ["worker::answers::", "worker::update::"];
    let mut command = cargo(&with_words(END_TO_END_TARGET.to_vec(), &tests));
    command.env("REVISIT_STATIC_ROUTES", "on");
    sh(command)
}

/// The tests of one of the browsers that have a stage of their own.
fn other_browser(tests: &str) -> Result<()> {
    sh(cargo(&with_words(END_TO_END_TARGET.to_vec(), &[tests])))
}

/// Builds what the stages that run side by side drive, so that none waits for another's cargo.
pub(super) fn build_end_to_end() -> Result<()> {
    sh(cargo(&BUILD_END_TO_END))
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
/// The same without running them; the binary is built with it.
const BUILD_END_TO_END: [&str; 5] = ["test", "--workspace", "--test", END_TO_END, "--no-run"];
/// How many tests libtest runs at once. Most of ours wait, for a process or for one of the two browsers that
/// each core may have.
const THREADS: &str = "RUST_TEST_THREADS";
/// Workspaces of their own: their manifests, and which of their targets there are.
const APART: [(&str, &str); 2] = [
    ("benches/rules/Cargo.toml", "--benches"),
    ("fuzz/Cargo.toml", "--bins"),
];
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
