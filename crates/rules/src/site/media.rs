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
    let is_text = essence.starts_with("text/")
        || matches!(
            &*essence,
            "application/json" | "application/manifest+json" | "application/xml" | "image/svg+xml"
        );
    if is_text && text_is_utf8 {
        format!("{essence}; charset=utf-8")
    } else {
        essence
    }
}

fn essence(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match &*ending.to_ascii_lowercase() {
        "webmanifest" => "application/manifest+json".into(),
        "js" | "mjs" | "cjs" => "text/javascript".into(),
        "map" => "application/json".into(),
        "wasm" => "application/wasm".into(),
        "avif" => "image/avif".into(),
        "ico" => "image/x-icon".into(),
        "appcache" => "text/cache-manifest".into(),
        "pack" | "" => BYTES.into(),
        other => mime_guess::from_ext(other)
            .first_raw()
            .unwrap_or(BYTES)
            .into(),
    }
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

/// Is it a document: what a navigation shows, with policies in its header fields?
pub fn is_document(file: &str) -> bool {
    matches!(&*essence(file), "text/html" | "application/xhtml+xml")
}

const BYTES: &str = "application/octet-stream";

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
            ("x.svg", "image/svg+xml; charset=utf-8"),
            (
                "site.webmanifest",
                "application/manifest+json; charset=utf-8",
            ),
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
