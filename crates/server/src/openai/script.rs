//! Events that are played as they stand, at their times.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::Names;

/// Events and their times. Clones share them.
#[derive(Debug, Clone)]
pub struct Script(Arc<[Line]>);

#[derive(Debug, Deserialize)]
struct Line {
    /// Milliseconds since the session began.
    at: u32,
    event: Box<RawValue>,
}

/// A file has them by either names.
#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    ga: Vec<Line>,
    #[serde(default)]
    older: Vec<Line>,
}

/// Why a file is no script.
#[derive(Debug)]
#[non_exhaustive]
pub enum BadScript {
    /// It cannot be read.
    Io(io::Error),
    /// It is not what a script looks like.
    Json(serde_json::Error),
    /// It has no events by these names.
    Empty,
}

impl Script {
    /// Reads a file like `www/servers/d-events.json`: lists of `{at, event}` under `ga` and `older`.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the file.
    pub fn read(path: &Path, names: Names) -> Result<Self, BadScript> {
        let text = std::fs::read_to_string(path).map_err(BadScript::Io)?;
        Self::parse(&text, names)
    }

    fn parse(text: &str, names: Names) -> Result<Self, BadScript> {
        let file: File = serde_json::from_str(text).map_err(BadScript::Json)?;
        let mut lines = match names {
            Names::Ga => file.ga,
            Names::Older => file.older,
        };
        lines.sort_by_key(|line| line.at);
        match lines.is_empty() {
            true => Err(BadScript::Empty),
            false => Ok(Self(lines.into())),
        }
    }
}

/// Plays a script once.
#[derive(Debug)]
pub(super) struct Player {
    script: Script,
    speed: f64,
    played: usize,
}

impl Player {
    pub(super) const fn new(script: Script, speed: f64) -> Self {
        Self {
            script,
            speed,
            played: 0,
        }
    }

    /// The next event, once it is due.
    pub(super) fn take(&mut self, now: Duration) -> Option<String> {
        let line = self.due().filter(|due| *due <= now);
        let line = line.and_then(|_| self.script.0.get(self.played))?;
        let event = line.event.get().to_owned();
        self.played += 1;
        Some(event)
    }

    /// When the next event is due; `None` after the last.
    pub(super) fn due(&self) -> Option<Duration> {
        let line = self.script.0.get(self.played)?;
        Some(Duration::from_millis(line.at.into()).div_f64(self.speed))
    }
}

impl fmt::Display for BadScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the script cannot be read: {error}"),
            Self::Json(error) => write!(f, "the script makes no sense: {error}"),
            Self::Empty => f.write_str("the script has no events by these names"),
        }
    }
}

impl std::error::Error for BadScript {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_played_verbatim_at_their_times() {
        let text =
            r#"{"ga":[{"at":40,"event":{"type":"b","a":1}},{"at":0,"event":{"z":1, "type":"a"}}]}"#;
        let script = Script::parse(text, Names::Ga).unwrap();
        let mut player = Player::new(script, 2.0);
        let ms = Duration::from_millis;
        assert_eq!(player.take(ms(0)).unwrap(), r#"{"z":1, "type":"a"}"#);
        assert_eq!(player.take(ms(19)), None);
        assert_eq!(player.due(), Some(ms(20)));
        assert_eq!(player.take(ms(20)).unwrap(), r#"{"type":"b","a":1}"#);
        assert_eq!(player.due(), None);
        assert!(matches!(
            Script::parse(text, Names::Older),
            Err(BadScript::Empty)
        ));
        assert!(matches!(
            Script::parse("[]", Names::Ga),
            Err(BadScript::Json(_) | BadScript::Empty)
        ));
    }
}
