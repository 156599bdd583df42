use super::*;

const NETLIFY: Host = Host::Netlify;
const CLOUDFLARE: Host = Host::CloudflarePages;

/// The fields of `path` as `a: b | c: d`, or why they are not known.
#[track_caller]
fn check(host: Host, text: &str, path: &str, expected: &str) {
    let rules = HeaderRules::parse(text, host);
    let found = match rules.apply(path, &[("Referrer-Policy", "origin")]) {
        Ok(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect::<Vec<_>>()
            .join(" | "),
        Err(unsure) => format!("? {unsure}"),
    };
    assert_eq!(found, expected, "{host}: {text}");
}

#[track_caller]
fn check_ignored(host: Host, text: &str, expected: &[usize]) {
    let rules = HeaderRules::parse(text, host);
    let lines: Vec<usize> = rules.ignored.iter().map(|ignored| ignored.line).collect();
    assert_eq!(lines, expected, "{host}: {text}\n{:?}", rules.ignored);
}

#[test]
fn a_rule_gives_its_fields_to_the_paths_it_names_and_comments_count_for_nothing() {
    let text = "# a comment\n/secure/page\n  X-Frame-Options: DENY\n\n  # another\r\n\tX-A: b:c\r\n/other\n  X-B: 1";
    for host in [NETLIFY, CLOUDFLARE] {
        let all = "Referrer-Policy: origin | X-Frame-Options: DENY | X-A: b:c";
        check(host, text, "/secure/page", all);
        check(host, text, "/secure", "Referrer-Policy: origin");
        check_ignored(host, text, &[]);
    }
}

#[test]
fn a_field_that_a_rule_names_twice_has_both_values() {
    let text = "/*\n  cache-control: max-age=0\n  Cache-Control: no-cache";
    for host in [NETLIFY, CLOUDFLARE] {
        check(
            host,
            text,
            "/",
            "Referrer-Policy: origin | cache-control: max-age=0, no-cache",
        );
    }
}

#[test]
fn a_rule_wins_over_what_is_sent_by_default() {
    for host in [NETLIFY, CLOUDFLARE] {
        check(
            host,
            "/*\n referrer-policy: no-referrer",
            "/",
            "Referrer-Policy: no-referrer",
        );
    }
}

#[test]
fn on_cloudflare_two_rules_join_their_values_and_a_later_one_may_take_a_field_away() {
    let text = "/*\n  X-Robots-Tag: noindex\n  ! Referrer-Policy\n/a/*\n  X-Robots-Tag: nosnippet\n/a/b\n  ! X-Robots-Tag\n  X-Robots-Tag: all";
    check(CLOUDFLARE, text, "/", "X-Robots-Tag: noindex");
    check(CLOUDFLARE, text, "/a/", "X-Robots-Tag: noindex, nosnippet");
    check(CLOUDFLARE, text, "/a/b", "X-Robots-Tag: all");
}

#[test]
fn on_netlify_two_rules_of_one_field_leave_it_open() {
    let text = "/*\n  X-A: 1\n/a\n  x-a: 2\n/b\n  X-A: 1";
    check(
        NETLIFY,
        text,
        "/a",
        "? the rule at line 3 of `_headers` sets `x-a` a second time, and Netlify does not say which wins",
    );
    check(NETLIFY, text, "/b", "Referrer-Policy: origin | X-A: 1");
}

#[test]
fn what_depends_on_the_host_name_or_the_path_is_not_known() {
    let text = "https://x.pages.dev/*\n  X-A: 1";
    check(
        CLOUDFLARE,
        text,
        "/",
        "? the rule at line 1 of `_headers` holds for one host name only",
    );
    let text = "/m/:title\n  X-A: You watch \":title\"\n/n/*\n  X-A: :title";
    check(
        CLOUDFLARE,
        text,
        "/m/x",
        "? a value of the rule at line 1 of `_headers` quotes a part of the path",
    );
    check(
        CLOUDFLARE,
        text,
        "/n/x",
        "Referrer-Policy: origin | X-A: :title",
    );
}

#[test]
fn a_line_that_the_host_passes_over_is_named() {
    check_ignored(
        NETLIFY,
        "X-A: 1\n/a\n  X-A: 1\n  nonsense\n  : 1\n  X-B:\n  Server: x\n/b",
        &[1, 4, 5, 6, 7, 8],
    );
    check_ignored(
        CLOUDFLARE,
        "/a\n  X A: 1\n  X-A: 1\nhttp//x\n/*/*\n  X-A: 1\n! X",
        &[2, 4, 5, 6, 7],
    );
    check_ignored(NETLIFY, "/a\n  ! X-A", &[2, 1]);
}

#[test]
fn cloudflare_reads_100_rules_of_2000_characters_and_the_last_of_one_path() {
    let rules = |count: usize| {
        (0..count)
            .map(|i| format!("/{i}\n  X-A: 1\n"))
            .collect::<String>()
    };
    check_ignored(CLOUDFLARE, &rules(100), &[]);
    check_ignored(CLOUDFLARE, &rules(101), &[201]);
    check_ignored(NETLIFY, &rules(101), &[]);
    let line = |chars: usize| format!("/\n  X-A: {}", "x".repeat(chars - 5));
    check_ignored(CLOUDFLARE, &line(2_000), &[]);
    check_ignored(CLOUDFLARE, &line(2_001), &[2, 1]);
    let twice = "/a\n  X-A: 1\n/a\n  X-B: 2";
    check(CLOUDFLARE, twice, "/a", "Referrer-Policy: origin | X-B: 2");
    check_ignored(CLOUDFLARE, twice, &[1]);
    check(
        NETLIFY,
        twice,
        "/a",
        "Referrer-Policy: origin | X-A: 1 | X-B: 2",
    );
}

#[test]
fn the_lifetime_that_rules_give_is_told_with_its_line() {
    let text = "/*\n  Cache-Control: max-age=60\n/a\n  ! Cache-Control\nhttps://x.example/b\n  Cache-Control: no-store\n/c\n X-A: 1";
    let rules = HeaderRules::parse(text, CLOUDFLARE);
    let said = |path: &str| {
        let said = rules.cache_control(path).unwrap();
        (
            said.line,
            said.value.clone(),
            said.everywhere,
            said.directives().gives_lifetime(),
            said.directives().no_store,
        )
    };
    assert_eq!(said("/c"), (1, "max-age=60".into(), true, true, false));
    assert_eq!(said("/a"), (3, String::new(), true, false, false));
    assert_eq!(
        said("/b"),
        (5, "max-age=60, no-store".into(), false, false, true)
    );
    let none = HeaderRules::parse("/c\n X-A: 1", CLOUDFLARE);
    assert_eq!(none.cache_control("/c"), None);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "([/a:*! #\r\n\tä-]|X-A: 1\n|https://|:splat){0,40}", path in ".{0,12}") {
        for host in [NETLIFY, CLOUDFLARE] {
            let rules = HeaderRules::parse(&text, host);
            let lines = text.split('\n').count();
            proptest::prop_assert!(rules.ignored.iter().all(|i| (1..=lines).contains(&i.line)));
            let _ = rules.apply(&path, &[]);
            let _ = rules.cache_control(&path);
        }
    }

    #[test]
    fn any_bytes_of_text_are_read(text in ".{0,200}") {
        for host in [NETLIFY, CLOUDFLARE] {
            HeaderRules::parse(&text, host);
        }
    }
}
