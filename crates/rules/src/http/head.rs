//! What the rules look at of a message: its head, borrowed, and when it travelled.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, Method, StatusCode};

use super::key;

/// The target URI of a request (RFC 9110 §7.1), in the bytes in which it is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host and, if there is one, port.
    pub authority: &'a str,
    /// Path and query in origin form, as it was received.
    pub path: &'a str,
}

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// Its method.
    pub method: &'a Method,
    /// What it asks for.
    pub target: Target<'a>,
    /// Its fields.
    pub headers: &'a HeaderMap,
}

/// The head of a response.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, as they were received.
    pub headers: &'a HeaderMap,
}

/// When an exchange took place, by the clock of the cache (RFC 9111 §4.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// `request_time`: when the request was sent.
    pub request: SystemTime,
    /// `response_time`: when the head of the response had come.
    pub response: SystemTime,
}

impl<'a> Target<'a> {
    /// Scheme and host as keys have them: `http://shop.example`.
    pub fn origin(self) -> String {
        let scheme = self.scheme.to_ascii_lowercase();
        format!("{scheme}://{}", key::authority(self))
    }

    /// The path without the query, and the query without its `?`, if there is one.
    pub fn split(self) -> (&'a str, Option<&'a str>) {
        match self.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path, None),
        }
    }
}

/// The lines of a field.
pub(super) fn lines<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    headers
        .get_all(name)
        .into_iter()
        .map(http::HeaderValue::as_bytes)
}

/// The members of a list field whose members are tokens, without white space and empty ones
/// (RFC 9110 §5.6.1.2).
pub(super) fn members<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    lines(headers, name)
        .flat_map(|line| line.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}
