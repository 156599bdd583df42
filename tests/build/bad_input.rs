//! What a build refuses: the wrong folder, the wrong words, and what is somebody else's.

use std::net::TcpListener;

use super::*;
use crate::harness::revisit_in;

#[test]
fn a_missing_folder_is_told_with_its_name_and_what_to_give_instead() {
    let output = build(Path::new("/no/such/folder"), &[]);
    assert_eq!(output.code, Some(1));
    assert_eq!(
        output.stderr,
        "error: cannot read the folder `/no/such/folder`\n  \
         caused by: No such file or directory (os error 2)\n\
         help: give the folder that your site's build writes, such as `dist`\n"
    );
    let output = revisit(&["serve", "/no/such/folder", "--listen", "127.0.0.1:0"]);
    check_refused(&output, 1, &["cannot read the folder `/no/such/folder`"]);
}

#[test]
fn a_file_in_place_of_a_folder_is_refused() {
    let site = small_site();
    let output = build(&site.path().join("index.html"), &[]);
    check_refused(
        &output,
        1,
        &["cannot read the folder", "index.html`", "Not a directory"],
    );
}

#[test]
fn a_folder_without_a_page_is_refused() {
    let site = Site::new();
    check_refused(
        &build(site.path(), &[]),
        1,
        &["no HTML page in", "(0 other files)", "`dist`"],
    );
    site.file("app.js", "1").file("notes.txt", "x");
    let said = build(site.path(), &[]);
    check_refused(&said, 1, &["no HTML page in", "(2 other files)"]);
    assert_eq!(site.files().len(), 2, "nothing was written");
}

#[test]
fn a_site_without_its_entry_page_is_told_how_to_name_another() {
    let site = Site::new();
    site.file("home.html", "<h1>Home</h1>");
    let said = build(site.path(), &[]);
    check_refused(
        &said,
        2,
        &["the entry page `index.html` is not there", "[site] entry"],
    );
    build_with(site.path(), "[site]\nentry = [\"home.html\"]\n", &[]).ok();
}

#[test]
fn the_root_and_a_home_folder_are_refused_whatever_they_hold() {
    check_refused(
        &build(Path::new("/"), &[]),
        1,
        &["`/` is the root of the file system"],
    );
    let home = small_site();
    let before = home.files();
    for words in [
        &["build"][..],
        &["build", "--uninstall"],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_revisit"))
            .env("XDG_CACHE_HOME", cache_home())
            .args(words)
            .arg(home.path())
            .env("HOME", home.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("is your home folder"), "{said}");
    }
    check_same(&home.files(), &before);
}

#[test]
fn a_file_or_folder_that_cannot_be_read_is_named() {
    for secret in ["index.html", "app.js", "about/index.html", "about"] {
        let site = small_site();
        rights(site.path(), 0o777);
        rights(&site.path().join("about"), 0o755);
        rights(&site.path().join(secret), 0o000);
        let Some(output) = without_rights(&["build".as_ref(), site.path().as_os_str()]) else {
            return;
        };
        let fact = format!("cannot read `{}", text(&site.path().join(secret)));
        check_refused(
            &output,
            1,
            &[&fact, "Permission denied", "make it readable"],
        );
        rights(&site.path().join(secret), 0o755);
        assert!(!site.has("sw.js") && !site.has("revisit"));
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_one() {
    let site = small_site();
    let config = Site::new();
    config.file("revisit.toml", "[precache]\nbudget_byte = 1\n");
    let path = text(&config.path().join("revisit.toml"));
    let output = build(site.path(), &["--config", &path]);
    assert_eq!(output.code, Some(2));
    check_said(
        &output.stderr,
        "error: cannot use the config `{}revisit.toml`\n  \
         caused by: line 2: unknown field `budget_byte`, expected one of {}\n\
         help: did you mean `budget_bytes`?\n",
    );
    let site = text(site.path());
    let served = revisit_in(config.path(), &["serve", &site, "--listen", "127.0.0.1:0"]);
    check_refused(
        &served,
        2,
        &["cannot use the config `revisit.toml`", "budget_bytes"],
    );
}

#[test]
fn a_pattern_without_sense_is_refused_with_its_key() {
    let site = small_site();
    for (config, key) in [
        (
            "[precache]\ninclude = [\"a{b\"]\n",
            "`precache.include` cannot be `a{b`",
        ),
        (
            "[precache]\nexclude = [\"b}\"]\n",
            "`precache.exclude` cannot be `b}`",
        ),
        (
            "[worker]\nfallback_deny = [\"x{\"]\n",
            "`worker.fallback_deny` cannot be `x{`",
        ),
    ] {
        let output = build_with(site.path(), config, &[]);
        check_refused(&output, 2, &[key, "a brace has no partner", "`**` any"]);
    }
}

#[test]
fn a_config_that_is_named_and_missing_is_no_default_config() {
    let site = small_site();
    let output = build(site.path(), &["--config", "/no/such.toml"]);
    check_refused(
        &output,
        2,
        &["cannot read the config `/no/such.toml`", "No such file"],
    );
    assert!(!site.has("sw.js"));
}

#[test]
fn words_that_mean_nothing_end_with_2_and_the_nearest_command() {
    let output = revisit(&["bild"]);
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("'build'"), "{}", output.stderr);
    assert_eq!(revisit(&["build", ".", "--no-such-flag"]).code, Some(2));
    assert_eq!(revisit(&["build"]).code, Some(2));
    assert_eq!(revisit(&["--help"]).code, Some(0));
}

#[test]
fn a_worker_of_the_sites_own_is_kept_and_another_name_can_be_chosen() {
    let site = small_site();
    site.file("sw.js", "self.addEventListener('fetch', () => {})");
    let before = site.files();
    let output = build(site.path(), &[]);
    let fact = "`sw.js` is there already and was not written by revisit";
    check_refused(&output, 1, &[fact, "--worker-name"]);
    check_refused(&build(site.path(), &["--uninstall"]), 1, &[fact]);
    check_same(&site.files(), &before);
    build(site.path(), &["--worker-name", "offline.js"]).ok();
    assert_eq!(site.read("sw.js").as_bytes(), before["sw.js"]);
    assert!(site.has("offline.js"));
    let output = build(site.path(), &["--worker-name", "../x.js"]);
    assert_eq!(output.code, Some(2), "{}", output.stderr);
}

#[test]
fn a_folder_named_like_ours_that_holds_other_files_is_kept() {
    let site = small_site();
    site.file("revisit/again.html", "<h1>Revisit us</h1>");
    let output = build(site.path(), &[]);
    check_refused(
        &output,
        1,
        &["`revisit/again.html` is there already", "another name"],
    );
    assert!(!site.has("sw.js"));
}

#[test]
fn an_output_folder_that_holds_something_else_is_refused() {
    let (site, out) = (small_site(), Site::new());
    out.file("thesis.txt", "years of work");
    let before = out.files();
    let output = build(site.path(), &["--out", &text(out.path())]);
    check_refused(
        &output,
        1,
        &["is not empty and no output of `revisit build`", "`--out`"],
    );
    check_same(&out.files(), &before);
}

#[test]
fn neither_of_site_and_output_lies_within_the_other() {
    let site = small_site();
    let about = site.path().join("about");
    for (site, out) in [
        (site.path(), site.path().join("out")),
        (site.path(), site.path().to_owned()),
        (&about, site.path().to_owned()),
    ] {
        let output = build(site, &["--out", &text(&out)]);
        check_refused(
            &output,
            2,
            &["`out` cannot be", "lie within the other", "beside the site"],
        );
    }
    assert_eq!(site.files().len(), 4);
}

#[test]
fn a_port_in_use_is_told_with_a_way_to_a_free_one() {
    let site = small_site();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let output = revisit(&["serve", &text(site.path()), "--listen", &address]);
    assert_eq!(output.code, Some(1));
    check_said(
        &output.stderr,
        &"error: cannot listen on `ADDRESS`\n  \
         caused by: Address already in use (os error {})\n\
         help: another program listens on `ADDRESS`; choose another port, or a free one with \
         `--listen 127.0.0.1:0`\n"
            .replace("ADDRESS", &address),
    );
}
