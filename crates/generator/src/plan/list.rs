//! A worker of the site's own, into which the list of files is put.
//!
//! As Workbox's `injectManifest` has it: the script names the place by `self.__WB_MANIFEST`, or by our word for it, and
//! gets an array of `{url, revision, integrity}`. What it does with it is its own business.

use std::collections::HashMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use revisit_rules::site::names::Promise;
use serde_json::{Value, json};

use super::Planner;
use crate::config::VerifyPages;
use crate::content_hash::{Sha256, sha256, short};
use crate::extra::{Extra, Revision};
use crate::memory::PageFacts;
use crate::select::{Group, Selection};
use crate::{BuildError, runtime};

/// A worker with a place for the list.
pub(super) struct OwnWorker<'t> {
    before: &'t str,
    after: &'t str,
}

/// The same with the list in its place.
pub(super) struct Listed {
    pub(super) worker: String,
    /// The hash of the list.
    pub(super) build: String,
}

impl<'t> OwnWorker<'t> {
    /// `None` for code that has no place for a list: it goes before ours.
    ///
    /// # Errors
    /// More than one place, or code that counts on Workbox and has none.
    pub(super) fn of(path: &Path, text: &'t str) -> Result<Option<Self>, BuildError> {
        let refuse = |why: String| {
            let path = path.to_owned();
            Err(BuildError::OwnWorker { path, why })
        };
        let mut places: Vec<(usize, &str)> = PLACES
            .iter()
            .flat_map(|word| text.match_indices(word))
            .filter(|(at, word)| {
                let next = text[at + word.len()..].chars().next();
                !next.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$')
            })
            .collect();
        places.sort_unstable();
        match places[..] {
            [] => match WORKBOX.iter().find(|word| text.contains(**word)) {
                Some(word) => refuse(format!(
                    "it uses Workbox (`{word}`) and has no place for the list of files"
                )),
                None => Ok(None),
            },
            [(at, word)] => Ok(Some(Self {
                before: &text[..at],
                after: &text[at + word.len()..],
            })),
            _ => {
                let lines: Vec<String> = places
                    .iter()
                    .map(|(at, _)| (text[..*at].matches('\n').count() + 1).to_string())
                    .collect();
                refuse(format!(
                    "the list of files has more than one place in it, in lines {}",
                    lines.join(", ")
                ))
            }
        }
    }

    pub(super) fn with(&self, list: &Value) -> Listed {
        let list = list.to_string();
        Listed {
            build: short(&sha256(list.as_bytes())),
            worker: runtime::marked(&format!("{}{list}{}", self.before, self.after)),
        }
    }
}

impl Planner<'_> {
    /// Refuses what only our worker does.
    pub(super) fn not_for_own_worker(&self, key: &'static str) -> BuildError {
        BuildError::NotForOwnWorker {
            key,
            path: self.config.worker.extend.clone().unwrap_or_default(),
        }
    }

    /// What is kept ahead of time, as Workbox lists it: URLs relative to the worker, with a revision unless the name
    /// carries one, and with the hash of the bytes, which `fetch` takes as `integrity`.
    pub(super) fn list(
        &self,
        selection: &Selection,
        pages: &HashMap<String, PageFacts>,
        hashes: &HashMap<&str, Sha256>,
        extras: &[Extra],
        client: Option<&str>,
    ) -> Value {
        let kept = |group: &Group| *group != Group::Lazy;
        let by_marker = self.config.site.verify_pages == VerifyPages::Marker;
        let files = selection.chosen.iter().filter(|(_, group)| kept(group));
        let mut list: Vec<Value> = files
            .filter_map(|(path, _)| {
                let hash = hashes.get(&**path)?;
                let promised = self.parsed.names.promise(path) == Promise::ContentHash;
                let mut entry = json!({
                    "url": encoded(path),
                    "revision": (!promised).then(|| short(hash)),
                });
                // who rewrites pages would break them
                if !(by_marker && pages.contains_key(path)) {
                    entry["integrity"] = json!(format!("sha256-{}", STANDARD.encode(hash)));
                }
                Some(entry)
            })
            .collect();
        list.extend(client.map(|path| json!({ "url": path, "revision": null })));
        let each = short(&sha256(Value::from(list.clone()).to_string().as_bytes()));
        list.extend(extras.iter().filter(|it| kept(&it.group)).map(|extra| {
            let revision = match &extra.revision {
                Revision::Given(revision) => revision,
                Revision::EachBuild => &each,
            };
            json!({ "url": encoded(&extra.path), "revision": revision })
        }));
        Value::from(list)
    }
}

/// The path with each of its names as URLs write them; unlike a page's address it ends in `index.html`.
fn encoded(path: &str) -> String {
    let name = |name: &str| {
        percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
            .replace("%2D", "-")
            .replace("%2E", ".")
            .replace("%5F", "_")
            .replace("%7E", "~")
    };
    path.split('/').map(name).collect::<Vec<_>>().join("/")
}

const PLACES: [&str; 2] = ["self.__WB_MANIFEST", "self.__REVISIT_MANIFEST"];

/// How code shows that it counts on Workbox.
const WORKBOX: [&str; 6] = [
    "workbox-sw.js",
    "workbox.precaching",
    "precacheAndRoute(",
    "from 'workbox-",
    "from \"workbox-",
    "require('workbox-",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<Option<(&str, &str)>, &str>) {
        match (OwnWorker::of(Path::new("own.js"), text), expected) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(found.map(|it| (it.before, it.after)), expected, "{text}");
            }
            (Err(error), Err(word)) => assert!(error.to_string().contains(word), "{error}"),
            (found, _) => panic!("{text}: {:?}", found.err()),
        }
    }

    #[test]
    fn the_list_has_one_place() {
        check("f(self.__WB_MANIFEST)", Ok(Some(("f(", ")"))));
        check("self.__REVISIT_MANIFEST", Ok(Some(("", ""))));
        check("addEventListener('push', f)", Ok(None));
        check("self.__WB_MANIFEST_OF_MINE", Ok(None));
        check(
            "self.__WB_MANIFEST\n\nself.__REVISIT_MANIFEST",
            Err("lines 1, 3"),
        );
        check(
            "importScripts('/workbox-sw.js')",
            Err("no place for the list"),
        );
    }

    #[test]
    fn a_path_is_written_as_a_url_has_it() {
        assert_eq!(encoded("a-b/é c.html"), "a-b/%C3%A9%20c.html");
    }
}
