//! Work on many scopes that have nothing to do with each other, shared between the processor's cores. What comes out is
//! in the order of what went in, so that no result depends on how many cores there are.

use std::num::NonZero;
use std::thread;

use crate::base::limits::{SHARE_MIN, THREADS_MAX};

/// Does the same with each of these.
pub(in crate::ops) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    each_of(items.iter().collect(), work)
}

/// The same with what is used up by it.
pub(in crate::ops) fn each_of<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    each_on(cores.min(THREADS_MAX), items, work)
}

/// The same on so many threads; with few items, on this one.
fn each_on<T: Send, R: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = threads.min(items.len() / SHARE_MIN);
    if threads < 2 {
        return items.into_iter().map(work).collect();
    }
    let (work, most) = (&work, items.len().div_ceil(threads));
    let mut items = items.into_iter();
    thread::scope(|scope| {
        let mut shares = Vec::with_capacity(threads);
        while items.len() > 0 {
            let share: Vec<T> = items.by_ref().take(most).collect();
            shares.push(scope.spawn(move || share.into_iter().map(work).collect::<Vec<R>>()));
        }
        let done = |share: thread::ScopedJoinHandle<'_, Vec<R>>| {
            share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        shares.into_iter().flat_map(done).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_and_many_give_the_same_in_the_same_order() {
        let items: Vec<usize> = (0..103).collect();
        let alone = each_on(1, items.clone(), |item| item * 2);
        for threads in [2, 3, 7, 200] {
            assert_eq!(each_on(threads, items.clone(), |item| item * 2), alone, "{threads} threads");
        }
        assert_eq!(each(&items, |item| item * 2), alone);
        assert_eq!(each_on(4, vec![1], |item| item + 1), [2]);
        assert!(each_on(4, Vec::<u8>::new(), |item| item).is_empty());
    }

    #[test]
    #[should_panic(expected = "the seventh")]
    fn a_panic_is_not_lost() {
        each_on(2, (0..10).collect::<Vec<u8>>(), |item| assert!(item != 7, "the seventh"));
    }
}
