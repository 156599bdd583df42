//! The part of `revisit.toml` that a build reads.
//!
//! Every key has a default; unknown keys are refused. The doc comments are the reference:
//! `docs/revisit.schema.json` is made of them.

mod appcache;
mod prefetch;
mod replaced;
mod route;

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use revisit_rules::site::host::Host;
use revisit_rules::site::names::Names;
use revisit_rules::site::pattern::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::BuildError;
use crate::prefixes::Prefixes;
use crate::routes::{Route, routes};

pub use appcache::{AppcacheConfig, AppcacheProfile};
pub use prefetch::{FollowConfig, PrefetchConfig};
pub use replaced::Replaced;
pub use route::{Credentials, FallbackOn, Recipe, RouteConfig, Strategy};

/// What a build needs to know of a site.
#[derive(Debug, Clone, Default)]
pub struct BuildConfig {
    /// `[site]`
    pub site: SiteConfig,
    /// `[names]`
    pub names: NamesConfig,
    /// `[precache]`
    pub precache: PrecacheConfig,
    /// `[worker]`
    pub worker: WorkerConfig,
    /// `[appcache]`
    pub appcache: AppcacheConfig,
    /// `[prefetch]`, if there is one.
    pub prefetch: Option<PrefetchConfig>,
    /// `[[route]]`, of which the first that matches answers.
    pub routes: Vec<RouteConfig>,
    /// Where patterns of files outside the site begin; empty for the working directory.
    pub folder: PathBuf,
}

/// Where the site lies and where a visit begins.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SiteConfig {
    /// URL path under which the site will be reached; it begins and ends with a slash.
    /// A worker answers below it and nowhere else. Default `/`.
    pub base: String,
    /// URL below which a CDN has the same files under the same paths, with a slash at its end, as
    /// bundlers write it into pages (`publicPath`): `https://cdn.example/site/`. What is asked of it is
    /// answered from the same cache, in pages of the site; packs still come from the site itself, and
    /// a large file that is used by the CDN's URL does not keep its compiled code. The first
    /// install takes what the page has loaded from there, if that lets other origins read it
    /// (`Access-Control-Allow-Origin`). Costs 0.4 kB of worker. Default none.
    pub cdn: Option<String>,
    /// Pages at which visits begin, as paths below the folder. They and what they load are the
    /// shell, which is precached before anything else. Default `["index.html"]`.
    pub entry: Vec<String>,
    /// How the header fields of pages become known, where the host is not known to say them: by
    /// asking for those of `each` page, or of three pages of a `folder`, whose other pages are then
    /// taken to have the same; if the three differ, each is asked. Default `each`.
    pub page_headers: AskPages,
    /// How a page is told to be that of this build: by the `hash` of its bytes, or by a `marker` in
    /// its script tag, for hosts that rewrite pages on their way (injected snippets, minifiers).
    /// Default `hash`.
    pub verify_pages: VerifyPages,
    /// Where the site is deployed: `plain` (nothing is taken for granted), `netlify` or
    /// `cloudflare-pages` (header rules are merged into `_headers`; `_redirects` is read),
    /// `github-pages` (no header can be set there), `nginx` (header rules are written to
    /// `revisit/nginx.conf`, to be included). `docs/hosts.md` says what each gives. `serve` answers
    /// by itself, whatever stands here. Default `plain`.
    #[schemars(schema_with = "host_schema")]
    pub host: Host,
    /// Where the host has folders of the site under other names: prefixes of paths below the folder,
    /// each with what stands in its place in URLs, such as `{ "static/" = "assets/" }`. The longest
    /// that fits is taken; all other keys and patterns mean paths of URLs. Files stay where they are
    /// on disk; the worker and `revisit/` lie at the folder's root, which the host must have at
    /// the base. `serve`, which knows no other names, refuses it. Default none.
    pub prefixes: BTreeMap<String, String>,
}

/// How the header fields of pages become known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AskPages {
    /// Each page is asked for its own.
    #[default]
    Each,
    /// Three pages of a folder are asked for all.
    Folder,
}

/// How a page is told to be that of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerifyPages {
    /// By its bytes.
    #[default]
    Hash,
    /// By a word in its script tag: the host may change the rest.
    Marker,
}

fn host_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": Host::ALL.map(Host::key) })
}

impl Default for SiteConfig {
    fn default() -> Self {
        Self {
            base: "/".into(),
            cdn: None,
            entry: vec!["index.html".into()],
            page_headers: AskPages::default(),
            verify_pages: VerifyPages::default(),
            host: Host::default(),
            prefixes: BTreeMap::new(),
        }
    }
}

/// Which file names promise that their content never changes. What neither list names is
/// guessed: `app-1a2b3c4d.js` and the like carry a hash, `lib-1.4.2.js` a version.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NamesConfig {
    /// Patterns of files whose names carry a hash of their content. Default none.
    pub hashed: Vec<String>,
    /// Patterns of files whose names look so but do not. Wins over `hashed`. Default none.
    pub plain: Vec<String>,
}

/// Which files are kept ahead of time.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PrecacheConfig {
    /// Patterns of files to keep. `?` is one character, `*` any but a slash, `**` any,
    /// `**/` any number of folders, `{a,b}` either. Default `["**"]`.
    pub include: Vec<String>,
    /// Patterns of files to leave out, beside those of `exclude_defaults`. A file that the shell
    /// loads is left out as well if a pattern says so. Default none.
    pub exclude: Vec<String>,
    /// Leave out what no visitor needs offline: source maps, `node_modules`, rules of hosts
    /// (`_headers`, `_redirects`), `robots.txt`, site maps, compressed twins (`.gz`, `.br`, `.zst`), and
    /// the pages of errors (`404.html`, `50x.html`), which many hosts answer with that very status.
    /// Default `true`.
    pub exclude_defaults: bool,
    /// Patterns of files that belong to the shell although no entry page loads them: they are
    /// there before the worker counts as installed. Default none.
    pub shell: Vec<String>,
    /// Patterns of files that are never kept ahead of time, but when they are first used. A file of
    /// the shell stays in the shell. Default none.
    pub lazy: Vec<String>,
    /// Most bytes that are kept ahead of time in all: the shell, which comes first and must fit, and
    /// what follows when the page is idle, smaller files before larger ones. What is over it is kept
    /// when it is first used. Default `26214400` (25 MiB).
    pub budget_bytes: u64,
    /// Most bytes of the shell, which a first visit waits for before it works offline. A build
    /// whose shell is larger is an error. Default: `budget_bytes`.
    pub shell_budget_bytes: Option<u64>,
    /// Most bytes that follow the shell when the page is idle. Default: what `budget_bytes` leaves.
    pub after_load_budget_bytes: Option<u64>,
    /// Most bytes of one file that is kept ahead of time; a larger one is kept when it is first used,
    /// unless it is of the shell. Default none.
    pub file_bytes_max: Option<u64>,
    /// Most bytes that a browser keeps of files that were first used, beside the others; beyond it
    /// those go that were kept first. `0`: none is kept. Default `52428800` (50 MiB).
    pub lazy_budget_bytes: u64,
    /// URLs of the site that are no files of its folder, such as pages that a server makes: one
    /// `[[precache.extra]]` each. They count in no budget; `serve`, which makes no pages, passes over
    /// them. Default none.
    pub extra: Vec<ExtraConfig>,
}

/// A URL that is kept with the header fields that it comes with, though no file tells its bytes: any
/// answer that is a success is taken for it. Each visitor keeps what the server gave to him.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraConfig {
    /// Its URL path, such as `/shop/cart`, without a query. It alone is answered, with or without
    /// parameters that are ignored. If the server refuses it, a build that keeps it ahead of time is
    /// not complete.
    pub url: String,
    /// A word that changes when the page is to be fetched anew; empty: with each build that differs
    /// from the last. Needed where there is no `depends`.
    pub revision: Option<String>,
    /// Patterns of files, relative to this config, whose content decides when the page is fetched
    /// anew: its templates, say. Hidden ones and `node_modules` are passed over. Default none.
    #[serde(default)]
    pub depends: Vec<String>,
    /// When it is kept: `shell` (a visitor waits for it), `after-load` or `lazy` (when it is first
    /// used). Default `after-load`.
    #[serde(default)]
    pub group: ExtraGroup,
}

/// When an extra entry is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExtraGroup {
    /// Before the worker counts as installed.
    Shell,
    /// When the page is idle.
    #[default]
    AfterLoad,
    /// When it is first used.
    Lazy,
}

impl Default for PrecacheConfig {
    fn default() -> Self {
        Self {
            include: vec!["**".into()],
            exclude: Vec::new(),
            exclude_defaults: true,
            shell: Vec::new(),
            lazy: Vec::new(),
            budget_bytes: 25 << 20,
            shell_budget_bytes: None,
            after_load_budget_bytes: None,
            file_bytes_max: None,
            lazy_budget_bytes: 50 << 20,
            extra: Vec::new(),
        }
    }
}

/// When a new build takes the place of the old one in a visitor's browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateMode {
    /// When the page calls `revisit.update()`, or all pages of the site were closed.
    #[default]
    Prompt,
    /// At the next navigation, a reload included, when no second page of the site is open.
    NextVisit,
    /// As soon as it is installed. Open pages keep the files that they were loaded with.
    Immediate,
}

/// How the service worker behaves.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// File name of the worker, directly below the folder. Flag `--worker-name`. Default `sw.js`.
    pub name: String,
    /// Put one script tag into each page, which registers the worker and offers
    /// `window.revisit`. Flag `--no-inject`. Default `true`.
    pub inject: bool,
    /// `prompt`, `next-visit` or `immediate`. Default `prompt`.
    pub update: UpdateMode,
    /// Query parameters that do not change what a URL means; a `*` at the end of a name stands
    /// for any rest. Default `["utm_*", "fbclid", "gclid", "msclkid"]`.
    pub ignore_parameters: Vec<String>,
    /// Page shown when a navigation finds neither cache nor network; empty for none.
    /// Default `offline.html`, if there is one.
    pub offline_page: Option<String>,
    /// Page that answers navigations to paths without a file, for sites that draw their pages
    /// in the browser. Never answers a path whose last part has an ending. Default none.
    pub fallback: Option<String>,
    /// Patterns of the paths that `fallback` may answer. Default `["**"]`.
    pub fallback_allow: Vec<String>,
    /// Patterns of the paths that `fallback` must not answer, beside `api` and `api/**`.
    /// Default none.
    pub fallback_deny: Vec<String>,
    /// Paths such as `api/`, each with a slash at its end, below which the worker answers nothing but
    /// navigations. If there are any, requests below them, and all with other methods than GET, go past
    /// the worker by static routes where the browser has these: a sleeping worker is not woken for
    /// them, which saves some ten milliseconds each. Code of `extend` does not see them. Default none.
    pub network: Vec<String>,
    /// Seconds for which a request of the worker may stay silent before it is given up and tried
    /// again; a slow one that keeps arriving has no limit. Default `30`.
    pub stall_seconds: NonZeroU32,
    /// Minutes after which a page that stays open asks the server for a newer build, when it is
    /// looked at; `0` for never. Browsers ask by themselves when a page is loaded. Default `60`.
    pub check_minutes: u32,
    /// A word that tells this site's caches from those of another site with the same address.
    /// Changing it makes every visitor install anew. Default empty.
    pub site_id: String,
    /// File with code of your own for the worker, such as a `push` listener, relative to this
    /// config; it runs before ours, in a function of its own. A `fetch` listener of it that calls
    /// `respondWith` answers in our place, offline too; a classic script, at most 1 MiB, taken as
    /// it is. If `self.__WB_MANIFEST` or `self.__REVISIT_MANIFEST` stands in it, it is the whole worker
    /// and that becomes the list of files (`docs/coming-from.md`). Flag `--inject`, relative to the
    /// working directory. Default none.
    pub extend: Option<PathBuf>,
    /// Scripts that the worker loads by `importScripts` after ours, in this order: paths of files of
    /// the site, or URLs. For listeners of `push`, `message` and the like; one of `fetch` is asked only
    /// for what ours has ruled out at once, and belongs into `extend`, where `importScripts` may be
    /// called too. A change of such a file is an update; one that cannot be loaded keeps the worker
    /// from being installed. Default none.
    pub import_scripts: Vec<String>,
    /// Tools whose worker this one replaces, `workbox` or `sw-precache`, under the same scope: what
    /// they have kept ahead of time is taken over where it is as this build has it, without a
    /// request, and the rest of it goes when nothing of the build lacks any more. `serve` passes over it.
    /// Costs 0.4 kB of worker: to be taken out when all visitors were here again. Default none.
    pub replaces: Vec<Replaced>,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            name: "sw.js".into(),
            inject: true,
            update: UpdateMode::default(),
            ignore_parameters: ["utm_*", "fbclid", "gclid", "msclkid"]
                .map(String::from)
                .into(),
            offline_page: None,
            fallback: None,
            fallback_allow: vec!["**".into()],
            fallback_deny: Vec::new(),
            network: Vec::new(),
            stall_seconds: NonZeroU32::MIN.saturating_add(29),
            check_minutes: 60,
            site_id: String::new(),
            extend: None,
            import_scripts: Vec::new(),
            replaces: Vec::new(),
        }
    }
}

/// The config with its strings read once into what they mean.
pub(crate) struct Parsed {
    pub(crate) prefixes: Prefixes,
    pub(crate) cdn: Option<Url>,
    pub(crate) names: Names,
    pub(crate) include: Vec<Pattern>,
    pub(crate) exclude: Vec<Pattern>,
    pub(crate) shell: Vec<Pattern>,
    pub(crate) lazy: Vec<Pattern>,
    /// The ignored parameters as a regular expression of literal words.
    pub(crate) ignore: String,
    pub(crate) allow: Vec<Pattern>,
    pub(crate) deny: Vec<Pattern>,
    pub(crate) stall_ms: NonZeroU64,
    /// What the worker reads of `[prefetch]`, if there is one.
    pub(crate) prefetch: Option<Value>,
    pub(crate) routes: Vec<Route>,
}

impl BuildConfig {
    /// Reads patterns, paths and names; the first that means nothing is the error.
    pub(crate) fn parse(&self) -> Result<Parsed, BuildError> {
        let base = &self.site.base;
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        if !base.starts_with('/')
            || !base.ends_with('/')
            || base.contains("//")
            || !base.chars().all(plain)
        {
            return refuse(
                "site.base",
                base,
                "it is a URL path such as `/` or `/shop/`",
            );
        }
        let name = &self.worker.name;
        if !name.ends_with(".js")
            || name.starts_with('.')
            || name.contains('/')
            || !name.chars().all(plain)
        {
            return refuse(
                "worker.name",
                name,
                "it is a plain file name that ends in `.js`, directly below the folder",
            );
        }
        if self.worker.site_id.contains('|') {
            return refuse(
                "worker.site_id",
                &self.worker.site_id,
                "it must not contain `|`",
            );
        }
        if self.worker.stall_seconds.get() > STALL_SECONDS_MAX {
            let value = self.worker.stall_seconds.to_string();
            return refuse(
                "worker.stall_seconds",
                &value,
                "a day, `86400`, is the most",
            );
        }
        let is_prefix = |path: &&String| {
            path.ends_with('/') && !path.starts_with('/') && path.chars().all(plain)
        };
        if let Some(path) = self.worker.network.iter().find(|path| !is_prefix(path)) {
            return refuse(
                "worker.network",
                path,
                "it is a path below the site's base such as `api/`, of letters, digits and `-._~`",
            );
        }
        if self.worker.network.len() > NETWORK_MAX {
            let count = self.worker.network.len().to_string();
            return refuse("worker.network", &count, "browsers take about 100 of them");
        }
        if self.site.entry.is_empty() {
            return refuse("site.entry", "[]", "a site has at least one entry page");
        }
        let mut exclude = patterns("precache.exclude", &self.precache.exclude)?;
        if self.precache.exclude_defaults {
            exclude.extend(patterns(
                "precache.exclude_defaults",
                &EXCLUDE_DEFAULTS.map(String::from),
            )?);
        }
        Ok(Parsed {
            prefixes: Prefixes::parse(&self.site.prefixes)?,
            cdn: self.site.cdn.as_deref().map(cdn).transpose()?,
            names: Names {
                hashed: patterns("names.hashed", &self.names.hashed)?,
                plain: patterns("names.plain", &self.names.plain)?,
            },
            include: patterns("precache.include", &self.precache.include)?,
            exclude,
            shell: patterns("precache.shell", &self.precache.shell)?,
            lazy: patterns("precache.lazy", &self.precache.lazy)?,
            ignore: ignore(&self.worker.ignore_parameters)?,
            allow: patterns("worker.fallback_allow", &self.worker.fallback_allow)?,
            deny: [
                patterns("worker.fallback_deny", &["api".into(), "api/**".into()])?,
                patterns("worker.fallback_deny", &self.worker.fallback_deny)?,
            ]
            .concat(),
            stall_ms: NonZeroU64::from(self.worker.stall_seconds)
                .saturating_mul(NonZeroU64::MIN.saturating_add(999)),
            prefetch: match &self.prefetch {
                None => None,
                Some(prefetch) => {
                    let below = |path: &String| format!("{base}{path}");
                    let past: Vec<String> = self.worker.network.iter().map(below).collect();
                    Some(prefetch.values(&past)?)
                }
            },
            routes: routes(self)?,
        })
    }
}

fn refuse<T>(key: &'static str, value: &str, why: &str) -> Result<T, BuildError> {
    Err(BuildError::Config {
        key,
        value: value.to_owned(),
        why: why.to_owned(),
    })
}

/// The URL of a CDN, which has files below it and nothing else to say.
pub(crate) fn cdn(text: &str) -> Result<Url, BuildError> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.path().ends_with('/')
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    match url {
        Some(url) => Ok(url),
        None => refuse(
            "site.cdn",
            text,
            "it is a whole URL such as `https://cdn.example/site/`, with a slash at its end",
        ),
    }
}

/// `["utm_*", "fbclid"]` as `^(utm_|fbclid$)`, which the worker compiles; of none, what matches none.
fn ignore(names: &[String]) -> Result<String, BuildError> {
    let words: Vec<String> = names
        .iter()
        .map(|name| {
            let (word, end) = match name.strip_suffix('*') {
                Some(start) => (start, ""),
                None => (&**name, "$"),
            };
            if word.is_empty() || word.contains(['*', '?', '{', '}']) {
                return refuse(
                    "worker.ignore_parameters",
                    name,
                    "it is the name of a parameter, with a `*` at its end at the most",
                );
            }
            let mut literal = String::new();
            for char in word.chars() {
                if !char.is_ascii_alphanumeric() && char.is_ascii() && char != '_' {
                    literal.push('\\');
                }
                literal.push(char);
            }
            Ok(literal + end)
        })
        .collect::<Result<_, _>>()?;
    Ok(if words.is_empty() {
        "^(?!)".into()
    } else {
        format!("^({})", words.join("|"))
    })
}

fn patterns(key: &'static str, list: &[String]) -> Result<Vec<Pattern>, BuildError> {
    list.iter()
        .map(|text| {
            Pattern::new(text).map_err(|why| BuildError::Config {
                key,
                value: text.clone(),
                why: why.to_string(),
            })
        })
        .collect()
}

/// Three conditions each, of the 1,024 that Chromium takes.
const NETWORK_MAX: usize = 100;

/// Timers of browsers hold about 24 days; nobody waits for one.
const STALL_SECONDS_MAX: u32 = 86_400;

/// What no visitor needs offline.
const EXCLUDE_DEFAULTS: [&str; 10] = [
    "**/{404,50x}.html",
    "**/*.map",
    "**/node_modules/**",
    "**/{_headers,_redirects,_routes.json,_worker.js,CNAME}",
    "robots.txt",
    "sitemap*.xml",
    "**/*.{gz,br,zst}",
    "**/{Thumbs.db,desktop.ini}",
    "{revisit.toml,netlify.toml,vercel.json,package.json,package-lock.json}",
    "**/*.{php,cgi,htaccess}",
];

#[cfg(test)]
mod tests;
