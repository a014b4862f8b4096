//! Work on a stream of items: side by side, in order, in bounded memory.
//!
//! In: items as they are read. Out: what became of each, in the order of the items. While one batch is worked on, the one
//! before it is handed on and the one after it is read, so that three batches are held at most, however long the stream.

use rayon::prelude::*;

/// A batch is full at so many items, enough for every thread,
const MOST_ITEMS: usize = 256;
/// or at so many bytes.
const MOST_BYTES: usize = 1 << 20;

/// Works on every item and hands the results on in the order of the items.
///
/// # Errors
///
/// The first error of `hand_on`, after which nothing more is read.
pub fn in_order<I: Send, T: Send, E: Send>(
    mut items: impl Iterator<Item = I> + Send,
    bytes: impl Fn(&I) -> usize + Sync,
    work: impl Fn(I) -> T + Sync,
    mut hand_on: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let mut read = |batch: &mut Vec<I>| {
        let mut size = 0;
        while batch.len() < MOST_ITEMS && size < MOST_BYTES {
            let Some(item) = items.next() else { break };
            size += bytes(&item);
            batch.push(item);
        }
    };
    // All of it by threads of the pool: to go there with each batch is to wake one and to sleep.
    rayon::scope(|_| {
        let (mut batch, mut next): (Vec<I>, Vec<I>) = (Vec::new(), Vec::new());
        let (mut done, mut fresh): (Vec<T>, Vec<T>) = (Vec::new(), Vec::new());
        read(&mut batch);
        while !(batch.is_empty() && done.is_empty()) {
            let ((), handed_on) = rayon::join(
                || batch.par_drain(..).map(&work).collect_into_vec(&mut fresh),
                || {
                    done.drain(..).try_for_each(&mut hand_on)?;
                    read(&mut next);
                    Ok(())
                },
            );
            handed_on?;
            std::mem::swap(&mut batch, &mut next);
            std::mem::swap(&mut done, &mut fresh);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// How far the reader is ahead of the writer at most, of so many items of so many bytes.
    fn lead(items: usize, size: usize) -> usize {
        let (read, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut written = 0;
        let source = (0..items).inspect(|_| {
            read.fetch_add(1, Ordering::SeqCst);
        });
        let outcome = in_order(
            source,
            |_| size,
            |i| 2 * i,
            |twice| {
                assert_eq!(twice, 2 * written, "in order, each once");
                most.fetch_max(read.load(Ordering::SeqCst) - written, Ordering::SeqCst);
                written += 1;
                Ok::<(), ()>(())
            },
        );
        assert_eq!((outcome, written), (Ok(()), items));
        most.into_inner()
    }

    #[test]
    fn the_reader_is_never_more_than_two_batches_ahead() {
        assert_eq!(lead(0, 1), 0);
        assert_eq!(lead(MOST_ITEMS + 1, 1), MOST_ITEMS + 1);
        for items in [10 * MOST_ITEMS, 1000 * MOST_ITEMS + 7] {
            assert_eq!(lead(items, 1), 2 * MOST_ITEMS, "{items}");
        }
        assert_eq!(lead(1000, MOST_BYTES / 4), 8, "large items make short batches");
        assert_eq!(lead(1000, 2 * MOST_BYTES), 2);
    }

    #[test]
    fn nothing_is_read_after_an_output_that_fails() {
        let read = AtomicUsize::new(0);
        let endless = std::iter::repeat(()).inspect(|()| {
            read.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(in_order(endless, |()| 1, |()| (), |()| Err("closed")), Err("closed"));
        assert_eq!(read.into_inner(), 2 * MOST_ITEMS);
    }
}
