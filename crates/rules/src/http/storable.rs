//! May a response be stored, and why?
//!
//! RFC 9111 §3 (storing responses), §3.3 (incomplete), §3.5 (to authenticated requests), §5.2.2.3
//! (must-understand); RFC 9110 §9.3.3 (POST).

use http::header::{AUTHORIZATION, CONTENT_LOCATION, CONTENT_RANGE, RANGE, SET_COOKIE};
use http::{Method, StatusCode};

use super::directives::{RequestDirectives, ResponseDirectives, Scope};
use super::freshness::{self, LifetimeRule};
use super::head::lines;
use super::part::ContentRange;
use super::profile::SetCookie;
use super::{Policy, RequestHead, ResponseHead, Times, hop, stored, uri, vary};

/// May it be stored?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storable {
    /// Yes.
    Yes(Worth),
    /// No.
    No(Because),
}

/// What a stored response is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Worth {
    /// It has a lifetime, by this rule (which may be over at once: then it is good for when the
    /// origin fails, or to be validated).
    Lifetime(LifetimeRule),
    /// It has no lifetime, but can be validated.
    Validator,
    /// Neither: it is kept for who takes whatever is kept.
    History,
}

/// Why a response is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Because {
    /// The method's responses are not reused: "the request method is understood by the cache"
    /// (§3). Of HEAD, see [`super::validate::freshen`].
    Method,
    /// It is a POST without explicit lifetime, or `Content-Location` of another URI (RFC 9110 §9.3.3).
    PostOfAnother,
    /// 401 or 407, in a browser.
    Challenge,
    /// Informational: "the response status code is final".
    NotFinal,
    /// 304 or 206 out of place, or a status with `must-understand` that we do not know.
    NotUnderstood,
    /// 206 without a readable `Content-Range`, or not asked for.
    NoPart,
    /// `no-store` in the response.
    NoStore,
    /// `no-store` in the request (§5.2.1.5).
    RequestNoStore,
    /// `private`, in a shared cache.
    Private,
    /// The request has `Authorization`, the cache is shared, and the response does not allow it (§3.5).
    Authorization,
    /// `Set-Cookie` in a shared cache, and the origin did not say that it is for many.
    SetCookie,
    /// `Vary: *` matches no request (§4.1), nor does a `Vary` that is no list of names.
    VariesOnEverything,
    /// Nothing gives it a lifetime, and it cannot be validated.
    Worthless,
}

impl Because {
    /// Is it for whoever asks, so that those who ask together need not wait for one answer?
    /// `status` is the response's: what a server says in trouble, and a 304, say nothing of the next
    /// answer, nor does what the request brought about.
    pub fn is_of_every_answer(self, status: StatusCode) -> bool {
        let told = match self {
            Self::NotUnderstood
            | Self::NoStore
            | Self::Private
            | Self::SetCookie
            | Self::VariesOnEverything
            | Self::Worthless => true,
            Self::Method
            | Self::PostOfAnother
            | Self::Challenge
            | Self::NotFinal
            | Self::NoPart
            | Self::RequestNoStore
            | Self::Authorization => false,
        };
        told && !status.is_server_error() && status != StatusCode::NOT_MODIFIED
    }
}

/// Decides in the order of §3.
pub fn storable(
    policy: &Policy,
    request: &RequestHead<'_>,
    response: &ResponseHead<'_>,
    times: Times,
) -> Storable {
    let (status, headers) = (response.status, response.headers);
    let directives = ResponseDirectives::of(policy, headers);
    let lifetime = freshness::lifetime(policy, status, headers, &directives, times.response);
    match refusal(policy, request, response, &directives, lifetime.by) {
        Some(because) => Storable::No(because),
        None => worth(policy, response, &directives, lifetime.by, times),
    }
}

fn refusal(
    policy: &Policy,
    request: &RequestHead<'_>,
    response: &ResponseHead<'_>,
    directives: &ResponseDirectives,
    rule: LifetimeRule,
) -> Option<Because> {
    let (status, headers) = (response.status, response.headers);
    // "the request method is understood by the cache"
    match *request.method {
        Method::GET => {}
        Method::POST => {
            if !rule.is_explicit() || !is_of_target(request, response) {
                return Some(Because::PostOfAnother);
            }
        }
        _ => return Some(Because::Method),
    }
    // "the response status code is final"
    if status.is_informational() {
        return Some(Because::NotFinal);
    }
    // "if the response status code is 206 or 304, or the must-understand response directive is
    // present: the cache understands the response status code"
    if status == StatusCode::NOT_MODIFIED {
        return Some(Because::NotUnderstood);
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let part = ContentRange::read(lines(headers, &CONTENT_RANGE));
        if part.is_none() || !request.headers.contains_key(RANGE) {
            return Some(Because::NoPart);
        }
    }
    let departures = policy.departures;
    if departures.challenges_are_not_kept && matches!(status.as_u16(), 401 | 407) {
        return Some(Because::Challenge);
    }
    let must_understand = directives.must_understand && !departures.must_understand_is_ignored;
    if must_understand && !is_understood(status) {
        return Some(Because::NotUnderstood);
    }
    // "the no-store cache directive is not present in the response" and "A cache that … implements
    // must-understand … SHOULD ignore the no-store directive" (§5.2.2.3)
    if directives.no_store && !must_understand {
        return Some(Because::NoStore);
    }
    if RequestDirectives::of(policy, request.headers).no_store {
        return Some(Because::RequestNoStore);
    }
    if vary::answers_none(headers) && !departures.everything_is_kept {
        return Some(Because::VariesOnEverything);
    }
    if !policy.is_shared() {
        return None;
    }
    // "if the cache is shared: the private response directive is either not present or allows a
    // shared cache to store a modified response"
    if directives.private == Scope::Whole {
        return Some(Because::Private);
    }
    // "… the Authorization header field is not present in the request or a response directive is
    // present that explicitly allows shared caching": "must-revalidate, public, and s-maxage" (§3.5)
    let for_many = directives.public || directives.s_maxage.is_present();
    if request.headers.contains_key(AUTHORIZATION) && !for_many && !directives.must_revalidate {
        return Some(Because::Authorization);
    }
    if !shares_cookies(policy, directives)
        && hop::storable_fields(policy, headers).contains_key(SET_COOKIE)
    {
        return Some(Because::SetCookie);
    }
    None
}

/// "the response contains at least one of …" (§3), and is of any use.
fn worth(
    policy: &Policy,
    response: &ResponseHead<'_>,
    directives: &ResponseDirectives,
    rule: LifetimeRule,
    times: Times,
) -> Storable {
    let validators = stored::validators(response.headers, times.response);
    let validated = validators.etag.is_some() || validators.last_modified.is_some();
    // "a private response directive, if the cache is not shared", "a public response directive",
    // "a status code that is defined as heuristically cacheable"
    let allowed = rule != LifetimeRule::Nothing
        || directives.public
        || directives.no_cache != Scope::Nothing
        || (!policy.is_shared() && directives.private != Scope::Nothing)
        || freshness::is_heuristically_cacheable(response.status);
    let kept_anyway = policy.departures.everything_is_kept;
    match rule {
        LifetimeRule::Nothing if kept_anyway && !validated => Storable::Yes(Worth::History),
        rule if kept_anyway && rule != LifetimeRule::Nothing => {
            Storable::Yes(Worth::Lifetime(rule))
        }
        _ if kept_anyway => Storable::Yes(Worth::Validator),
        // Used only after a validation, which can never be.
        _ if directives.no_cache == Scope::Whole && !validated => Storable::No(Because::Worthless),
        LifetimeRule::Nothing if !allowed || !validated => Storable::No(Because::Worthless),
        LifetimeRule::Nothing => Storable::Yes(Worth::Validator),
        rule => Storable::Yes(Worth::Lifetime(rule)),
    }
}

/// "a Content-Location header field that has the same value as the POST's target URI" (RFC 9110
/// §9.3.3)
fn is_of_target(request: &RequestHead<'_>, response: &ResponseHead<'_>) -> bool {
    let mut locations = lines(response.headers, &CONTENT_LOCATION);
    match (locations.next(), locations.next()) {
        (Some(location), None) => {
            uri::resolve(request.target, location).is_some_and(|uri| uri.is(request.target))
        }
        _ => false,
    }
}

/// The status codes whose caching we know: those of RFC 9110 §15 and their siblings in the
/// registry that have no rules of their own.
pub fn is_understood(status: StatusCode) -> bool {
    matches!(status.as_u16(),
        200..=206 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421..=426 | 428 | 429 | 431 | 451 | 500..=505 | 511)
}

impl Storable {
    /// Is it to be stored?
    pub fn is_yes(self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

/// Does an origin that said this mean it for many? See [`SetCookie::Safer`].
pub(super) fn shares_cookies(policy: &Policy, directives: &ResponseDirectives) -> bool {
    !policy.is_shared()
        || policy.set_cookie == SetCookie::Rfc
        || directives.public
        || directives.s_maxage.is_present()
        || (directives.targeted && directives.max_age.is_present())
}

#[cfg(test)]
mod tests;
