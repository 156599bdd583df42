//! Sites of the time of AppCache: which are they, and what lies over them instead of a precache?
//!
//! Their pages name a manifest. They get a worker that does what browsers did, and in each page, before all other
//! scripts, the one that gives it `window.applicationCache` (`docs/appcache.md`).

use std::collections::{BTreeMap, HashMap, HashSet};

use revisit_rules::appcache::{Manifest, Profile};
use revisit_rules::site::FileStamp;
use revisit_rules::site::host::{Host, PageHeaders};
use revisit_rules::site::names::Promise;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::warnings::{csp_hash, forbids_tag};
use super::{Planner, Stop};
use crate::address::{Addresses, Target};
use crate::client_tag::Tag;
use crate::config::{AppcacheProfile, PrecacheConfig, SiteConfig, WorkerConfig};
use crate::content_hash::{Hasher, short};
use crate::host::Hosted;
use crate::memory::{Memory, PageFacts};
use crate::overlay::{Body, Generated, Overlay};
use crate::report::{ApplicationCache, WorkerKind};
use crate::runtime::{self, AppcacheWorker};
use crate::walk::Walk;
use crate::{BuildError, Report, Warning};

/// The pages with the tag that they get, and the application caches that they name, if that is what the site is.
pub(super) struct Tagged {
    pub(super) pages: HashMap<String, PageFacts>,
    pub(super) caches: Option<Caches>,
    /// Pages that name a manifest which is none, on a site that then has an ordinary worker.
    pub(super) warnings: Vec<Warning>,
}

/// The application caches of a site.
pub(super) struct Caches {
    /// A page that makes it such a site, and what it names.
    example: (String, String),
    /// Manifests of the folder, with their bytes.
    manifests: BTreeMap<String, Vec<u8>>,
    tag: Option<Tag>,
}

impl Caches {
    /// What is for the other worker alone has no meaning here.
    pub(super) fn refuse(&self, key: &str) -> BuildError {
        BuildError::NotForAppcache {
            key: key.to_owned(),
            page: self.example.0.clone(),
        }
    }
}

impl Planner<'_> {
    /// Reads the pages as those of the kind of site that they make it.
    pub(super) fn tagged(
        &self,
        walk: &Walk,
        stamps: &HashMap<&str, FileStamp>,
        client: &str,
        memory: &mut Memory,
    ) -> Result<Tagged, Stop> {
        let inject = self.config.worker.inject;
        let shim = Tag::shim(&runtime::shim(self.config)?);
        let client = Tag::Client(client.to_owned());
        // A site seldom becomes one of the other kind, and then its pages are looked at twice.
        let mut shimmed = memory.shimmed;
        loop {
            let tag = inject.then_some(if shimmed { &shim } else { &client });
            let pages = self.pages(walk, tag, memory)?;
            let (mut caches, warnings) = self.application_caches(&pages, stamps)?;
            if let Some(caches) = &mut caches {
                caches.tag = inject.then(|| shim.clone());
            }
            if !inject || caches.is_some() == shimmed {
                return Ok(Tagged {
                    pages,
                    caches,
                    warnings,
                });
            }
            shimmed = caches.is_some();
        }
    }

    /// The manifests that pages name.
    fn application_caches(
        &self,
        pages: &HashMap<String, PageFacts>,
        stamps: &HashMap<&str, FileStamp>,
    ) -> Result<(Option<Caches>, Vec<Warning>), Stop> {
        let enabled = self.config.appcache.enabled;
        if enabled == Some(false) {
            return Ok((None, Vec::new()));
        }
        let known: HashSet<&str> = stamps.keys().copied().collect();
        let addresses = Addresses::new(&self.config.site.base, None, &known);
        let mut named: BTreeMap<(&str, Option<String>), &str> = BTreeMap::new();
        for (page, facts) in pages {
            let Some(url) = facts.appcache.as_deref() else {
                continue;
            };
            let from = addresses.of(page, None);
            let file = match from.and_then(|from| addresses.resolve(&from, url)) {
                Some(Target::File { path, .. }) => Some(path),
                _ => None,
            };
            let first = named.entry((url, file)).or_insert(page);
            *first = (*first).min(page);
        }
        let mut manifests = BTreeMap::new();
        let mut warnings = Vec::new();
        for ((url, file), page) in &named {
            let why = match file {
                None => "it is not in the folder".to_owned(),
                Some(file) => {
                    let bytes = self.read(file, stamps[&**file])?;
                    let url = deployed(&addresses, file)?;
                    match Manifest::parse(&bytes, &url, &Profile::STANDARD) {
                        Err(none) => none.to_string(),
                        Ok(_) => {
                            manifests.insert(file.clone(), bytes);
                            continue;
                        }
                    }
                }
            };
            warnings.push(Warning::NoAppcacheManifest {
                url: (*url).to_owned(),
                by: (*page).to_owned(),
                why,
            });
        }
        let example = named
            .iter()
            .find(|((_, file), _)| file.as_ref().is_some_and(|it| manifests.contains_key(it)))
            .or_else(|| named.iter().next().filter(|_| enabled == Some(true)))
            .map(|((url, _), page)| ((*page).to_owned(), (*url).to_owned()));
        if example.is_none() && enabled == Some(true) {
            let attribute = &self.config.appcache.attribute;
            return Err(Stop::Error(BuildError::Config {
                key: "appcache.enabled",
                value: "true".into(),
                why: format!("no page has the attribute `{attribute}` on its `<html>`"),
            }));
        }
        let caches = example.map(|example| Caches {
            example,
            manifests,
            tag: None,
        });
        Ok((caches, warnings))
    }

    /// What lies over a site of application caches.
    pub(super) fn over_appcache(
        &self,
        walk: &Walk,
        stamps: &HashMap<&str, FileStamp>,
        hosted: &Hosted<'_>,
        tagged: Tagged,
        caches: &Caches,
    ) -> Result<Overlay, Stop> {
        self.refuse_precaching_keys(caches)?;
        let tag = self.allowed(&tagged.pages, hosted, caches)?;
        let development = self.options.development;
        let worker = runtime::appcache_worker(&AppcacheWorker {
            site_id: development.unwrap_or(&self.config.worker.site_id),
            profile: self.config.appcache.profile,
            stall_ms: self.parsed.stall_ms,
            seizes: development.is_some(),
        })?;
        let mut files = self.files(walk, &tagged.pages, &HashMap::new());
        let mut hasher = Hasher::default();
        hasher.update(worker.as_bytes());
        let mut report = Report {
            worker: WorkerKind::Appcache,
            files: walk.files.len(),
            pages_tagged: tagged.pages.len(),
            runtime_bytes: (worker.len() + tag.len()) as u64,
            warnings: walk.warnings.clone(),
            ..Report::default()
        };
        report.warnings.extend(tagged.warnings);
        for (file, bytes) in &caches.manifests {
            hasher.update(bytes);
            if let Some(manifest) = files.get_mut(file) {
                // whatever its name looks like: it is asked for by each visit
                manifest.promise = Promise::None;
                // the commonest name of all, `cache.manifest`, says otherwise
                manifest.media_type = Some("text/cache-manifest; charset=utf-8");
            }
            let (cache, warnings) = self.application_cache(file, bytes, stamps)?;
            report.application_caches.push(cache);
            report.warnings.extend(warnings);
        }
        report.build = short(&hasher.finish());
        let worker = Generated {
            body: Body::Bytes(worker.into()),
            promise: Promise::None,
        };
        let mut generated = BTreeMap::from([(self.config.worker.name.clone(), worker)]);
        self.for_host(walk, hosted, &mut generated, &mut files, &mut report)?;
        if hosted.host == Host::Plain {
            report.notes.clear(); // what a host should know is about files that are kept ahead
        }
        report.warnings.sort();
        Ok(Overlay {
            build: report.build.clone(),
            prefixes: self.parsed.prefixes.clone(),
            generated,
            files,
            report,
        })
    }

    /// The tag, if every page's policy lets it run.
    fn allowed<'c>(
        &self,
        pages: &HashMap<String, PageFacts>,
        hosted: &Hosted<'_>,
        caches: &'c Caches,
    ) -> Result<&'c [u8], BuildError> {
        let Some(tag @ Tag::Shim { tag: text, sha256 }) = &caches.tag else {
            let (page, manifest) = caches.example.clone();
            return Err(BuildError::ShimNotInjected { page, manifest });
        };
        let by_host = |page: &str| match hosted.page(page).headers {
            PageHeaders::Known(fields) => fields.iter().any(|(name, value)| {
                name.eq_ignore_ascii_case("content-security-policy") && forbids_tag(value, tag)
            }),
            PageHeaders::Unknown(_) => false,
        };
        let mut paths: Vec<&String> = pages.keys().collect();
        paths.sort_unstable();
        for page in paths {
            let whose = match pages[page].tag_forbidden {
                true => "its own",
                // `serve` sends none
                false if self.options.development.is_none() && by_host(page) => {
                    "of its host's rules"
                }
                false => continue,
            };
            return Err(BuildError::ShimForbidden {
                page: page.clone(),
                whose,
                hash: csp_hash(sha256),
            });
        }
        Ok(text)
    }

    /// What one manifest comes to, and what its author may want to look at.
    fn application_cache(
        &self,
        file: &str,
        bytes: &[u8],
        stamps: &HashMap<&str, FileStamp>,
    ) -> Result<(ApplicationCache, Vec<Warning>), Stop> {
        let mut cache = ApplicationCache {
            manifest: file.to_owned(),
            ..ApplicationCache::default()
        };
        let mut warnings = Vec::new();
        let known: HashSet<&str> = stamps.keys().copied().collect();
        let addresses = Addresses::new(&self.config.site.base, None, &known);
        let url = deployed(&addresses, file)?;
        let profile = profile(self.config.appcache.profile);
        let Ok(manifest) = Manifest::parse(bytes, &url, &profile) else {
            return Ok((cache, warnings)); // it was one a moment ago
        };
        for listed in manifest.files() {
            cache.files += 1;
            // `Addresses` knows the site's own host by http
            let own = listed.host() == url.host();
            let mut listed = listed.clone();
            if own && listed.set_scheme("http").is_err() {
                continue;
            }
            let name = match own {
                true => listed[url::Position::BeforePath..].to_owned(),
                false => listed.to_string(),
            };
            let (url, by) = (name, file.to_owned());
            match addresses.resolve(&listed, listed.as_str()) {
                Some(Target::File { path, .. }) if cache.listed.insert(path.clone()) => {
                    cache.bytes += stamps[&*path].size;
                }
                Some(Target::Missing { .. }) => warnings.push(Warning::AppcacheMissing { url, by }),
                Some(Target::Elsewhere) => warnings.push(Warning::AppcacheElsewhere { url, by }),
                Some(Target::File { .. }) | None => {}
            }
        }
        for ignored in &manifest.ignored {
            warnings.push(Warning::AppcacheLine {
                file: file.to_owned(),
                line: ignored.line,
                why: ignored.why.code().to_owned(),
            });
        }
        Ok((cache, warnings))
    }
}

/// The URL of a file once it is deployed: over https, with a host that stands for the site's own.
fn deployed(addresses: &Addresses<'_>, file: &str) -> Result<Url, BuildError> {
    let url = addresses.of(file, None).and_then(|mut url| {
        url.set_scheme("https").ok()?;
        Some(url)
    });
    url.ok_or_else(|| BuildError::Runtime(format!("`{file}` has no URL")))
}

/// As the worker reads manifests; hosts are taken to give them their type.
fn profile(wanted: AppcacheProfile) -> Profile {
    match wanted {
        AppcacheProfile::Standard => Profile::STANDARD,
        AppcacheProfile::Compat => Profile::COMPAT.served_as(Some("text/cache-manifest")),
        AppcacheProfile::SameOriginHttps => Profile::SAME_ORIGIN_HTTPS,
    }
}

impl Planner<'_> {
    /// What was said for the other worker would be lost without a word.
    fn refuse_precaching_keys(&self, caches: &Caches) -> Result<(), BuildError> {
        let config = self.config;
        let found = changed(
            "site",
            &config.site,
            &SiteConfig::default(),
            &["base", "host", "prefixes"],
        )
        .or_else(|| {
            changed(
                "precache",
                &config.precache,
                &PrecacheConfig::default(),
                &[],
            )
        })
        .or_else(|| {
            let both = ["name", "inject", "site_id", "stall_seconds"];
            changed("worker", &config.worker, &WorkerConfig::default(), &both)
        })
        .or_else(|| config.prefetch.is_some().then(|| "prefetch".to_owned()))
        .or_else(|| (!config.routes.is_empty()).then(|| "route".to_owned()));
        found.map_or(Ok(()), |key| Err(caches.refuse(&key)))
    }
}

/// The first key of a table, beside these, whose value is not the default.
fn changed<T: Serialize>(table: &str, given: &T, default: &T, both: &[&str]) -> Option<String> {
    let keys = |config: &T| match serde_json::to_value(config) {
        Ok(Value::Object(keys)) => keys,
        _ => serde_json::Map::new(),
    };
    let defaults = keys(default);
    keys(given)
        .into_iter()
        .find(|(key, value)| !both.contains(&&**key) && defaults.get(key) != Some(value))
        .map(|(key, _)| format!("{table}.{key}"))
}
