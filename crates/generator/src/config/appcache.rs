//! `[appcache]`: sites whose pages name an AppCache manifest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sites of the time of AppCache, whose pages name a manifest: `<html manifest="site.appcache">`. They get a worker
/// that does what browsers did, and `window.applicationCache`, in place of the worker that keeps files
/// ahead of time (`docs/appcache.md`).
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AppcacheConfig {
    /// Whether the site gets that worker. `false` gives it the ordinary one, for which a manifest is a file as any
    /// other. Default: `true` where a page names a manifest that lies in the folder and begins with
    /// `CACHE MANIFEST`; one that a server makes wants it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The attribute of `<html>` that names the manifest; another than `manifest`, such as `data-appcache`, where
    /// a checker of pages refuses that. Default `manifest`.
    pub attribute: String,
    /// `standard` (HTML 5.1 by its text), `compat` (what sites of the time counted on: `http://*` opens the network,
    /// a file that says `no-store` is left out, fallbacks may lie outside the manifest's folder if it is
    /// served with its own type, files of other origins that let nobody read them are taken unseen, so that
    /// an error page may be among them) or `same-origin-https` (over https files of other origins are ignored).
    /// Default `standard`.
    pub profile: AppcacheProfile,
}

/// In what browsers differed from the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AppcacheProfile {
    /// HTML 5.1 by its text.
    #[default]
    Standard,
    /// What sites of the time counted on.
    Compat,
    /// Over https the manifest's own origin alone.
    SameOriginHttps,
}

impl Default for AppcacheConfig {
    fn default() -> Self {
        Self {
            enabled: None,
            attribute: "manifest".into(),
            profile: AppcacheProfile::default(),
        }
    }
}
