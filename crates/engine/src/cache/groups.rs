//! Cache groups (RFC 9875) that were made invalid a moment ago.
//!
//! What is kept is thrown out by its id, as anything else. This is for what is on its way meanwhile:
//! which groups it will be in is known only when it is there.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use revisit_rules::http::Stored;
use revisit_rules::http::invalidate::groups;

/// The groups that were made invalid last.
#[derive(Default)]
pub(super) struct Invalidated {
    last: Mutex<Last>,
    hasher: RandomState,
}

#[derive(Default)]
struct Last {
    /// How many there were before those in `names`.
    before: u64,
    /// Their hashes, the oldest first.
    names: VecDeque<u64>,
}

/// A moment between two invalidations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(u64);

impl Invalidated {
    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hash(&self, origin: &str, group: &str) -> u64 {
        self.hasher.hash_one((origin, group))
    }

    pub(super) fn now(&self) -> Moment {
        let last = self.last();
        Moment(last.before + last.names.len() as u64)
    }

    /// Notes that a group of an origin is invalid from now on.
    pub(super) fn add(&self, origin: &str, group: &str) {
        let name = self.hash(origin, group);
        let mut last = self.last();
        if last.names.len() == NAMES_MAX {
            last.names.pop_front();
            last.before += 1;
        }
        last.names.push_back(name);
    }

    /// Was a group of this response made invalid since? Of what is too long ago it is supposed.
    pub(super) fn holds(&self, origin: &str, stored: &Stored, since: Moment) -> bool {
        let last = self.last();
        let Some(from) = since.0.checked_sub(last.before) else {
            return groups(&stored.headers).next().is_some();
        };
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        if from >= last.names.len() {
            return false;
        }
        groups(&stored.headers).any(|group| {
            let name = self.hash(origin, &group);
            last.names.iter().skip(from).any(|known| *known == name)
        })
    }
}

/// Most invalidations that are remembered.
const NAMES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::{HeaderMap, HeaderValue, StatusCode};
    use revisit_rules::http::vary::VaryKey;
    use revisit_rules::http::{Policy, Times};

    use super::*;

    fn of_group(group: &'static str) -> Stored {
        let mut headers = HeaderMap::new();
        headers.insert("cache-groups", HeaderValue::from_static(group));
        let times = Times {
            request: UNIX_EPOCH,
            response: UNIX_EPOCH,
        };
        let (policy, vary) = (Policy::shared(), VaryKey::default());
        Stored::with(&policy, StatusCode::OK, headers, times, vary).unwrap()
    }

    #[test]
    fn a_group_is_invalid_for_what_began_before_and_for_its_origin() {
        let groups = Invalidated::default();
        let before = groups.now();
        groups.add("http://a", "one");
        let after = groups.now();
        groups.add("http://a", "two");
        for (origin, group, since, expected) in [
            ("http://a", "\"one\"", before, true),
            ("http://a", "\"one\"", after, false),
            ("http://a", "\"two\"", after, true),
            ("http://a", "\"none\", \"two\"", after, true),
            ("http://a", "\"none\"", before, false),
            ("http://b", "\"one\"", before, false),
            ("http://a", "\"two\"", groups.now(), false),
        ] {
            let holds = groups.holds(origin, &of_group(group), since);
            assert_eq!(holds, expected, "{origin} {group}");
        }
    }

    #[test]
    fn what_is_too_long_ago_is_supposed_and_takes_no_memory() {
        let groups = Invalidated::default();
        let before = groups.now();
        for number in 0..=NAMES_MAX {
            groups.add("http://a", &number.to_string());
        }
        assert_eq!(groups.last().names.len(), NAMES_MAX);
        assert!(groups.holds("http://a", &of_group("\"none\""), before));
        assert!(!groups.holds("http://a", &of_group("\"none\""), Moment(1)));
        assert!(!groups.holds("http://a", &of_group("x"), before));
    }
}
