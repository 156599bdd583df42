//! What is said of one response: for a terminal by [`super::told`], with `--json` as it stands.

use serde::Serialize;

/// What is said of one response; as it is printed with `--json`.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    pub(super) url: Option<String>,
    pub(super) method: String,
    pub(super) status: u16,
    /// It is what a navigation shows, by its `Content-Type`.
    pub(super) document: bool,
    pub(super) private: Option<Cache>,
    pub(super) shared: Option<Cache>,
    pub(super) visits: Vec<Visit>,
    pub(super) changes: Vec<String>,
}

/// What one kind of cache makes of it.
#[derive(Debug, Serialize)]
pub(super) struct Cache {
    pub(super) stored: bool,
    /// Why it is not stored.
    pub(super) because: Option<&'static str>,
    /// For how long it may be used without asking, from when it came; zero: never.
    pub(super) fresh_seconds: Option<u64>,
    pub(super) fresh_until: Option<String>,
    /// What gives it that lifetime.
    pub(super) by: Option<&'static str>,
    /// By which fields the cache can ask whether it is current.
    pub(super) validators: Vec<&'static str>,
    /// For how long after that it is used once more while the cache asks.
    pub(super) while_revalidating_seconds: Option<u64>,
    /// It is used though stale where the server cannot be reached.
    pub(super) when_unreachable: bool,
}

/// What a way of visiting costs.
#[derive(Debug, Serialize)]
pub(super) struct Visit {
    pub(super) action: Action,
    /// From when the response came; each when the time of the one before is over.
    pub(super) steps: Vec<Step>,
}

/// A way of visiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// An address typed, a link, a new tab.
    Typed,
    /// F5, or the button.
    Reload,
    /// With Shift, or with the tools open.
    HardReload,
    /// Any visit that reaches a shared cache.
    Shared,
}

/// What a cache does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "does", rename_all = "snake_case")]
pub(super) enum Step {
    /// Uses it without a request, for so long; `None`: for ever.
    Uses { seconds: Option<u64> },
    /// Uses it stale, and asks meanwhile.
    UsesAndAsks { seconds: u64 },
    /// Asks whether it changed: 304, or the whole.
    Asks,
    /// Fetches the whole.
    Fetches,
}
