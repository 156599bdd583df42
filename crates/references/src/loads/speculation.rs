//! Speculation rules: which pages may a browser fetch before somebody asks for them?
//!
//! Only rules that list URLs are read; those that say which links they mean need a visitor who points at one.

use serde_json::Value;
use url::Url;

use super::resolve;

/// A page that may be fetched ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speculated {
    /// The page.
    pub url: Url,
    /// Its own files too, and shown at once: `prerender` rather than `prefetch`.
    pub prerender: bool,
    /// What makes the browser do it.
    pub eagerness: Eagerness,
}

/// When a rule is acted upon; Chromium 156 on a desktop, measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eagerness {
    /// As soon as the rule is seen.
    Immediate,
    /// When a link is pointed at.
    Eager,
    /// When a link is pointed at for a moment.
    Moderate,
    /// When a link is pressed.
    Conservative,
}

/// The pages that the rules `text` name; broken JSON names none.
pub(super) fn speculations(text: &str, base: &Url) -> Vec<Speculated> {
    let rules: Value = serde_json::from_str(text).unwrap_or_default();
    let mut found = Vec::new();
    for (key, prerender) in [("prefetch", false), ("prerender", true)] {
        for rule in rules[key].as_array().into_iter().flatten() {
            // "If source is list": eager at once unless it says otherwise.
            let eagerness = match rule["eagerness"].as_str() {
                None | Some("immediate") => Eagerness::Immediate,
                Some("eager") => Eagerness::Eager,
                Some("moderate") => Eagerness::Moderate,
                Some("conservative") => Eagerness::Conservative,
                Some(_) => continue,
            };
            let urls = rule["urls"].as_array().into_iter().flatten();
            found.extend(
                urls.filter_map(Value::as_str)
                    .filter_map(|url| resolve(base, url))
                    .map(|url| Speculated {
                        url,
                        prerender,
                        eagerness,
                    }),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_pages_and_how_eagerly_they_are_fetched() {
        let base = Url::parse("http://a/b/").unwrap();
        let found = speculations(
            r#"{"prefetch":[{"urls":["c","/d"]},{"urls":["e"],"eagerness":"moderate"},{"where":{"href_matches":"/*"}}],
                "prerender":[{"source":"list","urls":["f"]},{"urls":["g"],"eagerness":"soon"}]}"#,
            &base,
        );
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.url.path(), it.prerender, it.eagerness))
            .collect();
        assert_eq!(
            found,
            [
                ("/b/c", false, Eagerness::Immediate),
                ("/d", false, Eagerness::Immediate),
                ("/b/e", false, Eagerness::Moderate),
                ("/b/f", true, Eagerness::Immediate),
            ]
        );
        for text in ["", "[]", "{\"prefetch\":[3,{\"urls\":3}]}"] {
            assert!(speculations(text, &base).is_empty());
        }
    }
}
