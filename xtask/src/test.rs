//! `cargo xtask test`: which stages run, one after another or side by side, and how each went.
//!
//! The cheap stages come first, and the first that does not pass ends the run. What a stage needs of
//! the machine is got in the background while those before it run. Stages that mostly wait come last and
//! run side by side; the others inherit our terminal. The browsers beside Chromium may be missing:
//! their stages are then skipped, with a word.
//! The last line is `stages: N passed, N failed, N skipped`.

pub(crate) mod needs;
mod stages;
mod together;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Stop;
use crate::shell;
use stages::STAGES;

/// One stage of the test run.
struct Stage {
    name: &'static str,
    /// What it does, said before it starts.
    does: &'static str,
    /// Whether words after `--` mean something to it.
    takes_words: bool,
    /// Whether a machine that cannot give what it needs does without it.
    may_be_skipped: bool,
    /// Whether it leaves much of the machine to others, and uses nothing that they use: such stages come last.
    beside_others: bool,
    /// Gets what the machine may lack.
    needs: fn() -> Result<()>,
    run: fn(&[&str]) -> Result<()>,
}

/// How a stage went, and how long it took.
struct Row {
    name: &'static str,
    ended: Ended,
    took: Duration,
}

enum Ended {
    Passed,
    Failed(anyhow::Error),
    Skipped,
}

/// Runs the named stages, or all of them.
pub(crate) fn run(words: &[&str]) -> Result<(), Stop> {
    let (names, passed_on) = match words.iter().position(|w| *w == "--") {
        Some(at) => (&words[..at], &words[at + 1..]),
        None => (words, &[][..]),
    };
    let chosen = choose(names, passed_on).map_err(Stop::Words)?;

    let began = Instant::now();
    let rows = run_all(&chosen, passed_on);
    println!();
    for Row { name, ended, took } in &rows {
        println!("  {name:<13} {:<8} {:>10}", ended.word(), seconds(*took));
    }
    let ran = |stage: &&&Stage| rows.iter().any(|row| row.name == stage.name);
    for stage in chosen.iter().filter(|stage| !ran(stage)) {
        println!("  {:<13} {:<8}", stage.name, "not run");
    }
    println!("  {:<13} {:<8} {:>10}", "", "", seconds(began.elapsed()));
    let count = |word| rows.iter().filter(|row| row.ended.word() == word).count();
    println!(
        "{}",
        closing(count("passed"), count("FAILED"), chosen.len())
    );
    let failures = rows.into_iter().filter_map(|row| match row.ended {
        Ended::Failed(error) => {
            Some(error.context(format!("the stage `{}` did not pass", row.name)))
        }
        Ended::Passed | Ended::Skipped => None,
    });
    failures.map(Stop::Work).next().map_or(Ok(()), Err)
}

/// Runs one stage that was prepared, for [`together`]: the words of `cargo xtask stage`.
pub(crate) fn alone(words: &[&str]) -> Result<(), Stop> {
    let [name, passed_on @ ..] = words else {
        return Err(Stop::Words("`cargo xtask stage` wants a name".to_owned()));
    };
    let chosen = choose(&[name], passed_on).map_err(Stop::Words)?;
    chosen.iter().try_for_each(|stage| (stage.run)(passed_on))?;
    Ok(())
}

/// Runs the stages until one fails.
fn run_all(chosen: &[&'static Stage], passed_on: &[&str]) -> Vec<Row> {
    let (got, gets) = mpsc::channel();
    let needing = chosen.to_vec();
    std::thread::spawn(move || {
        // Ends early when nobody listens any more.
        needing
            .iter()
            .try_for_each(|stage| got.send((stage.needs)()))
    });

    let mut rows = Vec::new();
    let mut side_by_side = Vec::new();
    let together = chosen.iter().filter(|stage| stage.beside_others).count() > 1;
    for stage in chosen {
        let started = Instant::now();
        let needs = gets
            .recv()
            .unwrap_or_else(|_| Err(anyhow::anyhow!("what it needs was not looked for")));
        let ended = match needs {
            Err(why) if stage.may_be_skipped => {
                println!("\n== {} skipped: {why:#}", stage.name);
                Ended::Skipped
            }
            Err(why) => Ended::Failed(why),
            Ok(()) if together && stage.beside_others => {
                side_by_side.push(*stage);
                continue;
            }
            Ok(()) => {
                println!("\n== {}: {}", stage.name, stage.does);
                (stage.run)(passed_on).map_or_else(Ended::Failed, |()| Ended::Passed)
            }
        };
        let row = Row {
            name: stage.name,
            ended,
            took: started.elapsed(),
        };
        row.tell();
        let failed = matches!(row.ended, Ended::Failed(_));
        rows.push(row);
        if failed {
            return rows;
        }
    }
    if !side_by_side.is_empty() {
        rows.extend(together::run(&side_by_side));
    }
    rows
}

impl Row {
    fn tell(&self) {
        let took = seconds(self.took);
        match self.ended {
            Ended::Passed => println!("== {} passed in {took}", self.name),
            Ended::Failed(_) => println!("== {} did not pass, after {took}", self.name),
            Ended::Skipped => {}
        }
    }
}

impl Ended {
    fn word(&self) -> &'static str {
        match self {
            Ended::Passed => "passed",
            Ended::Failed(_) => "FAILED",
            Ended::Skipped => "skipped",
        }
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

    const GOOD: Stage = Stage {
        name: "good",
        ..stages::PLAIN
    };
    const FAILS: Stage = Stage {
        name: "fails",
        run: |_| Err(anyhow::anyhow!("a test did not pass")),
        ..stages::PLAIN
    };
    const LACKS: Stage = Stage {
        name: "lacks",
        needs: || Err(anyhow::anyhow!("there is no browser")),
        run: |_| panic!("what it needs is not here"),
        ..stages::PLAIN
    };
    const DOES_WITHOUT: Stage = Stage {
        name: "does without",
        may_be_skipped: true,
        ..LACKS
    };

    fn check(chosen: &[&'static Stage], expected: &[(&str, &str)]) {
        let rows = run_all(chosen, &[]);
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.name, row.ended.word()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_first_stage_that_fails_ends_the_run() {
        let both = [("good", "passed"), ("fails", "FAILED")];
        check(&[&GOOD, &FAILS, &GOOD], &both);
    }

    #[test]
    fn a_stage_that_lacks_something_fails_unless_it_may_be_skipped() {
        let both = [("good", "passed"), ("lacks", "FAILED")];
        check(&[&GOOD, &LACKS, &GOOD], &both);
        let both = [("does without", "skipped"), ("good", "passed")];
        check(&[&DOES_WITHOUT, &GOOD], &both);
    }

    #[test]
    fn stages_that_run_side_by_side_come_last() {
        let order = STAGES.iter().map(|stage| stage.beside_others);
        assert!(order.is_sorted());
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
}
