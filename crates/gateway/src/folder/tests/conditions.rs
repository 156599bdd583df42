//! Conditions and ranges, from the request's fields to the bytes.

use super::*;

#[tokio::test]
async fn a_file_says_what_it_is_and_which_state_it_has() {
    let site = Site::new(&[("a.css", b"body {}")]);
    let answer = site.get("/a.css").await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    assert_eq!(answer.header("content-length"), Some("7"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert!(answer.header("etag").unwrap().starts_with('"'));
    assert!(answer.header("last-modified").is_some());
}

#[tokio::test]
async fn a_client_that_has_the_file_gets_a_304_without_a_body() {
    let site = Site::new(&[("a.txt", b"text")]);
    let first = site.get("/a.txt").await;
    let etag = first.header("etag").unwrap();
    let date = first.header("last-modified").unwrap();
    for field in [
        ("if-none-match", etag),
        ("if-none-match", "*"),
        ("if-modified-since", date),
    ] {
        for method in ["GET", "HEAD"] {
            let again = site.ask(method, "/a.txt", &[field]).await;
            assert_eq!(
                (again.status, again.text()),
                (304, ""),
                "{method} {field:?}"
            );
            assert_eq!(again.header("etag"), Some(etag));
            assert_eq!(again.header("cache-control"), Some("no-cache"));
            assert_eq!(again.header("content-length"), None);
            assert_eq!(again.header("content-type"), None);
        }
    }
    let other = site
        .ask("GET", "/a.txt", &[("if-none-match", "\"x\"")])
        .await;
    assert_eq!((other.status, other.text()), (200, "text"));
}

#[tokio::test]
async fn a_changed_file_has_another_tag_even_if_length_and_date_are_the_same() {
    let site = Site::new(&[("a.txt", b"old!")]);
    let old = site.get("/a.txt").await;
    let modified = site.path("a.txt").metadata().unwrap().modified().unwrap();
    std::fs::write(site.path("b.txt"), "new!").unwrap();
    std::fs::File::options()
        .append(true)
        .open(site.path("b.txt"))
        .unwrap()
        .set_modified(modified)
        .unwrap();
    std::fs::rename(site.path("b.txt"), site.path("a.txt")).unwrap();
    let new = site
        .ask(
            "GET",
            "/a.txt",
            &[("if-none-match", old.header("etag").unwrap())],
        )
        .await;
    assert_eq!((new.status, new.text()), (200, "new!"));
    assert_eq!(new.header("last-modified"), old.header("last-modified"));
}

#[tokio::test]
async fn a_write_that_supposes_another_state_is_told_so() {
    let site = Site::new(&[("a.txt", b"text")]);
    let answer = site.ask("GET", "/a.txt", &[("if-match", "\"x\"")]).await;
    assert_eq!((answer.status, answer.text()), (412, ""));
    let date = "Thu, 01 Jan 1970 00:00:00 GMT";
    assert_eq!(
        site.ask("GET", "/a.txt", &[("if-unmodified-since", date)])
            .await
            .status,
        412
    );
}

#[tokio::test]
async fn a_date_is_not_told_before_its_second_is_over_nor_if_a_field_cannot_write_it() {
    let site = Site::new(&[("a.txt", b"text")]);
    let second = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    check_date(&site, second, second + Duration::from_millis(999), None).await;
    let told = Some("Sun, 09 Sep 2001 01:46:40 GMT");
    check_date(&site, second, second + Duration::from_secs(1), told).await;
    check_date(&site, second + Duration::from_secs(9), second, None).await;
    check_date(
        &site,
        SystemTime::UNIX_EPOCH - Duration::from_secs(1),
        second,
        None,
    )
    .await;
}

#[tokio::test]
async fn one_range_is_answered_by_its_bytes_from_memory_and_from_disk() {
    for in_memory_max in [0, 100] {
        let site = Site::with(&[("a.bin", b"0123456789"), ("none.bin", b"")], |options| {
            options.body_in_memory_bytes_max = in_memory_max;
        });
        check_range(&site, "bytes=2-4", 206, "234", Some("bytes 2-4/10")).await;
        check_range(&site, "bytes=7-", 206, "789", Some("bytes 7-9/10")).await;
        check_range(&site, "bytes=-1", 206, "9", Some("bytes 9-9/10")).await;
        check_range(&site, "bytes=0-99", 206, "0123456789", Some("bytes 0-9/10")).await;
        check_range(&site, "bytes=10-", 416, "", Some("bytes */10")).await;
        check_range(&site, "bytes=1-2,10-", 206, "12", Some("bytes 1-2/10")).await;
        check_range(&site, "bytes=0-8,1-9", 200, "0123456789", None).await;
        check_range(&site, "lines=1-2", 200, "0123456789", None).await;
        let empty = site.ask("GET", "/none.bin", &[("range", "bytes=0-")]).await;
        assert_eq!(
            (empty.status, empty.header("content-range")),
            (416, Some("bytes */0"))
        );
        let empty = site.ask("GET", "/none.bin", &[("range", "bytes=-5")]).await;
        assert_eq!((empty.status, empty.text()), (200, ""));
        let head = site.ask("HEAD", "/a.bin", &[("range", "bytes=1-2")]).await;
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, Some("10"))
        );
    }
}

#[tokio::test]
async fn several_ranges_are_answered_by_their_bytes_from_memory_and_from_disk() {
    for in_memory_max in [0, 100] {
        let site = Site::with(&[("a.txt", b"0123456789")], |options| {
            options.body_in_memory_bytes_max = in_memory_max;
        });
        let fields = [("range", "bytes=-1,1-2")];
        let answer = site.ask("GET", "/a.txt", &fields).await;
        assert_eq!((answer.status, answer.header("content-range")), (206, None));
        let boundary = answer.header("content-type").unwrap();
        let boundary = boundary
            .strip_prefix("multipart/byteranges; boundary=")
            .unwrap();
        let part = |range: &str, bytes: &str| {
            format!(
                "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\
                 Content-Range: bytes {range}/10\r\n\r\n{bytes}\r\n"
            )
        };
        let expected = part("9-9", "9") + &part("1-2", "12") + &format!("--{boundary}--\r\n");
        assert_eq!(answer.text(), expected);
        let length = expected.len().to_string();
        assert_eq!(answer.header("content-length"), Some(&*length));
        let fields = [("range", "bytes=0-0,2-2"), ("if-range", "\"x\"")];
        let answer = site.ask("GET", "/a.txt", &fields).await;
        assert_eq!((answer.status, answer.text()), (200, "0123456789"));
    }
}

#[tokio::test]
async fn a_part_of_another_state_is_never_sent() {
    let site = Site::new(&[("a.bin", b"0123456789")]);
    let first = site.get("/a.bin").await;
    for (validator, status) in [
        (first.header("etag").unwrap(), 206),
        (first.header("last-modified").unwrap(), 206),
        ("\"x\"", 200),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 200),
    ] {
        let fields = [("range", "bytes=0-1"), ("if-range", validator)];
        assert_eq!(
            site.ask("GET", "/a.bin", &fields).await.status,
            status,
            "{validator}"
        );
    }
}

#[tokio::test]
async fn a_page_in_utf_16_keeps_its_encoding() {
    let site = Site::with(&[("a.html", b"\xff\xfe<\0p\0>\0")], |_| {});
    for method in ["GET", "HEAD"] {
        let answer = site.ask(method, "/a", &[]).await;
        assert_eq!(answer.header("content-type"), Some("text/html"), "{method}");
    }
}

async fn check_date(site: &Site, modified: SystemTime, now: SystemTime, told: Option<&str>) {
    let file = std::fs::File::options()
        .append(true)
        .open(site.path("a.txt"))
        .unwrap();
    file.set_modified(modified).unwrap();
    site.stage.set_now(now);
    assert_eq!(site.get("/a.txt").await.header("last-modified"), told);
}

async fn check_range(
    site: &Site,
    range: &str,
    status: u16,
    body: &str,
    content_range: Option<&str>,
) {
    let answer = site.ask("GET", "/a.bin", &[("range", range)]).await;
    assert_eq!((answer.status, answer.text()), (status, body), "{range}");
    assert_eq!(answer.header("content-range"), content_range, "{range}");
    assert_eq!(
        answer.header("content-length"),
        Some(&*body.len().to_string()),
        "{range}"
    );
}
