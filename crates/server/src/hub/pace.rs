//! How often units leave: at once, unless many do.

use std::time::Duration;

use tokio::time::Instant;

use super::mailbox::Mailbox;

/// Units that may leave within a [`SPAN`], however small.
const UNITS: u32 = 8;

const SPAN: Duration = Duration::from_millis(1);

/// Keeps the reader of a mailbox from making a unit of every message. After [`UNITS`] within a
/// [`SPAN`] it waits for the rest of it, or until a whole unit is together. So a lone message, and a
/// conversation however quick, waits for nothing; a flood leaves in few units, which cost less at both
/// ends.
#[derive(Debug)]
pub(crate) struct Pace {
    began: Instant,
    units: u32,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            units: 0,
        }
    }

    /// Counts a unit that leaves at `now`.
    pub(crate) fn count(&mut self, now: Instant) {
        if now >= self.began + SPAN {
            self.began = now;
            self.units = 0;
        }
        self.units += 1;
    }

    /// Whether the next unit may leave, as far as its number goes.
    pub(crate) fn is_free(&self, now: Instant) -> bool {
        self.units < UNITS || now >= self.began + SPAN
    }

    /// Waits until the next unit of the mailbox may leave. Cancelling it loses nothing.
    pub(crate) async fn wait<T>(&self, mailbox: &Mailbox<T>) {
        if !self.is_free(Instant::now()) {
            tokio::select! {
                () = tokio::time::sleep_until(self.began + SPAN) => {}
                () = mailbox.unit() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::mailbox::{End, Tally};
    use super::*;

    #[test]
    fn a_few_units_leave_at_once_and_more_after_a_while() {
        let mut pace = Pace::new();
        let now = pace.began;
        for _ in 0..2 {
            let now = pace.began + SPAN;
            for _ in 0..UNITS {
                assert!(pace.is_free(now));
                pace.count(now);
            }
            assert!(!pace.is_free(now));
        }
        assert_eq!(pace.began, now + SPAN + SPAN);
    }

    #[tokio::test]
    async fn a_whole_unit_and_the_end_wait_for_nothing() {
        for ends in [false, true] {
            let mailbox = Mailbox::new(|_: &()| 64 << 10, &Tally::default());
            let pace = Pace {
                began: Instant::now() + Duration::from_secs(3_600),
                units: UNITS,
            };
            let arrives = async {
                tokio::task::yield_now().await;
                if ends {
                    let (code, retry) = (1000, None);
                    mailbox.end(End { code, retry });
                } else {
                    mailbox.push([()]);
                }
            };
            tokio::join!(pace.wait(&mailbox), arrives);
        }
    }
}
