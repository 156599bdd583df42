//! What there is to find about application caches.

use std::collections::BTreeSet;

use revisit_rules::appcache::{ErrorReason, Event, Trouble};
use serde::Serialize;
use url::Url;

use super::{Findings, Kind};
use crate::play::Played;
use crate::{Exchange, Layer, Role};

/// Why the update of an application cache came to nothing, where its site can change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The manifest is refused.
    Manifest,
    /// What came is no manifest.
    Signature,
    /// A file of the list is refused.
    Resource,
    /// A file of the list says `no-store`.
    NoStore,
    /// Something was redirected.
    Redirect,
    /// The manifest changed while its files were fetched.
    Changed,
    /// It is more than one origin may keep: so many bytes.
    Quota(u64),
    /// The manifest lists more files than are allowed.
    Policy,
}

impl Cause {
    /// `None`: the site has no part in it.
    fn of(reason: ErrorReason, bytes_max: u64) -> Option<Self> {
        Some(match reason {
            ErrorReason::Manifest => Self::Manifest,
            ErrorReason::Signature => Self::Signature,
            ErrorReason::Resource => Self::Resource,
            ErrorReason::NoStore => Self::NoStore,
            ErrorReason::Redirect => Self::Redirect,
            ErrorReason::Changed => Self::Changed,
            ErrorReason::Quota => Self::Quota(bytes_max),
            ErrorReason::Policy => Self::Policy,
            ErrorReason::Page | ErrorReason::Abort => return None,
        })
    }

    /// What happens with `them`, which are `one` or several.
    pub(super) fn what(self, them: &str, one: bool) -> String {
        let end = if one { "ends" } else { "end" };
        let (them_all, they_are) = match one {
            true => ("it", "it is"),
            false => ("them", "they are"),
        };
        let why = match self {
            Self::Manifest => format!("the server refuses {them_all}"),
            Self::Signature => "what comes is no manifest".to_owned(),
            Self::Resource => {
                format!("the manifest lists {them_all}, and the server answers with an error")
            }
            Self::NoStore => format!("{they_are} listed, though sent with `no-store`"),
            Self::Redirect => format!("{they_are} redirected, which an update does not follow"),
            Self::Changed => "the manifest changed while its files were fetched".to_owned(),
            Self::Quota(bytes) => format!(
                "with it the origin would keep more than {} MiB",
                bytes >> 20
            ),
            Self::Policy => "more files are listed than are allowed".to_owned(),
        };
        format!("{them} {end} the update of the application cache in an error: {why}")
    }

    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Manifest => {
                "let the manifest come with status 200, also to visitors who are not logged in"
            }
            Self::Signature => {
                "begin the manifest with the line `CACHE MANIFEST`, and let no page for errors stand in for it"
            }
            Self::Resource => "deploy what the manifest lists, or take it out of the list",
            Self::NoStore => "leave `no-store` out, or list it under `NETWORK:`",
            Self::Redirect => "list the address that answers",
            Self::Changed => {
                "deploy files and manifest in one step: the update is tried again by itself some seconds later"
            }
            Self::Quota(_) => {
                "list less: what is large and seldom wanted can stand under `NETWORK:`"
            }
            Self::Policy => "list less files, and let pages that are visited join by themselves",
        }
    }
}

impl Findings {
    /// Looks at what a step had to do with application caches.
    pub(super) fn look_at_application_caches(&mut self, played: &Played) {
        let visit = &played.visit;
        let named = visit.manifests.iter().map(|(_, manifest)| manifest);
        self.manifests.extend(named.cloned());
        let updates = visit.exchanges.iter().filter_map(updating);
        self.manifests.extend(updates.map(|(_, it)| it.clone()));
        let Some(bytes_max) = played.application_cache_bytes_max else {
            for (page, _) in &visit.manifests {
                self.note_visit(Kind::ManifestIgnored, page.as_str());
            }
            return;
        };
        let mut found: BTreeSet<(Kind, Option<Cause>, &Url)> = BTreeSet::new();
        for event in &visit.events {
            match &event.event {
                Event::NoUpdate => match kept_manifest(played, &event.page) {
                    Some(manifest) => {
                        found.insert((Kind::ManifestKept, None, manifest));
                    }
                    None => {
                        let old = played.outdated.iter();
                        let old = old.filter(|url| from_application_cache(played, url));
                        let old = old.filter(|url| !self.taken_old.contains(url));
                        found.extend(old.map(|url| (Kind::ManifestUnchanged, None, url)));
                    }
                },
                Event::Error(trouble) if played.online => {
                    found.extend(failure(trouble, bytes_max));
                }
                _ => {}
            }
        }
        for (kind, cause, url) in found {
            self.note_visit_with(kind, cause, url.as_str());
        }
    }

    /// Looks for what was used though an earlier deploy made it.
    pub(super) fn look_at_outdated(&mut self, played: &Played) {
        for url in &played.outdated {
            // An application cache has all of a page out of one deploy, but for what its update took from the HTTP cache.
            let taken = played.visit.exchanges.iter().filter_map(updating);
            let is_taken = taken
                .into_iter()
                .any(|(one, _)| one.url == *url && one.asked.is_empty());
            if is_taken {
                self.taken_old.insert(url.clone());
            }
            let is_whole = from_application_cache(played, url) && !is_taken;
            if !is_whole && !self.manifests.contains(url) {
                self.note_visit(Kind::MixedDeploys, url.as_str());
            }
        }
    }
}

/// What an update asks for, and the manifest that it is about.
fn updating(one: &Exchange) -> Option<(&Exchange, &Url)> {
    match &one.application_cache {
        Some(Role::Update(manifest)) => Some((one, manifest)),
        _ => None,
    }
}

/// The manifest of this page, if its update kept the one of an earlier deploy, and asked nobody.
fn kept_manifest<'a>(played: &'a Played, page: &Url) -> Option<&'a Url> {
    let manifests = &played.visit.manifests;
    let own = manifests.iter().find(|(named_by, _)| named_by == page);
    let mut kept = played.manifests_kept.iter();
    kept.find(|manifest| own.is_none_or(|(_, own)| own == *manifest))
}

/// Servers that are down are no fault of the site, and a page that did not load is told as that.
fn failure(trouble: &Trouble, bytes_max: u64) -> Option<(Kind, Option<Cause>, &Url)> {
    let cause = Cause::of(trouble.reason, bytes_max)?;
    let down = trouble.status.is_none_or(|status| status.is_server_error());
    let is_gone = trouble
        .status
        .is_some_and(|status| matches!(status.as_u16(), 404 | 410));
    match cause {
        Cause::Manifest | Cause::Resource if down => None,
        Cause::Manifest if is_gone => Some((Kind::ManifestGone, None, &trouble.url)),
        _ => Some((Kind::UpdateFails, Some(cause), &trouble.url)),
    }
}

fn from_application_cache(played: &Played, url: &Url) -> bool {
    let mut exchanges = played.visit.exchanges.iter();
    exchanges.any(|one| {
        let is_fallback = matches!(&one.application_cache, Some(Role::Fallback(it)) if it == url);
        one.layer == Layer::ApplicationCache && (one.url == *url || is_fallback)
    })
}
