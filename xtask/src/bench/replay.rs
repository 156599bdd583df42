//! `bench replay`: what do ten visits to the flower shop cost, and does memory grow with a thousand?

use std::fmt::Write;
use std::process::Command;

use anyhow::{Context, Result};

use super::measure::{cost, medians};
use super::{folder, heading, release, released};
use crate::shell::root;

/// How many visits a run plays.
const VISITS: [usize; 3] = [10, 100, 1000];

pub(super) fn run(runs: usize) -> Result<()> {
    release()?;
    let folder = folder().join("replay");
    std::fs::create_dir_all(&folder)?;
    heading("replay of `examples/flowers`, medians");
    println!("| visits | CPU ms | peak MiB |\n| ---: | ---: | ---: |");
    for visits in VISITS {
        let path = folder.join(format!("{visits}.toml"));
        std::fs::write(&path, scenario(visits))
            .with_context(|| format!("cannot write {}", path.display()))?;
        let costs = (0..runs)
            .map(|_| {
                let mut replay = Command::new(released("revisit"));
                replay.arg("replay").arg(&path);
                cost(replay)
            })
            .collect::<Result<Vec<_>>>()?;
        let median = medians(&costs);
        println!(
            "| {visits} | {:.1} | {:.1} |",
            median.cpu_seconds * 1000.0,
            median.peak_mib
        );
    }
    Ok(())
}

/// So many visits: pages in turn, an hour apart.
fn scenario(visits: usize) -> String {
    let site = root().join("examples/flowers");
    let mut text = format!("site = {site:?}\n");
    for visit in 0..visits {
        let page = ["/", "/about/", "/delivery.html", "/products/tulip.html"][visit % 4];
        let _ = write!(
            text,
            "[[step]]\nvisit = \"{page}\"\n[[step]]\nwait = \"1 hour\"\n"
        );
    }
    text
}
