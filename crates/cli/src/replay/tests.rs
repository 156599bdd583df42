mod appcache;

use std::path::{Path, PathBuf};

use super::*;

fn args(of: &[&Path]) -> ReplayArgs {
    ReplayArgs {
        of: of.iter().map(|path| path.to_path_buf()).collect(),
        network: None,
        order: None,
        application_cache: false,
        browser: None,
        verbose: false,
        report: None,
        config: None,
        json: false,
    }
}

/// A folder with these files, and what is written about it.
fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

fn report(of: &[&Path]) -> Report {
    replayed(input::read(&args(of)).unwrap(), true).unwrap()
}

/// What the terminal says, as it is in the snapshot of that name.
#[track_caller]
fn check_snapshot(found: &str, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/replay");
    let snapshot = folder.join(format!("{name}.snapshot.txt"));
    if std::env::var_os("REVISIT_SNAPSHOTS").is_some() {
        std::fs::write(&snapshot, found).unwrap();
    }
    let expected = std::fs::read_to_string(&snapshot).unwrap_or_default();
    assert_eq!(
        found, expected,
        "look at the difference; `REVISIT_SNAPSHOTS=1` writes it anew"
    );
}

/// The error and its help, without the path of the temporary folder.
#[track_caller]
fn check_refused(dir: &Path, of: &[&Path], expected: &str) {
    let failure = match input::read(&args(of)) {
        Err(failure) => failure,
        Ok(subject) => replayed(subject, true).unwrap_err(),
    };
    let found = failure
        .to_string()
        .replace(&dir.display().to_string(), "DIR");
    assert_eq!(found, expected);
    assert_eq!(failure.code, crate::failure::WORDS);
}

const PAGE: &str = "<link rel=stylesheet href=/assets/shop-1a2b3c4d.css><script src=/app.js></script><a href=/about/>about</a>";

fn shop() -> tempfile::TempDir {
    site(&[
        ("index.html", PAGE),
        ("about/index.html", PAGE),
        ("assets/shop-1a2b3c4d.css", "p{color:red}"),
        ("app.js", "1"),
    ])
}

#[test]
fn the_tour_of_a_folder_tells_eight_visits_and_the_first_costs_the_most() {
    let dir = shop();
    let report = report(&[dir.path()]);
    let titles: Vec<&str> = report.visits.iter().map(|visit| &*visit.title).collect();
    assert_eq!(
        titles,
        [
            "first visit",
            "next page",
            "F5",
            "back",
            "new tab",
            "tomorrow",
            "a month later",
            "offline"
        ]
    );
    let first = &report.visits[0];
    assert_eq!(first.requests, 3);
    for visit in &report.visits[1..] {
        assert!(
            visit.network_bytes <= first.network_bytes,
            "{}",
            visit.title
        );
    }
    assert!(report.visits[3].restored, "back shows the page as it was");
    assert!(
        !report.visits[7].broken.is_empty(),
        "no-cache pages need a network"
    );
}

#[test]
fn a_second_folder_is_a_deploy_and_what_is_kept_of_the_first_is_told() {
    let first = site(&[
        ("index.html", "<script src=/app.js></script>"),
        ("app.js", "1"),
        ("_headers", "/app.js\n  Cache-Control: max-age=31536000\n"),
    ]);
    let second = site(&[
        ("index.html", "<p><script src=/app.js></script>"),
        ("app.js", "2"),
    ]);
    let scenario = site(&[(
        "visits.toml",
        &format!(
            "site = {:?}\nhost = 'netlify'\n[deploys]\nnext = {:?}\n[[step]]\nvisit = '/'\n[[step]]\ndeploy = 'next'\n\
             [[step]]\nvisit = '/'\ncheck = {{ stale = false, requests_max = 1, from = 'validated' }}\n",
            first.path(),
            second.path()
        ),
    )]);
    let report = report(&[&scenario.path().join("visits.toml")]);
    assert_eq!(report.visits[1].outdated, ["https://site.example/app.js"]);
    assert_eq!(
        report.visits[1].failed,
        [
            "1 stale or outdated; promised was none",
            "the page is from the network; promised was disk, after a 304"
        ]
    );
    assert_eq!(report.failed_checks, 2);
    assert!(
        report.findings[0]
            .what
            .contains("`/app.js` is still used as it was before"),
        "{:?}",
        report.findings[0]
    );
}

/// What is out of date after a deploy, where both versions send this ETag for `/app.js`.
#[track_caller]
fn check_outdated(before: &str, after: &str, expected: &[&str]) {
    let version = |script: &str| {
        site(&[
            ("index.html", "<script src=/app.js></script>"),
            ("app.js", script),
            (
                "_headers",
                "/app.js\n  Cache-Control: max-age=31536000\n  ETag: \"mine\"\n",
            ),
        ])
    };
    let (first, second) = (version(before), version(after));
    let scenario = site(&[(
        "visits.toml",
        &format!(
            "site = {:?}\nhost = 'netlify'\n[deploys]\nnext = {:?}\n[[step]]\nvisit = '/'\n[[step]]\ndeploy = 'next'\n\
             [[step]]\nvisit = '/'\n",
            first.path(),
            second.path()
        ),
    )]);
    let report = report(&[&scenario.path().join("visits.toml")]);
    assert_eq!(report.visits[1].outdated, expected, "{before:?} {after:?}");
}

#[test]
fn an_earlier_deploy_is_known_by_its_content_whatever_tag_the_host_sends() {
    check_outdated("1", "1", &[]);
    check_outdated("1", "2", &["https://site.example/app.js"]);
}

#[test]
fn what_the_document_uses_twice_is_from_where_it_came_first() {
    let dir = site(&[
        ("index.html", "<img src=a.svg><img src=a.svg>"),
        ("a.svg", "<svg/>"),
        (
            "visits.toml",
            "site = '.'\n[[step]]\nvisit = '/'\ncheck = { from = { '/a.svg' = 'network' } }\n",
        ),
    ]);
    let report = report(&[&dir.path().join("visits.toml")]);
    assert_eq!(report.visits[0].failed, [""; 0]);
}

#[test]
fn a_site_with_a_worker_is_not_told_to_get_one() {
    let check = |files: &[(&str, &str)], told: bool| {
        let dir = site(files);
        let report = report(&[dir.path()]);
        let findings = report.findings.iter();
        let of_worker = |text: &str| text.contains("service worker is not run");
        assert_eq!(
            (
                findings
                    .filter(|finding| finding.kind == Kind::OfflineFails)
                    .count(),
                report.notes.iter().any(|note| of_worker(note))
            ),
            (usize::from(told), !told),
            "{files:?}"
        );
    };
    check(&[("index.html", "<p>")], true);
    check(&[("index.html", "<p>"), ("sw.js", "")], false);
    check(
        &[
            ("index.html", "<script src=/a.js></script>"),
            ("a.js", "navigator.serviceWorker.register('/w.js')"),
        ],
        false,
    );
}

#[test]
fn a_file_of_today_is_not_of_the_future_for_a_visit() {
    let dir = shop();
    let subject = input::read(&args(&[dir.path()])).ok().unwrap();
    let written = std::fs::metadata(dir.path().join("app.js"))
        .and_then(|facts| facts.modified())
        .unwrap();
    let start = subject.options.start;
    assert!(start >= written);
    // Ages are told in seconds: a fraction would make them depend on when the file was written.
    let since = start.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(since.subsec_nanos(), 0);
}

#[test]
fn what_is_not_in_a_recording_is_a_note_and_no_error_of_the_server() {
    let har = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/har/chrome.har");
    let dir = site(&[(
        "visits.toml",
        &format!("har = {har:?}\n[[step]]\nvisit = '/'\n[[step]]\nvisit = '/none'\n"),
    )]);
    let report = report(&[&dir.path().join("visits.toml")]);
    assert_eq!(report.visits[1].broken[0].why, "not in the recording");
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains("such as https://shop.example/none, is not in the recording")),
        "{:?}",
        report.notes
    );
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.kind != Kind::DoesNotLoad),
        "{:?}",
        report.findings
    );
}

#[test]
fn files_of_other_sites_are_told_with_their_host_and_not_judged() {
    let entry = |url: &str, status: u16, mime: &str, more: &str| {
        format!(
            r#"{{"pageref":"p","startedDateTime":"2026-11-22T09:30:00Z","request":{{"method":"GET","url":"{url}"}},
            "response":{{"status":{status},"headers":[{more}],"content":{{"size":9,"mimeType":"{mime}"}}}}}}"#
        )
    };
    let long = r#"{"name":"Cache-Control","value":"max-age=31536000"}"#;
    let script = "text/javascript";
    let har = format!(
        r#"{{"log":{{"entries":[{},{},{},{}]}}}}"#,
        entry("https://shop.example/", 200, "text/html", ""),
        entry("https://cdn.shop.example/own.js", 200, script, long),
        entry("https://ads.example/ads.js", 200, script, long),
        entry("https://ads.example/gone.js", 404, script, ""),
    );
    let dir = site(&[("visit.har", &har)]);
    let report = report(&[&dir.path().join("visit.har")]);
    let told: Vec<&str> = report
        .findings
        .iter()
        .map(|finding| &*finding.what)
        .collect();
    let has = |word: &str| told.iter().any(|what| what.contains(word));
    assert!(
        has("`cdn.shop.example/own.js` is kept for long"),
        "{told:?}"
    );
    assert!(has("`ads.example/gone.js` does not load"), "{told:?}");
    assert!(!has("ads.js"), "{told:?}");
}

#[test]
fn what_a_scenario_adds_of_another_origin_is_left_out_and_told() {
    let dir = site(&[
        ("index.html", "<p>"),
        (
            "visits.toml",
            "site = '.'\n[[page]]\npath = '/'\nfetch = ['https://api.example/list']\n[[step]]\nvisit = '/'\n",
        ),
    ]);
    let report = report(&[&dir.path().join("visits.toml")]);
    assert_eq!(report.visits[0].requests, 1);
    let told = "1 file of other origins, such as https://api.example/list, is not played";
    assert!(
        report.notes.iter().any(|note| note.starts_with(told)),
        "{:?}",
        report.notes
    );
}

#[test]
fn folders_are_deployed_in_the_order_of_the_words_beyond_nine_too() {
    let dir = site(&[("index.html", "<p>")]);
    let subject = input::read(&args(&[dir.path(); 12])).ok().unwrap();
    let deployed: Vec<String> = subject
        .steps
        .iter()
        .filter_map(|step| step.deploy.clone())
        .filter_map(|name| Some(name.split_once(' ')?.0.to_owned()))
        .collect();
    let expected: Vec<String> = (2..=12).map(|place| format!("{place}")).collect();
    assert_eq!(deployed, expected);
}

#[test]
fn a_recording_says_what_the_next_visit_costs() {
    let har = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/har/chrome.har");
    let report = report(&[&har]);
    let costs: Vec<(&str, usize)> = report
        .visits
        .iter()
        .map(|visit| (&*visit.title, visit.requests))
        .collect();
    assert_eq!(costs[0], ("first visit", 5));
    let month = costs
        .iter()
        .find(|(title, _)| *title == "a month later")
        .unwrap();
    assert!(month.1 < 5 && month.1 > 0, "{costs:?}");
    assert!(
        report.notes[0].starts_with("recorded by WebInspector 537.36: 7 requests"),
        "{:?}",
        report.notes
    );
    let kinds: Vec<&str> = report
        .findings
        .iter()
        .map(|finding| &*finding.what)
        .collect();
    assert!(
        kinds
            .iter()
            .any(|what| what.contains("visitors do not see a new version")),
        "{kinds:?}"
    );
}

#[test]
fn a_site_that_redirects_in_a_circle_is_a_finding_and_no_hang() {
    let entry = |from: &str, to: &str| {
        format!(
            r#"{{"startedDateTime":"2026-11-22T09:30:00Z","request":{{"method":"GET","url":"http://a{from}"}},"response":
            {{"status":301,"headers":[{{"name":"Location","value":"{to}"}}],"content":{{"size":0,"mimeType":"text/html"}}}}}}"#
        )
    };
    let page = r#"{"startedDateTime":"2026-11-22T09:30:01Z","request":{"method":"GET","url":"http://a/end"},"response":
        {"status":200,"headers":[],"content":{"size":9,"mimeType":"text/html"}}}"#;
    let har = format!(
        r#"{{"log":{{"entries":[{},{},{page}]}}}}"#,
        entry("/x", "/y"),
        entry("/y", "/x")
    );
    let dir = site(&[("loop.har", &har)]);
    let report = report(&[&dir.path().join("loop.har")]);
    assert!(
        report.findings[0].what.contains("redirected in a circle"),
        "{:?}",
        report.findings
    );
}

#[test]
fn what_cannot_be_played_is_told_with_its_remedy() {
    let dir = site(&[
        ("empty/a.txt", ""),
        ("cut.har", r#"{"log":{"entries":[{"request":"#),
        ("trace.json", r#"{"traceEvents":[]}"#),
        ("step.toml", "site = 'empty'\n[[step]]\nvizit = '/'\n"),
        ("back.toml", "site = 'site'\n[[step]]\ndo = 'back'\n"),
        ("site/index.html", ""),
        ("note.txt", ""),
    ]);
    let at = |name: &str| dir.path().join(name);
    let check = |name: &str, expected: &str| check_refused(dir.path(), &[&at(name)], expected);
    check(
        "empty",
        "error: there is no page in `DIR/empty`: nothing that ends in `.html`\n\
         help: name the folder that holds `index.html`: the one that is deployed\n",
    );
    check(
        "cut.har",
        "error: cannot replay `DIR/cut.har`\n  caused by: it ends in the middle, at line 1\n\
         help: save it once more: in DevTools, Network, \"Export HAR\", and wait until it is written\n",
    );
    check(
        "note.txt",
        "error: `DIR/note.txt` is neither a folder nor a file that can be played\n\
         help: name a folder of built files, a file that ends in `.har`, or a scenario that ends in `.toml`\n",
    );
    check(
        "back.toml",
        "error: cannot play step 1 (back)\n  caused by: the history ends here: there is no page to go to\n\
         help: put a step before it that visits a page\n",
    );
    let failure = input::read(&args(&[&at("step.toml")]))
        .err()
        .unwrap()
        .to_string();
    assert!(
        failure.contains("line 3: unknown field `vizit`"),
        "{failure}"
    );
    assert!(failure.contains("help: did you mean `visit`?"), "{failure}");
    let failure = input::read(&args(&[&at("trace.json")]))
        .err()
        .unwrap()
        .to_string();
    assert!(failure.contains("it has no `log.entries`"), "{failure}");
    let two = input::read(&args(&[&at("site"), &at("cut.har")]))
        .err()
        .unwrap()
        .to_string();
    assert!(two.contains("stands beside something else"), "{two}");
}

#[test]
fn a_visit_is_told_as_it_is_in_the_snapshot() {
    let dir = shop();
    let mut report = report(&[dir.path()]);
    "shop".clone_into(&mut report.of);
    let found = table::table(&report, true);
    check_snapshot(&found, "table");
    assert!(
        page::page(&report).contains("<td>first visit"),
        "the page tells the same visits"
    );
}

#[test]
fn the_same_words_give_the_same_report() {
    let flowers = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/flowers");
    let of = [&*flowers];
    let told = || serde_json::to_string(&report(&of)).unwrap();
    assert_eq!(told(), told());
}
