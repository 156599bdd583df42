//! What a build leaves: the same for the same input, nothing twice, and words a person can read.

use super::*;

#[test]
fn the_same_files_give_the_same_bytes_in_whatever_order_the_disk_lists_them() {
    let files = Site::copy_of(&crate::harness::examples("flowers")).files();
    let (first, second) = (Site::new(), Site::new());
    for (name, bytes) in &files {
        first.file(name, bytes);
    }
    for (name, bytes) in files.iter().rev() {
        second.file(name, bytes);
        // what was there before leaves holes that the disk fills in its own order
        second.file(&format!("hole-{}", name.replace('/', "-")), "x");
    }
    for name in files.keys() {
        second.remove(&format!("hole-{}", name.replace('/', "-")));
    }
    build(first.path(), &[]).ok();
    build(second.path(), &[]).ok();
    check_same(&second.files(), &first.files());
    check_whole(&first);
}

#[test]
fn in_place_and_into_a_copy_give_the_same_files() {
    let (site, out) = (small_site(), Site::new());
    site.file(".nojekyll", "")
        .file(".well-known/security.txt", "Contact: us");
    build(site.path(), &["--out", &text(out.path())]).ok();
    assert!(
        !site.has("sw.js"),
        "a build into a copy leaves the site alone"
    );
    build(site.path(), &[]).ok();
    check_same(&out.files(), &site.files());
    // and once more into the copy, from what now has tags already
    build(site.path(), &["--out", &text(out.path())]).ok();
    check_same(&out.files(), &site.files());
}

#[test]
fn building_twice_in_place_changes_nothing() {
    let site = Site::copy_of(&crate::harness::examples("flowers"));
    build(site.path(), &[]).ok();
    let (files, times) = (site.files(), times(&site));
    let output = build(site.path(), &[]);
    assert!(
        output
            .ok()
            .stdout
            .contains("nothing changed since the last build"),
        "{}",
        output.stdout
    );
    check_same(&site.files(), &files);
    assert_eq!(self::times(&site), times);
}

#[test]
fn what_an_earlier_build_left_goes_and_pages_keep_one_tag() {
    let site = small_site();
    build(site.path(), &[]).ok();
    let before = site.files();
    site.file("app.js", "document.title = 'two'");
    build(site.path(), &[]).ok();
    let after = site.files();
    assert_eq!(after.len(), before.len());
    assert!(after["sw.js"] != before["sw.js"]);
    assert_eq!(site.read("index.html").matches("data-revisit").count(), 1);
    check_whole(&site);
}

#[test]
fn no_inject_leaves_pages_as_they_are_and_says_what_to_load() {
    let site = small_site();
    let before = site.files();
    let output = build(site.path(), &["--no-inject"]);
    let client = site
        .files()
        .into_keys()
        .find(|name| name.contains("client-"))
        .unwrap();
    let words = format!("no page was touched: load the classic script `/{client}` in yours");
    assert!(output.ok().stdout.contains(&words), "{}", output.stdout);
    for (name, bytes) in before {
        assert!(site.files()[&name] == bytes, "{name}");
    }
    check_whole(&site);
}

#[test]
fn a_summary_says_what_is_kept_and_what_was_added() {
    let site = small_site();
    site.file("app.js.map", "{}");
    let output = build(site.path(), &[]);
    let expected = "built SITE in {} s, build {}\n  \
                    precached  4 files of 5, 475 bytes\n  \
                    shell      3 files, 336 bytes: the first page and all that it loads; the rest follows when the page is idle\n  \
                    as         2 packs ({} bytes to send), 1 entry of its own\n  \
                    added      {} kB of worker, page client and manifest; a script tag in 2 pages\n\
                    note: no host is named (`[site] host`): hashed files get no lifetime, and what header fields pages come with is not known\n";
    check_said(
        &output.ok().stdout,
        &expected.replace("SITE", &text(site.path())),
    );
    assert_eq!(output.stderr, "");
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let site = small_site();
    site.file("back\\slash.txt", "");
    let output = build(site.path(), &["--json"]);
    let printed: Value = serde_json::from_str(&output.ok().stdout).unwrap();
    assert_eq!(output.stderr, "");
    assert_eq!(printed["folder"], text(site.path()));
    assert_eq!(printed["written"]["removed"], 0);
    assert_eq!(printed["report"]["pages_tagged"], 2);
    assert_eq!(printed["report"]["warnings"][0]["kind"], "name_not_text");
    // a refusal is told where errors go, and there is no half of a document
    let output = build(Path::new("/no/such/folder"), &["--json"]);
    check_refused(&output, 1, &[]);
}

fn times(site: &Site) -> Vec<(String, std::time::SystemTime)> {
    let modified = |name: &String| {
        fs::metadata(site.path().join(name))
            .unwrap()
            .modified()
            .unwrap()
    };
    site.files()
        .keys()
        .map(|name| (name.clone(), modified(name)))
        .collect()
}
