//! A response that the HTTP cache keeps on disk, but for its body.
//!
//! What is derived from a head (its lifetime, its validators) is not written: the rules of whoever
//! reads it make it anew.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderName, StatusCode};
use revisit_rules::http::vary::VaryKey;
use revisit_rules::http::{Policy, Stored, Times};

use super::{Damaged, Reader, Writer};

/// The head of a response, and what it answers.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The URL that it was asked for by, scheme and host in small letters.
    pub url: Box<str>,
    /// The response, and which requests it answers.
    pub stored: Stored,
}

impl Kept {
    /// The bytes of a head.
    pub fn to_bytes(url: &str, stored: &Stored) -> Vec<u8> {
        let mut writer = Writer::new(VERSION)
            .bytes(url.as_bytes())
            .number(stored.status.as_u16().into());
        for time in [stored.times.request, stored.times.response] {
            // An earlier time is 1970.
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            writer = writer
                .number(since.as_secs())
                .number(since.subsec_nanos().into());
        }
        writer = writer
            .headers(&stored.headers)
            .number(stored.vary.fields().count() as u64);
        for (name, value) in stored.vary.fields() {
            writer = writer.bytes(name.as_str().as_bytes()).optional(value);
        }
        writer.into_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn read(policy: &Policy, bytes: &[u8]) -> Result<Self, Damaged> {
        let (version, mut reader) = Reader::new(bytes)?;
        if version != VERSION {
            return Err(reader.damaged("a known version"));
        }
        let url = reader.text()?.into();
        let status = u16::try_from(reader.number()?).ok();
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or(reader.damaged("a status"))?;
        let times = Times {
            request: time(&mut reader)?,
            response: time(&mut reader)?,
        };
        let headers = reader.headers()?;
        let mut vary = Vec::new();
        for _ in 0..reader.count()? {
            let name = HeaderName::from_bytes(reader.bytes()?);
            let name = name.map_err(|_| reader.damaged("the name of a field"))?;
            vary.push((name, reader.optional()?.map(Into::into)));
        }
        reader.end()?;
        let vary = VaryKey::from_fields(&headers, vary);
        let stored = Stored::with(policy, status, headers, times, vary);
        let stored = stored.ok_or(reader.damaged("a part that says which"))?;
        Ok(Self { url, stored })
    }
}

fn time(reader: &mut Reader<'_>) -> Result<SystemTime, Damaged> {
    let seconds = reader.number()?;
    let nanos = u32::try_from(reader.number()?).ok();
    // More of them would be another second, or none that there is.
    let nanos = nanos.filter(|nanos| *nanos < 1_000_000_000);
    let since = nanos.map(|nanos| Duration::new(seconds, nanos));
    let time = since.and_then(|since| UNIX_EPOCH.checked_add(since));
    time.ok_or(reader.damaged("a time"))
}

/// Of this format. A head of another is a miss.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
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
            let bytes = Kept::to_bytes("http://host/path?q", &stored);
            let kept = Kept::read(&Policy::shared(), &bytes).unwrap();
            assert_eq!(&*kept.url, "http://host/path?q");
            assert_eq!(kept.stored, stored);
        }
    }

    #[test]
    fn what_is_cut_or_longer_or_of_another_version_is_no_head() {
        let fields: &[(&str, &[u8])] = &[("vary", b"cookie"), ("etag", b"\"1\"")];
        let bytes = Kept::to_bytes("http://host/", &stored(fields, &[("cookie", "a")]));
        let read = |bytes: &[u8]| Kept::read(&Policy::shared(), bytes);
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{length}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(read(&longer).is_err());
        let mut newer = bytes;
        newer[0] = VERSION + 1;
        assert!(read(&newer).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Kept::read(&Policy::private(), &bytes);
            let mut versioned = vec![VERSION, 0, 0xc8, 1, 0, 0, 0, 0];
            versioned.extend(bytes);
            let _ = Kept::read(&Policy::private(), &versioned);
        }
    }
}
