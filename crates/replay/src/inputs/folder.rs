//! A folder as its host would serve it: which file, with which fields, or what instead.
//!
//! The decisions are those of `rules::site::host`; where a host is not named, files come as `revisit serve` sends them.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG, LAST_MODIFIED, LOCATION, VARY,
};
use http::{HeaderMap, Method, StatusCode};
use revisit_rules::http::precondition::{Access, Conditions, Verdict, http_date};
use revisit_rules::http::validators;
use revisit_rules::site::host::{Answer as Decided, HeaderRules, Host};
use revisit_rules::site::media;
use revisit_rules::site::names::Names;
use revisit_rules::site::route::{self, Candidate};
use sha2::{Digest, Sha256};
use url::Url;

use super::append;
use crate::{Request, Response};

/// A site on its host.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    host: Host,
    names: Names,
    rules: HeaderRules,
    files: HashMap<String, File>,
    /// Bytes of bodies that are kept in memory.
    kept_bytes: u64,
}

#[derive(Debug)]
struct File {
    bytes: u64,
    modified: SystemTime,
    read: Option<Read>,
}

/// What is known of a file once it was read.
#[derive(Debug, Clone)]
struct Read {
    body: Option<Bytes>,
    hash: Arc<str>,
    gzip_bytes: Option<u64>,
}

/// A folder that cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// What cannot be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It has no page.
    #[error("there is no page in `{}`: nothing that ends in `.html`", path.display())]
    NoPage {
        /// The folder.
        path: PathBuf,
    },
    /// It has more files than are looked at.
    #[error("`{}` has more than {FILES_MAX} files", path.display())]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
    },
}

impl Folder {
    /// Looks through the folder; files are read when they are asked for.
    ///
    /// # Errors
    /// It cannot be read, or it holds no page.
    pub fn open(root: &Path, host: Host, names: Names) -> Result<Self, FolderError> {
        let mut files = HashMap::new();
        let real = std::fs::canonicalize(root).map_err(|source| FolderError::Read {
            path: root.to_owned(),
            source,
        })?;
        walk(&real, "", &mut files)?;
        if !files.keys().any(|file| media::is_document(file)) {
            return Err(FolderError::NoPage {
                path: root.to_owned(),
            });
        }
        let text = match host.reads_rule_files() {
            true => std::fs::read_to_string(real.join("_headers")).unwrap_or_default(),
            false => String::new(),
        };
        if host.reads_rule_files() {
            // The host reads them and answers neither.
            files.remove("_headers");
            files.remove("_redirects");
        }
        Ok(Self {
            root: real,
            host,
            names,
            rules: HeaderRules::parse(&text, host),
            files,
            kept_bytes: 0,
        })
    }

    /// Is there a file that is called so, in whatever folder?
    pub fn has_file_named(&self, name: &str) -> bool {
        let mut files = self.files.keys();
        files.any(|file| file.rsplit('/').next() == Some(name))
    }

    /// The first full second at which all of its files were written.
    pub fn newest(&self) -> SystemTime {
        let times = self.files.values().map(|file| file.modified);
        // What no header field can hold is not sent either.
        let newest = times.filter(|time| http_date(*time).is_some()).max();
        let newest = newest.unwrap_or(SystemTime::UNIX_EPOCH);
        let of_its_second = newest
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.subsec_nanos());
        // Header fields have whole seconds: an age must not depend on the fraction at which somebody wrote a file.
        match of_its_second {
            0 => newest,
            nanos => newest + Duration::from_nanos(1_000_000_000 - u64::from(nanos)),
        }
    }

    /// The URL paths of its pages, the start page first, then by their names.
    pub fn pages(&self) -> Vec<String> {
        let mut files: Vec<&String> = self
            .files
            .keys()
            .filter(|file| media::is_document(file))
            .collect();
        files.sort_by_key(|file| {
            (
                *file != "index.html",
                file.matches('/').count(),
                file.as_str(),
            )
        });
        let exists = |file: &str| self.files.contains_key(file);
        files
            .into_iter()
            .filter(|file| *file != "404.html")
            .map(|file| format!("/{}", self.host.canonical_url_path(file, &exists)))
            .collect()
    }

    /// Answers one request at `now`.
    pub fn answer(&mut self, request: &Request, now: SystemTime) -> Response {
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return self.plain(StatusCode::METHOD_NOT_ALLOWED, now);
        }
        let path = request.url.path().trim_start_matches('/').to_owned();
        match self.decide(&path) {
            Decided::Serve { file, .. } => {
                self.file(&file, &request.url, request, now, StatusCode::OK)
            }
            Decided::Redirect { to, status, .. } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::MOVED_PERMANENTLY);
                let mut response = self.plain(status, now);
                append(&mut response.headers, LOCATION.as_str(), &format!("/{to}"));
                response
            }
            Decided::NotFound | Decided::Unknown(_) => {
                if self.files.contains_key("404.html") {
                    return self.file(
                        "404.html",
                        &request.url,
                        request,
                        now,
                        StatusCode::NOT_FOUND,
                    );
                }
                self.plain(StatusCode::NOT_FOUND, now)
            }
        }
    }

    /// The hash of what is at `url` now, if a file is there.
    pub fn content_hash(&mut self, url: &Url) -> Option<Arc<str>> {
        let path = url.path().trim_start_matches('/').to_owned();
        let Decided::Serve { file, .. } = self.decide(&path) else {
            return None;
        };
        Some(self.read(&file)?.hash)
    }

    fn decide(&self, path: &str) -> Decided {
        let exists = |file: &str| self.files.contains_key(file);
        if self.host != Host::Plain {
            return self.host.answer(path, &exists);
        }
        // As `revisit serve` answers: by the rules of the worker too.
        let candidates = route::decode(path).map(|path| route::candidates(&path));
        for candidate in candidates.unwrap_or_default() {
            match candidate {
                Candidate::Serve(file) if exists(&file) => {
                    return Decided::Serve {
                        file,
                        why: revisit_rules::site::host::Served::Itself,
                    };
                }
                Candidate::AddSlash(file) if exists(&file) => {
                    return Decided::Redirect {
                        to: format!("{path}/"),
                        status: 301,
                        why: revisit_rules::site::host::Moved::SlashAdded,
                    };
                }
                Candidate::Serve(_) | Candidate::AddSlash(_) => {}
            }
        }
        Decided::NotFound
    }

    fn file(
        &mut self,
        file: &str,
        url: &Url,
        request: &Request,
        now: SystemTime,
        status: StatusCode,
    ) -> Response {
        let Some(Read {
            body,
            hash,
            gzip_bytes,
        }) = self.read(file)
        else {
            return self.plain(StatusCode::INTERNAL_SERVER_ERROR, now);
        };
        let defaults = self.host.defaults(file, &self.names);
        let content_type = media::content_type(file, true);
        let mut fields = vec![(CONTENT_TYPE.as_str(), &*content_type)];
        if let Some(value) = defaults.cache_control.filter(|_| status == StatusCode::OK) {
            fields.push((CACHE_CONTROL.as_str(), value));
        } else if status != StatusCode::OK {
            fields.push((CACHE_CONTROL.as_str(), "no-cache"));
        }
        let owned = || {
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        };
        // What the rules alone do not tell (a value that quotes the path) is left at the host's default.
        let fields = match self.host.reads_rule_files() {
            true => self
                .rules
                .apply(url.path(), &fields)
                .unwrap_or_else(|_| owned().collect()),
            false => owned().collect(),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &fields {
            append(&mut headers, name, value);
        }
        date(&mut headers, now);
        if defaults.etag && status == StatusCode::OK {
            append(&mut headers, ETAG.as_str(), &format!("\"{hash}\""));
        }
        let modified = self
            .files
            .get(file)
            .map(|file| file.modified)
            .and_then(http_date);
        if let Some(modified) =
            modified.filter(|_| defaults.last_modified && status == StatusCode::OK)
        {
            append(&mut headers, LAST_MODIFIED.as_str(), &modified);
        }
        let encoded_bytes = gzip_bytes.filter(|_| defaults.compresses);
        if encoded_bytes.is_some() {
            append(&mut headers, CONTENT_ENCODING.as_str(), "gzip");
            append(&mut headers, VARY.as_str(), "Accept-Encoding");
        }
        let values = |name| {
            request
                .headers
                .get_all(name)
                .iter()
                .map(|value| value.as_bytes())
        };
        let conditions = Conditions::read(now, values);
        let current = validators(&headers, now);
        if status == StatusCode::OK
            && matches!(
                conditions.evaluate(&current, Access::Read, now),
                Verdict::NotModified(_)
            )
        {
            headers.remove(CONTENT_TYPE);
            headers.remove(CONTENT_ENCODING);
            return Response {
                headers,
                ..Response::new(StatusCode::NOT_MODIFIED, Bytes::new())
            };
        }
        let body = match (body, &request.method) {
            (_, &Method::HEAD) => Bytes::new(),
            (Some(body), _) => body,
            (None, _) => Bytes::from(std::fs::read(self.root.join(file)).unwrap_or_default()),
        };
        let length = self.files.get(file).map(|file| file.bytes);
        let stands_in = length.filter(|bytes| *bytes > BODY_READ_BYTES_MAX);
        Response {
            headers,
            encoded_bytes: encoded_bytes.or(stands_in),
            ..Response::new(status, body)
        }
    }

    fn plain(&self, status: StatusCode, now: SystemTime) -> Response {
        let mut response = Response::new(status, Bytes::new());
        append(&mut response.headers, CACHE_CONTROL.as_str(), "no-cache");
        date(&mut response.headers, now);
        response
    }

    fn read(&mut self, path: &str) -> Option<Read> {
        let file = self.files.get_mut(path)?;
        if let Some(read) = &file.read {
            return Some(read.clone());
        }
        if file.bytes > BODY_READ_BYTES_MAX {
            let length = usize::try_from(file.bytes.min(BODY_STAND_IN_BYTES_MAX)).ok()?;
            let read = Read {
                // Never written, so that the system gives no memory for it.
                body: Some(Bytes::from(vec![0; length])),
                hash: hash_of(std::fs::File::open(self.root.join(path)).ok()?).ok()?,
                gzip_bytes: None,
            };
            file.read = Some(read.clone());
            return Some(read);
        }
        let body = Bytes::from(std::fs::read(self.root.join(path)).ok()?);
        let hash = hash_of(&body[..]).ok()?;
        // Only where it is sent so: compressing costs more than all else here.
        let compresses =
            self.host.defaults(path, &self.names).compresses && media::compresses(path);
        let gzip_bytes = compresses
            .then(|| gzip(&body))
            .filter(|bytes| *bytes < body.len() as u64);
        let keep = file.bytes <= BODY_KEPT_BYTES_MAX
            && self.kept_bytes + file.bytes <= BODIES_KEPT_BYTES_MAX;
        if keep {
            self.kept_bytes += file.bytes;
        }
        let read = Read {
            body: keep.then(|| body.clone()),
            hash,
            gzip_bytes,
        };
        file.read = Some(read.clone());
        Some(Read {
            body: Some(body),
            ..read
        })
    }
}

/// Half of the content's SHA-256 or less: enough to tell versions of a file apart.
fn hash_of(mut content: impl io::Read) -> io::Result<Arc<str>> {
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        let length = match content.read(&mut part) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&part[..length]);
    }
    let hash = hash.finalize();
    let digits = hash[..12].iter().map(|byte| format!("{byte:02x}"));
    Ok(digits.collect::<String>().into())
}

fn date(headers: &mut HeaderMap, now: SystemTime) {
    if let Some(now) = http_date(now) {
        append(headers, DATE.as_str(), &now);
    }
}

/// The length of `body` as servers compress it on the fly.
fn gzip(body: &[u8]) -> u64 {
    let mut encoder = GzEncoder::new(Counter(0), Compression::new(6));
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.map_or(u64::MAX, |counter| counter.0)
}

struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Files below `folder`; no dotfiles but `.well-known`, and nothing behind a link.
fn walk(folder: &Path, prefix: &str, files: &mut HashMap<String, File>) -> Result<(), FolderError> {
    let failed = |source| FolderError::Read {
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with('.') && name != ".well-known" {
            continue;
        }
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{prefix}{name}/"), files)?;
        } else if kind.is_file() {
            let facts = entry.metadata().map_err(failed)?;
            files.insert(
                format!("{prefix}{name}"),
                File {
                    bytes: facts.len(),
                    modified: facts.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                    read: None,
                },
            );
            if files.len() > FILES_MAX {
                return Err(FolderError::TooManyFiles {
                    path: folder.to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// More files than any static host takes.
const FILES_MAX: usize = 500_000;
/// A larger body is read from the disk each time it is asked for.
const BODY_KEPT_BYTES_MAX: u64 = 4 << 20;
/// A larger body is hashed in parts, and zeros stand in for it: what counts is how long it is.
const BODY_READ_BYTES_MAX: u64 = 64 << 20;
/// The longest body of zeros; of a longer one only the bytes on the wire are told.
const BODY_STAND_IN_BYTES_MAX: u64 = 1 << 30;
/// Bytes of all bodies in memory.
const BODIES_KEPT_BYTES_MAX: u64 = 128 << 20;

#[cfg(test)]
mod tests {

    use super::*;
    use crate::Destination;

    fn site(host: Host, files: &[(&str, &str)]) -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let folder = Folder::open(dir.path(), host, Names::default()).unwrap();
        (dir, folder)
    }

    fn ask(folder: &mut Folder, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            append(&mut headers, name, value);
        }
        let request = Request {
            method: Method::GET,
            url: Url::parse("http://a/").unwrap().join(path).unwrap(),
            headers,
            destination: Destination::Document,
            body_bytes: None,
        };
        folder.answer(
            &request,
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        )
    }

    #[track_caller]
    fn check(folder: &mut Folder, path: &str, status: u16, cache_control: &str) -> Response {
        let response = ask(folder, path, &[]);
        let said = response
            .headers
            .get(CACHE_CONTROL)
            .map_or("", |value| value.to_str().unwrap());
        assert_eq!(
            (response.status.as_u16(), said),
            (status, cache_control),
            "{path}"
        );
        response
    }

    const FILES: [(&str, &str); 5] = [
        (
            "index.html",
            "<p>hello hello hello hello hello hello hello hello hello hello hello hello hello hello",
        ),
        ("about/index.html", "about"),
        ("app-1a2b3c4d.js", "1"),
        ("404.html", "gone"),
        ("_headers", "/app*\n  Cache-Control: max-age=60\n"),
    ];

    #[test]
    fn a_file_comes_as_its_host_sends_it() {
        let (_dir, mut folder) = site(Host::Plain, &FILES);
        check(&mut folder, "/", 200, "no-cache");
        check(
            &mut folder,
            "/app-1a2b3c4d.js",
            200,
            "public, max-age=31536000, immutable",
        );
        check(&mut folder, "/about", 301, "no-cache");
        check(&mut folder, "/nothing", 404, "no-cache");
        let (_dir, mut folder) = site(Host::Netlify, &FILES);
        let page = check(&mut folder, "/", 200, "public, max-age=0, must-revalidate");
        assert!(
            page.encoded_bytes.unwrap() < page.body.len() as u64,
            "it is compressed"
        );
        check(&mut folder, "/app-1a2b3c4d.js", 200, "max-age=60");
        check(&mut folder, "/_headers", 404, "no-cache");
    }

    #[test]
    fn who_has_the_current_state_gets_a_304() {
        let (_dir, mut folder) = site(Host::Nginx, &FILES);
        let first = check(&mut folder, "/", 200, "");
        let tag = first.headers[ETAG].to_str().unwrap().to_owned();
        let second = ask(&mut folder, "/", &[("if-none-match", &tag)]);
        assert_eq!((second.status.as_u16(), second.body.len()), (304, 0));
        let third = ask(&mut folder, "/", &[("if-none-match", "\"other\"")]);
        assert_eq!(third.status.as_u16(), 200);
    }

    #[test]
    fn a_huge_file_is_as_long_as_it_is_and_is_not_read_whole() {
        let (dir, _) = site(Host::Plain, &FILES);
        let video = std::fs::File::create(dir.path().join("film.mp4")).unwrap();
        let length = BODY_READ_BYTES_MAX + 1;
        // Sparse: it takes no space on the disk.
        video.set_len(length).unwrap();
        let mut folder = Folder::open(dir.path(), Host::Plain, Names::default()).unwrap();
        let film = ask(&mut folder, "/film.mp4", &[]);
        assert_eq!(
            (film.body.len() as u64, film.wire_body_bytes()),
            (length, length)
        );
        assert_eq!(folder.kept_bytes, 0);
        let url = Url::parse("http://a/film.mp4").unwrap();
        assert_eq!(folder.content_hash(&url).unwrap().len(), 24);
    }

    #[test]
    fn a_folder_without_a_page_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.js"), "").unwrap();
        let refused = Folder::open(dir.path(), Host::Plain, Names::default());
        assert!(matches!(refused, Err(FolderError::NoPage { .. })));
        let missing = Folder::open(&dir.path().join("b"), Host::Plain, Names::default());
        assert!(matches!(missing, Err(FolderError::Read { .. })));
    }

    #[test]
    fn the_start_page_stands_first() {
        let (_dir, folder) = site(Host::Plain, &FILES);
        assert_eq!(folder.pages(), ["/", "/about/"]);
    }
}
