//! How a kept response answers: whole, a part of it, or that the client has it already.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use revisit_rules::http::multipart::Multipart;
use revisit_rules::http::part::{Portion, portion};
use revisit_rules::http::precondition::Verdict;
use revisit_rules::http::{Stored, answer as rules};

use super::asked::Asked;
use super::content::Content;
use crate::{Body, Response, boundary};

/// The bytes behind a kept head.
pub(super) enum Source<'a> {
    /// All of them.
    Kept(&'a Content),
    /// They are on their way, from the first one on.
    Coming(Body),
}

/// Answers `asked` from `stored`; `None`: what is kept has not all of what is asked for.
pub(super) fn answer(
    asked: &Asked,
    stored: &Stored,
    source: Source<'_>,
    age: Duration,
    now: SystemTime,
) -> Option<Response> {
    let mut headers = stored.headers.clone();
    rules::set_age(&mut headers, age);
    if let Verdict::NotModified(_) = rules::condition(asked.headers(), stored, now) {
        return Some(response(
            StatusCode::NOT_MODIFIED,
            rules::of_304(&headers),
            Body::empty(),
        ));
    }
    let content = match source {
        Source::Coming(body) => return Some(response(stored.status, headers, body)),
        Source::Kept(content) => content,
    };
    let length = content.len();
    let portion = match *asked.method() {
        // "A server MUST ignore a Range header field received with a request method that is
        // unrecognized or for which range handling is not defined" (RFC 9110 §14.2)
        Method::HEAD if stored.part.is_some() => Portion::Lacks,
        Method::HEAD => Portion::Whole,
        _ => portion(asked.headers(), stored, length, now),
    };
    let (status, range) = match portion {
        Portion::Lacks => return None,
        Portion::Whole => (stored.status, 0..length),
        Portion::Part(range, complete) => {
            let (first, last) = range.into_inner();
            content_range(&mut headers, &format!("{first}-{last}"), complete);
            let before = stored.part.map_or(0, |part| part.first);
            let end = last.checked_sub(before)?.checked_add(1)?;
            (StatusCode::PARTIAL_CONTENT, first.checked_sub(before)?..end)
        }
        Portion::Parts(parts, complete) => return several(parts, complete, headers, content),
        Portion::Unsatisfiable(complete) => {
            content_range(&mut headers, "*", complete);
            headers.remove(CONTENT_TYPE);
            (StatusCode::RANGE_NOT_SATISFIABLE, 0..0)
        }
    };
    if has_length(status) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    }
    let body = match *asked.method() {
        Method::HEAD => Body::empty(),
        _ => content.slice(range)?,
    };
    Some(response(status, headers, body))
}

/// Several parts of what is kept whole (RFC 9110 §15.3.7.2).
fn several(
    parts: Vec<RangeInclusive<u64>>,
    complete: u64,
    mut headers: HeaderMap,
    content: &Content,
) -> Option<Response> {
    let multipart = Multipart::new(parts, complete, headers.get(CONTENT_TYPE), boundary());
    headers.insert(CONTENT_LENGTH, HeaderValue::from(multipart.length()));
    headers.insert(CONTENT_TYPE, multipart.content_type);
    // "… MUST NOT generate a Content-Range header field in the HTTP header section of a multiple part
    // response"
    headers.remove(CONTENT_RANGE);
    let mut bodies = Vec::with_capacity(2 * multipart.parts.len() + 1);
    for (head, part) in multipart.parts {
        let (first, last) = part.into_inner();
        bodies.push(Bytes::from(head).into());
        bodies.push(content.slice(first..last + 1)?);
    }
    bodies.push(Bytes::from(multipart.end).into());
    let body = Body::chain(bodies);
    Some(response(StatusCode::PARTIAL_CONTENT, headers, body))
}

/// "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx
/// (Informational) or 204 (No Content)" (RFC 9110 §8.6)
fn has_length(status: StatusCode) -> bool {
    !status.is_informational() && status != StatusCode::NO_CONTENT
}

fn content_range(headers: &mut HeaderMap, range: &str, complete: u64) {
    let mut text = String::from("bytes ");
    // Writing into a string cannot fail.
    let _ = write!(text, "{range}/{complete}");
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(CONTENT_RANGE, value);
    }
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
