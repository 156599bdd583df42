//! Which route answers a request, and which routes may answer one and the same?
//!
//! A route matches by the path of a URL, its origin, the method and the destination of the request.
//! The first that matches answers. The worker's twin is `generator/runtime/worker/routing.js`; both
//! run `tests/vectors/routing.json`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::pattern::{Pattern, PatternError};

/// What a route matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Of the URL's path; none: all.
    pub path: Option<Pattern>,
    /// Of the URL.
    pub origin: Origin,
    /// In capitals.
    pub methods: Vec<String>,
    /// As Fetch has them: empty for requests of scripts. None: all.
    pub destinations: Option<Vec<String>>,
}

/// Which origins a route matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The site's own.
    Own,
    /// All.
    Any,
    /// This one, serialized (`https://host`, with a port if it is not the scheme's).
    Named(String),
}

/// A request, as far as it is known; what is not known matches everything.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Serialized; none: the site's own.
    pub origin: Option<&'a str>,
    /// Path of the URL, with its slash, still encoded.
    pub path: &'a str,
    /// In capitals.
    pub method: &'a str,
    /// As Fetch has it.
    pub destination: Option<&'a str>,
}

impl Rule {
    /// Does the request match?
    pub fn matches(&self, asked: &Asked<'_>) -> bool {
        let Some(path) = decoded(asked.path) else {
            return false;
        };
        let origin = match (&self.origin, asked.origin) {
            (Origin::Any, _) | (Origin::Own, None) => true,
            (Origin::Named(named), Some(origin)) => named == origin,
            _ => false,
        };
        let of = |list: &Option<Vec<String>>, word: &str| {
            list.as_ref()
                .is_none_or(|list| list.iter().any(|it| it == word))
        };
        origin
            && self.methods.iter().any(|method| method == asked.method)
            && asked
                .destination
                .is_none_or(|word| of(&self.destinations, word))
            && self.path.as_ref().is_none_or(|it| it.matches(&path))
    }

    /// A path that both match, of requests of the same origin, method and destination.
    pub fn overlap(&self, other: &Self) -> Option<String> {
        let origins = match (&self.origin, &other.origin) {
            (Origin::Any, _) | (_, Origin::Any) => true,
            (one, two) => one == two,
        };
        let share = |one: &[String], two: &[String]| one.iter().any(|word| two.contains(word));
        let destinations = match (&self.destinations, &other.destinations) {
            (Some(one), Some(two)) => share(one, two),
            _ => true,
        };
        if !origins || !destinations || !share(&self.methods, &other.methods) {
            return None;
        }
        match (&self.path, &other.path) {
            (Some(one), Some(two)) => one.common(two),
            (Some(one), None) | (None, Some(one)) => one.common(one),
            (None, None) => Some(String::new()),
        }
    }

    /// Does every request that `other` matches match here too? Told where it is plain: a pattern
    /// with braces on either side may take more than is seen.
    pub fn covers(&self, other: &Self) -> bool {
        let all = |one: &[String], two: &[String]| two.iter().all(|word| one.contains(word));
        let origin = self.origin == Origin::Any || self.origin == other.origin;
        let destinations = match (&self.destinations, &other.destinations) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(one), Some(two)) => all(one, two),
        };
        let path = match (&self.path, &other.path) {
            (None, _) => true,
            (Some(one), None) => Pattern::new("**").is_ok_and(|all| one.covers(&all)),
            (Some(one), Some(two)) => one.covers(two),
        };
        origin && destinations && all(&self.methods, &other.methods) && path
    }
}

/// Patterns are written as people read paths: what is percent-encoded matches decoded. None for what
/// is not UTF-8.
fn decoded(path: &str) -> Option<Cow<'_, str>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    percent_decode_str(path).decode_utf8().ok()
}

/// Reads the pattern of a route's path: that of a file, and `:name` at the beginning of a segment, which
/// is at least one character but a slash, as in URLPattern.
pub fn path(written: &str) -> Result<Pattern, PatternError> {
    if written.contains("://") {
        return Err(PatternError::WholeUrl);
    }
    if let Some(char) = written.chars().find(|c| matches!(c, '(' | ')')) {
        return Err(PatternError::Unsupported(char));
    }
    if written
        .split_once('?')
        .is_some_and(|(_, rest)| rest.contains('='))
    {
        return Err(PatternError::Query);
    }
    let mut plain = String::new();
    let mut rest = written;
    while let Some(colon) = rest.find(':') {
        let (before, after) = rest.split_at(colon);
        plain.push_str(before);
        let name = |c: char| c.is_alphanumeric() || c == '_';
        let end = after[1..]
            .find(|c| !name(c))
            .map_or(after.len(), |at| at + 1);
        if !(plain.is_empty() || plain.ends_with('/')) || end == 1 {
            plain.push(':');
            rest = &after[1..];
            continue;
        }
        if let Some(char) = after[end..]
            .chars()
            .next()
            .filter(|c| matches!(c, '?' | '*' | '+'))
        {
            return Err(PatternError::Modifier(char));
        }
        plain.push_str("?*");
        rest = &after[end..];
    }
    plain.push_str(rest);
    Ok(Pattern::new(&plain)?.written_as(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_finds_the_route_that_the_worker_finds() {
        let text = include_str!("../../../../tests/vectors/routing.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        let home = vectors["home"].as_str().unwrap();
        let words = |list: &serde_json::Value| -> Option<Vec<String>> {
            let list = list.as_array()?;
            Some(list.iter().map(|it| it.as_str().unwrap().into()).collect())
        };
        for case in vectors["cases"].as_array().unwrap() {
            let rule = |route: &serde_json::Value| Rule {
                path: route["written"].as_str().map(|written| {
                    let pattern = path(written).unwrap();
                    let expected = words(&route["path"]).unwrap();
                    assert_eq!(pattern.alternatives(), expected, "{written}");
                    pattern
                }),
                origin: match route["origin"].as_str() {
                    None => Origin::Own,
                    Some("*") => Origin::Any,
                    Some(named) => Origin::Named(named.into()),
                },
                methods: words(&route["methods"]).unwrap_or_else(|| vec!["GET".into()]),
                destinations: words(&route["destination"]),
            };
            let rules: Vec<Rule> = case["routes"]
                .as_array()
                .unwrap()
                .iter()
                .map(rule)
                .collect();
            for request in case["requests"].as_array().unwrap() {
                let url = request[0].as_str().unwrap();
                let slash = url.match_indices('/').nth(2).unwrap().0;
                let (origin, path) = url.split_at(slash);
                let asked = Asked {
                    origin: Some(origin).filter(|origin| *origin != home),
                    path: path.split('?').next().unwrap(),
                    method: request[1].as_str().unwrap(),
                    destination: request[2].as_str(),
                };
                let found = rules.iter().position(|rule| rule.matches(&asked));
                let expected = request[3].as_u64().map(|index| index as usize);
                assert_eq!(found, expected, "{request} of {case}");
            }
        }
    }

    #[test]
    fn a_name_is_a_piece_of_a_segment_and_what_urls_have_beside_paths_is_refused() {
        for (written, expected) in [
            ("/users/:id/posts", Ok("users/?*/posts")),
            ("/:a/:b_2", Ok("?*/?*")),
            (":a", Ok("?*")),
            ("/:id.json", Ok("?*.json")),
            ("/a:b/c", Ok("a:b/c")),
            ("/a/:/c", Ok("a/:/c")),
            ("/a/:id?", Err(PatternError::Modifier('?'))),
            ("/a/:id*", Err(PatternError::Modifier('*'))),
            ("/a/:id+/b", Err(PatternError::Modifier('+'))),
            ("/a/(b|c)", Err(PatternError::Unsupported('('))),
            ("/a/:id(\\d+)", Err(PatternError::Unsupported('('))),
            ("/a?b=*", Err(PatternError::Query)),
            ("https://a.example/b", Err(PatternError::WholeUrl)),
            ("/a/***", Err(PatternError::NeverMatches)),
        ] {
            let found = path(written);
            let found = found.as_ref().map(|pattern| &*pattern.alternatives()[0]);
            assert_eq!(found, expected.as_ref().copied(), "{written}");
        }
    }

    fn rule(origin: Origin, written: Option<&str>, destinations: Option<&[&str]>) -> Rule {
        Rule {
            path: written.map(|written| path(written).unwrap()),
            origin,
            methods: vec!["GET".into()],
            destinations: destinations.map(|all| all.iter().map(|&it| it.into()).collect()),
        }
    }

    #[test]
    fn routes_overlap_where_one_request_matches_both() {
        let of = |one: (Origin, _, _), two: (Origin, _, _)| {
            rule(one.0, one.1, one.2).overlap(&rule(two.0, two.1, two.2))
        };
        let (own, any) = (Origin::Own, Origin::Any);
        let named = Origin::Named("https://a.example".into());
        let image: Option<&[&str]> = Some(&["image"]);
        for (one, two, expected) in [
            (
                (own.clone(), Some("/a/**"), None),
                (own.clone(), Some("/a/b/*"), None),
                Some("a/b/"),
            ),
            (
                (own.clone(), Some("/a/**"), None),
                (own.clone(), Some("/b/**"), None),
                None,
            ),
            (
                (own.clone(), Some("/a/**"), None),
                (named.clone(), Some("/a/**"), None),
                None,
            ),
            ((any, Some("/a/*"), None), (named, None, image), Some("a/")),
            (
                (own.clone(), None, image),
                (own.clone(), None, Some(&["font"])),
                None,
            ),
            ((own.clone(), None, image), (own, None, None), Some("")),
        ] {
            assert_eq!(
                of(one.clone(), two.clone()).as_deref(),
                expected,
                "{one:?} {two:?}"
            );
        }
    }

    #[test]
    fn a_route_covers_another_if_that_can_never_come_second() {
        let image: Option<&[&str]> = Some(&["image"]);
        for (one, two, expected) in [
            (
                rule(Origin::Own, None, None),
                rule(Origin::Own, Some("/a"), image),
                true,
            ),
            (
                rule(Origin::Own, None, image),
                rule(Origin::Own, Some("/a"), None),
                false,
            ),
            (
                rule(Origin::Own, Some("/a/**"), None),
                rule(Origin::Own, Some("/a/*/b"), None),
                true,
            ),
            (
                rule(Origin::Own, Some("/a/*"), None),
                rule(Origin::Own, Some("/a/**"), None),
                false,
            ),
            (
                rule(Origin::Own, Some("/**"), None),
                rule(Origin::Own, None, None),
                true,
            ),
            (
                rule(Origin::Own, None, None),
                rule(Origin::Any, None, None),
                false,
            ),
            (
                rule(Origin::Any, None, None),
                rule(Origin::Own, None, None),
                true,
            ),
        ] {
            assert_eq!(one.covers(&two), expected, "{one:?} {two:?}");
        }
    }
}
