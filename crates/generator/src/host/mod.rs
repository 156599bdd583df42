//! The host that a site is deployed to: what it makes of pages, and what we write for it.
//!
//! [`Hosted`] knows the site's `_headers` and `_redirects` as the host reads them. It says which
//! files nobody would get, under which URL and with which header fields a page comes, and which
//! rules of ours the site lacks. What the site's owner wrote always wins. Nothing here reads a file.

mod block;
mod lifetimes;
mod nginx;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use revisit_rules::site::host::{HeaderRules, Host, PageHeaders, RedirectRules};
use revisit_rules::site::names::Promise;
use revisit_rules::site::pattern::any_matches;
use revisit_rules::site::{media, route};

pub(crate) use block::{added, edits, is_added, without};
use lifetimes::{Cover, Lifetimes, lifetimes};
pub(crate) use nginx::SNIPPET;

use crate::config::Parsed;
use crate::own::OUTPUT;
use crate::{BuildError, Warning};

/// A page as visitors get it from the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedPage {
    /// The URL path below the base, encoded, under which it is answered without a redirect.
    pub url_path: String,
    /// Its header fields, where they are known.
    pub headers: PageHeaders,
}

/// What was found beside the files of a site that concerns its host.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The text of the site's `_headers`, without the rules of an earlier build.
    pub(crate) headers: Option<String>,
    /// The text of its `_redirects`.
    pub(crate) redirects: Option<String>,
    /// What else sets header fields there, which is not read.
    pub(crate) unread: Option<String>,
}

/// A site on its host.
pub(crate) struct Hosted<'a> {
    pub(crate) host: Host,
    base: &'a str,
    worker: &'a str,
    files: &'a HashSet<&'a str>,
    headers: HeaderRules,
    redirects: RedirectRules,
    unread: Option<String>,
}

/// What is written for a host.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct HostOutput {
    /// The rules of ours in `_headers`.
    pub(crate) headers: Option<String>,
    /// The snippet for nginx.
    pub(crate) nginx: Option<String>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'a> Hosted<'a> {
    pub(crate) fn new(
        host: Host,
        base: &'a str,
        worker: &'a str,
        files: &'a HashSet<&'a str>,
        found: Found,
    ) -> Self {
        let read = |text: Option<String>| {
            text.filter(|_| host.reads_rule_files() && base == "/")
                .unwrap_or_default()
        };
        Self {
            host,
            base,
            worker,
            files,
            headers: HeaderRules::parse(&read(found.headers), host),
            redirects: RedirectRules::parse(&read(found.redirects), host),
            unread: found.unread,
        }
    }

    /// Under which URL and with which header fields does this page of the site come?
    pub(crate) fn page(&self, file: &str) -> HostedPage {
        let url_path = self.canonical(file);
        let headers = if self.host.reads_rule_files() && self.base != "/" {
            PageHeaders::Unknown("the rules of the published folder are not in this one".into())
        } else if let Some(unread) = &self.unread {
            PageHeaders::Unknown(unread.clone())
        } else {
            self.host.page_headers(file, &url_path, &self.headers)
        };
        HostedPage { url_path, headers }
    }

    fn canonical(&self, file: &str) -> String {
        self.host
            .canonical_url_path(file, &|file| self.files.contains(file))
    }

    /// The files that must not be kept ahead of time, and why: a redirect answers for them, or the
    /// rules forbid any store. Host's rule files are left out without a word.
    pub(crate) fn unkeepable(
        &self,
        entries: &[String],
        config: &Parsed,
    ) -> Result<BTreeMap<String, Option<Warning>>, BuildError> {
        let mut found = BTreeMap::new();
        if !self.host.reads_rule_files() {
            return Ok(found);
        }
        for file in self.files {
            if matches!(*file, HEADERS | REDIRECTS) {
                found.insert((*file).to_owned(), None);
            } else if any_matches(&config.include, file)
                && !any_matches(&config.exclude, file)
                && let Some(warning) = self.keeps_from(file)
            {
                found.insert((*file).to_owned(), Some(warning));
            }
        }
        for entry in entries {
            if let Some(Some(warning)) = found.remove(entry) {
                return Err(BuildError::EntryNotKept { warning });
            }
        }
        Ok(found)
    }

    fn keeps_from(&self, file: &str) -> Option<Warning> {
        let paths = [
            format!("/{}", self.canonical(file)),
            format!("/{}", route::url_path(file)),
        ];
        if let Some(rule) = self
            .redirects
            .shadows(file, &paths.each_ref().map(|p| &**p))
        {
            return Some(Warning::Redirected {
                file: file.to_owned(),
                line: rule.line,
                from: rule.from.clone(),
            });
        }
        let said = self.headers.cache_control(&paths[0])?;
        (media::is_document(file) && said.everywhere && said.directives().no_store).then(|| {
            Warning::NoStore {
                file: file.to_owned(),
                line: said.line,
            }
        })
    }

    /// What is written for the host, given what each name of the site and of ours promises.
    pub(crate) fn output<'n>(&self, names: impl Iterator<Item = (&'n str, Promise)>) -> HostOutput {
        match self.host {
            Host::Netlify | Host::CloudflarePages if self.base == "/" => self.rules(names),
            Host::Nginx => {
                let hashed = names.map(|(name, promise)| (name, promise == Promise::ContentHash));
                let lifetimes = lifetimes(hashed, RULES_MAX);
                HostOutput {
                    nginx: Some(nginx::snippet(self.base, self.worker, &lifetimes.covers)),
                    warnings: unsaid(&lifetimes),
                    ..HostOutput::default()
                }
            }
            _ => HostOutput::default(),
        }
    }

    fn rules<'n>(&self, names: impl Iterator<Item = (&'n str, Promise)>) -> HostOutput {
        let names: Vec<(&str, Promise)> = names.collect();
        let mut warnings = self.ignored();
        warnings.extend(self.unreachable(names.iter().map(|(name, _)| *name)));
        let mut yielded: BTreeMap<usize, (usize, String)> = BTreeMap::new();
        let hashed = names.into_iter().map(|(name, promise)| {
            let hashed = promise == Promise::ContentHash;
            let said = self.headers.cache_control(&url(name)).filter(|_| hashed);
            if let Some(said) = &said {
                let (files, _) = yielded.entry(said.line).or_insert((0, name.to_owned()));
                *files += 1;
            }
            (name, hashed && said.is_none())
        });
        let room = self.host.header_rules_max().unwrap_or(RULES_MAX);
        let room = room.saturating_sub(self.headers.count());
        let worker_rule = match self.headers.cache_control(&url(self.worker)) {
            Some(said) => {
                if said.directives().gives_lifetime() {
                    warnings.push(Warning::WorkerLifetime {
                        file: self.worker.to_owned(),
                        line: said.line,
                        value: said.value,
                    });
                }
                None
            }
            None => Some(url(self.worker)),
        };
        let room_left = room.saturating_sub(usize::from(worker_rule.is_some()));
        let lifetimes = lifetimes(hashed, room_left);
        let mut taken = BTreeSet::new();
        let mut text = String::new();
        let mut rule = |path: String, promise: Promise| {
            // Cloudflare Pages would drop the owner's rule for a later one with the same path.
            if self.headers.has_path(&path) && self.host == Host::CloudflarePages {
                taken.insert(path);
            } else {
                text.push_str(&format!(
                    "{path}\n  Cache-Control: {}\n",
                    promise.cache_control()
                ));
            }
        };
        if let Some(path) = worker_rule.filter(|_| room > 0) {
            rule(path, Promise::None);
        }
        for cover in &lifetimes.covers {
            let path = match cover {
                Cover::Below(folder) => format!("/{folder}/*"),
                Cover::File(file) => url(file),
            };
            rule(path, Promise::ContentHash);
        }
        warnings.extend(taken.into_iter().map(|path| Warning::RuleTaken { path }));
        warnings.extend(unsaid(&lifetimes));
        warnings.extend(
            yielded
                .into_iter()
                .map(|(line, (files, file))| Warning::LifetimeGiven { line, files, file }),
        );
        HostOutput {
            headers: Some(text).filter(|text| !text.is_empty()),
            warnings,
            nginx: None,
        }
    }

    /// Our own files that a redirect answers for: one for each rule.
    fn unreachable<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<Warning> {
        let ours =
            names.filter(|name| *name == self.worker || name.starts_with(&format!("{OUTPUT}/")));
        let mut found = BTreeMap::new();
        for file in ours {
            if let Some(rule) = self.redirects.shadows(file, &[&url(file)]) {
                found.entry(rule.line).or_insert(Warning::OutputRedirected {
                    file: file.to_owned(),
                    line: rule.line,
                    from: rule.from.clone(),
                });
            }
        }
        found.into_values().collect()
    }

    /// The lines that the host passes over.
    fn ignored(&self) -> Vec<Warning> {
        let headers = self.headers.ignored.iter().map(|line| (HEADERS, line));
        let redirects = self.redirects.ignored.iter().map(|line| (REDIRECTS, line));
        headers
            .chain(redirects)
            .map(|(file, ignored)| Warning::RuleIgnored {
                file: file.to_owned(),
                line: ignored.line,
                why: ignored.why.to_owned(),
            })
            .collect()
    }

    /// What cannot be had on this host, or is to be done there; a sentence each.
    ///
    /// GitHub Pages: `Cache-Control: max-age=600` on every file, measured, for example
    /// <https://github.com/glacials/whatsinstandard/issues/61>. Pretty URLs rewrite `href` in pages:
    /// <https://answers.netlify.com/t/pretty-urls-url-routing-and-trailing-slashes/29261>. Cloudflare's
    /// asset server appends the analytics script to `<body>` (`handler.ts` of `pages-shared`) and
    /// takes a site without `404.html` for one page (Serving Pages).
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match self.host {
            Host::Plain => notes.push(
                "no host is named (`[site] host`): hashed files get no lifetime, and what header \
                 fields pages come with is not known",
            ),
            Host::GithubPages => notes.push(
                "GitHub Pages lets nobody set header fields: every file is fresh for ten minutes, and \
                 no lifetime, policy (CSP, COOP, COEP) or redirect can be had there",
            ),
            Host::Nginx => notes.push(
                "include `revisit/nginx.conf` in the `server` block of nginx: it gives hashed files \
                 their lifetime",
            ),
            Host::Netlify => notes.push(
                "with \"Pretty URLs\" Netlify changes links in pages, whose hashes then fail: turn it \
                 off in the site's post processing",
            ),
            Host::CloudflarePages => {
                notes.push(
                    "with Web Analytics on for the project Cloudflare puts a script into pages, whose \
                     hashes then fail: put the script into them yourself",
                );
                if !self.files.contains("404.html") {
                    notes.push(
                        "without a `404.html` Cloudflare Pages answers every unknown path by \
                         `index.html`, as if it were there",
                    );
                }
            }
        }
        let mut notes: Vec<String> = notes.into_iter().map(str::to_owned).collect();
        if self.host.reads_rule_files() && self.base != "/" {
            notes.push(format!(
                "`_headers` counts only at the top of what is published: with `[site] base = \"{}\"` none \
                 is read or written in this folder",
                self.base
            ));
        }
        if let Some(unread) = &self.unread {
            notes.push(format!(
                "{unread}: what header fields pages come with is not known"
            ));
        }
        notes
    }
}

fn url(file: &str) -> String {
    format!("/{}", route::url_path(file))
}

fn unsaid(lifetimes: &Lifetimes) -> Vec<Warning> {
    let files = lifetimes.unsaid;
    (files > 0)
        .then_some(Warning::LifetimesUnsaid { files })
        .into_iter()
        .collect()
}

pub(crate) const HEADERS: &str = "_headers";
pub(crate) const REDIRECTS: &str = "_redirects";

/// Where the host names no limit of its own.
const RULES_MAX: usize = 100;

/// The snippet's path below the site's root.
pub(crate) fn snippet_path() -> String {
    format!("{OUTPUT}/{SNIPPET}")
}

#[cfg(test)]
mod tests;
