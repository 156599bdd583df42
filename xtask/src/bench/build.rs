//! `bench build`: what does a build cost, beside Workbox and beside the floor?

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::measure::{Cost, cost, medians};
use super::{
    empty, folder, heading, made_site, peers, release, released, revisit_build, workbox_build,
};

/// One row of the table: its name, and the command that is measured after what has to be prepared.
struct Row {
    name: &'static str,
    floor: Floor,
    prepare: fn(&Places) -> Result<()>,
    command: fn(&Places) -> Command,
}

/// What a row is a multiple of.
#[derive(Clone, Copy, PartialEq)]
enum Floor {
    Hash,
    Stat,
}

/// The folders of one site.
struct Places {
    site: PathBuf,
    out: PathBuf,
    cache: PathBuf,
    config: PathBuf,
    all: PathBuf,
}

const ROWS: [Row; 6] = [
    Row {
        name: "floor: walk, read, SHA-256 on 2 threads",
        floor: Floor::Hash,
        prepare: |_| Ok(()),
        command: |places| floor("hash", &places.site),
    },
    Row {
        name: "revisit build, nothing known",
        floor: Floor::Hash,
        prepare: Places::forget,
        command: |places| revisit_build(&places.site, &places.out, &places.config, &places.cache),
    },
    Row {
        name: "revisit build, every file precached",
        floor: Floor::Hash,
        prepare: Places::forget,
        command: |places| revisit_build(&places.site, &places.out, &places.all, &places.cache),
    },
    Row {
        name: "Workbox generateSW, every file precached",
        floor: Floor::Hash,
        prepare: |_| Ok(()),
        command: |places| workbox_build(&places.site, &places.out.with_extension("js"), &[]),
    },
    Row {
        name: "floor of a rebuild: walk and stat",
        floor: Floor::Stat,
        prepare: |_| Ok(()),
        command: |places| floor("stat", &places.site),
    },
    Row {
        name: "revisit build again, nothing changed",
        floor: Floor::Stat,
        // Once unmeasured, so that hashes and output are those of this very build.
        prepare: |places| {
            cost(revisit_build(
                &places.site,
                &places.out,
                &places.config,
                &places.cache,
            ))?;
            Ok(())
        },
        command: |places| revisit_build(&places.site, &places.out, &places.config, &places.cache),
    },
];

/// Measures all rows for sites of these sizes, in turns, and prints the medians.
pub(super) fn run(sizes: &[usize], runs: usize) -> Result<()> {
    release()?;
    peers()?;
    heading("build");
    println!(
        "Medians of {runs} runs, the rows taken in turns, the files in the page cache. CPU is user and system \
         time of all threads; “×” is that by the floor above it. `revisit build` without more is the default \
         config, which precaches up to 25 MiB and looks at every file all the same.\n"
    );
    println!("| files | what | CPU s | × floor | peak MiB | wall s |");
    println!("| ---: | --- | ---: | ---: | ---: | ---: |");
    for files in sizes {
        measure(*files, runs)?;
    }
    Ok(())
}

fn measure(files: usize, runs: usize) -> Result<()> {
    let places = Places::of(files)?;
    cost(floor("hash", &places.site))?;
    let mut costs: Vec<Vec<Cost>> = ROWS.iter().map(|_| Vec::new()).collect();
    for run in 1..=runs {
        for (row, costs) in ROWS.iter().zip(&mut costs) {
            eprintln!("{files} files, run {run} of {runs}: {}", row.name);
            (row.prepare)(&places)?;
            costs.push(cost((row.command)(&places))?);
        }
    }
    let mut floors: Vec<(Floor, f64)> = Vec::new();
    for (row, costs) in ROWS.iter().zip(&costs) {
        let Cost {
            cpu_seconds,
            peak_mib,
            wall_seconds,
        } = medians(costs);
        let floor = match floors.iter().find(|(floor, _)| *floor == row.floor) {
            Some((_, floor)) => *floor,
            None => {
                floors.push((row.floor, cpu_seconds));
                cpu_seconds
            }
        };
        let times = cpu_seconds / floor;
        println!(
            "| {files} | {} | {cpu_seconds:.3} | {times:.2} | {peak_mib:.0} | {wall_seconds:.3} |",
            row.name
        );
    }
    Ok(())
}

impl Places {
    fn of(files: usize) -> Result<Self> {
        let site = made_site(files)?;
        let place = |name: &str| folder().join(format!("{name}-{files}"));
        let places = Self {
            site,
            out: place("out"),
            cache: place("cache"),
            config: folder().join("revisit.toml"),
            all: folder().join("revisit-all.toml"),
        };
        std::fs::write(&places.config, "")?;
        std::fs::write(
            &places.all,
            "[precache]\nbudget_bytes = 1099511627776\nexclude_defaults = false\n",
        )?;
        Ok(places)
    }

    /// As on a machine that has never built this site.
    fn forget(&self) -> Result<()> {
        if self.out.exists() {
            std::fs::remove_dir_all(&self.out)?;
        }
        empty(&self.cache)
    }
}

fn floor(kind: &str, site: &Path) -> Command {
    let mut command = Command::new(released("xtask"));
    command.args(["bench", "floor", kind]).arg(site);
    command
}
