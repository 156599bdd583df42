use super::*;
use crate::BuildConfig;
use revisit_rules::site::names::Names;

struct Site<'a> {
    host: Host,
    base: &'a str,
    headers: &'a str,
    redirects: &'a str,
    files: &'a [&'a str],
}

const SITE: Site<'_> = Site {
    host: Host::CloudflarePages,
    base: "/",
    headers: "",
    redirects: "",
    files: &[
        "index.html",
        "about.html",
        "assets/a-1a2b3c4d.js",
        "assets/b-5e6f7a8b.css",
        "top-9c0d1e2f.js",
        "app.js",
        "revisit/client-AAAA.js",
    ],
};

fn with<T>(site: &Site<'_>, use_it: impl FnOnce(&Hosted<'_>) -> T) -> T {
    let files: HashSet<&str> = site.files.iter().copied().collect();
    use_it(&Hosted::new(
        site.host,
        site.base,
        "sw.js",
        &files,
        Found {
            headers: Some(site.headers.to_owned()),
            redirects: Some(site.redirects.to_owned()),
            unread: None,
        },
    ))
}

fn output(site: &Site<'_>) -> HostOutput {
    with(site, |hosted| {
        hosted.output(site.files.iter().map(|file| {
            let ours = file.starts_with("revisit/");
            let promise = match ours {
                true => Promise::ContentHash,
                false => Names::default().promise(file),
            };
            (*file, promise)
        }))
    })
}

/// The paths of our rules, and the kinds of warnings.
#[track_caller]
fn check(site: &Site<'_>, paths: &[&str], warnings: &[&str]) {
    let output = output(site);
    let text = output.headers.unwrap_or_default();
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with('/')).collect();
    assert_eq!(found, paths, "{text}");
    let said: Vec<String> = output.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), warnings.len(), "{said:?}");
    for (said, words) in said.iter().zip(warnings) {
        assert!(said.contains(words), "`{words}` is not in `{said}`");
    }
}

const ALL: [&str; 4] = ["/sw.js", "/revisit/*", "/assets/*", "/top-9c0d1e2f.js"];

#[test]
fn the_worker_is_asked_for_each_time_and_what_is_hashed_never() {
    for host in [Host::Netlify, Host::CloudflarePages] {
        check(&Site { host, ..SITE }, &ALL, &[]);
    }
    let text = output(&SITE).headers.unwrap();
    assert!(text.starts_with(
        "/sw.js\n  Cache-Control: no-cache\n/revisit/*\n  Cache-Control: public, max-age=31536000, immutable\n"
    ));
}

#[test]
fn what_the_owner_says_of_a_path_is_left_to_him() {
    let headers = "/assets/a*\n  Cache-Control: max-age=5\n/sw.js\n  cache-control: max-age=60";
    check(
        &Site { headers, ..SITE },
        &["/revisit/*", "/assets/b-5e6f7a8b.css", "/top-9c0d1e2f.js"],
        &[
            "line 3 of `_headers` lets caches keep `sw.js` (`max-age=60`)",
            "line 1 of `_headers` gives 1 hashed file its lifetime (`assets/a-1a2b3c4d.js`)",
        ],
    );
    let headers = "/sw.js\n  Cache-Control: no-store";
    check(&Site { headers, ..SITE }, &ALL[1..], &[]);
    let headers = "/*\n  X-A: 1";
    check(&Site { headers, ..SITE }, &ALL, &[]);
}

#[test]
fn on_cloudflare_a_rule_of_the_owner_with_our_path_is_not_pushed_out() {
    let headers = "/assets/*\n  X-A: 1";
    let path_taken = ["`/assets/*`"];
    check(
        &Site { headers, ..SITE },
        &[ALL[0], ALL[1], ALL[3]],
        &path_taken,
    );
    let host = Host::Netlify;
    check(
        &Site {
            headers,
            host,
            ..SITE
        },
        &ALL,
        &[],
    );
}

#[test]
fn a_full_file_of_rules_is_not_made_fuller() {
    let rules = |count: usize| {
        (0..count)
            .map(|i| format!("/{i}\n  X-A: 1\n"))
            .collect::<String>()
    };
    check(
        &Site {
            headers: &rules(96),
            ..SITE
        },
        &ALL,
        &[],
    );
    check(
        &Site {
            headers: &rules(97),
            ..SITE
        },
        &ALL[..3],
        &["1 hashed file gets no lifetime"],
    );
    check(
        &Site {
            headers: &rules(99),
            ..SITE
        },
        &ALL[..1],
        &["4 hashed files get no lifetime"],
    );
    check(
        &Site {
            headers: &rules(100),
            ..SITE
        },
        &[],
        &["4 hashed files get no lifetime"],
    );
}

#[test]
fn a_redirect_that_answers_for_our_own_files_is_named_once() {
    let redirects = "/* /index.html 200!";
    let files = ["index.html", "revisit/client-AAAA.js", "revisit/x.pack"];
    let site = Site {
        host: Host::Netlify,
        redirects,
        files: &files,
        ..SITE
    };
    let said = ["line 1 of `_redirects` (`/*`) answers for `revisit/client-AAAA.js`"];
    check(&site, &ALL[..2], &said);
    check(
        &Site {
            redirects: "/* /index.html 200",
            ..site
        },
        &ALL[..2],
        &[],
    );
}

#[test]
fn no_rules_are_written_where_nobody_reads_them() {
    for host in [Host::Plain, Host::GithubPages] {
        assert_eq!(output(&Site { host, ..SITE }), HostOutput::default());
    }
    let below = Site {
        base: "/shop/",
        ..SITE
    };
    assert_eq!(output(&below), HostOutput::default());
    let notes = with(&below, |hosted| hosted.notes());
    assert!(
        notes.iter().any(|note| note.contains("/shop/")),
        "{notes:?}"
    );
    with(&below, |hosted| {
        assert!(matches!(
            hosted.page("about.html").headers,
            PageHeaders::Unknown(_)
        ));
    });
}

#[test]
fn every_host_has_a_note_of_one_sentence() {
    for host in Host::ALL {
        let notes = with(&Site { host, ..SITE }, |hosted| hosted.notes());
        assert!(!notes.is_empty(), "{host}");
        assert!(
            notes
                .iter()
                .all(|note| !note.ends_with('.') && !note.contains("  ")),
            "{notes:?}"
        );
    }
}

#[track_caller]
fn check_unkeepable(site: &Site<'_>, entries: &[&str], expected: Option<&[(&str, &str)]>) {
    let parsed = BuildConfig::default().parse().unwrap();
    let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
    let found = with(site, |hosted| hosted.unkeepable(&entries, &parsed));
    let found = found.ok().map(|files| {
        files
            .into_iter()
            .map(|(file, warning)| (file, warning.map_or(String::new(), |w| w.to_string())))
            .collect::<Vec<_>>()
    });
    let Some(expected) = expected else {
        return assert_eq!(found, None);
    };
    let found = found.unwrap();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((file, said), (expected, words)) in found.iter().zip(expected) {
        assert_eq!(file, expected);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn what_a_redirect_answers_or_the_rules_forbid_to_store_is_not_kept() {
    let redirects = "/app.js /x";
    let site = Site { redirects, ..SITE };
    check_unkeepable(
        &site,
        &["index.html"],
        Some(&[("app.js", "line 1 of `_redirects`")]),
    );
    check_unkeepable(
        &Site {
            host: Host::Netlify,
            ..site
        },
        &["index.html"],
        Some(&[]),
    );
    check_unkeepable(
        &Site {
            host: Host::Plain,
            ..site
        },
        &["index.html"],
        Some(&[]),
    );
    // the page is asked for without its ending
    let headers = "/about\n  Cache-Control: no-store\n/app.js\n  Cache-Control: no-store";
    let site = Site { headers, ..SITE };
    check_unkeepable(&site, &["index.html"], Some(&[("about.html", "no-store")]));
    check_unkeepable(&site, &["index.html", "about.html"], None);
}

#[test]
fn the_rule_files_themselves_are_not_kept() {
    let files = ["index.html", "_headers", "_redirects"];
    let site = Site {
        files: &files,
        ..SITE
    };
    check_unkeepable(
        &site,
        &["index.html"],
        Some(&[("_headers", ""), ("_redirects", "")]),
    );
}

#[test]
fn a_page_has_its_url_and_its_fields() {
    let headers = "/about\n  X-A: 1\n/about.html\n  X-B: 1";
    let page = with(&Site { headers, ..SITE }, |hosted| {
        hosted.page("about.html")
    });
    assert_eq!(page.url_path, "about");
    let PageHeaders::Known(fields) = page.headers else {
        panic!("not known");
    };
    assert!(fields.contains(&("X-A".into(), "1".into())));
    assert!(!fields.iter().any(|(name, _)| name == "X-B"));
}
