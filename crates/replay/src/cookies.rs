//! Cookies, as far as caches mind: `Vary: Cookie`, and pages that are not restored once one changed.
//!
//! Each belongs to the host that set it. `Domain`, `Path`, `Secure` and `SameSite` are not looked at:
//! they decide which requests of other hosts and paths carry a cookie, and no layer asks for that.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use revisit_rules::http::date::parse_http_date;

/// All cookies of a profile.
#[derive(Debug, Default)]
pub(crate) struct Cookies {
    hosts: HashMap<String, Vec<Cookie>>,
    /// How often a cookie of a host was set to something else, or deleted.
    changes: HashMap<String, u64>,
}

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    /// `None`: until the browser is closed.
    until: Option<SystemTime>,
}

impl Cookies {
    /// Takes what a response of `host` sets.
    pub(crate) fn take(&mut self, host: &str, headers: &HeaderMap, now: SystemTime, max: usize) {
        for line in headers.get_all(SET_COOKIE) {
            let Some(set) = line.to_str().ok().and_then(|line| Set::parse(line, now)) else {
                continue;
            };
            let cookies = self.hosts.entry(host.to_owned()).or_default();
            let known = cookies.iter().position(|one| one.name == set.cookie.name);
            let same = known.is_some_and(|place| cookies[place].value == set.cookie.value);
            if let Some(place) = known {
                cookies.remove(place);
            }
            if !set.deletes {
                if cookies.len() >= max.max(1) {
                    cookies.remove(0);
                }
                cookies.push(set.cookie);
            }
            if set.deletes && known.is_some() || !set.deletes && !same {
                *self.changes.entry(host.to_owned()).or_default() += 1;
            }
        }
    }

    /// The field of a request to `host`.
    pub(crate) fn of(&self, host: &str, now: SystemTime) -> Option<HeaderValue> {
        let cookies = self.hosts.get(host)?;
        let lives = |one: &&Cookie| one.until.is_none_or(|until| until > now);
        let pairs: Vec<String> = cookies
            .iter()
            .filter(lives)
            .map(|one| format!("{}={}", one.name, one.value))
            .collect();
        if pairs.is_empty() {
            return None;
        }
        HeaderValue::try_from(pairs.join("; ")).ok()
    }

    /// A number that is another one once a cookie of `host` has changed.
    pub(crate) fn changes(&self, host: &str) -> u64 {
        self.changes.get(host).copied().unwrap_or_default()
    }

    /// Deletes those of `host`, or all.
    pub(crate) fn clear(&mut self, host: Option<&str>) {
        let of = |known: &str| host.is_none_or(|host| host == known);
        for (host, cookies) in &mut self.hosts {
            if of(host) && !cookies.is_empty() {
                *self.changes.entry(host.clone()).or_default() += 1;
            }
        }
        self.hosts.retain(|known, _| !of(known));
    }

    /// The browser is closed.
    pub(crate) fn end_session(&mut self) {
        for cookies in self.hosts.values_mut() {
            cookies.retain(|one| one.until.is_some());
        }
    }
}

/// One line of `Set-Cookie`.
struct Set {
    cookie: Cookie,
    deletes: bool,
}

impl Set {
    /// RFC 6265 §5.2: "Max-Age" before "Expires".
    fn parse(line: &str, now: SystemTime) -> Option<Self> {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let (mut max_age, mut expires) = (None, None);
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            if attribute.trim().eq_ignore_ascii_case("Max-Age") {
                max_age = value.trim().parse::<i64>().ok();
            } else if attribute.trim().eq_ignore_ascii_case("Expires") {
                expires = parse_http_date(value.as_bytes(), now);
            }
        }
        let until = match max_age {
            Some(seconds) => {
                let span = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
                now.checked_add(span)
            }
            None => expires,
        };
        Some(Self {
            deletes: max_age.is_some_and(|seconds| seconds <= 0)
                || until.is_some_and(|until| until <= now),
            cookie: Cookie {
                name: name.trim().to_owned(),
                value: value.trim().to_owned(),
                until,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(cookies: &mut Cookies, line: &str, at: u64) {
        let mut headers = HeaderMap::new();
        headers.insert(SET_COOKIE, line.parse().expect("a field value"));
        cookies.take("a.example", &headers, moment(at), 3);
    }

    fn moment(at: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(at)
    }

    fn sent(cookies: &Cookies, at: u64) -> String {
        let value = cookies.of("a.example", moment(at));
        value.map_or(String::new(), |value| {
            value.to_str().unwrap_or("?").to_owned()
        })
    }

    #[test]
    fn cookies_live_until_their_time_or_the_browsers_end() {
        let mut cookies = Cookies::default();
        set(
            &mut cookies,
            "a=1; Max-Age=60; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
            0,
        );
        set(&mut cookies, "b=2; HttpOnly", 0);
        assert_eq!(sent(&cookies, 59), "a=1; b=2");
        assert_eq!(sent(&cookies, 60), "b=2");
        cookies.end_session();
        assert_eq!(sent(&cookies, 59), "a=1");
        set(&mut cookies, "a=; Max-Age=0", 1);
        assert_eq!(sent(&cookies, 1), "");
    }

    #[test]
    fn a_change_is_another_value_and_not_the_same_one_again() {
        let mut cookies = Cookies::default();
        for (line, expected) in [
            ("a=1", 1),
            ("a=1", 1),
            ("a=2", 2),
            ("b=; Max-Age=0", 2),
            ("a=; Max-Age=-1", 3),
        ] {
            set(&mut cookies, line, 0);
            assert_eq!(cookies.changes("a.example"), expected, "after `{line}`");
        }
    }

    #[test]
    fn the_oldest_goes_where_there_are_too_many() {
        let mut cookies = Cookies::default();
        for name in ["a=1", "b=1", "c=1", "d=1"] {
            set(&mut cookies, name, 0);
        }
        assert_eq!(sent(&cookies, 0), "b=1; c=1; d=1");
    }
}
