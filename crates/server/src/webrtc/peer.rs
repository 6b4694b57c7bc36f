//! One peer: a task that drives its connection.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::channel::{ChannelData, ChannelId};
use str0m::media::MediaData;
use str0m::net::{Protocol, Receive};
use str0m::{Event, IceConnectionState, Input, Output, RtcError};
use tokio::sync::oneshot;
use tokio::time::sleep_until;

use super::call::{Far, Media, Said};
use super::negotiation::{Fragment, Negotiated, Wish};
use super::socket::Packet;
use super::stun::addressee;
use super::table::{Entrance, Proof};
use super::track::Track;
use super::{Changed, Condition, Endpoint};

/// How long a peer may be silent (D10).
const SILENCE: Duration = Duration::from_secs(30);

/// How long the last messages, and then the end, have to arrive.
const FLUSHING: Duration = Duration::from_secs(2);
const CLOSING: Duration = Duration::from_secs(1);

/// A change to a peer from outside.
#[derive(Debug)]
pub(super) enum Command {
    Change {
        condition: Condition,
        fragment: Fragment,
        tell: oneshot::Sender<Changed>,
    },
    /// Ends it and tells it so.
    Close,
    /// Ends it without a word.
    Vanish,
}

/// A peer's task.
#[derive(Debug)]
pub(super) struct Peer {
    endpoint: Endpoint,
    entrance: Entrance,
    negotiated: Negotiated,
    far: Far,
    stage: Stage,
    /// Where its sound comes and goes, if it offered that.
    track: Option<Track>,
    /// What the channel had no room for.
    held: Option<Message>,
    /// Where it has been heard or knocked at, the last first.
    known: Vec<(SocketAddr, Proof)>,
}

#[derive(Debug)]
struct Message {
    is_binary: bool,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Its data channel is not open yet.
    Opening {
        until: Instant,
    },
    Open {
        channel: ChannelId,
    },
    /// What was said last is on its way.
    Flushing {
        channel: ChannelId,
        until: Instant,
    },
    /// The end is on its way.
    Closing {
        until: Instant,
    },
}

/// Why a peer's task ends.
#[derive(Debug)]
enum Over {
    /// It never opened its channel.
    Late,
    /// ICE found no way to it any more.
    Lost,
    /// It closed.
    Left,
    /// It was told so.
    Closed,
    Broken(RtcError),
}

/// What wakes a peer.
enum Wake {
    Packet(Packet),
    Command(Command),
    Said(Said),
    Sound(Vec<i16>),
    Due,
    /// Nobody is left to wake it.
    Orphaned,
}

impl Peer {
    pub(super) fn new(
        endpoint: Endpoint,
        entrance: Entrance,
        negotiated: Negotiated,
        far: Far,
    ) -> Self {
        let until = Instant::now() + endpoint.0.opening;
        Self {
            endpoint,
            entrance,
            negotiated,
            far,
            stage: Stage::Opening { until },
            track: None,
            held: None,
            known: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) {
        let over = loop {
            if let Err(over) = self.step().await {
                break over;
            }
        };
        match over {
            Over::Broken(error) => tracing::debug!(%error, "peer broke"),
            Over::Late | Over::Lost | Over::Left | Over::Closed => {
                tracing::debug!(?over, "peer over");
            }
        }
    }

    /// Does all that is due, waits for the next thing and does that.
    async fn step(&mut self) -> Result<(), Over> {
        self.flush()?;
        let due = self.drain().await?;
        match self.wait(due).await {
            Wake::Packet(packet) => self.receive(&packet)?,
            Wake::Command(command) => self.obey(command)?,
            Wake::Said(Said::Message { is_binary, bytes }) => {
                self.held = Some(Message { is_binary, bytes });
            }
            Wake::Said(Said::End) => self.end()?,
            Wake::Sound(samples) => {
                if let Some(track) = &mut self.track {
                    let written = track.write(&mut self.negotiated.rtc, &samples, Instant::now());
                    written.map_err(Over::Broken)?;
                }
            }
            Wake::Due => self.input(Input::Timeout(Instant::now()))?,
            Wake::Orphaned => return Err(Over::Closed),
        }
        self.check(Instant::now())
    }

    async fn wait(&mut self, due: Instant) -> Wake {
        let due = match self.stage {
            Stage::Opening { until } | Stage::Flushing { until, .. } | Stage::Closing { until } => {
                due.min(until)
            }
            Stage::Open { .. } => due.min(self.far.sign() + SILENCE),
        };
        let may_say = self.held.is_none() && matches!(self.stage, Stage::Open { .. });
        tokio::select! {
            biased;
            command = self.entrance.commands.recv() => command.map_or(Wake::Orphaned, Wake::Command),
            packet = self.entrance.packets.recv() => packet.map_or(Wake::Orphaned, Wake::Packet),
            Some(samples) = self.far.sound.recv() => Wake::Sound(samples),
            said = self.far.said.recv(), if may_say => Wake::Said(said.unwrap_or(Said::End)),
            () = sleep_until(due.into()) => Wake::Due,
        }
    }

    /// Ends what has taken too long, or is done.
    fn check(&mut self, now: Instant) -> Result<(), Over> {
        match self.stage {
            Stage::Opening { until } if now >= until => Err(Over::Late),
            Stage::Flushing { channel, until } => {
                let waits = self.held.is_some() || self.waiting_bytes(channel) > 0;
                if waits && now < until {
                    return Ok(());
                }
                self.close(now)
            }
            Stage::Closing { until } if now >= until => Err(Over::Closed),
            Stage::Open { .. } if now >= self.far.sign() + SILENCE => Err(Over::Lost),
            Stage::Opening { .. } | Stage::Open { .. } | Stage::Closing { .. } => Ok(()),
        }
    }

    /// Writes what was held back, if there is room now.
    fn flush(&mut self) -> Result<(), Over> {
        let (Stage::Open { channel } | Stage::Flushing { channel, .. }, Some(message)) =
            (self.stage, self.held.take())
        else {
            return Ok(());
        };
        let Some(mut open) = self.negotiated.rtc.channel(channel) else {
            return Err(Over::Left);
        };
        let written = open.write(message.is_binary, &message.bytes);
        match written.map_err(Over::Broken)? {
            true => {}
            false => self.held = Some(message),
        }
        Ok(())
    }

    fn waiting_bytes(&mut self, channel: ChannelId) -> usize {
        let channel = self.negotiated.rtc.channel(channel);
        channel.map_or(0, |mut channel| channel.buffered_amount())
    }

    /// Sends and tells all that there is, and returns when there is more.
    async fn drain(&mut self) -> Result<Instant, Over> {
        loop {
            match self.negotiated.rtc.poll_output().map_err(Over::Broken)? {
                Output::Timeout(due) if self.negotiated.rtc.is_alive() => return Ok(due),
                Output::Timeout(_) => return Err(Over::Left),
                Output::Transmit(transmit) => {
                    self.know(transmit.destination, Proof::Claimed);
                    let bytes: &[u8] = &transmit.contents;
                    self.endpoint.transmit(transmit.destination, bytes).await;
                }
                Output::Event(event) => self.handle(event)?,
            }
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), Over> {
        match event {
            Event::ChannelOpen(channel, _) => match self.stage {
                Stage::Opening { .. } => {
                    self.stage = Stage::Open { channel };
                    self.far.open(match &self.track {
                        Some(_) => Media::Audio,
                        None => Media::None,
                    });
                }
                // A link has one.
                Stage::Open { .. } | Stage::Flushing { .. } | Stage::Closing { .. } => {
                    self.negotiated.rtc.direct_api().close_data_channel(channel);
                }
            },
            Event::ChannelData(data) => self.hear(data),
            Event::MediaAdded(added) => {
                self.track = self.track.take().or_else(|| Track::new(&added));
            }
            Event::MediaData(data) => self.hear_sound(&data),
            Event::ChannelClose(closed) => match self.stage {
                Stage::Open { channel } | Stage::Flushing { channel, .. } if channel == closed => {
                    return self.close(Instant::now());
                }
                Stage::Opening { .. }
                | Stage::Open { .. }
                | Stage::Flushing { .. }
                | Stage::Closing { .. } => {}
            },
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                return Err(Over::Lost);
            }
            // The rest is the library's own, or of no use here.
            _ => {}
        }
        Ok(())
    }

    fn hear(&self, data: ChannelData) {
        match self.stage {
            Stage::Open { channel } if channel == data.id => {
                self.far.hear(data.binary, data.data);
            }
            Stage::Opening { .. }
            | Stage::Open { .. }
            | Stage::Flushing { .. }
            | Stage::Closing { .. } => {}
        }
    }

    /// Takes sound. Nobody can say whose it is before the channel is open, and so it is lost.
    fn hear_sound(&self, data: &MediaData) {
        match self.stage {
            Stage::Open { .. } => {
                if let Some(samples) = Track::read(data) {
                    self.far.hear_sound(samples);
                }
            }
            Stage::Opening { .. } | Stage::Flushing { .. } | Stage::Closing { .. } => {}
        }
    }

    fn receive(&mut self, packet: &Packet) -> Result<(), Over> {
        let received = Receive::new(
            Protocol::Udp,
            packet.source,
            self.endpoint.address(),
            &packet.bytes,
        );
        let Ok(received) = received else {
            return Ok(());
        };
        let input = Input::Receive(packet.at, received);
        if !self.negotiated.rtc.accepts(&input) {
            return Ok(());
        }
        if addressee(&packet.bytes).is_some() {
            // The connection has checked the password.
            self.know(packet.source, Proof::Checked);
        }
        self.far.live(packet.at);
        self.input(input)
    }

    fn input(&mut self, input: Input<'_>) -> Result<(), Over> {
        let handled = self.negotiated.rtc.handle_input(input);
        handled.map_err(Over::Broken)
    }

    /// Sees to it that what comes from an address is this peer's.
    fn know(&mut self, address: SocketAddr, proof: Proof) {
        if self.known.contains(&(address, proof)) || self.known.contains(&(address, Proof::Checked))
        {
            return;
        }
        self.known.insert(0, (address, proof));
        self.known.truncate(KNOWN);
        self.entrance.place(address, proof);
    }

    fn obey(&mut self, command: Command) -> Result<(), Over> {
        match command {
            Command::Change {
                condition,
                fragment,
                tell,
            } => {
                let changed = self.change(condition, &fragment);
                // The request may have been given up.
                let _ = tell.send(changed);
                Ok(())
            }
            Command::Close => self.end(),
            Command::Vanish => Err(Over::Closed),
        }
    }

    fn change(&mut self, condition: Condition, fragment: &Fragment) -> Changed {
        let version = self.negotiated.version();
        match (condition, self.negotiated.wish(fragment)) {
            (Condition::Version(meant), _) if meant != version => Changed::Stale,
            // Credentials of another version without saying so (RFC 9725 §4.3.2).
            (Condition::Version(_), Wish::Restart) => Changed::Stale,
            (Condition::Version(_) | Condition::Any, Wish::Trickle) => {
                self.negotiated.trickle(fragment);
                Changed::Trickled
            }
            (Condition::Any, Wish::Restart) => match self.negotiated.restart(fragment) {
                Ok(fragment) => {
                    let ufrag = self.negotiated.ufrag();
                    self.entrance.rename(&ufrag);
                    Changed::Restarted {
                        fragment,
                        version: self.negotiated.version(),
                    }
                }
                Err(error) => Changed::Bad(error),
            },
        }
    }

    /// Ends the peer after what was said.
    fn end(&mut self) -> Result<(), Over> {
        let now = Instant::now();
        match self.stage {
            Stage::Open { channel } => {
                self.stage = Stage::Flushing {
                    channel,
                    until: now + FLUSHING,
                };
                Ok(())
            }
            Stage::Opening { .. } => self.close(now),
            Stage::Flushing { .. } | Stage::Closing { .. } => Ok(()),
        }
    }

    fn close(&mut self, now: Instant) -> Result<(), Over> {
        self.stage = Stage::Closing {
            until: now + CLOSING,
        };
        self.negotiated.rtc.close().map_err(Over::Broken)
    }
}

/// Addresses that are remembered as told to the table.
const KNOWN: usize = 16;
