//! A scripted interviewer: the messages and the timing of a real interview app.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use throughline_core::codec::Body;

use super::{body_of, parse, timestamp};
use crate::hub::{Hub, Peer};
use crate::voice::Voices;

/// From the start to the first question, and from an answer to the next.
const FIRST_QUESTION: Duration = Duration::from_millis(500);
const TYPING: Duration = Duration::from_millis(1_000);

/// How long an interview that nobody goes on with is kept.
const KEPT: Duration = Duration::from_secs(600);

/// Most interviews at a time.
const MOST: usize = 100_000;

pub(crate) const QUESTIONS: [&str; 6] = [
    "Hello! Thank you for taking the time. Could you tell me a little about yourself?",
    "What was the last project you were proud of, and what was your part in it?",
    "Tell me about a time when something went wrong in production. What did you do?",
    "How do you decide that a piece of work is finished?",
    "What would you like to learn next?",
    "Thank you. Is there anything you would like to ask me?",
];

/// All interviews under way.
#[derive(Debug, Clone)]
pub(super) struct Interviews {
    hub: Hub,
    voices: Voices,
    scale: f64,
    all: Arc<Mutex<HashMap<String, Interview>>>,
}

#[derive(Debug)]
struct Interview {
    peer: Peer,
    stage: Stage,
    manner: Manner,
    asked: usize,
    touched: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Announced to a client that is ready only once it knows its interview.
    Announced,
    Running,
    Paused,
}

/// How it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Writing,
    /// In speech too; whoever has spoken has answered.
    Speaking,
}

#[derive(Debug, Deserialize)]
struct Wishes {
    #[serde(default)]
    voice: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    session_id: Option<String>,
    text: Option<String>,
}

impl Interviews {
    pub(super) fn new(hub: Hub, voices: Voices, scale: f64) -> Self {
        Self {
            hub,
            voices,
            scale,
            all: Arc::default(),
        }
    }

    /// Announces an interview to a peer whose link is ready only with `SESSION_CREATED`.
    pub(super) fn greet(&self, peer: Peer) {
        let known = self
            .locked()
            .iter()
            .find(|(_, i)| i.peer == peer)
            .map(|(id, _)| id.clone());
        let id = known.unwrap_or_else(|| self.make(peer, Stage::Announced));
        self.say(peer, "SESSION_CREATED", json!({ "sessionId": id }));
    }

    /// Starts an interview, says so, and asks the first question unasked. Returns its id.
    pub(super) fn start(&self, peer: Peer, body: &Body) -> String {
        let announced = self
            .locked()
            .iter_mut()
            .find(|(_, i)| i.peer == peer && i.stage == Stage::Announced)
            .map(|(id, interview)| {
                interview.stage = Stage::Running;
                id.clone()
            });
        let id = announced.unwrap_or_else(|| self.make(peer, Stage::Running));
        let wishes = parse::<Wishes>(body).is_some_and(|wishes| wishes.voice);
        if (wishes || self.voices.has_begun(peer))
            && let Some(interview) = self.locked().get_mut(&id)
        {
            interview.manner = Manner::Speaking;
        }
        self.say(peer, "SESSION_CREATED", json!({ "sessionId": id }));
        let (interviews, session) = (self.clone(), id.clone());
        tokio::spawn(async move {
            interviews.wait(FIRST_QUESTION).await;
            interviews.ask(&session);
        });
        id
    }

    pub(super) fn handle(&self, peer: Peer, body: &Body) {
        let kind = body.kind.to_uppercase();
        if kind == "START_INTERVIEW" {
            self.start(peer, body);
            return;
        }
        if !matches!(
            &*kind,
            "USER_MESSAGE" | "PAUSE_INTERVIEW" | "RESUME_INTERVIEW" | "END_INTERVIEW"
        ) {
            let message = format!("Unknown message type: {}", body.kind);
            return self.fail(peer, "Unknown message type", &message);
        }
        let Some(Members {
            session_id: Some(id),
            text,
        }) = parse(body)
        else {
            return self.fail(
                peer,
                FAILED,
                "Failed to process message: `sessionId` is missing",
            );
        };
        let Some(stage) = self.touch(&id, peer) else {
            let error = format!("Session {id} not found");
            return self.fail(peer, &error, &error);
        };
        match (&*kind, stage) {
            ("USER_MESSAGE", Stage::Paused) => {
                self.fail(
                    peer,
                    FAILED,
                    "Failed to process message: the interview is paused",
                );
            }
            ("USER_MESSAGE", Stage::Running | Stage::Announced) if text.is_none() => {
                self.fail(peer, FAILED, "Failed to process message: `text` is missing");
            }
            ("USER_MESSAGE", Stage::Running | Stage::Announced) => self.answer(peer, id),
            ("PAUSE_INTERVIEW", _) => {
                self.set(&id, Stage::Paused);
                self.voices.hush(peer);
                self.say(peer, "INTERVIEW_PAUSED", json!({ "sessionId": id }));
            }
            ("RESUME_INTERVIEW", _) => {
                self.set(&id, Stage::Running);
                self.say(peer, "INTERVIEW_RESUMED", json!({ "sessionId": id }));
            }
            _ => {
                self.locked().remove(&id);
                self.voices.hush(peer);
                let results = format!("/results/{id}");
                let payload = json!({ "sessionId": id, "resultsUrl": results });
                self.say(peer, "INTERVIEW_ENDED", payload);
            }
        }
    }

    /// The peer speaks: its interview does so too from now on, beginning with what was asked last.
    pub(super) fn speak(&self, peer: Peer) {
        let asked = self.locked().values_mut().find_map(|interview| {
            let is_his = interview.peer == peer && interview.stage == Stage::Running;
            let writes = interview.manner == Manner::Writing;
            (is_his && writes).then(|| {
                interview.manner = Manner::Speaking;
                interview.asked
            })
        });
        match asked {
            None | Some(0) => {}
            Some(number) => self.pronounce(peer, number),
        }
    }

    /// The peer has spoken: that is an answer.
    pub(super) fn take_turn(&self, peer: Peer) {
        let spoken = self.locked().iter_mut().find_map(|(id, interview)| {
            let is_his = interview.peer == peer && interview.stage == Stage::Running;
            (is_his && interview.manner == Manner::Speaking).then(|| {
                interview.touched = Instant::now();
                id.clone()
            })
        });
        if let Some(id) = spoken {
            self.answer(peer, id);
        }
    }

    /// Answers what is no message at all.
    pub(super) fn refuse(&self, peer: Peer) {
        self.fail(
            peer,
            FAILED,
            "Failed to process message: not a JSON object with a `type`",
        );
    }

    /// Forgets what was announced to a peer and never started. What was started may go on elsewhere.
    pub(super) fn leave(&self, peer: Peer) {
        self.locked()
            .retain(|_, i| i.peer != peer || i.stage != Stage::Announced);
    }

    fn answer(&self, peer: Peer, id: String) {
        self.say(peer, "TYPING_INDICATOR", json!({ "isTyping": true }));
        let interviews = self.clone();
        tokio::spawn(async move {
            interviews.wait(TYPING).await;
            interviews.say(peer, "TYPING_INDICATOR", json!({ "isTyping": false }));
            interviews.ask(&id);
        });
    }

    fn ask(&self, id: &str) {
        let asked = self.locked().get_mut(id).map(|interview| {
            interview.asked += 1;
            (interview.peer, interview.asked, interview.manner)
        });
        let Some((peer, number, manner)) = asked else {
            return;
        };
        let text = QUESTIONS[(number - 1) % QUESTIONS.len()];
        let message = format!("{id}-{number}");
        self.say(
            peer,
            "AI_MESSAGE",
            json!({ "id": message, "text": text, "timestamp": timestamp() }),
        );
        match manner {
            Manner::Speaking => self.pronounce(peer, number),
            Manner::Writing => {}
        }
    }

    /// Says a question.
    fn pronounce(&self, peer: Peer, number: usize) {
        let question = (number - 1) % QUESTIONS.len();
        self.voices.say(peer, question, QUESTIONS[question]);
    }

    fn make(&self, peer: Peer, stage: Stage) -> String {
        let mut random = [0; 16];
        if let Err(error) = getrandom::fill(&mut random) {
            tracing::error!(%error, "no entropy");
        }
        let id = format!("{:032x}", u128::from_ne_bytes(random));
        let mut all = self.locked();
        if all.len() >= MOST {
            all.retain(|_, interview| interview.touched.elapsed() < KEPT);
        }
        let interview = Interview {
            peer,
            stage,
            manner: Manner::Writing,
            asked: 0,
            touched: Instant::now(),
        };
        all.insert(id.clone(), interview);
        id
    }

    /// Finds an interview, which goes on with whoever knows its id.
    fn touch(&self, id: &str, peer: Peer) -> Option<Stage> {
        let mut all = self.locked();
        let interview = all
            .get_mut(id)
            .filter(|interview| interview.touched.elapsed() < KEPT)?;
        interview.peer = peer;
        interview.touched = Instant::now();
        Some(interview.stage)
    }

    fn set(&self, id: &str, stage: Stage) {
        if let Some(interview) = self.locked().get_mut(id) {
            interview.stage = stage;
        }
    }

    fn fail(&self, peer: Peer, error: &str, message: &str) {
        self.say(peer, "ERROR", json!({ "error": error, "message": message }));
    }

    fn say(&self, peer: Peer, kind: &str, payload: Value) {
        if let Some(body) = body_of(kind, &payload) {
            self.hub.send(peer, body);
        }
    }

    async fn wait(&self, span: Duration) {
        tokio::time::sleep(span.mul_f64(self.scale)).await;
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, Interview>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FAILED: &str = "Failed to process message";
