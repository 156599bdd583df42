//! Host profiles: which rules a build writes for whom, and that the owner's own are kept.

use std::net::{TcpListener, TcpStream};

use super::*;
use crate::harness::{DEADLINE, cannot_run, get, poll};

/// [`small_site`] with hashed files in a folder of their own, and a page more.
fn hashed_site() -> Site {
    let site = small_site();
    site.file("assets/app-1a2b3c4d.js", "export {}")
        .file("assets/site-5e6f7a8b.css", "a {}")
        .file("contact.html", "<!doctype html><title>Contact</title>");
    site
}

#[track_caller]
fn build_for(site: &Site, host: &str, more: &[&str]) -> Output {
    build_with(site.path(), &format!("[site]\nhost = '{host}'\n"), more)
}

/// The warnings of a build, by kind and file.
#[track_caller]
fn warnings(output: &Output) -> Vec<String> {
    let report = report(output);
    let list = report["warnings"].as_array().expect("a list of warnings");
    list.iter()
        .map(|w| format!("{} {}", w["kind"], w["file"]).replace('"', ""))
        .collect()
}

const RULES: &str = "/sw.js\n  Cache-Control: no-cache\n\
    /revisit/*\n  Cache-Control: public, max-age=31536000, immutable\n\
    /assets/*\n  Cache-Control: public, max-age=31536000, immutable\n";

const OWNERS: &str = "# ours\r\n/*\r\n  X-Frame-Options: DENY\r\n/contact\n  X-A: 1";

#[test]
fn rules_are_merged_into_headers_and_uninstall_gives_back_the_owners_bytes() {
    for host in ["netlify", "cloudflare-pages"] {
        let site = hashed_site();
        site.file("_headers", OWNERS);
        let before = site.files();
        build_for(&site, host, &[]).ok();
        let first = site.files();
        let text = site.read("_headers");
        assert!(text.starts_with(OWNERS), "{text}");
        assert!(text.contains(RULES), "{text}");

        let again = build_for(&site, host, &[]);
        assert!(
            again.ok().stdout.contains("nothing changed"),
            "{}",
            again.stdout
        );
        check_same(&site.files(), &first);

        // the owner goes on writing, and a folder comes
        site.file(
            "_headers",
            format!("/about/\n  X-B: 1\n{text}/more\n  X-C: 1"),
        );
        site.file("lib/x-9c0d1e2f.js", "x");
        build_for(&site, host, &[]).ok();
        let text = site.read("_headers");
        assert!(text.starts_with("/about/\n  X-B: 1\n# ours") && text.ends_with("/more\n  X-C: 1"));
        assert_eq!(text.matches("/revisit/*").count(), 1, "{text}");
        assert!(text.contains("/lib/*"), "{text}");
        check_whole(&site);

        // a host that reads no rules needs none
        build_for(&site, "plain", &[]).ok();
        let text = site.read("_headers");
        assert!(!text.contains("revisit"), "{text}");
        build_for(&site, host, &[]).ok();

        site.remove("lib");
        build_for(&site, host, &["--uninstall"]).ok();
        let mut after = site.files();
        after.remove("sw.js");
        let owners = format!("/about/\n  X-B: 1\n{OWNERS}\n/more\n  X-C: 1");
        assert_eq!(String::from_utf8_lossy(&after["_headers"]), owners);
        after.insert("_headers".into(), OWNERS.into());
        check_same(&after, &before);
    }
}

#[test]
fn headers_that_a_build_added_go_with_it_and_an_empty_one_of_the_owner_stays() {
    let site = hashed_site();
    let before = site.files();
    build_for(&site, "netlify", &[]).ok();
    assert!(site.read("_headers").contains(RULES));
    let first = site.files();
    build_for(&site, "netlify", &[]).ok();
    check_same(&site.files(), &first);
    // also with another host, which reads none
    build_for(&site, "github-pages", &[]).ok();
    assert!(!site.has("_headers"));
    build_for(&site, "netlify", &[]).ok();
    build_for(&site, "netlify", &["--uninstall"]).ok();
    let mut after = site.files();
    after.remove("sw.js");
    check_same(&after, &before);

    site.file("_headers", "");
    build_for(&site, "netlify", &[]).ok();
    assert!(site.read("_headers").contains(RULES));
    build_for(&site, "netlify", &["--uninstall"]).ok();
    assert_eq!(site.read("_headers"), "");
}

#[test]
fn a_copy_gets_the_same_rules_and_the_site_keeps_its_own() {
    for owners in [None, Some(OWNERS)] {
        let (site, out) = (hashed_site(), Site::new());
        if let Some(owners) = owners {
            site.file("_headers", owners);
        }
        let before = site.files();
        let words = ["--out", &text(out.path())];
        build_for(&site, "cloudflare-pages", &words).ok();
        check_same(&site.files(), &before);
        let copy = out.files();
        build_for(&site, "cloudflare-pages", &[]).ok();
        check_same(&site.files(), &copy);
        // once more, from a site that has the rules already
        build_for(&site, "cloudflare-pages", &words).ok();
        check_same(&out.files(), &copy);
        build_for(
            &site,
            "cloudflare-pages",
            &["--out", words[1], "--uninstall"],
        )
        .ok();
        assert_eq!(
            out.has("_headers").then(|| out.read("_headers")),
            owners.map(String::from)
        );
    }
}

#[test]
fn headers_are_never_precached_even_if_all_is_included() {
    let site = hashed_site();
    site.file("_headers", OWNERS)
        .file("_redirects", "/old /new");
    let config = "[site]\nhost = 'netlify'\n[precache]\nexclude_defaults = false\n";
    build_with(site.path(), config, &[]).ok();
    check_whole(&site);
    let manifest = site
        .files()
        .into_iter()
        .find(|(name, _)| name.contains("manifest-"));
    let manifest = String::from_utf8(manifest.unwrap().1).unwrap();
    assert!(manifest.contains("contact.html"), "{manifest}");
    assert!(
        !manifest.contains("_headers") && !manifest.contains("_redirects"),
        "{manifest}"
    );
}

#[test]
fn what_a_redirect_answers_or_no_cache_may_store_is_left_out_and_named() {
    let site = hashed_site();
    site.file("_redirects", "/about/ https://example.com/ 301\nnonsense\n")
        .file(
            "_headers",
            "/contact\n  Cache-Control: no-store\n/sw.js\n  Cache-Control: max-age=60\n",
        );
    let output = build_for(&site, "cloudflare-pages", &["--json"]);
    assert_eq!(
        warnings(&output),
        [
            "redirected about/index.html",
            "no_store contact.html",
            "rule_ignored _redirects",
            "worker_lifetime sw.js",
        ]
    );
    check_whole(&site);
    let text = site.read("_headers");
    assert!(
        !text.contains("/sw.js\n  Cache-Control: no-cache"),
        "{text}"
    );
    let manifest = site
        .files()
        .into_iter()
        .find(|(name, _)| name.contains("manifest-"));
    let manifest = String::from_utf8(manifest.unwrap().1).unwrap();
    for (file, kept) in [
        ("about/index.html", false),
        ("contact.html", false),
        ("index.html", true),
    ] {
        assert_eq!(manifest.contains(&format!("\"{file}\"")), kept, "{file}");
    }
    // on Netlify a file comes before a redirect, and `/contact` is `contact` there
    let output = build_for(&site, "netlify", &["--json"]);
    assert_eq!(
        warnings(&output),
        ["rule_ignored _redirects", "worker_lifetime sw.js"]
    );
}

#[test]
fn an_entry_page_that_cannot_be_kept_is_an_error() {
    let site = hashed_site();
    site.file("_headers", "/*\n  Cache-Control: no-store\n");
    let before = site.files();
    check_refused(
        &build_for(&site, "netlify", &[]),
        1,
        &[
            "a visit begins or ends at a page that cannot be kept",
            "`index.html` is left out: line 1",
            "no-store",
        ],
    );
    check_same(&site.files(), &before);
    check_refused(
        &build_for(&site, "netlfy", &[]),
        2,
        &["did you mean `netlify`?"],
    );
}

#[test]
fn what_cannot_be_had_on_a_host_is_said() {
    let site = hashed_site();
    for (host, words) in [
        ("plain", "note: no host is named"),
        (
            "github-pages",
            "note: GitHub Pages lets nobody set header fields",
        ),
        (
            "netlify",
            "note: with \"Pretty URLs\" Netlify changes links",
        ),
        ("cloudflare-pages", "note: without a `404.html`"),
        ("nginx", "note: include `revisit/nginx.conf`"),
    ] {
        let output = build_for(&site, host, &[]);
        assert!(
            output.ok().stdout.contains(words),
            "{host}:\n{}",
            output.stdout
        );
        let report = report(&build_for(&site, host, &["--json"]));
        let notes = report["notes"].as_array().expect("a list of notes");
        assert!(!notes.is_empty());
        let known = if matches!(host, "plain" | "nginx") {
            0
        } else {
            3
        };
        assert_eq!(report["pages_with_known_headers"], known, "{host}");
        assert!(!site.has("_headers") || host == "netlify" || host == "cloudflare-pages");
    }
}

#[test]
fn headers_that_another_file_sets_as_well_are_not_taken_for_known() {
    let project = Site::new();
    project.file("dist/index.html", "<!doctype html><title>x</title>");
    let known = |host: &str| {
        let config = format!("[site]\nhost = '{host}'\n");
        let built = build_with(&project.path().join("dist"), &config, &["--json"]);
        report(&built)["pages_with_known_headers"].as_u64()
    };
    project.file("netlify.toml", "# [[headers]]\n[build]\npublish = 'dist'\n");
    assert_eq!(known("netlify"), Some(1));
    project.file("netlify.toml", "[[headers]]\nfor = '/*'\n");
    assert_eq!(known("netlify"), Some(0));
    assert_eq!(known("cloudflare-pages"), Some(1));
    project.file("functions/_middleware.js", "");
    assert_eq!(known("cloudflare-pages"), Some(0));
}

#[test]
fn serve_knows_no_host() {
    let site = hashed_site();
    site.file("revisit.toml", "[site]\nhost = 'cloudflare-pages'\n")
        .file("_headers", OWNERS)
        .file("_redirects", "/about/ /elsewhere\n");
    let config = text(&site.path().join("revisit.toml"));
    let before = site.files();
    let words = [
        "serve",
        &text(site.path()),
        "--listen",
        "127.0.0.1:0",
        "--config",
        &config,
    ];
    let serve = Serve::start(&words);
    assert_eq!(get(&serve.url("/about/")).status, 200);
    check_same(&site.files(), &before);
}

/// An nginx of its own that serves a built site with our snippet; gone when it is dropped.
struct Nginx {
    child: std::process::Child,
    port: u16,
}

impl Nginx {
    /// `None`, with a word, where there is no nginx.
    fn start(site: &Site, folder: &Site) -> Option<Nginx> {
        let nginx = ["nginx", "/usr/sbin/nginx"].into_iter().find(|nginx| {
            let version = Command::new(nginx).arg("-v").stderr(Stdio::null()).status();
            version.is_ok_and(|status| status.success())
        });
        let Some(nginx) = nginx else {
            cannot_run("there is no nginx", "install nginx");
            return None;
        };
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.unwrap().port();
        let (root, own) = (text(site.path()), text(folder.path()));
        let places: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {own}/{kind};\n"))
            .collect();
        folder.file(
            "nginx.conf",
            format!(
                "daemon off;\nmaster_process off;\npid {own}/pid;\nerror_log stderr;\n\
                 events {{ worker_connections 64; }}\n\
                 http {{\naccess_log off;\ntypes {{ text/html html; text/javascript js; }}\n{places}\
                 server {{\nlisten 127.0.0.1:{port};\nroot {root};\nadd_header X-Owner yes;\n\
                 include {root}/revisit/nginx.conf;\n\
                 location /lib/ {{ add_header Cache-Control max-age=5; }}\n}}\n}}\n"
            ),
        );
        let command = || {
            let mut command = Command::new(nginx);
            let config = folder.path().join("nginx.conf");
            command.arg("-e").arg("stderr").arg("-c").arg(config);
            command
        };
        let tested = command().arg("-t").output().unwrap();
        let said = String::from_utf8_lossy(&tested.stderr);
        assert!(tested.status.success(), "nginx -t said:\n{said}");
        let child = command().stderr(Stdio::null()).spawn().unwrap();
        let nginx = Nginx { child, port };
        let is_up = || {
            TcpStream::connect(("127.0.0.1", port))
                .is_ok()
                .then_some(())
        };
        poll(DEADLINE, is_up).expect("nginx listens");
        Some(nginx)
    }

    /// Status, `Cache-Control` and where it leads.
    fn answer(&self, path: &str) -> (u16, String, String) {
        let answer = get(&format!("http://127.0.0.1:{}{path}", self.port));
        let field = |name| answer.header(name).unwrap_or_default().to_owned();
        assert_eq!(
            answer.header("x-owner").is_some(),
            answer.status < 400 && !path.starts_with("/lib/"),
            "the owner's own fields at {path}"
        );
        (answer.status, field("cache-control"), field("location"))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn nginx_takes_the_snippet_and_answers_as_its_profile_says() {
    let (site, folder) = (hashed_site(), Site::new());
    site.file("lib/x-9c0d1e2f.js", "x")
        .file("top-3a4b5c6d.js", "x");
    build_for(&site, "nginx", &[]).ok();
    let client = site
        .files()
        .into_keys()
        .find(|name| name.contains("/client-"));
    let client = format!("/{}", client.unwrap());
    let Some(nginx) = Nginx::start(&site, &folder) else {
        return;
    };
    let forever = "public, max-age=31536000, immutable";
    for (path, status, lifetime) in [
        ("/sw.js", 200, "no-cache"),
        (&*client, 200, forever),
        ("/assets/app-1a2b3c4d.js", 200, forever),
        ("/top-3a4b5c6d.js", 200, forever),
        ("/lib/x-9c0d1e2f.js", 200, "max-age=5"),
        ("/", 200, ""),
        ("/app.js", 200, ""),
        ("/about/", 200, ""),
        ("/contact.html", 200, ""),
        ("/contact", 404, ""),
        ("/assets/none-1a2b3c4d.js", 404, ""),
        ("/revisit/nginx.conf", 404, ""),
    ] {
        let (found, cache_control, _) = nginx.answer(path);
        assert_eq!((found, &*cache_control), (status, lifetime), "{path}");
    }
    let (status, _, location) = nginx.answer("/about");
    assert_eq!(status, 301);
    assert!(location.ends_with("/about/"), "{location}");

    drop(nginx);
    build_for(&site, "plain", &[]).ok();
    assert!(
        !site.has("revisit/nginx.conf"),
        "a snippet that nobody reads"
    );
}
