//! Other programs: where the repository is, how one is run, and what is said when one is missing.
//!
//! A program runs on our own terminal, so that its progress and colours stay its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The root of the repository, which this binary was built in.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A command that will run at the root of the repository.
pub(crate) fn command<S: AsRef<OsStr>>(program: &str, args: &[S]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// The cargo that runs us.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    command(&cargo, args)
}

/// Says the command, runs it on our terminal, and wants it to end well.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let words = line(&command);
    println!("$ {words}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
    if !status.success() {
        bail!("`{words}` ended with {status}");
    }
    Ok(())
}

/// Runs a command quietly, and gives what it wrote to standard output.
pub(crate) fn output(mut command: Command) -> Result<Vec<u8>> {
    let words = line(&command);
    let output = command
        .output()
        .with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "`{words}` ended with {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(output.stdout)
}

/// A command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for arg in command.get_args() {
        words.push(' ');
        words.push_str(&arg.to_string_lossy());
    }
    words
}

/// Whether a program of this name stands on the `PATH`.
pub(crate) fn on_path(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else {
        return false;
    };
    std::env::split_paths(&path).any(|dir| {
        dir.join(program).is_file()
            || cfg!(windows)
                && ["exe", "cmd"]
                    .iter()
                    .any(|end| dir.join(program).with_extension(end).is_file())
    })
}

/// The words for a word that is none of `known`, with the nearest that is.
pub(crate) fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let begins = |k: &&&str| !word.is_empty() && k.starts_with(word);
    let by_letters = || {
        known
            .iter()
            .map(|k| (strsim::damerau_levenshtein(word, k), k))
            .min()
            .filter(|(distance, k)| *distance <= 1 + k.len() / 3)
            .map(|(_, k)| k)
    };
    let nearest = known.iter().find(begins).or_else(by_letters);
    match nearest {
        Some(k) => format!("there is no {what} `{word}`\nhelp: did you mean `{k}`?"),
        None => format!(
            "there is no {what} `{word}`\nhelp: there are {}",
            known.join(", ")
        ),
    }
}

/// What cargo knows of the workspace.
pub(crate) fn metadata(more: &[&str]) -> Result<serde_json::Value> {
    let mut args = vec!["metadata", "--format-version", "1"];
    args.extend(more);
    serde_json::from_slice(&output(cargo(&args))?).context("cargo's metadata is no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_is_answered_with_the_nearest_one_or_with_all() {
        let known = ["format", "tidy", "end-to-end"];
        assert!(unknown("stage", "formt", &known).ends_with("did you mean `format`?"));
        assert!(unknown("stage", "end", &known).ends_with("did you mean `end-to-end`?"));
        assert!(unknown("stage", "zebra", &known).ends_with("there are format, tidy, end-to-end"));
    }
}
