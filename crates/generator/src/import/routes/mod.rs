//! `runtimeCaching`, of Workbox and of sw-precache (sw-toolbox), as `[[route]]`.

mod toolbox;
mod workbox;

pub(super) use toolbox::toolbox;
pub(super) use workbox::workbox;

use super::condition::Condition;
use super::draft::{Item, Toml};
use super::literal::{Node, Regex, Table, Value};
use super::mapping::Mapping;
use super::regex::{Elsewhere, places};
use crate::BuildConfig;
use crate::config::{RouteConfig, Strategy};
use crate::routes::routes;

/// A route on its way.
#[derive(Debug)]
struct Route {
    /// Origins and paths: one route each.
    places: Vec<(String, String)>,
    destinations: Vec<String>,
    methods: Vec<String>,
    strategy: Strategy,
    statuses: Vec<u64>,
    /// Other keys, as they come.
    more: Item,
    opaque: bool,
    preload: bool,
}

fn entries(mapping: &mut Mapping<'_>, option: &str, entry: &Node) -> Option<Table> {
    match &entry.value {
        Value::Table(table) => Some(table.clone()),
        Value::Unknown(what) => {
            let why = format!("it is {what}; write its value instead");
            mapping.draft.lost(option, entry, &why);
            None
        }
        _ => {
            mapping.draft.lost(option, entry, "it is no object");
            None
        }
    }
}

/// A route with its place and strategy; without them it is lost whole.
fn begun(
    mapping: &mut Mapping<'_>,
    option: &str,
    entry: &Node,
    table: &Table,
    placed: Option<(&Node, Result<Vec<Condition>, String>)>,
) -> Option<Route> {
    let lost = format!("{option}.urlPattern");
    let (pattern, conditions) = match placed {
        Some((pattern, Ok(conditions))) => (pattern, conditions),
        Some((pattern, Err(why))) => {
            mapping.draft.lost(&lost, pattern, &why);
            return None;
        }
        None => {
            mapping.draft.lost(option, entry, "it has no `urlPattern`");
            return None;
        }
    };
    let places: Result<Vec<_>, String> = conditions
        .iter()
        .map(|it| Ok((it.origin.clone().unwrap_or_else(|| "*".into()), it.path()?)))
        .collect();
    let places = match places {
        Ok(places) => places,
        Err(why) => {
            mapping.draft.lost(&lost, pattern, &why);
            return None;
        }
    };
    let Some(strategy) = table.get("handler").and_then(strategy) else {
        let at = table.get("handler").unwrap_or(entry);
        mapping
            .draft
            .lost(&format!("{option}.handler"), at, HANDLER);
        return None;
    };
    let mut methods = Vec::new();
    if let Some(node) = table.get("method") {
        match node.text().map(str::to_ascii_uppercase).as_deref() {
            Some("GET") => {}
            Some("ANY") => {
                let why = "a route of all methods is one of `GET` here; name others by `methods`";
                mapping.draft.lost(&format!("{option}.method"), node, why);
            }
            Some(method @ ("HEAD" | "POST" | "PUT" | "DELETE" | "PATCH")) => {
                methods.push(method.to_owned());
            }
            _ => {
                mapping
                    .draft
                    .lost(&format!("{option}.method"), node, "it is no method");
                return None;
            }
        }
    }
    let all = conditions.into_iter().flat_map(|it| it.destinations);
    let mut destinations: Vec<String> = all.collect();
    destinations.dedup();
    if let Some(odd) = destinations
        .iter()
        .find(|it| !DESTINATIONS.contains(&&***it))
    {
        let why = format!("no request has the destination `{odd}`");
        mapping.draft.lost(&lost, pattern, &why);
        return None;
    }
    let pages_alone = destinations[..] == ["document".to_owned()];
    let own = |(origin, path): (String, String)| match &*origin {
        // a worker sees navigations to its own site alone
        "*" if pages_alone => ("self".to_owned(), path),
        _ => (origin, path),
    };
    Some(Route {
        places: places.into_iter().map(own).collect(),
        destinations,
        methods,
        strategy,
        statuses: Vec::new(),
        more: Item::default(),
        opaque: false,
        preload: false,
    })
}

impl Route {
    /// Is it for other hosts, too?
    fn is_abroad(&self) -> bool {
        self.places.iter().any(|(origin, _)| origin != "self")
    }

    /// Is it for navigations? One for whatever lies at some path is not taken for that.
    fn asks_pages(&self) -> bool {
        let all = |(origin, path): &(String, String)| path == "**" && !origin.contains("://");
        match self.destinations.is_empty() {
            true => self.places.iter().any(all),
            false => self.destinations.iter().any(|it| it == "document"),
        }
    }
}

/// Adds what a build takes of it, and says what became of the entry.
fn finish(mapping: &mut Mapping<'_>, option: &str, entry: &Node, mut route: Route) {
    if route.strategy == Strategy::NetworkOnly {
        // It keeps nothing: what is said of that means nothing.
        route.opaque = false;
        route.statuses.clear();
        route.more.keep(&["credentials", "fallback"]);
    }
    let mut added = false;
    for (origin, path) in &route.places {
        let mut item = Item::default();
        item.set("path", Toml::Text(format!("/{path}")));
        if origin != "self" {
            item.set("origin", Toml::Text(origin.clone()));
        }
        if !route.destinations.is_empty() {
            item.set("destination", Toml::Texts(route.destinations.clone()));
        }
        if !route.methods.is_empty() {
            item.set("methods", Toml::Texts(route.methods.clone()));
        }
        item.set("strategy", Toml::Text(route.strategy.key().to_owned()));
        if !route.statuses.is_empty() {
            item.set("statuses", Toml::Numbers(route.statuses.clone()));
        }
        let mut item = item.and(route.more.clone());
        if route.opaque && origin != "self" {
            if !item.has("max_entries") {
                // A build asks for a limit: nobody sees how large such answers are.
                item.set("max_entries", Toml::Number(OPAQUE_ENTRIES));
            }
            item.set("opaque", Toml::Bool(true));
        }
        if route.preload {
            item.set("preload", Toml::Bool(true));
        }
        match proved(mapping, &mut item) {
            Ok(()) => {
                mapping.draft.routes.push(item);
                added = true;
            }
            Err(why) => mapping.draft.lost(option, entry, &why),
        }
    }
    if added {
        mapping.draft.mapped(option, entry, "[[route]]");
    }
}

/// Would a build take it behind those that are there? If only its stash is another's, it gets its own.
fn proved(mapping: &mut Mapping<'_>, item: &mut Item) -> Result<(), String> {
    let all = |mapping: &Mapping<'_>, item: &Item| -> Result<(), String> {
        let mut list = mapping.draft.routes.clone();
        list.push(item.clone());
        let list: Result<Vec<RouteConfig>, _> = list
            .iter()
            .map(|item| serde_json::from_value(item.json()))
            .collect();
        let mut config = BuildConfig {
            routes: list.map_err(|error| error.to_string())?,
            ..BuildConfig::default()
        };
        config.site.base.clone_from(&mapping.base);
        routes(&config).map(drop).map_err(|error| error.to_string())
    };
    let found = all(mapping, item);
    let shared = item.text("name").map(str::to_owned);
    let (Err(_), Some(name)) = (&found, shared) else {
        return found;
    };
    for number in 2..STASHES_MAX {
        item.set("name", Toml::Text(format!("{name}-{number}")));
        if all(mapping, item).is_ok() {
            return Ok(());
        }
    }
    item.set("name", Toml::Text(name));
    found
}

fn stash(mapping: &mut Mapping<'_>, route: &mut Route, option: &str, node: &Node) {
    let Some(name) = mapping.text(option, node) else {
        return;
    };
    let word: String = name
        .chars()
        .map(
            |char| match char.is_ascii_alphanumeric() || "-_.".contains(char) {
                true => char,
                false => '-',
            },
        )
        .collect();
    mapping.draft.mapped(option, node, "[[route]] name");
    route.more.set("name", Toml::Text(word));
}

fn timeout(mapping: &mut Mapping<'_>, route: &mut Route, option: &str, node: &Node) {
    let Value::Number(seconds) = node.value else {
        return mapping.draft.lost(option, node, "it is no number");
    };
    if route.strategy != Strategy::NetworkFirst {
        let why = "only who asks the network first gives it up";
        return mapping.draft.needless(option, node, why);
    }
    if !(0.0..=86_400.0).contains(&seconds) || seconds == 0.0 {
        return mapping.draft.lost(option, node, "it is no time to wait");
    }
    let whole = seconds.ceil() as u64;
    mapping
        .draft
        .mapped(option, node, "[[route]] timeout_seconds");
    route.more.set("timeout_seconds", Toml::Number(whole));
}

fn limit(
    mapping: &mut Mapping<'_>,
    route: &mut Route,
    key: &'static str,
    option: &str,
    node: &Node,
) {
    match node.whole() {
        Some(number) if number > 0 && number <= u64::from(u32::MAX) => {
            mapping
                .draft
                .mapped(option, node, &format!("[[route]] {key}"));
            route.more.set(key, Toml::Number(number));
        }
        _ => mapping
            .draft
            .lost(option, node, "it is no whole number above zero"),
    }
}

fn kept(
    mapping: &mut Mapping<'_>,
    route: &mut Route,
    list: Option<Vec<u64>>,
    option: &str,
    node: &Node,
) {
    let status = |it: &u64| *it == 0 || (200..600).contains(it);
    let Some(list) = list.filter(|list| list.iter().all(status)) else {
        return mapping
            .draft
            .lost(option, node, "it is no list of statuses");
    };
    route.opaque = list.contains(&0);
    let list: Vec<u64> = list.into_iter().filter(|it| *it != 0).collect();
    let to = match route.opaque {
        true => "[[route]] statuses, opaque",
        false => "[[route]] statuses",
    };
    mapping.draft.mapped(option, node, to);
    if list != [200] {
        route.statuses = list;
    }
}

fn headers(mapping: &mut Mapping<'_>, route: &mut Route, option: &str, node: &Node) {
    let Some(table) = mapping.table(option, node) else {
        return;
    };
    let token = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let pairs: Option<Vec<(String, String)>> = table
        .0
        .iter()
        .map(|(name, value)| {
            let value = value.text()?;
            token(name).then(|| (name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect();
    match pairs.filter(|pairs| !pairs.is_empty()) {
        Some(pairs) => {
            mapping.draft.mapped(option, node, "[[route]] headers");
            route.more.set("headers", Toml::Map(pairs));
        }
        None => mapping.draft.lost(option, node, "it is no object of texts"),
    }
}

fn matching(mapping: &mut Mapping<'_>, route: &mut Route, option: &str, node: &Node) {
    let Some(table) = mapping.table(option, node).cloned() else {
        return;
    };
    let known = ["ignoreSearch", "ignoreVary", "ignoreMethod", "cacheName"];
    mapping.each(
        &table,
        &known,
        option,
        |mapping, name, option, node| match name {
            "ignoreSearch" if matches!(node.value, Value::Bool(true)) => {
                mapping
                    .draft
                    .mapped(option, node, "[[route]] ignore_search");
                route.more.set("ignore_search", Toml::Bool(true));
            }
            "ignoreSearch" => mapping.draft.needless(option, node, "it is so by default"),
            "ignoreVary" if matches!(node.value, Value::Bool(false)) => {
                mapping.draft.needless(option, node, "it is so by default");
            }
            _ => mapping.draft.lost(
                option,
                node,
                "what is kept is found by its URL and by its `Vary`",
            ),
        },
    );
}

fn of_place(regex: &Regex, elsewhere: Elsewhere) -> Result<Vec<Condition>, String> {
    let places = places(regex, elsewhere).map_err(|why| format!("`{}`: {why}", regex.source))?;
    let condition = |place: super::regex::Place| Condition {
        origin: Some(place.origin).filter(|origin| origin != "*"),
        paths: vec![place.path],
        ..Condition::default()
    };
    Ok(places.into_iter().map(condition).collect())
}

fn strategy(handler: &Node) -> Option<Strategy> {
    Some(match handler.text()?.to_ascii_lowercase().as_str() {
        "cachefirst" => Strategy::CacheFirst,
        "networkfirst" => Strategy::NetworkFirst,
        "stalewhilerevalidate" | "fastest" => Strategy::StaleWhileRevalidate,
        "cacheonly" => Strategy::CacheOnly,
        "networkonly" => Strategy::NetworkOnly,
        _ => return None,
    })
}

const HANDLER: &str = "it is none of the five strategies; code of your own in `[worker] extend` can answer such requests";

/// What a request may be for (Fetch, "destination").
const DESTINATIONS: [&str; 14] = [
    "audio", "document", "embed", "font", "frame", "iframe", "image", "manifest", "object",
    "script", "style", "track", "video", "worker",
];

/// Most opaque answers of a route that names no limit.
const OPAQUE_ENTRIES: u64 = 60;
/// As many of one name with other limits nobody has.
const STASHES_MAX: u32 = 10;
