//! A peer in the shapes of OpenAI's Realtime API, for clients to be tried against without a key:
//! WebRTC and WebSocket under `/openai/v1/realtime`.
//!
//! It follows a script. Speech is heard by its loudness and answered with recorded questions; what the
//! user said is made up, for nobody here understands it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{Semaphore, watch};

use self::conversation::{Conversation, Out, Terms};
use self::keys::Keys;
use self::response::Carrier;
use self::script::Player;
use self::settings::Settings;
use crate::webrtc::Endpoint;

pub use self::event::Names;
pub(crate) use self::routes::router;
pub use self::script::{BadScript, Script};

mod call;
mod conversation;
mod event;
mod items;
mod keys;
mod response;
mod routes;
mod script;
mod settings;
mod socket;
mod sound;
mod weight;

/// What the peer is configured with.
#[derive(Debug, Clone)]
pub struct OpenAiConfig {
    /// The names of its events, and the shape of its settings.
    pub names: Names,
    /// How long a client's key is good for, where its maker does not say.
    pub key_life: Duration,
    /// The longest session.
    pub session: Duration,
    /// What is played in every session, in place of a conversation.
    pub script: Option<Script>,
    /// Factor for the pace of a script and of all that is said.
    pub speed: f64,
}

impl Default for OpenAiConfig {
    fn default() -> Self {
        Self {
            names: Names::Ga,
            key_life: Duration::from_secs(600),
            session: Duration::from_secs(3_600),
            script: None,
            speed: 1.0,
        }
    }
}

/// Most sessions on WebSockets at a time.
const SOCKETS: usize = 1_000;

/// What all sessions share. Clones share it.
#[derive(Clone)]
pub(crate) struct Realtime(Arc<Shared>);

struct Shared {
    config: OpenAiConfig,
    keys: Keys,
    rtc: Option<Endpoint>,
    sockets: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Realtime {
    /// `stopping` ends every session, by its value or with its sender.
    pub(crate) fn new(
        config: OpenAiConfig,
        rtc: Option<Endpoint>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self(Arc::new(Shared {
            config,
            keys: Keys::default(),
            rtc,
            sockets: Arc::new(Semaphore::new(SOCKETS)),
            stopping,
        }))
    }

    /// What a session begins with.
    fn opening(
        &self,
        carrier: Carrier,
        mut settings: Settings,
    ) -> Result<Opening, getrandom::Error> {
        let config = &self.0.config;
        let seed = random::<6>()?;
        let ends = unix_now() + config.session.as_secs();
        settings.name(&format!("sess_{seed}"), ends);
        Ok(Opening {
            terms: Terms {
                carrier,
                names: config.names,
                speed: config.speed,
                longest: config.session,
            },
            seed,
            settings,
            script: config.script.clone(),
            stopping: self.0.stopping.clone(),
        })
    }
}

/// All that a session begins with, once its client is there.
struct Opening {
    terms: Terms,
    seed: String,
    settings: Settings,
    script: Option<Script>,
    stopping: watch::Receiver<bool>,
}

/// A session under way, on the clock.
struct Talk {
    began: Instant,
    course: Course,
}

enum Course {
    Live(Box<Conversation>),
    Script(Player),
}

/// When to look again at what is never due.
const LATER: Duration = Duration::from_secs(3_600);

impl Opening {
    fn begin(self) -> (Talk, watch::Receiver<bool>) {
        let course = match self.script {
            Some(script) => Course::Script(Player::new(script, self.terms.speed)),
            None => {
                let conversation = Conversation::new(self.terms, self.seed, self.settings);
                Course::Live(Box::new(conversation))
            }
        };
        let began = Instant::now();
        (Talk { began, course }, self.stopping)
    }
}

impl Talk {
    fn handle(&mut self, message: &[u8]) {
        let now = self.began.elapsed();
        match &mut self.course {
            // What is no text is no JSON either.
            Course::Live(live) => live.handle(&String::from_utf8_lossy(message), now),
            Course::Script(_) => {}
        }
    }

    fn hear(&mut self, samples: &[i16]) {
        let now = self.began.elapsed();
        match &mut self.course {
            Course::Live(live) => live.hear(samples, now),
            Course::Script(_) => {}
        }
    }

    /// The next thing that goes out, if any is due.
    fn take(&mut self) -> Option<Out> {
        let now = self.began.elapsed();
        match &mut self.course {
            Course::Live(live) => {
                live.step(now);
                live.take()
            }
            Course::Script(player) => player.take(now).map(Out::Event),
        }
    }

    fn due(&self) -> Instant {
        let due = match &self.course {
            Course::Live(live) => Some(live.due()),
            Course::Script(player) => player.due(),
        };
        let due = due.and_then(|due| self.began.checked_add(due));
        due.unwrap_or_else(|| Instant::now() + LATER)
    }
}

/// So many random bytes, in hex.
fn random<const N: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn unix_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

impl fmt::Debug for Realtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realtime").finish_non_exhaustive()
    }
}
