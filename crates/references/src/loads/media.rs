//! Media queries: does this list hold on this screen?
//!
//! Media Queries 4 §3, for the features of which a screen without a person says something; a feature that is not known
//! makes its query unknown, and so not hold (§3.2). A visitor with a mouse is meant, who asks for no reduced motion.

use super::Screen;

/// Whether the media query list `list` holds; an empty one does.
pub(super) fn holds(list: &str, screen: Screen) -> bool {
    if list.trim().is_empty() {
        return true;
    }
    split(list, ',').any(|query| query_holds(query, screen))
}

fn query_holds(query: &str, screen: Screen) -> bool {
    let query = query.trim().to_ascii_lowercase();
    let (negated, rest) = match query.strip_prefix("not ") {
        // `not (…)` is a condition; `not screen and (…)` negates the whole.
        Some(rest) if !rest.trim_start().starts_with('(') => (true, rest.trim_start()),
        _ => (false, &*query),
    };
    let rest = rest.strip_prefix("only ").unwrap_or(rest).trim_start();
    if rest.starts_with('(') || rest.starts_with("not ") {
        return condition(rest, screen, 0) == Some(true);
    }
    let end = rest.find(' ').unwrap_or(rest.len());
    let (kind, after) = rest.split_at(end);
    let right_kind = matches!(kind, "all" | "screen");
    let after = after.trim_start();
    let conditions = match after.strip_prefix("and") {
        None if after.is_empty() => Some(true),
        Some(after) => condition(after.trim_start(), screen, 0),
        None => None,
    };
    conditions.is_some_and(|holds| (right_kind && holds) != negated)
}

/// `(a) and (b)`, `(a) or (b)`, `not (a)`; `None` is "unknown".
fn condition(text: &str, screen: Screen, depth: usize) -> Option<bool> {
    if depth > DEPTH_MAX {
        return None;
    }
    let text = text.trim();
    if let Some(rest) = text
        .strip_prefix("not ")
        .or_else(|| text.strip_prefix("not(").map(|_| &text[3..]))
    {
        return condition(rest, screen, depth + 1).map(|holds| !holds);
    }
    let (first, after) = group(text)?;
    let first_holds = in_parentheses(first, screen, depth + 1);
    let after = after.trim_start();
    if after.is_empty() {
        return first_holds;
    }
    if let Some(rest) = after.strip_prefix("and") {
        return match (first_holds, condition(rest, screen, depth + 1)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
    }
    let rest = after.strip_prefix("or")?;
    match (first_holds, condition(rest, screen, depth + 1)) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// What stands in the parentheses that `text` opens with, and what follows them.
fn group(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('(')?;
    let mut depth = 1;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&inner[..at], &inner[at + 1..]));
        }
    }
    None
}

fn in_parentheses(text: &str, screen: Screen, depth: usize) -> Option<bool> {
    let text = text.trim();
    if text.starts_with('(') || text.starts_with("not ") {
        return condition(text, screen, depth);
    }
    if let Some((name, value)) = text.split_once(':') {
        return feature(name.trim(), value.trim(), screen);
    }
    if text.contains(['<', '>', '=']) {
        return range(text, screen);
    }
    match text {
        "hover" | "pointer" | "any-hover" | "any-pointer" | "color" | "width" | "height" => {
            Some(true)
        }
        "monochrome" | "grid" => Some(false),
        _ => None,
    }
}

fn feature(name: &str, value: &str, screen: Screen) -> Option<bool> {
    let (bound, plain) = match name
        .strip_prefix("min-")
        .or_else(|| name.strip_prefix("-webkit-min-"))
    {
        Some(plain) => (Some(true), plain),
        None => match name
            .strip_prefix("max-")
            .or_else(|| name.strip_prefix("-webkit-max-"))
        {
            Some(plain) => (Some(false), plain),
            None => (None, name),
        },
    };
    if let Some(actual) = quantity(plain, screen) {
        let wanted = number(plain, value)?;
        return Some(match bound {
            Some(true) => actual >= wanted,
            Some(false) => actual <= wanted,
            None => (actual - wanted).abs() < f64::EPSILON,
        });
    }
    let words = |expected: &str| Some(value == expected);
    match name {
        "orientation" if screen.width > screen.height => words("landscape"),
        "orientation" => words("portrait"),
        "prefers-color-scheme" if screen.dark => words("dark"),
        "prefers-color-scheme" => words("light"),
        "prefers-reduced-motion"
        | "prefers-reduced-data"
        | "prefers-contrast"
        | "prefers-reduced-transparency" => words("no-preference"),
        "hover" | "any-hover" => words("hover"),
        "pointer" | "any-pointer" => words("fine"),
        "forced-colors" | "inverted-colors" => words("none"),
        "display-mode" => words("browser"),
        "scripting" => words("enabled"),
        "update" => words("fast"),
        _ => None,
    }
}

/// `width >= 600px`, `400px < width <= 600px`.
fn range(text: &str, screen: Screen) -> Option<bool> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '=']) {
        let length = 1 + usize::from(rest[at + 1..].starts_with('='));
        parts.push(rest[..at].trim());
        parts.push(&rest[at..at + length]);
        rest = &rest[at + length..];
    }
    parts.push(rest.trim());
    let name = parts
        .iter()
        .copied()
        .find(|part| quantity(part, screen).is_some())?;
    let value = |part: &str| match quantity(part, screen) {
        Some(actual) => Some(actual),
        None => number(name, part),
    };
    let compare = |left: &str, operator: &str, right: &str| {
        let (left, right) = (value(left)?, value(right)?);
        Some(match operator {
            "<" => left < right,
            "<=" => left <= right,
            ">" => left > right,
            ">=" => left >= right,
            _ => (left - right).abs() < f64::EPSILON,
        })
    };
    match parts[..] {
        [left, operator, right] => compare(left, operator, right),
        [left, first, middle, second, right] => {
            Some(compare(left, first, middle)? && compare(middle, second, right)?)
        }
        _ => None,
    }
}

/// What this screen has of a feature that is a number.
fn quantity(name: &str, screen: Screen) -> Option<f64> {
    let (width, height) = (f64::from(screen.width), f64::from(screen.height));
    Some(match name {
        "width" | "device-width" => width,
        "height" | "device-height" => height,
        "aspect-ratio" | "device-aspect-ratio" => width / height.max(1.0),
        "resolution" | "device-pixel-ratio" => screen.density,
        "color" => 8.0,
        "monochrome" => 0.0,
        _ => return None,
    })
}

fn number(name: &str, value: &str) -> Option<f64> {
    match name {
        "aspect-ratio" | "device-aspect-ratio" => match value.split_once('/') {
            Some((width, height)) => {
                let height: f64 = height.trim().parse().ok()?;
                Some(width.trim().parse::<f64>().ok()? / height.max(f64::EPSILON))
            }
            None => value.parse().ok(),
        },
        "resolution" => resolution(value),
        "device-pixel-ratio" | "color" | "monochrome" => value.parse().ok(),
        _ => length(value, None),
    }
}

/// `2x`, `2dppx`, `192dpi` as device pixels for each CSS pixel.
pub(super) fn resolution(value: &str) -> Option<f64> {
    let value = value.trim();
    let per = |unit: &str, each: f64| {
        let number: f64 = value.strip_suffix(unit)?.trim().parse().ok()?;
        Some(number / each)
    };
    per("dppx", 1.0)
        .or_else(|| per("dpi", 96.0))
        .or_else(|| per("dpcm", 96.0 / 2.54))
        .or_else(|| per("x", 1.0))
}

/// A length in CSS pixels; `screen` for those that depend on it.
pub(super) fn length(value: &str, screen: Option<Screen>) -> Option<f64> {
    let value = value.trim();
    if value == "0" {
        return Some(0.0);
    }
    let split = value.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')))?;
    let (number, unit) = value.split_at(split);
    let number: f64 = number.parse().ok()?;
    let of = |side: fn(Screen) -> u32| screen.map(|screen| f64::from(side(screen)) / 100.0);
    let each = match &*unit.to_ascii_lowercase() {
        "px" => 1.0,
        "em" | "rem" => 16.0,
        "pt" => 96.0 / 72.0,
        "pc" => 16.0,
        "in" => 96.0,
        "cm" => 96.0 / 2.54,
        "mm" => 96.0 / 25.4,
        "vw" | "svw" | "lvw" | "dvw" => of(|screen| screen.width)?,
        "vh" | "svh" | "lvh" | "dvh" => of(|screen| screen.height)?,
        _ => return None,
    };
    Some(number * each)
}

/// The parts of `text` between separators that stand in no parentheses.
pub(super) fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |c: char| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == separator && depth == 0
    })
}

/// Conditions within each other; people write two.
const DEPTH_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(list: &str, expected: bool) {
        assert_eq!(holds(list, Screen::default()), expected, "{list}");
    }

    #[test]
    fn the_kind_of_medium_and_each_bound_decide() {
        check("", true);
        check("all", true);
        check("screen", true);
        check("print", false);
        check("only screen", true);
        check("not print", true);
        check("not all", false);
        check("print, screen", true);
        check("(min-width: 1280px)", true);
        check("(min-width: 1281px)", false);
        check("(max-width:80em)", true);
        check("screen and (max-width: 79em)", false);
        check("(orientation: landscape) and (min-height: 800px)", true);
        check("(prefers-color-scheme: dark)", false);
        check("(min-resolution: 2dppx)", false);
        check("(-webkit-min-device-pixel-ratio: 1)", true);
    }

    #[test]
    fn ranges_and_words_between_conditions_are_read() {
        check("(width >= 1280px)", true);
        check("(width > 1280px)", false);
        check("(600px < width <= 1280px)", true);
        check("(600px<width<1280px)", false);
        check("(hover) and (not (width < 600px))", true);
        check("(print) or (width = 1280px)", true);
        check("not (min-width: 1px)", false);
        check("((min-width: 1px) and (max-width: 2px)) or (color)", true);
    }

    #[test]
    fn what_is_not_known_does_not_hold_and_neither_does_its_opposite() {
        check("(min-moon: 3px)", false);
        check("not (min-moon: 3px)", false);
        check("screen and", false);
        check("(", false);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in any::<String>(),
            parts in prop::collection::vec(
                prop::sample::select(vec!["(", ")", "not ", "and ", "or", "width", "<", "=", ":", "3px", ",", "min-", "é", " "]),
                0..20,
            ),
        ) {
            holds(&text, Screen::default());
            holds(&parts.concat(), Screen::default());
        }
    }
}
