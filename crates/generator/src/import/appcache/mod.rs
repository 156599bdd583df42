//! An AppCache manifest in, a `revisit.toml` out: what it kept is precached, what it fell back to is a route.
//!
//! [`lint`] says what is odd about the manifest and about the site beside it. The behaviour that both stand for is
//! `revisit_rules::appcache`; `docs/coming-from.md` says of each section what it becomes.

mod lint;
mod places;
mod routes;
mod site;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use revisit_rules::appcache::{Manifest, Mode, NoSignature, Profile, Section, Why};
use url::Url;

use super::draft::{Draft, Toml};
use super::{ImportError, Imported, Tool};
use places::Places;
use site::{SiteAround, file_of, url_of};

/// Whether a file of this name and with these bytes is an AppCache manifest, rather than a script or JSON.
pub fn is_manifest(name: &str, bytes: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    [".appcache", ".manifest", ".mf"]
        .iter()
        .any(|ending| name.ends_with(ending))
        || text.starts_with(b"CACHE MANIFEST")
}

/// Reads the AppCache manifest in `bytes`. It lies at `path` below the site's folder; `site` is that folder, if it is
/// known: then pages that name the manifest are found, and files that are missing.
///
/// # Errors
/// [`ImportError::NoAppCache`] if it does not begin with its signature.
pub fn import_manifest(
    bytes: &[u8],
    path: &str,
    site: Option<&Path>,
) -> Result<Imported, ImportError> {
    let base = url_of(path);
    let manifest = Manifest::parse(bytes, &base, &Profile::STANDARD)
        .map_err(|NoSignature { looks_like }| ImportError::NoAppCache { looks_like })?;
    let around = site.map(|folder| SiteAround::look(folder, &base));
    let places = manifest.places.iter();
    let mut import = Import {
        lines: places
            .map(|it| ((it.section, it.url.clone()), it.line))
            .collect(),
        manifest: &manifest,
        site: around.as_ref(),
        draft: Draft::default(),
        kept: Vec::new(),
        is_kept: HashSet::new(),
        places: Places::default(),
    };
    import.explicit();
    import.routes();
    import.wildcard();
    import.pages();
    import.ignored();
    import.settle();
    let mut draft = import.draft;
    lint::manifest(&mut draft, &manifest);
    if let Some(site) = &around {
        lint::site(&mut draft, &manifest, path, site);
    }
    let mut findings = std::mem::take(&mut draft.findings);
    for finding in &mut findings {
        (finding.line, finding.column) = (finding.at.max(1), 1);
    }
    findings.sort_by_key(|finding| finding.at);
    let name = path.rsplit('/').next().unwrap_or(path);
    let head = super::head(name, Tool::AppCache, "", &findings);
    Ok(Imported {
        tool: Tool::AppCache,
        site: String::new(),
        toml: draft.text(&head),
        findings,
        notes: draft.notes,
    })
}

struct Import<'a> {
    manifest: &'a Manifest,
    lines: HashMap<(Section, Url), usize>,
    site: Option<&'a SiteAround>,
    draft: Draft,
    /// Files that are kept ahead of time, as paths below the folder.
    kept: Vec<String>,
    /// The same, to be looked up.
    is_kept: HashSet<String>,
    /// What there are routes for.
    places: Places,
}

impl Import<'_> {
    /// `CACHE:` becomes `[precache]`.
    fn explicit(&mut self) {
        let prefers_network = self.manifest.mode == Mode::PreferOnline;
        for url in &self.manifest.explicit {
            let line = self.line(Section::Explicit, url);
            if !is_own(url) {
                self.elsewhere(line, url);
                continue;
            }
            let option = format!("CACHE {}", shown(url));
            let file = file_of(url);
            if url.query().is_some_and(|query| !query.is_empty()) {
                self.draft.lost_at(&option, line, "a precached file has no query; name the parameter in `[worker] ignore_parameters` if it does not change what comes");
            } else if self.is_missing(&file) {
                self.draft.lost_at(&option, line, "there is no such file in the site, and an update would have ended on it; if a server makes it write a `[[precache.extra]]`");
            } else if prefers_network && file.ends_with(".html") {
                self.draft
                    .mapped_at(&option, line, "[[route]] of pages", None);
            } else {
                self.keep(file);
                self.draft
                    .mapped_at(&option, line, "[precache] include, shell", None);
            }
        }
    }

    /// A file of another origin: no build has its bytes.
    fn elsewhere(&mut self, line: usize, url: &Url) {
        let option = format!("CACHE {url}");
        if url.query().is_some() {
            self.draft.lost_at(
                &option,
                line,
                "it is of another origin, and a route looks at no query",
            );
            return;
        }
        let to = "[[route]] cache-first";
        let note =
            "kept when it is first used, and only if its host sends `Access-Control-Allow-Origin`";
        match self.route(url, false, "cache-first", None) {
            Ok(()) => self.draft.mapped_at(&option, line, to, Some(note)),
            Err(why) => self.draft.lost_at(&option, line, why),
        }
    }

    /// Pages that name the manifest were kept by being visited; those of the folder are known.
    fn pages(&mut self) {
        let Some(site) = self.site else {
            let why = "pages that name the manifest were kept when they were visited; give the site's folder by `--site` to have them kept ahead of time, and the page at which visits begin, without which no build is made";
            self.draft.notes.push(why.to_owned());
            return;
        };
        if self.manifest.mode == Mode::Fast {
            for page in &site.pages {
                self.keep(page.clone());
            }
        }
        // the page at which visits begin is kept whatever the manifest says: no build does without
        if site.has("index.html") {
            self.keep("index.html".to_owned());
        } else if let Some(page) = site.first_page() {
            let entry = Toml::Texts(vec![page.clone()]);
            self.draft.set("site", "entry", entry);
            self.keep(page.clone());
        }
    }

    /// `*` under `NETWORK:`, or not.
    fn wildcard(&mut self) {
        if self.manifest.network_wildcard {
            let why = "what nothing names comes from the network";
            self.draft.needless_at("NETWORK *", 0, why);
        } else {
            let why = match self.places.cover_all_of_the_site() {
                true => {
                    "without `*` the manifest lets nothing load from other origins, while its other lines have all of its own: here what is of other origins loads. To forbid it send a `Content-Security-Policy`"
                }
                false => {
                    "without `*` the manifest lets nothing else load, which most authors did not mean: here it comes from the network. To forbid it end with a `[[route]]` for `/**` that is `cache-only`"
                }
            };
            self.draft.lost_at("NETWORK (closed)", 0, why);
        }
    }

    /// Lines that had no effect in browsers have none here.
    fn ignored(&mut self) {
        for ignored in &self.manifest.ignored {
            let option = format!("line {}", ignored.line);
            let why = match ignored.why {
                Why::UnknownSection => "it stands under a header that nobody knew",
                Why::InvalidUrl => "it is no URL",
                Why::Scheme => "its scheme is not that of the site (taken for `https`)",
                Why::CrossOrigin => "it is of another origin",
                Why::FallbackNeedsTwoUrls => "a fallback is two URLs",
                Why::OutsideManifestPath => {
                    "its namespace lies outside the manifest's own folder; only browsers with `text/cache-manifest` as its type took it"
                }
                Why::DuplicateNamespace => "an earlier line has that namespace",
                Why::UnknownSetting => "there is no such setting",
            };
            let why = format!("browsers ignored it: {why}");
            self.draft.needless_at(&option, ignored.line, &why);
        }
    }

    /// What all of this comes to.
    fn settle(&mut self) {
        let patterns: Vec<String> = self.kept.iter().map(|it| routes::literal(it)).collect();
        self.draft.explain(
            "precache",
            "include",
            Toml::Texts(patterns.clone()),
            Some(
                "what the manifest kept, the pages that name it, and the one at which visits begin",
            ),
        );
        if !patterns.is_empty() {
            self.draft.explain(
                "precache",
                "shell",
                Toml::Texts(patterns),
                Some("all or nothing, as an application cache was"),
            );
        }
        self.draft.explain(
            "appcache",
            "enabled",
            Toml::Bool(false),
            Some(
                "pages may still name the manifest: without this they get a worker that follows it",
            ),
        );
        self.draft.explain(
            "worker",
            "update",
            Toml::Text("next-visit".into()),
            Some("as an application cache did: an open page keeps its files, the next load has the new ones"),
        );
    }

    fn keep(&mut self, file: String) {
        if self.is_kept.insert(file.clone()) {
            self.kept.push(file);
        }
    }

    fn is_missing(&self, file: &str) -> bool {
        self.site.is_some_and(|site| !site.has(file))
    }

    fn line(&self, section: Section, url: &Url) -> usize {
        self.lines
            .get(&(section, url.clone()))
            .copied()
            .unwrap_or_default()
    }
}

/// Whether a URL is of the site, whose origin nobody knows at this point.
fn is_own(url: &Url) -> bool {
    url.host_str() == Some(site::HOST)
}

/// A URL as the config knows it: a path of the site, or the whole.
fn shown(url: &Url) -> &str {
    match is_own(url) {
        true => &url[url::Position::BeforePath..],
        false => url.as_str(),
    }
}

#[cfg(test)]
mod tests;
