//! Plays the worked trace of `PROTOCOL.md` to the codec and to the server half.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::iter;
use std::path::Path;

use throughline_core::codec::{Body, Payload, decode_unit, encode_unit};
use throughline_core::server::{
    Event, Input, LinkId, Output, SessionKey, Sessions, SessionsConfig, Subject,
};
use throughline_core::{Frame, Millis, Transport};

/// The session's id in the trace.
const ENTROPY: u128 = 0x5e55_1011_0000_0000_0000_0000_0000_0001;

/// A line: when, who, and what.
type Line<'a> = (u64, &'a str, &'a str);

/// P1.1, P1.2, P2.1–P2.5, P3.1–P3.3, P3.5, P5.5, P7.1, P7.2
#[test]
fn the_worked_trace_is_what_the_server_half_says() {
    let document = document();
    let lines = trace(&document);
    let mut stage = Stage::new();
    for (at, who, what) in &lines {
        stage.pass(*at);
        stage.play(who, what);
    }
    let told: Vec<_> = lines
        .iter()
        .map(|(at, who, what)| format!("{at} {who} {}", what.replace("↓ ✗", "↓")))
        .collect();
    assert_eq!(stage.said, told);
    assert_eq!(stage.sessions.session_count(), 0);
}

/// P3.2, P3.5: seen from the page, every message comes once and in order, whatever the way.
#[test]
fn the_worked_trace_loses_and_doubles_nothing() {
    let document = document();
    let mut offsets = Vec::new();
    let mut seqs = Vec::new();
    for (at, who, what) in trace(&document) {
        if let Some(unit) = what.strip_prefix("↓ [").map(|rest| format!("[{rest}")) {
            for frame in decode_unit(&unit).unwrap().frames {
                if let Some(n) = frame.n().filter(|n| *n > offsets.len() as u64) {
                    offsets.push(n);
                }
            }
        }
        if let Some(unit) = what.strip_prefix("↑ [").map(|rest| format!("[{rest}")) {
            for frame in decode_unit(&unit).unwrap().frames {
                let received = match &frame {
                    Frame::Hello(hello) => hello.received,
                    Frame::Take { received, .. } | Frame::Ack { n: received } => *received,
                    _ => continue,
                };
                assert_eq!(received, offsets.len() as u64, "{at} {who} {what}");
            }
        }
        if let Some(message) = what.strip_prefix("← [") {
            seqs.extend(message.split(',').next().map(|n| n.parse::<u64>().unwrap()));
        }
    }
    assert_eq!(offsets, (1..=6).collect::<Vec<_>>());
    assert_eq!(seqs, (1..=4).collect::<Vec<_>>());
}

struct Stage {
    now: u64,
    sessions: Sessions<Body>,
    session: Option<SessionKey>,
    links: BTreeMap<String, (LinkId, Transport)>,
    said: Vec<String>,
}

impl Stage {
    fn new() -> Self {
        Self {
            now: 0,
            sessions: Sessions::new(SessionsConfig::default()),
            session: None,
            links: BTreeMap::new(),
            said: Vec::new(),
        }
    }

    /// Lets time pass, ringing each alarm at its moment.
    fn pass(&mut self, to: u64) {
        while let Some(at) = self.sessions.poll_timeout().filter(|at| at.0 <= to) {
            self.now = at.0;
            self.tell(Input::Timeout);
            self.drain();
        }
        self.now = to;
    }

    /// Plays a line that the server is told of; the others are what it then says.
    fn play(&mut self, who: &str, what: &str) {
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        match (who, verb) {
            ("app", "→") => {
                self.say(who, what);
                let unit = decode_unit(&format!("[[0,{}]", &rest[1..])).unwrap();
                let Some(Frame::Message { body, .. }) = unit.frames.into_iter().next() else {
                    panic!("{what}")
                };
                let (session, bytes) = (self.session.unwrap(), body.size());
                self.tell(Input::Publish {
                    session,
                    body,
                    bytes,
                });
            }
            (_, "opens") => {
                self.say(who, what);
                let transport = Transport::TEXT
                    .into_iter()
                    .find(|t| t.name() == rest)
                    .unwrap();
                let link = LinkId(self.links.len() as u64);
                self.links.insert(who.into(), (link, transport));
                self.tell(Input::LinkOpened { link, transport });
            }
            (_, "↑") => {
                self.say(who, what);
                match rest.strip_prefix("✗ ") {
                    Some(unit) => drop(decode_unit(unit).unwrap()),
                    None => self.receive(who, rest),
                }
            }
            (_, "gone") => {
                self.say(who, what);
                let link = self.links[who].0;
                self.tell(Input::LinkClosed { link });
            }
            ("app", "←") | (_, "↓" | "⇣" | "closed") => {}
            _ => panic!("{who} {what}"),
        }
        self.drain();
    }

    fn receive(&mut self, who: &str, unit: &str) {
        let (link, transport) = self.links[who];
        let frames = decode_unit(unit).unwrap().frames;
        assert_eq!(encode_unit(&frames).unwrap(), unit);
        for frame in frames {
            self.tell(match frame {
                Frame::Hello(hello) => Input::Hello {
                    link,
                    hello,
                    subject: Subject::from("ann"),
                    expires: None,
                    entropy: ENTROPY,
                },
                frame => Input::Frame { link, frame },
            });
        }
        if transport.is_split() {
            let ack: Vec<_> = self.sessions.poll_ack(link).into_iter().collect();
            let answer = format!("⇣ {}", encode_unit(&ack).unwrap());
            let outputs: Vec<_> = iter::from_fn(|| self.sessions.poll_output()).collect();
            let (events, others): (Vec<_>, Vec<_>) = outputs
                .into_iter()
                .partition(|output| matches!(output, Output::Event(_)));
            events.into_iter().for_each(|event| self.perform(event));
            self.say(who, &answer);
            others.into_iter().for_each(|output| self.perform(output));
        }
    }

    fn tell(&mut self, input: Input<Body>) {
        self.sessions.handle(input, Millis(self.now));
    }

    fn drain(&mut self) {
        while let Some(output) = self.sessions.poll_output() {
            self.perform(output);
        }
    }

    fn perform(&mut self, output: Output<Body>) {
        match output {
            Output::Transmit { link, frames } => {
                let unit = encode_unit(&frames).unwrap();
                self.say(&self.name(link), &format!("↓ {unit}"));
            }
            Output::CloseLink { link, code, .. } => {
                self.say(&self.name(link), &format!("closed {code}"));
            }
            Output::Event(Event::Message { seq, body, .. }) => {
                let Payload::Json(json) = &body.payload else {
                    panic!("bytes")
                };
                let message = format!("← [{seq},{:?},{}]", &*body.kind, json.get());
                self.say("app", &message);
            }
            Output::Event(Event::Opened { session, .. }) => self.session = Some(session),
            Output::Event(_) => {}
            Output::ToGuest { .. } | Output::Record { .. } => panic!("no guest and no store"),
        }
    }

    fn name(&self, link: LinkId) -> String {
        let named = self.links.iter().find(|(_, (id, _))| *id == link);
        named.unwrap().0.clone()
    }

    fn say(&mut self, who: &str, what: &str) {
        self.said.push(format!("{} {who} {what}", self.now));
    }
}

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../PROTOCOL.md");
    fs::read_to_string(path).unwrap()
}

fn trace(document: &str) -> Vec<Line<'_>> {
    let (_, rest) = document.split_once("```trace\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    block
        .lines()
        .map(|line| {
            let (at, rest) = line.split_once(' ').unwrap();
            let (who, what) = rest.trim_start().split_once(' ').unwrap();
            (at.parse().unwrap(), who, what.trim_start())
        })
        .collect()
}
