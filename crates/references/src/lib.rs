//! References: what does this file load, and where may one script tag be inserted?
//!
//! Two ask: a build, what a text may ever load ([`html`], [`css`], [`script`]: URLs as they are written, of all
//! pictures that are offered); a replay, what one visit loads ([`loads`]: URLs resolved, in the order of asking).
//! Nothing here reads a file, and no input is an error: what cannot be understood yields less.
//! The texts followed are the HTML standard (with scripting on, so `<noscript>` loads nothing), CSS Syntax 3,
//! CSS Values 4 and ECMAScript.

mod css;
mod elements;
mod entities;
mod html;
mod import_map;
mod js;
pub mod loads;
mod nesting;
mod srcset;

use std::ops::Range;

pub use css::css;
pub use html::{frame, html};
pub use js::{ScriptKind, script};
pub use nesting::is_shallow;

/// One URL that a file names so that a browser fetches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// As written, with the escapes of HTML, CSS or JavaScript decoded and white space around it gone.
    pub url: String,
    /// When it is asked for.
    pub when: When,
    /// What it is taken for.
    pub kind: Kind,
    /// Against which URL it is resolved.
    pub relative_to: RelativeTo,
}

/// When the browser asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// As soon as the file that names it is loaded.
    Load,
    /// Only on demand: `import()`, `<link rel=prefetch>`, `<meta http-equiv=refresh>`.
    Demand,
}

/// What the browser takes it for, and so by which parser its own references are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A style sheet.
    Style,
    /// A classic script.
    Script,
    /// A module script.
    Module,
    /// The script of a worker.
    Worker,
    /// A frame, an `<object>` or an `<embed>`; it may turn out to be a picture.
    Page,
    /// A web app manifest.
    Manifest,
    /// Pictures, fonts, media, and what else has no references of its own.
    Other,
}

/// Against which URL it is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelativeTo {
    /// The URL of the file that names it (of a page: its `<base>`).
    Referrer,
    /// The page that runs the script: `new Worker("w.js")` in `/js/app.js` on `/` is `/w.js`.
    Page,
}

/// What [`html`] found in a page. All offsets count bytes of the page as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What it loads, in the order of the page.
    pub references: Vec<Reference>,
    /// The first `<base href>`.
    pub base: Option<String>,
    /// Where a script tag may stand; never inside one of `client_tags`.
    pub insert_at: u64,
    /// Where one may stand that is to run before all others; with the same promise.
    pub insert_first_at: u64,
    /// Earlier tags of ours, each with the newline that we put before it; ascending, none touches another's inside.
    pub client_tags: Vec<Range<u64>>,
    /// In which bytes the page is written.
    pub encoding: Encoding,
    /// The attributes of `<html>`.
    pub root: Vec<(String, String)>,
    /// The content of every `<meta http-equiv=content-security-policy>`, joined by `, ` as a header would.
    pub csp: Option<String>,
}

impl Page {
    /// An attribute of `<html>`, unless it is empty.
    pub fn root_attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.root.iter();
        let (_, value) = all.find(|(given, _)| given.eq_ignore_ascii_case(name))?;
        Some(&**value).filter(|value| !value.is_empty())
    }
}

/// In which bytes a tag must be written to become part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or another encoding in which ASCII is ASCII.
    Ascii,
    /// UTF-16, the lower byte of each unit first.
    Utf16Le,
    /// UTF-16, the higher byte of each unit first.
    Utf16Be,
}

impl Reference {
    /// A reference to `url`, unless that names nothing that a server is asked for.
    fn new(url: &str, when: When, kind: Kind) -> Option<Self> {
        Some(Self {
            url: fetched(url)?.to_owned(),
            when,
            kind,
            relative_to: RelativeTo::Referrer,
        })
    }
}

/// `url` without white space around it; `None` when it is empty, a mere `#fragment`, or of a scheme that no request
/// is sent for (`data:`, `blob:`, `javascript:`, `mailto:`, `about:`, …).
fn fetched(url: &str) -> Option<&str> {
    // "Remove any leading and trailing C0 control or space from input" (URL standard, basic parser, 1)
    let url = url.trim_matches(|c| c <= ' ');
    if url.is_empty() || url.starts_with('#') {
        return None;
    }
    match scheme(url) {
        None => Some(url),
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => Some(url),
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => Some(url),
        Some(_) => None,
    }
}

/// Whether a script's specifier is a URL: one like `lodash` is a name that only an import map gives a meaning to.
///
/// "If specifier starts with `/`, `./`, or `../`" (HTML, resolve a URL-like module specifier, 1)
fn is_url_like(specifier: &str) -> bool {
    ["/", "./", "../"]
        .iter()
        .any(|start| specifier.starts_with(start))
        || scheme(specifier).is_some()
}

/// What stands before the first `:`, when it can be a scheme (RFC 3986 §3.1).
fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once(':')?;
    let first = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let rest = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    (first && scheme.bytes().all(rest)).then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `None` expected: nothing is fetched for `url`.
    fn check(url: &str, expected: Option<&str>) {
        assert_eq!(fetched(url), expected, "{url:?}");
    }

    #[test]
    fn what_no_server_is_asked_for_is_no_reference() {
        for url in [
            "",
            " \n",
            "#top",
            "data:,x",
            "DATA:,x",
            "blob:x",
            "javascript:0",
            "mailto:a@b",
            "about:blank",
        ] {
            check(url, None);
        }
        for url in [
            "a",
            "?q",
            "a#top",
            "//cdn/x",
            "http://a/",
            "HTTPS://a/",
            "./a:b",
            "1:2",
            ":",
        ] {
            check(url, Some(url));
        }
    }

    #[test]
    fn white_space_around_a_url_is_not_part_of_it_but_within_it_is() {
        check(" \t a b \n", Some("a b"));
    }

    #[test]
    fn a_specifier_is_a_url_only_with_a_slash_a_dot_or_a_scheme_before() {
        for url in ["/a", "./a", "../a", "https://a"] {
            assert!(is_url_like(url), "{url}");
        }
        for name in ["a", "@scope/a", "a/b", "#a", ".a", "", "."] {
            assert!(!is_url_like(name), "{name}");
        }
    }
}
