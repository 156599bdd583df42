//! `runtimeCaching`, of Workbox and of sw-precache (sw-toolbox), as `[[route]]`.

use super::condition::Condition;
use super::draft::{Item, Toml};
use super::literal::{Node, Regex, Table, Value};
use super::mapping::Mapping;
use super::options::{ROUTE, ROUTE_OPTIONS, TOOLBOX_OPTIONS};
use super::regex::{Elsewhere, places, statuses};

/// A route on its way.
#[derive(Debug, Default)]
struct Route {
    /// Origins and paths: one route each.
    places: Vec<(String, String)>,
    destinations: Vec<String>,
    methods: Vec<String>,
    strategy: &'static str,
    statuses: Vec<u64>,
    /// Other keys, as they come.
    more: Item,
    opaque: bool,
    preload: bool,
}

/// Workbox. `config`: says whether navigations are preloaded.
pub(super) fn workbox(mapping: &mut Mapping<'_>, option: &str, node: &Node, config: &Table) {
    let preload = config
        .get("navigationPreload")
        .is_some_and(|it| matches!(it.value, Value::Bool(true)));
    for (index, entry) in node.list().iter().enumerate() {
        let option = format!("{option}[{index}]");
        let Some(table) = entries(mapping, &option, entry) else {
            continue;
        };
        let placed = table.get("urlPattern").map(|pattern| (pattern, workbox_place(pattern)));
        let Some(mut route) = begun(mapping, &option, entry, &table, placed) else {
            continue;
        };
        let kept = matches!(route.strategy, "network-first" | "stale-while-revalidate");
        // Workbox keeps what it cannot read by these two unless statuses are named.
        route.opaque = kept && route.is_abroad();
        route.preload =
            preload && matches!(route.strategy, "network-first" | "network-only") && route.asks_pages();
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
        mapping.draft.mapped(&option, entry, "[[route]]");
        finish(mapping, route);
    }
}

/// sw-precache. An entry may also say what answers all else, by `default`.
pub(super) fn toolbox(mapping: &mut Mapping<'_>, option: &str, node: &Node) {
    let mut last = None;
    for (index, entry) in node.list().iter().enumerate() {
        let option = format!("{option}[{index}]");
        let Some(table) = entries(mapping, &option, entry) else {
            continue;
        };
        if let Some(handler) = table.get("default") {
            match strategy(handler) {
                Some(strategy) => {
                    last = Some(Route {
                        places: vec![("*".into(), "**".into())],
                        strategy,
                        ..Route::default()
                    });
                    mapping.draft.mapped(&option, entry, "[[route]], the last one");
                }
                None => mapping.draft.lost(&option, handler, HANDLER),
            }
            continue;
        }
        let options = table.get("options").and_then(Node::table).cloned();
        let options = options.unwrap_or_default();
        let origin = options.get("origin");
        let placed = table
            .get("urlPattern")
            .map(|pattern| (pattern, toolbox_place(pattern, origin)));
        let Some(mut route) = begun(mapping, &option, entry, &table, placed) else {
            continue;
        };
        route.opaque = route.is_abroad();
        let known = ["handler", "method", "options", "urlPattern", "default"];
        mapping.each(&table, &known, &option, |_, _, _, _| {});
        mapping.each(&options, &TOOLBOX_OPTIONS, &option, |mapping, name, full, node| {
            toolbox_option(mapping, &mut route, name, full, node);
        });
        mapping.draft.mapped(&option, entry, "[[route]]");
        finish(mapping, route);
    }
    if let Some(route) = last {
        finish(mapping, route);
    }
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
        mapping.draft.lost(&format!("{option}.handler"), at, HANDLER);
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
                mapping.draft.lost(&format!("{option}.method"), node, "it is no method");
                return None;
            }
        }
    }
    let all = conditions.into_iter().flat_map(|it| it.destinations);
    let mut destinations: Vec<String> = all.collect();
    destinations.dedup();
    if let Some(odd) = destinations.iter().find(|it| !DESTINATIONS.contains(&&***it)) {
        let why = format!("no request has the destination `{odd}`");
        mapping.draft.lost(&lost, pattern, &why);
        return None;
    }
    Some(Route {
        places,
        destinations,
        methods,
        strategy,
        ..Route::default()
    })
}

impl Route {
    /// Is it for other hosts, too?
    fn is_abroad(&self) -> bool {
        self.places.iter().any(|(origin, _)| origin != "self")
    }

    /// Can a navigation match it?
    fn asks_pages(&self) -> bool {
        let own = |(origin, _): &(String, String)| origin == "self" || origin == "*";
        self.places.iter().any(own)
            && (self.destinations.is_empty() || self.destinations.iter().any(|it| it == "document"))
    }
}

fn finish(mapping: &mut Mapping<'_>, route: Route) {
    for (origin, path) in route.places {
        let mut item = Item::default();
        item.set("path", Toml::Text(format!("/{path}")));
        if origin != "self" {
            item.set("origin", Toml::Text(origin));
        }
        if !route.destinations.is_empty() {
            item.set("destination", Toml::Texts(route.destinations.clone()));
        }
        if !route.methods.is_empty() {
            item.set("methods", Toml::Texts(route.methods.clone()));
        }
        item.set("strategy", Toml::Text(route.strategy.into()));
        if !route.statuses.is_empty() {
            item.set("statuses", Toml::Numbers(route.statuses.clone()));
        }
        let mut item = item.and(route.more.clone());
        for (key, is) in [("opaque", route.opaque), ("preload", route.preload)] {
            if is {
                item.set(key, Toml::Bool(true));
            }
        }
        mapping.draft.routes.push(item);
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
            let known = ["maxEntries", "maxAgeSeconds", "purgeOnQuotaError", "matchOptions"];
            mapping.each(&table, &known, option, |mapping, name, option, node| match name {
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
            });
        }
        "cacheableResponse" => {
            let Some(table) = mapping.table(option, node).cloned() else {
                return;
            };
            // who names statuses says by that whether opaque answers are among them
            if table.get("statuses").is_some() {
                route.opaque = false;
            }
            mapping.each(&table, &["statuses", "headers"], option, |mapping, name, option, node| {
                match name {
                    "statuses" => {
                        let list: Option<Vec<u64>> = node.list().iter().map(Node::whole).collect();
                        kept(mapping, route, list, option, node);
                    }
                    _ => headers(mapping, route, option, node),
                }
            });
        }
        "broadcastUpdate" => {
            let note = "pages hear `CACHE_UPDATED` by `message`, as by Workbox's default";
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
                None => mapping.draft.lost(option, node, "its `fallbackURL` is not known"),
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

fn toolbox_option(
    mapping: &mut Mapping<'_>,
    route: &mut Route,
    name: &str,
    option: &str,
    node: &Node,
) {
    match name {
        "cache" => {
            let Some(table) = mapping.table(option, node).cloned() else {
                return;
            };
            let known = ["name", "maxEntries", "maxAgeSeconds", "queryOptions"];
            mapping.each(&table, &known, option, |mapping, name, option, node| match name {
                "name" => stash(mapping, route, option, node),
                "maxEntries" => limit(mapping, route, "max_entries", option, node),
                "maxAgeSeconds" => limit(mapping, route, "max_age_seconds", option, node),
                _ => matching(mapping, route, option, node),
            });
        }
        "networkTimeoutSeconds" => timeout(mapping, route, option, node),
        "successResponses" => {
            let list = node.regex().as_ref().and_then(statuses);
            kept(mapping, route, list, option, node);
        }
        // it was read with the pattern
        "origin" => mapping.draft.mapped(option, node, "[[route]] origin"),
        _ => mapping.draft.needless(option, node, "a built worker logs nothing"),
    }
}

fn stash(mapping: &mut Mapping<'_>, route: &mut Route, option: &str, node: &Node) {
    let Some(name) = mapping.text(option, node) else {
        return;
    };
    let word: String = name
        .chars()
        .map(|char| match char.is_ascii_alphanumeric() || "-_.".contains(char) {
            true => char,
            false => '-',
        })
        .collect();
    mapping.draft.mapped(option, node, "[[route]] name");
    route.more.set("name", Toml::Text(word));
}

fn timeout(mapping: &mut Mapping<'_>, route: &mut Route, option: &str, node: &Node) {
    let Value::Number(seconds) = node.value else {
        return mapping.draft.lost(option, node, "it is no number");
    };
    if route.strategy != "network-first" {
        let why = "only who asks the network first gives it up";
        return mapping.draft.needless(option, node, why);
    }
    if !(0.0..=86_400.0).contains(&seconds) || seconds == 0.0 {
        return mapping.draft.lost(option, node, "it is no time to wait");
    }
    let whole = seconds.ceil() as u64;
    mapping.draft.mapped(option, node, "[[route]] timeout_seconds");
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
            mapping.draft.mapped(option, node, &format!("[[route]] {key}"));
            route.more.set(key, Toml::Number(number));
        }
        _ => mapping.draft.lost(option, node, "it is no whole number above zero"),
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
        return mapping.draft.lost(option, node, "it is no list of statuses");
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
    mapping.each(&table, &known, option, |mapping, name, option, node| match name {
        "ignoreSearch" if matches!(node.value, Value::Bool(true)) => {
            mapping.draft.mapped(option, node, "[[route]] ignore_search");
            route.more.set("ignore_search", Toml::Bool(true));
        }
        "ignoreSearch" => mapping.draft.needless(option, node, "it is so by default"),
        "ignoreVary" if matches!(node.value, Value::Bool(false)) => {
            mapping.draft.needless(option, node, "it is so by default");
        }
        _ => mapping.draft.lost(option, node, "what is kept is found by its URL and by its `Vary`"),
    });
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
                mapping.draft.needless(&full, node, "what can be read is asked for so");
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

fn of_place(regex: &Regex, elsewhere: Elsewhere) -> Result<Vec<Condition>, String> {
    let places = places(regex, elsewhere).map_err(|why| format!("`{}`: {why}", regex.source))?;
    let condition = |place: super::regex::Place| Condition {
        origin: Some(place.origin).filter(|origin| origin != "*"),
        paths: vec![place.path],
        ..Condition::default()
    };
    Ok(places.into_iter().map(condition).collect())
}

/// A text is one URL to Workbox, and nothing in it a pattern.
fn exact(text: &str) -> Result<Condition, String> {
    let home = url::Url::parse("https://site.invalid/").map_err(|_| "no URL".to_owned())?;
    let url = home.join(text).map_err(|_| "it is no URL".to_owned())?;
    if url.query().is_some() || url.path().contains(['*', '{', '}', '[', ']', ',', ':']) {
        return Err(format!("Workbox took `{text}` as it is, and a route's path has no query"));
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

/// A text is a path as Express has it (path-to-regexp 1), of this site or of `origin`.
fn toolbox_place(pattern: &Node, origin: Option<&Node>) -> Result<Vec<Condition>, String> {
    let mut conditions = match &pattern.value {
        Value::Text(text) => {
            let path = text.trim_start_matches('/').replace("(.*)", "*").replace('*', "**");
            let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~*:%".contains(c);
            if !path.chars().all(plain) || path.contains("***") {
                return Err(format!("`{text}` has what a route's path cannot say"));
            }
            vec![Condition {
                origin: Some("self".into()),
                paths: vec![path],
                ..Condition::default()
            }]
        }
        Value::Regex(regex) => of_place(regex, Elsewhere::Anywhere)?,
        Value::Unknown(what) => return Err(format!("it is {what}; write its value instead")),
        _ => return Err("it is no pattern".into()),
    };
    if let Some(node) = origin {
        let regex = node.regex().ok_or("its `origin` is no pattern")?;
        let named = places(&regex, Elsewhere::Anywhere).ok().and_then(|mut it| it.pop());
        let origin = match (&node.value, named) {
            (Value::Text(text), _) if text.contains("://") => text.trim_end_matches('/').to_owned(),
            (_, Some(place)) if place.origin.contains("://") => place.origin,
            // a host alone, as people write it
            _ => format!("https://{}", host(&regex)?),
        };
        for condition in &mut conditions {
            condition.origin = Some(origin.clone());
        }
    }
    Ok(conditions)
}

/// The host that a regular expression such as `fonts\.gstatic\.com$` means.
fn host(regex: &Regex) -> Result<String, String> {
    let text = regex.source.trim_start_matches('^').trim_end_matches('$');
    let text = text.replace("\\.", ".");
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    match text.contains('.') && text.chars().all(plain) {
        true => Ok(text),
        false => Err(format!("`origin`, `{}`, names no host", regex.source)),
    }
}

fn strategy(handler: &Node) -> Option<&'static str> {
    Some(match handler.text()?.to_ascii_lowercase().as_str() {
        "cachefirst" => "cache-first",
        "networkfirst" => "network-first",
        "stalewhilerevalidate" | "fastest" => "stale-while-revalidate",
        "cacheonly" => "cache-only",
        "networkonly" => "network-only",
        _ => return None,
    })
}

const HANDLER: &str = "it is none of the five strategies; code of your own in `[worker] extend` can answer such requests";

/// What a request may be for (Fetch, "destination").
const DESTINATIONS: [&str; 14] = [
    "audio", "document", "embed", "font", "frame", "iframe", "image", "manifest", "object", "script",
    "style", "track", "video", "worker",
];
