//! `revisit store`: a real store on a real disk, another process that has it, damage, and what to
//! do about each.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use revisit_engine::cache_api::{CacheStorage, Response};
use revisit_store::{Options, Store};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Output, revisit};

const CSS: &str = "https://shop.example/app.css";

fn store(folder: &Path) -> Store {
    Store::open(folder, Options::durable()).unwrap()
}

/// A store with a small body, and one that has a file of its own.
fn filled() -> TempDir {
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let caches = CacheStorage::new(store(folder.path()), "https://shop.example/").unwrap();
        let cache = caches.open("v1").await.unwrap();
        cache.put("/app.css", Response::new("a { }")).await.unwrap();
        let large = "large ".repeat(100_000);
        cache.put("/large", Response::new(large)).await.unwrap();
    });
    folder
}

fn words(command: &[&str], folder: &Path) -> Output {
    let folder = folder.to_str().unwrap();
    revisit(&[&["store"], command, &["--store", folder]].concat())
}

#[track_caller]
fn refused(output: &Output, code: i32, fact: &str) {
    assert_eq!(output.code, Some(code), "{}", output.stderr);
    assert!(output.stderr.contains(fact), "{}", output.stderr);
    assert!(output.stderr.contains("\nhelp: "), "{}", output.stderr);
}

#[test]
fn a_store_is_listed_checked_shown_exported_and_emptied() {
    let folder = filled();
    let at = folder.path();
    let listed = words(&["ls"], at);
    assert!(
        listed
            .ok()
            .stdout
            .contains("  `v1`: 2 entries, bodies of 600.0 kB\n"),
        "{}",
        listed.stdout
    );
    let checked = words(&["check"], at);
    assert_eq!(
        checked.ok().stdout,
        "2 entries, bodies of 600.0 kB: everything is as it was written\n"
    );
    assert_eq!(words(&["show", CSS, "--body"], at).ok().stdout, "a { }");
    let shown: Value =
        serde_json::from_str(&words(&["show", CSS, "--json"], at).ok().stdout).unwrap();
    assert_eq!(shown["entries"][0]["cache"], "v1");
    let out = TempDir::new().unwrap();
    let out = out.path().join("copy");
    words(&["export", out.to_str().unwrap()], at).ok();
    let index: Value = serde_json::from_slice(&fs::read(out.join("index.json")).unwrap()).unwrap();
    let body = index["entries"][1]["body"].as_str().unwrap();
    assert_eq!(fs::read(out.join(body)).unwrap().len(), 600_000);
    refused(
        &words(&["export", out.to_str().unwrap()], at),
        1,
        "cannot write",
    );
    assert_eq!(
        words(&["delete", CSS], at).ok().stdout,
        format!("deleted `{CSS}`: 1 entry\n")
    );
    refused(&words(&["show", CSS], at), 1, "nothing is kept for");
    words(&["delete", "--cache", "v1"], at).ok();
    assert!(
        words(&["ls", "--json"], at)
            .ok()
            .stdout
            .contains("\"entry_count\": 0")
    );
}

#[test]
fn looking_changes_no_byte_of_what_is_kept() {
    let folder = filled();
    let before = files(folder.path());
    let before: Vec<_> = before
        .iter()
        .map(|path| (path, fs::read(path).unwrap()))
        .collect();
    for command in [&["ls"][..], &["check"], &["show", CSS]] {
        words(command, folder.path()).ok();
        for (path, bytes) in &before {
            assert!(
                fs::read(path).unwrap() == *bytes,
                "{command:?} changes {}",
                path.display()
            );
        }
    }
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let folder = TempDir::new().unwrap();
    for command in [
        &["ls"][..],
        &["check"],
        &["purge", "--all"],
        &["delete", "x"],
    ] {
        refused(&words(command, folder.path()), 2, "there is no store in");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_store_that_another_process_has_is_looked_into_and_left_to_it() {
    let folder = filled();
    let held = store(folder.path());
    refused(
        &words(&["delete", CSS], folder.path()),
        1,
        "is open in another process",
    );
    let listed = words(&["ls"], folder.path());
    assert!(listed.ok().stdout.contains(CSS), "{}", listed.stdout);
    assert!(listed.stderr.starts_with("note: "), "{}", listed.stderr);
    drop(held);
    let listed = words(&["ls"], folder.path());
    assert_eq!(listed.ok().stderr, "");
}

#[test]
fn a_purge_of_what_is_durable_is_refused_with_the_right_word() {
    let folder = filled();
    let purged = words(&["purge", "--all"], folder.path());
    refused(&purged, 2, "is kept until it is deleted");
    assert!(purged.stderr.contains("revisit store delete"));
    words(&["show", CSS], folder.path()).ok();
}

#[test]
fn a_flipped_bit_is_found_and_all_else_is_exported() {
    let folder = filled();
    let bodies = files(&folder.path().join("bodies"));
    assert_eq!(bodies.len(), 1);
    let mut bytes = fs::read(&bodies[0]).unwrap();
    bytes[1234] ^= 4;
    fs::write(&bodies[0], bytes).unwrap();
    refused(
        &words(&["check"], folder.path()),
        1,
        "1 damage in 2 entries",
    );
    let shown = words(
        &["show", "https://shop.example/large", "--body"],
        folder.path(),
    );
    refused(
        &shown,
        1,
        "cannot read the body of `https://shop.example/large`",
    );
    let out = TempDir::new().unwrap();
    let out = out.path().join("copy");
    let exported = words(&["export", out.to_str().unwrap()], folder.path());
    refused(&exported, 1, "1 entry could not be copied");
    let index: Value = serde_json::from_slice(&fs::read(out.join("index.json")).unwrap()).unwrap();
    assert!(
        index["entries"][1]["damaged"]
            .as_str()
            .unwrap()
            .contains("cannot be trusted")
    );
    let whole = index["entries"][0]["body"].as_str().unwrap();
    assert_eq!(fs::read(out.join(whole)).unwrap(), b"a { }");
}

#[test]
fn a_catalog_that_is_none_is_named() {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join("catalog.db"),
        "this is no database, but long enough to be read as one",
    )
    .unwrap();
    fs::write(folder.path().join("lock"), "").unwrap();
    let output = words(&["ls"], folder.path());
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
    assert!(output.stderr.contains("\nhelp: "), "{}", output.stderr);
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all
}
