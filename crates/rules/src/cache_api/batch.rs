//! What does a batch of operations change?
//!
//! Service Workers, Appendix A "Batch Cache Operations". All of a batch happens or nothing: this
//! looks at the whole of it first and says what to remove and what to add; whoever keeps the pairs
//! does both at once.

use http::HeaderMap;

use super::query::{Item, Matched, QueryOptions, Question, matches};
use super::{RequestUrl, ResponseHead};

/// One operation of a batch.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    /// Removes what answers.
    Delete(Question<'a>, QueryOptions),
    /// Adds a pair in place of every pair that answers its request.
    Put(Item<'a>),
}

/// What changes, as places in the lists that were given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Pairs that go, in their order.
    pub removed: Vec<usize>,
    /// Operations whose pairs come, in this order, behind all that stays.
    pub added: Vec<usize>,
}

/// An operation is about a pair that the same batch adds: an `InvalidStateError`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is named twice in one batch")]
pub struct Duplicate {
    /// The URL of the later operation.
    pub url: RequestUrl,
    /// Its place in the batch.
    pub operation: usize,
}

/// Decides what `operations` change of the pairs `there`, of which only those need be given that
/// have the URL of an operation.
///
/// A deleted pair leaves, a put one comes behind all others: replaced pairs change their place in
/// `keys()`. Each operation is compared with the pairs that those before it add, "using the Vary
/// header of the earlier": the order counts.
pub fn batch(there: &[Item<'_>], operations: &[Operation<'_>]) -> Result<Batch, Duplicate> {
    let mut changes = Batch::default();
    let mut gone = vec![false; there.len()];
    let mut added: Vec<Item<'_>> = Vec::new();
    for (place, operation) in operations.iter().enumerate() {
        let (question, options) = operation.question();
        let answers = |item: &Item<'_>| matches(question, *item, options) == Matched::Yes;
        // "If the result of running Query Cache with operation's request, operation's options, and
        // addedItems is not empty, throw an InvalidStateError DOMException."
        if added.iter().any(answers) {
            return Err(Duplicate {
                url: question.url.clone(),
                operation: place,
            });
        }
        // "For each requestResponse in requestResponses: remove the item whose value matches
        // requestResponse from cache."
        for (gone, item) in gone.iter_mut().zip(there) {
            *gone |= answers(item);
        }
        // "Append operation's request/operation's response to cache."
        if let Operation::Put(item) = operation {
            added.push(*item);
            changes.added.push(place);
        }
    }
    let places = gone.iter().enumerate();
    changes.removed = places
        .filter(|(_, gone)| **gone)
        .map(|(place, _)| place)
        .collect();
    Ok(changes)
}

/// Which of the pairs `there`, in the order in which they were put, would each later put have
/// removed?
///
/// None, where one put follows the other. Two at the same time may each see the state before both;
/// then the later one counts, and what it replaces counts as gone before anybody removes it.
pub fn replaced(there: &[Item<'_>]) -> Vec<bool> {
    let options = QueryOptions::default();
    let by_later = |(place, item): (usize, &Item<'_>)| {
        let later = there[place + 1..].iter();
        later
            .map(Item::question)
            .any(|question| matches(question, *item, options) == Matched::Yes)
    };
    there.iter().enumerate().map(by_later).collect()
}

impl<'a> Operation<'a> {
    fn question(&self) -> (Question<'a>, QueryOptions) {
        match self {
            Self::Delete(question, options) => (*question, *options),
            Self::Put(item) => (item.question(), QueryOptions::default()),
        }
    }
}

impl<'a> Item<'a> {
    /// A pair of a request, which is a `GET`, and a response.
    pub fn new(url: &'a RequestUrl, headers: &'a HeaderMap, response: ResponseHead<'a>) -> Self {
        Self {
            url,
            headers,
            response,
        }
    }

    /// Its request as a question.
    fn question(&self) -> Question<'a> {
        Question {
            method: &http::Method::GET,
            url: self.url,
            headers: self.headers,
        }
    }
}

#[cfg(test)]
mod tests;
