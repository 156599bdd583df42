//! The tree of these tests: `site/` with a file, a folder, links in and out; `secret` beside it.

use std::io::Read;
use std::os::unix::fs::symlink;

use super::*;

#[test]
fn links_are_followed_as_long_as_they_stay_inside() {
    let tree = Tree::new();
    tree.check("page.html", Some("page"));
    tree.check("sub/in.html", Some("in"));
    tree.check("link.html", Some("page"));
    tree.check("absolute.html", Some("page"));
    tree.check("folder-link/in.html", Some("in"));
    tree.check("sub/up.html", Some("page"));
}

#[test]
fn a_link_that_leads_out_is_not_there() {
    let tree = Tree::new();
    for name in ["out", "out-absolute", "out-folder/secret", "chain"] {
        tree.check(name, None);
    }
}

#[test]
fn a_link_to_a_hidden_file_is_not_there() {
    let tree = Tree::new();
    tree.check("hidden-link", None);
    tree.check("hidden-folder-link/config", None);
    tree.check(".env", None);
}

#[test]
fn what_is_no_regular_file_is_not_there() {
    let tree = Tree::new();
    for name in [
        "",
        "sub",
        "sub/",
        "loop",
        "dangling",
        "pipe",
        "socket",
        "page.html/a",
        "none",
    ] {
        tree.check(name, None);
    }
    tree.check(&"a".repeat(300), None);
    tree.check(&"a/".repeat(3000), None);
}

#[test]
fn a_folder_that_was_swapped_is_seen_at_the_next_look() {
    let tree = Tree::new();
    std::fs::rename(tree.path("site"), tree.path("old")).unwrap();
    std::fs::create_dir(tree.path("site")).unwrap();
    std::fs::write(tree.path("site/page.html"), "new").unwrap();
    tree.check("page.html", Some("new"));
}

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        let path = |name: &str| tree.path(name);
        for folder in ["site", "site/sub", "site/.git", "outside"] {
            std::fs::create_dir(path(folder)).unwrap();
        }
        for (file, text) in [
            ("site/page.html", "page"),
            ("site/sub/in.html", "in"),
            ("site/.env", "secret"),
            ("site/.git/config", "secret"),
            ("secret", "secret"),
            ("outside/secret", "secret"),
        ] {
            std::fs::write(path(file), text).unwrap();
        }
        for (from, to) in [
            ("link.html", "page.html"),
            ("folder-link", "sub"),
            ("sub/up.html", "../page.html"),
            ("out", "../secret"),
            ("out-folder", "../outside"),
            ("chain", "out"),
            ("hidden-link", ".env"),
            ("hidden-folder-link", ".git"),
            ("loop", "loop"),
            ("dangling", "none"),
        ] {
            symlink(to, path(&format!("site/{from}"))).unwrap();
        }
        symlink(path("site/page.html"), path("site/absolute.html")).unwrap();
        symlink(path("secret"), path("site/out-absolute")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path("site/pipe"), 0o600.into()).unwrap();
        std::os::unix::net::UnixListener::bind(path("site/socket")).unwrap();
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Both ways to open must say the same.
    fn check(&self, name: &str, expected: Option<&str>) {
        let root = Root::open(&self.path("site")).unwrap();
        assert_eq!(text(root.file(name)).as_deref(), expected, "{name}");
        let by_steps = root.0.by_steps(name).and_then(|file| {
            let metadata = file.metadata().unwrap();
            if metadata.is_file() {
                Ok((file, metadata))
            } else {
                Err(NoFile::NotThere)
            }
        });
        assert_eq!(text(by_steps).as_deref(), expected, "{name}, step by step");
    }
}

fn text(opened: Result<(File, Metadata), NoFile>) -> Option<String> {
    match opened {
        Ok((mut file, _)) => {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            Some(text)
        }
        Err(NoFile::NotThere) => None,
        Err(other) => panic!("{other:?}"),
    }
}
