//! Which file of the folder does a request target mean, as far as names tell?

use http::Uri;
use revisit_rules::site::route::{self, Candidate};

/// What a target means before the disk is asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// One of these, in this order.
    Files(Vec<Candidate>),
    /// Somewhere else: an absolute path, without the query.
    Elsewhere(String),
    /// Nothing that a folder may have.
    Nothing,
    /// The target is no path: `*`, or the authority of a CONNECT.
    NoPath,
}

/// Reads a target for a folder that is mounted at `base`.
pub(super) fn read(uri: &Uri, base: &str) -> Target {
    let path = uri.path();
    if !path.starts_with('/') {
        return Target::NoPath;
    }
    let Some(below) = path.strip_prefix(base) else {
        // Someone who asks for the root, or forgot the slash, means the folder.
        let meant = path == "/" || base.strip_suffix('/') == Some(path);
        return if meant {
            Target::Elsewhere(base.to_owned())
        } else {
            Target::Nothing
        };
    };
    match route::decode(below) {
        Some(file) if !is_hidden(&file) => Target::Files(route::candidates(&file)),
        _ => Target::Nothing,
    }
}

/// Names that begin with a dot are for programs, not for visitors: `.git`, `.env`, `.htpasswd`.
/// `.well-known` is the one that was made for visitors (RFC 8615).
pub(super) fn is_hidden(file: &str) -> bool {
    file.split('/')
        .any(|name| name.starts_with('.') && name != ".well-known")
}

/// Where a folder's page is: an absolute path that begins with the base and has no empty segment,
/// so that it never reads as `//host` (RFC 3986 §4.2, a network-path reference).
pub(super) fn location(base: &str, file: &str, query: Option<&str>) -> String {
    with_query(format!("{base}{}", route::url_path(file)), query)
}

/// `path` with the request's query behind it.
pub(super) fn with_query(path: String, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// What is wrong with a base, if anything is.
pub(super) fn fault_of_base(base: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>".contains(&byte);
    if !base.starts_with('/') || !base.ends_with('/') {
        Some("it must begin and end with a slash")
    } else if base.contains("//") || base.split('/').any(|name| name == "." || name == "..") {
        Some("it must have no empty and no dot segments")
    } else if !base.bytes().all(plain) {
        Some("it must be a URL path, encoded, without query and fragment")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_the_base_means_a_file() {
        check("/", "/", files(""));
        check("/a/b.html?c=d", "/", files("a/b.html"));
        check("/app/", "/app/", files(""));
        check("/app/a", "/app/", files("a"));
        check("http://elsewhere.example/a", "/", files("a"));
        check("http://elsewhere.example", "/", files(""));
    }

    #[test]
    fn who_misses_the_base_by_its_slash_is_led_to_it() {
        check("/", "/app/", Target::Elsewhere("/app/".into()));
        check("/app", "/app/", Target::Elsewhere("/app/".into()));
        check("/apple", "/app/", Target::Nothing);
        check("/other", "/app/", Target::Nothing);
    }

    #[test]
    fn no_spelling_leads_out_of_the_folder_or_to_a_hidden_name() {
        for path in [
            "/..",
            "/../",
            "/../a",
            "/a/../b",
            "/%2e%2e/a",
            "/%2E%2e/a",
            "/.%2e/a",
            "/..%2fa",
            "/..%5ca",
            "/%2e",
            "/./a",
            "//a",
            "//evil.example/..",
            "//evil.example/%2e%2e",
            "/a//b",
            "/a%00",
            "/%ff",
            "/.git/config",
            "/%2egit/config",
            "/a/.env",
            "/.well-known-not",
            "/.well-known/.a",
        ] {
            check(path, "/", Target::Nothing);
        }
        check("/%252e%252e/a", "/", files("%2e%2e/a"));
        check(
            "/.well-known/security.txt",
            "/",
            files(".well-known/security.txt"),
        );
        check("*", "/", Target::NoPath);
        check("example.com:443", "/", Target::NoPath);
    }

    #[test]
    fn a_base_is_an_absolute_path_of_a_folder() {
        for good in ["/", "/app/", "/a/b%20c/"] {
            assert_eq!(fault_of_base(good), None, "{good}");
        }
        for bad in [
            "",
            "app/",
            "/app",
            "//",
            "//evil.example/",
            "/a?b/",
            "/a b/",
            "/../",
            "/ä/",
        ] {
            assert!(fault_of_base(bad).is_some(), "{bad}");
        }
    }

    fn files(path: &str) -> Target {
        Target::Files(route::candidates(path))
    }

    fn check(target: &str, base: &str, expected: Target) {
        assert_eq!(
            read(&target.parse().unwrap(), base),
            expected,
            "{target} below {base}"
        );
    }
}
