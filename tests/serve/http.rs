//! What goes over the wire: statuses, validators, parts, lifetimes, and nothing from outside.

use super::*;

#[test]
fn pages_and_the_worker_are_asked_for_each_time_and_hashed_files_never_again() {
    let site = site("one");
    let server = Serve::site(site.path());
    let page = get(&server.url("/"));
    let client = page
        .text()
        .split_once("src=\"/revisit/client-")
        .unwrap()
        .1
        .to_owned();
    let client = format!("/revisit/client-{}", client.split_once('"').unwrap().0);
    let worker = get(&server.url("/sw.js"));
    assert!(
        worker
            .header("content-type")
            .unwrap()
            .starts_with("text/javascript")
    );
    for (path, lifetime) in [
        ("/", "no-cache"),
        ("/about", "no-cache"),
        ("/about.html", "no-cache"),
        ("/sw.js", "no-cache"),
        ("/app.js", "no-cache"),
        ("/assets/main-3b7f0a91.css", "max-age=31536000, immutable"),
        (&client, "max-age=31536000, immutable"),
    ] {
        let answer = get(&server.url(path));
        assert_eq!(answer.status, 200, "{path}");
        let said = answer.header("cache-control").unwrap();
        assert!(said.contains(lifetime), "{path}: {said}");
        assert!(
            answer
                .header("etag")
                .is_some_and(|tag| tag.starts_with('"')),
            "{path}"
        );
    }
}

#[test]
fn who_has_the_current_bytes_gets_none_and_the_tag_counts_before_the_date() {
    let site = site("one");
    let server = Serve::site(site.path());
    for path in ["/", "/app.js", "/sw.js", "/numbers.bin"] {
        let url = server.url(path);
        let first = get(&url);
        let tag = first.header("etag").unwrap();
        let again = ask("GET", &url, &[("If-None-Match", tag)]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), Some(tag));
        let weak = format!("\"other\", W/{tag}");
        assert_eq!(
            ask("GET", &url, &[("If-None-Match", &weak)]).status,
            304,
            "{path}"
        );
        let late = "Fri, 01 Jan 2100 00:00:00 GMT";
        let other = [("If-None-Match", "\"other\""), ("If-Modified-Since", late)];
        assert_eq!(ask("GET", &url, &other).status, 200, "{path}");
    }
    let url = server.url("/numbers.bin");
    let date = eventually("the second of the change to be over", DEADLINE, || {
        get(&url).header("last-modified").map(str::to_owned)
    });
    assert_eq!(
        ask("GET", &url, &[("If-Modified-Since", &date)]).status,
        304
    );
}

#[test]
fn the_tag_changes_with_the_content_even_within_one_second() {
    let site = site("one");
    let server = Serve::site(site.path());
    let mut tags = std::collections::BTreeSet::new();
    for n in 0..5 {
        site.file("app.js", format!("document.title = '{n}'"));
        let answer = get(&server.url("/app.js"));
        assert_eq!(answer.text(), format!("document.title = '{n}'"));
        tags.insert(answer.header("etag").unwrap().to_owned());
    }
    assert_eq!(tags.len(), 5);
}

#[test]
fn head_is_get_without_the_body_and_other_methods_are_refused() {
    let site = site("one");
    let server = Serve::site(site.path());
    for path in ["/", "/numbers.bin", "/sw.js", "/nowhere"] {
        let (head, whole) = (ask("HEAD", &server.url(path), &[]), get(&server.url(path)));
        assert_eq!((head.status, head.body.len()), (whole.status, 0), "{path}");
        for name in ["content-length", "content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), whole.header(name), "{path}: {name}");
        }
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = ask(method, &server.url("/"), &[("Content-Length", "0")]);
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(
            answer.header("allow"),
            Some("GET, HEAD, OPTIONS"),
            "{method}"
        );
    }
    assert_eq!(ask("OPTIONS", &server.url("/"), &[]).status, 204);
}

#[test]
fn one_part_of_a_file_can_be_had_and_none_beyond_its_end() {
    let site = site("one");
    let server = Serve::site(site.path());
    let whole = site.files()["numbers.bin"].clone();
    let ask_for = |range: &str| ask("GET", &server.url("/numbers.bin"), &[("Range", range)]);
    for (range, first, last) in [
        ("bytes=0-9", 0, 9),
        ("bytes=2990-", 2990, 2999),
        ("bytes=-7", 2993, 2999),
        ("bytes=5-99999", 5, 2999),
    ] {
        let part = ask_for(range);
        assert_eq!(part.status, 206, "{range}");
        let said = format!("bytes {first}-{last}/3000");
        assert_eq!(part.header("content-range"), Some(&*said), "{range}");
        assert_eq!(part.body, whole[first..=last], "{range}");
    }
    let beyond = ask_for("bytes=3000-");
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), Some("bytes */3000"));
    let several = ask_for("bytes=5-6,-1");
    assert_eq!(
        (several.status, several.header("content-range")),
        (206, None)
    );
    let said = several.header("content-type").unwrap();
    let boundary = said
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let part = |range: &str, bytes: &[u8]| {
        let kind = "Content-Type: application/octet-stream";
        let head = format!("--{boundary}\r\n{kind}\r\nContent-Range: bytes {range}/3000\r\n\r\n");
        [head.as_bytes(), bytes, b"\r\n"].concat()
    };
    let end = format!("--{boundary}--\r\n");
    let parts = [
        part("5-6", &whole[5..=6]),
        part("2999-2999", &whole[2999..]),
        end.into(),
    ];
    assert_eq!(several.body, parts.concat());
    for range in ["bytes=0-,1-", "bytes=9-5", "lines=1-2"] {
        let answer = ask_for(range);
        assert_eq!((answer.status, answer.body.len()), (200, 3000), "{range}");
    }
    // what is spliced into a page counts
    let page = get(&server.url("/"));
    let part = ask("GET", &server.url("/"), &[("Range", "bytes=100-199")]);
    assert_eq!(part.body, page.body[100..=199]);
}

#[test]
fn pages_have_clean_addresses_and_what_is_not_there_gets_the_sites_own_404_page() {
    let site = site("one");
    let server = Serve::site(site.path());
    for path in ["/about", "/about.html", "/about?x=1"] {
        let answer = get(&server.url(path));
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains("one, about"), "{path}");
    }
    let folder = get(&server.url("/deep?x=1"));
    assert_eq!(
        (folder.status, folder.header("location")),
        (301, Some("/deep/?x=1"))
    );
    assert_eq!(get(&server.url("/deep/")).status, 200);
    for path in ["/nowhere", "/nowhere.png", "/about/", "/deep/nowhere"] {
        let answer = get(&server.url(path));
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("Nothing here"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
    }
    let none = Site::new();
    none.file("index.html", "<h1>alone</h1>");
    let server = Serve::site(none.path());
    assert_eq!(get(&server.url("/nowhere")).status, 404);
}

#[test]
fn no_spelling_of_a_path_leads_out_of_the_folder_or_to_a_hidden_file() {
    let outer = Site::new();
    outer
        .file("secret.txt", "the secret")
        .file("site/.env", "the secret");
    outer
        .file("site/.git/config", "the secret")
        .file("site/index.html", "<h1>x</h1>");
    let folder = outer.path().join("site");
    std::os::unix::fs::symlink("../secret.txt", folder.join("link.txt")).unwrap();
    std::os::unix::fs::symlink("..", folder.join("up")).unwrap();
    let server = Serve::site(&folder);
    server.wait_until_said("it leads out of the folder");
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2E%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/x/../../secret.txt",
        "/./../secret.txt",
        "//../secret.txt",
        "/%252e%252e/secret.txt",
        "/..;/secret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/\u{ff0e}\u{ff0e}/secret.txt",
        "/secret.txt%00.html",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/link.txt",
        "/up/secret.txt",
        "../secret.txt",
        "http://elsewhere/../secret.txt",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = ask_raw(&address(&server), request.as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.get(9..12).unwrap_or_default();
        assert!(["400", "404"].contains(&status), "{path}: {answer}");
        assert!(!answer.contains("the secret"), "{path}");
    }
    assert_eq!(get(&server.url("/")).status, 200, "it still serves");
}
