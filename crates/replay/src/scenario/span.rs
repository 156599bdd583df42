//! Spans of time as people write them: `30 days`, `1 hour 30 minutes`, `90s`.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl Span {
    /// Reads a span; an error says what is off.
    ///
    /// # Errors
    /// No number, no known unit, or longer than a thousand years.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut total: u64 = 0;
        let mut rest = text.trim();
        let off = || {
            format!(
                "`{text}` is no span of time: write `30 days`, `90 seconds` or `1 hour 30 minutes`"
            )
        };
        if rest.is_empty() {
            return Err(off());
        }
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(off)?;
            let number: u64 = rest[..end].parse().map_err(|_| off())?;
            let unit_text = rest[end..].trim_start();
            let unit_end = unit_text
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(unit_text.len());
            let unit = match unit_text[..unit_end].to_ascii_lowercase().as_str() {
                "s" | "second" | "seconds" => 1,
                "m" | "min" | "minute" | "minutes" => 60,
                "h" | "hour" | "hours" => 3600,
                "d" | "day" | "days" => 86_400,
                "w" | "week" | "weeks" => 7 * 86_400,
                "month" | "months" => 30 * 86_400,
                "y" | "year" | "years" => 365 * 86_400,
                _ => return Err(off()),
            };
            total = number
                .checked_mul(unit)
                .and_then(|span| total.checked_add(span))
                .filter(|total| *total <= SECONDS_MAX)
                .ok_or_else(|| format!("`{text}` is longer than a thousand years"))?;
            rest = unit_text[unit_end..].trim_start_matches([' ', ',']);
        }
        Ok(Self(Duration::from_secs(total)))
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.as_secs();
        for (unit, name) in [
            (86_400, "day"),
            (3600, "hour"),
            (60, "minute"),
            (1, "second"),
        ] {
            if seconds >= unit && (seconds.is_multiple_of(unit) || seconds >= 10 * unit) {
                let count = seconds / unit;
                return write!(f, "{count} {name}{}", if count == 1 { "" } else { "s" });
            }
        }
        write!(f, "{seconds} seconds")
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{} seconds", self.0.as_secs()))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A span of time: `30 days`, `90 seconds`, `1 hour 30 minutes`. A month has 30 days, a year 365.",
        })
    }
}

const SECONDS_MAX: u64 = 1000 * 365 * 86_400;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, seconds: Option<u64>) {
        assert_eq!(
            Span::parse(text).ok().map(|span| span.0.as_secs()),
            seconds,
            "{text}"
        );
    }

    #[test]
    fn a_span_is_a_number_and_a_unit_or_several() {
        check("30 days", Some(2_592_000));
        check("1 hour 30 minutes", Some(5400));
        check("90s", Some(90));
        check("1 month, 1 day", Some(31 * 86_400));
        check("0 seconds", Some(0));
        check("1000 years", Some(SECONDS_MAX));
        for text in [
            "",
            "soon",
            "30",
            "days",
            "3 moons",
            "-1 day",
            "1.5 hours",
            "1001 years",
            "99999999999999999999 s",
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_written_is_read(text in any::<String>(), seconds in 0..SECONDS_MAX) {
            let _ = Span::parse(&text);
            let written = serde_json::to_value(Span(Duration::from_secs(seconds))).unwrap();
            prop_assert_eq!(Span::parse(written.as_str().unwrap()).unwrap().0.as_secs(), seconds);
        }
    }
}
