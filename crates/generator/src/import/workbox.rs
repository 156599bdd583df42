//! The options of Workbox 7: `generateSW`, `injectManifest`, and what the webpack plugin shares with them.

use super::draft::Toml;
use super::literal::{Node, Table, Value, normalized};
use super::mapping::Mapping;
use super::options::FORMERLY;
use super::{Tool, plugins, routes};

pub(super) fn map(mapping: &mut Mapping<'_>) {
    let mut config = std::mem::take(&mut mapping.config);
    for (name, _) in &mut config.0 {
        if let Some((_, now)) = FORMERLY.iter().find(|(before, _)| before == name) {
            *name = (*now).to_owned();
        }
    }
    options(mapping, &config, mapping.tool, "");
}

/// All options of a table; `around` is its name in that of a plugin.
pub(super) fn options(mapping: &mut Mapping<'_>, config: &Table, tool: Tool, around: &str) {
    let known = tool.options();
    let folder = config.get("globDirectory").and_then(Node::text);
    if let Some(folder) = folder {
        mapping.root = normalized(folder).trim_end_matches('/').to_owned();
    }
    // What later ones are read by comes first.
    const FIRST: [&str; 3] = [
        "modifyURLPrefix",
        "templatedURLs",
        "additionalManifestEntries",
    ];
    let first = |it: &&(String, Node)| FIRST.contains(&&*it.0);
    let mut sorted: Vec<(String, Node)> = config.0.iter().filter(first).cloned().collect();
    sorted.sort_by_key(|(name, _)| FIRST.iter().position(|it| it == name));
    sorted.extend(config.0.iter().filter(|it| !first(it)).cloned());
    let sorted = Table(sorted);
    mapping.each(
        &sorted,
        &known,
        around,
        |mapping, name, option, node| match name {
            "runtimeCaching" => routes::workbox(mapping, option, node, config),
            "skipWaiting" | "clientsClaim" => update(mapping, name, option, node, config),
            _ if plugins::WEBPACK_ONLY.contains(&name) => {
                plugins::webpack(mapping, name, option, node);
            }
            _ => one(mapping, name, option, node),
        },
    );
    let scans = !matches!(tool, Tool::WebpackGenerateSw | Tool::WebpackInjectManifest);
    if scans && config.get("globPatterns").is_none() {
        let default = vec!["**/*.{js,wasm,css,html}".to_owned()];
        mapping.draft.explain(
            "precache",
            "include",
            Toml::Texts(default),
            Some("Workbox's default; without this line every file is kept"),
        );
    }
    if !scans && config.get("swDest").is_none() {
        // webpack's plugin takes the name of the source
        let source = config.get("swSrc").and_then(Node::text).unwrap_or_default();
        let name = source
            .rsplit('/')
            .next()
            .and_then(|it| it.split('.').next());
        let name = name.filter(|it| !it.is_empty()).unwrap_or("service-worker");
        let (at, value) = (0, Value::Text(format!("{name}.js")));
        mapping.worker_name("swDest (its default)", &Node { at, value });
    }
    if matches!(tool, Tool::InjectManifest | Tool::WebpackInjectManifest) {
        mapping.draft.notes.push(
            "`revisit worker-modules DIR` writes modules with what your worker may import in the place of Workbox's".into(),
        );
        return; // which is taken as it is, and takes over nothing
    }
    let replaces = vec!["workbox".to_owned()];
    mapping.draft.explain(
        "worker",
        "replaces",
        Toml::Texts(replaces),
        Some("takes over what Workbox kept in visitors' browsers; may go when all were here again"),
    );
}

fn update(mapping: &mut Mapping<'_>, name: &str, option: &str, node: &Node, config: &Table) {
    let Some(is) = mapping.bool(option, node) else {
        return;
    };
    let skips = matches!(
        config.get("skipWaiting"),
        Some(Node {
            value: Value::Bool(true),
            ..
        })
    );
    match (name, is) {
        ("skipWaiting", true) => {
            let note = "open pages keep the files that they were loaded with";
            mapping
                .draft
                .mapped_but(option, node, "[worker] update = \"immediate\"", note);
            mapping
                .draft
                .set("worker", "update", Toml::Text("immediate".into()));
        }
        ("skipWaiting", false) => {
            let why = "an update waits for the page's word, `revisit.update()` or the message `SKIP_WAITING`";
            mapping.draft.needless(option, node, why);
        }
        (_, true) if skips => {
            let why = "the first worker takes its page at once, and a later one with `update = \"immediate\"`";
            mapping.draft.needless(option, node, why);
        }
        (_, true) => {
            let why = "the first worker takes its page at once; a later one when it takes over";
            mapping.draft.needless(option, node, why);
        }
        (_, false) => {
            let why = "the first worker always takes the page that it was installed by";
            mapping.draft.lost(option, node, why);
        }
    }
}

fn one(mapping: &mut Mapping<'_>, name: &str, option: &str, node: &Node) {
    let draft = &mut mapping.draft;
    match name {
        "globDirectory" if node.text().is_some() => {
            draft.mapped(option, node, "the folder that `revisit build` is given");
        }
        "globDirectory" => draft.lost(option, node, "it is no text"),
        "globPatterns" => mapping.globs(option, node, ["precache", "include"]),
        "globIgnores" => mapping.globs(option, node, ["precache", "exclude"]),
        "globFollow" if matches!(node.value, Value::Bool(false)) => {
            draft.lost(option, node, "links within the folder are followed");
        }
        "globFollow" => {
            let why = "links within the folder are followed, and one out of it is named";
            draft.needless(option, node, why);
        }
        "globStrict" => {
            draft.needless(option, node, "what cannot be read always stops the build");
        }
        "manifestTransforms" => {
            let why = "a program that changes the list; what most do is done by `[precache] include`, `exclude`, `[site] prefixes` and `[names]`";
            draft.lost(option, node, why);
        }
        "maximumFileSizeToCacheInBytes" => mapping.file_bytes_max(option, node),
        "modifyURLPrefix" => prefixes(mapping, option, node),
        "additionalManifestEntries" => additional(mapping, option, node),
        "templatedURLs" => templated(mapping, option, node),
        "dontCacheBustURLsMatching" => mapping.hashed(option, node),
        "mode" if node.text() == Some("production") => {
            draft.needless(option, node, "a worker is always small");
        }
        "mode" => {
            let why = "`revisit serve --dev` is for work on the site, and keeps nothing";
            draft.needless(option, node, why);
        }
        "babelPresetEnvTargets" => {
            let why = "the worker is written for today's browsers; others go without it";
            draft.lost(option, node, why);
        }
        "sourcemap" => draft.needless(option, node, "the worker has no code of yours but as it is"),
        "inlineWorkboxRuntime" => draft.needless(option, node, "the worker is one file"),
        "importScripts" => mapping.importable(option, node),
        "cacheId" => mapping.site_id(option, node),
        "cleanupOutdatedCaches" => {
            draft.needless(option, node, "what no open page needs always goes");
        }
        "navigationPreload" if matches!(node.value, Value::Bool(true)) => {
            draft.mapped(
                option,
                node,
                "[[route]] preload, of those that ask for pages",
            );
        }
        "navigationPreload" => draft.needless(option, node, "it is so by default"),
        "offlineGoogleAnalytics" if matches!(node.value, Value::Bool(false)) => {
            draft.needless(option, node, "it is so by default");
        }
        "offlineGoogleAnalytics" => {
            let why =
                "it knows the `analytics.js` of before 2023 alone, which measures nothing any more";
            draft.lost(option, node, why);
        }
        "disableDevLogs" => draft.needless(option, node, "a built worker logs nothing"),
        "navigateFallback" => mapping.fallback(option, node),
        "navigateFallbackAllowlist" => mapping.fallback_allow(option, node),
        "navigateFallbackDenylist" => mapping.fallback_deny(option, node),
        "directoryIndex" => mapping.directory_index(option, node),
        "ignoreURLParametersMatching" => mapping.ignored_parameters(option, node),
        "swDest" => mapping.worker_name(option, node),
        "swSrc" => own_worker(mapping, option, node),
        "injectionPoint" => match node.text() {
            Some("self.__WB_MANIFEST" | "self.__REVISIT_MANIFEST") => {
                draft.needless(option, node, "it is known");
            }
            _ => {
                let why = "the list takes the place of `self.__WB_MANIFEST` or `self.__REVISIT_MANIFEST`; write one of these";
                draft.lost(option, node, why);
            }
        },
        _ => draft.lost(option, node, "there is no answer to it yet"),
    }
}

/// The worker that the list is put into.
pub(super) fn own_worker(mapping: &mut Mapping<'_>, option: &str, node: &Node) {
    let Some(path) = mapping.text(option, node) else {
        return;
    };
    let note = "a classic script; with `self.__WB_MANIFEST` in it, it is the worker";
    mapping
        .draft
        .mapped_but(option, node, "[worker] extend", note);
    let path = normalized(path);
    mapping.draft.set("worker", "extend", Toml::Text(path));
}

fn prefixes(mapping: &mut Mapping<'_>, option: &str, node: &Node) {
    let Some(table) = mapping.table(option, node) else {
        return;
    };
    for (from, to) in &table.0 {
        let full = format!("{option}[{from:?}]");
        let Some(text) = to.text() else {
            mapping.draft.lost(&full, to, "it is no text");
            continue;
        };
        match normalized(from).as_str() {
            "" => mapping.base(&full, to, text),
            from => {
                let from = from.to_owned();
                mapping.prefix(&full, to, &from, text);
            }
        }
    }
}

fn additional(mapping: &mut Mapping<'_>, option: &str, node: &Node) {
    for entry in node.list() {
        let (url, revision) = match &entry.value {
            Value::Text(url) => (Some(url.as_str()), None),
            Value::Table(table) => (
                table.get("url").and_then(Node::text),
                table.get("revision").and_then(Node::text),
            ),
            _ => (None, None),
        };
        match url {
            // without a revision the URL itself is said to change
            Some(url) => mapping.extra(
                option,
                entry,
                url,
                Some(revision.unwrap_or("1")),
                Vec::new(),
            ),
            None => mapping.draft.lost(option, entry, "its `url` is not known"),
        }
    }
}

fn templated(mapping: &mut Mapping<'_>, option: &str, node: &Node) {
    let Some(table) = mapping.table(option, node) else {
        return;
    };
    let root = mapping.root.clone();
    for (url, made_of) in &table.0 {
        depending(mapping, option, url, made_of, &root);
    }
}

/// A URL that a server makes, of a revision or of files below `folder`.
pub(super) fn depending(
    mapping: &mut Mapping<'_>,
    option: &str,
    url: &str,
    made_of: &Node,
    folder: &str,
) {
    let full = format!("{option}[{url:?}]");
    if let Some(revision) = made_of.text() {
        return mapping.extra(&full, made_of, url, Some(revision), Vec::new());
    }
    if !matches!(made_of.value, Value::List(_)) {
        return mapping
            .draft
            .lost(&full, made_of, "it is neither a text nor a list of files");
    }
    let mut depends = Vec::new();
    for (text, node) in mapping.texts(&full, made_of) {
        let path = match folder {
            "" => text.to_owned(),
            folder => format!("{folder}/{text}"),
        };
        match super::glob::pattern(&path, "") {
            Ok(pattern) => depends.push(pattern),
            Err(why) => mapping.draft.lost(&full, node, &format!("`{text}`: {why}")),
        }
    }
    match depends.is_empty() {
        true => mapping.draft.lost(&full, made_of, "it depends on nothing"),
        false => mapping.extra(&full, made_of, url, None, depends),
    }
}
