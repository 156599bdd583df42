//! What does a file's name say that it is, and in which encoding?
//!
//! The ending decides (`rules/site/media`); here the file's own first bytes are heard. Text is taken for UTF-8, as the whole web writes it, unless the file itself says other:
//! a `charset` in the header would overrule a page's own `<meta>`.

use http::HeaderValue;
use revisit_rules::site::media::{essence, takes_charset};

/// The `Content-Type` of the file `name` that begins with `head` (about [`HEAD_BYTES`] of it).
pub(super) fn of(name: &str, head: &[u8]) -> HeaderValue {
    let essence = essence(name);
    let utf8 = takes_charset(essence) && !speaks_for_itself(essence, head);
    if !utf8 {
        return HeaderValue::from_static(essence);
    }
    match essence {
        "text/html" => HeaderValue::from_static("text/html; charset=utf-8"),
        "text/css" => HeaderValue::from_static("text/css; charset=utf-8"),
        "text/javascript" => HeaderValue::from_static("text/javascript; charset=utf-8"),
        other => HeaderValue::from_str(&format!("{other}; charset=utf-8"))
            .unwrap_or_else(|_| HeaderValue::from_static(essence)),
    }
}

/// Must a file's first bytes be read before its type can be told?
pub(super) fn needs_head(name: &str) -> bool {
    takes_charset(essence(name))
}

/// Does the file say by itself that it is not in UTF-8?
fn speaks_for_itself(essence: &str, head: &[u8]) -> bool {
    let utf16 = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    utf16 || essence == "text/html" && declares_other(head)
}

/// Does the page's `<meta>` name an encoding that is not UTF-8? Not a parser of HTML: a page that
/// only speaks of `charset=` gets no charset in its header, and is read as its `<meta>` says.
fn declares_other(head: &[u8]) -> bool {
    let head = head[..head.len().min(HEAD_BYTES)].to_ascii_lowercase();
    let mut rest = &head[..];
    while let Some(at) = rest.windows(WORD.len()).position(|window| window == WORD) {
        rest = &rest[at + WORD.len()..];
        let after = rest.trim_ascii_start();
        let Some(value) = after.strip_prefix(b"=") else {
            continue;
        };
        let value = value.trim_ascii_start();
        let value = value
            .strip_prefix(b"\"")
            .or(value.strip_prefix(b"'"))
            .unwrap_or(value);
        let length = value
            .iter()
            .take_while(|byte| !b"\"' \t\r\n;/>".contains(byte))
            .count();
        let label = &value[..length];
        if !label.is_empty() && label != b"utf-8" && label != b"utf8" {
            return true;
        }
    }
    false
}

/// How much of a page is looked at: "the first 1024 bytes" are where HTML looks for its encoding
/// (HTML Standard, *determining the character encoding*).
pub(super) const HEAD_BYTES: usize = 1024;

const WORD: &[u8] = b"charset";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_file_is() {
        check("a.html", "text/html; charset=utf-8");
        check("a.HTML", "text/html; charset=utf-8");
        check("a/b.css", "text/css; charset=utf-8");
        check("a.js", "text/javascript; charset=utf-8");
        check("a.min.mjs", "text/javascript; charset=utf-8");
        check("a.json", "application/json; charset=utf-8");
        check("a.js.map", "application/json; charset=utf-8");
        check("a.txt", "text/plain; charset=utf-8");
        check("a.appcache", "text/cache-manifest; charset=utf-8");
        check("a.webmanifest", "application/manifest+json");
        check("a.wasm", "application/wasm");
        check("a.svg", "image/svg+xml");
        check("a.png", "image/png");
        check("a.avif", "image/avif");
        check("a.woff2", "font/woff2");
        check("revisit/0a1b.pack", "application/octet-stream");
    }

    #[test]
    fn a_name_that_says_nothing_is_any_bytes() {
        for name in ["", "a", "LICENSE", "a.b/c", "a.", "a.nosuchending", "html"] {
            check(name, "application/octet-stream");
        }
    }

    #[test]
    fn a_file_that_names_its_encoding_keeps_it() {
        check_head("a.html", b"\xff\xfe<\0", "text/html");
        check_head("a.html", b"\xfe\xff\0<", "text/html");
        check_head("a.txt", b"\xff\xfea\0", "text/plain");
        check_head("a.html", b"\xef\xbb\xbf<", "text/html; charset=utf-8");
        check_head("a.html", b"<meta charset=\"windows-1252\">", "text/html");
        check_head("a.html", b"<META CHARSET = 'ISO-8859-1'>", "text/html");
        check_head(
            "a.html",
            b"<meta http-equiv=content-type content='text/html; charset=koi8-r'>",
            "text/html",
        );
        check_head(
            "a.html",
            b"<meta charset=UTF-8>",
            "text/html; charset=utf-8",
        );
        check_head("a.html", b"<meta charset>", "text/html; charset=utf-8");
        check_head("a.html", b"<meta charset=", "text/html; charset=utf-8");
        check_head("a.js", b"charset=latin1", "text/javascript; charset=utf-8");
    }

    fn check(name: &str, expected: &str) {
        check_head(name, b"", expected);
    }

    fn check_head(name: &str, head: &[u8], expected: &str) {
        assert_eq!(of(name, head), expected, "{name}");
    }
}
