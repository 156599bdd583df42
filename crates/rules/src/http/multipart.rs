//! Several parts of a representation in one answer: what stands between them?
//!
//! RFC 9110 §14.6 (`multipart/byteranges`), §15.3.7.2 (a 206 of several parts); RFC 2046 §5.1.1. Which
//! parts they are is decided by [`super::range`].

use std::ops::RangeInclusive;

use http::HeaderValue;

/// A body of type `multipart/byteranges`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multipart {
    /// The `Content-Type` of the answer.
    pub content_type: HeaderValue,
    /// The parts, each behind what stands before it.
    pub parts: Vec<(Vec<u8>, RangeInclusive<u64>)>,
    /// What stands behind the last of them.
    pub end: Vec<u8>,
}

impl Multipart {
    /// Lays out `parts` of a representation of `complete` bytes and this `Content-Type`.
    ///
    /// `boundary` is a number that nobody can guess: text that holds what separates the parts would
    /// be taken for their end.
    pub fn new(
        parts: Vec<RangeInclusive<u64>>,
        complete: u64,
        content_type: Option<&HeaderValue>,
        boundary: u64,
    ) -> Self {
        let boundary = format!("{boundary:016x}");
        let head = |place: usize, part: &RangeInclusive<u64>| {
            // "delimiter := CRLF dash-boundary" (RFC 2046 §5.1.1), but for the first one.
            let mut head = match place {
                0 => format!("--{boundary}\r\n"),
                _ => format!("\r\n--{boundary}\r\n"),
            }
            .into_bytes();
            // "If the selected representation would have had a Content-Type header field in a 200 (OK)
            // response, the server SHOULD generate that same Content-Type header field in the header area
            // of each body part." (RFC 9110 §15.3.7.2)
            if let Some(content_type) = content_type {
                head.extend_from_slice(b"Content-Type: ");
                head.extend_from_slice(content_type.as_bytes());
                head.extend_from_slice(b"\r\n");
            }
            let (first, last) = (part.start(), part.end());
            let range = format!("Content-Range: bytes {first}-{last}/{complete}\r\n\r\n");
            head.extend_from_slice(range.as_bytes());
            head
        };
        let parts = parts.into_iter().enumerate();
        Self {
            parts: parts
                .map(|(place, part)| (head(place, &part), part))
                .collect(),
            end: format!("\r\n--{boundary}--\r\n").into_bytes(),
            // Hexadecimal digits are a token.
            content_type: HeaderValue::try_from(format!(
                "multipart/byteranges; boundary={boundary}"
            ))
            .unwrap_or(HeaderValue::from_static("multipart/byteranges")),
        }
    }

    /// Bytes of the whole body.
    pub fn length(&self) -> u64 {
        let parts = self.parts.iter().map(|(head, part)| {
            let bytes = part.end() - part.start() + 1;
            head.len() as u64 + bytes
        });
        parts.sum::<u64>() + self.end.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body of these parts of `content`, put together.
    fn check(content_type: Option<&str>, parts: &[RangeInclusive<u64>], expected: &str) {
        let content = "0123456789";
        let value = content_type.map(|text| HeaderValue::from_str(text).unwrap());
        let multipart = Multipart::new(parts.to_vec(), 10, value.as_ref(), 0xab);
        let mut body = String::new();
        for (head, part) in &multipart.parts {
            body += std::str::from_utf8(head).unwrap();
            body += &content[*part.start() as usize..=*part.end() as usize];
        }
        body += std::str::from_utf8(&multipart.end).unwrap();
        assert_eq!(body, expected);
        assert_eq!(multipart.length(), body.len() as u64);
        assert_eq!(
            multipart.content_type,
            "multipart/byteranges; boundary=00000000000000ab"
        );
    }

    #[test]
    fn each_part_says_of_what_type_it_is_and_where_it_belongs() {
        check(
            Some("text/plain"),
            &[0..=1, 9..=9],
            "--00000000000000ab\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n\
             01\r\n--00000000000000ab\r\nContent-Type: text/plain\r\n\
             Content-Range: bytes 9-9/10\r\n\r\n9\r\n--00000000000000ab--\r\n",
        );
    }

    #[test]
    fn a_part_of_what_has_no_type_has_none() {
        check(
            None,
            &[5..=5, 4..=4],
            "--00000000000000ab\r\nContent-Range: bytes 5-5/10\r\n\r\n5\r\n\
             --00000000000000ab\r\nContent-Range: bytes 4-4/10\r\n\r\n4\r\n\
             --00000000000000ab--\r\n",
        );
    }
}
