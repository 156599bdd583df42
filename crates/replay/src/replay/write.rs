//! Methods that no cache answers, and what they make invalid.
//!
//! RFC 9111 §4.4, by `revisit_rules::http::invalidate`.

use std::sync::Arc;

use http::Method;
use revisit_rules::http::invalidate::{Invalidation, invalidations};
use revisit_rules::http::key::RequestKey;
use revisit_rules::http::{RequestHead, ResponseHead};

use super::Replay;
use super::exchange::with;
use super::http::{Ask, Got, fail, say_mode, sent_exchange};
use crate::disk::target;
use crate::{Parse, Reason, Server, Trouble, Visit};

impl<S: Server, P: Parse> Replay<S, P> {
    /// Methods that change something, and others that no cache answers.
    pub(super) fn write(&mut self, visit: &mut Visit, ask: &Ask) -> Result<Got, Trouble> {
        let mut headers = ask.headers.clone();
        say_mode(&mut headers, ask.mode.cache);
        let sent = match self.send(ask, headers, ask.ready) {
            Ok(sent) => sent,
            Err(trouble) => return Err(fail(visit, ask, Reason::Method, trouble)),
        };
        let policy = self.disk.policy();
        let request = RequestHead {
            method: &ask.method,
            target: target(&ask.url),
            headers: &ask.headers,
        };
        let head = ResponseHead {
            status: sent.response.status,
            headers: &sent.response.headers,
        };
        let harmless = policy.departures.empty_puts_invalidate_nothing
            && ask.method == Method::PUT
            && ask.body_bytes.is_none();
        let all = match harmless {
            true => Vec::new(),
            false => invalidations(policy, &request, &head),
        };
        for invalidation in all {
            // Groups are for shared caches: no browser heeds them.
            if let Invalidation::Uri(uri, _) = invalidation {
                let named = RequestKey::of(&Method::GET, uri.target());
                self.disk.remove(&(ask.partition.clone(), named));
            }
        }
        let times = self.times(&sent);
        let resource = Arc::new(self.of_response(ask, &sent, times));
        let exchange = sent_exchange(ask, Reason::Method, &sent);
        let end = exchange.end;
        visit.exchanges.push(with(exchange, &resource));
        Ok(Got {
            resource,
            end,
            refreshed: None,
        })
    }
}
