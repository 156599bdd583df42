//! What lies over the folder: generated files, edits, and who is asked when.

use super::*;

#[tokio::test]
async fn a_generated_file_stands_before_the_same_name_on_disk() {
    let site = Site::new(&[("sw.js", b"disk"), ("about", b"disk")]);
    site.stage.lay(|layer| {
        layer
            .generated
            .insert("sw.js".into(), generated("generated"));
        layer
            .generated
            .insert("about.html".into(), generated("generated"));
        layer
            .generated
            .insert("docs/index.html".into(), generated("docs"));
    });
    let answer = site.get("/sw.js").await;
    assert_eq!(answer.text(), "generated");
    assert_eq!(
        answer.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(
        answer.header("etag"),
        Some("\"07070707070707070707070707070707\"")
    );
    assert_eq!(answer.header("last-modified"), None);
    assert_eq!(
        site.get("/about").await.text(),
        "disk",
        "an earlier name goes before"
    );
    assert_eq!(site.get("/docs").await.header("location"), Some("/docs/"));
    assert_eq!(site.get("/docs/").await.text(), "docs");
    assert_eq!(
        site.stage.refreshes(),
        1,
        "`about` on disk is not known; the others need no look"
    );
}

#[tokio::test]
async fn a_generated_files_own_fields_replace_ours_and_keep_their_repeats() {
    let site = Site::new(&[]);
    let mut file = generated("x");
    for (name, value) in [
        ("cache-control", "max-age=31536000, immutable"),
        ("content-type", "text/x-own"),
        ("link", "<a>"),
        ("link", "<b>"),
        ("vary", "accept"),
    ] {
        file.headers.push((
            http::HeaderName::from_static(name),
            http::HeaderValue::from_static(value),
        ));
    }
    site.stage
        .lay(|layer| drop(layer.generated.insert("a.js".into(), file)));
    let answer = site.get("/a.js").await;
    assert_eq!(
        answer.header("cache-control"),
        Some("max-age=31536000, immutable")
    );
    assert_eq!(answer.header("content-type"), Some("text/x-own"));
    assert_eq!(answer.headers.get_all("link").iter().count(), 2);
    let etag = answer.header("etag").unwrap();
    let again = site.ask("GET", "/a.js", &[("if-none-match", etag)]).await;
    assert_eq!((again.status, again.header("vary")), (304, Some("accept")));
    assert_eq!(again.header("link"), None);
    let part = site.ask("GET", "/a.js", &[("range", "bytes=0-0")]).await;
    assert_eq!((part.status, part.text()), (206, "x"));
}

#[tokio::test]
async fn a_worker_that_follows_the_folder_is_made_anew_before_it_is_given_out() {
    let site = Site::new(&[]);
    let mut old = generated("old");
    old.follows_folder = true;
    site.stage
        .lay(|layer| drop(layer.generated.insert("sw.js".into(), old)));
    let stage = site.stage.clone();
    site.stage.on_refresh(move || {
        stage.lay(|layer| drop(layer.generated.insert("sw.js".into(), generated("new"))));
    });
    assert_eq!(site.get("/sw.js").await.text(), "new");
    assert_eq!(site.stage.refreshes(), 1);
}

#[tokio::test]
async fn a_known_file_is_edited_on_its_way_out_in_memory_and_as_a_stream() {
    for in_memory_max in [0, 1000] {
        let site = Site::with(&[("index.html", b"<head></head>")], |options| {
            options.body_in_memory_bytes_max = in_memory_max;
        });
        let mut known = site.known("index.html", &[(6..6, "<script>"), (6..13, "")]);
        known.sha256 = Some([0xab; 32]);
        known.cache_control = Some(http::HeaderValue::from_static("max-age=60"));
        site.stage
            .lay(|layer| drop(layer.files.insert("index.html".into(), known)));
        let answer = site.get("/").await;
        assert_eq!(answer.text(), "<head><script>");
        assert_eq!(answer.header("content-length"), Some("14"));
        assert_eq!(
            answer.header("etag"),
            Some("\"abababababababababababababababab\"")
        );
        assert_eq!(answer.header("cache-control"), Some("max-age=60"));
        assert_eq!(
            answer.header("last-modified"),
            None,
            "the file's date is not these bytes'"
        );
        let part = site.ask("GET", "/", &[("range", "bytes=4-7")]).await;
        assert_eq!(
            (part.text(), part.header("content-range")),
            ("d><s", Some("bytes 4-7/14"))
        );
        assert_eq!(
            site.stage.refreshes(),
            0,
            "a known file needs no second look"
        );
    }
}

#[tokio::test]
async fn other_edits_are_another_tag() {
    let site = Site::new(&[("index.html", b"<head>")]);
    let mut tags = Vec::new();
    for edits in [
        &[][..],
        &[(0..0, "a")],
        &[(0..0, "b")],
        &[(1..1, "a")],
        &[(0..1, "a")],
    ] {
        let known = site.known("index.html", edits);
        site.stage
            .lay(|layer| drop(layer.files.insert("index.html".into(), known)));
        tags.push(site.get("/").await.header("etag").unwrap().to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 5);
}

#[tokio::test]
async fn edits_that_do_not_fit_leave_the_file_as_it_is() {
    let site = Site::new(&[("index.html", b"<head>")]);
    let mut known = site.known("index.html", &[(5..99, "x")]);
    known.sha256 = Some([1; 32]);
    site.stage
        .lay(|layer| drop(layer.files.insert("index.html".into(), known)));
    let answer = site.get("/").await;
    assert_eq!(answer.text(), "<head>");
    assert!(
        !answer.header("etag").unwrap().contains("0101"),
        "not the tag of the edited bytes"
    );
}

#[tokio::test]
async fn a_file_that_is_not_known_in_this_state_is_known_after_one_refresh() {
    let site = Site::new(&[("index.html", b"<head>")]);
    let mut stale = site.known("index.html", &[(0..6, "stale")]);
    stale.stamp.size += 1;
    site.stage
        .lay(|layer| drop(layer.files.insert("index.html".into(), stale)));
    let (stage, fresh) = (
        site.stage.clone(),
        site.known("index.html", &[(6..6, "<new>")]),
    );
    site.stage.on_refresh(move || {
        let fresh = fresh.clone();
        stage.lay(|layer| drop(layer.files.insert("index.html".into(), fresh)));
    });
    assert_eq!(site.get("/").await.text(), "<head><new>");
    assert_eq!(site.get("/").await.text(), "<head><new>");
    assert_eq!(site.stage.refreshes(), 1);
}

#[tokio::test]
async fn a_file_that_stays_unknown_is_served_as_it_is() {
    let site = Site::new(&[("index.html", b"<head>")]);
    let mut stale = site.known("index.html", &[(0..6, "stale")]);
    stale.stamp.size += 1;
    site.stage
        .lay(|layer| drop(layer.files.insert("index.html".into(), stale)));
    let answer = site.get("/").await;
    assert_eq!((answer.status, answer.text()), (200, "<head>"));
    assert_eq!(site.stage.refreshes(), 1);
}

fn generated(body: &'static str) -> Generated {
    Generated {
        body: body.into(),
        sha256: [7; 32],
        headers: Vec::new(),
        follows_folder: false,
    }
}
