//! `[origin]`: what `revisit serve URL` wants of the server behind it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use revisit_engine::origin::OriginLimits;
use revisit_gateway::PathEdits;
use revisit_rules::http::amend::{Change, EditError, Edits, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cache::path_pattern;
use crate::failure::Failure;

/// The server that `revisit serve URL` stands before. A folder has none, and these keys do nothing there.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OriginSection {
    /// Longest time for a connection to be made, or to become free where `connections_max` are in
    /// use; then a client gets a 504, or a 503. Default `5`.
    pub(crate) connect_seconds: NonZeroU32,
    /// Longest time from the end of a request to the header fields of its answer; then a client gets
    /// a 504, or what is kept where that may be. Default `60`.
    pub(crate) first_byte_seconds: NonZeroU32,
    /// Longest time between two pieces of an answer; then the client's connection is cut, which tells it that
    /// something is missing. A server that sends events should send a comment at times. Default `60`.
    pub(crate) stall_seconds: NonZeroU32,
    /// How long an unused connection is kept. It should be shorter than the server keeps it. Default `4`:
    /// Node.js closes after five seconds.
    pub(crate) idle_seconds: u32,
    /// Most connections at once, WebSockets among them. Default `256`.
    pub(crate) connections_max: NonZeroU32,
    /// Most of them for uploads and WebSockets, which last as long as a client likes; further ones get a 503 after
    /// `connect_seconds`, while pages are still asked for. Default `128`.
    pub(crate) held_connections_max: NonZeroU32,
    /// Longest time in which nothing passes through a WebSocket, either way; then it is closed. Default `600`.
    pub(crate) tunnel_idle_seconds: NonZeroU32,
    /// Most unused connections that are kept. Default `64`.
    pub(crate) idle_connections_max: u32,
    /// Most bytes of the header fields of an answer, at least 8192; beyond it a client gets a 502. Default `65536` (64 KiB).
    pub(crate) header_bytes_max: u32,
    /// Most header fields of an answer; beyond it a client gets a 502. Default `200`.
    pub(crate) header_count_max: NonZeroU32,
    /// Addresses of proxies before this one whose `Forwarded` and `X-Forwarded-*` count. What others say
    /// there is taken out. Default none.
    #[schemars(with = "Vec<String>")]
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// A file of certificates (PEM) of authorities that are believed beside those that browsers believe:
    /// for a server of your own that is asked by `https://`. Default none.
    pub(crate) ca_file: Option<PathBuf>,
    /// Header fields that are changed on the way to the server and back; all that fit a path count, in their order. Requests are
    /// changed before the cache looks at them, answers before it judges and keeps them. Default none.
    pub(crate) edit: Vec<EditSection>,
}

/// Header fields that are changed for some paths: first some are taken out, then some are set, then some are added.
/// What says how a message is sent, or on what the cache's own rules rest, is refused.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EditSection {
    /// Pattern of the paths, as those of `[precache]`: `api/**`. It must be there.
    pub(crate) path: String,
    /// Names of fields that are taken out of requests. Default none.
    pub(crate) request_remove: Vec<String>,
    /// Fields that requests go on with, in the place of those that came: `{ X-Forwarded-Proto = "https" }`. Default none.
    pub(crate) request_set: BTreeMap<String, String>,
    /// Fields that requests go on with, beside those that came. Default none.
    pub(crate) request_add: BTreeMap<String, String>,
    /// Names of fields that are taken out of answers. Default none.
    pub(crate) response_remove: Vec<String>,
    /// Fields of answers, in the place of those that came: `{ Cache-Control = "max-age=60" }`. Default none.
    pub(crate) response_set: BTreeMap<String, String>,
    /// Fields of answers, beside those that came. Default none.
    pub(crate) response_add: BTreeMap<String, String>,
}

impl Default for OriginSection {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            connect_seconds: number(5),
            first_byte_seconds: number(60),
            stall_seconds: number(60),
            idle_seconds: 4,
            connections_max: number(256),
            held_connections_max: number(128),
            tunnel_idle_seconds: number(600),
            idle_connections_max: 64,
            header_bytes_max: 64 * 1024,
            header_count_max: number(200),
            trusted_proxies: Vec::new(),
            ca_file: None,
            edit: Vec::new(),
        }
    }
}

impl OriginSection {
    pub(crate) fn limits(&self) -> OriginLimits {
        let seconds = |number: NonZeroU32| Duration::from_secs(number.get().into());
        OriginLimits {
            connect_time_max: seconds(self.connect_seconds),
            first_byte_time_max: seconds(self.first_byte_seconds),
            body_stall_max: seconds(self.stall_seconds),
            idle_time_max: Duration::from_secs(self.idle_seconds.into()),
            connections_max: self.connections_max.get() as usize,
            held_connections_max: self.held_connections_max.get() as usize,
            tunnel_idle_max: seconds(self.tunnel_idle_seconds),
            idle_connections_max: self.idle_connections_max as usize,
            header_bytes_max: self.header_bytes_max as usize,
            header_count_max: self.header_count_max.get() as usize,
        }
    }

    /// What the gateway changes in messages.
    pub(crate) fn edits(&self) -> Result<Vec<PathEdits>, Failure> {
        self.edit.iter().map(EditSection::read).collect()
    }
}

impl EditSection {
    fn read(&self) -> Result<PathEdits, Failure> {
        let path = path_pattern("origin.edit", &self.path)?;
        let side = |side, remove: &[String], set, add| {
            let named = |change, fields: &BTreeMap<String, String>| {
                let fields = fields.iter();
                let changes =
                    fields.map(move |(name, value)| (change, name.clone(), value.clone()));
                changes.collect::<Vec<_>>()
            };
            let mut changes: Vec<_> = remove
                .iter()
                .map(|name| (Change::Remove, name.clone(), String::new()))
                .collect();
            changes.extend(named(Change::Set, set));
            changes.extend(named(Change::Add, add));
            let changes = changes
                .iter()
                .map(|(change, name, value)| (*change, name.as_str(), value.as_str()));
            Edits::new(side, changes).map_err(|error| {
                let help = match error {
                    EditError::Name(_) => "write the name as it stands in a message: `X-Shop`",
                    EditError::Value(_) => "write the value in one line",
                    EditError::Forbidden { .. } => "take it out of the edit",
                };
                let error = anyhow!("{error}").context(format!(
                    "cannot use the `[[origin.edit]]` for `{}`",
                    self.path
                ));
                Failure::words(error).help(help.to_owned())
            })
        };
        Ok(PathEdits {
            path,
            request: side(
                Side::Request,
                &self.request_remove,
                &self.request_set,
                &self.request_add,
            )?,
            response: side(
                Side::Response,
                &self.response_remove,
                &self.response_set,
                &self.response_add,
            )?,
        })
    }
}
