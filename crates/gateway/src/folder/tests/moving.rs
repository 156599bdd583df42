//! Files that change while they are asked for: whole or not at all.
//!
//! The folder asks its clock between its looks at the disk; the tests write in that moment.

use std::fs::File;
use std::io::Write;

use super::*;

#[tokio::test]
async fn a_file_that_is_being_rewritten_is_seen_whole() {
    let site = Site::new(&[("a.html", b"first half, ")]);
    fresh(&site, "a.html");
    let (path, mut writes) = (
        site.path("a.html"),
        ["second half, ", "third half"].into_iter(),
    );
    site.stage.on_now(move || {
        if let Some(more) = writes.next() {
            append(&path, more);
        }
    });
    let answer = site.get("/a").await;
    assert_eq!(answer.text(), "first half, second half, third half");
    assert!(answer.header("etag").unwrap().starts_with('"'));
}

#[tokio::test]
async fn a_file_that_is_taken_away_meanwhile_is_not_found() {
    let site = Site::new(&[("a.html", b"text")]);
    fresh(&site, "a.html");
    let path = site.path("a.html");
    site.stage.on_now(move || drop(std::fs::remove_file(&path)));
    assert_eq!(site.get("/a").await.status, 404);
}

#[tokio::test]
async fn a_file_that_never_rests_is_served_in_the_end_with_a_weak_tag() {
    let site = Site::with(&[("log.txt", b"")], |options| {
        options.settle_max = Duration::from_millis(30);
    });
    fresh(&site, "log.txt");
    let path = site.path("log.txt");
    site.stage.on_now(move || append(&path, "line\n"));
    let answer = site.get("/log.txt").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.text().len() >= 5 * 5,
        "it was waited for: {}",
        answer.text()
    );
    assert!(answer.header("etag").unwrap().starts_with("W/"));
}

#[tokio::test]
async fn a_file_from_the_future_settles_too() {
    let site = Site::new(&[("a.html", b"text")]);
    let file = File::options()
        .append(true)
        .open(site.path("a.html"))
        .unwrap();
    file.set_modified(site.stage.now() + Duration::from_secs(86400))
        .unwrap();
    let answer = site.get("/a").await;
    assert_eq!(
        (answer.text(), answer.header("last-modified")),
        ("text", None)
    );
    assert!(answer.header("etag").unwrap().starts_with('"'));
}

#[tokio::test]
async fn a_small_file_that_changes_under_the_reading_is_read_anew() {
    let site = Site::new(&[("a.txt", b"old")]);
    let (path, mut calls) = (site.path("a.txt"), 0);
    site.stage.on_now(move || {
        calls += 1;
        if calls == 2 {
            std::fs::write(&path, "newer").unwrap();
        }
    });
    // A condition that does not hold: the content is read after the header is planned.
    let answer = site
        .ask("GET", "/a.txt", &[("if-none-match", "\"x\"")])
        .await;
    assert_eq!(
        (answer.text(), answer.header("content-length")),
        ("newer", Some("5"))
    );
}

#[tokio::test]
async fn a_small_file_that_changes_under_each_reading_comes_later() {
    let site = Site::new(&[("a.txt", b"old")]);
    let path = site.path("a.txt");
    site.stage.on_now(move || append(&path, "more"));
    let answer = site
        .ask("GET", "/a.txt", &[("if-none-match", "\"x\"")])
        .await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
}

#[tokio::test]
async fn a_large_file_comes_in_chunks_and_whole() {
    let content: Vec<u8> = (0..LARGE).map(|at| (at % 251) as u8).collect();
    let site = Site::new(&[("large.bin", &content)]);
    let mut body = site.response("GET", "/large.bin", &[]).await.into_body();
    let mut received = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        assert!(data.len() as u64 <= stream::CHUNK_BYTES);
        received.extend_from_slice(&data);
    }
    assert_eq!(received, content);
}

#[tokio::test]
async fn a_large_file_that_changes_under_way_is_cut() {
    changes_under_way(
        |path| append(path, "more"),
        Err("the file changed while it was sent"),
    )
    .await;
    changes_under_way(
        |path| {
            let mut file = File::options().write(true).open(path).unwrap();
            file.write_all(b"other").unwrap();
        },
        Err("the file changed while it was sent"),
    )
    .await;
}

#[tokio::test]
async fn a_large_file_that_is_cut_short_under_way_is_cut() {
    changes_under_way(
        |path| {
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_len(70_000)
                .unwrap()
        },
        Err("the file ends after 70000 of 400000 bytes"),
    )
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_large_file_that_is_replaced_under_way_arrives_as_it_was() {
    changes_under_way(
        |path| {
            let new = path.with_extension("new");
            std::fs::write(&new, "new").unwrap();
            std::fs::rename(new, path).unwrap();
        },
        Ok(LARGE),
    )
    .await;
}

/// Changes a large file after its first chunk was sent.
async fn changes_under_way(change: impl FnOnce(&std::path::Path), expected: Result<usize, &str>) {
    let site = Site::new(&[("large.bin", &[b'x'; LARGE])]);
    let mut body = site.response("GET", "/large.bin", &[]).await.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    change(&site.path("large.bin"));
    let rest = body.collect().await.map(|rest| rest.to_bytes());
    let received = rest
        .map(|rest| first.len() + rest.len())
        .map_err(|error| error.to_string());
    assert_eq!(received, expected.map_err(str::to_owned));
}

const LARGE: usize = 400_000;

/// Makes it the very moment at which the file was written.
fn fresh(site: &Site, name: &str) {
    site.stage
        .set_now(site.path(name).metadata().unwrap().modified().unwrap());
}

fn append(path: &std::path::Path, text: &str) {
    File::options()
        .append(true)
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}
