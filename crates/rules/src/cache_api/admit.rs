//! May this be put, or fetched to be put?
//!
//! Service Workers, the first steps of `put()` and `addAll()`. Every refusal is a `TypeError`.

use http::Method;

use super::query::vary_members;
use super::{RequestUrl, ResponseHead, ResponseType};

/// Why a request or a response is not put: a `TypeError`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither `http` nor `https`.
    #[error("the scheme `{scheme}` of a request is neither `http` nor `https`")]
    Scheme {
        /// That of the request.
        scheme: String,
    },
    /// Only what `GET` brings is kept.
    #[error("the method `{0}` of a request is not `GET`")]
    Method(Method),
    /// A part would answer for the whole.
    #[error("a response with status 206 is a part, and would answer for the whole")]
    Partial,
    /// It would answer no request.
    #[error("a response with `Vary: *` answers no request")]
    VaryAny,
    /// Its body was read, or is.
    #[error("the body of a response is {0}")]
    Body(&'static str),
    /// `add()` keeps only success.
    #[error("the response to `{url}` has the status {status}, which is not ok")]
    NotOk {
        /// What was asked for.
        url: String,
        /// As it may be seen: 0 for an opaque response.
        status: u16,
    },
    /// No response at all.
    #[error("the response to `{url}` is a network error")]
    NetworkError {
        /// What was asked for.
        url: String,
    },
}

/// Can the body of a response still be read by us?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyState {
    /// Nobody has read of it, or there is none.
    Untouched,
    /// Somebody has (Streams, "disturbed").
    Used,
    /// Somebody holds a reader (Streams, "locked").
    Locked,
}

/// May this request be put or added?
///
/// "If innerRequest's url's scheme is not one of "http" and "https", or innerRequest's method is
/// not GET, return a promise rejected with a TypeError."
pub fn request(method: &Method, url: &RequestUrl) -> Result<(), Refusal> {
    if !url.is_http() {
        return Err(Refusal::Scheme {
            scheme: url.scheme().to_owned(),
        });
    }
    if method != Method::GET {
        return Err(Refusal::Method(method.clone()));
    }
    Ok(())
}

/// May this response be put?
///
/// What the filter of its type hides decides nothing: an opaque response with status 206 or with
/// `Vary: *` is put like any other, since otherwise its being refused would tell of it.
pub fn put(response: ResponseHead<'_>, body: BodyState) -> Result<(), Refusal> {
    // "If innerResponse's status is 206, return a promise rejected with a TypeError."
    if response.visible_status() == 206 {
        return Err(Refusal::Partial);
    }
    varies(response)?;
    // "If innerResponse's body is disturbed or locked, return a promise rejected with a TypeError."
    match body {
        BodyState::Untouched => Ok(()),
        BodyState::Used => Err(Refusal::Body("used")),
        BodyState::Locked => Err(Refusal::Body("locked")),
    }
}

/// May what came for `url` be added?
pub fn add(url: &RequestUrl, response: ResponseHead<'_>) -> Result<(), Refusal> {
    // "If response's type is "error", or response's status is not an ok status or is 206, reject
    // responsePromise with a TypeError." An opaque response's status is 0.
    if response.kind == ResponseType::Error {
        return Err(Refusal::NetworkError {
            url: url.to_string(),
        });
    }
    if !response.is_ok() {
        return Err(Refusal::NotOk {
            url: url.to_string(),
            status: response.visible_status(),
        });
    }
    if response.visible_status() == 206 {
        return Err(Refusal::Partial);
    }
    varies(response)
}

/// "If fieldValue matches "*", return a promise rejected with a TypeError."
fn varies(response: ResponseHead<'_>) -> Result<(), Refusal> {
    let fields = response.visible_headers();
    match fields.is_some_and(|fields| vary_members(fields).any(|member| member == b"*")) {
        true => Err(Refusal::VaryAny),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
