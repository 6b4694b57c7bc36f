//! How the hub goes away: asking everyone to move, then closing who stays (P5.2).

use std::time::Duration;

use throughline_core::close::code;
use throughline_core::server::{Input, LinkId};

use super::Hub;
use super::mailbox::End;

impl Hub {
    /// Asks everyone to move within `spread`, admits nobody, and closes who stays (P5.2). Ends when
    /// all are gone.
    pub async fn drain(&self, spread: Duration, retry: Duration) {
        let ms = |span: Duration| u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
        let (spread_ms, retry) = (ms(spread), ms(retry));
        self.tell(Input::Drain {
            spread: spread_ms,
            retry,
        });
        tracing::info!(spread_ms, links = self.link_count(), "draining");
        if tokio::time::timeout(spread + CLOSING, self.emptied())
            .await
            .is_err()
        {
            let (code, retry) = (code::TRY_LATER, Some(retry));
            self.end_guests(End { code, retry });
            // What is left after that is held up by its own connection.
            let _ = tokio::time::timeout(CLOSING, self.emptied()).await;
        }
        let _ = tokio::time::timeout(LAST_POLLS, self.polls_told()).await;
    }

    /// Ends every link and guest at once, without a word.
    pub(crate) fn close_all(&self) {
        let links: Vec<LinkId> = self.locked().links.keys().copied().collect();
        for link in links {
            self.close_link(link, GOING_AWAY, None);
        }
        self.end_guests(End {
            code: GOING_AWAY,
            retry: None,
        });
    }

    /// Waits until no link and no guest is left.
    async fn emptied(&self) {
        loop {
            let left = self.0.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if self.link_count() == 0 {
                return;
            }
            left.await;
        }
    }
}

/// The link is left: RFC 6455 §7.4.1.
pub(super) const GOING_AWAY: u16 = 1001;

/// How long clients between two polls have to come and hear the end.
const LAST_POLLS: Duration = Duration::from_secs(1);

/// What closing takes at most, after the last alarm.
const CLOSING: Duration = Duration::from_millis(500);
