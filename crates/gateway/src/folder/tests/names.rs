//! Which target gets which file, and which gets none.

use super::*;

#[tokio::test]
async fn a_page_is_found_by_its_name_its_folder_and_its_clean_url() {
    let site = Site::new(SITE);
    check(&site, "/", 200, "home").await;
    check(&site, "/index.html", 200, "home").await;
    check(&site, "/about", 200, "about").await;
    check(&site, "/a%20b/%C3%A4.txt?x=1", 200, "umlaut").await;
    check(&site, "http://elsewhere.example/about", 200, "about").await;
    check(&site, "/none", 404, "there is no such file\n").await;
    check(&site, "/about/", 404, "there is no such file\n").await;
}

#[tokio::test]
async fn a_folder_without_its_slash_is_led_to_it_with_the_query() {
    let site = Site::new(SITE);
    redirects(&site, "/docs", 301, "/docs/").await;
    redirects(&site, "/docs?a=b&c", 301, "/docs/?a=b&c").await;
    redirects(&site, "/a%20b/in", 301, "/a%20b/in/").await;
    check(&site, "/docs/", 200, "docs").await;
}

#[tokio::test]
async fn a_redirect_never_leads_to_another_host() {
    let site = Site::new(&[("evil.example/index.html", b"x"), ("docs/index.html", b"x")]);
    for target in [
        "//evil.example",
        "//evil.example/..",
        "/%2fevil.example",
        "//evil.example/%2e%2e",
        "///docs",
    ] {
        let answer = site.get(target).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (404, None),
            "{target}"
        );
    }
    redirects(&site, "/evil.example", 301, "/evil.example/").await;
}

#[tokio::test]
async fn a_base_is_where_the_folder_begins() {
    let site = Site::with(SITE, |options| options.base = "/app/".to_owned());
    check(&site, "/app/", 200, "home").await;
    check(&site, "/app/about", 200, "about").await;
    redirects(&site, "/app/docs?q", 301, "/app/docs/?q").await;
    redirects(&site, "/", 302, "/app/").await;
    redirects(&site, "/app", 302, "/app/").await;
    check(&site, "/about", 404, "there is no such file\n").await;
    check(&site, "/apple", 404, "there is no such file\n").await;
}

#[tokio::test]
async fn nothing_outside_the_folder_and_nothing_hidden_is_served() {
    let site = Site::new(&[
        (".env", b"secret"),
        (".git/config", b"secret"),
        ("a/.hidden/b.html", b"secret"),
        (".well-known/security.txt", b"contact"),
        ("%2e%2e/secret", b"a strange name"),
    ]);
    std::fs::write(site.place.path().join("secret"), "secret").unwrap();
    for target in [
        "/../secret",
        "/%2e%2e/secret",
        "/%2E./secret",
        "/..%2fsecret",
        "/..%5csecret",
        "/a/../../secret",
        "/a/%2e%2e/%2e%2e/secret",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/.git/",
        "/.git",
        "/a/.hidden/b",
        "/secret%00.html",
        "/%ff",
        "/.",
    ] {
        check(&site, target, 404, "there is no such file\n").await;
    }
    check(&site, "/.well-known/security.txt", 200, "contact").await;
    check(&site, "/%252e%252e/secret", 200, "a strange name").await;
}

#[tokio::test]
async fn the_sites_own_page_says_that_nothing_was_found() {
    let site = Site::new(&[("404.html", b"<h1>lost</h1>")]);
    let answer = site
        .ask(
            "GET",
            "/none",
            &[("if-none-match", "*"), ("range", "bytes=0-1")],
        )
        .await;
    assert_eq!((answer.status, answer.text()), (404, "<h1>lost</h1>"));
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("etag"), None);
    let head = site.ask("HEAD", "/none", &[]).await;
    assert_eq!(
        (head.status, head.header("content-length")),
        (404, Some("13"))
    );
    assert_eq!(head.text(), "");
    check(&site, "/404", 200, "<h1>lost</h1>").await;
}

#[tokio::test]
async fn files_are_read_and_not_written() {
    let site = Site::new(SITE);
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let answer = site.ask(method, "/", &[]).await;
        let allow = answer.header("allow");
        assert_eq!(
            (answer.status, allow),
            (405, Some("GET, HEAD, OPTIONS")),
            "{method}"
        );
    }
    let options = site.ask("OPTIONS", "/", &[]).await;
    assert_eq!(
        (options.status, options.header("allow")),
        (204, Some("GET, HEAD, OPTIONS"))
    );
    assert_eq!(site.ask("OPTIONS", "*", &[]).await.status, 400);
    assert_eq!(
        site.ask("CONNECT", "example.com:443", &[]).await.status,
        400
    );
}

#[tokio::test]
async fn a_head_has_the_header_of_a_get_and_no_body() {
    let site = Site::with(SITE, |options| options.body_in_memory_bytes_max = 4);
    for target in ["/", "/about", "/none"] {
        let (get, head) = (site.get(target).await, site.ask("HEAD", target, &[]).await);
        assert_eq!(
            (get.status, get.headers),
            (head.status, head.headers),
            "{target}"
        );
        assert_eq!(head.body, Ok(Bytes::new()));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_may_not_be_read_is_forbidden_and_what_is_gone_comes_later() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new(SITE);
    std::fs::set_permissions(site.path("about.html"), PermissionsExt::from_mode(0o000)).unwrap();
    // For root every file is readable.
    let readable = std::fs::read(site.path("about.html")).is_ok();
    assert_eq!(
        site.get("/about").await.status,
        if readable { 200 } else { 403 }
    );
    std::fs::rename(site.path(""), site.place.path().join("away")).unwrap();
    let gone = site.get("/").await;
    assert_eq!((gone.status, gone.header("retry-after")), (503, Some("1")));
    std::fs::create_dir(site.path("")).unwrap();
    std::fs::write(site.path("index.html"), "new").unwrap();
    check(&site, "/", 200, "new").await;
}

#[test]
fn a_folder_that_cannot_be_served_is_refused_with_a_remedy() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("page.html");
    std::fs::write(&file, "").unwrap();
    let open = |root: &std::path::Path, base: &str| {
        let clock = Arc::new(revisit_engine::SystemClock::start());
        let options = FolderOptions {
            base: base.to_owned(),
            ..FolderOptions::default()
        };
        let error = Folder::open(root, options, Arc::new(Bare), clock)
            .err()
            .unwrap();
        (error.to_string(), error.help().unwrap())
    };
    let (fact, help) = open(&place.path().join("none"), "/");
    assert!(fact.starts_with("cannot open the folder `"), "{fact}");
    assert!(help.starts_with("build the site first"), "{help}");
    let (fact, help) = open(&file, "/");
    assert!(fact.ends_with("page.html` is not a folder"), "{fact}");
    assert!(
        help.starts_with("name the folder that it lies in"),
        "{help}"
    );
    let (fact, _) = open(place.path(), "app");
    assert_eq!(
        fact,
        "`app` cannot be the base of a site: it must begin and end with a slash"
    );
}

const SITE: &[(&str, &[u8])] = &[
    ("index.html", b"home"),
    ("about.html", b"about"),
    ("docs/index.html", b"docs"),
    ("a b/\u{e4}.txt", b"umlaut"),
    ("a b/in/index.html", b"in"),
];

async fn check(site: &Site, target: &str, status: u16, body: &str) {
    let answer = site.get(target).await;
    assert_eq!((answer.status, answer.text()), (status, body), "{target}");
    assert_eq!(
        answer.header("x-content-type-options"),
        Some("nosniff"),
        "{target}"
    );
}

async fn redirects(site: &Site, target: &str, status: u16, location: &str) {
    let answer = site.get(target).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (status, Some(location)),
        "{target}"
    );
}
