//! Pairs from text, for the tests of all modules.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Item, RequestUrl, ResponseHead, ResponseType};

/// Fields from `name: value; name: value`.
pub(super) fn fields(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.split(';').filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once(':').expect(line);
        headers.append(
            HeaderName::from_bytes(name.trim().as_bytes()).expect(line),
            HeaderValue::from_str(value.trim()).expect(line),
        );
    }
    headers
}

/// A pair that a test owns.
pub(super) struct Pair {
    pub(super) url: RequestUrl,
    pub(super) headers: HeaderMap,
    pub(super) response: HeaderMap,
    pub(super) kind: ResponseType,
    pub(super) status: u16,
}

impl Pair {
    pub(super) fn new(url: &str, headers: &str, response: &str) -> Self {
        Self {
            url: RequestUrl::parse(url, None).expect(url),
            headers: fields(headers),
            response: fields(response),
            kind: ResponseType::Default,
            status: 200,
        }
    }

    pub(super) fn of(self, kind: ResponseType) -> Self {
        Self { kind, ..self }
    }

    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn head(&self) -> ResponseHead<'_> {
        ResponseHead {
            kind: self.kind,
            status: self.status,
            headers: &self.response,
        }
    }

    pub(super) fn item(&self) -> Item<'_> {
        Item::new(&self.url, &self.headers, self.head())
    }
}
