//! What waits to be written to one link: bounded by bytes, read by one task or by successive polls.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How a link ends, as told to its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// A close code of P5.3.
    pub(crate) code: u16,
    /// Milliseconds to wait before coming back.
    pub(crate) retry: Option<u32>,
}

/// One thing taken from a mailbox.
#[derive(Debug)]
pub(crate) enum Post<T> {
    Item(T),
    /// Nothing comes after it.
    End(End),
}

/// A queue with an end.
#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    queue: Mutex<Queue<T>>,
    arrived: Notify,
    taken: Notify,
}

#[derive(Debug)]
struct Queue<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    end: Option<End>,
}

impl<T> Mailbox<T> {
    pub(crate) fn new() -> Self {
        let queue = Queue {
            items: VecDeque::new(),
            bytes: 0,
            end: None,
        };
        Self {
            queue: Mutex::new(queue),
            arrived: Notify::new(),
            taken: Notify::new(),
        }
    }

    /// Puts an item in and returns how many bytes wait. After the end, items are dropped.
    pub(crate) fn push(&self, item: T, bytes: usize) -> usize {
        let mut queue = self.locked();
        if queue.end.is_some() {
            return 0;
        }
        queue.items.push_back((item, bytes));
        queue.bytes += bytes;
        let waiting = queue.bytes;
        drop(queue);
        self.arrived.notify_one();
        waiting
    }

    /// Puts back what was taken and could not be handed on whole.
    pub(crate) fn put_back(&self, item: T, bytes: usize) {
        let mut queue = self.locked();
        queue.items.push_front((item, bytes));
        queue.bytes += bytes;
        drop(queue);
        self.arrived.notify_one();
    }

    /// Throws away what does not pass `keep`.
    pub(crate) fn retain(&self, keep: impl Fn(&T) -> bool) {
        let mut queue = self.locked();
        queue.items.retain(|(item, _)| keep(item));
        queue.bytes = queue.items.iter().map(|(_, bytes)| bytes).sum();
        drop(queue);
        self.taken.notify_waiters();
    }

    /// Ends the mailbox after what is in it. The first end counts.
    pub(crate) fn end(&self, end: End) {
        self.locked().end.get_or_insert(end);
        self.arrived.notify_one();
        self.taken.notify_waiters();
    }

    /// Ends the mailbox and throws away what is in it: its reader is too slow.
    pub(crate) fn overflow(&self, end: End) {
        let mut queue = self.locked();
        queue.items.clear();
        queue.bytes = 0;
        queue.end.get_or_insert(end);
        drop(queue);
        self.arrived.notify_one();
        self.taken.notify_waiters();
    }

    /// Takes the next thing, if there is one. The end can be taken again and again.
    pub(crate) fn try_take(&self) -> Option<Post<T>> {
        let mut queue = self.locked();
        let post = match queue.items.pop_front() {
            Some((item, bytes)) => {
                queue.bytes -= bytes;
                Post::Item(item)
            }
            None => Post::End(queue.end?),
        };
        drop(queue);
        self.taken.notify_waiters();
        Some(post)
    }

    /// Waits for the next thing and takes it. Cancelling it loses nothing.
    pub(crate) async fn take(&self) -> Post<T> {
        loop {
            let arrived = self.arrived.notified();
            if let Some(post) = self.try_take() {
                return post;
            }
            arrived.await;
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

    fn has_room(&self, bytes: usize) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    const END: End = End {
        code: 1000,
        retry: None,
    };

    #[tokio::test]
    async fn the_end_comes_after_what_was_put_in() {
        let mailbox = Mailbox::new();
        mailbox.push('a', 1);
        mailbox.end(END);
        mailbox.push('b', 1);
        assert!(matches!(mailbox.take().await, Post::Item('a')));
        assert!(matches!(mailbox.take().await, Post::End(END)));
        assert!(matches!(mailbox.take().await, Post::End(END)));
    }

    #[tokio::test]
    async fn room_is_waited_for_until_the_reader_has_taken_enough() {
        let mailbox = Mailbox::new();
        assert_eq!((mailbox.push('a', 3), mailbox.push('b', 3)), (3, 6));
        let reader = async {
            tokio::task::yield_now().await;
            mailbox.try_take()
        };
        let ((), taken) = tokio::join!(mailbox.room(3), reader);
        assert!(matches!(taken, Some(Post::Item('a'))));
    }
}
