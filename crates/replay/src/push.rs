//! The push cache of an HTTP/2 connection. Historical: no browser takes pushes any more.
//!
//! What a server pushed waits on its connection, and dies with it. It is the last that is asked before
//! the network, is used once, and whatever its `Cache-Control` says: the server said just now that it
//! will be wanted. All pages that share the connection share it.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use revisit_rules::http::vary::VaryKey;
use url::Url;

use crate::site::origin;
use crate::{Pushed, Response};

/// What waits on each connection, by the origin that it was opened to.
#[derive(Debug, Default)]
pub(crate) struct PushCache {
    connections: HashMap<String, Vec<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    url: Url,
    vary: VaryKey,
    response: Response,
    came: SystemTime,
}

impl PushCache {
    /// Takes a push that came on the connection to `connection` at `now`. The caller has asked whether
    /// the connection speaks for its authority. Was it taken, or refused?
    pub(crate) fn take(
        &mut self,
        connection: &str,
        pushed: Pushed,
        now: SystemTime,
        waiting_max: usize,
    ) -> bool {
        let waiting = self.connections.entry(connection.to_owned()).or_default();
        // One that is promised twice is refused the second time, and so is one too many.
        if waiting.len() >= waiting_max || waiting.iter().any(|one| one.url == pushed.url) {
            return false;
        }
        waiting.push(Waiting {
            vary: VaryKey::of(&pushed.response.headers, &pushed.request_headers),
            url: pushed.url,
            response: pushed.response,
            came: now,
        });
        true
    }

    /// What was pushed for a GET of `url` with these fields: of the connection to its own origin, or
    /// of one that speaks for it.
    pub(crate) fn claim(
        &mut self,
        url: &Url,
        request: &HeaderMap,
        now: SystemTime,
        lifetime: Duration,
    ) -> Option<Response> {
        self.expire(now, lifetime);
        let fits = |one: &Waiting| one.url == *url && one.vary.matches(request);
        let own = self
            .connections
            .get_key_value(origin(url))
            .map(|(key, _)| key.clone());
        let others = self
            .connections
            .keys()
            .filter(|key| Some(*key) != own.as_ref());
        let mut order: Vec<String> = others.cloned().collect();
        order.sort_unstable();
        for key in own.into_iter().chain(order) {
            let waiting = self.connections.get_mut(&key)?;
            if let Some(place) = waiting.iter().position(fits) {
                return Some(waiting.remove(place).response);
            }
        }
        None
    }

    /// What waits no longer.
    fn expire(&mut self, now: SystemTime, lifetime: Duration) {
        for waiting in self.connections.values_mut() {
            waiting.retain(|one| now.duration_since(one.came).unwrap_or_default() < lifetime);
        }
    }

    /// Connections that are closed take what waits on them along.
    pub(crate) fn close_all_but(&mut self, open: impl Fn(&str) -> bool) {
        self.connections.retain(|connection, _| open(connection));
    }
}
