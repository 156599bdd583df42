//! Which kept pairs answer a question?
//!
//! Service Workers, Appendix A "Request Matches Cached Item", and the first steps of `match()`,
//! `matchAll()`, `delete()` and `keys()`. Unlike the HTTP cache's [`vary`](crate::http::vary), field
//! values are compared as they are: "the combined value … does not match".

use http::header::VARY;
use http::{HeaderMap, HeaderName, Method};

use super::{RequestUrl, ResponseHead};

/// `CacheQueryOptions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueryOptions {
    /// `ignoreSearch`: the query of the URL does not count.
    pub ignore_search: bool,
    /// `ignoreMethod`: a question of any method is answered.
    pub ignore_method: bool,
    /// `ignoreVary`: a pair answers whatever its response says of `Vary`.
    pub ignore_vary: bool,
}

/// A request that asks for kept pairs.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its URL.
    pub url: &'a RequestUrl,
    /// Its fields.
    pub headers: &'a HeaderMap,
}

/// A pair that is kept: a request whose method is `GET`, and its response.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The URL of the request.
    pub url: &'a RequestUrl,
    /// The fields of the request.
    pub headers: &'a HeaderMap,
    /// The response.
    pub response: ResponseHead<'a>,
}

/// Does a pair answer a question?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matched {
    /// It does.
    Yes,
    /// It does not.
    No(Mismatch),
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The question's method is not `GET`, and is not ignored.
    Method,
    /// Another URL.
    Url,
    /// The two requests differ in a field that the response's `Vary` names.
    Vary(HeaderName),
    /// `Vary: *`: it answers no request.
    VaryAny,
}

/// May this method ask at all? The first step of each method that asks: "If r's method is not GET
/// and options.ignoreMethod is false, return [nothing]".
pub fn asks(method: &Method, options: QueryOptions) -> Matched {
    match options.ignore_method || method == Method::GET {
        true => Matched::Yes,
        false => Matched::No(Mismatch::Method),
    }
}

/// "Request Matches Cached Item".
///
/// Its first step, "If options.ignoreMethod is false and request's method is not GET, return
/// false", is about the kept request, and only `GET` is ever kept; the question's own method is
/// [`asks`]'s.
pub fn matches(question: Question<'_>, item: Item<'_>, options: QueryOptions) -> Matched {
    // "If options.ignoreSearch is true, then: set … query to the empty string." "If queryURL does
    // not equal cachedURL with the exclude fragment flag set, then return false."
    let same = match options.ignore_search {
        true => question.url.without_query() == item.url.without_query(),
        false => question.url.without_fragment() == item.url.without_fragment(),
    };
    if !same {
        return Matched::No(Mismatch::Url);
    }
    // "If response is null, options.ignoreVary is true, or response's header list does not contain
    // Vary, then return true." The list of an opaque response is empty.
    let Some(fields) = item.response.visible_headers() else {
        return Matched::Yes;
    };
    if options.ignore_vary {
        return Matched::Yes;
    }
    for member in vary_members(fields) {
        // "If fieldValue matches "*" … return false."
        if member == b"*" {
            return Matched::No(Mismatch::VaryAny);
        }
        // What is no name is a field that neither request has.
        let Ok(name) = HeaderName::from_bytes(member) else {
            continue;
        };
        // "… or the combined value given fieldValue and request's header list does not match the
        // combined value given fieldValue and requestQuery's header list, then return false."
        if !combined(item.headers, &name).eq(combined(question.headers, &name))
            || item.headers.contains_key(&name) != question.headers.contains_key(&name)
        {
            return Matched::No(Mismatch::Vary(name));
        }
    }
    Matched::Yes
}

/// The members of `Vary`, without white space and empty ones.
pub(super) fn vary_members(fields: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = fields.get_all(VARY).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

/// "To get a name from a header list …: return the values …, separated from each other by
/// 0x2C 0x20, in order" (Fetch); the bytes one after the other. Values have no white space at their
/// ends ("normalize").
fn combined<'a>(fields: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = u8> + use<'a> {
    let lines = fields.get_all(name).into_iter();
    lines.enumerate().flat_map(|(index, line)| {
        let separator: &[u8] = if index == 0 { b"" } else { b", " };
        let value = line.as_bytes().trim_ascii();
        separator.iter().chain(value).copied()
    })
}

#[cfg(test)]
mod tests;
