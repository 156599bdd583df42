//! Purges: which entries are no longer good, by their labels.
//!
//! A purge is a line in a log with a rising number; an entry carries the number as of which it was
//! put. It is good if no purge of one of its labels, or of everything, has a higher number. So a
//! purge costs one line however many entries it hits, and also hits those that are still on their way.

use std::collections::HashMap;

use bytes::Bytes;

/// A point in the log of purges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub(crate) u64);

impl Sequence {
    /// The number itself, for messages.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// What is to be thrown out, in all collections of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// `None`: everything.
    pub(crate) label: Option<Bytes>,
    pub(crate) soft: bool,
}

impl Purge {
    /// All entries with this label.
    pub fn label(label: impl Into<Bytes>) -> Self {
        Self {
            label: Some(label.into()),
            soft: false,
        }
    }

    /// All entries.
    pub fn everything() -> Self {
        Self {
            label: None,
            soft: false,
        }
    }

    /// Lets them be found still, as stale ([`crate::Entry::stale`]).
    pub fn soft(mut self) -> Self {
        self.soft = true;
        self
    }
}

/// How good an entry still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    Stale,
    Gone,
}

/// The log of purges, as far as entries are judged by it.
#[derive(Debug, Default)]
pub(crate) struct Watermarks {
    everything: Mark,
    labels: HashMap<Bytes, Mark>,
    last: Sequence,
}

/// The last hard and the last soft purge.
#[derive(Debug, Default, Clone, Copy)]
struct Mark {
    hard: Sequence,
    soft: Sequence,
}

impl Mark {
    fn raise(&mut self, sequence: Sequence, soft: bool) {
        let mark = if soft { &mut self.soft } else { &mut self.hard };
        *mark = (*mark).max(sequence);
    }

    fn standing(self, since: Sequence) -> Standing {
        if self.hard > since {
            Standing::Gone
        } else if self.soft > since {
            Standing::Stale
        } else {
            Standing::Good
        }
    }
}

impl Watermarks {
    /// The number of the last purge.
    pub(crate) fn last(&self) -> Sequence {
        self.last
    }

    /// Takes in a line of the log.
    pub(crate) fn add(&mut self, sequence: Sequence, purge: &Purge) {
        self.last = self.last.max(sequence);
        let mark = match &purge.label {
            None => &mut self.everything,
            Some(label) => self.labels.entry(label.clone()).or_default(),
        };
        mark.raise(sequence, purge.soft);
    }

    /// Takes over where the log stands, though its last lines are forgotten.
    pub(crate) fn reach(&mut self, sequence: Sequence) {
        self.last = self.last.max(sequence);
    }

    /// Forgets the lines up to `floor`: nothing is left of what they hit, and nothing that was asked
    /// for before them is put any more.
    pub(crate) fn forget(&mut self, floor: Sequence) {
        let above = |mark: &Mark| mark.hard.max(mark.soft) > floor;
        self.labels.retain(|_, mark| above(mark));
    }

    /// How good is an entry with these labels, put as of `since`?
    pub(crate) fn standing(&self, labels: &[Bytes], since: Sequence) -> Standing {
        if since >= self.last {
            return Standing::Good;
        }
        let marks = labels.iter().filter_map(|label| self.labels.get(label));
        let mut worst = self.everything.standing(since);
        for mark in marks {
            match mark.standing(since) {
                Standing::Gone => return Standing::Gone,
                Standing::Stale if worst == Standing::Good => worst = Standing::Stale,
                _ => {}
            }
        }
        worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(purges: &[Purge], labels: &[&'static str], since: u64) -> Standing {
        let mut marks = Watermarks::default();
        for (index, purge) in purges.iter().enumerate() {
            marks.add(Sequence(index as u64 + 1), purge);
        }
        let labels: Vec<Bytes> = labels.iter().map(|label| Bytes::from(*label)).collect();
        marks.standing(&labels, Sequence(since))
    }

    #[test]
    fn a_purge_hits_what_was_put_before_it_and_bears_its_label() {
        let purges = [Purge::label("a"), Purge::label("b")];
        assert_eq!(standing(&purges, &["a"], 0), Standing::Gone);
        assert_eq!(standing(&purges, &["a"], 1), Standing::Good);
        assert_eq!(standing(&purges, &["a", "b"], 1), Standing::Gone);
        assert_eq!(standing(&purges, &["c"], 0), Standing::Good);
        assert_eq!(standing(&purges, &[], 0), Standing::Good);
    }

    #[test]
    fn a_soft_purge_makes_stale_and_takes_nothing_back_from_a_hard_one() {
        assert_eq!(
            standing(&[Purge::label("a").soft()], &["a"], 0),
            Standing::Stale
        );
        let both = [Purge::label("a"), Purge::label("a").soft()];
        assert_eq!(standing(&both, &["a"], 0), Standing::Gone);
        assert_eq!(standing(&both, &["a"], 1), Standing::Stale);
    }

    #[test]
    fn a_purge_of_everything_needs_no_label() {
        assert_eq!(standing(&[Purge::everything()], &[], 0), Standing::Gone);
        assert_eq!(
            standing(&[Purge::everything().soft()], &["a"], 0),
            Standing::Stale
        );
        assert_eq!(standing(&[Purge::everything()], &["a"], 1), Standing::Good);
    }

    #[test]
    fn forgotten_lines_take_no_memory_and_the_others_stay() {
        let mut marks = Watermarks::default();
        for number in 1..=3 {
            marks.add(Sequence(number), &Purge::label(format!("label {number}")));
        }
        marks.forget(Sequence(2));
        assert_eq!(marks.labels.len(), 1);
        let third = [Bytes::from("label 3")];
        assert_eq!(marks.standing(&third, Sequence(2)), Standing::Gone);
        assert_eq!(marks.last(), Sequence(3));
    }
}
