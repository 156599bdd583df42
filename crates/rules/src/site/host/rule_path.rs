//! The path of a rule in `_headers` or `_redirects`: does it match this URL path?
//!
//! Both hosts know `*` for any characters and `:name` for one segment, and differ in the rest.
//! Matching takes time in proportion to the length of the rule times that of the path: a `*` is
//! never tried again, all its ends are followed at once.

use super::{Host, decoded};

/// A rule's path, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RulePath {
    parts: Vec<Part>,
    /// Netlify compares without case and without the last slash.
    loose: bool,
    /// `https://name/…`: the rule holds for one host name only.
    pub(super) one_name_only: bool,
    /// Names that a value may quote: `splat` and placeholders.
    pub(super) names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// Any characters, or none.
    Any,
    /// Nothing, or a slash and any characters.
    Below,
    /// One character or more, but no slash.
    Segment,
}

impl RulePath {
    /// Reads the path of a rule; the error says why its host passes over it.
    pub(super) fn new(written: &str, host: Host) -> Result<Self, &'static str> {
        let (path, one_name_only) = without_name(written)?;
        if host == Host::CloudflarePages {
            return cloudflare(path, one_name_only);
        }
        let rule = netlify(path, one_name_only);
        if rule.parts.len() > PARTS_MAX {
            return Err("its path has too many `*` and names to be followed");
        }
        Ok(rule)
    }

    /// Does it match `path`, which begins with a slash and is decoded, as the rule's own is?
    pub(super) fn matches(&self, path: &str) -> bool {
        if self.loose {
            self.follow(path.trim_end_matches('/').to_lowercase().as_bytes())
        } else {
            self.follow(path.as_bytes())
        }
    }

    fn follow(&self, path: &[u8]) -> bool {
        if let Some(Part::Literal(text)) = self.parts.first()
            && !path.starts_with(text.as_bytes())
        {
            return false;
        }
        // `here[i]`: all parts so far match the first `i` bytes.
        let mut here = vec![false; path.len() + 1];
        here[0] = true;
        for part in &self.parts {
            let mut next = vec![false; path.len() + 1];
            let mut within = false;
            for at in 0..=path.len() {
                match part {
                    Part::Literal(text) => {
                        if here[at] && path[at..].starts_with(text.as_bytes()) {
                            next[at + text.len()] = true;
                        }
                    }
                    Part::Any => {
                        within |= here[at];
                        next[at] = within;
                    }
                    Part::Below => {
                        next[at] = here[at] || within;
                        within |= here[at] && path.get(at) == Some(&b'/');
                    }
                    Part::Segment => {
                        within = (within || here[at]) && path.get(at).is_some_and(|b| *b != b'/');
                        if within {
                            next[at + 1] = true;
                        }
                    }
                }
            }
            here = next;
        }
        here[path.len()]
    }
}

/// `https://name/path` as its path; other URLs are none that a host takes.
fn without_name(written: &str) -> Result<(&str, bool), &'static str> {
    let url = written
        .strip_prefix("https://")
        .or_else(|| written.strip_prefix("http://"));
    match url {
        Some(url) => Ok((url.find('/').map_or("/", |slash| &url[slash..]), true)),
        None if written.starts_with('/') => Ok((written, false)),
        None => Err("a path begins with a slash"),
    }
}

/// "A splat pattern … will greedily match all characters. You may only include a single splat in
/// the URL" (<https://developers.cloudflare.com/pages/configuration/headers/>); a placeholder is a
/// colon, a letter, and letters, digits or `_`, and ends at a slash.
fn cloudflare(path: &str, one_name_only: bool) -> Result<RulePath, &'static str> {
    let mut parts = Vec::new();
    let mut names = Vec::new();
    let mut literal = String::new();
    let mut rest = path;
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        let name_bytes = match char {
            ':' if rest.starts_with(|c: char| c.is_ascii_alphabetic()) => rest
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
                .count(),
            _ => 0,
        };
        let (part, name) = match char {
            '*' => (Part::Any, "splat"),
            ':' if name_bytes > 0 => (Part::Segment, &rest[..name_bytes]),
            _ => {
                literal.push(char);
                continue;
            }
        };
        if names.iter().any(|known| known == name) {
            return Err(match part {
                Part::Any => "a path has one `*` at most",
                _ => "a placeholder stands in a path once at most",
            });
        }
        names.push(name.to_owned());
        rest = &rest[name_bytes..];
        push_literal(&mut parts, &mut literal);
        parts.push(part);
    }
    push_literal(&mut parts, &mut literal);
    Ok(RulePath {
        parts,
        loose: false,
        one_name_only,
        names,
    })
}

/// As Netlify's own parser of `_headers` reads it
/// (<https://github.com/netlify/build/blob/main/packages/headers-parser/src/for_regexp.ts>):
/// without case, with or without a last slash; a segment that is `*` may be missing with its slash.
fn netlify(path: &str, one_name_only: bool) -> RulePath {
    let mut parts = Vec::new();
    let mut names = Vec::new();
    let mut literal = String::new();
    let path = path.to_lowercase();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        if segment == "*" {
            push_literal(&mut parts, &mut literal);
            parts.push(Part::Below);
            names.push("splat".to_owned());
            continue;
        }
        literal.push('/');
        if let Some(name) = segment.strip_prefix(':') {
            push_literal(&mut parts, &mut literal);
            parts.push(Part::Segment);
            names.push(name.to_owned());
            continue;
        }
        let mut pieces = segment.split('*');
        literal.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            push_literal(&mut parts, &mut literal);
            parts.push(Part::Any);
            literal.push_str(piece);
        }
    }
    push_literal(&mut parts, &mut literal);
    RulePath {
        parts,
        loose: true,
        one_name_only,
        names,
    }
}

fn push_literal(parts: &mut Vec<Part>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(Part::Literal(decoded(literal).into_owned()));
        literal.clear();
    }
}

/// Of a rule's path on Netlify, which names no limit; more is no path that a person wrote.
const PARTS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: Host, rule: &str, yes: &[&str], no: &[&str]) {
        let rule_path = RulePath::new(rule, host).unwrap();
        for path in yes {
            assert!(rule_path.matches(path), "{host}: `{rule}` and `{path}`");
        }
        for path in no {
            assert!(!rule_path.matches(path), "{host}: `{rule}` and `{path}`");
        }
    }

    #[test]
    fn on_cloudflare_a_star_is_anything_and_a_name_one_segment() {
        let host = Host::CloudflarePages;
        check(host, "/*", &["/", "/a", "/a/b/"], &[]);
        check(host, "/a/*", &["/a/", "/a/b/c"], &["/a", "/ab", "/A/"]);
        check(
            host,
            "/*.jpg",
            &["/a.jpg", "/b/c.jpg", "/.jpg"],
            &["/a.jpeg"],
        );
        check(host, "/m/:title", &["/m/x"], &["/m/", "/m/x/", "/m/x/y"]);
        check(
            host,
            "/:a/:b.html",
            &["/x/y.html"],
            &["/y.html", "/x/.html"],
        );
        check(host, "/a:1", &["/a:1"], &["/ax"]);
        check(host, "/a%20b", &["/a b"], &["/a+b", "/a%20b"]);
        check(host, "https://x.example/a", &["/a"], &["/b"]);
    }

    #[test]
    fn on_netlify_case_and_the_last_slash_do_not_count() {
        let host = Host::Netlify;
        check(host, "/", &["/"], &["/a"]);
        check(host, "/*", &["/", "/a", "/a/b/"], &[]);
        check(host, "/a/*", &["/a", "/a/", "/A/b/c"], &["/ab", "/b"]);
        check(host, "/a/", &["/a", "/a/"], &["/a/b"]);
        check(
            host,
            "/a/*/b",
            &["/a/b", "/a/x/b", "/a/x/y/b/"],
            &["/a/xb", "/a/b/c"],
        );
        check(host, "/*.js", &["/a.js", "/b/c.JS"], &["/a.jsx"]);
        check(
            host,
            "/:x/index.html",
            &["/a/index.html"],
            &["/index.html", "/a/b/index.html"],
        );
    }

    #[test]
    fn what_no_host_can_match_is_refused() {
        assert!(RulePath::new(&"/:a".repeat(32), Host::Netlify).is_ok());
        for (rule, host) in [
            ("a", Host::Netlify),
            ("/*/*", Host::CloudflarePages),
            ("/:a/:a", Host::CloudflarePages),
            ("", Host::CloudflarePages),
            (&"/:a".repeat(33), Host::Netlify),
        ] {
            assert!(RulePath::new(rule, host).is_err(), "{rule}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_rule_and_no_path_make_it_panic(rule in "[/a-c:*%ä.]{0,20}", path in ".{0,20}") {
            for host in [Host::Netlify, Host::CloudflarePages] {
                if let Ok(rule) = RulePath::new(&format!("/{rule}"), host) {
                    rule.matches(&path);
                    let all = RulePath::new("/*", host).unwrap();
                    proptest::prop_assert!(all.matches(&("/".to_owned() + &path)));
                }
            }
        }
    }
}
