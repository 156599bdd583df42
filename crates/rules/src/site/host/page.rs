//! Which header fields does a page come with?
//!
//! A page that is kept without its own answer (in a pack) must get back every policy that it would
//! have had: that is possible only where the fields are known beforehand.

use super::super::media;
use super::{HeaderRules, Host};

/// The fields of a page's answer that matter to a stored copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageHeaders {
    /// All of them.
    Known(Vec<(String, String)>),
    /// Nobody can tell before the page is asked for; the reason.
    Unknown(String),
}

impl Host {
    /// The fields of the page `file`, asked for at `url_path` (below the root, without a leading
    /// slash), under these rules of `_headers`. What changes with every answer (`Date`, `ETag`) and
    /// what says nothing of a stored copy (`Server`, `Strict-Transport-Security`) is left out.
    pub fn page_headers(self, file: &str, url_path: &str, rules: &HeaderRules) -> PageHeaders {
        let content_type = media::content_type(file, true);
        let mut defaults = vec![("Content-Type", &*content_type)];
        match self {
            // "Headers always added" (Serving Pages).
            Self::CloudflarePages => defaults.extend([
                ("Access-Control-Allow-Origin", "*"),
                ("Referrer-Policy", "strict-origin-when-cross-origin"),
                ("X-Content-Type-Options", "nosniff"),
            ]),
            // "access-control-allow-origin: *" for all (github/pages-gem issue 415), and no more.
            Self::GithubPages => defaults.push(("Access-Control-Allow-Origin", "*")),
            Self::Netlify => {}
            Self::Plain => {
                return PageHeaders::Unknown("no host is named (`[site] host`)".into());
            }
            Self::Nginx => {
                return PageHeaders::Unknown("nginx has its own config, which is not read".into());
            }
        }
        if !self.reads_rule_files() {
            return PageHeaders::Known(owned(&defaults));
        }
        match rules.apply(&format!("/{url_path}"), &defaults) {
            Ok(fields) => PageHeaders::Known(fields),
            Err(unsure) => PageHeaders::Unknown(unsure.to_string()),
        }
    }

    /// Most rules that `_headers` may have, where the host says so.
    pub fn header_rules_max(self) -> Option<usize> {
        (self == Self::CloudflarePages).then_some(super::headers::CLOUDFLARE_RULES_MAX)
    }
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "/*\n  Content-Security-Policy: default-src 'self'\n/about*\n  X-A: 1\n/two\n  X-A: 1\n/t*\n  X-A: 2";

    /// `Name: value` of all known fields; none if they are not known.
    #[track_caller]
    fn check(host: Host, path: &str, expected: Option<&[&str]>) {
        let found = match host.page_headers("x.html", path, &HeaderRules::parse(RULES, host)) {
            PageHeaders::Known(fields) => Some(
                fields
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}"))
                    .collect::<Vec<_>>(),
            ),
            PageHeaders::Unknown(why) => {
                assert!(!why.is_empty());
                None
            }
        };
        let found = found
            .as_ref()
            .map(|list| list.iter().map(|s| &**s).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), expected, "{host} {path}");
    }

    const TYPE: &str = "Content-Type: text/html; charset=utf-8";
    const CSP: &str = "Content-Security-Policy: default-src 'self'";

    #[test]
    fn a_page_has_what_its_host_adds_and_what_the_rules_say() {
        check(Host::Netlify, "", Some(&[TYPE, CSP]));
        check(Host::Netlify, "about", Some(&[TYPE, CSP, "X-A: 1"]));
        let added = [
            TYPE,
            "Access-Control-Allow-Origin: *",
            "Referrer-Policy: strict-origin-when-cross-origin",
            "X-Content-Type-Options: nosniff",
            CSP,
        ];
        check(Host::CloudflarePages, "", Some(&added));
        check(
            Host::GithubPages,
            "",
            Some(&[TYPE, "Access-Control-Allow-Origin: *"]),
        );
    }

    #[test]
    fn what_cannot_be_told_is_unknown() {
        check(Host::Plain, "", None);
        check(Host::Nginx, "", None);
        check(Host::Netlify, "two", None);
    }
}
