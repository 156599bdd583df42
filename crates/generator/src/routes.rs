//! What do the routes of a config mean? Recipes filled in, keys proved, and as the worker reads them.

use revisit_rules::site::pattern::Pattern;
use revisit_rules::site::routing::{self, Origin, Rule};
use serde_json::{Map, Value, json};
use url::Url;

use crate::config::{FallbackOn, RouteConfig, Strategy};
use crate::{BuildConfig, BuildError, Warning};

/// A route that can answer.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// Its place in the config, from 1.
    pub(crate) number: usize,
    pub(crate) rule: Rule,
    pub(crate) strategy: Strategy,
    /// Of its stash.
    pub(crate) name: String,
    /// All else, the recipe filled in.
    pub(crate) keys: RouteConfig,
}

/// The routes of a config in their order; the first that can never answer is the error.
pub(crate) fn routes(config: &BuildConfig) -> Result<Vec<Route>, BuildError> {
    if config.routes.len() > ROUTES_MAX {
        let count = config.routes.len().to_string();
        return Err(error("route", &count, "there are 200 at the most", None));
    }
    let mut found: Vec<Route> = Vec::new();
    for (index, keys) in config.routes.iter().enumerate() {
        let route = route(index + 1, keys.with_recipe(), config)?;
        for earlier in &found {
            earlier.refuse_hiding(&route)?;
            earlier.refuse_sharing(&route)?;
        }
        found.push(route);
    }
    Ok(found)
}

/// Routes that may match a request which one before them answers, each with those before it. Not
/// where that takes a part of the later one's: so are exceptions written.
pub(crate) fn overlaps(routes: &[Route]) -> Vec<Warning> {
    let mut found = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        let before = routes[..index].iter().filter_map(|first| {
            let path = first.rule.overlap(&route.rule)?;
            (!route.rule.covers(&first.rule)).then_some((first.number, path))
        });
        let (before, paths): (Vec<_>, Vec<_>) = before.unzip();
        if let Some(path) = paths.first() {
            found.push(Warning::RoutesOverlap {
                route: route.number,
                path: format!("/{path}"),
                before,
            });
        }
    }
    found
}

/// Is this the warning that something of another origin is missing offline, while a route keeps it?
pub(crate) fn answered(routes: &[Route], warning: &Warning) -> bool {
    let Warning::ThirdParty { url, .. } = warning else {
        return false;
    };
    // without its scheme a URL has the page's, which is not known
    let whole = url.strip_prefix("//").map(|rest| format!("https://{rest}"));
    let Ok(url) = Url::parse(whole.as_deref().unwrap_or(url)) else {
        return false;
    };
    let origin = url.origin().ascii_serialization();
    let asked = routing::Asked {
        origin: Some(&origin),
        path: url.path(),
        method: "GET",
        destination: None,
    };
    let first = routes.iter().find(|route| route.rule.matches(&asked));
    first.is_some_and(Route::keeps)
}

fn route(number: usize, keys: RouteConfig, config: &BuildConfig) -> Result<Route, BuildError> {
    let refuse = |key, value: &str, why: &str| Err(error(key, value, why, Some(number)));
    let Some(strategy) = keys.strategy else {
        let why = "without a `recipe` it must be said: `cache-first`, `network-first`, `stale-while-revalidate`, `cache-only` or `network-only`";
        return refuse("route.strategy", "none", why);
    };
    let path = match keys.path.as_deref() {
        None if keys.destination.is_none() && keys.origin.is_none() => {
            let why = "it matches every request of the site: write `/**` if that is meant";
            return refuse("route.path", "none", why);
        }
        None => None,
        Some(written) => match routing::path(written) {
            Ok(pattern) => Some(pattern),
            Err(why) => return refuse("route.path", written, &why.to_string()),
        },
    };
    let written = keys.origin.as_deref().unwrap_or("self");
    let Some(origin) = origin(written) else {
        let why = "it is `self`, `*`, or an origin such as `https://fonts.example`, without a path";
        return refuse("route.origin", written, why);
    };
    let methods = keys.methods.clone().unwrap_or_else(|| vec!["GET".into()]);
    let known = |method: &String| METHODS.contains(&&**method);
    if methods.is_empty() || !methods.iter().all(known) {
        let why = format!("it is a list of {}", METHODS.join(", "));
        return refuse("route.methods", &methods.join(", "), &why);
    }
    if strategy != Strategy::NetworkOnly && methods.iter().any(|method| method != "GET") {
        let why = "only what GET brings can be kept; for others the strategy is `network-only`";
        return refuse("route.methods", &methods.join(", "), why);
    }
    let destinations = destinations(keys.destination.as_deref(), number)?;
    let rule = Rule {
        path,
        origin,
        methods,
        destinations,
    };
    let default = || match keys.recipe {
        // one of a recipe has its name
        Some(recipe) => match config.routes[..number - 1]
            .iter()
            .any(|it| it.recipe == keys.recipe)
        {
            false => recipe.key(),
            true => format!("{}-{number}", recipe.key()),
        },
        None => format!("route-{number}"),
    };
    let route = Route {
        number,
        name: keys.name.clone().unwrap_or_else(default),
        rule,
        strategy,
        keys,
    };
    route.refuse_senseless()?;
    route.refuse_unreachable(config)?;
    Ok(route)
}

fn origin(written: &str) -> Option<Origin> {
    match written {
        "self" => Some(Origin::Own),
        "*" => Some(Origin::Any),
        _ => {
            let url = Url::parse(written).ok()?;
            let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            let http = matches!(url.scheme(), "http" | "https");
            let nobody = url.username().is_empty() && url.password().is_none();
            (bare && http && nobody).then(|| Origin::Named(url.origin().ascii_serialization()))
        }
    }
}

/// In the words of Fetch, which has none for requests of scripts.
fn destinations(list: Option<&[String]>, number: usize) -> Result<Option<Vec<String>>, BuildError> {
    let Some(list) = list else { return Ok(None) };
    let refuse = |word: &str, why: &str| Err(error("route.destination", word, why, Some(number)));
    if list.is_empty() {
        return refuse("[]", "leave the key out for all");
    }
    for word in list {
        match &**word {
            "embed" | "object" | "serviceworker" | "report" => {
                return refuse(word, "browsers never ask a worker for these");
            }
            word if DESTINATIONS.contains(&word) => {}
            word => {
                return refuse(word, &format!("it is one of {}", DESTINATIONS.join(", ")));
            }
        }
    }
    let fetch = |word: &String| match &**word {
        "fetch" => String::new(),
        word => word.to_owned(),
    };
    Ok(Some(list.iter().map(fetch).collect()))
}

impl Route {
    fn error(&self, key: &'static str, value: &str, why: &str) -> BuildError {
        error(key, value, why, Some(self.number))
    }

    /// The value of a key, as the config may have it.
    fn said(&self, key: &str) -> String {
        let keys = json!(self.keys);
        match &keys[key.trim_start_matches("route.")] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// Is anything but the network asked?
    pub(crate) fn keeps(&self) -> bool {
        self.strategy != Strategy::NetworkOnly
    }

    /// Does it match pages that are loaded?
    fn documents(&self) -> bool {
        let is = |word: &String| word == "document" || word == "iframe";
        self.rule
            .destinations
            .as_ref()
            .is_none_or(|list| list.iter().any(is))
    }

    /// Keys that would change nothing, and values that no response has.
    fn refuse_senseless(&self) -> Result<(), BuildError> {
        let keys = &self.keys;
        let strategy = self.strategy;
        let kept = [
            ("route.name", keys.name.is_some()),
            ("route.statuses", keys.statuses.is_some()),
            ("route.headers", !keys.headers.is_empty()),
            ("route.max_entries", keys.max_entries.is_some()),
            ("route.max_age_seconds", keys.max_age_seconds.is_some()),
            ("route.max_bytes", keys.max_bytes.is_some()),
            ("route.opaque", keys.opaque),
            ("route.private", keys.private),
            ("route.ignore_search", keys.ignore_search),
        ];
        let asked = [
            ("route.preload", keys.preload),
            ("route.credentials", keys.credentials.is_some()),
            ("route.fallback_on", keys.fallback_on == FallbackOn::Failure),
        ];
        let first = ("route.timeout_seconds", keys.timeout_seconds.is_some());
        let replaces = matches!(
            strategy,
            Strategy::NetworkFirst | Strategy::StaleWhileRevalidate
        );
        let all = [
            (&kept[..], self.keeps(), "keeps nothing"),
            (&asked, strategy != Strategy::CacheOnly, "asks no network"),
            (
                &[first],
                strategy == Strategy::NetworkFirst,
                "waits for nothing else",
            ),
            (
                &[("route.broadcast", keys.broadcast)],
                replaces,
                "replaces no answer that a page was given",
            ),
        ];
        for (said, sensible, why) in all {
            if let Some((key, _)) = said.iter().find(|(_, said)| *said && !sensible) {
                let why = format!("`{}` {why}: leave it out", strategy.key());
                return Err(self.error(key, &self.said(key), &why));
            }
        }
        if keys.fallback_on == FallbackOn::Failure && keys.fallback.is_none() {
            let why = "name the file that answers then, by `fallback`";
            return Err(self.error("route.fallback_on", "failure", why));
        }
        let zeros = [
            ("route.timeout_seconds", keys.timeout_seconds == Some(0)),
            ("route.max_entries", keys.max_entries == Some(0)),
            ("route.max_age_seconds", keys.max_age_seconds == Some(0)),
            ("route.max_bytes", keys.max_bytes == Some(0)),
        ];
        if let Some((key, _)) = zeros.iter().find(|(_, zero)| *zero) {
            let why = "nothing could ever be kept or waited for: leave it out for no limit, or take `network-only`";
            return Err(self.error(key, "0", why));
        }
        if keys.timeout_seconds > Some(TIMEOUT_SECONDS_MAX) {
            let value = keys.timeout_seconds.unwrap_or_default().to_string();
            return Err(self.error(
                "route.timeout_seconds",
                &value,
                "a day, `86400`, is the most",
            ));
        }
        if let Some(statuses) = &keys.statuses {
            let never = |status: &&u16| {
                !matches!(status, 200..=203 | 206..=299 | 400..=599) || **status == 206
            };
            if let Some(status) = statuses.iter().find(never) {
                let why = "responses with it cannot be kept: it is one of 200 to 203, 207 to 299 and 400 to 599";
                return Err(self.error("route.statuses", &status.to_string(), why));
            }
            if statuses.is_empty() {
                return Err(self.error("route.statuses", "[]", "no response could be kept"));
            }
        }
        for name in keys.headers.keys() {
            let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(token) {
                return Err(self.error("route.headers", name, "it is no name of a header field"));
            }
            if name.to_ascii_lowercase().starts_with("set-cookie") {
                return Err(self.error("route.headers", name, "a worker does not see it"));
            }
        }
        if keys.opaque && self.rule.origin == Origin::Own {
            let why = "what the site's own origin answers can always be read; name the `origin` that this is for";
            return Err(self.error("route.opaque", "true", why));
        }
        if keys.opaque && keys.max_entries.is_none() {
            let why = "say `max_entries`: nobody sees the size of such responses, and each may take megabytes of the quota";
            return Err(self.error("route.opaque", "true", why));
        }
        let name = &self.name;
        if name.is_empty() || name.contains('|') || name.chars().any(char::is_control) {
            return Err(self.error("route.name", name, "it is a word without `|`"));
        }
        if RESERVED.iter().any(|word| name.starts_with(word)) {
            let why = "stashes that begin so are for what pages ask to keep";
            return Err(self.error("route.name", name, why));
        }
        Ok(())
    }

    /// A route that no request ever comes to.
    fn refuse_unreachable(&self, config: &BuildConfig) -> Result<(), BuildError> {
        let pages_alone = self.rule.destinations.as_deref() == Some(&["document".to_owned()]);
        if pages_alone && self.keys.credentials.is_some() {
            let why =
                "browsers send the cookies of pages that are loaded as they see fit: leave it out";
            return Err(self.error("route.credentials", &self.said("route.credentials"), why));
        }
        if self.keys.preload && !self.documents() {
            let why = "browsers preload pages alone: let `destination` have `document`";
            return Err(self.error("route.preload", "true", why));
        }
        if pages_alone && matches!(self.rule.origin, Origin::Named(_)) {
            let why = "pages of another origin are never asked of this worker";
            return Err(self.error(
                "route.origin",
                self.keys.origin.as_deref().unwrap_or(""),
                why,
            ));
        }
        if self.rule.origin != Origin::Own {
            return Ok(());
        }
        let Some(path) = &self.rule.path else {
            return Ok(());
        };
        let base = config.site.base.trim_start_matches('/');
        let below = |path: &str| Pattern::new(&format!("{path}**"));
        if pages_alone && below(base).is_ok_and(|all| all.common(path).is_none()) {
            let why = format!(
                "pages outside of `{}` (`site.base`) are never asked of this worker",
                config.site.base
            );
            return Err(self.error("route.path", path.written(), &why));
        }
        for network in &config.worker.network {
            let past = below(&format!("{base}{network}"));
            let pages = self.rule.destinations.is_some() && self.documents();
            if !pages && past.is_ok_and(|past| past.covers(path)) {
                let why =
                    format!("requests below `{network}` go past the worker, by `worker.network`");
                return Err(self.error("route.path", path.written(), &why));
            }
        }
        Ok(())
    }

    /// Refuses a later route that this one leaves nothing to.
    fn refuse_hiding(&self, later: &Self) -> Result<(), BuildError> {
        if !self.rule.covers(&later.rule) {
            return Ok(());
        }
        let why = format!(
            "route {} comes first and matches all that it does: put it behind, or take it out",
            self.number
        );
        Err(later.error(
            "route.path",
            later.keys.path.as_deref().unwrap_or("**"),
            &why,
        ))
    }

    /// Refuses a later route of the same stash with other limits.
    fn refuse_sharing(&self, later: &Self) -> Result<(), BuildError> {
        let limits = |route: &Self| {
            let keys = &route.keys;
            (keys.max_entries, keys.max_age_seconds, keys.max_bytes)
        };
        if !self.keeps()
            || !later.keeps()
            || self.name != later.name
            || limits(self) == limits(later)
        {
            return Ok(());
        }
        let why = format!(
            "route {} keeps in it with other limits: give both the same, or another name to one",
            self.number
        );
        Err(later.error("route.name", &later.name, &why))
    }

    /// As `runtime/worker/config.js` has it.
    pub(crate) fn for_worker(&self) -> Value {
        let keys = &self.keys;
        let mut route = Map::new();
        route.insert("strategy".into(), json!(self.strategy.feature()));
        let mut set = |key: &str, said: bool, value: Value| {
            if said {
                route.insert(key.into(), value);
            }
        };
        let path = self.rule.path.as_ref().map(Pattern::alternatives);
        set("path", path.is_some(), json!(path));
        match &self.rule.origin {
            Origin::Own => {}
            Origin::Any => set("origin", true, json!("*")),
            Origin::Named(origin) => set("origin", true, json!(origin)),
        }
        set(
            "methods",
            self.rule.methods != ["GET"],
            json!(self.rule.methods),
        );
        set(
            "destination",
            self.rule.destinations.is_some(),
            json!(self.rule.destinations),
        );
        set("name", self.keeps(), json!(self.name));
        let ms = |seconds: Option<u32>| json!(seconds.map(|it| u64::from(it) * 1000));
        set(
            "timeout",
            keys.timeout_seconds.is_some(),
            ms(keys.timeout_seconds),
        );
        set("statuses", keys.statuses.is_some(), json!(keys.statuses));
        set("headers", !keys.headers.is_empty(), json!(keys.headers));
        set(
            "entriesMax",
            keys.max_entries.is_some(),
            json!(keys.max_entries),
        );
        set(
            "ageMax",
            keys.max_age_seconds.is_some(),
            ms(keys.max_age_seconds),
        );
        set("bytesMax", keys.max_bytes.is_some(), json!(keys.max_bytes));
        set("opaque", keys.opaque, json!(true));
        set("private", keys.private, json!(true));
        set("ignoreSearch", keys.ignore_search, json!(true));
        let credentials = keys.credentials.map(|it| it.key());
        set("credentials", credentials.is_some(), json!(credentials));
        set("fallback", keys.fallback.is_some(), json!(keys.fallback));
        let on_failure = keys.fallback_on == FallbackOn::Failure;
        set("onFailure", on_failure, json!(true));
        set("broadcast", keys.broadcast, json!(true));
        Value::Object(route)
    }
}

fn error(key: &'static str, value: &str, why: &str, number: Option<usize>) -> BuildError {
    BuildError::Config {
        key,
        value: value.to_owned(),
        why: match number {
            Some(number) => format!("{why} (route {number})"),
            None => why.to_owned(),
        },
    }
}

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Those of Fetch that come to a worker, and a word of ours for the empty one.
const DESTINATIONS: [&str; 18] = [
    "audio",
    "audioworklet",
    "document",
    "fetch",
    "font",
    "frame",
    "iframe",
    "image",
    "json",
    "manifest",
    "paintworklet",
    "script",
    "sharedworker",
    "style",
    "track",
    "video",
    "worker",
    "xslt",
];

/// Stashes of what pages ask to keep.
const RESERVED: [&str; 2] = ["prefetch", "saved"];

/// Each request is held against all of them.
const ROUTES_MAX: usize = 200;

const TIMEOUT_SECONDS_MAX: u32 = 86_400;

#[cfg(test)]
mod tests;
