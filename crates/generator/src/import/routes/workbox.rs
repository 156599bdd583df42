//! `runtimeCaching` of Workbox.

use super::{
    Route, begun, entries, finish, headers, kept, limit, matching, of_place, stash, timeout,
};
use crate::config::Strategy;
use crate::import::condition::Condition;
use crate::import::draft::Toml;
use crate::import::literal::{Node, Table, Value};
use crate::import::mapping::Mapping;
use crate::import::options::{ROUTE, ROUTE_OPTIONS};
use crate::import::regex::Elsewhere;

/// Workbox. `config`: says whether navigations are preloaded.
pub(in crate::import) fn workbox(
    mapping: &mut Mapping<'_>,
    option: &str,
    node: &Node,
    config: &Table,
) {
    let preload = config
        .get("navigationPreload")
        .is_some_and(|it| matches!(it.value, Value::Bool(true)));
    for (index, entry) in node.list().iter().enumerate() {
        let option = format!("{option}[{index}]");
        let Some(table) = entries(mapping, &option, entry) else {
            continue;
        };
        let placed = table
            .get("urlPattern")
            .map(|pattern| (pattern, workbox_place(pattern)));
        let Some(mut route) = begun(mapping, &option, entry, &table, placed) else {
            continue;
        };
        let kept = matches!(
            route.strategy,
            Strategy::NetworkFirst | Strategy::StaleWhileRevalidate
        );
        // Workbox keeps what it cannot read by these two unless statuses are named.
        route.opaque = kept && route.is_abroad();
        route.preload = preload
            && matches!(
                route.strategy,
                Strategy::NetworkFirst | Strategy::NetworkOnly
            )
            && route.asks_pages();
        mapping.each(&table, &ROUTE, &option, |mapping, name, full, node| {
            if name == "options"
                && let Some(options) = mapping.table(full, node)
            {
                let inner = options.clone();
                mapping.each(&inner, &ROUTE_OPTIONS, full, |mapping, name, full, node| {
                    workbox_option(mapping, &mut route, name, full, node);
                });
            }
        });
        finish(mapping, &option, entry, route);
    }
}

fn workbox_option(
    mapping: &mut Mapping<'_>,
    route: &mut Route,
    name: &str,
    option: &str,
    node: &Node,
) {
    match name {
        "cacheName" => stash(mapping, route, option, node),
        "networkTimeoutSeconds" => timeout(mapping, route, option, node),
        "expiration" => {
            let Some(table) = mapping.table(option, node).cloned() else {
                return;
            };
            let known = [
                "maxEntries",
                "maxAgeSeconds",
                "purgeOnQuotaError",
                "matchOptions",
            ];
            mapping.each(
                &table,
                &known,
                option,
                |mapping, name, option, node| match name {
                    "maxEntries" => limit(mapping, route, "max_entries", option, node),
                    "maxAgeSeconds" => limit(mapping, route, "max_age_seconds", option, node),
                    "purgeOnQuotaError" => {
                        let why = "where there is no room the oldest half goes";
                        mapping.draft.needless(option, node, why);
                    }
                    _ => {
                        let why = "what is too old goes by the key that it is kept under";
                        mapping.draft.needless(option, node, why);
                    }
                },
            );
        }
        "cacheableResponse" => {
            let Some(table) = mapping.table(option, node).cloned() else {
                return;
            };
            // who names statuses says by that whether opaque answers are among them
            if table.get("statuses").is_some() {
                route.opaque = false;
            }
            mapping.each(
                &table,
                &["statuses", "headers"],
                option,
                |mapping, name, option, node| match name {
                    "statuses" => {
                        let list: Option<Vec<u64>> = node.list().iter().map(Node::whole).collect();
                        kept(mapping, route, list, option, node);
                    }
                    _ => headers(mapping, route, option, node),
                },
            );
        }
        "broadcastUpdate" => {
            let note = "pages hear `CACHE_UPDATED` by `message`, as by Workbox's default";
            if !matches!(
                route.strategy,
                Strategy::NetworkFirst | Strategy::StaleWhileRevalidate
            ) {
                let why = "no answer that a page was given is replaced";
                return mapping.draft.needless(option, node, why);
            }
            mapping
                .draft
                .mapped_but(option, node, "[[route]] broadcast", note);
            route.more.set("broadcast", Toml::Bool(true));
        }
        "precacheFallback" => {
            let url = node.table().and_then(|it| it.get("fallbackURL"));
            match url.and_then(Node::text) {
                Some(url) => {
                    let base = mapping.base.clone();
                    let file = url.strip_prefix(&*base).unwrap_or(url);
                    let file = file.trim_start_matches('/').to_owned();
                    if file.is_empty() || file.contains(['?', '#']) || file.contains("://") {
                        let why = format!("`{url}` is no file of the folder");
                        return mapping.draft.lost(option, node, &why);
                    }
                    mapping.draft.mapped(option, node, "[[route]] fallback");
                    route.more.set("fallback", Toml::Text(file));
                }
                None => mapping
                    .draft
                    .lost(option, node, "its `fallbackURL` is not known"),
            }
        }
        "rangeRequests" => {
            let why = "a range is always cut from what is kept whole";
            mapping.draft.needless(option, node, why);
        }
        "matchOptions" => matching(mapping, route, option, node),
        "fetchOptions" => fetching(mapping, route, option, node),
        "backgroundSync" => {
            let why = "requests that change something are not kept for later; code of your own in `[worker] extend` can";
            mapping.draft.lost(option, node, why);
        }
        "plugins" if node.list().is_empty() => {
            mapping.draft.needless(option, node, "there are none");
        }
        _ => {
            let why = "plugins are programs; code of your own in `[worker] extend` can answer such requests";
            mapping.draft.lost(option, node, why);
        }
    }
}

fn fetching(mapping: &mut Mapping<'_>, route: &mut Route, option: &str, node: &Node) {
    let Some(table) = mapping.table(option, node).cloned() else {
        return;
    };
    for (name, node) in &table.0 {
        let full = format!("{option}.{name}");
        match (name.as_str(), node.text()) {
            ("credentials", Some(mode @ ("omit" | "same-origin" | "include"))) => {
                mapping.draft.mapped(&full, node, "[[route]] credentials");
                route.more.set("credentials", Toml::Text(mode.into()));
            }
            ("mode", Some("cors")) if !route.opaque => {
                mapping
                    .draft
                    .needless(&full, node, "what can be read is asked for so");
            }
            _ => mapping.draft.lost(
                &full,
                node,
                "a route asks as its page does, but for `credentials`",
            ),
        }
    }
}

fn workbox_place(pattern: &Node) -> Result<Vec<Condition>, String> {
    match &pattern.value {
        Value::Text(text) => exact(text).map(|one| vec![one]),
        Value::Regex(regex) => of_place(regex, Elsewhere::FromStart),
        Value::Function(condition) => condition.clone().map(|one| vec![one]),
        Value::Unknown(what) => Err(format!("it is {what}; write its value instead")),
        _ => Err("it is no pattern".into()),
    }
}

/// A text is one URL to Workbox, and nothing in it a pattern.
fn exact(text: &str) -> Result<Condition, String> {
    let home = url::Url::parse("https://site.invalid/").map_err(|_| "no URL".to_owned())?;
    let url = home.join(text).map_err(|_| "it is no URL".to_owned())?;
    if url.query().is_some() || url.path().contains(['*', '{', '}', '[', ']', ',', ':']) {
        return Err(format!(
            "Workbox took `{text}` as it is, and a route's path has no query"
        ));
    }
    let origin = match url.host_str() {
        Some("site.invalid") => "self".to_owned(),
        _ => url.origin().ascii_serialization(),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it is no URL of the web".into());
    }
    Ok(Condition {
        origin: Some(origin),
        paths: vec![url.path().trim_start_matches('/').to_owned()],
        ..Condition::default()
    })
}
