//! `_headers`: which header fields does a site give to which of its files?
//!
//! Reading never fails: a line that the host passes over is named with the reason. The syntax is
//! that of <https://docs.netlify.com/manage/routing/headers/> and
//! <https://developers.cloudflare.com/pages/configuration/headers/>; where those are silent, that of
//! the vendors' own parsers (`netlify/build`: `packages/headers-parser`; `cloudflare/workers-sdk`:
//! `packages/workers-shared/utils/configuration`).

use super::rule_path::RulePath;
use super::{Host, Ignored, decoded};
use crate::http::directives::ResponseDirectives;

/// The rules of a `_headers` file, as one host reads them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderRules {
    host: Host,
    rules: Vec<HeaderRule>,
    /// What the host passes over.
    pub ignored: Vec<Ignored>,
}

/// One path and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRule {
    /// Line of its path, from 1.
    pub line: usize,
    /// The path as written.
    pub written: String,
    path: RulePath,
    set: Vec<(String, String)>,
    unset: Vec<String>,
}

/// What the rules say of the lifetime of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheControl {
    /// Line of the last rule that says so.
    pub line: usize,
    /// The value; empty if the field is taken away.
    pub value: String,
    /// Under every host name, or under one only.
    pub everywhere: bool,
}

/// Why nobody can tell from the rules alone what is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsure {
    /// A rule holds for one host name only.
    OneNameOnly {
        /// Its line.
        line: usize,
    },
    /// A value quotes a part of the path.
    Quotes {
        /// Line of the rule.
        line: usize,
    },
    /// Two rules set one field, and the vendor does not say which wins.
    TwoRules {
        /// The field.
        name: String,
        /// Line of the second rule.
        line: usize,
    },
}

impl std::fmt::Display for Unsure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OneNameOnly { line } => {
                write!(
                    f,
                    "the rule at line {line} of `_headers` holds for one host name only"
                )
            }
            Self::Quotes { line } => write!(
                f,
                "a value of the rule at line {line} of `_headers` quotes a part of the path"
            ),
            Self::TwoRules { name, line } => write!(
                f,
                "the rule at line {line} of `_headers` sets `{name}` a second time, and Netlify does not say which wins"
            ),
        }
    }
}

impl HeaderRules {
    /// Reads the text of a `_headers` file.
    pub fn parse(text: &str, host: Host) -> Self {
        let mut reader = Reader {
            rules: Self {
                host,
                ..Self::default()
            },
            open: None,
        };
        for (index, line) in text.split('\n').enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                reader.line(index + 1, line);
            }
        }
        reader.close();
        reader.rules
    }

    /// How many rules count against the host's limit.
    pub fn count(&self) -> usize {
        self.rules.len()
    }

    /// Is there a rule whose path is written so? On Cloudflare Pages a second one takes its place.
    pub fn has_path(&self, written: &str) -> bool {
        self.rules.iter().any(|rule| rule.written == written)
    }

    /// The fields of the answer for `path` (with a leading slash): `defaults`, which the host sends
    /// of itself, and what the rules make of them.
    ///
    /// Cloudflare Pages: rules override what is sent by default; "if a header is applied twice …
    /// the values are joined with a comma separator"; `! Name` takes away what stands so far.
    ///
    /// # Errors
    /// [`Unsure`] if the rules alone do not tell.
    pub fn apply(
        &self,
        path: &str,
        defaults: &[(&str, &str)],
    ) -> Result<Vec<(String, String)>, Unsure> {
        let mut fields: Vec<(String, String)> = defaults
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut set_by_rule: Vec<String> = Vec::new();
        for rule in self.matching(path) {
            let line = rule.line;
            if rule.path.one_name_only {
                return Err(Unsure::OneNameOnly { line });
            }
            for name in &rule.unset {
                fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            }
            for (name, value) in &rule.set {
                if self.host == Host::CloudflarePages && rule.quotes(value) {
                    return Err(Unsure::Quotes { line });
                }
                let again = set_by_rule
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(name));
                let known = fields
                    .iter_mut()
                    .find(|(known, _)| known.eq_ignore_ascii_case(name));
                match known {
                    Some((_, known)) if again && self.host == Host::CloudflarePages => {
                        known.push_str(", ");
                        known.push_str(value);
                    }
                    Some((_, known)) if again && known != value => {
                        return Err(Unsure::TwoRules {
                            name: name.clone(),
                            line,
                        });
                    }
                    Some((_, known)) => known.clone_from(value),
                    None => fields.push((name.clone(), value.clone())),
                }
                set_by_rule.push(name.clone());
            }
        }
        Ok(fields)
    }

    /// What the rules say of the lifetime of the file at `path`; nothing if none speaks of it.
    pub fn cache_control(&self, path: &str) -> Option<CacheControl> {
        let mut said: Option<CacheControl> = None;
        for rule in self.matching(path) {
            let taken = rule.unset.iter().any(|name| is_cache_control(name));
            let set = rule.set.iter().find(|(name, _)| is_cache_control(name));
            if !taken && set.is_none() {
                continue;
            }
            let earlier = said.take().filter(|_| !taken);
            let mut value = earlier
                .as_ref()
                .map_or(String::new(), |said| said.value.clone());
            if let Some((_, more)) = set {
                if !value.is_empty() {
                    value.push_str(", ");
                }
                value.push_str(more);
            }
            said = Some(CacheControl {
                line: rule.line,
                value,
                everywhere: !rule.path.one_name_only
                    && earlier.is_none_or(|earlier| earlier.everywhere),
            });
        }
        said
    }

    fn matching(&self, path: &str) -> impl Iterator<Item = &HeaderRule> {
        let path = decoded(path).into_owned();
        self.rules
            .iter()
            .filter(move |rule| rule.path.matches(&path))
    }
}

impl CacheControl {
    /// The value, taken apart.
    pub fn directives(&self) -> ResponseDirectives {
        ResponseDirectives::parse(&self.value)
    }
}

impl HeaderRule {
    fn quotes(&self, value: &str) -> bool {
        self.path
            .names
            .iter()
            .any(|name| value.contains(&format!(":{name}")))
    }
}

/// The rules so far, and the one whose fields are being read.
struct Reader {
    rules: HeaderRules,
    open: Option<HeaderRule>,
}

impl Reader {
    fn line(&mut self, line: usize, text: &str) {
        let cloudflare = self.rules.host == Host::CloudflarePages;
        // "Each line in the `_headers` file has a 2,000 character limit."
        if cloudflare && text.chars().count() > CLOUDFLARE_LINE_CHARS_MAX {
            return self.ignore(line, "it has more than 2,000 characters");
        }
        let is_url = text
            .split_once("://")
            .is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains(char::is_whitespace));
        if text.starts_with('/') || (cloudflare && is_url) {
            self.close();
            match RulePath::new(text, self.rules.host) {
                Ok(path) => {
                    self.open = Some(HeaderRule {
                        line,
                        written: text.to_owned(),
                        path,
                        set: Vec::new(),
                        unset: Vec::new(),
                    });
                }
                Err(why) => self.ignore(line, why),
            }
            return;
        }
        let Some(rule) = &mut self.open else {
            return self.ignore(line, "no path that counts stands before it");
        };
        let Some((name, value)) = text.split_once(':') else {
            match text.strip_prefix("! ").filter(|_| cloudflare) {
                Some(name) => rule.unset.push(name.trim().to_owned()),
                None => self.ignore(line, "it is neither a path nor `Name: value`"),
            }
            return;
        };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || !name.bytes().all(is_token) {
            return self.ignore(line, "no header field has such a name");
        }
        if value.is_empty() || value.contains(|c: char| c.is_control() && c != '\t') {
            return self.ignore(line, "no header field has such a value");
        }
        if !cloudflare && NETLIFY_OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return self.ignore(line, "Netlify sets this field itself");
        }
        let known = rule
            .set
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        match known {
            Some((_, known)) => {
                known.push_str(", ");
                known.push_str(value);
            }
            None => rule.set.push((name.to_owned(), value.to_owned())),
        }
    }

    fn close(&mut self) {
        let Some(rule) = self.open.take() else { return };
        let HeaderRules { host, rules, .. } = &mut self.rules;
        let cloudflare = *host == Host::CloudflarePages;
        if rule.set.is_empty() && rule.unset.is_empty() {
            return self.ignore(rule.line, "it gives no header field");
        }
        // The parser keeps rules by their path.
        let same = rules
            .iter_mut()
            .find(|known| cloudflare && known.written == rule.written);
        if let Some(known) = same {
            let line = std::mem::replace(known, rule).line;
            return self.ignore(line, "a later rule has the same path, and takes its place");
        }
        if cloudflare && rules.len() >= CLOUDFLARE_RULES_MAX {
            return self.ignore(
                rule.line,
                "100 rules stand before it, and more are not read",
            );
        }
        rules.push(rule);
    }

    fn ignore(&mut self, line: usize, why: &'static str) {
        self.rules.ignored.push(Ignored { line, why });
    }
}

fn is_cache_control(name: &str) -> bool {
    name.eq_ignore_ascii_case("cache-control")
}

/// `tchar` of RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// "A project is limited to 100 header rules."
pub(super) const CLOUDFLARE_RULES_MAX: usize = 100;
const CLOUDFLARE_LINE_CHARS_MAX: usize = 2_000;

/// "Custom headers for these are typically ignored because Netlify's web servers need to set these
/// headers to work properly." `Basic-Auth` is a word to Netlify, and no field of the answer.
const NETLIFY_OWN: [&str; 15] = [
    "Accept-Ranges",
    "Age",
    "Allow",
    "Alt-Svc",
    "Basic-Auth",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Date",
    "Location",
    "Server",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];

#[cfg(test)]
mod tests;
