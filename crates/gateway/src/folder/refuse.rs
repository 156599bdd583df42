//! Answers that are not a file: redirects, refusals, and what to say when there is trouble.
//!
//! Each is short plain text that says the fact and no more: neither paths of this machine nor
//! words of the request come back to a stranger.

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use revisit_engine::{Body, FetchError, Response};

use super::look::Trouble;

/// The target is no path.
pub(super) fn no_path() -> Response {
    text(
        StatusCode::BAD_REQUEST,
        "the request names no file: its target is not a path\n",
    )
}

/// What may be asked of a file.
pub(super) fn options() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, METHODS);
    response
}

/// Files are read here, not written.
pub(super) fn method() -> Response {
    let mut response = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "files can only be read here: GET or HEAD\n",
    );
    response.headers_mut().insert(ALLOW, METHODS);
    response
}

/// No such file; `head_only` leaves out the words but not their length.
pub(super) fn not_found(head_only: bool) -> Response {
    without_body(
        head_only,
        text(StatusCode::NOT_FOUND, "there is no such file\n"),
    )
}

/// A redirect; `no-cache`, because browsers keep a 301 for good, even after the site on this port
/// has become another one.
pub(super) fn redirect(status: StatusCode, location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return text(
            StatusCode::BAD_REQUEST,
            "the target cannot be written as a location\n",
        );
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_LENGTH, 0.into());
    response
}

/// What stands in the way of a file that is there.
pub(super) fn trouble(
    trouble: Trouble,
    path: &str,
    head_only: bool,
) -> Result<Response, FetchError> {
    let response = match trouble {
        Trouble::Forbidden => text(
            StatusCode::FORBIDDEN,
            "this file is there, but the server has no right to read it\n",
        ),
        Trouble::RootGone => {
            tracing::warn!(path, "the folder is not there");
            later("the site's folder is not there at this moment\n")
        }
        Trouble::Moving => later("this file is being written at this moment\n"),
        Trouble::Shortage(error) => {
            tracing::warn!(path, %error, "cannot open a file");
            later("this server has too much to do at this moment\n")
        }
        Trouble::System(source) => {
            return Err(FetchError::Internal {
                target: path.to_owned(),
                source: source.into(),
            });
        }
    };
    Ok(without_body(head_only, response))
}

fn later(words: &'static str) -> Response {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, words);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn text(status: StatusCode, words: &'static str) -> Response {
    let mut response = Response::new(words.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CONTENT_LENGTH, words.len().into());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn without_body(head_only: bool, response: Response) -> Response {
    if head_only {
        response.map(|_| Body::empty())
    } else {
        response
    }
}

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
