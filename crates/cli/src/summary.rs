//! A build told to a person.

use std::fmt::Write;

use revisit_generator::{Report, WorkerKind};

use crate::terminal::{bytes, counted, plain};

/// What was precached and how, what was left out, and what to look at.
pub(crate) fn summary(report: &Report) -> String {
    let mut text = String::new();
    match report.worker {
        WorkerKind::Precache => precached(&mut text, report),
        WorkerKind::Appcache => application_caches(&mut text, report),
    }
    for warning in report.warnings.iter().take(WARNINGS_SHOWN) {
        let _ = writeln!(text, "warning: {}", plain(&warning.to_string()));
    }
    if report.warnings.len() > WARNINGS_SHOWN {
        let _ = writeln!(
            text,
            "warning: and {} more; `--json` lists them all",
            report.warnings.len() - WARNINGS_SHOWN
        );
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {}", plain(note));
    }
    text
}

/// What browsers did is done by the worker: the manifests say what that is.
fn application_caches(text: &mut String, report: &Report) {
    for cache in &report.application_caches {
        let _ = writeln!(
            text,
            "  appcache   {} lists {}, {}",
            plain(&cache.manifest),
            counted(cache.files, "file"),
            bytes(cache.bytes)
        );
    }
    let _ = writeln!(
        text,
        "  added      {} of worker and shim, which is in {}; no file is kept but by the manifest",
        bytes(report.runtime_bytes),
        counted(report.pages_tagged, "page")
    );
}

fn precached(text: &mut String, report: &Report) {
    let _ = writeln!(
        text,
        "  precached  {} of {}, {}",
        counted(report.precached_files, "file"),
        report.files,
        bytes(report.precached_bytes)
    );
    let _ = writeln!(
        text,
        "  shell      {}, {}: the first page and all that it loads{}",
        counted(report.shell_files, "file"),
        bytes(report.shell_bytes),
        match report.precached_files - report.shell_files {
            0 => "",
            _ => "; the rest follows when the page is idle",
        }
    );
    let _ = writeln!(
        text,
        "  as         {} ({} to send), {}",
        packs(report),
        bytes(report.pack_bytes),
        match report.alone {
            1 => "1 entry of its own".to_owned(),
            count => format!("{count} entries of their own"),
        }
    );
    let _ = writeln!(
        text,
        "  added      {} of worker, page client and manifest; a script tag in {}",
        bytes(report.runtime_bytes),
        counted(report.pages_tagged, "page")
    );
    if !report.left_out.is_empty() {
        let total: u64 = report.left_out.iter().map(|file| file.bytes).sum();
        let _ = writeln!(
            text,
            "  left out   {}, {}: over the budget; what fits is kept when it is first used",
            counted(report.left_out.len(), "file"),
            bytes(total)
        );
        for file in report.left_out.iter().take(LARGEST_SHOWN) {
            let _ = writeln!(
                text,
                "             {:>9}  {}",
                bytes(file.bytes),
                plain(&file.file)
            );
        }
        if report.left_out.len() > LARGEST_SHOWN {
            let _ = writeln!(
                text,
                "             and {} smaller; raise `[precache] budget_bytes` to keep them",
                report.left_out.len() - LARGEST_SHOWN
            );
        }
    }
}

fn packs(report: &Report) -> String {
    match report.packs_kept {
        0 => counted(report.packs, "pack"),
        kept => format!("{}, {kept} of them kept", counted(report.packs, "pack")),
    }
}

const LARGEST_SHOWN: usize = 5;
const WARNINGS_SHOWN: usize = 10;
