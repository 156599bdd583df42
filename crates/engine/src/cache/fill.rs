//! A body that comes from the origin once and is read by many while it comes.
//!
//! As long as it may be kept, all of it stays here and each reader goes at its own pace, also one
//! that comes late. When it turns out to be larger than may be kept, what every reader has had is
//! let go, nobody may join any more, and the origin is read at the pace of the quickest reader. The
//! others may lag behind it by as much as may be kept of one body: whoever falls back further goes on
//! by a trip of his own, from where he is ([`Again`]). Where that cannot be, since nothing would prove that
//! the rest is of the same state, and while the memory for all bodies on their way is used up, all wait
//! for the slowest.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use crate::{Body, BodyError, pages};

/// Memory that bodies on their way to the store may take together.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU64,
}

impl Budget {
    pub(super) fn new(bytes: u64) -> Arc<Self> {
        let left = AtomicU64::new(bytes);
        Arc::new(Self { left })
    }

    fn take(&self, bytes: u64) -> bool {
        let taken = self
            .left
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes));
        taken.is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Relaxed);
    }
}

/// Asks for the rest of the same body, from a byte on.
pub(super) type Again = Box<dyn Fn(u64) -> Rest + Send + Sync>;
type Rest = Pin<Box<dyn Future<Output = Result<Body, BodyError>> + Send>>;

/// A body that is on its way.
pub(super) struct Fill {
    state: Mutex<State>,
    budget: Arc<Budget>,
    bytes_max: u64,
    /// Its length, if the origin said it.
    length: Option<u64>,
    again: Option<Again>,
}

struct State {
    pieces: VecDeque<Bytes>,
    /// How many pieces were let go in front of `pieces`.
    gone: usize,
    /// Bytes that came so far.
    came: u64,
    /// Bytes in `pieces`.
    held: u64,
    /// Bytes of `held` that are of the budget: all of them, or all that it has room for.
    taken: u64,
    keeping: bool,
    end: Option<Result<(), String>>,
    readers: Vec<Option<Place>>,
    /// The one who fills, while it waits for readers.
    filler: Option<Waker>,
}

/// Where a reader is.
struct Place {
    next: usize,
    /// Bytes that it has had.
    read: u64,
    /// It fell back too far, and goes on alone.
    left: bool,
    waker: Option<Waker>,
}

/// How a body ended.
#[derive(Debug)]
pub(super) enum Filled {
    /// All of it came and may be kept: in one piece, without room to spare.
    Whole(Bytes),
    /// All of it passed through.
    Passed,
    /// It was cut, or was another length than the origin said, or nobody wanted it any more.
    Cut,
}

impl Fill {
    /// A body of which at most `bytes_max` bytes are kept.
    pub(super) fn new(
        length: Option<u64>,
        bytes_max: u64,
        budget: Arc<Budget>,
        again: Option<Again>,
    ) -> Arc<Self> {
        let state = State {
            pieces: VecDeque::new(),
            gone: 0,
            came: 0,
            held: 0,
            taken: 0,
            keeping: true,
            end: None,
            readers: Vec::new(),
            filler: None,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            budget,
            bytes_max,
            length,
            again,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads `body` to its end.
    pub(super) async fn fill(&self, mut body: Body) -> Filled {
        let _unended = Unended(self);
        let mut total = 0u64;
        let end = loop {
            match poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                None => break self.right_length(total),
                Some(Err(error)) => break Err(error.to_string()),
                Some(Ok(frame)) => {
                    // Trailer fields end here: they may be thrown away (RFC 9110 §6.5.1).
                    let Ok(piece) = frame.into_data() else {
                        continue;
                    };
                    total += piece.len() as u64;
                    if self.push(piece).await.is_err() {
                        return Filled::Cut;
                    }
                }
            }
        };
        let whole = end.is_ok();
        let mut state = self.state();
        state.end = Some(end);
        state.wake_readers();
        match (whole, state.keeping) {
            (true, true) => Filled::Whole(state.joined()),
            (true, false) => Filled::Passed,
            (false, _) => Filled::Cut,
        }
    }

    /// hyper sees to this for what it has the length of; a `Fetch` of another kind may not.
    fn right_length(&self, total: u64) -> Result<(), String> {
        match self.length {
            Some(length) if length != total => {
                Err(format!("the body ends after {total} of {length} bytes"))
            }
            _ => Ok(()),
        }
    }

    /// Takes a piece; waits for readers where nothing is kept. `Err`: nobody reads.
    async fn push(&self, piece: Bytes) -> Result<(), ()> {
        {
            let mut state = self.state();
            let bytes = piece.len() as u64;
            state.came += bytes;
            state.held += bytes;
            state.pieces.push_back(piece);
            let paid = state.pay(&self.budget);
            state.keeping &= paid && state.held <= self.bytes_max;
            state.wake_readers();
        }
        poll_fn(|cx| {
            let mut state = self.state();
            if state.keeping {
                return Poll::Ready(Ok(()));
            }
            state.let_go(&self.budget);
            let lag_max = self.bytes_max.max(PASSING_BYTES_MAX);
            while self.again.is_some() && state.held > lag_max && state.leave_slowest() {
                state.let_go(&self.budget);
            }
            let Some(quickest) = state.places().map(|place| place.read).max() else {
                return Poll::Ready(Err(()));
            };
            state.pay(&self.budget);
            let (ahead, unpaid) = (state.came - quickest, state.held - state.taken);
            let lag = state.held.saturating_sub(lag_max);
            if [ahead, unpaid, lag]
                .iter()
                .all(|bytes| *bytes <= PASSING_BYTES_MAX)
            {
                return Poll::Ready(Ok(()));
            }
            state.filler = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// A reader from the first byte on; `None` if that is gone.
    pub(super) fn read(self: &Arc<Self>) -> Option<Body> {
        let mut state = self.state();
        if state.gone > 0 || (!state.keeping && state.places().next().is_none()) {
            return None;
        }
        let place = Some(Place {
            next: 0,
            read: 0,
            left: false,
            waker: None,
        });
        let number = match state.readers.iter().position(Option::is_none) {
            Some(free) => {
                state.readers[free] = place;
                free
            }
            None => {
                state.readers.push(place);
                state.readers.len() - 1
            }
        };
        let fill = self.clone();
        Some(Body::stream(Reader {
            fill,
            number,
            way: Way::Together,
        }))
    }
}

impl Drop for Fill {
    fn drop(&mut self) {
        let taken = self.state().taken;
        self.budget.give_back(taken);
    }
}

impl State {
    fn wake_readers(&mut self) {
        for place in self.readers.iter_mut().flatten() {
            if let Some(waker) = place.waker.take() {
                waker.wake();
            }
        }
    }

    /// Those who still read.
    fn places(&self) -> impl Iterator<Item = &Place> {
        self.readers.iter().flatten().filter(|place| !place.left)
    }

    /// Takes from the budget what is held. Is all of it paid for?
    fn pay(&mut self, budget: &Budget) -> bool {
        if budget.take(self.held - self.taken) {
            self.taken = self.held;
        }
        self.taken == self.held
    }

    /// Lets go of what every reader has had.
    fn let_go(&mut self, budget: &Budget) {
        let slowest = self.places().map(|place| place.next).min();
        let Some(slowest) = slowest else { return };
        while self.gone < slowest {
            let Some(piece) = self.pieces.pop_front() else {
                break;
            };
            self.held -= piece.len() as u64;
            self.gone += 1;
        }
        let over = self.taken.saturating_sub(self.held);
        self.taken -= over;
        budget.give_back(over);
    }

    /// Leaves behind those who are furthest back. `false`: all are in one place.
    fn leave_slowest(&mut self) -> bool {
        let slowest = self.places().map(|place| place.next).min();
        let quickest = self.places().map(|place| place.next).max();
        if slowest == quickest {
            return false;
        }
        for place in self.readers.iter_mut().flatten() {
            if !place.left && Some(place.next) == slowest {
                place.left = true;
                if let Some(waker) = place.waker.take() {
                    waker.wake();
                }
            }
        }
        true
    }

    /// All pieces as one, which holds no more memory than it has bytes; readers go on in it, so that
    /// their pieces take no memory beside it.
    fn joined(&mut self) -> Bytes {
        let bytes = self.pieces.iter().map(Bytes::len).sum();
        let whole = pages::join(self.pieces.iter(), bytes);
        let mut rest = whole.clone();
        for piece in &mut self.pieces {
            *piece = rest.split_to(piece.len());
        }
        whole
    }
}

/// Tells the readers of a fill that nobody goes on with: its task may end before the body does.
struct Unended<'f>(&'f Fill);

impl Drop for Unended<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if state.end.is_none() {
            state.end = Some(Err("nobody fetches the rest".into()));
            state.wake_readers();
        }
    }
}

/// Reads a fill from its first byte on.
struct Reader {
    fill: Arc<Fill>,
    number: usize,
    way: Way,
}

type Polled = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

/// How a reader comes to its bytes.
enum Way {
    /// From what comes for all.
    Together,
    /// It was left behind, and asks for the rest.
    Asking(Rest),
    /// From what comes for it alone.
    Alone(Body),
}

impl http_body::Body for Reader {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let from = match &mut self.way {
                Way::Together => match self.poll_together(cx) {
                    Ok(poll) => return poll,
                    Err(from) => from,
                },
                Way::Asking(rest) => {
                    let rest = std::task::ready!(rest.as_mut().poll(cx))?;
                    self.way = Way::Alone(rest);
                    continue;
                }
                Way::Alone(body) => return Pin::new(body).poll_frame(cx),
            };
            let Some(again) = &self.fill.again else {
                return Poll::Ready(Some(Err("the rest cannot be asked for".into())));
            };
            self.way = Way::Asking(again(from));
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (self.fill.length, &self.way) {
            (Some(length), Way::Together) => {
                let state = self.fill.state();
                let place = state.readers.get(self.number).and_then(Option::as_ref);
                SizeHint::with_exact(length.saturating_sub(place.map_or(0, |place| place.read)))
            }
            _ => SizeHint::default(),
        }
    }
}

impl Reader {
    /// The next piece for all; `Err`: from which byte on it has to go on alone.
    fn poll_together(&self, cx: &mut Context<'_>) -> Result<Polled, u64> {
        let fill = &self.fill;
        let mut state = fill.state();
        let State {
            pieces,
            gone,
            readers,
            end,
            ..
        } = &mut *state;
        let Some(place) = readers.get_mut(self.number).and_then(Option::as_mut) else {
            return Ok(Poll::Ready(None));
        };
        if place.left {
            return Err(place.read);
        }
        if let Some(piece) = pieces.get(place.next - *gone) {
            let piece = piece.clone();
            place.next += 1;
            place.read += piece.len() as u64;
            if !state.keeping {
                state.let_go(&fill.budget);
                if let Some(filler) = state.filler.take() {
                    filler.wake();
                }
            }
            return Ok(Poll::Ready(Some(Ok(Frame::data(piece)))));
        }
        Ok(match end {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(error)) => Poll::Ready(Some(Err(error.clone().into()))),
            None => {
                place.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.fill.state();
        if let Some(place) = state.readers.get_mut(self.number) {
            *place = None;
        }
        if let Some(filler) = state.filler.take() {
            filler.wake();
        }
    }
}

/// How far the origin may be ahead of the quickest reader of a body that is not kept, and how much of
/// what is held for the others may be without its share of the budget.
const PASSING_BYTES_MAX: u64 = 256 * 1024;

#[cfg(test)]
mod tests;
