//! `[worker] replaces`: whose worker stood here before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A tool whose worker is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Replaced {
    /// Workbox, from version 4 on.
    Workbox,
    /// sw-precache, from version 4 on.
    SwPrecache,
}
