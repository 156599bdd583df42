//! Parts: requests with `Range`, and what is kept of some bytes only.
//!
//! RFC 9111 §3.4, RFC 9110 §14; what is asked for, and in which order, as Chromium's
//! `PartialData` was measured to do it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use http::{HeaderMap, StatusCode};
use revisit_rules::http::part::{Combined, ContentRange, Portion, combine, portion};
use revisit_rules::http::{EntityTag, ResponseHead, Stored, Times};

use super::Replay;
use super::exchange::{answered, begin, with};
use super::http::{Ask, DISK_TAKES, Got, fail, say_mode, sent_exchange};
use super::wire::Sent;
use crate::disk::{Arrived, Decision, Kept, Key, decide, key};
use crate::memory::Resource;
use crate::{CacheMode, Layer, NotKept, Parse, Reason, Server, Trouble, Visit};

impl<S: Server, P: Parse> Replay<S, P> {
    /// GET with `Range`.
    pub(super) fn ranged(&mut self, visit: &mut Visit, ask: &Ask) -> Result<Got, Trouble> {
        let now = self.local(ask.ready);
        let key = key(&ask.partition, &ask.url);
        let past = matches!(ask.mode.cache, CacheMode::Reload | CacheMode::NoStore);
        let kept = self.disk.find(&key).filter(|_| !past);
        let stored = kept.as_ref().map(|kept| &kept.stored);
        let decision = decide(self.disk.policy(), ask.mode, &ask.headers, stored, now);
        let (reason, kept) = match (decision, kept) {
            (Decision::Serve { reason, stale, .. }, Some(kept)) => match self.cut(ask, &kept) {
                Some(resource) => {
                    let resource = Arc::new(resource);
                    let mut exchange =
                        answered(begin(ask, reason), Layer::Disk, &resource, DISK_TAKES);
                    exchange.stale = stale;
                    let end = exchange.end;
                    visit.exchanges.push(exchange);
                    return Ok(Got {
                        resource,
                        end,
                        refreshed: None,
                    });
                }
                None => match self.fill_up(visit, ask, &key, &kept) {
                    Some(result) => return result,
                    None => (Reason::LacksBytes, None),
                },
            },
            (
                Decision::Validate {
                    reason,
                    matches: true,
                },
                Some(kept),
            ) => (reason, Some(kept)),
            (Decision::Fail, _) => {
                return Err(fail(
                    visit,
                    ask,
                    Reason::AskingForbidden,
                    Trouble::CacheMiss,
                ));
            }
            (
                Decision::Ask(reason)
                | Decision::Serve { reason, .. }
                | Decision::Validate { reason, .. },
                _,
            ) => (reason, None),
        };
        if ask.mode.cache == CacheMode::OnlyIfCached {
            return Err(fail(
                visit,
                ask,
                Reason::AskingForbidden,
                Trouble::CacheMiss,
            ));
        }
        self.ask_part(visit, ask, &key, kept.as_deref(), reason)
    }

    /// Asks for the range as it stands; `kept` is what may be current still.
    fn ask_part(
        &mut self,
        visit: &mut Visit,
        ask: &Ask,
        key: &Key,
        kept: Option<&Kept>,
        reason: Reason,
    ) -> Result<Got, Trouble> {
        let range = ask.headers.get(RANGE).cloned();
        let mut headers = ask.headers.clone();
        say_mode(&mut headers, ask.mode.cache);
        // Only what has the bytes can be confirmed by a 304.
        let kept = kept.filter(|kept| self.cut(ask, kept).is_some());
        let conditional =
            kept.is_some_and(|kept| self.make_conditional(&mut headers, &kept.stored, true));
        if let Some(range) = range {
            headers.insert(RANGE, range);
        }
        let sent = match self.send(ask, headers, ask.ready) {
            Ok(sent) => sent,
            Err(trouble) => return Err(fail(visit, ask, reason, trouble)),
        };
        let times = self.times(&sent);
        let mut exchange = sent_exchange(ask, reason, &sent);
        let confirmed =
            kept.filter(|_| conditional && sent.response.status == StatusCode::NOT_MODIFIED);
        let resource =
            match confirmed.and_then(|kept| self.confirm_part(ask, key, kept, &sent, times)) {
                Some(resource) => resource,
                None => {
                    exchange.not_kept = self.keep_part(ask, key, &sent, times);
                    self.of_response(ask, &sent, times)
                }
            };
        let resource = Arc::new(resource);
        let end = exchange.end;
        visit.exchanges.push(with(exchange, &resource));
        Ok(Got {
            resource,
            end,
            refreshed: None,
        })
    }

    /// Some of the bytes are kept: asks for the others, on condition that it is still the same. `None`:
    /// that cannot be done, and the whole range is to be asked for.
    fn fill_up(
        &mut self,
        visit: &mut Visit,
        ask: &Ask,
        key: &Key,
        kept: &Kept,
    ) -> Option<Result<Got, Trouble>> {
        let have = kept.stored.part?;
        let tag = strong_tag(&kept.stored)?;
        let (first, last) = wanted(&ask.headers, have.complete)?;
        let overlaps = first <= have.last && have.first <= last;
        if !overlaps {
            return None;
        }
        let mut missing = Vec::new();
        if first < have.first {
            missing.push((first, have.first - 1));
        }
        if last > have.last {
            missing.push((have.last + 1, last));
        }
        let mut exchange = begin(ask, Reason::LacksBytes);
        exchange.layer = Layer::Disk;
        let mut ready = ask.ready;
        for (first, last) in missing {
            let mut headers = ask.headers.clone();
            say_mode(&mut headers, ask.mode.cache);
            headers.insert(IF_RANGE, tag.clone());
            headers.insert(
                RANGE,
                HeaderValue::try_from(format!("bytes={first}-{last}")).ok()?,
            );
            let sent = match self.send(ask, headers, ready) {
                Ok(sent) => sent,
                Err(trouble) => return Some(Err(fail(visit, ask, Reason::LacksBytes, trouble))),
            };
            ready = sent.end;
            exchange.asked.extend(sent.asked.clone());
            exchange.pushed_bytes += sent.pushed_bytes;
            exchange.end = sent.end;
            let times = self.times(&sent);
            exchange.not_kept = self.keep_part(ask, key, &sent, times);
            if sent.response.status != StatusCode::PARTIAL_CONTENT {
                // It has changed: this is the whole of what it is now.
                exchange.layer = Layer::Network;
                let resource = Arc::new(self.of_response(ask, &sent, times));
                let end = exchange.end;
                visit.exchanges.push(with(exchange, &resource));
                return Some(Ok(Got {
                    resource,
                    end,
                    refreshed: None,
                }));
            }
        }
        let now_kept = self.disk.find(key)?;
        let resource = Arc::new(self.cut(ask, &now_kept)?);
        let end = exchange.end;
        visit.exchanges.push(with(exchange, &resource));
        Some(Ok(Got {
            resource,
            end,
            refreshed: None,
        }))
    }

    /// A GET of the whole, of which some bytes are kept: asks whether they are current, and for the
    /// rest.
    pub(super) fn complete(
        &mut self,
        visit: &mut Visit,
        ask: &Ask,
        key: &Key,
        kept: Arc<Kept>,
    ) -> Result<Got, Trouble> {
        if ask.mode.cache == CacheMode::OnlyIfCached {
            return Err(fail(
                visit,
                ask,
                Reason::AskingForbidden,
                Trouble::CacheMiss,
            ));
        }
        let mut exchange = begin(ask, Reason::LacksBytes);
        exchange.layer = Layer::Network;
        let part = kept
            .stored
            .part
            .filter(|part| part.first == 0 && kept.stored.vary.matches(&ask.headers));
        let mut ready = ask.ready;
        let mut keep = true;
        if let (Some(part), Some(tag)) = (part, strong_tag(&kept.stored)) {
            let mut headers = ask.headers.clone();
            say_mode(&mut headers, ask.mode.cache);
            self.make_conditional(&mut headers, &kept.stored, true);
            insert_range(&mut headers, 0, Some(part.last));
            let sent = match self.send(ask, headers.clone(), ready) {
                Ok(sent) => sent,
                Err(trouble) => return Err(fail(visit, ask, Reason::LacksBytes, trouble)),
            };
            ready = sent.end;
            exchange.asked.extend(sent.asked.clone());
            exchange.end = sent.end;
            match sent.response.status {
                StatusCode::NOT_MODIFIED => {
                    headers.remove(IF_NONE_MATCH);
                    headers.remove(IF_MODIFIED_SINCE);
                    headers.insert(IF_RANGE, tag);
                    insert_range(&mut headers, part.last + 1, None);
                    let sent = match self.send(ask, headers, ready) {
                        Ok(sent) => sent,
                        Err(trouble) => return Err(fail(visit, ask, Reason::LacksBytes, trouble)),
                    };
                    exchange.asked.extend(sent.asked.clone());
                    exchange.end = sent.end;
                    let times = self.times(&sent);
                    exchange.not_kept = self.keep_part(ask, key, &sent, times);
                    let whole = self
                        .disk
                        .find(key)
                        .filter(|kept| kept.stored.part.is_none());
                    let resource = match whole {
                        Some(kept) => self.of_kept(ask, &kept),
                        None => self.of_response(ask, &sent, times),
                    };
                    return Ok(finish(visit, exchange, resource));
                }
                StatusCode::PARTIAL_CONTENT => {
                    // A server that sends the part in spite of the condition: Chromium trusts neither
                    // it nor what it has, asks for all, and keeps nothing (measured).
                    self.disk.remove(key);
                    keep = false;
                }
                _ => {
                    let times = self.times(&sent);
                    exchange.not_kept = self.keep_part(ask, key, &sent, times);
                    let resource = self.of_response(ask, &sent, times);
                    return Ok(finish(visit, exchange, resource));
                }
            }
        } else {
            self.disk.remove(key);
        }
        let mut headers = ask.headers.clone();
        say_mode(&mut headers, ask.mode.cache);
        let sent = match self.send(ask, headers, ready) {
            Ok(sent) => sent,
            Err(trouble) => return Err(fail(visit, ask, Reason::LacksBytes, trouble)),
        };
        exchange.asked.extend(sent.asked.clone());
        exchange.end = sent.end;
        let times = self.times(&sent);
        let why = match keep {
            true => self.keep_part(ask, key, &sent, times),
            false => Some(NotKept::Status),
        };
        exchange.not_kept = why;
        let resource = self.of_response(ask, &sent, times);
        Ok(finish(visit, exchange, resource))
    }

    /// The bytes that a request asks for, of what is kept; `None`: they are not all there.
    fn cut(&self, ask: &Ask, kept: &Kept) -> Option<Resource> {
        let length = kept.body.len() as u64;
        let now = self.local(ask.ready);
        let stored = &kept.stored;
        match portion(&ask.headers, stored, length, now) {
            // No page asks for several parts.
            Portion::Whole | Portion::Parts(..) => Some(self.of_kept(ask, kept)),
            Portion::Part(range, complete) => {
                let offset = stored.part.map_or(0, |part| part.first);
                let from = usize::try_from(range.start() - offset).ok()?;
                let to = usize::try_from(range.end() - offset).ok()?;
                if to >= kept.body.len() {
                    return None;
                }
                let body = kept.body.slice(from..=to);
                let mut headers = stored.headers.clone();
                let said = format!("bytes {}-{}/{complete}", range.start(), range.end());
                headers.insert(CONTENT_RANGE, HeaderValue::try_from(said).ok()?);
                headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
                Some(self.resource(
                    ask,
                    StatusCode::PARTIAL_CONTENT,
                    &headers,
                    body,
                    stored.times,
                ))
            }
            Portion::Unsatisfiable(complete) => {
                let mut headers = HeaderMap::new();
                let said = format!("bytes */{complete}");
                headers.insert(CONTENT_RANGE, HeaderValue::try_from(said).ok()?);
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                Some(self.resource(ask, status, &headers, Bytes::new(), stored.times))
            }
            Portion::Lacks => None,
        }
    }

    /// A 304 for bytes that are kept.
    fn confirm_part(
        &mut self,
        ask: &Ask,
        key: &Key,
        kept: &Kept,
        sent: &Sent,
        times: Times,
    ) -> Option<Resource> {
        let policy = self.disk.policy();
        let news = &sent.response.headers;
        let stored = revisit_rules::http::validate::fold_304(
            policy,
            &kept.stored,
            &ask.headers,
            news,
            times,
        );
        let kept = Kept {
            stored,
            ..kept.clone()
        };
        let resource = self.cut(ask, &kept)?;
        self.disk.put(key, kept);
        Some(resource)
    }

    /// Keeps what came for a range, joined with what is there where both are of one state.
    fn keep_part(&mut self, ask: &Ask, key: &Key, sent: &Sent, times: Times) -> Option<NotKept> {
        if ask.mode.cache == CacheMode::NoStore {
            return Some(NotKept::Mode);
        }
        let response = &sent.response;
        let before = self.disk.find(key);
        let arrived = Arrived {
            url: &ask.url,
            request: &ask.headers,
            response: ResponseHead {
                status: response.status,
                headers: &response.headers,
            },
            body: &response.body,
            times,
            prefetched: false,
        };
        if response.status == StatusCode::RANGE_NOT_SATISFIABLE {
            return Some(NotKept::Status);
        }
        let mut head = ask.headers.clone();
        if response.status == StatusCode::PARTIAL_CONTENT {
            // Whatever was asked for in the end was asked for as a range.
            head.entry(RANGE)
                .or_insert(HeaderValue::from_static("bytes=0-"));
        }
        let refused = self.disk.keep(
            key,
            &Arrived {
                request: &head,
                ..arrived
            },
        );
        if refused.is_some() {
            return refused;
        }
        let new = self.disk.find(key)?;
        let part = new.stored.part?;
        if part.length() != new.body.len() as u64 || strong_tag(&new.stored).is_none() {
            self.disk.remove(key);
            return Some(NotKept::Status);
        }
        if let Some(joined) = before.and_then(|old| self.joined(&old, &new)) {
            self.disk.put(key, joined);
        }
        None
    }

    /// Both together, if they are of one state and leave no gap (RFC 9111 §3.4).
    fn joined(&self, old: &Kept, new: &Kept) -> Option<Kept> {
        let range = |kept: &Kept| {
            kept.stored.part.unwrap_or(ContentRange {
                first: 0,
                last: (kept.body.len() as u64).saturating_sub(1),
                complete: Some(kept.body.len() as u64),
            })
        };
        let (have, part) = (range(old), new.stored.part?);
        let validators = (&old.stored.validators, &new.stored.validators);
        let Combined::Joined(range) = combine((have, validators.0), (part, validators.1)) else {
            return None;
        };
        let mut body = BytesMut::zeroed(usize::try_from(range.length()).ok()?);
        for (part, bytes) in [(have, &old.body), (part, &new.body)] {
            let from = usize::try_from(part.first - range.first).ok()?;
            body.get_mut(from..from + bytes.len())?
                .copy_from_slice(bytes);
        }
        let mut headers = new.stored.headers.clone();
        let status = match range.is_whole() {
            true => {
                headers.remove(CONTENT_RANGE);
                StatusCode::OK
            }
            false => {
                let complete = range
                    .complete
                    .map_or("*".to_owned(), |length| length.to_string());
                let said = format!("bytes {}-{}/{complete}", range.first, range.last);
                headers.insert(CONTENT_RANGE, HeaderValue::try_from(said).ok()?);
                StatusCode::PARTIAL_CONTENT
            }
        };
        headers.insert(CONTENT_LENGTH, HeaderValue::from(range.length()));
        let (times, vary) = (new.stored.times, new.stored.vary.clone());
        Some(Kept {
            stored: Stored::with(self.disk.policy(), status, headers, times, vary)?,
            body: body.freeze(),
            ..new.clone()
        })
    }
}

fn finish(visit: &mut Visit, exchange: crate::Exchange, resource: Resource) -> Got {
    let resource = Arc::new(resource);
    let end = exchange.end;
    visit.exchanges.push(with(exchange, &resource));
    Got {
        resource,
        end,
        refreshed: None,
    }
}

/// The tag by which parts can be told to be of one state.
fn strong_tag(stored: &Stored) -> Option<HeaderValue> {
    let tag = stored.validators.etag.as_ref()?;
    let strong = EntityTag::is_strongly(tag, tag);
    let value = stored.headers.get(http::header::ETAG)?;
    strong.then(|| value.clone())
}

fn insert_range(headers: &mut HeaderMap, first: u64, last: Option<u64>) {
    let last = last.map_or(String::new(), |last| last.to_string());
    if let Ok(value) = HeaderValue::try_from(format!("bytes={first}-{last}")) {
        headers.insert(RANGE, value);
    }
}

/// First and last byte of the one range that a request asks for; `None`: several, or from the end of
/// what has no known length.
fn wanted(headers: &HeaderMap, complete: Option<u64>) -> Option<(u64, u64)> {
    let value = headers.get(RANGE)?.to_str().ok()?;
    let (unit, range) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let last = match last {
        "" => complete?.checked_sub(1)?,
        last => last.parse().ok()?,
    };
    let last = complete.map_or(last, |complete| last.min(complete.saturating_sub(1)));
    (first <= last).then_some((first, last))
}
