//! Where engines differed from the text, and from each other; each difference can be switched by itself.

/// How a manifest is read, and how strict an update is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// A manifest of an `https:` site may list files of other origins (HTML 5.1; WebKit refused them).
    pub cross_origin_https_explicit: bool,
    /// A fallback namespace must lie below the manifest's own folder.
    pub fallback_path_rule: FallbackPathRule,
    /// `http://*` and `https://*` under `NETWORK:` open what `*` opens. By the text they name a host `*`
    /// that nobody has; older guides wrote all three.
    pub scheme_wildcards: bool,
    /// A listed file with `no-store` is left out, where by the text the whole update ends in an error.
    pub no_store_is_left_out: bool,
}

/// When fallback namespaces outside the manifest's folder are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackPathRule {
    /// Always, as the text has it.
    Always,
    /// Only if the manifest did not come as `text/cache-manifest`, as Chrome and WebKit had it.
    UnlessTyped,
    /// Never.
    Never,
}

impl Profile {
    /// HTML 5.1.
    pub const STANDARD: Self = Self {
        cross_origin_https_explicit: true,
        fallback_path_rule: FallbackPathRule::Always,
        scheme_wildcards: false,
        no_store_is_left_out: false,
    };
    /// What sites of the time counted on.
    pub const COMPAT: Self = Self {
        cross_origin_https_explicit: true,
        fallback_path_rule: FallbackPathRule::UnlessTyped,
        scheme_wildcards: true,
        no_store_is_left_out: true,
    };
    /// The text of 2011, and WebKit: a manifest of an `https:` site lists files of its own origin alone.
    pub const SAME_ORIGIN_HTTPS: Self = Self {
        cross_origin_https_explicit: false,
        ..Self::STANDARD
    };

    /// The profile of this name: `standard`, `compat` or `same-origin-https`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "standard" => Some(Self::STANDARD),
            "compat" => Some(Self::COMPAT),
            "same-origin-https" => Some(Self::SAME_ORIGIN_HTTPS),
            _ => None,
        }
    }

    /// The profile for a manifest that came with this `Content-Type`. The type decides nothing else.
    #[must_use]
    pub fn served_as(self, content_type: Option<&str>) -> Self {
        let essence = content_type.map(|it| it.split(';').next().unwrap_or_default().trim());
        let typed = essence.is_some_and(|it| it.eq_ignore_ascii_case("text/cache-manifest"));
        let fallback_path_rule = match self.fallback_path_rule {
            FallbackPathRule::UnlessTyped if typed => FallbackPathRule::Never,
            FallbackPathRule::UnlessTyped => FallbackPathRule::Always,
            decided => decided,
        };
        Self {
            fallback_path_rule,
            ..self
        }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::STANDARD
    }
}
