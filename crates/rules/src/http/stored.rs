//! A stored response: what is read of it once, when it is stored, so that a hit reads nothing.

use std::time::{Duration, SystemTime};

use http::header::{AGE, CONTENT_RANGE, DATE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, StatusCode};

use super::directives::ResponseDirectives;
use super::freshness::{self, Freshness, Lifetime};
use super::head::lines;
use super::part::ContentRange;
use super::precondition::Validators;
use super::vary::VaryKey;
use super::{EntityTag, Policy, RequestHead, ResponseHead, Times, date, hop};

/// A response as a cache keeps it, without its body.
///
/// Made by [`Stored::new`] of what came, or of what a disk kept: `status`, `headers` (already cut by
/// [`hop::storable_fields`]), `times` and `vary` are all that it takes to make it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, without those that are not stored.
    pub headers: HeaderMap,
    /// When it came.
    pub times: Times,
    /// Which requests it answers (RFC 9111 §4.1).
    pub vary: VaryKey,
    /// What its `Cache-Control`, or the field that stands for it, says.
    pub directives: ResponseDirectives,
    /// How long it is fresh, and by which rule.
    pub lifetime: Lifetime,
    /// `corrected_initial_age` (§4.2.3).
    pub initial_age: Duration,
    /// Its validators, parsed.
    pub validators: Validators,
    /// When it was made: its `Date`, or when it came.
    pub date: SystemTime,
    /// The part that it is; `None`: it is whole.
    pub part: Option<ContentRange>,
}

impl Stored {
    /// Reads what is to be kept of `response` to `request`; whether it may be kept is
    /// [`super::storable::storable`]'s question. `None`: it is a 206 that does not say which part.
    pub fn new(
        policy: &Policy,
        request: &RequestHead<'_>,
        response: &ResponseHead<'_>,
        times: Times,
    ) -> Option<Self> {
        let mut headers = hop::storable_fields(policy, response.headers);
        date::append(&mut headers, times.response);
        let vary = VaryKey::of(&headers, request.headers);
        Self::with(policy, response.status, headers, times, vary)
    }

    /// Reads what was kept, from its parts.
    pub fn with(
        policy: &Policy,
        status: StatusCode,
        headers: HeaderMap,
        times: Times,
        vary: VaryKey,
    ) -> Option<Self> {
        let part = match status {
            StatusCode::PARTIAL_CONTENT => {
                Some(ContentRange::read(lines(&headers, &CONTENT_RANGE))?)
            }
            _ => None,
        };
        let directives = ResponseDirectives::of(policy, &headers);
        let lifetime = freshness::lifetime(policy, status, &headers, &directives, times.response);
        let date = date::single(lines(&headers, &DATE), times.response);
        let dated = date.filter(|_| !policy.departures.own_clock_rules);
        Some(Self {
            status,
            times,
            vary,
            directives,
            lifetime,
            initial_age: freshness::initial_age(
                freshness::age_value(lines(&headers, &AGE)),
                dated,
                times,
            ),
            validators: validators(&headers, times.response),
            date: date.unwrap_or(times.response),
            part,
            headers,
        })
    }

    /// How old it is at `now`, and how long it may be.
    pub fn freshness(&self, now: SystemTime) -> Freshness {
        Freshness {
            age: freshness::current_age(self.initial_age, self.times.response, now),
            lifetime: self.lifetime,
        }
    }
}

/// The validators of a response: a field that is twice there, or no tag or date, is none.
pub fn validators(headers: &HeaderMap, now: SystemTime) -> Validators {
    let mut tags = lines(headers, &ETAG);
    let etag = match (tags.next(), tags.next()) {
        (Some(tag), None) => match EntityTag::parse(tag.trim_ascii()) {
            Some((tag, b"")) => Some(tag),
            _ => None,
        },
        _ => None,
    };
    Validators {
        etag,
        last_modified: date::single(lines(headers, &LAST_MODIFIED), now),
    }
}
