//! How long may a connection stay as it is?
//!
//! A request moves it through phases, each with a limit of its own, and is mostly over long before
//! the first of them. So one timer is left running: that a limit moved is seen when the timer is up,
//! and only an earlier one sets it anew.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use revisit_engine::Clock;
use tokio::time::{Sleep, sleep};

use super::phase::Progress;
use crate::Limits;

/// Watches how a connection moves on.
pub(super) struct Patience {
    clock: Arc<dyn Clock>,
    progress: Progress,
    /// By when it has to have moved on, by the clock.
    due: Duration,
    /// When the timer is up, by the clock.
    up: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    pub(super) fn begin(clock: Arc<dyn Clock>, limits: &Limits, progress: Progress) -> Self {
        let time_max = time_max(limits, progress);
        let due = clock.elapsed() + time_max;
        Self {
            clock,
            progress,
            due,
            up: due,
            timer: Box::pin(sleep(time_max)),
        }
    }

    /// Is it over? `Pending`: not yet, and the task is woken when it may be.
    pub(super) fn poll_over(
        &mut self,
        cx: &mut Context<'_>,
        limits: &Limits,
        progress: Progress,
    ) -> Poll<()> {
        if self.moved(limits, progress) {
            self.set_timer();
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if self.is_over() {
                return Poll::Ready(());
            }
            self.set_timer();
        }
    }

    /// Notes the phase. Is it to end before the timer is up?
    fn moved(&mut self, limits: &Limits, progress: Progress) -> bool {
        if progress == self.progress {
            return false;
        }
        self.progress = progress;
        self.due = self.clock.elapsed() + time_max(limits, progress);
        self.due < self.up
    }

    fn is_over(&self) -> bool {
        self.clock.elapsed() >= self.due
    }

    fn set_timer(&mut self) {
        self.up = self.due;
        let left = self.due.saturating_sub(self.clock.elapsed());
        self.timer.set(sleep(left));
    }
}

/// How long a connection may stay in this phase.
fn time_max(limits: &Limits, progress: Progress) -> Duration {
    match progress {
        Progress::Idle { .. } => limits.idle_time_max,
        Progress::Head => limits.header_time_max,
        Progress::Stalled { .. } => limits.write_stall_max,
        // How long an answer takes to make is the business of the one who makes it.
        Progress::Answering => Duration::from_secs(u32::MAX as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::SystemTime;

    /// A clock that a test moves.
    #[derive(Default)]
    struct Hands(AtomicU64);

    impl Clock for Hands {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + self.elapsed()
        }
        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.0.load(Relaxed))
        }
    }

    #[test]
    fn each_phase_has_its_own_time_from_when_it_began() {
        let idle = |requests| Progress::Idle { requests };
        // Idle for 75 s, a head for 10.
        check(&[(0, idle(0)), (74, idle(0))], false);
        check(&[(0, idle(0)), (75, idle(0))], true);
        check(
            &[(0, idle(0)), (74, Progress::Head), (83, Progress::Head)],
            false,
        );
        check(
            &[(0, idle(0)), (74, Progress::Head), (84, Progress::Head)],
            true,
        );
        // A request that came and went leaves the connection all of its time.
        check(&[(0, idle(0)), (74, idle(1)), (148, idle(1))], false);
        check(&[(0, idle(0)), (74, idle(1)), (149, idle(1))], true);
        check(
            &[(0, Progress::Answering), (86_400, Progress::Answering)],
            false,
        );
    }

    /// Whether it is over at the last of these moments, and was not before.
    fn check(moments: &[(u64, Progress)], over: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let hands = Arc::new(Hands::default());
            let limits = Limits::default();
            let (_, first) = moments[0];
            let mut patience = Patience::begin(hands.clone(), &limits, first);
            for (place, (second, progress)) in moments.iter().enumerate() {
                hands.0.store(*second, Relaxed);
                patience.moved(&limits, *progress);
                let last = place + 1 == moments.len();
                let said = patience.is_over();
                assert_eq!(said, over && last, "at {second} s of {moments:?}");
            }
        });
    }
}
