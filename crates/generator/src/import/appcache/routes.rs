//! `FALLBACK:` and `NETWORK:` as routes: prefixes of the network first, then fallbacks, the longest first.

use percent_encoding::percent_decode_str;
use revisit_rules::appcache::{Fallback, Mode, Section};
use url::Url;

use super::places::Prefixes;
use super::site::file_of;
use super::{Import, is_own, shown};
use crate::import::draft::{Item, Toml};

impl Import<'_> {
    pub(super) fn routes(&mut self) {
        let mut prefixes: Vec<&Url> = self.manifest.network.iter().collect();
        prefixes.sort_by_key(|url| url.as_str().len());
        let mut taken = Prefixes::default();
        for url in prefixes {
            if self.prefix(url, &taken) {
                taken.add(url.as_str().to_owned());
            }
        }
        let mut fallbacks: Vec<&Fallback> = self.manifest.fallback.iter().collect();
        fallbacks.sort_by_key(|it| std::cmp::Reverse(it.namespace.as_str().len()));
        for fallback in fallbacks {
            self.fallback(fallback, &taken);
        }
        if self.manifest.mode == Mode::PreferOnline {
            self.pages_from_the_network();
        }
    }

    /// A prefix under `NETWORK:`. Whether it became a route.
    fn prefix(&mut self, url: &Url, taken: &Prefixes) -> bool {
        let line = self.line(Section::Network, url);
        let option = format!("NETWORK {}", shown(url));
        if !is_own(url) {
            let why =
                "what is of another origin comes from the network unless a route says otherwise";
            self.draft.needless_at(&option, line, why);
        } else if url.query().is_some() {
            self.draft.lost_at(&option, line, QUERY);
        } else if taken.cover(url.as_str()) {
            self.draft
                .needless_at(&option, line, "a shorter prefix has it");
        } else {
            let to = "[[route]] network-only";
            match self.route(url, true, "network-only", None) {
                Ok(()) => {
                    self.draft.mapped_at(&option, line, to, None);
                    return true;
                }
                Err(why) => self.draft.lost_at(&option, line, why),
            }
        }
        false
    }

    fn fallback(&mut self, fallback: &Fallback, prefixes: &Prefixes) {
        let Fallback { namespace, target } = fallback;
        let line = self.line(Section::Fallback, namespace);
        let option = format!("FALLBACK {} {}", shown(namespace), shown(target));
        let file = file_of(target);
        if prefixes.cover(namespace.as_str()) {
            self.draft
                .needless_at(&option, line, "a prefix under `NETWORK:` wins over it");
        } else if namespace.query().is_some() || target.query().is_some_and(|it| !it.is_empty()) {
            self.draft.lost_at(&option, line, QUERY);
        } else if self.is_missing(&file) {
            let why = "its target is no file of the site, and an update would have ended on it";
            self.draft.lost_at(&option, line, why);
        } else {
            let to = "[[route]] network-first, fallback";
            let note = "when nobody answers, or with a status from 400 on; what was visited is kept for when nobody does";
            match self.route(namespace, true, "network-first", Some(&file)) {
                Ok(()) => {
                    self.draft.mapped_at(&option, line, to, Some(note));
                    self.keep(file);
                }
                Err(why) => self.draft.lost_at(&option, line, why),
            }
        }
    }

    /// `prefer-online`: a precached file answers before any route, so that pages are not precached.
    fn pages_from_the_network(&mut self) {
        if self.places.cover_all_of_the_site() {
            let why = "a route before it asks the network for all pages";
            self.draft.needless_at("SETTINGS prefer-online", 0, why);
            return;
        }
        let note = "pages are kept when they are visited; the entry page and targets of fallbacks stay precached, and answer first";
        self.draft.mapped_at(
            "SETTINGS prefer-online",
            0,
            "[[route]] network-first of pages",
            Some(note),
        );
        let mut item = Item::default();
        item.set("destination", Toml::Texts(vec!["document".into()]));
        item.set("strategy", Toml::Text("network-first".into()));
        item.set("max_entries", Toml::Number(PAGES_MAX));
        self.draft.routes.push(item);
    }

    /// A route for a URL, or for all that begin with it.
    ///
    /// # Errors
    /// Why there can be none.
    pub(super) fn route(
        &mut self,
        url: &Url,
        is_prefix: bool,
        strategy: &str,
        fallback: Option<&str>,
    ) -> Result<(), &'static str> {
        let path = percent_decode_str(url.path())
            .decode_utf8_lossy()
            .into_owned();
        if literal(&path) != path {
            return Err("a pattern cannot name one of its characters");
        }
        let origin = url.origin().ascii_serialization();
        let place = format!("{origin}{path}");
        if self.places.cover(&place) {
            return Err("a route before it has all of its paths");
        }
        let rest = if is_prefix { "**" } else { "" };
        let mut item = Item::default();
        item.set("path", Toml::Text(format!("{path}{rest}")));
        if !is_own(url) {
            item.set("origin", Toml::Text(origin));
        }
        item.set("strategy", Toml::Text(strategy.into()));
        if let Some(file) = fallback {
            item.set("fallback", Toml::Text(file.to_owned()));
            item.set("fallback_on", Toml::Text("failure".into()));
        }
        if strategy == "network-first" {
            item.set("max_entries", Toml::Number(PAGES_MAX));
        }
        self.draft.routes.push(item);
        self.places.add(place, is_prefix);
        Ok(())
    }
}

/// A pattern that means one path; what would mean more in it becomes `?`, any one character.
pub(super) fn literal(path: &str) -> String {
    path.chars()
        .map(|char| match char {
            '*' | '{' | '}' | '[' | ']' | '\\' | '!' | ':' | '?' | '(' | ')' | '+' => '?',
            char if char.is_control() => '?',
            char => char,
        })
        .collect()
}

const QUERY: &str = "a route looks at no query";

/// Most entries of what a route keeps of pages.
const PAGES_MAX: u64 = 50;
