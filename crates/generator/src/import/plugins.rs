//! What plugins of bundlers add to Workbox: workbox-webpack-plugin, vite-plugin-pwa.

use super::draft::Toml;
use super::literal::{Node, Value, normalized};
use super::mapping::Mapping;
use super::options::VITE_PWA;
use super::{Tool, regex, workbox};

/// What the webpack plugin has and Workbox by itself has not.
pub(super) const WEBPACK_ONLY: [&str; 7] = [
    "chunks",
    "compileSrc",
    "exclude",
    "excludeChunks",
    "importScriptsViaChunks",
    "include",
    "webpackCompilationPlugins",
];

pub(super) fn webpack(mapping: &mut Mapping<'_>, name: &str, option: &str, node: &Node) {
    let chunks = "a folder has no chunks; name files, by `[precache] include` and `exclude`";
    let bundle = "a worker of your own is taken as it is: bundle it before";
    match name {
        "include" => {
            let patterns = mapping.regexes(option, node, file);
            if !patterns.is_empty() {
                mapping.draft.mapped(option, node, "[precache] include");
                mapping.draft.add("precache", "include", patterns);
            }
        }
        "exclude" => {
            let patterns = mapping.regexes(option, node, file);
            mapping.exclude(option, node, patterns);
        }
        "chunks" | "excludeChunks" | "importScriptsViaChunks" => {
            mapping.draft.lost(option, node, chunks);
        }
        _ => mapping.draft.lost(option, node, bundle),
    }
}

/// A regular expression for names of files, which webpack may also write as a part of them.
fn file(regex: &super::literal::Regex) -> Result<String, String> {
    regex::file_pattern(regex)
}

pub(super) fn map_vite(mapping: &mut Mapping<'_>) {
    let config = std::mem::take(&mut mapping.config);
    let own = config.get("strategies").and_then(Node::text) == Some("injectManifest");
    mapping.root = match config.get("outDir").and_then(Node::text) {
        Some(folder) => normalized(folder).trim_end_matches('/').to_owned(),
        None => "dist".into(),
    };
    if let Some(base) = config.get("base").or_else(|| config.get("buildBase"))
        && let Some(text) = base.text()
    {
        let text = text.to_owned();
        mapping.base("base", base, &text);
    }
    let mut inner = None;
    mapping.each(&config, &VITE_PWA, "", |mapping, name, option, node| {
        if !vite_built(mapping, name, option, node) {
            match (name, node.table()) {
                ("workbox", Some(_)) if own => {
                    let why = "`strategies` says `injectManifest`";
                    mapping.draft.needless(option, node, why);
                }
                ("injectManifest", Some(_)) if !own => {
                    let why = "`strategies` does not say `injectManifest`";
                    mapping.draft.needless(option, node, why);
                }
                ("workbox" | "injectManifest", Some(table)) => {
                    inner = Some((name.to_owned(), table.clone()));
                }
                _ => vite(mapping, name, option, node, own),
            }
        }
    });
    let (around, mut table) = inner.unwrap_or_default();
    let tool = match own {
        true => Tool::InjectManifest,
        false => Tool::GenerateSw,
    };
    if own && let Some(name) = config.get("filename").and_then(Node::text) {
        let folder = config
            .get("srcDir")
            .and_then(Node::text)
            .unwrap_or("public");
        let at = config.get("filename").map_or(0, |node| node.at);
        let value = Value::Text(format!("{folder}/{name}"));
        workbox::own_worker(mapping, "filename", &Node { at, value });
    }
    // The plugin's own defaults.
    if table.get("globPatterns").is_none() {
        let mut list = vec!["**/*.{js,css,html}".to_owned()];
        list.extend(mapping.draft.texts("precache", "include")); // of `includeAssets`
        mapping.draft.explain(
            "precache",
            "include",
            Toml::Texts(list),
            Some("the plugin's default; without this line every file is kept"),
        );
        let at = config.0.first().map_or(0, |(_, node)| node.at);
        let value = Value::List(Vec::new());
        table.0.push(("globPatterns".into(), Node { at, value }));
    }
    let root = mapping.root.clone();
    workbox::options(mapping, &table, tool, &around);
    mapping.root = root;
    if !own && table.get("navigateFallback").is_none() && !says_null(&table) {
        let at = config.0.first().map_or(0, |(_, node)| node.at);
        let value = Value::Text("index.html".into());
        mapping.fallback(
            "workbox.navigateFallback (its default)",
            &Node { at, value },
        );
    }
}

fn says_null(table: &super::literal::Table) -> bool {
    table.0.iter().any(|(name, _)| name == "navigateFallback")
}

/// Options that say how the site is built; `false` if it is none of these.
fn vite_built(mapping: &mut Mapping<'_>, name: &str, option: &str, node: &Node) -> bool {
    let draft = &mut mapping.draft;
    match name {
        "outDir" => draft.mapped(option, node, "the folder that `revisit build` is given"),
        "base" => {}
        "buildBase" => draft.needless(option, node, "`base` says it"),
        "scope" => match node.text() {
            Some(scope) if scope == mapping.base => {
                draft.needless(option, node, "a worker answers below the site's base");
            }
            _ => draft.lost(option, node, "a worker answers below the site's base, `[site] base`"),
        },
        "filename" => mapping.worker_name(option, node),
        "srcDir" => draft.needless(option, node, "`[worker] extend` names the whole path"),
        "strategies" => draft.needless(
            option,
            node,
            "a worker is made, or yours is taken where `[worker] extend` names one with a place for the list",
        ),
        "mode" | "minify" => draft.needless(option, node, "a worker is always small"),
        "devOptions" | "registerWebManifestInDev" => draft.needless(
            option,
            node,
            "in development the plugin of `packages/vite` has a worker that keeps nothing",
        ),
        "integration" | "experimental" => {
            draft.needless(option, node, "the build is a step of its own, after the bundler's");
        }
        _ => return false,
    }
    true
}

fn vite(mapping: &mut Mapping<'_>, name: &str, option: &str, node: &Node, own: bool) {
    let is = |wanted: bool| matches!(node.value, Value::Bool(is) if is == wanted);
    let draft = &mut mapping.draft;
    match name {
        "registerType" if own && node.text() == Some("autoUpdate") => {
            draft.lost(option, node, "your worker itself calls `skipWaiting`, or does not");
        }
        "registerType" if node.text() == Some("autoUpdate") => {
            let note = "no page is loaded anew by itself: open pages keep the files that they were loaded with";
            draft.mapped_but(option, node, "[worker] update = \"immediate\"", note);
            draft.set("worker", "update", Toml::Text("immediate".into()));
        }
        "registerType" => draft.needless(option, node, "it is so by default"),
        "injectRegister" if is(false) => {
            let note = "load the page client yourself, or register by `packages/client`";
            draft.mapped_but(option, node, "[worker] inject = false", note);
            draft.set("worker", "inject", Toml::Bool(false));
        }
        "injectRegister" => draft.needless(option, node, "each page gets one script tag"),
        "includeAssets" => {
            if !matches!(node.value, Value::Function(_)) {
                mapping.globs(option, node, ["precache", "include"]);
            }
        }
        "includeManifestIcons" => draft.needless(
            option,
            node,
            "icons are kept as other files are, if `[precache] include` has them",
        ),
        "manifest" if is(false) => draft.needless(option, node, "none is written"),
        "manifest" | "manifestFilename" | "useCredentials" | "pwaAssets" => draft.lost(
            option,
            node,
            "no web app manifest is written: put it into the folder as a file, with its `link` in the pages",
        ),
        "selfDestroying" if is(true) => {
            draft.lost(option, node, "`revisit build SITE --uninstall` does it");
        }
        "selfDestroying" | "disable" if is(false) => {
            draft.needless(option, node, "it is so by default");
        }
        "disable" => draft.lost(option, node, "leave out `revisit build`"),
        "showMaximumFileSizeToCacheInBytesWarning" | "throwMaximumFileSizeToCacheInBytes" => draft.needless(
            option,
            node,
            "what is too large is named by the build, and kept when it is first used",
        ),
        _ => draft.lost(option, node, "it is no object"),
    }
}
