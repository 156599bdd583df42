//! The plain static host: which answer does a folder give to a target?
//!
//! `index.html` for folders, a redirect to the slash, no clean URLs, no ranges, no compression:
//! the least that a site may be put on. Validators are right (RFC 9110 §13): `ETag` of the content,
//! `Last-Modified` of the file, `If-None-Match` before `If-Modified-Since`.

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Request;

/// An answer, before anything goes wrong with it.
pub(crate) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
        Answer {
            status,
            headers: vec![("Content-Type".to_owned(), kind.to_owned())],
            body: body.into(),
        }
    }

    pub(super) fn status(status: u16) -> Answer {
        Answer::new(status, "text/plain", format!("{status}, says the origin\n"))
    }

    pub(super) fn redirect(status: u16, to: &str) -> Answer {
        Answer::status(status).with("Location", to)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Answer {
        self.headers
            .retain(|(given, _)| name != "Cache-Control" || !given.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What the folder, mounted at `mount`, has for the request.
pub(super) fn answer(folder: &Path, mount: &str, request: &Request) -> Answer {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Answer::status(405).with("Allow", "GET, HEAD");
    }
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (request.target.as_str(), String::new()),
    };
    if !mount.is_empty() && path == mount {
        return Answer::redirect(301, &format!("{path}/{query}"));
    }
    let inside = path.strip_prefix(mount).and_then(|p| p.strip_prefix('/'));
    let Some(mut file) = inside.and_then(|inside| resolve(folder, inside)) else {
        return Answer::status(404);
    };
    if file.is_dir() {
        if !path.ends_with('/') {
            return Answer::redirect(301, &format!("{path}/{query}"));
        }
        file.push("index.html");
    }
    match std::fs::read(&file) {
        Ok(body) => found(&file, body, request),
        Err(_) => Answer::status(404),
    }
}

fn found(file: &Path, body: Vec<u8>, request: &Request) -> Answer {
    let mut hasher = DefaultHasher::new();
    hasher.write(&body);
    let etag = format!("\"{:016x}\"", hasher.finish());
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    let modified = modified.unwrap_or(SystemTime::UNIX_EPOCH);
    let unchanged = match request.header("If-None-Match") {
        Some(tags) => tags.split(',').any(|tag| matches(tag.trim(), &etag)),
        None => request
            .header("If-Modified-Since")
            .and_then(|since| httpdate::parse_http_date(since).ok())
            // Dates have whole seconds: what is younger by less is not younger.
            .is_some_and(|since| modified < since + Duration::from_secs(1)),
    };
    let answer = if unchanged {
        Answer {
            status: 304,
            headers: Vec::new(),
            body: Vec::new(),
        }
    } else {
        Answer::new(200, media_type(file), body)
    };
    answer
        .with("ETag", &etag)
        .with("Last-Modified", &httpdate::fmt_http_date(modified))
}

/// Weak comparison (RFC 9110 §8.8.3.2).
fn matches(tag: &str, etag: &str) -> bool {
    tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
}

/// The file that a path names, unless it climbs out of the folder or is no text.
fn resolve(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .ok()?;
    let climbs = path.split('/').any(|part| part == "..") || path.contains('\0');
    (!climbs).then(|| folder.join(path.trim_start_matches('/')))
}

fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("avif") => "image/avif",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("pdf") => "application/pdf",
        Some("wasm") => "application/wasm",
        Some("mp3") => "audio/mpeg",
        Some("mp4") => "video/mp4",
        _ => "application/octet-stream",
    }
}
