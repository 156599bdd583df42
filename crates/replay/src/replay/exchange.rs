//! Writing exchanges down.

use std::time::Duration;

use http::HeaderMap;
use url::Url;

use super::http::Ask;
use crate::memory::Resource;
use crate::{Exchange, Layer, Reason, Subresource, Trouble, Visit};

/// An exchange about `ask` that nobody has answered yet.
pub(super) fn begin(ask: &Ask, reason: Reason) -> Exchange {
    Exchange {
        url: ask.url.clone(),
        method: ask.method.clone(),
        destination: ask.destination,
        found_in: ask.found_in.clone(),
        layer: Layer::Nobody,
        reason,
        asked: Vec::new(),
        status: None,
        headers: HeaderMap::new(),
        body_bytes: 0,
        pushed_bytes: 0,
        background: ask.background,
        stale: false,
        application_cache: None,
        not_kept: None,
        start: ask.ready,
        end: ask.ready,
    }
}

/// What a layer answered without a server.
pub(super) fn answered(
    mut exchange: Exchange,
    layer: Layer,
    resource: &Resource,
    takes: Duration,
) -> Exchange {
    exchange.layer = layer;
    exchange.end = exchange.start.saturating_add(takes);
    with(exchange, resource)
}

/// What the page gets.
pub(super) fn with(mut exchange: Exchange, resource: &Resource) -> Exchange {
    exchange.status = Some(resource.status.as_u16());
    exchange.headers.clone_from(&resource.headers);
    exchange.body_bytes = resource.body.len() as u64;
    exchange
}

/// What the document itself or its tab's memory answered.
pub(super) fn recalled(
    visit: &mut Visit,
    one: &Subresource,
    found_in: &Url,
    layer: Layer,
    reason: Reason,
    resource: &Resource,
    ready: Duration,
) {
    let exchange = Exchange {
        url: one.url.clone(),
        method: http::Method::GET,
        destination: one.destination,
        found_in: Some(found_in.clone()),
        layer,
        reason,
        asked: Vec::new(),
        status: None,
        headers: HeaderMap::new(),
        body_bytes: 0,
        pushed_bytes: 0,
        background: false,
        stale: matches!(reason, Reason::WhileRevalidate { .. }),
        application_cache: None,
        not_kept: None,
        start: ready,
        end: ready,
    };
    visit.exchanges.push(with(exchange, resource));
}

/// Something did not come.
pub(super) fn broke(visit: &mut Visit, one: &Subresource, trouble: Trouble) {
    visit.broken.push(crate::Broken {
        url: one.url.clone(),
        destination: one.destination,
        trouble,
    });
}
