//! `[[route]]`: who answers what no precached file does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who answers a request that no precached file answers: the first route whose `path`, `origin`,
/// `methods` and `destination` all match. `docs/routes.md` tells what each strategy does. Routes cost
/// about 2 kB of worker; what none of them uses is not in it.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RouteConfig {
    /// Sets what other keys do not say: `fonts` (of any origin, cache-first, 30 entries, a year),
    /// `images` (cache-first, 60 entries, 30 days, 20 MiB), `pages` (network-first, 3 seconds, 50
    /// entries) or `static` (scripts and style sheets, stale-while-revalidate, 100 entries). Default none.
    pub recipe: Option<Recipe>,
    /// Pattern of URL paths below the origin, without query: `?` is one character, `*` any but a
    /// slash, `**` any, `**/` any number of folders, `{a,b}` either, and `:name` at the beginning of a
    /// segment at least one character but a slash. Default: all, for a route that has a `recipe`,
    /// `destination` or `origin`.
    pub path: Option<String>,
    /// `self` (the site's own), an origin such as `https://fonts.example`, or `*` for any. Default `self`.
    pub origin: Option<String>,
    /// Methods of requests. Only what GET brings can be kept: others want `network-only`. Default `["GET"]`.
    pub methods: Option<Vec<String>>,
    /// What requests are for, in the words of Fetch: `document`, `iframe`, `image`, `font`, `script`,
    /// `style`, `audio`, `video`, `track`, `manifest`, `worker` and so on; `fetch` for those of
    /// scripts (`fetch()`, `XMLHttpRequest`), which Fetch has no word for. Default: all.
    pub destination: Option<Vec<String>>,
    /// `cache-first`, `network-first`, `stale-while-revalidate`, `cache-only` or `network-only`.
    /// Default: the recipe's; without a recipe it must be said.
    pub strategy: Option<Strategy>,
    /// Of the stash in which responses are kept; a stash with another name begins empty. Routes of one
    /// name share it, and must have the same limits. Default: the recipe's, or from the route's place
    /// in the list, so that a route added before it renames it.
    pub name: Option<String>,
    /// Seconds after which what is kept answers, if anything is; the network's answer is kept when it
    /// comes. For `network-first` only. Default: none, or that of the recipe.
    pub timeout_seconds: Option<u32>,
    /// Statuses of responses that may be kept; of `200` a range can be answered. Default `[200]`.
    pub statuses: Option<Vec<u16>>,
    /// Header fields that a response must have, with exactly these values, to be kept. Default none.
    pub headers: BTreeMap<String, String>,
    /// Most entries of the stash; the oldest make room. Default: no limit, or that of the recipe.
    pub max_entries: Option<u32>,
    /// Seconds after which an entry answers no more, also offline; it is dropped when the next is kept.
    /// Counted from when it was stored. Default: no limit, or that of the recipe.
    pub max_age_seconds: Option<u32>,
    /// Most bytes of the stash, bodies as they are after decoding; the oldest make room, and a larger one is
    /// not kept. Default: no limit, or that of the recipe.
    pub max_bytes: Option<u64>,
    /// Keep also what other origins let nobody read, if they do not when asked by CORS. Nobody sees
    /// whether such a response is an error or how large it is, and Chromium counts about 7 MB of
    /// quota for each: `max_entries` must be said, and `max_bytes` does not see them. Default `false`.
    pub opaque: bool,
    /// Keep also what its server marks as one visitor's own: `Cache-Control: private` or `no-store`, or
    /// `Vary` with `Cookie` or `Authorization`. A worker does not see `Set-Cookie`. Default `false`.
    pub private: bool,
    /// URLs that differ in their query alone are one, for this route. Default `false`: only
    /// `[worker] ignore_parameters` do not count.
    pub ignore_search: bool,
    /// Whether cookies are sent: `omit`, `same-origin` or `include`, for other requests than
    /// navigations. Default: as the page asks.
    pub credentials: Option<Credentials>,
    /// Let browsers ask for a page while the worker wakes up (navigation preload). They then ask for every
    /// page of the site, also for those that are precached. Default `false`.
    pub preload: bool,
    /// Precached file that answers when neither stash nor network does: `images/none.svg`. For
    /// navigations the default is `[worker] offline_page`, for others none.
    pub fallback: Option<String>,
    /// When `fallback` answers: `silence` (nobody answers) or `failure` (that, and when the answer has a status
    /// from 400 on, or was redirected to another origin). What the stash has does not answer for a failure: a page
    /// that is gone, or that the visitor may no longer see, is not shown. Default `silence`.
    pub fallback_on: FallbackOn,
    /// Tell pages when a response that replaces a kept one differs from it in `ETag`, `Last-Modified` or
    /// `Content-Length`: a message `CACHE_UPDATED`, as Workbox has it. For `network-first` and
    /// `stale-while-revalidate`. Default `false`.
    pub broadcast: bool,
}

/// A route in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// Fonts of any origin.
    Fonts,
    /// Images.
    Images,
    /// Pages that are loaded.
    Pages,
    /// Scripts, style sheets and workers.
    Static,
}

/// Who is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// What is kept, or else the network.
    CacheFirst,
    /// The network, or else what is kept.
    NetworkFirst,
    /// What is kept, which is then fetched anew.
    StaleWhileRevalidate,
    /// What is kept and nothing else.
    CacheOnly,
    /// The network and nothing else.
    NetworkOnly,
}

/// In the place of what a file answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FallbackOn {
    /// Of no answer.
    #[default]
    Silence,
    /// Also of one that says that something went wrong.
    Failure,
}

/// Whether requests carry cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Credentials {
    /// None.
    Omit,
    /// Those to the site's own origin.
    SameOrigin,
    /// All.
    Include,
}

/// The name that a config has for it.
fn named(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

impl Recipe {
    /// As the config names it.
    pub fn key(self) -> String {
        named(&self)
    }

    /// The route that this recipe is the name of.
    fn route(self) -> RouteConfig {
        let kinds = |kinds: &[&str]| Some(kinds.iter().map(|&kind| kind.to_owned()).collect());
        const DAY: u32 = 86_400;
        match self {
            Self::Fonts => RouteConfig {
                origin: Some("*".into()),
                destination: kinds(&["font"]),
                strategy: Some(Strategy::CacheFirst),
                max_entries: Some(30),
                max_age_seconds: Some(365 * DAY),
                ..RouteConfig::default()
            },
            Self::Images => RouteConfig {
                destination: kinds(&["image"]),
                strategy: Some(Strategy::CacheFirst),
                max_entries: Some(60),
                max_age_seconds: Some(30 * DAY),
                max_bytes: Some(20 << 20),
                ..RouteConfig::default()
            },
            Self::Pages => RouteConfig {
                destination: kinds(&["document"]),
                strategy: Some(Strategy::NetworkFirst),
                timeout_seconds: Some(3),
                max_entries: Some(50),
                ..RouteConfig::default()
            },
            Self::Static => RouteConfig {
                destination: kinds(&["script", "style", "worker"]),
                strategy: Some(Strategy::StaleWhileRevalidate),
                max_entries: Some(100),
                ..RouteConfig::default()
            },
        }
    }
}

impl Strategy {
    /// As the config names it.
    pub fn key(self) -> String {
        named(&self)
    }

    /// As the worker names it.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::CacheFirst => "cacheFirst",
            Self::NetworkFirst => "networkFirst",
            Self::StaleWhileRevalidate => "staleWhileRevalidate",
            Self::CacheOnly => "cacheOnly",
            Self::NetworkOnly => "networkOnly",
        }
    }
}

impl Credentials {
    /// As Fetch names it.
    pub fn key(self) -> String {
        named(&self)
    }
}

impl RouteConfig {
    /// What the route's own keys say, and its recipe where they say nothing. Of a recipe whose strategy is
    /// another here, what that strategy has no use for is left out.
    pub(crate) fn with_recipe(&self) -> Self {
        let Some(recipe) = self.recipe else {
            return self.clone();
        };
        let from = recipe.route();
        let mut route = self.clone();
        route.origin = route.origin.or(from.origin);
        route.destination = route.destination.or(from.destination);
        route.strategy = route.strategy.or(from.strategy);
        if route.strategy == Some(Strategy::NetworkFirst) {
            route.timeout_seconds = route.timeout_seconds.or(from.timeout_seconds);
        }
        if route.strategy != Some(Strategy::NetworkOnly) {
            route.max_entries = route.max_entries.or(from.max_entries);
            route.max_age_seconds = route.max_age_seconds.or(from.max_age_seconds);
            route.max_bytes = route.max_bytes.or(from.max_bytes);
        }
        route
    }
}
