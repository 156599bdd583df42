//! What is kept, for how long, and what goes when there is no room.

use std::time::SystemTime;

use http::HeaderValue;
use http::header::CACHE_CONTROL;

use super::*;

/// Stands still until it is moved.
#[derive(Default)]
struct Hand(Mutex<Duration>);

impl Clock for Hand {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
    fn elapsed(&self) -> Duration {
        *lock(&self.0)
    }
}

struct World {
    site: TempDir,
    clock: Arc<Hand>,
    retained: Retained,
}

/// Ten seconds, and so many bytes.
fn world(bytes_max: u64) -> World {
    let site = tempfile::tempdir().unwrap();
    let clock = Arc::new(Hand::default());
    let bounds = Bounds {
        time: Duration::from_secs(10),
        bytes_max,
    };
    let retained = Retained::new(site.path(), bounds, clock.clone()).unwrap();
    World {
        site,
        clock,
        retained,
    }
}

impl World {
    /// The site has these files of so many bytes and nothing else, and a look finds them.
    fn look(&self, files: &[(&str, usize)], generated: &[(&str, usize)]) {
        let mut layer = Layer::default();
        for (path, bytes) in files {
            let full = self.site.path().join(path);
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            if fs::metadata(&full).map_or(0, |found| found.len()) != *bytes as u64 {
                fs::write(&full, "x".repeat(*bytes)).unwrap();
            }
            let hashed = path.contains('-');
            let known = Known {
                stamp: FileStamp::of(&fs::metadata(&full).unwrap()),
                sha256: None,
                edits: Vec::new(),
                cache_control: hashed.then(|| HeaderValue::from_static(FOR_GOOD)),
                content_type: None,
            };
            layer.files.insert((*path).to_owned(), known);
        }
        for (path, bytes) in generated {
            let made = Generated {
                body: "x".repeat(*bytes).into(),
                sha256: [0; 32],
                headers: vec![(CACHE_CONTROL, HeaderValue::from_static(FOR_GOOD))],
                follows_folder: *path == "sw.js",
            };
            layer.generated.insert((*path).to_owned(), made);
        }
        self.retained.keep(&layer);
    }

    fn later(&self, seconds: u64) {
        *lock(&self.clock.0) += Duration::from_secs(seconds);
    }

    #[track_caller]
    fn check(&self, has: &[&str], has_not: &[&str]) {
        let copied = |path: &&str| self.retained.folder().join(path).is_file();
        for path in has {
            assert!(self.retained.has(path), "{path} is not there");
        }
        for path in has_not {
            assert!(!self.retained.has(path), "{path} is there");
            assert!(!copied(path), "{path} lies on the disk still");
        }
    }
}

#[test]
fn what_promises_a_content_hash_is_kept_and_nothing_else() {
    let world = world(1000);
    world.look(
        &[("js/a-1.js", 10), ("plain.js", 10)],
        &[("revisit/x.pack", 10), ("sw.js", 10)],
    );
    world.check(&["js/a-1.js", "revisit/x.pack"], &["plain.js", "sw.js"]);
    let copy = world.retained.folder().join("js/a-1.js");
    assert_eq!(fs::read(copy).unwrap(), b"x".repeat(10));
}

#[test]
fn its_time_begins_when_a_look_first_misses_it_and_ends_to_the_second() {
    let world = world(1000);
    world.look(&[("a-1.js", 10), ("b-1.js", 10)], &[]);
    world.later(100);
    world.look(&[("b-1.js", 10)], &[]);
    world.later(9);
    world.look(&[("b-1.js", 10)], &[]);
    world.check(&["a-1.js", "b-1.js"], &[]);
    world.later(1);
    assert!(!world.retained.has("a-1.js"), "without another look");
    world.look(&[("b-1.js", 10)], &[]);
    world.check(&["b-1.js"], &["a-1.js"]);
}

#[test]
fn what_comes_back_has_all_its_time_again() {
    let world = world(1000);
    world.look(&[("a-1.js", 10)], &[]);
    world.look(&[], &[]);
    world.later(9);
    world.look(&[("a-1.js", 10)], &[]);
    world.later(9);
    world.look(&[], &[]);
    world.later(9);
    world.check(&["a-1.js"], &[]);
}

#[test]
fn what_went_longest_ago_makes_room_and_what_went_last_does_not() {
    let world = world(30);
    world.look(&[("a-1.js", 10)], &[]);
    world.later(1);
    world.look(&[("b-1.js", 10)], &[("p.pack", 10)]);
    world.check(&["a-1.js", "b-1.js", "p.pack"], &[]);
    world.later(1);
    world.look(&[("c-1.js", 10)], &[]);
    world.check(&["b-1.js", "p.pack", "c-1.js"], &["a-1.js"]);
    // those went at the last change: nothing of theirs makes room
    world.look(&[("c-1.js", 10), ("d-1.js", 1)], &[]);
    world.check(&["b-1.js", "p.pack", "c-1.js"], &["d-1.js"]);
}

#[test]
fn the_bound_is_met_to_the_byte_and_small_files_come_first() {
    let world = world(30);
    world.look(&[("a-1.js", 20), ("b-1.js", 10), ("c-1.js", 21)], &[]);
    world.check(&["a-1.js", "b-1.js"], &["c-1.js"]);
    assert_eq!(lock(&world.retained.books).bytes, 30);
}

#[test]
fn a_file_that_changed_under_its_name_is_kept_as_it_is_now() {
    let world = world(1000);
    world.look(&[("a-1.js", 10)], &[]);
    world.look(&[("a-1.js", 12)], &[]);
    let copy = world.retained.folder().join("a-1.js");
    assert_eq!(fs::metadata(copy).unwrap().len(), 12);
    assert_eq!(lock(&world.retained.books).bytes, 12);
}

#[test]
fn a_file_that_is_no_longer_as_the_look_saw_it_is_not_kept() {
    let world = world(1000);
    let stamp = FileStamp {
        size: 10,
        inode: 1,
        modified_ns: 1,
        changed_ns: 1,
    };
    fs::write(world.site.path().join("a-1.js"), "x".repeat(10)).unwrap();
    let known = Known {
        stamp,
        sha256: None,
        edits: Vec::new(),
        cache_control: Some(HeaderValue::from_static(FOR_GOOD)),
        content_type: None,
    };
    let files = HashMap::from([("a-1.js".to_owned(), known)]);
    let generated = HashMap::new();
    world.retained.keep(&Layer { generated, files });
    world.check(&[], &["a-1.js"]);
    assert_eq!(lock(&world.retained.books).bytes, 0);
}

#[test]
fn the_copies_go_with_it() {
    let world = world(1000);
    world.look(&[("a-1.js", 10)], &[]);
    let folder = world.retained.folder().to_owned();
    drop(world.retained);
    assert!(!folder.exists());
}
