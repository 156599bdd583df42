//! Which URLs something is said of already, found without a look at each.

use std::collections::{BTreeSet, HashSet};
use std::ops::Bound;

use super::site::url_of;

/// Beginnings of texts, none of which begins another: what stands last before a text in their order is then the one
/// that it may begin with.
#[derive(Debug, Default)]
pub(super) struct Prefixes(BTreeSet<String>);

impl Prefixes {
    /// Whether `text` begins with one of them.
    pub(super) fn cover(&self, text: &str) -> bool {
        let until = (Bound::Unbounded, Bound::Included(text));
        let before = self.0.range::<str, _>(until).next_back();
        before.is_some_and(|it| text.starts_with(it.as_str()))
    }

    /// Adds one; those that begin with it say nothing more.
    pub(super) fn add(&mut self, prefix: String) {
        if self.cover(&prefix) {
            return;
        }
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let longer = self.0.range::<str, _>(from);
        let longer = longer.take_while(|it| it.starts_with(&prefix));
        for gone in longer.cloned().collect::<Vec<_>>() {
            self.0.remove(&gone);
        }
        self.0.insert(prefix);
    }
}

/// What there are routes for, by origin and path.
#[derive(Debug, Default)]
pub(super) struct Places {
    one: HashSet<String>,
    all_below: Prefixes,
}

impl Places {
    /// Whether a route before has all of this.
    pub(super) fn cover(&self, place: &str) -> bool {
        self.one.contains(place) || self.all_below.cover(place)
    }

    /// Whether a route before has each path of the site itself.
    pub(super) fn cover_all_of_the_site(&self) -> bool {
        self.all_below.cover(url_of("").as_str())
    }

    /// Adds a place, or all that begin with it.
    pub(super) fn add(&mut self, place: String, is_prefix: bool) {
        match is_prefix {
            true => self.all_below.add(place),
            false => {
                self.one.insert(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn prefixes_cover_what_begins_with_any_that_was_added(
            added in proptest::collection::vec("[ab/]{0,5}", 0..12),
            text in "[ab/]{0,7}",
        ) {
            let mut prefixes = Prefixes::default();
            for prefix in &added {
                prefixes.add(prefix.clone());
            }
            let expected = added.iter().any(|it| text.starts_with(it.as_str()));
            proptest::prop_assert_eq!(prefixes.cover(&text), expected);
        }
    }
}
