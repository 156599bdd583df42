//! More files than a visitor should keep: what stays, and what is said of the rest.

use super::*;

#[test]
fn beyond_the_budget_the_shell_and_what_fits_are_kept_and_the_rest_is_named() {
    let site = small_site();
    site.file("film.mp4", noise(90_000))
        .file("song.mp3", noise(50_000))
        .file("note.txt", "kept");
    let output = build_with(site.path(), "[precache]\nbudget_bytes = 20000\n", &[]);
    let said = &output.ok().stdout;
    let left_out = "  left out   2 files, 140.0 kB: over the budget; what fits is kept when it is first used\n               \
                    90.0 kB  film.mp4\n               50.0 kB  song.mp3\n";
    assert!(said.contains(left_out), "{said}");
    let output = build_with(
        site.path(),
        "[precache]\nbudget_bytes = 20000\n",
        &["--json"],
    );
    let report = report(&output);
    assert_eq!(report["precached_files"], 5);
    assert_eq!(report["left_out"][0]["file"], "film.mp4");
    assert_eq!(report["left_out"][0]["bytes"], 90_000);
    check_whole(&site);
}

#[test]
fn many_left_out_files_are_counted_and_the_five_largest_named() {
    let site = small_site();
    for n in 1..=7 {
        site.file(&format!("film-{n}.mp4"), noise(n * 10_000));
    }
    let output = build_with(site.path(), "[precache]\nbudget_bytes = 5000\n", &[]);
    let said = &output.ok().stdout;
    assert!(said.contains("left out   7 files, 280.0 kB"), "{said}");
    assert!(
        said.contains("70.0 kB  film-7.mp4") && !said.contains("film-2.mp4"),
        "{said}"
    );
    assert!(
        said.contains("and 2 smaller; raise `[precache] budget_bytes`"),
        "{said}"
    );
}

#[test]
fn a_shell_over_the_budget_is_refused_with_its_largest_files_and_who_loads_them() {
    let site = small_site();
    site.file("site.css", "@import 'huge.css';")
        .file("huge.css", vec![b' '; 30_000]);
    let before = site.files();
    let output = build_with(site.path(), "[precache]\nbudget_bytes = 20000\n", &[]);
    check_refused(
        &output,
        1,
        &[
            "`budget_bytes` is 20000: `huge.css` (30000 bytes, loaded by `site.css`), `index.html`",
            "raise the budget, `[precache] budget_bytes = ",
        ],
    );
    check_same(&site.files(), &before);
}

#[test]
fn what_the_shell_loads_and_a_pattern_excludes_is_said() {
    let site = small_site();
    let output = build_with(site.path(), "[precache]\nexclude = [\"app.js\"]\n", &[]);
    let warning =
        "warning: `index.html` loads `app.js`, which is excluded: offline it will be missing";
    assert!(output.ok().stdout.contains(warning), "{}", output.stdout);
    site.remove("app.js");
    let output = build(site.path(), &[]);
    let warning = "warning: `index.html` loads `app.js`, which is not there";
    assert!(output.ok().stdout.contains(warning), "{}", output.stdout);
}

#[test]
fn a_second_build_chooses_as_the_first_though_its_pages_have_their_tag_already() {
    let site = Site::new();
    let page = |words: usize| format!("<!doctype html><title>p</title>{}", "word ".repeat(words));
    site.file("index.html", page(1));
    for n in 0..40 {
        site.file(&format!("page-{n}.html"), page(100 + n))
            .file(&format!("data-{n}.txt"), noise(500 + n * 5));
    }
    let config = "[precache]\nbudget_bytes = 24000\n";
    build_with(site.path(), config, &[]).ok();
    let before = site.files();
    let again = build_with(site.path(), config, &[]);
    assert!(
        again.ok().stdout.contains("nothing changed"),
        "{}",
        again.stdout
    );
    assert_eq!(site.files(), before);
}

#[test]
fn a_page_at_which_visits_begin_cannot_be_excluded() {
    let site = small_site();
    let output = build_with(site.path(), "[precache]\nexclude = [\"*.html\"]\n", &[]);
    check_refused(
        &output,
        2,
        &[
            "`precache.exclude` cannot be `index.html`",
            "it must be kept",
        ],
    );
    let include = "[precache]\ninclude = [\"*.css\", \"*.js\"]\n";
    let output = build_with(site.path(), include, &[]);
    check_refused(
        &output,
        2,
        &[
            "`precache.include` cannot be `*.css, …`",
            "`index.html` matches none of its patterns",
            "it must be kept",
        ],
    );
}
