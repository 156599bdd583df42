//! An entry of the Cache API: a request and the head of its response.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderMap;
use revisit_rules::cache_api::{self as rules, RequestUrl, ResponseType};

use super::{Damaged, Reader, Writer};

/// A request (a `GET`), the head of its response, and when they were put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The URL of the request, with its fragment.
    pub url: RequestUrl,
    /// The fields of the request.
    pub headers: HeaderMap,
    /// The response but for its body.
    pub response: ResponseHead,
    /// When it was put, in whole milliseconds since 1970.
    pub put_at: SystemTime,
}

/// A response but for its body (Fetch, "concept-response").
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseHead {
    /// Its type.
    pub kind: ResponseType,
    /// Its status; 0 for a network error.
    pub status: u16,
    /// Its status message, such as `OK`; any bytes.
    pub status_text: Bytes,
    /// Its URL list: what was asked for, then where each redirect led.
    pub urls: Vec<RequestUrl>,
    /// Its fields.
    pub headers: HeaderMap,
    /// Is its body null, which is not the same as empty?
    pub null_body: bool,
}

impl ResponseHead {
    /// What the rules look at.
    pub fn as_rules(&self) -> rules::ResponseHead<'_> {
        rules::ResponseHead {
            kind: self.kind,
            status: self.status,
            headers: &self.headers,
        }
    }
}

impl Pair {
    /// What the rules look at.
    pub fn item(&self) -> rules::Item<'_> {
        rules::Item::new(&self.url, &self.headers, self.response.as_rules())
    }

    /// The name of the entry in the store: what all requests have in common that it may answer,
    /// but for those that ignore the query.
    pub fn id(&self) -> Bytes {
        Bytes::copy_from_slice(self.url.without_fragment().as_bytes())
    }

    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let at = self.put_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        let response = &self.response;
        // Every kind has a place in ALL.
        let kind = ResponseType::ALL
            .iter()
            .position(|kind| *kind == response.kind);
        let mut writer = Writer::new(VERSION)
            .bytes(self.url.as_str().as_bytes())
            .headers(&self.headers)
            .number(at)
            .number(kind.unwrap_or_default() as u64)
            .number(response.status.into())
            .bytes(&response.status_text)
            .number(response.null_body.into())
            .number(response.urls.len() as u64);
        for url in &response.urls {
            writer = writer.bytes(url.as_str().as_bytes());
        }
        writer.headers(&response.headers).into_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let (version, mut reader) = Reader::new(bytes)?;
        if version != VERSION {
            return Err(reader.damaged("a known version"));
        }
        let url = RequestUrl::of(reader.text()?);
        let headers = reader.headers()?;
        let at = Duration::from_millis(reader.number()?);
        let put_at = UNIX_EPOCH.checked_add(at);
        let put_at = put_at.ok_or(reader.damaged("a time"))?;
        let kind = usize::try_from(reader.number()?).ok();
        let kind = kind.and_then(|kind| ResponseType::ALL.get(kind));
        let kind = *kind.ok_or(reader.damaged("a type of response"))?;
        let status = u16::try_from(reader.number()?).map_err(|_| reader.damaged("a status"))?;
        let status_text = Bytes::copy_from_slice(reader.bytes()?);
        let null_body = match reader.number()? {
            0 => false,
            1 => true,
            _ => return Err(reader.damaged("a sign of a body")),
        };
        let mut urls = Vec::new();
        for _ in 0..reader.count()? {
            urls.push(RequestUrl::of(reader.text()?));
        }
        let response = ResponseHead {
            kind,
            status,
            status_text,
            urls,
            headers: reader.headers()?,
            null_body,
        };
        reader.end()?;
        Ok(Self {
            url,
            headers,
            response,
            put_at,
        })
    }
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn pair() -> Pair {
        let url = |text| RequestUrl::parse(text, None).expect(text);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("b", &b"1"[..]),
            ("a", b"2"),
            ("b", b""),
            ("c", b"\xff\xfe\t"),
        ] {
            headers.append(name, HeaderValue::from_bytes(value).expect("a value"));
        }
        Pair {
            url: url("https://a.example/b?c#d"),
            headers: headers.clone(),
            response: ResponseHead {
                kind: ResponseType::Cors,
                status: 299,
                status_text: Bytes::from_static(b"F\xfcr immer"),
                urls: vec![url("https://a.example/b?c#d"), url("https://b.example/")],
                headers,
                null_body: false,
            },
            put_at: UNIX_EPOCH + Duration::from_millis(1_800_000_000_123),
        }
    }

    #[test]
    fn a_pair_is_read_as_it_was_written() {
        let check = |pair: &Pair| assert_eq!(Pair::read(&pair.to_bytes()).as_ref(), Ok(pair));
        check(&pair());
        for kind in ResponseType::ALL {
            for null_body in [false, true] {
                let mut pair = pair();
                pair.response = ResponseHead {
                    kind,
                    null_body,
                    status: if kind == ResponseType::Error { 0 } else { 999 },
                    ..ResponseHead::default()
                };
                check(&pair);
            }
        }
    }

    #[test]
    fn lines_of_a_field_keep_their_order() {
        let read = Pair::read(&pair().to_bytes()).expect("a pair");
        let lines: Vec<_> = read.headers.get_all("b").iter().collect();
        assert_eq!(lines, ["1", ""]);
        let names: Vec<_> = read.headers.keys().map(|name| name.as_str()).collect();
        assert_eq!(names, ["b", "a", "c"]);
    }

    #[test]
    fn a_head_that_is_cut_off_or_too_long_is_damaged() {
        let bytes = pair().to_bytes();
        for end in 0..bytes.len() {
            assert!(Pair::read(&bytes[..end]).is_err(), "{end}");
        }
        let long = [&bytes[..], &[0]].concat();
        let at = bytes.len();
        assert_eq!(
            Pair::read(&long),
            Err(Damaged {
                what: "the end",
                at
            })
        );
    }

    proptest! {
        #[test]
        fn whatever_bytes_come_they_are_read_or_damaged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Pair::read(&[&[VERSION], &bytes[..]].concat());
        }

        #[test]
        fn a_changed_byte_never_panics(at in 0..150usize, byte: u8) {
            let mut bytes = pair().to_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Pair::read(&bytes);
        }
    }
}
