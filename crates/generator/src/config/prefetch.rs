//! `[prefetch]`: what pages may have fetched ahead, and what is found in it.

use revisit_rules::site::pattern::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{patterns, refuse};
use crate::BuildError;

/// Pages tell the worker what to fetch ahead (`revisit.prefetch()`, `data-revisit-prefetch`), and which
/// pages to keep for reading offline (`revisit.save()`). The section's presence puts that into worker and
/// page client, also if it is empty. `docs/prefetch.md` tells how it is used.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PrefetchConfig {
    /// Most URLs that one message may ask for, and as many again that it may come to by `follow`; the
    /// rest is ignored, and the sender is told. Default `100`.
    pub urls_max: u32,
    /// Most bytes that are kept in all; the oldest go first. Nothing larger than that is fetched to its
    /// end. Saved pages do not count. Default `10485760` (10 MiB).
    pub bytes_max: u64,
    /// Most bytes of one saved page with all that it loads. Default `52428800` (50 MiB).
    pub save_bytes_max: u64,
    /// How many requests are under way at one time, of all pages together. Default `3`.
    pub concurrency: u32,
    /// Seconds for which what was prefetched is answered without asking the server, whatever its
    /// `Cache-Control` says (`no-store` alone is never kept). Later the network is asked first, and what
    /// is kept answers when there is none. Default `300`.
    pub fresh_seconds: u32,
    /// Seconds that the network has to begin its answer before one that is no more fresh, or of a saved
    /// page, is given instead. Default `3`.
    pub timeout_seconds: u32,
    /// Also keep what another origin lets nobody read (no CORS). Its size and status cannot be known, and
    /// browsers count megabytes for each: twenty are kept at the most. Default `false`.
    pub opaque: bool,
    /// Which URLs in what was fetched are fetched too: one `[[prefetch.follow]]` each. Default none.
    pub follow: Vec<FollowConfig>,
}

/// Where a document names what is worth fetching with it. It has either `pointer` or `html`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FollowConfig {
    /// Pattern of the URL paths whose answers are looked through, such as `/api/products/**`; of another
    /// origin with that before it: `https://api.example/**`. Without a query. Default: every one.
    pub from: String,
    /// JSON Pointer (RFC 6901) to the URLs; `*` stands for each member or element:
    /// `/products/*/productPic`. Relative ones are of the document's own URL. Default none.
    pub pointer: Option<String>,
    /// What a page loads: `src` and `srcset` of pictures and scripts, style sheets, preloads, icons and
    /// posters, and what style sheets import and name by `url()`. Default `false`.
    pub html: bool,
    /// How far: at `1` what was asked for is looked through, at `2` also what was found there. At most `5`.
    /// Default `1`.
    pub depth: Option<u32>,
}

impl Default for PrefetchConfig {
    fn default() -> Self {
        Self {
            urls_max: 100,
            bytes_max: 10 << 20,
            save_bytes_max: 50 << 20,
            concurrency: 3,
            fresh_seconds: 300,
            timeout_seconds: 3,
            opaque: false,
            follow: Vec::new(),
        }
    }
}

impl PrefetchConfig {
    /// The values that the worker reads; the first that means nothing is the error. `past`: URL paths
    /// below which requests go past the worker.
    pub(crate) fn values(&self, past: &[String]) -> Result<Value, BuildError> {
        let positive = [
            ("prefetch.urls_max", u64::from(self.urls_max)),
            ("prefetch.bytes_max", self.bytes_max),
            ("prefetch.save_bytes_max", self.save_bytes_max),
            ("prefetch.concurrency", u64::from(self.concurrency)),
        ];
        if let Some((key, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return refuse(
                key,
                "0",
                "nothing could be fetched; leave out `[prefetch]` for none",
            );
        }
        if self.urls_max > URLS_MAX {
            return refuse(
                "prefetch.urls_max",
                &self.urls_max.to_string(),
                "`1000` is the most: each costs a request",
            );
        }
        if self.timeout_seconds > TIMEOUT_SECONDS_MAX {
            return refuse(
                "prefetch.timeout_seconds",
                &self.timeout_seconds.to_string(),
                "an hour, `3600`, is the most",
            );
        }
        for rule in &self.follow {
            if let Some(path) = past
                .iter()
                .find(|path| rule.from.starts_with(path.as_str()))
            {
                let why = format!(
                    "`{}`, a `from` of `[[prefetch.follow]]`, lies below it: what is fetched could not be answered",
                    rule.from
                );
                return refuse("worker.network", path.trim_start_matches('/'), &why);
            }
        }
        let follow: Vec<Value> = self
            .follow
            .iter()
            .map(FollowConfig::values)
            .collect::<Result<_, _>>()?;
        Ok(json!({
            "urlsMax": self.urls_max,
            "sizeMax": self.bytes_max,
            "saveMax": self.save_bytes_max,
            "lanes": self.concurrency,
            "freshMs": u64::from(self.fresh_seconds) * 1000,
            "timeoutMs": u64::from(self.timeout_seconds) * 1000,
            "opaque": self.opaque,
            "follow": follow,
        }))
    }
}

impl FollowConfig {
    fn values(&self) -> Result<Value, BuildError> {
        let depth = self.depth.unwrap_or(1);
        if depth == 0 || depth > DEPTH_MAX {
            return refuse(
                "prefetch.follow.depth",
                &depth.to_string(),
                "it is a number from 1 to 5",
            );
        }
        let from = match &*self.from {
            "" => Vec::new(),
            from => {
                if !["/", "http://", "https://"]
                    .iter()
                    .any(|start| from.starts_with(start))
                {
                    return refuse(
                        "prefetch.follow.from",
                        from,
                        "it is a pattern of URL paths such as `/api/products/**`, or begins with an origin",
                    );
                }
                // a pattern of files has no slash before it
                let slash = if from.starts_with('/') { "/" } else { "" };
                patterns("prefetch.follow.from", &[from.to_owned()])?
                    .iter()
                    .flat_map(Pattern::alternatives)
                    .map(|path| format!("{slash}{path}"))
                    .collect()
            }
        };
        match &self.pointer {
            Some(pointer) if !self.html => {
                if !is_pointer(pointer) {
                    return refuse(
                        "prefetch.follow.pointer",
                        pointer,
                        "it is a JSON Pointer such as `/products/*/productPic`; `~0` stands for `~`, `~1` for `/`",
                    );
                }
                Ok(json!({ "from": from, "pointer": pointer, "depth": depth }))
            }
            None if self.html => Ok(json!({ "from": from, "html": true, "depth": depth })),
            _ => refuse(
                "prefetch.follow.pointer",
                self.pointer.as_deref().unwrap_or(""),
                "a rule has either a `pointer` or `html = true`",
            ),
        }
    }
}

/// `""` or `/a/b`, each `~` before a 0 or 1 (RFC 6901 §3).
fn is_pointer(text: &str) -> bool {
    let escaped = |token: &str| {
        let mut parts = token.split('~');
        parts.next();
        parts.all(|rest| rest.starts_with(['0', '1']))
    };
    text.is_empty() || text.starts_with('/') && text.split('/').all(escaped)
}

const URLS_MAX: u32 = 1000;
const TIMEOUT_SECONDS_MAX: u32 = 3600;
const DEPTH_MAX: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn values(config: Value) -> Result<Value, BuildError> {
        let config: PrefetchConfig = serde_json::from_value(config).unwrap();
        config.values(&["/data/".into()])
    }

    fn check(config: Value, refused: Option<&str>) {
        match (values(config.clone()), refused) {
            (Ok(_), None) => {}
            (Err(BuildError::Config { key, .. }), Some(expected)) => assert_eq!(key, expected),
            (other, _) => panic!("{config}: {other:?}"),
        }
    }

    fn check_rule(rule: Value, refused: Option<&str>) {
        check(json!({ "follow": [rule] }), refused);
    }

    #[test]
    fn a_rule_names_urls_and_one_place_in_their_answers() {
        check_rule(json!({ "pointer": "/products/*/productPic" }), None);
        check_rule(
            json!({ "pointer": "", "from": "/api/{a,b}/**", "depth": 5 }),
            None,
        );
        check_rule(
            json!({ "html": true, "from": "https://a.example/**" }),
            None,
        );
        let pointer = Some("prefetch.follow.pointer");
        check_rule(json!({}), pointer);
        check_rule(json!({ "html": true, "pointer": "/a" }), pointer);
        for text in ["a", "/~", "/a~2b", "*"] {
            check_rule(json!({ "pointer": text }), pointer);
        }
        for depth in [0, 6] {
            let rule = json!({ "html": true, "depth": depth });
            check_rule(rule, Some("prefetch.follow.depth"));
        }
        for from in ["api/**", "/{a,b", "*"] {
            let rule = json!({ "html": true, "from": from });
            check_rule(rule, Some("prefetch.follow.from"));
        }
    }

    #[test]
    fn what_goes_past_the_worker_is_not_followed() {
        let rule = |from: &str| json!({ "html": true, "from": from });
        check_rule(rule("/data/*.json"), Some("worker.network"));
        check_rule(rule("/database/**"), None);
        check_rule(rule("https://a.example/data/**"), None);
    }

    #[test]
    fn limits_are_neither_nothing_nor_without_end() {
        for (key, least) in [
            ("urls_max", 1),
            ("bytes_max", 1),
            ("save_bytes_max", 1),
            ("concurrency", 1),
            ("fresh_seconds", 0),
            ("timeout_seconds", 0),
        ] {
            check(json!({ key: least }), None);
            let name = format!("prefetch.{key}");
            if least > 0 {
                check(json!({ key: 0 }), Some(&name));
            }
        }
        for (key, most) in [("urls_max", 1000), ("timeout_seconds", 3600)] {
            check(json!({ key: most }), None);
            check(json!({ key: most + 1 }), Some(&format!("prefetch.{key}")));
        }
    }

    #[test]
    fn what_the_worker_reads_has_its_braces_expanded() {
        let rule = json!({ "from": "/{a,b}/*", "pointer": "/x" });
        assert_eq!(
            values(json!({ "follow": [rule] })).unwrap()["follow"],
            json!([{ "from": ["/a/*", "/b/*"], "pointer": "/x", "depth": 1 }])
        );
    }
}
