//! What the owner of a site should look at.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;

use crate::Warning;
use crate::address::{Addresses, Target};
use crate::client_tag::Tag;
use crate::content_hash::Sha256;
use crate::memory::PageFacts;
use crate::select::Selection;
use crate::shell::Shell;
use crate::walk::Walk;

/// Does a policy keep this tag from running? Only the plain cases are told. Several policies, one behind the
/// other with commas, must all allow it.
pub(super) fn forbids_tag(policy: &str, tag: &Tag) -> bool {
    policy.split(',').any(|policy| {
        let directive = |wanted: &str| {
            policy.split(';').map(str::trim).find_map(|directive| {
                let (name, sources) = directive.split_at_checked(wanted.len())?;
                let ends =
                    sources.is_empty() || sources.starts_with(|c: char| c.is_ascii_whitespace());
                (ends && name.eq_ignore_ascii_case(wanted)).then_some(sources)
            })
        };
        directive("script-src-elem")
            .or_else(|| directive("script-src"))
            .or_else(|| directive("default-src"))
            .is_some_and(|sources| !allows(sources, tag))
    })
}

/// Content Security Policy 3, "does element match source list for type and source?" for a script in the page.
fn allows(sources: &str, tag: &Tag) -> bool {
    let mut sources = sources.split_whitespace();
    match tag {
        Tag::Client(_) => sources.any(|source| {
            source == "'self'" || source == "*" || source.contains("//") || source.ends_with(':')
        }),
        Tag::Shim { sha256, .. } => {
            let ours = csp_hash(sha256);
            let sources: Vec<&str> = sources.collect();
            let names = |start: &str| {
                let mut all = sources.iter();
                all.any(|source| {
                    source
                        .get(..start.len())
                        .is_some_and(|s| s.eq_ignore_ascii_case(start))
                })
            };
            // "If the list contains a nonce or a hash, 'unsafe-inline' is ignored"
            let strict = [
                "'nonce-",
                "'sha256-",
                "'sha384-",
                "'sha512-",
                "'strict-dynamic'",
            ];
            sources.contains(&&*ours)
                || names("'unsafe-inline'") && !strict.iter().any(|it| names(it))
        }
    }
}

/// A script as a policy names it.
pub(super) fn csp_hash(sha256: &Sha256) -> String {
    let base64 = base64::engine::general_purpose::STANDARD;
    format!("'sha256-{}'", base64.encode(sha256))
}

/// What the heads of pages outside the shell load and is not there, once for all pages that do.
///
/// Only heads: to parse all of a page of 19 kB costs fifty times as much.
pub(super) fn missing(
    pages: &HashMap<String, PageFacts>,
    shell: &Shell,
    addresses: &Addresses<'_>,
) -> Vec<Warning> {
    // Most pages of a folder load the same: each URL is resolved there once.
    let mut seen = HashMap::new();
    let mut found: BTreeMap<(&str, Option<String>), Vec<&str>> = BTreeMap::new();
    for (page, facts) in pages.iter().filter(|it| !shell.files.contains_key(it.0)) {
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        let base = facts.head.base.as_deref();
        for reference in &facts.head.list {
            let url = &*reference.url;
            let target = seen.entry((folder, base, url)).or_insert_with(|| {
                let from = addresses.of(page, base)?;
                addresses.resolve(&from, url)
            });
            if let Some(Target::Missing { near }) = target {
                found.entry((url, near.clone())).or_default().push(page);
            }
        }
    }
    found
        .into_iter()
        .filter_map(|((url, near), mut by)| {
            by.sort_unstable();
            by.dedup();
            Some(Warning::Missing {
                url: url.to_owned(),
                by: (*by.first()?).to_owned(),
                near,
                others: by.len() - 1,
            })
        })
        .collect()
}

pub(super) fn warnings(
    walk: &Walk,
    shell: &Shell,
    selection: &Selection,
    pages: &HashMap<String, PageFacts>,
    others: Vec<Warning>,
) -> Vec<Warning> {
    let forbidden = pages
        .iter()
        .filter(|(_, facts)| facts.tag_forbidden)
        .map(|(file, _)| Warning::PolicyForbidsTag { file: file.clone() });
    let mut all: Vec<Warning> = walk
        .warnings
        .iter()
        .chain(&shell.warnings)
        .chain(&selection.warnings)
        .cloned()
        .chain(forbidden)
        .chain(others)
        .collect();
    all.sort();
    all
}
