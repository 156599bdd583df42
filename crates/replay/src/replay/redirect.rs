//! Redirects: where does what is wanted lead?
//!
//! Fetch standard, "HTTP-redirect fetch". Each step is a request of its own, answered by whatever
//! layer has it.

use std::sync::Arc;

use http::Method;
use http::header::LOCATION;
use url::Url;

use super::Replay;
use super::http::Got;
use super::request::Plan;
use crate::{Parse, Server, Trouble, Visit};

impl<S: Server, P: Parse> Replay<S, P> {
    /// Follows `plan` to `url` and wherever that redirects.
    pub(super) fn fetch(
        &mut self,
        visit: &mut Visit,
        mut plan: Plan,
        url: &Url,
    ) -> Result<Got, Trouble> {
        let mut at = url.clone();
        let mut chain = Vec::new();
        let mut ready = plan.ready;
        for _ in 0..=REDIRECTS_MAX {
            let ask = self.request(&plan, &at, ready);
            let mut got = self.answer(visit, &plan, &ask)?;
            let status = got.resource.status;
            let location = match status.as_u16() {
                301..=303 | 307 | 308 => got.resource.headers.get(LOCATION),
                _ => None,
            };
            let Some(location) = location else {
                if !chain.is_empty() {
                    let mut resource = (*got.resource).clone();
                    chain.append(&mut resource.chain);
                    resource.chain = chain;
                    got.resource = Arc::new(resource);
                }
                return Ok(got);
            };
            let next = std::str::from_utf8(location.as_bytes()).ok();
            let next = next.and_then(|reference| at.join(reference).ok());
            at = next
                .filter(|next| matches!(next.scheme(), "http" | "https"))
                .ok_or(Trouble::BadRedirect)?;
            // "… request's method is `POST` and … 301 or 302", "303 and … not `GET` or `HEAD`" (Fetch)
            let becomes_get = match status.as_u16() {
                301 | 302 => plan.method == Method::POST,
                303 => plan.method != Method::GET && plan.method != Method::HEAD,
                _ => false,
            };
            if becomes_get {
                plan.method = Method::GET;
                plan.body_bytes = None;
            }
            chain.extend(got.resource.chain.iter().cloned());
            ready = got.end;
        }
        Err(Trouble::TooManyRedirects)
    }
}

/// As the Fetch standard has it.
const REDIRECTS_MAX: usize = 20;
