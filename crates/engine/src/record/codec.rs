//! Numbers, strings of bytes and header fields, one after the other.

use http::{HeaderMap, HeaderName, HeaderValue};

/// What was read is not what a [`Writer`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the head of an entry is damaged at byte {at}: {what}")]
pub struct Damaged {
    /// What was to be read there.
    pub what: &'static str,
    /// Where.
    pub at: usize,
}

/// Writes a head.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Begins with the version of what follows, by which a later Revisit knows how to read it.
    pub fn new(version: u8) -> Self {
        Self(vec![version])
    }

    /// A number, in as few bytes as it needs (LEB128).
    pub fn number(mut self, mut number: u64) -> Self {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
        self
    }

    /// Bytes, after their count.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self = self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// Bytes, or none, which is not the same as no bytes.
    pub fn optional(self, bytes: Option<&[u8]>) -> Self {
        match bytes {
            None => self.number(0),
            Some(bytes) => self.number(1).bytes(bytes),
        }
    }

    /// Fields with their repeats, in their order; values need not be UTF-8.
    pub fn headers(mut self, headers: &HeaderMap) -> Self {
        self = self.number(headers.len() as u64);
        for (name, value) in headers {
            self = self.bytes(name.as_str().as_bytes());
            self = self.bytes(value.as_bytes());
        }
        self
    }

    /// The head.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a head. Whatever the bytes are, it takes no more memory than they do, but for a factor.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads the version, and then from behind it.
    pub fn new(bytes: &'a [u8]) -> Result<(u8, Self), Damaged> {
        let mut reader = Self { bytes, at: 0 };
        let version = reader.take(1, "a version")?[0];
        Ok((version, reader))
    }

    /// What is wrong here.
    pub fn damaged(&self, what: &'static str) -> Damaged {
        Damaged { what, at: self.at }
    }

    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Damaged> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(self.damaged(what))?;
        self.at += count;
        Ok(taken)
    }

    /// What [`Writer::number`] wrote.
    pub fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1, "a number")?[0];
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.damaged("a number of 64 bits"))
    }

    /// How many items follow, each of at least one byte.
    pub fn count(&mut self) -> Result<usize, Damaged> {
        let count = self.number()?;
        let left = self.bytes.len() - self.at;
        let count = usize::try_from(count).ok().filter(|count| *count <= left);
        count.ok_or(self.damaged("a count"))
    }

    /// What [`Writer::bytes`] wrote.
    pub fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let count = self.count()?;
        self.take(count, "bytes")
    }

    /// What [`Writer::bytes`] wrote of a `str`.
    pub fn text(&mut self) -> Result<&'a str, Damaged> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged("UTF-8"))
    }

    /// What [`Writer::optional`] wrote.
    pub fn optional(&mut self) -> Result<Option<&'a [u8]>, Damaged> {
        match self.number()? {
            0 => Ok(None),
            1 => self.bytes().map(Some),
            _ => Err(self.damaged("a sign of presence")),
        }
    }

    /// What [`Writer::headers`] wrote.
    pub fn headers(&mut self) -> Result<HeaderMap, Damaged> {
        let count = self.count()?;
        // More than a map can hold would panic in `append`.
        let mut headers = HeaderMap::new();
        for _ in 0..count {
            let name = HeaderName::from_bytes(self.bytes()?);
            let name = name.map_err(|_| self.damaged("the name of a field"))?;
            let value = HeaderValue::from_bytes(self.bytes()?);
            let value = value.map_err(|_| self.damaged("the value of a field"))?;
            let added = headers.try_append(name, value);
            added.map_err(|_| self.damaged("as many fields as there may be"))?;
        }
        Ok(headers)
    }

    /// Nothing may follow.
    pub fn end(&self) -> Result<(), Damaged> {
        match self.at == self.bytes.len() {
            true => Ok(()),
            false => Err(self.damaged("the end")),
        }
    }
}
