//! A kept response's head in bytes, as it lies on the disk: the one home of that format.
//!
//! Numbers are big-endian and lengths stand before what they count, so that any bytes are read to
//! one meaning or to none. What is derived from a head (its lifetime, its validators) is not
//! written: the rules of whoever reads it make it anew.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use revisit_rules::http::vary::VaryKey;
use revisit_rules::http::{Policy, Stored, Times};

/// The head of a response that is kept on disk.
#[derive(Debug, Clone)]
pub struct Record {
    /// The URL that it was asked for by, scheme and host in small letters.
    pub url: Box<str>,
    /// The response, and which requests it answers.
    pub stored: Stored,
}

impl Record {
    /// Reads a head; `None`: these are no such bytes, or of another version of the format.
    pub fn read(policy: &Policy, bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        if from.byte()? != VERSION {
            return None;
        }
        let status = StatusCode::from_u16(from.short()?).ok()?;
        let times = Times {
            request: from.time()?,
            response: from.time()?,
        };
        let url = std::str::from_utf8(from.counted()?).ok()?.into();
        let mut headers = HeaderMap::new();
        for _ in 0..from.short()? {
            let name = HeaderName::from_bytes(from.counted()?).ok()?;
            let value = HeaderValue::from_bytes(from.counted()?).ok()?;
            headers.try_append(name, value).ok()?;
        }
        let mut vary = Vec::new();
        for _ in 0..from.short()? {
            let name = HeaderName::from_bytes(from.counted()?).ok()?;
            let value = match from.byte()? {
                0 => None,
                1 => Some(from.counted()?.into()),
                _ => return None,
            };
            vary.push((name, value));
        }
        if !from.0.is_empty() {
            return None;
        }
        let vary = VaryKey::from_fields(&headers, vary);
        let stored = Stored::with(policy, status, headers, times, vary)?;
        Some(Self { url, stored })
    }
}

/// The bytes of a head; `None`: it has more fields, or longer ones, than the format counts.
pub(super) fn write(url: &str, stored: &Stored) -> Option<Vec<u8>> {
    let mut into = Writer(vec![VERSION]);
    into.short(stored.status.as_u16().into())?;
    into.time(stored.times.request);
    into.time(stored.times.response);
    into.counted(url.as_bytes())?;
    into.short(stored.headers.len())?;
    for (name, value) in &stored.headers {
        into.counted(name.as_str().as_bytes())?;
        into.counted(value.as_bytes())?;
    }
    into.short(stored.vary.fields().count())?;
    for (name, value) in stored.vary.fields() {
        into.counted(name.as_str().as_bytes())?;
        match value {
            None => into.0.push(0),
            Some(value) => {
                into.0.push(1);
                into.counted(value)?;
            }
        }
    }
    Some(into.0)
}

struct Writer(Vec<u8>);

impl Writer {
    fn short(&mut self, number: usize) -> Option<()> {
        let number = u16::try_from(number).ok()?;
        self.0.extend_from_slice(&number.to_be_bytes());
        Some(())
    }

    fn counted(&mut self, bytes: &[u8]) -> Option<()> {
        let length = u32::try_from(bytes.len()).ok()?;
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
        Some(())
    }

    /// Nanoseconds since 1970; an earlier time is that.
    fn time(&mut self, time: SystemTime) {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.0.extend_from_slice(&since.as_secs().to_be_bytes());
        self.0
            .extend_from_slice(&since.subsec_nanos().to_be_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_be_bytes(self.array()?);
        self.take(usize::try_from(length).ok()?)
    }

    fn time(&mut self) -> Option<SystemTime> {
        let seconds = u64::from_be_bytes(self.array()?);
        let nanos = u32::from_be_bytes(self.array()?);
        // Else a duration of them may be none.
        if nanos >= 1_000_000_000 {
            return None;
        }
        UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
    }
}

/// Of this format. A head of another is a miss.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(fields: &[(&str, &[u8])], asked: &[(&str, &str)]) -> Stored {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        let mut request = HeaderMap::new();
        for (name, value) in asked {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.append(name, HeaderValue::from_str(value).unwrap());
        }
        let times = Times {
            request: UNIX_EPOCH + Duration::new(1_800_000_000, 7),
            response: UNIX_EPOCH + Duration::new(1_800_000_001, 999_999_999),
        };
        let vary = VaryKey::of(&headers, &request);
        Stored::with(&Policy::shared(), StatusCode::OK, headers, times, vary).unwrap()
    }

    #[test]
    fn what_was_written_is_read_as_it_was() {
        for (fields, asked) in [
            (&[][..], &[][..]),
            (&[("vary", &b"*"[..])][..], &[][..]),
            (
                &[
                    ("cache-control", &b"max-age=60"[..]),
                    ("vary", b"accept-language, cookie"),
                    ("x-latin", b"caf\xe9"),
                    ("link", b"<a>"),
                    ("link", b"<b>"),
                    ("etag", b"\"1\""),
                ],
                &[("accept-language", "de, en")],
            ),
        ] {
            let stored = stored(fields, asked);
            let bytes = write("http://host/path?q", &stored).unwrap();
            let record = Record::read(&Policy::shared(), &bytes).unwrap();
            assert_eq!(&*record.url, "http://host/path?q");
            assert_eq!(record.stored, stored);
        }
    }

    #[test]
    fn what_is_cut_or_longer_or_of_another_version_is_no_head() {
        let fields: &[(&str, &[u8])] = &[("vary", b"cookie"), ("etag", b"\"1\"")];
        let bytes = write("http://host/", &stored(fields, &[("cookie", "a")])).unwrap();
        let read = |bytes: &[u8]| Record::read(&Policy::shared(), bytes);
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_none(), "{length}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(read(&longer).is_none());
        let mut newer = bytes;
        newer[0] = VERSION + 1;
        assert!(read(&newer).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record::read(&Policy::private(), &bytes);
            let mut versioned = vec![VERSION, 0, 200];
            versioned.extend(bytes);
            let _ = Record::read(&Policy::private(), &versioned);
        }
    }
}
