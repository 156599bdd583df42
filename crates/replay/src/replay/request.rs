//! A request as a browser makes it: its fields, and the partition that answers it.

use std::sync::Arc;
use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE, HeaderName, ORIGIN, REFERER, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method};
use revisit_rules::appcache::HostId;
use revisit_rules::http::invalidate::is_safe;
use url::Url;

use super::Replay;
use super::http::Ask;
use crate::disk::{Mode, Partition, Way};
use crate::site::{is_trustworthy, origin, site, without_fragment};
use crate::{CacheMode, Cors, Credentials, Destination, Parse, Server};

/// What is wanted, whichever redirects lead there.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) method: Method,
    pub(super) destination: Destination,
    pub(super) cors: Cors,
    pub(super) credentials: Credentials,
    pub(super) mode: Mode,
    pub(super) prefetch: bool,
    /// Fields that a script sets.
    pub(super) headers: HeaderMap,
    pub(super) body_bytes: Option<u64>,
    /// The document that asks; of a typed navigation none.
    pub(super) from: Option<Url>,
    /// The site of the tab's document; of its navigation none.
    pub(super) top: Option<Arc<str>>,
    /// Where it was found.
    pub(super) found_in: Option<Url>,
    pub(super) ready: Duration,
    pub(super) background: bool,
    /// Which application caches are asked.
    pub(super) caches: Caches,
}

/// Which application caches are asked for something, where the browser has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caches {
    /// None: past all caches, or the update of one.
    Past,
    /// All of the origin, for a navigation; the user comes from this page.
    All(Option<HostId>),
    /// That of this page, for what it loads.
    Of(Option<HostId>),
}

impl<S: Server, P: Parse> Replay<S, P> {
    /// The request for `url`, one step of `plan`.
    pub(super) fn request(&self, plan: &Plan, url: &Url, ready: Duration) -> Ask {
        let url = without_fragment(url);
        Ask {
            headers: self.fields(plan, &url),
            partition: self.partition(plan, &url),
            mode: wanted(plan),
            method: plan.method.clone(),
            destination: plan.destination,
            prefetch: plan.prefetch,
            body_bytes: plan.body_bytes,
            found_in: plan.found_in.clone(),
            ready,
            background: plan.background,
            url,
        }
    }

    fn fields(&self, plan: &Plan, url: &Url) -> HeaderMap {
        let mut fields = plan.headers.clone();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                fields.entry(name).or_insert(value);
            }
        };
        let destination = plan.destination;
        let trusted = is_trustworthy(url);
        set(ACCEPT, accept(destination));
        set(ACCEPT_LANGUAGE, &self.options.language);
        set(
            ACCEPT_ENCODING,
            if trusted {
                "gzip, deflate, br, zstd"
            } else {
                "gzip, deflate"
            },
        );
        set(USER_AGENT, AGENT);
        if destination.is_navigation() {
            set(HeaderName::from_static("upgrade-insecure-requests"), "1");
        }
        if plan.prefetch {
            set(HeaderName::from_static("sec-purpose"), "prefetch");
        }
        let from = plan.from.as_ref();
        let same_origin = from.is_some_and(|from| origin(from) == origin(url));
        if let Some(from) = from {
            // "strict-origin-when-cross-origin"
            let whole = without_fragment(from);
            let referrer = if same_origin {
                whole.as_str().to_owned()
            } else {
                format!("{}/", origin(from))
            };
            if !(from.scheme() == "https" && url.scheme() == "http") {
                set(REFERER, &referrer);
            }
            // A prefetch with CORS says whose it is even to the own origin (measured).
            let cors = plan.cors == Cors::Yes && (!same_origin || plan.prefetch);
            if cors || !is_safe(&plan.method) {
                set(ORIGIN, origin(from));
            }
        }
        if trusted {
            let relation = match from {
                None => "none",
                Some(_) if same_origin => "same-origin",
                Some(from) if site(from) == site(url) => "same-site",
                Some(_) => "cross-site",
            };
            let mode = match (destination.is_navigation(), plan.cors) {
                (true, _) if !plan.prefetch => "navigate",
                (_, Cors::Yes) => "cors",
                (_, Cors::No) => "no-cors",
            };
            set(HeaderName::from_static("sec-fetch-site"), relation);
            set(HeaderName::from_static("sec-fetch-mode"), mode);
            set(
                HeaderName::from_static("sec-fetch-dest"),
                destination.name(),
            );
        }
        let carries = match plan.credentials {
            Credentials::Include => true,
            Credentials::SameOrigin => from.is_none() || same_origin,
            Credentials::Omit => false,
        };
        if carries
            && let Some(cookies) = self
                .cookies
                .of(url.host_str().unwrap_or_default(), self.world.now)
        {
            fields.entry(COOKIE).or_insert(cookies);
        }
        fields
    }

    /// Where on disk its answer is kept.
    fn partition(&self, plan: &Plan, url: &Url) -> Partition {
        if !self.options.partitioned {
            return Partition {
                top: None,
                way: Way::Plain,
            };
        }
        // A document of a tab, and one that is prefetched to be one, is of its own site.
        let own = plan.destination == Destination::Document;
        let (top, way) = match &plan.top {
            Some(top) if !own => {
                let frame = plan.destination == Destination::Iframe;
                (top.clone(), if frame { Way::Frame } else { Way::Plain })
            }
            _ => {
                let top = site(url);
                let crosses = plan.from.as_ref().is_some_and(|from| site(from) != top);
                (top, if crosses { Way::CrossSite } else { Way::Plain })
            }
        };
        Partition {
            top: Some(top),
            way,
        }
    }
}

/// The mode that a request really has: fields that a script sets count like a mode (Fetch standard,
/// "HTTP-network-or-cache fetch").
fn wanted(plan: &Plan) -> Mode {
    let says = |name: &str, value: &str| {
        let values = plan.headers.get_all(name);
        values
            .iter()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
    };
    let conditional = [
        "if-modified-since",
        "if-none-match",
        "if-unmodified-since",
        "if-match",
        "if-range",
    ];
    let mut mode = plan.mode;
    if mode.cache == CacheMode::Default {
        // "If httpRequest's cache mode is "default" and httpRequest's header list contains
        // `If-Modified-Since`, … then set httpRequest's cache mode to "no-store"."
        if conditional
            .iter()
            .any(|name| plan.headers.contains_key(*name))
        {
            mode.cache = CacheMode::NoStore;
        } else if says("cache-control", "no-cache") || says("pragma", "no-cache") {
            mode.cache = CacheMode::Reload;
        } else if says("cache-control", "max-age=0") {
            mode.cache = CacheMode::NoCache;
        }
    }
    if plan.destination.is_navigation() {
        // Documents are validated before their use.
        mode.may_be_stale = false;
    }
    mode
}

/// What Chromium says that it takes.
fn accept(destination: Destination) -> &'static str {
    match destination {
        Destination::Document | Destination::Iframe => {
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
        }
        Destination::Style => "text/css,*/*;q=0.1",
        Destination::Image => "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
        _ => "*/*",
    }
}

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
