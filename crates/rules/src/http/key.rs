//! Under which name is a response kept?
//!
//! "The 'cache key' … is composed from, at a minimum, the request method and target URI" (RFC 9111
//! §2). Each part stands behind its length, so that no two questions have one name, whatever bytes
//! they hold. `Vary` is not part of it: see [`super::vary`].

use http::Method;

use super::Target;
use super::no_vary_search::NoVarySearch;

/// The name of a question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey(Box<[u8]>);

impl RequestKey {
    /// The key of `method` at `target`. GET and HEAD have one: a HEAD is answered from what a GET
    /// brought (RFC 9110 §9.3.2), and so has a POST whose response is kept, since it then answers a
    /// GET (§9.3.3).
    ///
    /// Host and scheme are compared without case (§4.2.3), and the port that a scheme has anyway is
    /// left out. The path is taken as it is: `/%7Ea` is asked of the origin in these bytes, and it may
    /// tell them from `/~a`.
    pub fn of(method: &Method, target: Target<'_>) -> Self {
        Self::with(answering(method), target, target.path)
    }

    /// The same, where `rule` says which parts of the query make no difference. Two targets have one
    /// key if and only if `rule` takes their queries for equal.
    pub fn without_varying(method: &Method, target: Target<'_>, rule: &NoVarySearch) -> Self {
        let (path, query) = target.split();
        match query {
            Some(query) if !rule.varies_on_all() => {
                let mut canonical = String::with_capacity(target.path.len());
                canonical.push_str(path);
                canonical.push('?');
                rule.canonical(query, &mut canonical);
                Self::with(answering(method), target, &canonical)
            }
            _ if !rule.varies_on_all() => {
                Self::with(answering(method), target, &format!("{path}?"))
            }
            _ => Self::of(method, target),
        }
    }

    /// The key under which the `No-Vary-Search` of a path's responses is remembered.
    pub fn of_path(target: Target<'_>) -> Self {
        let (path, _) = target.split();
        Self::with("", target, path)
    }

    fn with(method: &str, target: Target<'_>, path: &str) -> Self {
        let authority = without_default_port(target);
        let parts = [method, target.scheme, authority, path];
        let length = parts.iter().map(|part| 4 + part.len()).sum();
        let mut bytes = Vec::with_capacity(length);
        for (place, part) in parts.into_iter().enumerate() {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            let start = bytes.len();
            bytes.extend_from_slice(part.as_bytes());
            // As `authority` and `Target::origin` have them.
            if place == 1 || place == 2 {
                bytes[start..].make_ascii_lowercase();
            }
        }
        Self(bytes.into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What is asked for under a name with these bytes; `None`: they are none of a key.
    pub fn target_of(bytes: &[u8]) -> Option<Target<'_>> {
        let mut rest = bytes;
        let mut part = || {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (part, after) = after.split_at_checked(length)?;
            rest = after;
            std::str::from_utf8(part).ok()
        };
        let (_, scheme, authority, path) = (part()?, part()?, part()?, part()?);
        rest.is_empty().then_some(Target {
            scheme,
            authority,
            path,
        })
    }

    /// The same, and nothing else of it.
    pub fn into_bytes(self) -> Box<[u8]> {
        self.0
    }
}

/// Host and port as keys have them: in small letters, without a port that goes without saying.
pub fn authority(target: Target<'_>) -> String {
    without_default_port(target).to_ascii_lowercase()
}

/// Host and port, without a port that goes without saying.
pub(super) fn without_default_port(target: Target<'_>) -> &str {
    let Target {
        scheme, authority, ..
    } = target;
    let default = match scheme {
        scheme if scheme.eq_ignore_ascii_case("http") => ":80",
        scheme if scheme.eq_ignore_ascii_case("https") => ":443",
        _ => return authority,
    };
    authority
        .strip_suffix(default)
        .or_else(|| authority.strip_suffix(':'))
        .unwrap_or(authority)
}

/// The method whose responses answer this one.
fn answering(method: &Method) -> &str {
    match *method {
        Method::HEAD | Method::POST => Method::GET.as_str(),
        ref method => method.as_str(),
    }
}

#[cfg(test)]
mod tests;
