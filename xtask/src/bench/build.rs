//! `bench build`: what does a build cost, beside Workbox and beside the floor?

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

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
    /// A copy of it, for builds in place.
    own: PathBuf,
    out: PathBuf,
    /// Each kind of build has a cache folder of its own.
    cache: PathBuf,
    config: PathBuf,
    all: PathBuf,
}

const ROWS: [Row; 9] = [
    Row {
        name: "floor: walk, read, SHA-256 on 2 threads",
        floor: Floor::Hash,
        prepare: |_| Ok(()),
        command: |places| floor("hash", &places.site),
    },
    Row {
        name: "revisit build SITE, nothing known",
        floor: Floor::Hash,
        prepare: Places::undo,
        command: Places::in_place,
    },
    Row {
        name: "revisit build SITE --out, nothing known",
        floor: Floor::Hash,
        prepare: Places::forget,
        command: |places| places.copy(&places.config),
    },
    Row {
        name: "revisit build SITE --out, every file precached",
        floor: Floor::Hash,
        prepare: Places::forget,
        command: |places| places.copy(&places.all),
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
        name: "revisit build SITE again, nothing changed",
        floor: Floor::Stat,
        // Once unmeasured, so that what is known and what is there are of this very build.
        prepare: |places| cost(places.in_place()).map(drop),
        command: Places::in_place,
    },
    Row {
        name: "revisit build SITE --out again, nothing changed",
        floor: Floor::Stat,
        prepare: |places| cost(places.copy(&places.config)).map(drop),
        command: |places| places.copy(&places.config),
    },
    Row {
        name: "revisit build SITE again, one page changed",
        floor: Floor::Stat,
        prepare: |places| {
            let mut page = File::options()
                .append(true)
                .open(places.own.join("offline.html"))?;
            Ok(page.write_all(b"\n<!-- changed -->\n")?)
        },
        command: Places::in_place,
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
            own: place("own"),
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
        empty(&places.own)?;
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(places.site.join(".")).arg(&places.own);
        cost(copy)?;
        // Files that are as fresh as that are distrusted, and no site of 50,000 files is.
        std::thread::sleep(DISTRUSTED);
        Ok(places)
    }

    /// As on a machine that has never built this site.
    fn forget(&self) -> Result<()> {
        if self.out.exists() {
            std::fs::remove_dir_all(&self.out)?;
        }
        empty(&self.cache)
    }

    /// [`Self::forget`], and pages without a tag.
    fn undo(&self) -> Result<()> {
        let mut uninstall = self.in_place();
        uninstall.arg("--uninstall");
        cost(uninstall)?;
        self.forget()
    }

    fn in_place(&self) -> Command {
        revisit_build(&self.own, None, &self.config, &self.cache)
    }

    fn copy(&self, config: &Path) -> Command {
        revisit_build(&self.site, Some(&self.out), config, &self.cache)
    }
}

/// A little longer than a build distrusts a file that has changed.
const DISTRUSTED: Duration = Duration::from_secs(3);

fn floor(kind: &str, site: &Path) -> Command {
    let mut command = Command::new(released("xtask"));
    command.args(["bench", "floor", kind]).arg(site);
    command
}
