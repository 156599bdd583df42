//! Which media type does a file have, by its name?
//!
//! The table is that of `mime_guess`; here stand only what it lacks or has as registries once
//! had it, the charset, and what is worth compressing.

/// The `Content-Type` of a file (RFC 9110 §8.3), by its ending.
///
/// Texts are said to be UTF-8, which is what build tools write; `text_is_utf8` is false for a
/// file that is known to be something else, and then says so itself.
pub fn content_type(file: &str, text_is_utf8: bool) -> String {
    let essence = essence(file);
    if text_is_utf8 && takes_charset(essence) {
        format!("{essence}; charset=utf-8")
    } else {
        essence.to_owned()
    }
}

/// The media type of a file by its ending, without parameters.
pub fn essence(file: &str) -> &'static str {
    let name = file.rsplit('/').next().unwrap_or(file);
    let Some((_, ending)) = name.rsplit_once('.') else {
        return BYTES;
    };
    OWN.iter()
        .find(|(known, _)| ending.eq_ignore_ascii_case(known))
        .map(|(_, essence)| *essence)
        .or_else(|| mime_guess::from_ext(ending).first_raw())
        .unwrap_or(BYTES)
}

/// May a charset be said with it? XML and the like say their own.
pub fn takes_charset(essence: &str) -> bool {
    essence.starts_with("text/") || essence == "application/json"
}

/// Do files of this name shrink when they are compressed? Pictures, media, fonts and archives
/// are compressed already.
pub fn compresses(file: &str) -> bool {
    let essence = essence(file);
    let (top, sub) = essence.split_once('/').unwrap_or(("", ""));
    match top {
        "text" => true,
        "image" => matches!(sub, "svg+xml" | "bmp" | "x-icon"),
        "application" => {
            sub.ends_with("json") || sub.ends_with("xml") || matches!(sub, "wasm" | "javascript")
        }
        "font" => matches!(sub, "ttf" | "otf"),
        _ => false,
    }
}

/// Is it a page in HTML's own syntax, into which a tag may be put? XHTML is XML.
pub fn is_html(file: &str) -> bool {
    essence(file) == "text/html"
}

/// Is it a document: what a navigation shows, with policies in its header fields?
pub fn is_document(file: &str) -> bool {
    matches!(essence(file), "text/html" | "application/xhtml+xml")
}

const BYTES: &str = "application/octet-stream";

/// Endings that the table does not have, or has otherwise.
const OWN: &[(&str, &str)] = &[
    ("appcache", "text/cache-manifest"),
    ("avif", "image/avif"),
    ("cjs", "text/javascript"),
    ("ico", "image/x-icon"),
    ("js", "text/javascript"),
    ("map", "application/json"),
    ("mjs", "text/javascript"),
    ("pack", BYTES),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
    ("woff2", "font/woff2"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_that_of_the_last_ending_and_a_text_says_its_charset() {
        for (file, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("A/B.HTML", "text/html; charset=utf-8"),
            ("app.min.js", "text/javascript; charset=utf-8"),
            ("app.mjs", "text/javascript; charset=utf-8"),
            ("app.js.map", "application/json; charset=utf-8"),
            ("x.css", "text/css; charset=utf-8"),
            ("x.svg", "image/svg+xml"),
            ("site.webmanifest", "application/manifest+json"),
            ("site.appcache", "text/cache-manifest; charset=utf-8"),
            ("x.avif", "image/avif"),
            ("x.woff2", "font/woff2"),
            ("x.wasm", "application/wasm"),
            ("x.mp4", "video/mp4"),
            ("x.pack", "application/octet-stream"),
            ("LICENSE", "application/octet-stream"),
            ("x.unheard-of", "application/octet-stream"),
            ("folder.html/x", "application/octet-stream"),
        ] {
            assert_eq!(content_type(file, true), expected, "{file}");
        }
        assert_eq!(content_type("page.html", false), "text/html");
    }

    #[test]
    fn what_is_compressed_already_is_not_worth_another_try() {
        for file in [
            "a.html", "a.js", "a.svg", "a.json", "a.wasm", "a.ttf", "a.txt",
        ] {
            assert!(compresses(file), "{file}");
        }
        for file in ["a.png", "a.jpg", "a.woff2", "a.mp4", "a.zip", "a.avif", "a"] {
            assert!(!compresses(file), "{file}");
        }
    }

    #[test]
    fn a_page_is_a_document_and_a_picture_is_none() {
        assert!(is_document("a.html") && is_document("a.htm") && is_document("a.xhtml"));
        assert!(!is_document("a.svg") && !is_document("a.js"));
    }
}
