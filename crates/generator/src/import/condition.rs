//! What a function asks of a request, as far as its text says so.
//!
//! `({request}) => request.destination === 'image'` and its kin: comparisons of a request's properties with literals,
//! joined by `&&` and `||`. Anything else is a program, and nobody can say what it means.

use oxc_ast::ast::{BinaryOperator, CallExpression, Expression, LogicalOperator};

use super::find::given;
use super::literal::{Regex, arguments, bare};
use super::regex::{Elsewhere, path_pattern, places, united};

/// What a route asks of a request; what is not said is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Condition {
    /// `self`, or a scheme with a host; `*` is not said.
    pub(super) origin: Option<String>,
    /// Patterns without a slash in front, of which one matches.
    pub(super) paths: Vec<String>,
    pub(super) destinations: Vec<String>,
}

/// What a property of the arguments is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    Destination,
    Mode,
    Method,
    Path,
    Origin,
    Host,
    Url,
}

/// Reads a function that says of a request whether a route is for it.
pub(super) fn condition(function: &Expression<'_>) -> Result<Condition, String> {
    match given(function) {
        Some(expression) => read(expression),
        None => Err("it is a function of several steps".into()),
    }
}

fn read(expression: &Expression<'_>) -> Result<Condition, String> {
    match expression {
        Expression::LogicalExpression(it) => {
            let (left, right) = (read(&it.left)?, read(&it.right)?);
            match it.operator {
                LogicalOperator::And => both(left, right),
                LogicalOperator::Or => either(left, right),
                LogicalOperator::Coalesce => Err(program()),
            }
        }
        Expression::BinaryExpression(it)
            if matches!(
                it.operator,
                BinaryOperator::StrictEquality | BinaryOperator::Equality
            ) =>
        {
            match (property(&it.left), property(&it.right)) {
                (Some(property), _) => equals(property, &it.right),
                (_, Some(property)) => equals(property, &it.left),
                _ => Err(program()),
            }
        }
        Expression::CallExpression(it) => call(it),
        Expression::Identifier(it) if it.name == "sameOrigin" => Ok(own()),
        Expression::StaticMemberExpression(it) if it.property.name == "sameOrigin" => Ok(own()),
        Expression::BooleanLiteral(it) if it.value => Ok(Condition::default()),
        other => match bare(other) {
            Some(inner) => read(inner),
            None => Err(program()),
        },
    }
}

fn equals(property: Property, value: &Expression<'_>) -> Result<Condition, String> {
    if property == Property::Origin && is_own_origin(value) {
        return Ok(own());
    }
    let Expression::StringLiteral(value) = value else {
        return Err(program());
    };
    let value = value.value.as_str();
    match property {
        Property::Destination => Ok(Condition {
            destinations: vec![value.to_owned()],
            ..Condition::default()
        }),
        Property::Mode if value == "navigate" => Ok(Condition {
            destinations: vec!["document".into()],
            ..Condition::default()
        }),
        Property::Method if value == "GET" => Ok(Condition::default()),
        Property::Origin => origin(value),
        Property::Host => origin(&format!("https://{value}")),
        Property::Path | Property::Url => text(property, &format!("^{}$", escaped(value))),
        Property::Mode | Property::Method => Err(program()),
    }
}

fn call(it: &CallExpression<'_>) -> Result<Condition, String> {
    let Expression::StaticMemberExpression(callee) = &it.callee else {
        return Err(program());
    };
    let arguments = arguments(&it.arguments);
    let [argument] = arguments[..] else {
        return Err(program());
    };
    let method = callee.property.name.as_str();
    // `/…/.test(url.pathname)`, `url.pathname.match(/…/)`
    let by_regex = match (method, &callee.object, argument) {
        ("test", Expression::RegExpLiteral(regex), of) => Some((regex, property(of))),
        ("match" | "search", of, Expression::RegExpLiteral(regex)) => Some((regex, property(of))),
        _ => None,
    };
    if let Some((regex, property)) = by_regex {
        let regex = Regex {
            source: regex.regex.pattern.text.to_string(),
            flags: regex.regex.flags.to_string(),
        };
        return of_regex(property.ok_or_else(program)?, &regex);
    }
    // `['style', 'script'].includes(request.destination)`
    if let (Expression::ArrayExpression(list), "includes", Some(property)) =
        (&callee.object, method, property(argument))
    {
        let mut found = None;
        for element in &list.elements {
            let value = element.as_expression().ok_or_else(program)?;
            let one = equals(property, value)?;
            found = Some(match found {
                None => one,
                Some(before) => either(before, one)?,
            });
        }
        return found.ok_or_else(program);
    }
    let (Some(property), Expression::StringLiteral(value)) = (property(&callee.object), argument)
    else {
        return Err(program());
    };
    let value = escaped(value.value.as_str());
    match method {
        "startsWith" => text(property, &format!("^{value}")),
        "endsWith" => text(property, &format!("{value}$")),
        "includes" => text(property, &value),
        _ => Err(program()),
    }
}

fn text(property: Property, source: &str) -> Result<Condition, String> {
    let (source, flags) = (source.to_owned(), String::new());
    of_regex(property, &Regex { source, flags })
}

fn of_regex(property: Property, regex: &Regex) -> Result<Condition, String> {
    match property {
        Property::Path => Ok(Condition {
            paths: vec![path_pattern(regex, "/")?],
            ..Condition::default()
        }),
        Property::Url => {
            let mut places = places(regex, Elsewhere::Anywhere)?;
            match (places.pop(), places.is_empty()) {
                (Some(place), true) => Ok(Condition {
                    origin: Some(place.origin).filter(|origin| origin != "*"),
                    paths: vec![place.path],
                    ..Condition::default()
                }),
                _ => Err("it means several hosts: write a route for each".into()),
            }
        }
        _ => Err(program()),
    }
}

fn both(left: Condition, right: Condition) -> Result<Condition, String> {
    let origin = match (left.origin, right.origin) {
        (Some(one), Some(other)) if one != other => return Err("no request has two hosts".into()),
        (one, other) => one.or(other),
    };
    let one_of = |one: Vec<String>, other: Vec<String>| match (one.is_empty(), other.is_empty()) {
        (false, false) if one != other => Err("it asks two things of one property".to_owned()),
        (true, _) => Ok(other),
        _ => Ok(one),
    };
    Ok(Condition {
        origin,
        paths: one_of(left.paths, right.paths)?,
        destinations: one_of(left.destinations, right.destinations)?,
    })
}

fn either(mut left: Condition, right: Condition) -> Result<Condition, String> {
    let only_paths = left.destinations.is_empty() && right.destinations.is_empty();
    let only_destinations = left.paths.is_empty() && right.paths.is_empty();
    let asks = |it: &Condition| !it.paths.is_empty() || !it.destinations.is_empty();
    if left.origin != right.origin
        || !asks(&left)
        || !asks(&right)
        || only_paths == only_destinations
    {
        return Err("it means either of two things: write a route for each".into());
    }
    left.paths.extend(right.paths);
    left.destinations.extend(right.destinations);
    Ok(left)
}

fn origin(text: &str) -> Result<Condition, String> {
    let url = url::Url::parse(text).map_err(|_| program())?;
    let origin = url.origin();
    match origin.is_tuple() {
        true => Ok(Condition {
            origin: Some(origin.ascii_serialization()),
            ..Condition::default()
        }),
        false => Err(program()),
    }
}

fn own() -> Condition {
    Condition {
        origin: Some("self".into()),
        ..Condition::default()
    }
}

/// `request.destination`, `context.url.pathname` and so on, by the last two names.
fn property(expression: &Expression<'_>) -> Option<Property> {
    let Expression::StaticMemberExpression(it) = expression else {
        return None;
    };
    let of = match &it.object {
        Expression::Identifier(name) => name.name.as_str(),
        Expression::StaticMemberExpression(inner) => inner.property.name.as_str(),
        _ => return None,
    };
    Some(match (of, it.property.name.as_str()) {
        ("request", "destination") => Property::Destination,
        ("request", "mode") => Property::Mode,
        ("request", "method") => Property::Method,
        ("request", "url") | ("url", "href") => Property::Url,
        ("url", "pathname") => Property::Path,
        ("url", "origin") => Property::Origin,
        ("url", "host" | "hostname") => Property::Host,
        _ => return None,
    })
}

/// `self.location.origin`, `location.origin`
fn is_own_origin(expression: &Expression<'_>) -> bool {
    let Expression::StaticMemberExpression(it) = expression else {
        return false;
    };
    let of = match &it.object {
        Expression::Identifier(name) => name.name.as_str(),
        Expression::StaticMemberExpression(inner) => inner.property.name.as_str(),
        _ => return false,
    };
    of == "location" && it.property.name == "origin"
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        if char.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

fn program() -> String {
    "it is a program, and only a run could tell what it means".into()
}

impl Condition {
    /// The pattern of its paths.
    pub(super) fn path(&self) -> Result<String, String> {
        match self.paths.is_empty() {
            true => Ok("**".into()),
            false => united(&self.paths),
        }
    }
}
