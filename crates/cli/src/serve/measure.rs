//! Packs made to measure: what a worker lacks of a build, in one answer.
//!
//! A worker knows which files it has not, and their sizes. It names them in a `POST` to
//! `revisit/measure`, and the answer is their bytes as they are served, one behind the other in its
//! order: an update costs one request and the bytes that changed. Each file comes from the site by
//! an ordinary `GET`, so nothing can be had here that could not be had by that, and of these only
//! what the current build has hashed. One chunk at a time is in memory.
//!
//! Whatever goes wrong is a refusal, or an answer that ends early: the worker then fetches as it
//! would from any host.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt, Limited};
use revisit_engine::{Body, BodyError, Fetch, FetchError, Request, Response};
use revisit_gateway::folder::{Known, Layer, Overlay};
use revisit_rules::site::route;
use serde::Deserialize;

/// Answers for a site, and for many of its files at once.
pub(crate) struct Measured<F> {
    site: Arc<F>,
    overlay: Arc<dyn Overlay>,
    base: String,
}

/// What a worker asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The build id of the list by which it will cut and prove the answer.
    build: String,
    /// Paths below the site's root.
    files: Vec<String>,
}

/// Why there is nothing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Method,
    Type,
    TooLarge,
    Malformed,
    OtherBuild,
    NoSuchFile,
}

impl<F: Fetch> Measured<F> {
    /// Stands before `site`, over which `overlay` lies; `base` is where it begins.
    pub(super) fn before(site: F, overlay: Arc<dyn Overlay>, base: &str) -> Self {
        Self {
            site: Arc::new(site),
            overlay,
            base: base.to_owned(),
        }
    }

    async fn answer(&self, request: Request) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        if parts.method != Method::POST {
            return Err(Refusal::Method);
        }
        // Other origins cannot send this type without being allowed to (Fetch, "CORS-safelisted
        // request-header"), and they are not.
        if parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) != Some(b"application/json") {
            return Err(Refusal::Type);
        }
        let body = Limited::new(body, REQUEST_BYTES_MAX).collect();
        let body = tokio::time::timeout(REQUEST_TIME_MAX, body).await;
        let body = body.map_err(|_| Refusal::Malformed)?;
        let body = body.map_err(|_| Refusal::TooLarge)?.to_bytes();
        let wanted: Wanted = serde_json::from_slice(&body).map_err(|_| Refusal::Malformed)?;
        let files = chosen(&self.overlay.current(), wanted)?;
        let bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        let (sender, channel) = Channel::new(1);
        tokio::spawn(send(self.site.clone(), self.base.clone(), files, sender));
        let mut response = Response::new(Body::stream::<Channel<Bytes, BodyError>>(channel));
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, bytes.into());
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

impl<F: Fetch> Fetch for Measured<F> {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        if request.uri().path().strip_prefix(&*self.base) != Some(PATH) {
            return self.site.fetch(request).await;
        }
        Ok(self.answer(request).await.unwrap_or_else(Refusal::response))
    }
}

/// The files that are wanted, with their lengths as they are served, if this layer has them all.
fn chosen(layer: &Layer, wanted: Wanted) -> Result<Vec<(String, u64)>, Refusal> {
    let Wanted { build, files } = wanted;
    if !layer
        .generated
        .contains_key(&format!("revisit/manifest-{build}.json"))
    {
        return Err(Refusal::OtherBuild);
    }
    if files.len() > FILES_MAX {
        return Err(Refusal::TooLarge);
    }
    let mut left = BYTES_MAX;
    let mut chosen = Vec::with_capacity(files.len());
    for path in files {
        let known = layer.files.get(&path);
        let known = known.filter(|known| known.sha256.is_some());
        let bytes = served_bytes(known.ok_or(Refusal::NoSuchFile)?);
        left = left.checked_sub(bytes).ok_or(Refusal::TooLarge)?;
        chosen.push((path, bytes));
    }
    Ok(chosen)
}

/// How long a file is after the edits.
fn served_bytes(known: &Known) -> u64 {
    let edits = known.edits.iter();
    let (gone, come) = edits.fold((0, 0), |(gone, come), edit| {
        let range = edit.range.end.saturating_sub(edit.range.start);
        (gone + range, come + edit.insert.len() as u64)
    });
    (known.stamp.size + come).saturating_sub(gone)
}

/// Sends files one behind the other; one that is not what it was said to be cuts the answer off.
async fn send<F: Fetch>(
    site: Arc<F>,
    base: String,
    files: Vec<(String, u64)>,
    mut to: Sender<Bytes, BodyError>,
) {
    for (path, bytes) in files {
        match send_one(&*site, &base, &path, bytes, &mut to).await {
            Ok(true) => {}
            Ok(false) => return, // nobody listens any more
            Err(error) => {
                tracing::debug!(path, %error, "a measured answer is cut off");
                to.abort(error);
                return;
            }
        }
    }
}

/// Sends one file; false if nobody wants it any more.
async fn send_one(
    site: &impl Fetch,
    base: &str,
    path: &str,
    bytes: u64,
    to: &mut Sender<Bytes, BodyError>,
) -> Result<bool, BodyError> {
    let target = format!("{base}{}", route::url_path(path));
    let request = http::Request::get(target).body(Body::empty())?;
    let response = site.fetch(request).await?;
    if response.status() != StatusCode::OK {
        return Err(format!("the site answers {}", response.status()).into());
    }
    let mut body = response.into_body();
    let mut left = bytes;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        left = left
            .checked_sub(data.len() as u64)
            .ok_or("the file is longer by now")?;
        if to.send_data(data).await.is_err() {
            return Ok(false);
        }
    }
    match left {
        0 => Ok(true),
        _ => Err("the file is shorter by now".into()),
    }
}

impl Refusal {
    fn response(self) -> Response {
        let (status, text) = match self {
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "POST only\n"),
            Self::Type => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "application/json only\n",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "so much is not sent at once\n",
            ),
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "not a build and a list of its files\n",
            ),
            Self::OtherBuild => (StatusCode::CONFLICT, "this is another build by now\n"),
            Self::NoSuchFile => (
                StatusCode::NOT_FOUND,
                "not all of these are files of this build\n",
            ),
        };
        let mut response = Response::new(text.into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self == Self::Method {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

/// Below the site's base; the name of `runtime/worker/measure.js`.
const PATH: &str = "revisit/measure";

/// Most files of one answer; a worker asks for no more at once.
const FILES_MAX: usize = 4096;

/// Most bytes of one answer. A worker asks for 32 MiB at once, or for one file that is larger.
const BYTES_MAX: u64 = 256 << 20;

/// So many names of paths.
const REQUEST_BYTES_MAX: usize = 2 << 20;

/// A worker sends its list at once.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
