use super::*;

fn check(names: &[&str], expected: Option<&str>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(ignore(&names).ok().as_deref(), expected, "{names:?}");
}

#[test]
fn ignored_parameters_become_literal_words() {
    check(&["utm_*", "fbclid"], Some("^(utm_|fbclid$)"));
    check(&["a.b[]"], Some("^(a\\.b\\[\\]$)"));
    check(&[], Some("^(?!)"));
    check(&["*"], None);
    check(&["a*b"], None);
    check(&["{a,b}"], None);
}

#[test]
fn a_cdn_is_a_whole_url_of_a_folder() {
    for text in ["https://cdn.example/", "http://localhost:81/a/b/"] {
        assert!(cdn(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "/assets/",
        "//cdn.example/",
        "https://cdn.example/a",
        "https://cdn.example/a/?v=1",
        "https://cdn.example/a/#b",
        "https://me@cdn.example/",
        "ftp://cdn.example/",
    ] {
        assert!(cdn(text).is_err(), "{text}");
    }
}

#[test]
fn a_base_and_a_worker_name_are_plain() {
    let config = |base: &str, name: &str| BuildConfig {
        site: SiteConfig {
            base: base.into(),
            ..SiteConfig::default()
        },
        worker: WorkerConfig {
            name: name.into(),
            ..WorkerConfig::default()
        },
        ..BuildConfig::default()
    };
    for (base, name) in [("/", "sw.js"), ("/a/b-c/", "my_worker-1.js")] {
        assert!(config(base, name).parse().is_ok(), "{base} {name}");
    }
    for (base, name) in [
        ("", "sw.js"),
        ("/a", "sw.js"),
        ("a/", "sw.js"),
        ("//a/", "sw.js"),
        ("/a b/", "sw.js"),
        ("/\"><script>/", "sw.js"),
        ("/", "sw"),
        ("/", "a/sw.js"),
        ("/", ".js"),
        ("/", "s w.js"),
    ] {
        assert!(config(base, name).parse().is_err(), "{base} {name}");
    }
}
