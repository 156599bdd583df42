//! Which rule answers this URL, and why?
//!
//! The worker's decision (`runtime/worker/start.js`, `answer.js`, `fallback.js`) and the build's
//! (`select`), taken once more for one URL, with the reason of each step. Only GET is asked for: all
//! else goes to the network.

use std::collections::{BTreeMap, HashSet};

use percent_encoding::percent_decode_str;
use revisit_rules::site::media;
use revisit_rules::site::pattern::Pattern;
use revisit_rules::site::route::{Candidate, candidates, decode, url_path};
use revisit_rules::site::routing::{Asked, Origin};
use serde::Serialize;
use url::Url;

use crate::config::{FallbackOn, Parsed, Strategy};
use crate::extra::Extra;
use crate::own::OUTPUT;
use crate::routes::Route;
use crate::select::{Group, Selection};
use crate::shell::Shell;
use crate::{BuildConfig, LeftOut};

/// What becomes of a request for one URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// As it was asked for.
    pub url: String,
    /// The origin that an absolute URL names: that of `[site] cdn`, or it is taken for the site's own.
    pub origin: Option<String>,
    /// A route names that origin: it is not taken for the site's own.
    pub foreign: bool,
    /// Who answers.
    pub answer: Answer,
    /// The file of the folder that a server answers with.
    pub file: Option<FileMatch>,
    /// The query's parameters.
    pub parameters: Vec<Parameter>,
    /// The routes that may answer it, in their order, up to the first that takes every kind of request.
    pub routes: Vec<RouteMatch>,
    /// Does the fallback page answer navigations to it? None: it is not asked.
    pub fallback: Option<Fallback>,
    /// The page for navigations that neither cache nor network answers; none if the cache does.
    pub offline_page: Option<String>,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Answer {
    /// The worker, with this file from the cache.
    Cache {
        /// Its path below the folder.
        file: String,
    },
    /// The network, and once it was used the worker from the cache.
    WhenUsed {
        /// Its path below the folder.
        file: String,
    },
    /// The worker, with what the server gave for this URL (`[[precache.extra]]`).
    Extra {
        /// Not before it was used once.
        when_used: bool,
    },
    /// The worker, by a route: the last of [`Match::routes`], and for what requests are for the ones
    /// before it.
    Route {
        /// Its place in the config, from 1.
        number: usize,
    },
    /// The worker, by a redirect.
    Redirect {
        /// The URL path that it leads to.
        to: String,
    },
    /// For navigations the worker, with this page from the cache; for all else the network.
    Fallback {
        /// Its path below the folder.
        page: String,
    },
    /// The network.
    Network {
        /// Why not the cache.
        why: Network,
    },
    /// The browser, as if there were no worker.
    Browser {
        /// Why the worker has no say.
        why: Browser,
    },
}

/// Why the network answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Network {
    /// The site has no such file.
    NoFile,
    /// The file is not precached.
    NotPrecached,
    /// A parameter that may change what the URL means.
    Parameter {
        /// Its name.
        name: String,
    },
    /// What a build adds to the site beside the worker.
    OfTheBuild,
    /// No route takes every kind of request for this URL of another origin.
    NoRoute,
}

/// Why the worker has no say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Browser {
    /// It is no URL that a request can be made for.
    NoAddress,
    /// It lies outside of the site's base.
    OutsideBase {
        /// The base.
        base: String,
    },
    /// The worker's own script is never asked of the worker.
    WorkerScript,
}

/// A file, and what the build does with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileMatch {
    /// Its path below the folder.
    pub path: String,
    /// How the URL spells it.
    pub spelling: Spelling,
    /// Is it kept ahead of time, and why or why not?
    pub precached: Precached,
    /// As what it is kept; none if it is not.
    pub kept_as: Option<KeptAs>,
}

/// How a URL spells a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spelling {
    /// By its own name.
    Exact,
    /// Without its `.html`.
    WithoutHtml,
    /// As the folder that it is the index page of.
    Folder,
    /// As that folder without its slash, which is a redirect.
    FolderWithoutSlash,
}

/// Why a file is kept ahead of time, or is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Precached {
    /// It is of the shell.
    Shell {
        /// From an entry page to the file, each loaded by the one before.
        chain: Vec<String>,
    },
    /// It is of the shell by a pattern of `precache.shell`.
    ShellPattern {
        /// The pattern.
        pattern: String,
    },
    /// It fits into the budget, and follows when the page is idle.
    WithinBudget,
    /// Not: it is kept when it is first used, by a pattern of `precache.lazy`.
    Lazy {
        /// The pattern.
        pattern: String,
    },
    /// Not: a rule of the host redirects it, or forbids that it is stored.
    Host,
    /// Not: the budget is used up by the shell and smaller files.
    OverBudget {
        /// Its size.
        bytes: u64,
        /// `precache.budget_bytes`.
        budget_bytes: u64,
    },
    /// Not: it is excluded.
    Excluded {
        /// By this pattern.
        pattern: String,
        /// Which is one of `precache.exclude_defaults`.
        by_default: bool,
    },
    /// Not: no pattern of `precache.include` matches.
    NotIncluded,
}

/// As what a file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptAs {
    /// Part of a pack, with the type of its ending and no other header.
    Pack,
    /// Part of a pack, with the header fields that its host says or that the worker asks for.
    PackedPage,
    /// A script so large that it is an entry of its own.
    BigScript,
    /// An entry of its own, from the first use on.
    WhenUsed,
    /// A document, with the headers that it comes with.
    Document,
    /// The script of a worker of the site's own, with the headers that it comes with.
    WorkerScript,
}

/// A route that answers a URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteMatch {
    /// Its place in the config, from 1.
    pub number: usize,
    /// By which it answers.
    pub strategy: Strategy,
    /// Of the stash in which it keeps; none if it keeps nothing.
    pub stash: Option<String>,
    /// What requests it answers, in the words of the config; none: all.
    pub destinations: Option<Vec<String>>,
    /// The precached file for when nobody else answers.
    pub fallback: Option<String>,
    /// When it answers; none if there is none.
    pub fallback_on: Option<FallbackOn>,
}

/// A parameter of the query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The entry of `worker.ignore_parameters` by which it changes nothing.
    pub ignored_by: Option<String>,
}

/// Does the fallback page answer?
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Fallback {
    /// There is none in the config.
    NotSet,
    /// Yes.
    Allowed {
        /// The page.
        page: String,
        /// By this pattern of `worker.fallback_allow`.
        pattern: String,
    },
    /// No: none of `worker.fallback_allow` matches.
    NotAllowed,
    /// No.
    Denied {
        /// By this pattern of `worker.fallback_deny`, or `api` or `api/**`.
        pattern: String,
    },
    /// No: the last part of the path has an ending, and so names a file.
    NamesAFile,
}

/// What a build knows of a site when it has chosen, before it packs.
pub(crate) struct Chosen<'a> {
    pub(crate) config: &'a BuildConfig,
    pub(crate) parsed: &'a Parsed,
    pub(crate) known: &'a HashSet<&'a str>,
    pub(crate) extras: &'a [Extra],
    pub(crate) shell: &'a Shell,
    pub(crate) selection: &'a Selection,
    /// Scripts that run as workers.
    pub(crate) workers: &'a HashSet<String>,
    /// What gets an entry of its own.
    pub(crate) alone: &'a HashSet<String>,
    pub(crate) offline: Option<&'a str>,
}

/// Decides for one URL: absolute, or a path, which is then taken relative to the site's base.
pub(crate) fn decide(site: &Chosen<'_>, written: &str) -> Match {
    let base = &site.config.site.base;
    let mut found = Match {
        url: written.to_owned(),
        origin: None,
        foreign: false,
        answer: Answer::Network {
            why: Network::NoFile,
        },
        file: None,
        parameters: Vec::new(),
        routes: Vec::new(),
        fallback: None,
        offline_page: None,
    };
    let home = Url::parse(&format!("http://{HOST}{base}"));
    let url = home.and_then(|home| home.join(written)).ok();
    let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        found.answer = browser(Browser::NoAddress);
        return found;
    };
    if url.host_str() != Some(HOST) {
        found.origin = Some(url.origin().ascii_serialization());
    }
    let foreign = found.origin.as_deref().filter(|origin| site.names(origin));
    found.routes = site.routes(&url, foreign);
    if foreign.is_some() {
        found.foreign = true;
        found.answer = routed(&found.routes).unwrap_or(network(Network::NoRoute));
        return found;
    }
    let cdn = site.parsed.cdn.as_ref();
    let below_cdn = cdn
        .filter(|cdn| cdn.origin() == url.origin())
        .and_then(|cdn| url.path().strip_prefix(cdn.path()));
    let Some(path) = below_cdn.or_else(|| url.path().strip_prefix(&**base)) else {
        let base = base.clone();
        let outside = browser(Browser::OutsideBase { base });
        found.answer = routed(&found.routes).unwrap_or(outside);
        return found;
    };
    if path == site.config.worker.name {
        found.routes.clear();
        found.answer = browser(Browser::WorkerScript);
        return found;
    }
    if path.split('/').next() == Some(OUTPUT) && path.contains('/') {
        found.routes.clear();
        let why = Network::OfTheBuild;
        found.answer = Answer::Network { why };
        return found;
    }
    found.parameters = parameters(site, &url);
    let kept = &site.selection.chosen;
    found.file = find(path, |file| site.known.contains(file)).map(|(path, spelling)| FileMatch {
        precached: site.precached(&path),
        kept_as: kept.contains_key(&path).then(|| site.kept_as(&path)),
        path,
        spelling,
    });
    let counts = found.parameters.iter().find(|p| p.ignored_by.is_none());
    let from_cache = match counts {
        None => find(path, |file| kept.contains_key(file)),
        Some(_) => None,
    };
    let decoded = decode(path);
    let mut extras = site.extras.iter();
    if let (None, Some(extra)) = (
        counts,
        extras.find(|extra| Some(&*extra.path) == decoded.as_deref()),
    ) {
        let when_used = extra.group == Group::Lazy;
        found.answer = Answer::Extra { when_used };
        found.unrouted(when_used);
        return found;
    }
    match from_cache {
        Some((file, Spelling::FolderWithoutSlash)) => {
            let to = format!("{base}{}", url_path(&file));
            found.answer = Answer::Redirect { to };
            found.unrouted(false);
        }
        Some((file, _)) if kept.get(&file) == Some(&Group::Lazy) => {
            found.answer = Answer::WhenUsed { file };
            found.unrouted(true);
        }
        Some((file, _)) => {
            found.answer = Answer::Cache { file };
            found.unrouted(false);
        }
        // no page of the site: a navigation there is none of the worker's
        None if below_cdn.is_some() => {
            found.answer = network(match found.file {
                Some(_) => Network::NotPrecached,
                None => Network::NoFile,
            });
            found.unrouted(true);
        }
        None if routed(&found.routes).is_some() => {
            found.unrouted(true);
            found.offline_page = site.offline.map(str::to_owned);
        }
        None => {
            let fallback = site.fallback(path);
            found.answer = match (&fallback, counts, &found.file) {
                (Fallback::Allowed { page, .. }, ..) => Answer::Fallback { page: page.clone() },
                (_, Some(Parameter { name, .. }), Some(_)) => {
                    network(Network::Parameter { name: name.clone() })
                }
                (_, _, Some(_)) => network(Network::NotPrecached),
                (_, _, None) => network(Network::NoFile),
            };
            if !matches!(found.answer, Answer::Fallback { .. }) {
                found.offline_page = site.offline.map(str::to_owned);
            }
            found.fallback = Some(fallback);
        }
    }
    found
}

impl Match {
    /// A file of the build answers; if only `once_used`, a route that takes every kind of request comes before it.
    fn unrouted(&mut self, once_used: bool) {
        match once_used {
            true => self.answer = routed(&self.routes).unwrap_or(self.answer.clone()),
            false => self.routes.clear(),
        }
    }
}

/// The answer by routes, if one of them takes every kind of request.
fn routed(routes: &[RouteMatch]) -> Option<Answer> {
    let last = routes.last().filter(|route| route.destinations.is_none())?;
    Some(Answer::Route {
        number: last.number,
    })
}

fn network(why: Network) -> Answer {
    Answer::Network { why }
}

fn browser(why: Browser) -> Answer {
    Answer::Browser { why }
}

/// The file behind a URL path, and how it is spelt.
fn find(path: &str, has: impl Fn(&str) -> bool) -> Option<(String, Spelling)> {
    let path = decode(path)?;
    let spelt = |candidate| {
        let (file, spelling) = match candidate {
            Candidate::AddSlash(file) => (file, Spelling::FolderWithoutSlash),
            Candidate::Serve(file) if file == path => (file, Spelling::Exact),
            Candidate::Serve(file) if path.is_empty() || path.ends_with('/') => {
                (file, Spelling::Folder)
            }
            Candidate::Serve(file) => (file, Spelling::WithoutHtml),
        };
        has(&file).then_some((file, spelling))
    };
    candidates(&path).into_iter().find_map(spelt)
}

fn parameters(site: &Chosen<'_>, url: &Url) -> Vec<Parameter> {
    let ignored_by = |name: &str| {
        let listed = &site.config.worker.ignore_parameters;
        let matches = |entry: &&String| match entry.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == **entry,
        };
        listed.iter().find(matches).cloned()
    };
    url.query_pairs()
        .map(|(name, _)| Parameter {
            ignored_by: ignored_by(&name),
            name: name.into_owned(),
        })
        .collect()
}

fn first_match<'a>(patterns: &'a [Pattern], path: &str) -> Option<(usize, &'a str)> {
    let mut all = patterns.iter().enumerate();
    let (index, pattern) = all.find(|(_, pattern)| pattern.matches(path))?;
    Some((index, pattern.written()))
}

impl Chosen<'_> {
    fn precached(&self, file: &str) -> Precached {
        if let Some((index, pattern)) = first_match(&self.parsed.exclude, file) {
            return Precached::Excluded {
                pattern: pattern.to_owned(),
                // the site's own come first
                by_default: index >= self.config.precache.exclude.len(),
            };
        }
        if first_match(&self.parsed.include, file).is_none() {
            return Precached::NotIncluded;
        }
        if self.shell.files.contains_key(file) {
            let chain = chain(&self.shell.files, file);
            return Precached::Shell { chain };
        }
        if let Some((_, pattern)) = first_match(&self.parsed.shell, file) {
            let pattern = pattern.to_owned();
            return Precached::ShellPattern { pattern };
        }
        if let Some((_, pattern)) = first_match(&self.parsed.lazy, file) {
            let pattern = pattern.to_owned();
            return Precached::Lazy { pattern };
        }
        let left_out = |left: &&LeftOut| left.file == file;
        match self.selection.left_out.iter().find(left_out) {
            Some(left) => Precached::OverBudget {
                bytes: left.bytes,
                budget_bytes: self.config.precache.budget_bytes,
            },
            None if !self.selection.chosen.contains_key(file) => Precached::Host,
            None => Precached::WithinBudget,
        }
    }

    fn kept_as(&self, file: &str) -> KeptAs {
        let group = self.selection.chosen.get(file);
        match file {
            _ if group == Some(&Group::Lazy) => KeptAs::WhenUsed,
            _ if media::is_document(file) => match self.alone.contains(file) {
                true => KeptAs::Document,
                false => KeptAs::PackedPage,
            },
            _ if self.workers.contains(file) => KeptAs::WorkerScript,
            _ if self.alone.contains(file) => KeptAs::BigScript,
            _ => KeptAs::Pack,
        }
    }

    /// Does a route name this origin? Else a URL's origin is taken for the site's own.
    fn names(&self, origin: &str) -> bool {
        let named = |route: &Route| matches!(&route.rule.origin, Origin::Named(it) if it == origin);
        self.parsed.routes.iter().any(named)
    }

    /// The routes that may answer a GET for this URL.
    fn routes(&self, url: &Url, foreign: Option<&str>) -> Vec<RouteMatch> {
        let asked = Asked {
            origin: foreign,
            path: url.path(),
            method: "GET",
            destination: None,
        };
        let mut found = Vec::new();
        for route in &self.parsed.routes {
            if route.rule.matches(&asked) {
                found.push(RouteMatch {
                    number: route.number,
                    strategy: route.strategy,
                    stash: route.keeps().then(|| route.name.clone()),
                    destinations: route.keys.destination.clone(),
                    fallback: route.keys.fallback.clone(),
                    fallback_on: route.keys.fallback.as_ref().map(|_| route.keys.fallback_on),
                });
                if route.rule.destinations.is_none() {
                    break;
                }
            }
        }
        found
    }

    fn fallback(&self, path: &str) -> Fallback {
        let Some(page) = &self.config.worker.fallback else {
            return Fallback::NotSet;
        };
        // Not UTF-8: no pattern can name it.
        let Ok(path) = percent_decode_str(path).decode_utf8() else {
            return Fallback::NotAllowed;
        };
        let Some((_, pattern)) = first_match(&self.parsed.allow, &path) else {
            return Fallback::NotAllowed;
        };
        if let Some((_, pattern)) = first_match(&self.parsed.deny, &path) {
            let pattern = pattern.to_owned();
            return Fallback::Denied { pattern };
        }
        if path
            .rsplit('/')
            .next()
            .is_some_and(|last| last.contains('.'))
        {
            return Fallback::NamesAFile;
        }
        Fallback::Allowed {
            page: page.clone(),
            pattern: pattern.to_owned(),
        }
    }
}

/// From an entry to `file`, by who loads whom.
fn chain(shell: &BTreeMap<String, Option<String>>, file: &str) -> Vec<String> {
    let mut chain = vec![file.to_owned()];
    let mut at = file;
    while let Some(Some(by)) = shell.get(at) {
        chain.push(by.clone());
        at = by;
    }
    chain.reverse();
    chain
}

/// Stands for the site's own host, whichever it is.
const HOST: &str = "site.invalid";

#[cfg(test)]
mod tests;
