//! The same work on many things, on all cores.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` on each item; results in the items' order. `done` hears after each how many are
/// done. The first error, in the items' order, is the result.
pub(crate) fn each<T: Sync, R: Send, E: Send>(
    items: &[T],
    done: &(dyn Fn(usize) + Sync),
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let threads = std::thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(items.len().div_ceil(8).max(1));
    let next = AtomicUsize::new(0);
    let finished = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<R, E>>>> =
        Mutex::new(items.iter().map(|_| None).collect());
    let lane = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = work(item);
            let failed = result.is_err();
            if let Ok(mut results) = results.lock() {
                results[index] = Some(result);
            }
            if failed {
                // nothing behind it counts any more
                next.store(items.len(), Ordering::Relaxed);
            }
            done(finished.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(lane);
        }
        lane();
    });
    // A lane that panicked has already ended the scope with its panic.
    results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .into_iter()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_their_items_and_an_error_wins() {
        let items: Vec<u32> = (0..1000).collect();
        let doubled = each(&items, &|_| (), |n| Ok::<_, ()>(n * 2)).unwrap();
        assert!(doubled.iter().enumerate().all(|(i, n)| *n == i as u32 * 2));
        let failed = each(
            &items,
            &|_| (),
            |n| if *n == 500 { Err("500") } else { Ok(()) },
        );
        assert_eq!(failed, Err("500"));
    }
}
