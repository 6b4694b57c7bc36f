//! What waits to be written to one link: bounded by bytes, read by one task or by successive polls.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How a link ends, as told to its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// A close code of P5.3.
    pub(crate) code: u16,
    /// Milliseconds to wait before coming back.
    pub(crate) retry: Option<u32>,
}

/// What was taken from a mailbox.
#[derive(Debug)]
pub(crate) enum Post<T> {
    /// At least one; what makes a unit of about 64 KiB, if as much waits.
    Items(VecDeque<T>),
    /// Nothing comes after it.
    End(End),
}

/// Bytes after which no more is taken at a time.
const UNIT_BYTES: usize = 64 << 10;

/// Counts the bytes that wait in all mailboxes. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<AtomicUsize>);

impl Tally {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn move_by(&self, before: usize, after: usize) {
        if after >= before {
            self.0.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.0.fetch_sub(before - after, Ordering::Relaxed);
        }
    }
}

/// A queue with an end.
#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    queue: Mutex<Queue<T>>,
    /// About what an item takes on the wire.
    size: fn(&T) -> usize,
    tally: Tally,
    arrived: Notify,
    /// Told when a unit's worth is there, or the end.
    whole: Notify,
    taken: Notify,
}

#[derive(Debug)]
struct Queue<T> {
    items: VecDeque<T>,
    bytes: usize,
    /// Bytes of those that were expected to come at once.
    allowed: usize,
    end: Option<End>,
}

impl<T> Mailbox<T> {
    pub(crate) fn new(size: fn(&T) -> usize, tally: &Tally) -> Self {
        let queue = Queue {
            items: VecDeque::new(),
            bytes: 0,
            allowed: 0,
            end: None,
        };
        Self {
            queue: Mutex::new(queue),
            size,
            tally: tally.clone(),
            arrived: Notify::new(),
            whole: Notify::new(),
            taken: Notify::new(),
        }
    }

    /// Lets `bytes` come at once without being [too many](Self::push).
    pub(crate) fn allow(&self, bytes: usize) {
        self.locked().allowed = bytes;
    }

    /// Puts items in and returns how many bytes wait beyond what was [allowed](Self::allow). After
    /// the end, items are dropped.
    pub(crate) fn push(&self, items: impl IntoIterator<Item = T>) -> usize {
        let mut queue = self.locked();
        if queue.end.is_some() {
            return 0;
        }
        let before = queue.bytes;
        for item in items {
            queue.bytes += (self.size)(&item);
            queue.items.push_back(item);
        }
        self.tally.move_by(before, queue.bytes);
        let excess = queue.bytes.saturating_sub(queue.allowed);
        let is_whole = queue.bytes >= UNIT_BYTES;
        drop(queue);
        self.arrived.notify_one();
        if is_whole {
            self.whole.notify_one();
        }
        excess
    }

    /// Puts back what was taken and could not be handed on whole.
    pub(crate) fn put_back(&self, items: VecDeque<T>) {
        let mut queue = self.locked();
        let before = queue.bytes;
        for item in items.into_iter().rev() {
            queue.bytes += (self.size)(&item);
            queue.items.push_front(item);
        }
        self.tally.move_by(before, queue.bytes);
        drop(queue);
        self.arrived.notify_one();
    }

    /// Throws away what does not pass `keep`.
    pub(crate) fn retain(&self, keep: impl Fn(&T) -> bool) {
        let mut queue = self.locked();
        queue.items.retain(keep);
        let before = queue.bytes;
        queue.bytes = queue.items.iter().map(self.size).sum();
        self.tally.move_by(before, queue.bytes);
        drop(queue);
        self.taken.notify_waiters();
    }

    /// Ends the mailbox after what is in it. The first end counts.
    pub(crate) fn end(&self, end: End) {
        self.locked().end.get_or_insert(end);
        self.arrived.notify_one();
        self.whole.notify_one();
        self.taken.notify_waiters();
    }

    /// Ends the mailbox and throws away what is in it: its reader is too slow.
    pub(crate) fn overflow(&self, end: End) {
        let mut queue = self.locked();
        self.tally.move_by(queue.bytes, 0);
        queue.items = VecDeque::new();
        queue.bytes = 0;
        queue.end.get_or_insert(end);
        drop(queue);
        self.arrived.notify_one();
        self.whole.notify_one();
        self.taken.notify_waiters();
    }

    /// Takes what waits, if something does, up to a unit's worth: so what came one by one while the
    /// link was busy leaves together. The end can be taken again and again.
    pub(crate) fn try_take(&self) -> Option<Post<T>> {
        let mut queue = self.locked();
        if queue.items.is_empty() {
            return queue.end.map(Post::End);
        }
        let mut bytes = 0;
        let fitting = queue.items.iter().map(self.size).take_while(|size| {
            let fits = bytes == 0 || bytes + size <= UNIT_BYTES;
            if fits {
                bytes += size;
            }
            fits
        });
        let count = fitting.count();
        queue.bytes -= bytes;
        queue.allowed = queue.allowed.saturating_sub(bytes);
        self.tally.move_by(bytes, 0);
        let rest = queue.items.split_off(count);
        let post = Post::Items(std::mem::replace(&mut queue.items, rest));
        drop(queue);
        self.taken.notify_waiters();
        Some(post)
    }

    /// Waits for something and takes it. Cancelling it loses nothing.
    pub(crate) async fn take(&self) -> Post<T> {
        loop {
            let arrived = self.arrived.notified();
            if let Some(post) = self.try_take() {
                return post;
            }
            arrived.await;
        }
    }

    /// Waits until a unit's worth is there, or the end.
    pub(crate) async fn unit(&self) {
        loop {
            let whole = self.whole.notified();
            let is_whole = {
                let queue = self.locked();
                queue.bytes >= UNIT_BYTES || queue.end.is_some()
            };
            if is_whole {
                return;
            }
            whole.await;
        }
    }

    /// Waits until at most `bytes` wait, or the mailbox has ended.
    pub(crate) async fn room(&self, bytes: usize) {
        loop {
            let taken = self.taken.notified();
            tokio::pin!(taken);
            taken.as_mut().enable();
            if self.has_room(bytes) {
                return;
            }
            taken.await;
        }
    }

    /// Whether at most `bytes` wait, or the mailbox has ended.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let queue = self.locked();
        queue.bytes <= bytes || queue.end.is_some()
    }

    /// How the mailbox ends, if it does.
    pub(crate) fn ending(&self) -> Option<End> {
        self.locked().end
    }

    /// A panic while the lock is held cannot leave the queue half changed.
    fn locked(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Mailbox<T> {
    fn drop(&mut self) {
        self.tally.move_by(self.locked().bytes, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: End = End {
        code: 1000,
        retry: None,
    };

    #[tokio::test]
    async fn the_end_comes_after_what_was_put_in() {
        let mailbox = Mailbox::new(|_| 1, &Tally::default());
        mailbox.push(['a']);
        mailbox.end(END);
        mailbox.push(['b']);
        assert_eq!(items(mailbox.take().await), ['a']);
        assert!(matches!(mailbox.take().await, Post::End(END)));
        assert!(matches!(mailbox.take().await, Post::End(END)));
    }

    #[tokio::test]
    async fn room_is_waited_for_until_the_reader_has_taken_enough() {
        let mailbox = Mailbox::new(|_| UNIT_BYTES, &Tally::default());
        assert_eq!(mailbox.push(['a', 'b']), 2 * UNIT_BYTES);
        let reader = async {
            tokio::task::yield_now().await;
            mailbox.try_take()
        };
        let ((), taken) = tokio::join!(mailbox.room(UNIT_BYTES), reader);
        assert_eq!(items(taken.unwrap()), ['a']);
    }

    #[test]
    fn what_waits_is_taken_together_as_far_as_it_makes_a_unit() {
        let size = |item: &char| UNIT_BYTES / if *item == 'A' { 1 } else { 2 };
        let mailbox = Mailbox::new(size, &Tally::default());
        for item in ['a', 'b', 'c', 'A', 'd'] {
            mailbox.push([item]);
        }
        let mut units = Vec::new();
        while let Some(post) = mailbox.try_take() {
            units.push(items(post));
        }
        assert_eq!(units, [vec!['a', 'b'], vec!['c'], vec!['A'], vec!['d']]);
        mailbox.push(['x', 'y']);
        let Some(Post::Items(mut taken)) = mailbox.try_take() else {
            panic!()
        };
        taken.pop_front();
        mailbox.put_back(taken);
        assert_eq!(items(mailbox.try_take().unwrap()), ['y']);
        assert_eq!(mailbox.push(['z']), UNIT_BYTES / 2, "the count is kept");
    }

    #[test]
    fn what_waits_anywhere_is_counted() {
        let tally = Tally::default();
        let (a, b) = (Mailbox::new(|_| 1, &tally), Mailbox::new(|_| 1, &tally));
        a.push(['a', 'b']);
        b.push(['c', 'd', 'e']);
        assert_eq!(tally.bytes(), 5);
        a.try_take();
        b.retain(|item| *item != 'd');
        assert_eq!(tally.bytes(), 2);
        drop(b);
        assert_eq!(tally.bytes(), 0);
        a.push(['f']);
        a.overflow(END);
        assert_eq!(tally.bytes(), 0);
    }

    fn items(post: Post<char>) -> Vec<char> {
        match post {
            Post::Items(items) => items.into(),
            Post::End(end) => panic!("{end:?}"),
        }
    }
}
