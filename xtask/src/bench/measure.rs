//! What a process has cost: CPU, memory and time, as the kernel tells its parent.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use wait4::Wait4;

use crate::shell;

/// The cost of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// User and system time, of the process and of the children that it waited for.
    pub(super) cpu_seconds: f64,
    /// The most memory that was resident at a time.
    pub(super) peak_mib: f64,
    pub(super) wall_seconds: f64,
}

/// Runs a command to its end and says what it cost. What it writes is dropped, but for errors.
pub(super) fn cost(mut command: Command) -> Result<Cost> {
    let words = shell::line(&command);
    let started = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{words}`"))?;
    let mut child = child;
    let errors = child.stderr.take();
    // Read to the end before waiting: a full pipe would hold the child up.
    let said = errors.map(std::io::read_to_string).transpose()?;
    let ended = child.wait4()?;
    let wall_seconds = started.elapsed().as_secs_f64();
    ensure!(
        ended.status.success(),
        "`{words}` ended with {}\n{}",
        ended.status,
        said.unwrap_or_default().trim_end()
    );
    let usage = ended.rusage;
    Ok(Cost {
        cpu_seconds: (usage.utime + usage.stime).as_secs_f64(),
        peak_mib: usage.maxrss as f64 / f64::from(1 << 20),
        wall_seconds,
    })
}

/// The medians of several runs, each number by itself.
pub(super) fn medians(costs: &[Cost]) -> Cost {
    let of = |number: fn(&Cost) -> f64| median(costs.iter().map(number).collect());
    Cost {
        cpu_seconds: of(|cost| cost.cpu_seconds),
        peak_mib: of(|cost| cost.peak_mib),
        wall_seconds: of(|cost| cost.wall_seconds),
    }
}

/// The one in the middle; of two in the middle, their mean. NaN of nothing.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => numbers[odd / 2],
        even => (numbers[even / 2 - 1] + numbers[even / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), 3.0);
        assert!(median(vec![]).is_nan());
    }
}
