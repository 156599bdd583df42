//! A body of a request or a response: nothing, bytes at hand, or bytes that are still to come.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// Why a body ended before its end: the receiver must not take what it has for the whole.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

type Stream = Pin<Box<dyn http_body::Body<Data = Bytes, Error = BodyError> + Send>>;

/// A number that nobody can guess, for what separates the parts of a body.
pub fn boundary() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A body; a stream within is read once, from front to back.
#[derive(Default)]
pub struct Body(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Whole(Bytes),
    Stream(Stream),
}

impl Body {
    /// No body: no bytes will come.
    pub fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// All of it, if it is at hand.
    #[cfg(feature = "cache-api")]
    pub(crate) fn at_hand(&self) -> Option<Bytes> {
        match &self.0 {
            Kind::Empty => Some(Bytes::new()),
            Kind::Whole(bytes) => Some(bytes.clone()),
            Kind::Stream(_) => None,
        }
    }

    /// These bodies, one after the other.
    pub fn chain(bodies: impl IntoIterator<Item = Self>) -> Self {
        Self(Kind::Stream(Box::pin(Chain(bodies.into_iter().collect()))))
    }

    /// A body that arrives piece by piece.
    pub fn stream<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError>,
    {
        Self(Kind::Stream(Box::pin(MapError(Box::pin(body)))))
    }

    /// The same without its first bytes.
    #[cfg(feature = "cache")]
    pub(crate) fn without_first(self, bytes: u64) -> Self {
        match bytes {
            0 => self,
            left => Self::stream(Skipped { body: self, left }),
        }
    }
}

/// A body whose first bytes are passed over.
#[cfg(feature = "cache")]
struct Skipped {
    body: Body,
    left: u64,
}

#[cfg(feature = "cache")]
impl http_body::Body for Skipped {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
            let frame = match frame {
                Some(Ok(frame)) if self.left > 0 => frame,
                other => return Poll::Ready(other),
            };
            let Ok(mut data) = frame.into_data() else {
                continue;
            };
            let skip = usize::try_from(self.left).map_or(data.len(), |left| left.min(data.len()));
            self.left -= skip as u64;
            let rest = data.split_off(skip);
            if !rest.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(rest))));
            }
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            Self(Kind::Empty)
        } else {
            Self(Kind::Whole(bytes))
        }
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Empty => f.write_str("Body(empty)"),
            Kind::Whole(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Kind::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Stream(stream) => stream.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Whole(_) => false,
            Kind::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(stream) => stream.size_hint(),
        }
    }
}

/// Bodies that follow one another; those that are through are gone.
struct Chain(VecDeque<Body>);

impl http_body::Body for Chain {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        while let Some(body) = self.0.front_mut() {
            let poll = Pin::new(&mut *body).poll_frame(cx);
            if body.is_end_stream() || matches!(poll, Poll::Ready(None)) {
                self.0.pop_front();
            }
            match poll {
                Poll::Ready(None) => {}
                Poll::Ready(Some(Err(error))) => {
                    // Nothing comes after an error.
                    self.0.clear();
                    return Poll::Ready(Some(Err(error)));
                }
                poll => return poll,
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.0.iter().all(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let mut all = SizeHint::with_exact(0);
        for hint in self.0.iter().map(Body::size_hint) {
            let upper = all.upper().zip(hint.upper());
            let lower = all.lower().saturating_add(hint.lower());
            all = SizeHint::new();
            all.set_lower(lower);
            if let Some(upper) = upper.and_then(|(one, other)| one.checked_add(other)) {
                all.set_upper(upper);
            }
        }
        all
    }
}

/// Gives a foreign body's errors our type.
struct MapError<B>(Pin<Box<B>>);

impl<B> http_body::Body for MapError<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0
            .as_mut()
            .poll_frame(cx)
            .map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
