//! Findings: what of all that happened would the site's author rather not have, and what would change it?
//!
//! In order of harm: what does not load; what visitors see that is out of date; what is fetched for nothing. Each says
//! how often it happened in these visits and what it cost, so that a finding can be weighed.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method};
use revisit_rules::appcache::{self, ErrorReason, Event};
use revisit_rules::http::directives::{ResponseDirectives, Scope};
use revisit_rules::http::freshness::{Lifetime, LifetimeRule};
use revisit_rules::http::{Policy, RequestHead, ResponseHead, Stored, Target, Times, validators};
use revisit_rules::site::names::{Names, Promise};
use serde::Serialize;
use url::{Position, Url};

use crate::play::Played;
use crate::site::site;
use crate::{Destination, Layer, Reason, Role, Trouble};

/// Something that its author may want to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which kind it is; also the order of harm.
    pub kind: Kind,
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
            Self::ManifestUnchanged
            | Self::MixedDeploys
            | Self::PageKeptLong
            | Self::FileKeptLong => Harm::OutOfDate,
            Self::PageNotStored
            | Self::FileNotStored
            | Self::NoValidator
            | Self::HashedShort
            | Self::AskedEachVisit
            | Self::Redirected => Harm::Waste,
            Self::Guessed => Harm::Chance,
        }
    }

    /// What happens to `them`, which are `one` or several.
    fn what(self, them: &str, one: bool) -> String {
        let are = if one { "is" } else { "are" };
        let do_not = if one { "does not" } else { "do not" };
        match self {
            Self::RedirectLoop => format!("{them} {are} redirected in a circle"),
            Self::DoesNotLoad => format!("{them} {do_not} load"),
            Self::ListedNowhere => format!(
                "{them} {do_not} load in pages that have their application cache: its manifest lists {} nowhere",
                if one { "it" } else { "them" }
            ),
            Self::UpdateFails => format!(
                "{them} {} the update of the application cache in an error",
                if one { "ends" } else { "end" }
            ),
            Self::ManifestIgnored => format!(
                "{them} {} the manifest of an application cache, which today's browsers ignore",
                if one { "names" } else { "name" }
            ),
            Self::ManifestUnchanged => format!(
                "{them} changed with a deploy, and the manifest of the application cache did not: visitors keep what they have"
            ),
            Self::OfflineFails => format!("without a network {them} {do_not} come"),
            Self::MixedDeploys => format!(
                "after a deploy {them} {are} still used as {} before",
                if one { "it was" } else { "they were" }
            ),
            Self::PageKeptLong => {
                format!("{them}: visitors do not see a new version for as long as it is fresh")
            }
            Self::FileKeptLong => {
                format!("{them} {are} kept for long under a name that says nothing of the content")
            }
            Self::PageNotStored => format!(
                "{them} {are} fetched whole at every visit, and at times when going back, by no-store"
            ),
            Self::FileNotStored => format!("{them} {are} fetched whole at every visit by no-store"),
            Self::NoValidator => format!(
                "{them} {are} fetched whole again: nothing tells a browser whether {} changed",
                if one { "it" } else { "they" }
            ),
            Self::HashedShort => format!(
                "{them} {are} asked for again, though a hash in the name says that it never changes"
            ),
            Self::AskedEachVisit => format!("{them} {are} asked for at every visit"),
            Self::Redirected => format!("{them} {are} redirected before anything else can begin"),
            Self::Guessed => format!("nothing says how long {them} {are} fresh, so browsers guess"),
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::RedirectLoop => {
                "let one address answer with a page: two rules of the server contradict each other"
            }
            Self::DoesNotLoad => {
                "deploy what the pages name, or take the name out; keep files of earlier builds for tabs that are open"
            }
            Self::ListedNowhere => {
                "list it under `CACHE:`, or under `NETWORK:`, where `*` is for all that is not listed"
            }
            Self::UpdateFails => {
                "let all that the manifest lists come with status 200, from its own address, without `no-store`"
            }
            Self::ManifestIgnored => {
                "`revisit build` gives the pages a worker and a script that do what it says; `--application-cache`, or `application_cache = true` in a scenario, plays a browser of its time"
            }
            Self::ManifestUnchanged => {
                "change the manifest with each deploy: a version or a date in a comment will do"
            }
            Self::OfflineFails => {
                "`revisit build` gives the site a worker with which it opens without a network"
            }
            Self::MixedDeploys => {
                "put a hash of the content into the name, or send `Cache-Control: no-cache` with an ETag"
            }
            Self::PageKeptLong => {
                "`Cache-Control: no-cache` with an ETag asks each time, at the price of a 304"
            }
            Self::FileKeptLong => {
                "put a hash of the content into the name; until then `Cache-Control: no-cache`"
            }
            Self::PageNotStored | Self::FileNotStored => {
                "if it is no secret, `Cache-Control: no-cache` with an ETag costs a 304"
            }
            Self::NoValidator => "send an ETag or Last-Modified",
            Self::HashedShort => "`Cache-Control: public, max-age=31536000, immutable`",
            Self::AskedEachVisit => {
                "put a hash of the content into the name, and keep it for a year"
            }
            Self::Redirected => "link to the address that answers",
            Self::Guessed => {
                "`Cache-Control: no-cache` for what changes, or a hash in the name and a year"
            }
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
    found: BTreeMap<Kind, BTreeMap<String, Cost>>,
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
        for url in &played.outdated {
            // An application cache has all of a page out of one deploy.
            if !from_application_cache(played, url) {
                self.note_visit(Kind::MixedDeploys, url.as_str());
            }
        }
        for one in &visit.exchanges {
            // What lies in an application cache is not for the HTTP cache to keep.
            if matches!(
                one.application_cache,
                Some(Role::Update | Role::Entry(_) | Role::Fallback(_))
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
                self.note(Kind::Redirected, url.as_str(), seen.redirects);
            }
            if let Some((kind, cost)) = judge(&url, &seen, now) {
                self.note(kind, url.as_str(), cost);
            }
        }
        let home = self.home;
        let findings = self.found.into_iter().map(|(kind, urls)| {
            let total = urls.values().fold(Cost::default(), |all, one| Cost {
                visits: all.visits.max(one.visits),
                requests: all.requests + one.requests,
                bytes: all.bytes + one.bytes,
            });
            let mut urls: Vec<(String, Cost)> = urls.into_iter().collect();
            // The dearest first: of a long list the first are told.
            urls.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.bytes));
            let urls: Vec<String> = urls.into_iter().map(|(url, _)| url).collect();
            Finding {
                kind,
                harm: kind.harm(),
                what: kind.what(&named(&urls, home.as_ref()), urls.len() == 1),
                remedy: kind.remedy().to_owned(),
                visits: total.visits,
                requests: total.requests,
                network_bytes: total.bytes,
                urls,
            }
        });
        findings.collect()
    }

    /// Looks at what a step had to do with application caches.
    fn look_at_application_caches(&mut self, played: &Played) {
        let visit = &played.visit;
        if !played.application_cache {
            for (page, _) in &visit.manifests {
                self.note_visit(Kind::ManifestIgnored, page.as_str());
            }
        }
        for event in &visit.events {
            match &event.event {
                Event::NoUpdate => {
                    for url in &played.outdated {
                        if from_application_cache(played, url) {
                            self.note_visit(Kind::ManifestUnchanged, url.as_str());
                        }
                    }
                }
                Event::Error(trouble) if played.online && is_of_the_site(trouble) => {
                    self.note_visit(Kind::UpdateFails, trouble.url.as_str());
                }
                _ => {}
            }
        }
    }

    fn note_visit(&mut self, kind: Kind, url: &str) {
        let visit = Cost {
            visits: 1,
            ..Cost::default()
        };
        self.note(kind, url, visit);
    }

    fn note(&mut self, kind: Kind, url: &str, cost: Cost) {
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

/// The one thing that is worth saying of how a URL is kept.
fn judge(url: &Url, seen: &Seen, now: SystemTime) -> Option<(Kind, Cost)> {
    let headers = seen.headers.as_ref()?;
    let destination = seen.destination?;
    if destination == Destination::Fetch {
        // What a script fetches is fresh data as often as not.
        return None;
    }
    let policy = Policy::chromium();
    let said = ResponseDirectives::of(&policy, headers);
    let page = destination.is_navigation();
    let path = url.path().trim_start_matches('/');
    let hashed = !page && Names::default().promise(path) == Promise::ContentHash;
    if said.no_store {
        return Some(match page {
            true => (Kind::PageNotStored, seen.whole_again),
            false => (Kind::FileNotStored, seen.whole_again),
        });
    }
    let Lifetime { duration, by } = lifetime(url, headers, now)?;
    let asks_always = said.no_cache == Scope::Whole;
    if page {
        let long = !asks_always && by.is_explicit() && duration > PAGE_LIFETIME_MAX;
        if long {
            return Some((
                Kind::PageKeptLong,
                Cost {
                    visits: seen.uses,
                    ..Cost::default()
                },
            ));
        }
    } else if hashed && seen.again.visits > 0 {
        return Some((Kind::HashedShort, seen.again));
    } else if !hashed
        && !asks_always
        && by.is_explicit()
        && duration > FILE_LIFETIME_MAX
        && is_code(destination)
    {
        return Some((
            Kind::FileKeptLong,
            Cost {
                visits: seen.uses,
                ..Cost::default()
            },
        ));
    }
    let known = validators(headers, now);
    if known.etag.is_none() && known.last_modified.is_none() && seen.whole_again.visits > 0 {
        return Some((Kind::NoValidator, seen.whole_again));
    }
    if by == LifetimeRule::Heuristic && !asks_always {
        return Some((Kind::Guessed, seen.again));
    }
    let always = seen.again.visits >= ASKED_OFTEN && (asks_always || duration.is_zero());
    (always && !page).then_some((Kind::AskedEachVisit, seen.again))
}

/// Servers that are down are no fault of the site, and a page that did not load is told as that.
fn is_of_the_site(trouble: &appcache::Trouble) -> bool {
    let down = trouble.status.is_none_or(|status| status.is_server_error());
    match trouble.reason {
        ErrorReason::Page | ErrorReason::Abort => false,
        ErrorReason::Manifest | ErrorReason::Resource => !down,
        _ => true,
    }
}

fn from_application_cache(played: &Played, url: &Url) -> bool {
    let mut exchanges = played.visit.exchanges.iter();
    exchanges.any(|one| one.url == *url && one.layer == Layer::ApplicationCache)
}

fn is_code(destination: Destination) -> bool {
    matches!(
        destination,
        Destination::Script | Destination::Style | Destination::Worker
    )
}

/// How long a browser takes this answer for fresh.
fn lifetime(url: &Url, headers: &HeaderMap, now: SystemTime) -> Option<Lifetime> {
    let none = HeaderMap::new();
    let method = Method::GET;
    let request = RequestHead {
        method: &method,
        target: Target {
            scheme: url.scheme(),
            authority: url.authority(),
            path: &url[url::Position::BeforePath..url::Position::AfterQuery],
        },
        headers: &none,
    };
    let response = ResponseHead {
        status: http::StatusCode::OK,
        headers,
    };
    let times = Times {
        request: now,
        response: now,
    };
    Some(Stored::new(&Policy::chromium(), &request, &response, times)?.lifetime)
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

/// Longer than that a page that is mended stays broken for those who saw it.
const PAGE_LIFETIME_MAX: Duration = Duration::from_secs(600);
/// A file of code that may change under its name.
const FILE_LIFETIME_MAX: Duration = Duration::from_secs(86_400);
/// Visits after the first in which a file is asked for.
const ASKED_OFTEN: usize = 2;
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
