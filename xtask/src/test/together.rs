//! Stages side by side: each is a process of its own, whose words are kept until it has ended.
//!
//! They share what was built before, so that none waits for another's cargo. All of them run to
//! their end, also when one does not pass: what takes longest is told last, and nothing twice.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::{Ended, Row, Stage, stages};
use crate::shell::target_dir;

/// Builds what they drive, runs them, and tells of each when it ends; the rows are in that order.
pub(super) fn run(chosen: &[&'static Stage]) -> Vec<Row> {
    let names: Vec<&str> = chosen.iter().map(|stage| stage.name).collect();
    println!("\n== side by side: {}", names.join(", "));
    let started = Instant::now();
    if let Err(error) = stages::build_end_to_end() {
        let row = Row {
            name: chosen[0].name,
            ended: Ended::Failed(error),
            took: started.elapsed(),
        };
        row.tell();
        return vec![row];
    }
    let (ended, ends) = mpsc::channel();
    std::thread::scope(|scope| {
        for stage in chosen {
            let ended = ended.clone();
            scope.spawn(move || {
                let started = Instant::now();
                let (said, result) = process(stage.name);
                let row = Row {
                    name: stage.name,
                    ended: result.map_or_else(Ended::Failed, |()| Ended::Passed),
                    took: started.elapsed(),
                };
                ended.send((stage, said, row))
            });
        }
        drop(ended);
        ends.iter()
            .map(|(stage, said, row)| {
                println!("\n== {}: {}\n{}", stage.name, stage.does, said.trim_end());
                row.tell();
                row
            })
            .collect()
    })
}

/// Runs a stage as a process, and gives what it said and how it ended.
///
/// Its words go to a file under `target/stages`, where they can be read while it runs.
fn process(stage: &str) -> (String, Result<()>) {
    let folder = target_dir().join("stages");
    let path = folder.join(format!("{stage}.txt"));
    let result = (|| {
        fs::create_dir_all(&folder)?;
        let kept = File::create(&path)?;
        let status = Command::new(std::env::current_exe()?)
            .args(["stage", stage])
            .stdin(Stdio::null())
            .stdout(kept.try_clone()?)
            .stderr(kept)
            .status()
            .context("cannot start its process")?;
        if !status.success() {
            bail!("its process ended with {status}, and said why above");
        }
        Ok(())
    })();
    let said = fs::read(&path).unwrap_or_default();
    (String::from_utf8_lossy(&said).into_owned(), result)
}
