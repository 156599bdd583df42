//! What a build says of a site that will disappoint somebody once it is deployed.

use super::*;

#[track_caller]
fn check_has(said: &str, words: &str) {
    assert!(said.contains(words), "it said:\n{said}without: {words}");
}

#[test]
fn a_missing_file_is_said_once_for_all_pages_whose_head_loads_it_in_each_build_until_it_is_there() {
    let site = small_site();
    let page = "<!doctype html><head><script src=/App.js></script><link rel=stylesheet href=/gone.css></head>";
    for name in ["a.html", "b.html", "deep/c.html"] {
        site.file(name, page);
    }
    let case = "warning: `a.html` and 2 other pages load `/App.js`, which is not there; there is \
                `app.js`, which differs in case: many servers tell them apart";
    let gone = "warning: `a.html` and 2 other pages load `/gone.css`, which is not there";
    // the second in place, whose pages have their tag and are known from the first
    for _ in 0..2 {
        let output = build(site.path(), &[]);
        check_has(&output.ok().stdout, case);
        check_has(&output.stdout, gone);
        site.file(
            "new.txt",
            "another file, so that there is something to build",
        );
    }
    site.file("gone.css", "").file("App.js", "");
    let output = build(site.path(), &[]);
    assert!(!output.ok().stdout.contains("warning"), "{}", output.stdout);
}

#[test]
fn code_from_elsewhere_is_said_of_what_the_shell_loads() {
    let site = small_site();
    site.file("site.css", "@import '//fonts.example/a.css';");
    let output = build(site.path(), &[]);
    check_has(
        &output.ok().stdout,
        "warning: `site.css` loads `//fonts.example/a.css` from elsewhere",
    );
}

#[test]
fn a_site_that_sends_far_more_than_its_first_page_needs_is_told_so_and_the_example_is_not() {
    let site = small_site();
    site.file("pictures/a.png", noise(4 << 20))
        .file("pictures/b.png", noise(2 << 20));
    let words = "note: every visitor is sent 6.0 MiB ahead of time";
    let output = build(site.path(), &[]);
    check_has(&output.ok().stdout, words);
    check_has(&output.stdout, "most in `pictures/` 6.0 MiB");
    let lazy = build_with(site.path(), "[precache]\nlazy = ['pictures/**']\n", &[]);
    let said = &lazy.ok().stdout;
    assert!(!said.contains("is sent"), "{said}");

    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/flowers");
    let out = Site::new();
    let output = build(&example, &["--out", &text(out.path())]);
    let said = &output.ok().stdout;
    assert!(
        !said.contains("is sent") && !said.contains("warning:"),
        "{said}"
    );
}
