//! `[cache]`: what `revisit serve URL` keeps, and for whom.

use std::time::Duration;

use anyhow::anyhow;
use revisit_engine::cache::{CacheOptions, PathRule};
use revisit_rules::http::Policy;
use revisit_rules::http::profile::{Heuristic, SetCookie};
use revisit_rules::site::pattern::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The cache of `revisit serve URL`: by RFC 9111, and more careful where a mistake would show one
/// visitor what is another's.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CacheSection {
    /// Whose cache it is: `shared` among all who come, or `private`, of one person, as a browser's. Flag `--profile`.
    /// Default `shared`.
    pub(crate) profile: Profile,
    /// Which answers that set a cookie are kept for others: `safer` for those of which the server says
    /// `public`, `s-maxage` or `CDN-Cache-Control`; `rfc` for all that may be kept otherwise, by RFC 9111 §7.3. A
    /// session cookie beside a careless `max-age` logs strangers in. Flag `--set-cookie`. Default `safer`.
    pub(crate) set_cookie: Cookies,
    /// Most bytes of memory for what is kept. Half as much may be on its way there. Default `268435456` (256 MiB).
    pub(crate) memory_bytes_max: u64,
    /// Largest body that is kept; a larger one passes through unstored. Raise it for video and archives: one
    /// such body may push out thousands of pages. Default `67108864` (64 MiB).
    pub(crate) body_bytes_max: u64,
    /// Most answers that are kept for one URL, where they vary by fields of the request. Default `32`.
    pub(crate) variants_max: u32,
    /// Part of the time since the last change, in per cent, for which an answer without a lifetime is
    /// taken for fresh; `0` for not at all. Default `10`.
    pub(crate) heuristic_percent: u32,
    /// No longer than this. Default `86400`, a day.
    pub(crate) heuristic_seconds_max: u32,
    /// For how long past its lifetime an answer is used while the server says 500, 502, 503 or 504, where
    /// the answer does not say it (`stale-if-error`). Default `0`.
    pub(crate) stale_if_error_seconds: u32,
    /// The same while the server gives no answer at all. What says `must-revalidate` or the like is never used so.
    /// Default `86400`, a day.
    pub(crate) stale_if_unreachable_seconds: u32,
    /// Let clients ask for fresh answers, by `Cache-Control` in requests, as RFC 9111 has it. `false` keeps
    /// visitors who reload, and who attack, from the server. Default `true`.
    pub(crate) request_directives: bool,
    /// Let `No-Vary-Search` of an answer say which parts of a query make no difference, as Chromium does: then
    /// `/?utm_source=a` is answered from what is kept for `/?utm_source=b`. Default `true`.
    pub(crate) no_vary_search: bool,
    /// What is done otherwise below some paths; of several the first that fits counts. Default none.
    pub(crate) rule: Vec<CacheRule>,
}

/// What is done otherwise for some paths.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CacheRule {
    /// Pattern of the paths, as those of `[precache]`: `assets/**`. It must be there.
    pub(crate) path: String,
    /// Keep nothing, and answer nothing from what is kept. Default `false`.
    pub(crate) bypass: bool,
    /// The same for requests with a cookie of one of these names. Default none.
    pub(crate) bypass_cookies: Vec<String>,
    /// Lifetime of an answer with status 200 where the server says nothing of it, and that sets no cookie; the
    /// browser is told it too, by `Cache-Control`. Default none.
    pub(crate) lifetime_seconds: Option<u32>,
}

/// Whose cache it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Profile {
    /// Shared among all who come.
    #[default]
    Shared,
    /// Of one person.
    Private,
}

/// Which answers that set a cookie are kept for others.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cookies {
    /// Those that are said to be for many.
    #[default]
    Safer,
    /// All that may be kept otherwise.
    Rfc,
}

impl Default for CacheSection {
    fn default() -> Self {
        let policy = Policy::shared();
        let options = CacheOptions::new(policy.clone());
        let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
        let heuristic = policy.heuristic;
        Self {
            profile: Profile::default(),
            set_cookie: Cookies::default(),
            memory_bytes_max: options.memory_bytes_max,
            body_bytes_max: options.body_bytes_max,
            variants_max: u32::try_from(options.variants_max).unwrap_or(u32::MAX),
            heuristic_percent: heuristic.map_or(0, |heuristic| heuristic.percent),
            heuristic_seconds_max: heuristic.map_or(0, |heuristic| seconds(heuristic.lifetime_max)),
            stale_if_error_seconds: seconds(policy.stale_if_error),
            stale_if_unreachable_seconds: seconds(policy.stale_if_unreachable),
            request_directives: policy.request_directives,
            no_vary_search: policy.no_vary_search,
            rule: Vec::new(),
        }
    }
}

impl CacheSection {
    /// What the engine takes; words of the command line win.
    pub(crate) fn options(
        &self,
        profile: Option<Profile>,
        cookies: Option<Cookies>,
    ) -> Result<CacheOptions, Failure> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let mut policy = match profile.unwrap_or(self.profile) {
            Profile::Shared => Policy::shared(),
            Profile::Private => Policy::private(),
        };
        policy.set_cookie = match cookies.unwrap_or(self.set_cookie) {
            Cookies::Safer => SetCookie::Safer,
            Cookies::Rfc => SetCookie::Rfc,
        };
        policy.heuristic = (self.heuristic_percent > 0).then_some(Heuristic {
            percent: self.heuristic_percent,
            lifetime_max: seconds(self.heuristic_seconds_max),
        });
        policy.stale_if_error = seconds(self.stale_if_error_seconds);
        policy.stale_if_unreachable = seconds(self.stale_if_unreachable_seconds);
        policy.request_directives = self.request_directives;
        policy.no_vary_search = self.no_vary_search;
        let rules = self.rule.iter().map(CacheRule::read);
        Ok(CacheOptions {
            rules: rules.collect::<Result<_, _>>()?,
            memory_bytes_max: self.memory_bytes_max,
            body_bytes_max: self.body_bytes_max,
            variants_max: self.variants_max.max(1) as usize,
            ..CacheOptions::new(policy)
        })
    }
}

impl CacheRule {
    fn read(&self) -> Result<PathRule, Failure> {
        Ok(PathRule {
            path: path_pattern("cache.rule", &self.path)?,
            bypass: self.bypass,
            bypass_cookies: self.bypass_cookies.clone(),
            lifetime: self
                .lifetime_seconds
                .map(|seconds| Duration::from_secs(seconds.into())),
        })
    }
}

/// The paths that one of several such tables is for.
pub(super) fn path_pattern(table: &str, path: &str) -> Result<Pattern, Failure> {
    let words = |error: anyhow::Error, help: &str| Failure::words(error).help(help.to_owned());
    if path.is_empty() {
        let error = anyhow!("a `[[{table}]]` has no `path`");
        return Err(words(
            error,
            "say for which paths it is: `path = \"**\"` for all",
        ));
    }
    Pattern::new(path).map_err(|error| {
        let error = anyhow!("{error}").context(format!("`{path}` is no pattern"));
        words(error, "write it as `assets/**` or `*.{css,js}`")
    })
}
