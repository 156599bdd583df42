//! Disks at their limits: full ones, such as may only be read, huge files, and very many.

use std::fs::File;
use std::path::PathBuf;

use super::*;
use crate::harness::cannot_run;

#[test]
fn a_full_disk_leaves_the_site_as_it_was() {
    let Some(disk) = SmallDisk::mount(1 << 20) else {
        return cannot_run("a small disk cannot be mounted here", MOUNTING);
    };
    let site = disk.path.join("site");
    copy(&small_site(), &site);
    build(&site, &[]).ok();
    fs::write(site.join("noise.bin"), noise(600_000)).unwrap(); // its pack does not fit beside it
    fs::write(site.join("app.js"), "document.title = 'two'").unwrap();
    let before = disk.files();
    let output = build(&site, &[]);
    check_refused(
        &output,
        1,
        &["cannot write", "is unchanged", "No space left", "has room"],
    );
    check_same(&disk.files(), &before);
    fs::remove_file(site.join("noise.bin")).unwrap();
    build(&site, &[]).ok();
}

#[test]
fn a_full_disk_leaves_the_copy_as_it_was() {
    let Some(disk) = SmallDisk::mount(1 << 20) else {
        return cannot_run("a small disk cannot be mounted here", MOUNTING);
    };
    let (site, out) = (small_site(), text(&disk.path.join("out")));
    build(site.path(), &["--out", &out]).ok();
    let before = disk.files();
    site.file("noise.bin", noise(1_200_000));
    let output = build(site.path(), &["--out", &out]);
    check_refused(
        &output,
        1,
        &["cannot write", "is unchanged", "No space left"],
    );
    check_same(&disk.files(), &before);
}

#[test]
fn a_write_that_the_system_cuts_short_leaves_the_site_as_it_was() {
    let site = small_site();
    build(site.path(), &[]).ok();
    site.file("noise.bin", noise(600_000))
        .file("app.js", "document.title = 'two'");
    let before = site.files();
    // No file may grow beyond 200 blocks of 512 or 1024 bytes: the pack is the only one that would.
    let limited = "trap '' XFSZ; ulimit -f 200; exec \"$0\" build \"$1\"";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_revisit")])
        .env("XDG_CACHE_HOME", cache_home())
        .arg(site.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("cannot write") && said.contains("File too large"),
        "{said}"
    );
    check_same(&site.files(), &before);
}

#[test]
fn a_folder_that_may_only_be_read_is_named_and_a_copy_of_it_can_be_built() {
    let (site, elsewhere) = (small_site(), Site::new());
    rights(site.path(), 0o555);
    rights(elsewhere.path(), 0o777);
    let before = site.files();
    let folder = site.path().as_os_str();
    let Some(output) = without_rights(&["build".as_ref(), folder]) else {
        return;
    };
    check_refused(
        &output,
        1,
        &["cannot write", "Permission denied", "folder is writable"],
    );
    check_same(&site.files(), &before);
    let out = elsewhere.path().join("out");
    let words: [&OsStr; 4] = ["build".as_ref(), folder, "--out".as_ref(), out.as_os_str()];
    without_rights(&words).unwrap().ok();
    assert!(elsewhere.has("out/sw.js"));
    // nor can an output folder be made where nothing may be written
    rights(elsewhere.path(), 0o555);
    let within = elsewhere.path().join("new");
    let words: [&OsStr; 4] = [
        "build".as_ref(),
        folder,
        "--out".as_ref(),
        within.as_os_str(),
    ];
    check_refused(
        &without_rights(&words).unwrap(),
        1,
        &["cannot write", "Permission denied"],
    );
    assert!(!within.exists());
    for folder in [site.path(), elsewhere.path()] {
        rights(folder, 0o755);
    }
}

#[test]
fn a_file_of_2_gb_is_left_out_with_a_word_and_never_read() {
    let site = small_site();
    let film = File::create(site.path().join("film.mp4")).unwrap();
    film.set_len(2 << 30).unwrap();
    // Whoever read it would need as much memory.
    let limited = "ulimit -v 1000000; exec \"$0\" build \"$1\"";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_revisit")])
        .env("XDG_CACHE_HOME", cache_home())
        .arg(site.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        said.contains("left out   1 file, 2.1 GB: over the budget"),
        "{said}"
    );
    assert!(said.contains("2.1 GB  film.mp4"), "{said}");
    fs::remove_file(site.path().join("film.mp4")).unwrap();
    check_whole(&site);
}

#[test]
fn fifty_thousand_files_are_built_and_all_of_them_kept() {
    // In memory where that is permitted: so many files take a disk long to write and to remove.
    let (disk, site) = (SmallDisk::mount(1 << 30), Site::new());
    let path = disk.as_ref().map_or(site.path(), |disk| &disk.path);
    for folder in 0..500 {
        let folder = path.join(format!("data/{folder}"));
        fs::create_dir_all(&folder).unwrap();
        for file in 0..100 {
            fs::write(
                folder.join(format!("{file}.json")),
                format!("{folder:?} {file}"),
            )
            .unwrap();
        }
    }
    copy(&small_site(), path);
    let report = report(&build(path, &["--json"]));
    assert_eq!(report["files"], 50_004);
    assert_eq!(report["precached_files"], 50_004);
    assert_eq!(report["left_out"], serde_json::json!([]));
}

/// A file system of its own; gone with the value.
struct SmallDisk {
    path: PathBuf,
    _folder: Site,
}

impl SmallDisk {
    /// `None` where mounting is not permitted.
    fn mount(bytes: usize) -> Option<SmallDisk> {
        let folder = Site::new();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder.path())
            .output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let path = folder.path().to_owned();
        Some(SmallDisk {
            path,
            _folder: folder,
        })
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        Site::copy_of(&self.path).files()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

fn copy(site: &Site, to: &Path) {
    for (name, bytes) in site.files() {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
