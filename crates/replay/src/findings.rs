//! Findings: what of all that happened would the site's author rather not have, and what would change it?
//!
//! In order of harm: what does not load; what visitors see that is out of date; what is fetched for nothing. Each says
//! how often it happened in these visits and what it cost, so that a finding can be weighed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use http::{HeaderMap, Method};
use serde::Serialize;
use url::{Position, Url};

use crate::play::Played;
use crate::site::site;
use crate::{Destination, Layer, Reason, Role, Trouble};

mod applications;
mod judge;
mod words;

pub use applications::Cause;
use judge::judge;

/// Something that its author may want to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which kind it is; also the order of harm.
    pub kind: Kind,
    /// Of an update that fails: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// How harmful.
    pub harm: Harm,
    /// What happens.
    pub what: String,
    /// What would change it.
    pub remedy: String,
    /// To what it happens, in the order of their URLs.
    pub urls: Vec<String>,
    /// In how many of the visits.
    pub visits: usize,
    /// Requests that it cost.
    pub requests: usize,
    /// Bytes on the wire that it cost.
    pub network_bytes: u64,
}

/// How harmful a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// Something does not work.
    Breaks,
    /// Visitors see what is out of date.
    OutOfDate,
    /// Bytes or requests for nothing.
    Waste,
    /// Nothing yet, but it is left to chance.
    Chance,
}

/// The kinds of findings, the most harmful first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Redirects without an end.
    RedirectLoop,
    /// It does not load, though there is a network.
    DoesNotLoad,
    /// The manifest of a page's application cache lists it nowhere, so that it does not load.
    ListedNowhere,
    /// The update of an application cache comes to nothing.
    UpdateFails,
    /// Without a network there is no page.
    OfflineFails,
    /// A page counts on an application cache, which today's browsers do not have.
    ManifestIgnored,
    /// The manifest of an application cache changed with a deploy, and a lifetime keeps updates from seeing it.
    ManifestKept,
    /// Files changed with a deploy, and the manifest of their application cache did not.
    ManifestUnchanged,
    /// A page and files of two deploys together.
    MixedDeploys,
    /// A page that is kept for long without asking.
    PageKeptLong,
    /// A file without a hash in its name that is kept for long: its next version is not seen.
    FileKeptLong,
    /// `no-store` on a page.
    PageNotStored,
    /// `no-store` on a file.
    FileNotStored,
    /// Nothing says whether it changed, so it is fetched whole.
    NoValidator,
    /// A hashed name that is asked for again.
    HashedShort,
    /// A file that is asked for at every visit.
    AskedEachVisit,
    /// Pages name a manifest that is not there.
    ManifestGone,
    /// A redirect before a page.
    Redirected,
    /// A lifetime that browsers guess.
    Guessed,
}

impl Kind {
    fn harm(self) -> Harm {
        match self {
            Self::RedirectLoop
            | Self::DoesNotLoad
            | Self::ListedNowhere
            | Self::UpdateFails
            | Self::OfflineFails
            | Self::ManifestIgnored => Harm::Breaks,
            Self::ManifestKept
            | Self::ManifestUnchanged
            | Self::MixedDeploys
            | Self::PageKeptLong
            | Self::FileKeptLong => Harm::OutOfDate,
            Self::PageNotStored
            | Self::FileNotStored
            | Self::NoValidator
            | Self::HashedShort
            | Self::AskedEachVisit
            | Self::ManifestGone
            | Self::Redirected => Harm::Waste,
            Self::Guessed => Harm::Chance,
        }
    }
}

/// What one URL was seen to do.
#[derive(Default)]
struct Seen {
    destination: Option<Destination>,
    /// Fields of the last whole answer of the network.
    headers: Option<HeaderMap>,
    first: bool,
    /// Visits after the first in which it was asked for without being told to.
    again: Cost,
    whole_again: Cost,
    redirects: Cost,
    uses: usize,
}

#[derive(Default, Clone, Copy)]
struct Cost {
    visits: usize,
    requests: usize,
    bytes: u64,
}

impl Cost {
    fn add(&mut self, requests: usize, bytes: u64) {
        self.visits += 1;
        self.requests += requests;
        self.bytes += bytes;
    }
}

/// All that there is to find in what was played.
#[derive(Default)]
pub struct Findings {
    seen: BTreeMap<Url, Seen>,
    found: BTreeMap<(Kind, Option<Cause>), BTreeMap<String, Cost>>,
    /// Manifests of application caches: their names stay as they are.
    manifests: BTreeSet<Url>,
    /// What updates of application caches took from the HTTP cache though it was of an earlier deploy.
    taken_old: BTreeSet<Url>,
    now: Option<SystemTime>,
    /// The first page that was visited: of what lies on its origin the path says enough.
    home: Option<Url>,
}

impl Findings {
    /// Looks at one more step.
    pub fn look(&mut self, played: &Played) {
        let visit = &played.visit;
        self.now = Some(visit.started);
        if self.home.is_none() {
            self.home.clone_from(&visit.document);
        }
        let own = visit.document.as_ref().map(site);
        for broken in &visit.broken {
            let kind = match broken.trouble {
                Trouble::TooManyRedirects => Kind::RedirectLoop,
                Trouble::ListedNowhere => Kind::ListedNowhere,
                Trouble::Offline if broken.destination == Destination::Document => {
                    Kind::OfflineFails
                }
                Trouble::Offline | Trouble::CacheMiss | Trouble::NotRecorded => continue,
                _ if !played.online => continue,
                _ => Kind::DoesNotLoad,
            };
            self.note_visit(kind, broken.url.as_str());
        }
        self.look_at_application_caches(played);
        self.look_at_outdated(played);
        for one in &visit.exchanges {
            // What lies in an application cache is not for the HTTP cache to keep.
            if matches!(
                one.application_cache,
                Some(Role::Update(_) | Role::Entry(_) | Role::Fallback(_))
            ) {
                continue;
            }
            // How other sites have their files kept is not this one's to change.
            let foreign = one.destination != Destination::Document
                && own.as_ref().is_some_and(|own| *own != site(&one.url));
            if one.method != Method::GET
                || foreign
                || self.seen.len() >= URLS_MAX && !self.seen.contains_key(&one.url)
            {
                continue;
            }
            let seen = self.seen.entry(one.url.clone()).or_default();
            seen.destination.get_or_insert(one.destination);
            seen.uses += 1;
            let requests = one.asked.len();
            let redirected = one
                .asked
                .iter()
                .any(|asked| (300..400).contains(&asked.status) && asked.status != 304);
            if redirected && one.destination.is_navigation() {
                seen.redirects.add(1, 0);
            }
            if one.layer == Layer::Network && one.status.is_some_and(|status| status == 200) {
                seen.headers = Some(one.headers.clone());
            }
            // What a visitor asks for by F5 or past all caches is no fault of the site.
            let wanted = matches!(
                one.reason,
                Reason::Revalidated | Reason::PastCaches | Reason::Method
            );
            if requests > 0 && seen.first && !wanted {
                seen.again.add(requests, one.wire_bytes());
                if !one.is_validated() {
                    seen.whole_again.add(requests, one.wire_bytes());
                }
            }
            seen.first |= requests > 0;
        }
    }

    /// What was found, the most harmful first.
    pub fn finish(mut self) -> Vec<Finding> {
        let now = self.now.unwrap_or(SystemTime::UNIX_EPOCH);
        for (url, seen) in std::mem::take(&mut self.seen) {
            if seen.redirects.visits > 0 {
                self.note((Kind::Redirected, None), url.as_str(), seen.redirects);
            }
            if let Some((kind, cost)) = judge(&url, &seen, now)
                && !self.manifests.contains(&url)
            {
                self.note((kind, None), url.as_str(), cost);
            }
        }
        let home = self.home;
        let findings = self.found.into_iter().map(|((kind, cause), urls)| {
            let total = urls.values().fold(Cost::default(), |all, one| Cost {
                visits: all.visits.max(one.visits),
                requests: all.requests + one.requests,
                bytes: all.bytes + one.bytes,
            });
            let mut urls: Vec<(String, Cost)> = urls.into_iter().collect();
            // The dearest first: of a long list the first are told.
            urls.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.bytes));
            let urls: Vec<String> = urls.into_iter().map(|(url, _)| url).collect();
            let (them, one) = (named(&urls, home.as_ref()), urls.len() == 1);
            Finding {
                kind,
                cause,
                harm: kind.harm(),
                what: cause.map_or_else(|| kind.what(&them, one), |it| it.what(&them, one)),
                remedy: cause.map_or(kind.remedy(), Cause::remedy).to_owned(),
                visits: total.visits,
                requests: total.requests,
                network_bytes: total.bytes,
                urls,
            }
        });
        findings.collect()
    }

    fn note_visit(&mut self, kind: Kind, url: &str) {
        self.note_visit_with(kind, None, url);
    }

    fn note_visit_with(&mut self, kind: Kind, cause: Option<Cause>, url: &str) {
        let visit = Cost {
            visits: 1,
            ..Cost::default()
        };
        self.note((kind, cause), url, visit);
    }

    fn note(&mut self, kind: (Kind, Option<Cause>), url: &str, cost: Cost) {
        let known = self
            .found
            .entry(kind)
            .or_default()
            .entry(url.to_owned())
            .or_default();
        known.visits += cost.visits;
        known.requests += cost.requests;
        known.bytes += cost.bytes;
    }
}

/// A URL as it is told beside others: without what it has in common with `home`, and without a scheme.
pub fn short(url: &str, home: Option<&Url>) -> String {
    let Ok(parsed) = Url::parse(url) else {
        return url.to_owned();
    };
    let from = match home.is_none_or(|home| home.origin() == parsed.origin()) {
        true => Position::BeforePath,
        false => Position::BeforeHost,
    };
    parsed[from..].to_owned()
}

/// One path, two, or one and how many others.
fn named(urls: &[String], home: Option<&Url>) -> String {
    let path = |url: &String| format!("`{}`", short(url, home));
    match urls {
        [] => String::new(),
        [one] => path(one),
        [one, two] => format!("{} and {}", path(one), path(two)),
        [one, others @ ..] => format!("{} and {} others", path(one), others.len()),
    }
}

/// URLs that are looked at.
const URLS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_without_what_it_shares_with_the_page() {
        let home = Url::parse("https://shop.example/a").expect("a URL of this test");
        for (url, expected) in [
            ("https://shop.example/x?y", "/x?y"),
            ("https://cdn.example/x", "cdn.example/x"),
            ("http://shop.example:81/", "shop.example:81/"),
            ("no address", "no address"),
        ] {
            assert_eq!(short(url, Some(&home)), expected, "{url}");
        }
        assert_eq!(short("https://cdn.example/x", None), "/x");
    }
}
