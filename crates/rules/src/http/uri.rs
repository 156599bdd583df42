//! Which URI does a reference in a field name? (RFC 3986 §5.2)
//!
//! Bytes stay as they are written, as in keys: nothing is decoded or encoded.

use super::Target;
use super::key::without_default_port;

/// An absolute URI, in the parts that a key is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Uri {
    scheme: String,
    authority: String,
    path: String,
}

impl Uri {
    /// A target as it is: its path is no reference, and `//a/b` in it no host.
    pub fn of(target: Target<'_>) -> Self {
        Self {
            scheme: target.scheme.to_owned(),
            authority: target.authority.to_owned(),
            path: target.path.to_owned(),
        }
    }

    /// The same, borrowed.
    pub fn target(&self) -> Target<'_> {
        Target {
            scheme: &self.scheme,
            authority: &self.authority,
            path: &self.path,
        }
    }

    /// Is it of the same origin (scheme, host and port, RFC 9110 §4.3.1)?
    pub fn is_of_origin(&self, target: Target<'_>) -> bool {
        let ours = self.target();
        ours.scheme.eq_ignore_ascii_case(target.scheme)
            && without_default_port(ours).eq_ignore_ascii_case(without_default_port(target))
    }

    /// Is it the same URI?
    pub fn is(&self, target: Target<'_>) -> bool {
        self.is_of_origin(target) && self.path == target.path
    }
}

/// Resolves a reference against the target of the request. `None` if it is none of http or https.
pub fn resolve(base: Target<'_>, reference: &[u8]) -> Option<Uri> {
    let reference = std::str::from_utf8(reference).ok()?.trim_ascii();
    if reference.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return None;
    }
    // "the target URI … excluding … fragment" (RFC 9110 §7.1)
    let reference = reference.split('#').next().unwrap_or_default();
    let (scheme, rest) = match scheme(reference) {
        Some((scheme, rest)) => {
            let http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
            // "http:path" is no URI of the scheme (RFC 9110 §4.2.1).
            (http && rest.starts_with("//")).then_some((scheme, rest))?
        }
        None => (base.scheme, reference),
    };
    let (base_path, _) = base.split();
    let (authority, path) = if let Some(rest) = rest.strip_prefix("//") {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // Names and passwords are no part of an origin.
        let host = authority.rsplit('@').next().unwrap_or_default();
        (!host.is_empty()).then_some(())?;
        (host, without_dots(path))
    } else if rest.is_empty() {
        (base.authority, base.path.to_owned())
    } else if rest.starts_with('?') {
        (base.authority, format!("{base_path}{rest}"))
    } else if rest.starts_with('/') {
        (base.authority, without_dots(rest))
    } else {
        let folder = base_path.rfind('/').map_or("/", |at| &base_path[..=at]);
        (base.authority, without_dots(&format!("{folder}{rest}")))
    };
    Some(Uri {
        scheme: scheme.to_owned(),
        authority: authority.to_owned(),
        path,
    })
}

/// "scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )"
fn scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let begins = scheme.bytes().next()?.is_ascii_alphabetic();
    (begins && scheme.bytes().all(plain)).then_some((scheme, rest))
}

/// "remove_dot_segments" (§5.2.4) of a path, whose query stays; the path of `http://host` is `/`.
fn without_dots(path_and_query: &str) -> String {
    let (path, query) = match path_and_query.find('?') {
        Some(at) => path_and_query.split_at(at),
        None => (path_and_query, ""),
    };
    let mut segments: Vec<&str> = Vec::new();
    let mut parts = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." => {}
            ".." => {
                segments.pop();
            }
            part => {
                segments.push(part);
                continue;
            }
        }
        if last {
            segments.push("");
        }
    }
    format!("/{}{query}", segments.join("/"))
}

#[cfg(test)]
mod tests;
