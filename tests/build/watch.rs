//! `--watch`: the folder is built again when something of it changed, and only then.

use super::*;
use crate::harness::{DEADLINE, eventually};

/// A build that watches, and what it watches.
struct Watch {
    site: Site,
    config: Site,
    command: Serve,
}

fn watch(site: Site, config: Site, more: &[&str]) -> Watch {
    let folder = text(site.path());
    let words = [&["build", &folder, "--watch"], more].concat();
    let command = Serve::start_without_address(config.path(), &words);
    command.wait_until_said("watching ");
    Watch {
        site,
        config,
        command,
    }
}

impl Watch {
    fn builds(&self) -> usize {
        self.command.said().matches("built ").count()
    }

    /// Waits for the build that comes after so many.
    #[track_caller]
    fn wait_for_build(&self, number: usize) {
        eventually("the next build", DEADLINE, || {
            (self.builds() >= number).then_some(())
        });
        assert_eq!(self.builds(), number, "{}", self.command.said());
    }
}

#[test]
fn every_change_is_built_once_and_what_the_build_writes_is_none() {
    let mut watch = watch(small_site(), Site::new(), &[]);
    watch.wait_for_build(1);
    check_whole(&watch.site);
    watch.site.file("app.js", "document.title = 'two'");
    watch.wait_for_build(2);
    check_whole(&watch.site);
    // in place the page gets its tag: that is a write of ours
    watch
        .site
        .file("new.html", "<title>New</title><h1>New</h1>");
    watch.wait_for_build(3);
    assert!(watch.site.read("new.html").contains("data-revisit"));
    watch.site.remove("new.html");
    watch.wait_for_build(4);
    check_whole(&watch.site);
    // each wait above would have seen a build too many before it; this one waits for the last
    watch.site.file("app.js", "document.title = 'three'");
    watch.wait_for_build(5);
    assert!(
        watch.command.interrupt().success(),
        "{}",
        watch.command.said()
    );
    assert_eq!(watch.builds(), 5, "{}", watch.command.said());
}

#[test]
fn the_config_and_the_script_beside_it_are_watched_as_well() {
    let config = Site::new();
    config.file("own.js", "const words = 'one'");
    let out = Site::new();
    let watch = watch(
        small_site(),
        config,
        &["--inject", "own.js", "--out", &text(out.path())],
    );
    watch.wait_for_build(1);
    assert!(out.read("sw.js").contains("'one'"));
    watch.config.file("own.js", "const words = 'two'");
    watch.wait_for_build(2);
    assert!(out.read("sw.js").contains("'two'"));
    watch
        .config
        .file("revisit.toml", "[precache]\nexclude = [\"about/**\"]\n");
    watch.wait_for_build(3);
    assert!(watch.command.said().contains("precached  3 files of 4"));
    assert!(!watch.site.has("sw.js"));
}

#[test]
fn an_error_is_told_and_the_next_change_is_built() {
    let mut watch = watch(small_site(), Site::new(), &[]);
    let page = watch.site.read("index.html");
    watch.site.remove("index.html");
    watch
        .command
        .wait_until_said("the entry page `index.html` is not there");
    watch.config.file("revisit.toml", "[site]\nentri = 1\n");
    watch.command.wait_until_said("unknown field `entri`");
    watch.config.remove("revisit.toml");
    watch.site.file("index.html", page);
    watch.wait_for_build(2);
    assert!(watch.command.stop().success());
    check_whole(&watch.site);
}

#[test]
fn a_watch_and_words_that_end_exclude_each_other() {
    let site = small_site();
    for other in ["--json", "--uninstall"] {
        let output = build(site.path(), &["--watch", other]);
        assert_eq!(output.code, Some(2));
        assert!(
            output.stderr.contains("cannot be used with"),
            "{}",
            output.stderr
        );
    }
}
