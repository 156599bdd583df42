//! The options of sw-precache 5, of its function and of its command line.

use super::draft::Toml;
use super::literal::{Node, Table, Value, normalized};
use super::mapping::Mapping;
use super::options::SW_PRECACHE;
use super::{glob, routes, workbox};

/// `worker`: the file that `write` is told beside the config.
pub(super) fn map(mapping: &mut Mapping<'_>, worker: Option<&Node>) {
    let config = std::mem::take(&mut mapping.config);
    mapping.root = root(&config);
    if let Some(worker) = worker {
        match worker.text() {
            Some(_) => mapping.worker_name("write()", worker),
            None => mapping.draft.lost(
                "write()",
                worker,
                "the name of the worker is not known; give it by `[worker] name`",
            ),
        }
    } else if config.get("swFile").is_none() && config.get("swFilePath").is_none() {
        mapping.draft.explain(
            "worker",
            "name",
            Toml::Text("service-worker.js".into()),
            Some("sw-precache's default: browsers know a worker by its address"),
        );
    }
    prefixes(mapping, &config);
    // the pages that are no fallback
    if let Some(node) = config.get("dynamicUrlToDependencies") {
        dynamic(mapping, node);
    }
    mapping.each(&config, &SW_PRECACHE, "", one);
    if !matches!(
        config.get("skipWaiting"),
        Some(Node {
            value: Value::Bool(false),
            ..
        })
    ) {
        mapping.draft.explain(
            "worker",
            "update",
            Toml::Text("immediate".into()),
            Some("as sw-precache did; open pages keep the files that they were loaded with"),
        );
    }
    let replaces = vec!["sw-precache".to_owned()];
    mapping.draft.explain(
        "worker",
        "replaces",
        Toml::Texts(replaces),
        Some("takes over what sw-precache kept in visitors' browsers; may go when all were here again"),
    );
}

/// The folder of the site: what the command line calls so, or what all URLs lose.
fn root(config: &Table) -> String {
    let folder = |path: &str| normalized(path).trim_end_matches('/').to_owned();
    if let Some(root) = config.get("root").and_then(Node::text) {
        return folder(root);
    }
    let globs: Vec<&str> = config
        .get("staticFileGlobs")
        .map_or(&[][..], Node::list)
        .iter()
        .filter_map(Node::text)
        .collect();
    let all_below = |root: &str| {
        !root.is_empty()
            && globs.iter().all(|glob| {
                let path = normalized(glob.trim_start_matches('!'));
                path.strip_prefix(root)
                    .is_some_and(|rest| rest.starts_with('/'))
            })
    };
    let mut stripped: Vec<String> = pairs(config)
        .into_iter()
        .map(|(from, ..)| folder(&from))
        .filter(|root| all_below(root))
        .collect();
    stripped.sort_by_key(String::len);
    if let Some(root) = stripped.into_iter().next() {
        return root;
    }
    let mut folders = globs.iter().map(|glob| glob::folder(glob));
    let Some(first) = folders.next() else {
        return String::new();
    };
    let common = folders.fold(first, |common, folder| {
        let same = common
            .split('/')
            .zip(folder.split('/'))
            .take_while(|(a, b)| a == b)
            .map(|(part, _)| part);
        same.collect::<Vec<_>>().join("/")
    });
    match config.get("stripPrefix") {
        // URLs keep the folders in front of them
        None if config.get("stripPrefixMulti").is_none() => String::new(),
        _ => common,
    }
}

/// What is put for which start of a path: `stripPrefix` with `replacePrefix`, and `stripPrefixMulti`.
fn pairs(config: &Table) -> Vec<(String, String, Node)> {
    let mut pairs = Vec::new();
    if let Some(node) = config.get("stripPrefixMulti")
        && let Some(table) = node.table()
    {
        for (from, to) in &table.0 {
            if let Some(text) = to.text() {
                pairs.push((from.clone(), text.to_owned(), to.clone()));
            }
        }
    }
    let strip = config.get("stripPrefix");
    let replace = config.get("replacePrefix");
    if let Some(node) = strip.or(replace) {
        let text = |node: Option<&Node>| node.and_then(Node::text).unwrap_or_default().to_owned();
        pairs.push((text(strip), text(replace), node.clone()));
    }
    pairs
}

fn prefixes(mapping: &mut Mapping<'_>, config: &Table) {
    for (from, to, node) in pairs(config) {
        let from = normalized(&from).trim_end_matches('/').to_owned();
        let option = match config.get("stripPrefix").is_some_and(|it| it.at == node.at) {
            true => "stripPrefix".to_owned(),
            false
                if config
                    .get("replacePrefix")
                    .is_some_and(|it| it.at == node.at) =>
            {
                "replacePrefix".to_owned()
            }
            false => format!("stripPrefixMulti[{from:?}]"),
        };
        if from == mapping.root || from.is_empty() {
            match to.trim_matches('/') {
                "" => {
                    let to = "the folder that `revisit build` is given";
                    mapping.draft.mapped(&option, &node, to);
                }
                _ => mapping.base(&option, &node, &to),
            }
            continue;
        }
        let root = mapping.root.clone();
        let below = match &*root {
            "" => Some(&*from),
            root => from.strip_prefix(root).and_then(|it| it.strip_prefix('/')),
        };
        match below {
            Some(below) => {
                let below = below.to_owned();
                mapping.prefix(&option, &node, &below, &to);
            }
            None => {
                let why = format!("`{from}` lies outside of the site's folder, `{root}`");
                mapping.draft.lost(&option, &node, &why);
            }
        }
    }
}

fn dynamic(mapping: &mut Mapping<'_>, node: &Node) {
    let option = "dynamicUrlToDependencies";
    let Some(table) = mapping.table(option, node) else {
        return;
    };
    for (url, made_of) in &table.0 {
        workbox::depending(mapping, option, url, made_of, "");
    }
}

fn one(mapping: &mut Mapping<'_>, name: &str, option: &str, node: &Node) {
    let is = |wanted: bool| matches!(node.value, Value::Bool(is) if is == wanted);
    let draft = &mut mapping.draft;
    match name {
        "cacheId" => mapping.site_id(option, node),
        "skipWaiting" if is(false) => {
            let note = "an update waits for the page's word, `revisit.update()`";
            draft.mapped_but(option, node, "[worker] update = \"prompt\"", note);
        }
        "skipWaiting" => {
            let note = "open pages keep the files that they were loaded with";
            draft.mapped_but(option, node, "[worker] update = \"immediate\"", note);
        }
        "clientsClaim" if is(false) => {
            let why = "the first worker always takes the page that it was installed by";
            draft.lost(option, node, why);
        }
        "clientsClaim" => {
            draft.needless(option, node, "the first worker takes its page at once");
        }
        "directoryIndex" => mapping.directory_index(option, node),
        "dontCacheBustUrlsMatching" => mapping.hashed(option, node),
        // these were read before
        "dynamicUrlToDependencies" | "stripPrefix" | "stripPrefixMulti" => {}
        "replacePrefix" => {
            if mapping.draft.findings.iter().all(|it| it.option != option) {
                mapping
                    .draft
                    .mapped(option, node, "what `stripPrefix` becomes");
            }
        }
        "handleFetch" if is(false) => {
            let why = "a worker that keeps and does not answer helps nobody; in development use `revisit serve --dev`";
            draft.lost(option, node, why);
        }
        "handleFetch" => draft.needless(option, node, "it is so by default"),
        "ignoreUrlParametersMatching" => mapping.ignored_parameters(option, node),
        "importScripts" => mapping.importable(option, node),
        "logger" | "verbose" => draft.needless(option, node, "the build says what it did"),
        "maximumFileSizeToCacheInBytes" => mapping.file_bytes_max(option, node),
        "navigateFallback" => mapping.fallback(option, node),
        "navigateFallbackWhitelist" => mapping.fallback_allow(option, node),
        "root" => draft.mapped(option, node, "the folder that `revisit build` is given"),
        "runtimeCaching" => routes::toolbox(mapping, option, node),
        "staticFileGlobs" => mapping.globs(option, node, ["precache", "include"]),
        "swFile" | "swFilePath" => mapping.worker_name(option, node),
        "templateFilePath" => {
            let why = "the worker has no template; code of your own comes in by `[worker] extend` or `import_scripts`";
            draft.lost(option, node, why);
        }
        "config" => draft.needless(option, node, "it names this file"),
        _ => draft.lost(option, node, "there is no answer to it yet"),
    }
}
