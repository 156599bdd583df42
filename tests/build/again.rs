//! Building again: what did not change is neither read nor written, and what changed is seen.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::*;
use crate::harness::{DEADLINE, cannot_run, eventually};

/// A site of files that were changed long ago, as far as anybody can tell, and a cache of its own.
struct Again {
    site: Site,
    out: Site,
    cache: Site,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    InPlace,
    Copy,
}

const PLACES: [Place; 2] = [Place::InPlace, Place::Copy];

impl Again {
    fn new(place: Place) -> Again {
        let again = Again {
            site: small_site(),
            out: Site::new(),
            cache: Site::new(),
            place,
        };
        again.site.file("picture.png", noise(5000));
        again.site.file(".nojekyll", "");
        again
    }

    /// Waits until no file of the site is so fresh that it is distrusted.
    fn settle(&self) {
        let youngest = || {
            let changed = |name: &String| {
                let metadata = fs::metadata(self.site.path().join(name)).unwrap();
                SystemTime::UNIX_EPOCH + Duration::from_secs(metadata.ctime() as u64 + 1)
            };
            self.site.files().keys().map(changed).max().unwrap()
        };
        eventually("the files to be two seconds old", DEADLINE, || {
            let quiet = SystemTime::now().duration_since(youngest());
            quiet
                .is_ok_and(|quiet| quiet > Duration::from_secs(2))
                .then_some(())
        });
    }

    #[track_caller]
    fn build(&self) -> Built {
        let mut words = vec!["build".into(), text(self.site.path()), "--json".into()];
        if self.place == Place::Copy {
            words.extend(["--out".into(), text(self.out.path())]);
        }
        words.extend(["--config".into(), text(&self.config())]);
        let output = revisit(&words);
        let printed: Value = serde_json::from_str(&output.ok().stdout).unwrap();
        Built {
            written: printed["written"]["written"].as_u64().unwrap(),
            report: printed["report"].clone(),
            stderr: output.stderr,
        }
    }

    fn config(&self) -> PathBuf {
        let cache = text(self.cache.path());
        self.cache
            .file("revisit.toml", format!("[build]\ncache = '{cache}'\n"));
        self.cache.path().join("revisit.toml")
    }

    fn built(&self) -> &Site {
        match self.place {
            Place::InPlace => &self.site,
            Place::Copy => &self.out,
        }
    }

    /// The only file of the cache.
    fn memory(&self) -> PathBuf {
        let mut files = fs::read_dir(self.cache.path().join("builds")).unwrap();
        let (Some(file), None) = (files.next(), files.next()) else {
            panic!("not one file in the cache");
        };
        file.unwrap().path()
    }

    /// A build now gives the same files as one that knows of nothing, but for how they are packed:
    /// packs of the build before are kept.
    #[track_caller]
    /// Builds; all but the packs is as if there had been no build before, and those have every file.
    fn check_as_if_new(&self) {
        let other = Site::copy_of(self.site.path());
        build(other.path(), &["--no-cache"]).ok();
        self.build();
        let own = |site: &Site| {
            let mut files = site.files();
            // packs may have been kept, and their names are in the list, and its name in the worker
            files.retain(|name, _| !name.starts_with("revisit/") && name != "sw.js");
            files
        };
        check_same(&own(self.built()), &own(&other));
        check_whole(self.built());
        check_whole(&other);
    }
}

struct Built {
    written: u64,
    report: Value,
    stderr: String,
}

#[test]
fn an_unchanged_site_is_built_by_writing_nothing_and_told_as_before() {
    for place in PLACES {
        let again = Again::new(place);
        again.settle();
        let first = again.build();
        assert!(first.written > 0);
        let before = states(again.built());
        let second = again.build();
        assert_eq!(
            (second.written, &second.report),
            (0, &first.report),
            "{place:?}"
        );
        assert_eq!(states(again.built()), before, "{place:?}");
        // the next to be built knows whose the memory is
        again.site.file("app.js", "another script");
        assert!(again.build().written > 0);
    }
}

/// Which file stands behind each name, and when it changed last.
fn states(site: &Site) -> Vec<(String, u64, i64, i64)> {
    let state = |name: &String| {
        let it = fs::metadata(site.path().join(name)).unwrap();
        (name.clone(), it.ino(), it.ctime(), it.ctime_nsec())
    };
    site.files().keys().map(state).collect()
}

#[test]
fn an_unchanged_site_is_not_read_and_of_a_changed_one_what_changed() {
    for place in PLACES {
        let again = Again::new(place);
        let Some(_mounted) = Mounted::over(again.site.path()) else {
            return;
        };
        again.site.overlay(small_site().path());
        again.site.file("picture.png", noise(5000));
        again.settle();
        again.build();
        let names = [
            "index.html",
            "about/index.html",
            "app.js",
            "site.css",
            "picture.png",
        ];
        let read_by = |build: &dyn Fn()| {
            let times = || names.iter().map(|name| accessed(&again.site, name));
            let before: Vec<_> = times().collect();
            build();
            let moved = names.iter().zip(before).zip(times());
            let moved = moved.filter(|((_, before), after)| before != after);
            moved.map(|((name, _), _)| *name).collect::<Vec<_>>()
        };
        assert_eq!(read_by(&|| drop(again.build())), [""; 0], "{place:?}");
        // this is how it looks when all is read
        let elsewhere = Site::new();
        let words = ["--no-cache", "--out", &text(elsewhere.path())];
        let read = read_by(&|| drop(build(again.site.path(), &words)));
        assert!(
            read.contains(&"index.html") && read.contains(&"picture.png"),
            "{read:?}"
        );

        again
            .site
            .file("about/index.html", "<title>Another</title>");
        let read = read_by(&|| drop(again.build()));
        assert!(read.contains(&"about/index.html"), "{place:?}: {read:?}");
        assert!(!read.contains(&"index.html"), "{place:?}: {read:?}");
    }
}

fn accessed(site: &Site, name: &str) -> (i64, i64) {
    let it = fs::metadata(site.path().join(name)).unwrap();
    (it.atime(), it.atime_nsec())
}

/// A file system that notes each reading of a file.
struct Mounted(PathBuf);

impl Mounted {
    /// `None`, with a word, where mounting is not permitted.
    fn over(folder: &Path) -> Option<Mounted> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "strictatime,size=16m", "tmpfs"]);
        if !mount
            .arg(folder)
            .output()
            .is_ok_and(|output| output.status.success())
        {
            let fact = "no file system that notes readings can be mounted here";
            cannot_run(fact, MOUNTING);
            return None;
        }
        Some(Mounted(folder.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn an_edit_in_the_very_moment_after_a_build_is_seen() {
    for place in PLACES {
        let again = Again::new(place);
        again.build();
        for round in 0..12 {
            // the same length each time, and no pause: often within one tick of the disk's clock
            let letter = char::from(b'a' + round);
            let page = again.site.read("about/index.html");
            let (before, after) = page.split_once("<h1>").unwrap();
            again.site.file(
                "about/index.html",
                format!("{before}<h1>{letter}{}", &after[1..]),
            );
            again
                .site
                .file("app.js", format!("document.title = '{letter}'"));
            again.build();
            let built = again.built();
            assert!(
                built
                    .read("about/index.html")
                    .contains(&format!("<h1>{letter}bout"))
            );
            assert!(built.read("app.js").contains(&format!("'{letter}'")));
            check_whole(built);
        }
        again.check_as_if_new();
    }
}

#[test]
fn an_edit_whose_time_was_set_back_is_seen() {
    for place in PLACES {
        let again = Again::new(place);
        again.settle();
        again.build();
        for name in ["picture.png", "about/index.html", ".nojekyll"] {
            let path = again.site.path().join(name);
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            let bytes: Vec<u8> = fs::read(&path).unwrap();
            let other: Vec<u8> = bytes
                .iter()
                .map(|byte| if *byte == b'A' { b'B' } else { *byte })
                .collect();
            let file = File::options().write(true).open(&path).unwrap();
            std::io::Write::write_all(&mut &file, &other).unwrap();
            file.set_modified(modified).unwrap();
            drop(file);
            again.check_as_if_new();
        }
    }
}

#[test]
fn a_copy_takes_over_what_did_not_change_and_never_a_file_of_the_site() {
    let again = Again::new(Place::Copy);
    again.settle();
    again.build();
    let before = states(&again.out);
    again.site.file("app.js", "document.title = 'two'");
    again.check_as_if_new();
    let same: Vec<String> = states(&again.out)
        .into_iter()
        .filter(|(name, inode, ..)| {
            before
                .iter()
                .any(|(other, then, ..)| other == name && then == inode)
        })
        .map(|(name, ..)| name)
        .collect();
    for name in ["picture.png", "site.css", "about/index.html", ".nojekyll"] {
        assert!(
            same.contains(&name.to_owned()),
            "{name} is not among {same:?}"
        );
    }
    assert!(!same.contains(&"app.js".to_owned()));
    assert!(same.iter().any(|name| name.ends_with(".pack")), "{same:?}");
    for built in [&again.site, &again.out] {
        for name in built.files().keys() {
            let links = fs::metadata(built.path().join(name)).unwrap().nlink();
            assert_eq!(links, 1, "{name}");
        }
    }
}

#[test]
fn what_somebody_changed_in_the_output_is_made_anew() {
    for place in PLACES {
        let again = Again::new(place);
        again.settle();
        again.build();
        let pack = again
            .built()
            .files()
            .into_keys()
            .find(|name| name.ends_with(".pack"));
        let mut names = vec![pack.unwrap(), "sw.js".to_owned()];
        if place == Place::Copy {
            names.push("picture.png".to_owned());
            names.push(".nojekyll".to_owned());
        }
        for name in names {
            let whole = again.built().files();
            let file = File::options()
                .append(true)
                .open(again.built().path().join(&name))
                .unwrap();
            std::io::Write::write_all(&mut &file, b" ").unwrap();
            drop(file);
            again.build();
            check_same(&again.built().files(), &whole);
            again.built().remove(&name);
            again.build();
            check_same(&again.built().files(), &whole);
        }
        // a file that is not ours goes from a copy, which is replaced as a whole
        if place == Place::Copy {
            again.out.file("stranger.txt", "x");
            again.check_as_if_new();
        }
    }
}

#[test]
fn another_config_is_another_build() {
    let again = Again::new(Place::InPlace);
    again.settle();
    let first = again.build();
    let config = again.config();
    let words = fs::read_to_string(&config).unwrap() + "[worker]\nupdate = 'immediate'\n";
    fs::write(&config, words).unwrap();
    let output = build(again.site.path(), &["--json", "--config", &text(&config)]);
    let printed: Value = serde_json::from_str(&output.ok().stdout).unwrap();
    assert_eq!(printed["report"]["build"], first.report["build"]);
    assert_eq!(printed["written"]["written"], 1, "the worker alone");
}

#[test]
fn a_damaged_memory_is_as_if_there_were_none() {
    let again = Again::new(Place::Copy);
    again.settle();
    again.build();
    let path = again.memory();
    let whole = fs::read(&path).unwrap();
    for at in [0, 17, 20, 60, 110, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, damaged).unwrap();
        again.check_as_if_new();
        fs::write(&path, &whole[..at]).unwrap();
        again.check_as_if_new();
    }
}

#[test]
fn a_cache_that_cannot_be_written_costs_a_warning() {
    let again = Again::new(Place::InPlace);
    // a file in the place of its folder, which not even an administrator can write into
    again.cache.file("builds", "");
    let built = again.build();
    let said = built.stderr;
    assert!(said.contains("cannot remember this build in"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    again.check_as_if_new();

    let again = Again::new(Place::InPlace);
    let full = again.cache.path().join("full");
    fs::create_dir(&full).unwrap();
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", "size=4k", "tmpfs"])
        .arg(&full);
    if !mount.output().is_ok_and(|output| output.status.success()) {
        cannot_run("a full disk cannot be mounted here", MOUNTING);
        return;
    }
    let _mounted = Mounted(full.clone());
    fs::write(full.join("filler"), noise(4096)).unwrap();
    let config = format!("[build]\ncache = '{}'\n", text(&full));
    let output = build_with(again.site.path(), &config, &[]);
    let said = &output.ok().stderr;
    assert!(said.contains("cannot remember this build in"), "{said}");
    let left = fs::read_dir(full.join("builds")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "half a file was left");
}

#[test]
fn without_a_cache_nothing_is_remembered_and_a_cache_within_the_site_is_refused() {
    let again = Again::new(Place::InPlace);
    let config = text(&again.config());
    build(again.site.path(), &["--no-cache", "--config", &config]).ok();
    assert!(!again.cache.has("builds"));
    build_with(again.site.path(), "[build]\ncache = ''\n", &[]).ok();
    let within = again.site.path().join("deep/cache");
    let config = format!("[build]\ncache = '{}'\n", text(&within));
    check_refused(
        &build_with(again.site.path(), &config, &[]),
        2,
        &[
            "`build.cache` cannot be",
            "must not lie within the site or the output",
            "--no-cache",
        ],
    );
    assert!(!within.exists());
}

#[test]
fn two_builds_at_the_same_time_both_succeed_and_leave_one_whole_site() {
    for place in PLACES {
        let again = Again::new(place);
        for n in 0..60 {
            again
                .site
                .file(&format!("pages/{n}.html"), format!("<title>{n}</title>"));
        }
        for round in 0..6 {
            again
                .site
                .file("app.js", format!("document.title = '{round}'"));
            again
                .site
                .file("about/index.html", format!("<title>{round}</title>"));
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| again.build());
                }
            });
            check_whole(again.built());
            again.check_as_if_new();
        }
    }
}
