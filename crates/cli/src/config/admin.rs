//! `[admin]`: who may look into a gateway, and throw out what it keeps.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An address of its own for those who run `revisit serve URL`: `GET /healthz`, `GET /metrics` (for Prometheus),
/// and `POST /purge/url`, `/purge/prefix`, `/purge/tag` with one of them a line in the body, `/purge/all`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AdminSection {
    /// Where to listen; an address that other machines can reach wants a `token`. Flag `--admin`. Default none: there is
    /// no such thing.
    #[schemars(with = "Option<String>")]
    pub(crate) listen: Option<SocketAddr>,
    /// What all but `/healthz` wants to be told, as `Authorization: Bearer TOKEN`. Default none.
    pub(crate) token: Option<String>,
}
