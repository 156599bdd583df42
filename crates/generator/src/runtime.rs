//! The JavaScript that is shipped: modules of `runtime/`, joined and minified.
//!
//! A site gets the modules that its features name and what those import, in one classic script.

mod join;

use std::num::NonZeroU64;

use serde_json::{Map, Value, json};

use crate::config::{
    AppcacheProfile, BuildConfig, FallbackOn, Parsed, Replaced, Strategy, UpdateMode,
};
use crate::content_hash::{sha256, short};
use crate::import_scripts::{self, ImportedScript};
use crate::own::OUTPUT;
use crate::routes::Route;
use crate::{BuildError, extension};
use join::{Features, join, minify};
use revisit_rules::site::pattern::Pattern;
use revisit_rules::site::routing::Origin;

/// What a worker of this site must know and do.
pub(crate) struct Worker<'a> {
    pub(crate) build: &'a str,
    pub(crate) site_id: &'a str,
    pub(crate) update: UpdateMode,
    pub(crate) offline: Option<&'a str>,
    pub(crate) fallback: Option<&'a str>,
    /// For `serve`: another site's worker at the same address is replaced at once, and what packs
    /// lack comes in one answer.
    pub(crate) take_over: bool,
    /// Some files are kept when they are first used, in so many bytes.
    pub(crate) lazy: bool,
    pub(crate) lazy_bytes: u64,
    /// Pages lie in packs whose header fields must be asked for.
    pub(crate) asked: bool,
    pub(crate) by_folder: bool,
    /// Paths below which nothing is ever ours.
    pub(crate) network: &'a [String],
    /// Code of the site's own, which comes first.
    pub(crate) extension: Option<&'a str>,
    /// Tools whose caches it takes over.
    pub(crate) replaces: &'a [Replaced],
    /// What it loads after all of ours.
    pub(crate) imports: &'a [ImportedScript],
}

/// The service worker of a build.
pub(crate) fn worker(wanted: &Worker<'_>, config: &Parsed) -> Result<String, BuildError> {
    let mut values = Map::new();
    values.insert("site".into(), json!(wanted.site_id));
    values.insert("build".into(), json!(wanted.build));
    values.insert("stallMs".into(), json!(config.stall_ms));
    values.insert("ignore".into(), json!(config.ignore));
    let mut imports = vec![("start", "start.js")];
    let mut features: Vec<(&str, &str)> = Vec::new();
    match wanted.update {
        UpdateMode::Prompt => {}
        UpdateMode::NextVisit => {
            imports.push(("nextVisit", "next-visit.js"));
            features.push(("arrive", "nextVisit"));
        }
        UpdateMode::Immediate => {
            imports.push(("immediate", "immediate.js"));
            features.push(("installed", "immediate"));
        }
    }
    if wanted.take_over {
        imports.push(("reloadPages, seize", "take-over.js"));
        imports.push(("measure", "measure.js"));
        features.push(("activated", "reloadPages"));
        features.push(("measure", "measure"));
        features.retain(|(key, _)| *key != "installed");
        features.push(match wanted.update {
            UpdateMode::Immediate => ("installed", "() => seize().then(immediate)"),
            _ => ("installed", "seize"),
        });
    }
    if !wanted.take_over && !wanted.site_id.is_empty() {
        imports.push(("forgetOthers", "take-over.js"));
        features.push(("activated", "forgetOthers"));
    }
    if let Some(page) = wanted.fallback {
        imports.push(("fallback", "fallback.js"));
        features.push(("fallback", "fallback"));
        values.insert("fallback".into(), json!(page));
        if config.allow.iter().all(|pattern| pattern.written() != "**") {
            values.insert("allow".into(), expanded(&config.allow));
        }
        values.insert("deny".into(), expanded(&config.deny));
    }
    if let Some(page) = wanted.offline {
        imports.push(("offline", "offline.js"));
        features.push(("missing", "offline"));
        values.insert("offline".into(), json!(page));
    }
    if wanted.lazy {
        imports.push(("lazy", "lazy.js"));
        features.push(("lazy", "lazy"));
        values.insert("lazyBytes".into(), json!(wanted.lazy_bytes));
    }
    if !wanted.network.is_empty() {
        imports.push(("routes", "routes.js"));
        features.push(("routes", "routes"));
        values.insert("network".into(), json!(wanted.network));
    }
    // `serve` sends all that lacks in one answer
    if !wanted.take_over && !wanted.replaces.is_empty() {
        imports.push(("takeFromOthers", "replaces.js"));
        features.push(("measure", "takeFromOthers"));
        values.insert("replaces".into(), json!(caches_of(wanted.replaces)));
    }
    if let Some(cdn) = &config.cdn {
        imports.push(("abroad, copies, home", "cdn.js"));
        features.extend([("abroad", "abroad"), ("copies", "copies"), ("home", "home")]);
        values.insert("cdn".into(), json!(cdn.as_str()));
    }
    if let Some(prefetch) = &config.prefetch {
        imports.extend([("ahead", "ahead.js"), ("hearPages", "prefetch.js")]);
        features.push(("ahead", "ahead"));
        if !config.routes.is_empty() {
            imports.extend([("kept", "ahead.js"), ("keyOf", "from.js")]);
            features.extend([("kept", "kept"), ("keyOf", "keyOf")]);
        }
        values.insert("prefetch".into(), prefetch.clone());
    }
    if wanted.asked {
        imports.push(("asked, head, refresh", "asked.js"));
        features.extend([("asked", "asked"), ("head", "head"), ("refresh", "refresh")]);
        if wanted.by_folder {
            values.insert("byFolder".into(), json!(true));
        }
    }
    let strategies = add_routes(config, &mut imports, &mut features, &mut values);
    // Stashes are tidied as long as somebody keeps anything in one.
    if config.prefetch.is_some() || config.routes.iter().any(Route::keeps) {
        imports.push(("tidied", "tidy-stashes.js"));
        features.push(("tidied", "tidied"));
    }
    let mut entry = String::new();
    for (names, file) in imports {
        entry.push_str(&format!("import {{ {names} }} from './{file}'\n"));
    }
    if !strategies.is_empty() {
        let names = strategies.join(", ");
        entry.push_str(&format!("Object.assign(strategies, {{ {names} }})\n"));
    }
    entry.push_str("start()\n");
    if config.prefetch.is_some() {
        entry.push_str("hearPages()\n");
    }
    let config_module = format!(
        "const config = {}\nconst SPEAKS = {}\n",
        Value::Object(values),
        wanted.take_over,
    );
    let features = features.into_iter().collect();
    let joined = join(&entry, &config_module, &features, module)?;
    let extension = wanted.extension.map(extension::scoped).unwrap_or_default();
    let imports = import_scripts::statement(wanted.imports);
    Ok(format!(
        "{MARK}{extension}{}{imports}",
        minify(&joined, Some(OWN_PROPERTIES))?
    ))
}

/// Adds what the site's routes use; gives the names of their strategies.
fn add_routes(
    config: &Parsed,
    imports: &mut Vec<(&str, &str)>,
    features: &mut Vec<(&str, &str)>,
    values: &mut Map<String, Value>,
) -> Vec<&'static str> {
    let routes = &config.routes;
    if routes.is_empty() {
        return Vec::new();
    }
    let any = |used: &dyn Fn(&Route) -> bool| routes.iter().any(used);
    values.insert(
        "routes".into(),
        routes.iter().map(Route::for_worker).collect(),
    );
    imports.push(("routed, routeFor, strategies", "routing.js"));
    features.extend([("routed", "routed"), ("routeFor", "routeFor")]);
    let mut strategies = Vec::new();
    for (strategy, file) in STRATEGIES {
        if any(&|route| route.strategy == strategy) {
            imports.push((strategy.feature(), file));
            strategies.push(strategy.feature());
        }
    }
    for (feature, file, used) in [
        (
            "upgraded",
            "upgrade.js",
            any(&|route| route.keeps() && route.rule.origin != Origin::Own),
        ),
        (
            "changed",
            "broadcast.js",
            any(&|route| route.keys.broadcast),
        ),
        (
            "substitute",
            "substitute.js",
            any(&|route| route.keys.fallback.is_some()),
        ),
        (
            "instead",
            "instead.js",
            any(&|route| route.keys.fallback_on == FallbackOn::Failure),
        ),
        ("preloaded", "preload.js", any(&|route| route.keys.preload)),
    ] {
        if used {
            imports.push((feature, file));
            features.push((feature, feature));
        }
    }
    strategies
}

/// How the names of their caches begin, before the scope: a prefix of the site's own in Workbox, its
/// `cacheId` in sw-precache.
fn caches_of(tools: &[Replaced]) -> String {
    let names: Vec<&str> = tools
        .iter()
        .map(|tool| match tool {
            Replaced::Workbox => r"^.+-precache-v\d+-$",
            Replaced::SwPrecache => r"^sw-precache-v\d+-.*-$",
        })
        .collect();
    names.join("|")
}

/// The page client, which registers the worker and looks for a newer build every so many minutes.
pub(crate) fn client(config: &BuildConfig) -> Result<String, BuildError> {
    let entry = match &config.prefetch {
        None => "import { Revisit, begin } from './client.js'\nbegin(new Revisit())\n",
        Some(_) => {
            "import { begin } from './client.js'\n\
             import { PrefetchingRevisit } from './prefetch.js'\n\
             import { heed } from './hints.js'\n\
             const made = new PrefetchingRevisit()\nbegin(made)\nheed(made)\n"
        }
    };
    let values = format!(
        "const WORKER = {}, CHECK_MS = {}\n",
        json!(config.worker.name),
        u64::from(config.worker.check_minutes) * 60_000
    );
    minify(
        &join(entry, &values, &Features::new(), client_module)?,
        None,
    )
}

/// The path of a page client below the site's folder.
pub(crate) fn client_path(client: impl AsRef<[u8]>) -> String {
    format!("{OUTPUT}/client-{}.js", short(&sha256(client.as_ref())))
}

/// The worker that removes itself; `reload`: it also loads open pages anew.
///
/// # Errors
/// [`BuildError::Runtime`] only.
pub fn uninstaller(reload: bool) -> Result<String, BuildError> {
    let text = minify(
        &format!("(() => {{ const RELOAD = {reload};\n{UNINSTALL}\n}})()"),
        None,
    )?;
    Ok(format!("{MARK}{text}"))
}

/// The worker that keeps and answers nothing, for development.
pub(crate) fn dev_worker() -> Result<String, BuildError> {
    Ok(format!(
        "{MARK}{}",
        minify(&format!("(() => {{\n{DEV}\n}})()"), None)?
    ))
}

/// A worker of the site's own, so that it is known again.
pub(crate) fn marked(text: &str) -> String {
    format!("{MARK}{text}")
}

/// Was this worker script written by a build of ours?
pub(crate) fn is_ours(script: &[u8]) -> bool {
    script.starts_with(MARK.as_bytes())
}

fn expanded(patterns: &[Pattern]) -> Value {
    patterns
        .iter()
        .flat_map(Pattern::alternatives)
        .cloned()
        .collect::<Vec<_>>()
        .into()
}

macro_rules! modules {
    ($name:ident, $folder:literal, $($file:literal),* $(,)?) => {
        fn $name(file: &str) -> Result<&'static str, BuildError> {
            match file {
                $($file => Ok(include_str!(concat!("../runtime/", $folder, "/", $file))),)*
                _ => Err(BuildError::Runtime(format!("no module `{file}`"))),
            }
        }
    };
}

modules!(
    client_module,
    "client",
    "client.js",
    "hints.js",
    "prefetch.js"
);

modules!(
    appcache_module,
    "appcache",
    "fetching.js",
    "fresh.js",
    "hosts.js",
    "library.js",
    "parse.js",
    "room.js",
    "rules.js",
    "serve.js",
    "start.js",
    "update.js",
    "../worker/global.js",
    "../worker/wake.js",
);

modules!(
    module,
    "worker",
    "answer.js",
    "asked.js",
    "broadcast.js",
    "cache-first.js",
    "cache-only.js",
    "cdn.js",
    "clean.js",
    "download.js",
    "ensure.js",
    "errand.js",
    "explain.js",
    "fallback.js",
    "features.js",
    "follow.js",
    "generation.js",
    "global.js",
    "greet.js",
    "html.js",
    "immediate.js",
    "instead.js",
    "keep.js",
    "ahead.js",
    "lazy.js",
    "measure.js",
    "network-first.js",
    "network-only.js",
    "next-visit.js",
    "from.js",
    "offline.js",
    "pattern.js",
    "prefetch.js",
    "preload.js",
    "replaces.js",
    "route.js",
    "routes.js",
    "routing.js",
    "save.js",
    "stale-while-revalidate.js",
    "start.js",
    "stash.js",
    "substitute.js",
    "tabs.js",
    "take-over.js",
    "tell.js",
    "tidy-stashes.js",
    "upgrade.js",
    "wake.js",
);

/// Properties that only our own modules name, on objects that never leave the worker: these may
/// be shortened. No name of a web API, of a message or of a manifest stands here.
const OWN_PROPERTIES: &str = "^(home|hash|packs|firsts|cuts|parts|pack|at|group|file|elsewhere|bytes|response|gzip|alone|later|\
     target|make|until|packed|hand|measure)$";

/// The worker of a site of application caches.
pub(crate) fn appcache_worker(wanted: &AppcacheWorker<'_>) -> Result<String, BuildError> {
    let config = json!({
        "site": wanted.site_id,
        "profile": match wanted.profile {
            AppcacheProfile::Standard => json!({}),
            AppcacheProfile::Compat => json!({
                "schemeWildcards": true,
                "typeWidensPath": true,
                "skipsNoStore": true,
                "takesOpaque": true,
            }),
            AppcacheProfile::SameOriginHttps => json!({ "crossOriginHttpsExplicit": false }),
        },
        "stallMs": wanted.stall_ms,
        "seizes": wanted.seizes,
    });
    let joined = join(
        "import './start.js'\n",
        &format!("const config = {config}\n"),
        &Features::new(),
        appcache_module,
    )?;
    Ok(format!("{MARK}{}", minify(&joined, None)?))
}

/// What a worker of a site of application caches must know.
pub(crate) struct AppcacheWorker<'a> {
    pub(crate) site_id: &'a str,
    pub(crate) profile: AppcacheProfile,
    pub(crate) stall_ms: NonZeroU64,
    /// For `serve`: another site's worker at the same address is replaced at once.
    pub(crate) seizes: bool,
}

/// The script that gives a page `window.applicationCache`; it stands in the page itself.
pub(crate) fn shim(config: &BuildConfig) -> Result<String, BuildError> {
    let base = &config.site.base;
    let text = format!(
        "(() => {{ const WORKER = {}, SCOPE = {}, ATTRIBUTE = {};\n{SHIM}\n}})()",
        json!(format!("{base}{}", config.worker.name)),
        json!(base),
        json!(config.appcache.attribute),
    );
    minify(&text, None)
}

/// Modules for workers of the sites' own, by their names: each is plain JavaScript that a bundler takes.
pub fn worker_modules() -> [(&'static str, &'static str); 3] {
    [
        ("precache.js", include_str!("../runtime/worker/precache.js")),
        ("route.js", include_str!("../runtime/worker/route.js")),
        ("pattern.js", include_str!("../runtime/worker/pattern.js")),
    ]
}

const SHIM: &str = include_str!("../runtime/appcache/page/shim.js");
const DEV: &str = include_str!("../runtime/dev/dev.js");
const UNINSTALL: &str = include_str!("../runtime/uninstall/uninstall.js");

/// The module of each strategy.
const STRATEGIES: [(Strategy, &str); 5] = [
    (Strategy::CacheFirst, "cache-first.js"),
    (Strategy::NetworkFirst, "network-first.js"),
    (Strategy::StaleWhileRevalidate, "stale-while-revalidate.js"),
    (Strategy::CacheOnly, "cache-only.js"),
    (Strategy::NetworkOnly, "network-only.js"),
];

/// The first bytes of a worker of ours: what may be overwritten.
const MARK: &str = "/*revisit*/";

#[cfg(test)]
mod tests;
