//! The storm: 10 000 clients lose their server at once. How do they come back?
//!
//! Real clients' cores in virtual time against a door that counts. Each line on the standard output
//! is one JSON object: `{"name", "value", "unit", "limit"?, "ok"}`. Figures are the worst of several
//! seeds. `--windows a,b,c,d` tries other windows of the backoff; `--scan` looks at other outages.
#![allow(clippy::unwrap_used)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro128PlusPlus;
use throughline_core::{
    AttemptId, Cause, Config, Ending, Frame, Input, Memory, Millis, Output, Ready, Report, Session,
    StateKind, Transport,
};

const CLIENTS: u64 = 10_000;
const SEEDS: u64 = 5;
/// When the server goes, after a long calm.
const LOSS: u64 = 40_000;
/// How long the world is watched once the server is back.
const WATCH: u64 = 180_000;
const BIN: u64 = 100;

/// What happens to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Every link breaks; connections are refused at once for so long.
    Outage(u64),
    /// It asks everyone to move within a span, and closes what is left then; another takes over.
    Drained(u32),
    /// Every WebSocket is cut so long after it opened, for ever.
    Flapping { after: u64, answers: bool },
}

/// Something on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Coming {
    Alarm,
    /// A connection reaches the door.
    Door(u32),
    Refused(u32),
    Opened(u32),
    Ready(u32),
    Cut(u32),
    Probed(u16),
    Goaway,
    Closed,
}

struct Client {
    core: Session<()>,
    coming: BinaryHeap<Reverse<(u64, Coming)>>,
    /// Transports by attempt.
    wires: Vec<Transport>,
    held: Vec<AttemptId>,
    fate: Fate,
    now: u64,
    /// Milliseconds to the server, one way.
    away: u64,
    first_link: Option<AttemptId>,
    /// When connections arrived.
    arrivals: Vec<u64>,
    back_at: Option<u64>,
}

impl Client {
    fn new(seed: u64, windows: Option<[u32; 4]>, fate: Fate) -> Self {
        let mut rng = Xoshiro128PlusPlus::seed_from_u64(seed);
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        let mut config = Config {
            memory: Some(Memory {
                transport: Transport::WebSocket,
                rtt: 40,
            }),
            ..Config::default()
        };
        config.timing.backoff = windows.unwrap_or(config.timing.backoff);
        if let Fate::Flapping { .. } = fate {
            (config.transports, config.memory) =
                ([Transport::WebSocket].into_iter().collect(), None);
        }
        Self {
            core: Session::new(config, bytes),
            coming: BinaryHeap::new(),
            wires: Vec::new(),
            held: Vec::new(),
            fate,
            now: 0,
            away: 10 + u64::from(rng.next_u32() % 30),
            first_link: None,
            arrivals: Vec::new(),
            back_at: None,
        }
    }

    fn run(mut self, until: u64) -> Self {
        self.turn(Input::Connect);
        match self.fate {
            Fate::Outage(_) => self.after(LOSS, Coming::Cut(0)),
            Fate::Drained(spread) => {
                self.after(LOSS, Coming::Goaway);
                self.after(LOSS + u64::from(spread), Coming::Closed);
            }
            Fate::Flapping { .. } => {}
        }
        while let Some(Reverse((at, coming))) = self.coming.pop() {
            if at > until {
                break;
            }
            self.now = at;
            self.happen(coming);
            let link = self
                .core
                .link()
                .filter(|_| self.core.state() == StateKind::Connected);
            if self.now < LOSS {
                self.first_link = link;
            } else if self.back_at.is_none() && link.is_some() && link != self.first_link {
                self.back_at = Some(self.now);
            }
        }
        self
    }

    fn is_up(&self) -> bool {
        match self.fate {
            Fate::Outage(span) => !(LOSS..LOSS + span).contains(&self.now),
            Fate::Drained(_) | Fate::Flapping { .. } => true,
        }
    }

    fn after(&mut self, span: u64, coming: Coming) {
        self.coming.push(Reverse((self.now + span, coming)));
    }

    fn happen(&mut self, coming: Coming) {
        let away = self.away;
        match coming {
            Coming::Alarm => {
                if self.core.poll_timeout().is_some_and(|at| at.0 <= self.now) {
                    self.turn(Input::Timeout);
                }
            }
            Coming::Door(wire) => self.meet_door(wire),
            Coming::Refused(wire) => {
                let socket = self.wires[wire as usize - 1] == Transport::WebSocket;
                let cause = if socket { Cause::Refused } else { Cause::Lost };
                self.report(AttemptId(wire), Report::Ended(Ending::of(cause)));
            }
            Coming::Opened(wire) => {
                self.report(AttemptId(wire), Report::Opened);
                if self.wires[wire as usize - 1] == Transport::WebSocket {
                    self.after(2 * away, Coming::Ready(wire));
                }
            }
            Coming::Ready(wire) => {
                let ready = Ready {
                    session: "kept".into(),
                    resumed: true,
                    received: 0,
                    heartbeat: 0,
                    window: 120_000,
                    unit: 1 << 20,
                };
                if self.answers() {
                    self.report(AttemptId(wire), Report::Frame(Frame::Ready(ready)));
                }
            }
            Coming::Cut(wire) => {
                let link = self.core.link().filter(|_| wire == 0);
                let cut = link.unwrap_or(AttemptId(wire));
                self.report(cut, Report::Ended(Ending::of(Cause::Lost)));
            }
            Coming::Probed(status) => self.turn(Input::SideProbe {
                status,
                retry_after: None,
            }),
            Coming::Goaway => {
                if let (Some(link), Fate::Drained(spread)) = (self.core.link(), self.fate) {
                    self.report(link, Report::Frame(Frame::Goaway { spread }));
                }
            }
            Coming::Closed => {
                if let Some(link) = self.first_link {
                    let close = Frame::Close {
                        code: 4503,
                        retry: Some(500),
                    };
                    self.report(link, Report::Frame(close));
                }
            }
        }
    }

    fn answers(&self) -> bool {
        !matches!(self.fate, Fate::Flapping { answers: false, .. })
    }

    /// A connection arrives; a split transport brings two.
    fn meet_door(&mut self, wire: u32) {
        let transport = self.wires[wire as usize - 1];
        let connections = if transport.is_split() { 2 } else { 1 };
        self.arrivals.extend((0..connections).map(|_| self.now));
        if !self.is_up() {
            return self.after(self.away, Coming::Refused(wire));
        }
        self.after(self.away, Coming::Opened(wire));
        if transport.is_split() {
            self.after(self.away, Coming::Ready(wire));
        }
        if let Fate::Flapping { after, .. } = self.fate {
            self.after(self.away + after, Coming::Cut(wire));
        }
    }

    fn report(&mut self, attempt: AttemptId, report: Report<()>) {
        if self.held.contains(&attempt) {
            self.turn(Input::Report(attempt, report));
        }
    }

    fn turn(&mut self, input: Input<()>) {
        self.core.handle(input, Millis(self.now));
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Open {
                    attempt, transport, ..
                } => {
                    self.wires.push(transport);
                    self.held.push(attempt);
                    self.after(self.away, Coming::Door(attempt.0));
                }
                Output::Drop { attempt } => self.held.retain(|held| *held != attempt),
                Output::Mend { .. } | Output::Note(_) => {}
                Output::SideProbe => {
                    self.arrivals.push(self.now + self.away);
                    let status = if self.is_up() { 204 } else { 0 };
                    self.after(2 * self.away, Coming::Probed(status));
                }
                Output::Transmit { .. } | Output::NeedToken(_) | Output::Event(_) => {}
            }
        }
        if let Some(due) = self.core.poll_timeout() {
            self.coming
                .push(Reverse((due.0.max(self.now), Coming::Alarm)));
        }
    }
}

/// What a storm came to.
#[derive(Debug, Default, Clone, Copy)]
struct Storm {
    peak: u64,
    p99: u64,
    p50: u64,
    gave_up: u64,
}

fn storm(seed: u64, windows: Option<[u32; 4]>, fate: Fate) -> Storm {
    let back = match fate {
        Fate::Outage(span) => LOSS + span,
        Fate::Drained(_) | Fate::Flapping { .. } => LOSS,
    };
    let mut bins = vec![0u64; (WATCH / BIN) as usize + 1];
    let mut spans = Vec::new();
    let mut gave_up = 0;
    for client in 0..CLIENTS {
        let client = Client::new(seed << 32 | client, windows, fate).run(back + WATCH);
        for at in client
            .arrivals
            .iter()
            .filter(|at| (back..=back + WATCH).contains(*at))
        {
            bins[((at - back) / BIN) as usize] += 1;
        }
        match client.back_at {
            Some(at) => spans.push(at.saturating_sub(back)),
            None => gave_up += 1,
        }
    }
    spans.sort_unstable();
    let quantile = |q: usize| spans.get(spans.len() * q / 100).copied().unwrap_or(0);
    let peak = bins.into_iter().max().unwrap_or(0);
    Storm {
        peak,
        p99: quantile(99),
        p50: quantile(50),
        gave_up,
    }
}

/// The most connections that one client opened in any minute of five.
fn flapping(seed: u64, windows: Option<[u32; 4]>) -> u64 {
    let runs = [true, false].map(|answers| {
        let fate = Fate::Flapping {
            after: 100,
            answers,
        };
        let arrivals = Client::new(seed, windows, fate).run(300_000).arrivals;
        let within = |from: u64| {
            let minute = from..from + 60_000;
            arrivals.iter().filter(|at| minute.contains(*at)).count() as u64
        };
        arrivals.iter().map(|from| within(*from)).max().unwrap_or(0)
    });
    runs[0].max(runs[1])
}

fn line(name: &str, value: u64, unit: &str, limit: Option<u64>) {
    let ok = limit.is_none_or(|limit| value <= limit);
    let limit = limit
        .map(|limit| format!(r#","limit":{limit}"#))
        .unwrap_or_default();
    println!(r#"{{"name":"storm.{name}","value":{value},"unit":"{unit}"{limit},"ok":{ok}}}"#);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let named = arguments.iter().position(|word| word == "--windows");
    let windows = named.and_then(|at| arguments.get(at + 1)).map(|list| {
        let windows: Vec<u32> = list.split(',').map(|ms| ms.parse().unwrap()).collect();
        <[u32; 4]>::try_from(windows).unwrap()
    });
    if arguments.iter().any(|word| word == "--scan") {
        for seconds in [1, 2, 3, 4, 5, 6, 8, 12, 15, 20, 30] {
            let storm = storm(1, windows, Fate::Outage(seconds * 1_000));
            let name = format!("scan.outage_{seconds}s");
            line(
                &format!("{name}.peak"),
                storm.peak,
                "connections/100ms",
                None,
            );
            line(&format!("{name}.p50"), storm.p50, "ms", None);
        }
        return;
    }
    let spread = (CLIENTS as f64 * 1.6).max(1_000.0) as u32;
    let storms = [
        ("instant", Fate::Outage(0), 1_050),
        ("outage_10s", Fate::Outage(10_000), 140),
        ("outage_60s", Fate::Outage(60_000), 140),
        ("outage_300s", Fate::Outage(300_000), 140),
        ("drained", Fate::Drained(spread), 100),
    ];
    for (name, fate, limit) in storms {
        let runs: Vec<Storm> = (1..=SEEDS).map(|seed| storm(seed, windows, fate)).collect();
        let worst = |figure: fn(&Storm) -> u64| runs.iter().map(figure).max().unwrap_or(0);
        line(
            &format!("{name}.peak"),
            worst(|run| run.peak),
            "connections/100ms",
            Some(limit),
        );
        line(&format!("{name}.p50"), worst(|run| run.p50), "ms", None);
        line(
            &format!("{name}.p99"),
            worst(|run| run.p99),
            "ms",
            Some(20_000),
        );
        line(
            &format!("{name}.gave_up"),
            worst(|run| run.gave_up),
            "clients",
            Some(0),
        );
    }
    let most = (0..2_000)
        .map(|seed| flapping(seed, windows))
        .max()
        .unwrap_or(0);
    line(
        "flapping.connections_per_minute",
        most,
        "connections",
        Some(12),
    );
}
