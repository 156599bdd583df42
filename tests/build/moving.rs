//! Folders that do not hold still, and builds that are not let finish.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::harness::poll;

#[test]
fn while_files_come_go_and_change_a_build_is_whole_or_says_why_not() {
    let site = small_site();
    for n in 0..40 {
        site.file(&format!("deep/{n}/page.html"), format!("<h1>{n}</h1>"));
    }
    let out = Site::new();
    let stop = AtomicBool::new(false);
    let mut refused = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| write_until(&stop, &site));
        for _ in 0..24 {
            let output = build(site.path(), &["--out", &text(out.path())]);
            match output.code {
                Some(0) => check_whole(&out),
                _ => {
                    check_refused(&output, 1, &["kept changing", "when nothing writes"]);
                    refused += 1;
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!("{refused} of 24 builds were refused");
    build(site.path(), &["--out", &text(out.path())]).ok();
    check_whole(&out);
}

/// Rewrites files in place, puts others in their place, and lets files and folders come and go.
fn write_until(stop: &AtomicBool, site: &Site) {
    let path = |name: &str| site.path().join(name);
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        let letters = vec![b'a' + (round % 26) as u8; 1000 + round % 7 * 5000];
        let _ = fs::write(path("app.js"), &letters);
        let page = format!("<!doctype html><script src=app.js></script><p>{round}");
        let _ = fs::write(path("new.tmp"), page);
        let _ = fs::rename(path("new.tmp"), path("about/index.html"));
        let folder = path(&format!("deep/{}", round % 40));
        let _ = fs::remove_dir_all(&folder);
        // Long pauses now and then, or no build would ever find a quiet moment.
        std::thread::sleep(Duration::from_millis(match round % 30 {
            0 => 800,
            _ => 1,
        }));
        let _ = fs::create_dir_all(&folder);
        let _ = fs::write(folder.join("page.html"), format!("<h1>{round}</h1>"));
    }
}

#[test]
fn a_build_that_was_killed_is_completed_by_the_next() {
    let site = big_site();
    let reference = Site::copy_of(site.path());
    build(reference.path(), &[]).ok();
    let expected = reference.files();
    for moment in 0..6 {
        let work = Site::copy_of(site.path());
        let killed = kill_in_the_middle(&work, moment);
        println!("moment {moment}: killed {killed}");
        // whatever it left, the site's own files are whole: with our tag or without
        for (name, bytes) in &site.files() {
            let now = &work.files()[name];
            assert!(
                now == bytes || *now == expected[name],
                "moment {moment}: {name}"
            );
        }
        build(work.path(), &[]).ok();
        check_same(&work.files(), &expected);
    }
}

#[test]
fn an_update_that_was_killed_is_completed_by_the_next() {
    let site = big_site();
    build(site.path(), &[]).ok();
    site.file("app.js", "document.title = 'two'")
        .file("new.html", "<h1>New</h1>");
    let reference = Site::copy_of(site.path());
    build(reference.path(), &[]).ok();
    for moment in 0..4 {
        let work = Site::copy_of(site.path());
        kill_in_the_middle(&work, moment);
        build(work.path(), &[]).ok();
        check_same(&work.files(), &reference.files());
    }
}

/// Starts a build in place and kills it: as soon as it writes, or so many files later.
fn kill_in_the_middle(work: &Site, moment: usize) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_revisit"))
        .env("XDG_CACHE_HOME", cache_home())
        .arg("build")
        .arg(work.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let staging = work.path().join(".revisit-staging");
    let output = work.path().join("revisit");
    let count = |folder: &Path| fs::read_dir(folder).map_or(0, Iterator::count);
    loop {
        // in the first half of the moments while it writes, in the second while it renames
        let reached = match moment % 2 {
            0 => staging.exists() && count(&staging) >= moment * 20,
            _ => count(&output) > moment / 2,
        };
        if reached {
            let _ = child.kill();
        }
        if let Ok(Some(status)) = child.try_wait() {
            return !status.success();
        }
    }
}

fn big_site() -> Site {
    let site = small_site();
    for n in 0..120 {
        let text = format!("<p>{n}</p>").repeat(500);
        site.file(
            &format!("pages/{n}.html"),
            format!("<!doctype html><title>{n}</title>{text}"),
        )
        .file(&format!("data/{n}.json"), format!("{{\"n\": {n}}}"));
    }
    site
}

#[test]
fn a_killed_build_into_a_copy_leaves_nothing_that_stays() {
    let (site, parent) = (big_site(), Site::new());
    let out = parent.path().join("out");
    for round in 0..3 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_revisit"))
            .env("XDG_CACHE_HOME", cache_home())
            .arg("build")
            .arg(site.path())
            .arg("--out")
            .arg(&out)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let staging = parent.path().join(".out.revisit-staging");
        poll(Duration::from_secs(20), || {
            staging.join("new/pages").exists().then_some(())
        });
        let _ = child.kill();
        let _ = child.wait();
        build(site.path(), &["--out", &text(&out)]).ok();
        let names = fs::read_dir(parent.path()).unwrap().flatten();
        let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["out"], "round {round}");
        check_whole(&Site::copy_of(&out));
    }
}
