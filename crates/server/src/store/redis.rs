//! Redis as the store: one script per step, so that each is atomic; one transaction per commit of
//! all sessions.
//!
//! Redis answers before its disk has what it was given, so a Redis that was restarted, or a replica
//! that took over, may lack the tail. Both have another `run_id`; what was kept under the former one
//! counts as lost, and clients are told so (P2.3).

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, RedisError};
use sha2::{Digest, Sha256};
use throughline_core::server::{EventId, Outline, Snapshot, Subject};
use throughline_core::{Hello, Nonce};
use tokio::sync::{Mutex, watch};

use super::{
    BadAddress, Claim, Commit, Events, Found, Kept, Lease, Lives, NodeId, Place, Publication,
    StoreError, entry,
};

/// How long Redis may take to accept a connection, and to answer.
const CONNECT: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(3);

/// How long after a connection that was not got the next is tried.
const REST: Duration = Duration::from_millis(100);

/// Most events of a topic that are read at once.
const EVENTS: usize = 500;

/// A Redis, as one node uses it.
#[derive(Debug)]
pub(crate) struct Redis {
    client: Client,
    prefix: String,
    node: NodeId,
    lives: Lives,
    line: Mutex<State>,
    /// The `run_id` of the Redis last connected to.
    run: watch::Sender<Option<Arc<str>>>,
}

/// A connection to one run of Redis, which has the scripts.
#[derive(Debug, Clone)]
struct Line {
    connection: MultiplexedConnection,
    run: Arc<str>,
    scripts: Arc<Scripts>,
}

/// Whether there is a connection.
#[derive(Debug)]
enum State {
    Up(Line),
    /// None was got, at that moment if ever: who waited in vain is not made to wait again.
    Down(Option<Instant>),
}

/// Notices from other nodes.
pub(crate) struct Ears {
    // Dropping it ends the stream.
    _sink: PubSubSink,
    stream: PubSubStream,
}

/// The digest of each script.
#[derive(Debug)]
struct Scripts {
    open: String,
    claim: String,
    commit: String,
    publish: String,
    topic: String,
    name: String,
    find: String,
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl Redis {
    /// Connects at first use.
    pub(crate) fn new(
        address: &str,
        prefix: String,
        node: NodeId,
        lives: Lives,
    ) -> Result<Self, BadAddress> {
        Ok(Self {
            client: Client::open(address).map_err(|_| BadAddress)?,
            prefix,
            node,
            lives,
            line: Mutex::new(State::Down(None)),
            run: watch::Sender::new(None),
        })
    }

    pub(crate) const fn node(&self) -> &NodeId {
        &self.node
    }

    /// Tells which run of Redis was last connected to.
    pub(crate) fn runs(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.run.subscribe()
    }

    /// Finds or makes the session of a `hello`.
    pub(crate) async fn open(
        &self,
        hello: &Hello,
        subject: &Subject,
        fresh: Nonce,
    ) -> Result<Found, StoreError> {
        // What is no id names no session, and is unknown like any other (P2.2).
        let asked = match hello.session.as_deref().map(Nonce::from_hex) {
            None => String::new(),
            Some(asked) => asked.map_or_else(|| "-".to_owned(), Nonce::to_hex),
        };
        let (connect, fresh) = (hello.connect.to_hex(), fresh.to_hex());
        type Answer = (String, String, String, String, u32, u64);
        let (id, resumed, connect, instance, fence, received): Answer = self
            .ask(|line| {
                let mut cmd = call(&line.scripts.open, 3);
                cmd.arg(self.session(&asked))
                    .arg(self.pair(&connect, subject))
                    .arg(self.session(&fresh))
                    .arg(&*line.run)
                    .arg(subject.name())
                    .arg(&connect)
                    .arg(hello.instance.to_hex())
                    .arg(hello.received)
                    .arg(&asked)
                    .arg(&fresh)
                    .arg(ms(self.lives.session))
                    .arg(self.session(""));
                cmd
            })
            .await?;
        let outline = Outline {
            id: nonce(&id)?,
            subject: subject.clone(),
            connect: nonce(&connect)?,
            instance: nonce(&instance)?,
            fence,
            received,
        };
        Ok(Found {
            outline,
            resumed: resumed == "1",
        })
    }

    /// Asks for the lead of a session, for a `take`.
    pub(crate) async fn claim(
        &self,
        session: Nonce,
        fence: u32,
        instance: Nonce,
    ) -> Result<Claim, StoreError> {
        let id = session.to_hex();
        let answer: Vec<redis::Value> = self
            .ask(|line| {
                let mut cmd = call(&line.scripts.claim, 4);
                self.keys(&id).iter().for_each(|key| {
                    cmd.arg(key);
                });
                cmd.arg(&*line.run)
                    .arg(&*self.node)
                    .arg(fence)
                    .arg(instance.to_hex())
                    .arg(ms(self.lives.session))
                    .arg(self.channel(""))
                    .arg(&id);
                cmd
            })
            .await?;
        let mut answer = answer.into_iter();
        match &*next::<String>(&mut answer)? {
            "gone" => return Ok(Claim::Gone),
            "refused" => return Ok(Claim::Refused),
            _ => {}
        }
        let number = next(&mut answer)?;
        let subject: String = next(&mut answer)?;
        let connect: String = next(&mut answer)?;
        let (received, acked, last) = (next(&mut answer)?, next(&mut answer)?, next(&mut answer)?);
        let up: Vec<String> = next(&mut answer)?;
        let down: Vec<String> = next(&mut answer)?;
        let places: Vec<(String, String)> = next(&mut answer)?;
        let (mut topics, mut wanted) = (Vec::new(), Vec::new());
        for (topic, place) in places {
            match (place.strip_prefix('?'), EventId::parse(&place)) {
                (Some(since), _) => wanted.push((topic.into(), since.to_owned())),
                (None, Some(event)) => topics.push((topic.into(), event)),
                (None, None) => return Err(StoreError::Garbled),
            }
        }
        let outline = Outline {
            id: session,
            subject: Subject::from(&*subject),
            connect: nonce(&connect)?,
            instance,
            fence: fence.saturating_sub(1),
            received,
        };
        let kept = down.iter().map(|entry| entry::read_down(entry));
        let unheard = up.iter().map(|entry| entry::read_up(entry));
        let snapshot = Snapshot {
            outline,
            acked,
            last,
            kept: kept.collect::<Result<_, _>>()?,
            unheard: unheard.collect::<Result<_, _>>()?,
            topics,
        };
        Ok(Claim::Led {
            lease: Lease { session, number },
            snapshot: Box::new(snapshot),
            wanted,
        })
    }

    /// Keeps what sessions did and what was published, all of it or nothing, and says of each
    /// session whether it is led here still.
    pub(crate) async fn commit(
        &self,
        commits: &[Commit],
        events: &[Publication],
    ) -> Result<Vec<Kept>, StoreError> {
        let line = self.line().await?;
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        for event in events {
            match self.publish(&line, event) {
                Ok(cmd) => drop(pipeline.add_command(cmd).ignore()),
                Err(error) => tracing::error!(%error, "an event is dropped"),
            }
        }
        let mut sent = Vec::with_capacity(commits.len());
        for commit in commits {
            match self.keep(&line, commit) {
                Ok(cmd) => {
                    pipeline.add_command(cmd);
                    sent.push(true);
                }
                Err(error) => {
                    tracing::error!(%error, "a session is given up");
                    sent.push(false);
                }
            }
        }
        let answers: Vec<String> = self.run(&line, &pipeline).await?;
        let mut answers = answers.into_iter();
        let kept =
            sent.into_iter().map(
                |sent| match sent.then(|| answers.next()).flatten().as_deref() {
                    Some("kept") => Kept::Yes,
                    Some(_) | None => Kept::Lost,
                },
            );
        Ok(kept.collect())
    }

    /// Reads what a topic has after the place `known`.
    pub(crate) async fn events(
        &self,
        topic: &str,
        known: Option<EventId>,
        epoch: u32,
    ) -> Result<Events, StoreError> {
        type Entries = Vec<(String, Vec<(String, String)>)>;
        let known = known.unwrap_or(EventId { epoch: 0, n: 0 });
        let (epoch, last, entries): (u32, u64, Entries) = self
            .ask(|line| {
                let mut cmd = call(&line.scripts.topic, 2);
                cmd.arg(self.topic(topic))
                    .arg(self.topic_events(topic))
                    .arg(&*line.run)
                    .arg(epoch)
                    .arg(known.epoch)
                    .arg(known.n)
                    .arg(EVENTS)
                    .arg(ms(self.lives.topic));
                cmd
            })
            .await?;
        let events = entries.iter().map(|(id, fields)| {
            let n = id.split_once('-').and_then(|(n, _)| n.parse().ok());
            let body = fields.first().map(|(_, entry)| entry::read_event(entry));
            match (n, body) {
                (Some(n), Some(body)) => {
                    let id = EventId { epoch, n }.to_string();
                    Ok((n, body?.with_id(Some(id.into()))))
                }
                (None, _) | (_, None) => Err(StoreError::Garbled),
            }
        });
        Ok(Events {
            epoch,
            last,
            events: events.collect::<Result<_, _>>()?,
        })
    }

    /// Gives a split link's name to this node for `life`, and returns whose it is.
    pub(crate) async fn name_link(
        &self,
        link: Nonce,
        life: Duration,
    ) -> Result<NodeId, StoreError> {
        let link = link.to_hex();
        let node: String = self
            .ask(|line| {
                let mut cmd = call(&line.scripts.name, 2);
                cmd.arg(format!("{}link:{link}", self.prefix))
                    .arg(format!("{}wait:{link}", self.prefix))
                    .arg(&*self.node)
                    .arg(ms(life))
                    .arg(self.channel(""))
                    .arg(&link);
                cmd
            })
            .await?;
        Ok(node.into())
    }

    /// Says which node has a split link. Where none has and `wait` is given, a notice comes when one
    /// has within that time.
    pub(crate) async fn find_link(
        &self,
        link: Nonce,
        wait: Option<Duration>,
    ) -> Result<Option<NodeId>, StoreError> {
        let link = link.to_hex();
        let node: String = self
            .ask(|line| {
                let mut cmd = call(&line.scripts.find, 2);
                cmd.arg(format!("{}link:{link}", self.prefix))
                    .arg(format!("{}wait:{link}", self.prefix))
                    .arg(wait.map_or("", |_| &*self.node))
                    .arg(ms(wait.unwrap_or_default()));
                cmd
            })
            .await?;
        Ok((!node.is_empty()).then(|| node.into()))
    }

    /// Tells another node. False: it is not there to hear it.
    pub(crate) async fn tell(&self, node: &str, notice: &str) -> Result<bool, StoreError> {
        let heard: u64 = self
            .ask(|_| {
                let mut cmd = redis::cmd("PUBLISH");
                cmd.arg(self.channel(node)).arg(notice);
                cmd
            })
            .await?;
        Ok(heard > 0)
    }

    /// Listens to what other nodes tell this one, and all.
    pub(crate) async fn listen(&self) -> Result<Ears, StoreError> {
        let connect = self.client.get_async_pubsub();
        let pubsub = match tokio::time::timeout(CONNECT, connect).await {
            Ok(pubsub) => pubsub?,
            Err(_) => return Err(timed_out()),
        };
        let (mut sink, stream) = pubsub.split();
        sink.subscribe(self.channel(&self.node)).await?;
        sink.subscribe(self.everyone()).await?;
        // A Redis that was restarted is found out at once, not with the next commit.
        self.line().await?;
        Ok(Ears {
            _sink: sink,
            stream,
        })
    }

    fn keep(&self, line: &Line, commit: &Commit) -> Result<Cmd, StoreError> {
        let id = commit.lease.session.to_hex();
        let mut cmd = call(&line.scripts.commit, 4);
        for key in self.keys(&id) {
            cmd.arg(key);
        }
        let optional = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        let first = |frames: &[throughline_core::Frame<_>]| {
            optional(frames.first().and_then(throughline_core::Frame::n))
        };
        cmd.arg(&*line.run)
            .arg(commit.lease.number)
            .arg(&id)
            .arg(ms(self.lives.session))
            .arg(u8::from(commit.ended))
            .arg(optional(commit.fence.map(u64::from)))
            .arg(first(&commit.up))
            .arg(first(&commit.down))
            .arg(optional(commit.first))
            .arg(optional(commit.acked))
            .arg(optional(commit.heard));
        for frames in [&commit.up, &commit.down] {
            cmd.arg(frames.len());
            for frame in frames {
                cmd.arg(entry::write(frame)?);
            }
        }
        cmd.arg(commit.topics.len() * 2);
        for (topic, place) in &commit.topics {
            cmd.arg(&**topic).arg(match place {
                Place::At(event) => event.to_string(),
                Place::Wanted(since) => format!("?{since}"),
                Place::Left => String::new(),
            });
        }
        Ok(cmd)
    }

    fn publish(&self, line: &Line, event: &Publication) -> Result<Cmd, StoreError> {
        let session = event
            .lease
            .map(|lease| self.session(&lease.session.to_hex()));
        let mut epoch = [0; 4];
        getrandom::fill(&mut epoch).map_err(|_| StoreError::Garbled)?;
        let mut cmd = call(&line.scripts.publish, 4);
        cmd.arg(self.topic(&event.topic))
            .arg(self.topic_events(&event.topic))
            .arg(format!("{}node:{}:published", self.prefix, self.node))
            .arg(session.unwrap_or_default())
            .arg(&*line.run)
            .arg(event.lease.map_or(0, |lease| lease.number))
            .arg(event.number)
            .arg(u32::from_ne_bytes(epoch))
            .arg(entry::write_event(&event.body)?)
            .arg(self.lives.events)
            .arg(ms(self.lives.topic))
            .arg(self.everyone())
            .arg(&*event.topic);
        Ok(cmd)
    }

    async fn ask<T: redis::FromRedisValue>(
        &self,
        cmd: impl FnOnce(&Line) -> Cmd,
    ) -> Result<T, StoreError> {
        let line = self.line().await?;
        let answer = cmd(&line).query_async(&mut line.connection.clone()).await;
        self.judge(&line, answer).await
    }

    async fn run(&self, line: &Line, pipeline: &Pipeline) -> Result<Vec<String>, StoreError> {
        let answer = pipeline.query_async(&mut line.connection.clone()).await;
        self.judge(line, answer).await
    }

    /// Gives a connection up that failed: the next one may be to another run, or have scripts again.
    async fn judge<T>(&self, line: &Line, answer: Result<T, RedisError>) -> Result<T, StoreError> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let mut current = self.line.lock().await;
                if let State::Up(now) = &*current
                    && Arc::ptr_eq(&now.scripts, &line.scripts)
                {
                    *current = State::Down(None);
                }
                Err(error.into())
            }
        }
    }

    async fn line(&self) -> Result<Line, StoreError> {
        let mut current = self.line.lock().await;
        match &*current {
            State::Up(line) => return Ok(line.clone()),
            State::Down(Some(at)) if at.elapsed() < REST => return Err(timed_out()),
            State::Down(_) => {}
        }
        let connected = tokio::time::timeout(CONNECT + ANSWER, self.connect()).await;
        let line = match connected {
            Ok(Ok(line)) => line,
            Ok(Err(error)) => {
                *current = State::Down(Some(Instant::now()));
                return Err(error.into());
            }
            Err(_) => {
                *current = State::Down(Some(Instant::now()));
                return Err(timed_out());
            }
        };
        self.run.send_if_modified(|run| {
            let changed = run.as_ref() != Some(&line.run);
            *run = Some(line.run.clone());
            changed
        });
        *current = State::Up(line.clone());
        Ok(line)
    }

    async fn connect(&self) -> Result<Line, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let mut connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let info: String = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await?;
        let run = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        let run = run.unwrap_or_default().trim().into();
        let mut load = async |script: &str| -> Result<String, RedisError> {
            let mut cmd = redis::cmd("SCRIPT");
            cmd.arg("LOAD").arg(script);
            cmd.query_async(&mut connection).await
        };
        let scripts = Scripts {
            open: load(include_str!("redis/open.lua")).await?,
            claim: load(include_str!("redis/claim.lua")).await?,
            commit: load(include_str!("redis/commit.lua")).await?,
            publish: load(include_str!("redis/publish.lua")).await?,
            topic: load(include_str!("redis/topic.lua")).await?,
            name: load(include_str!("redis/name.lua")).await?,
            find: load(include_str!("redis/find.lua")).await?,
        };
        tracing::info!(%run, "connected to Redis");
        Ok(Line {
            connection,
            run,
            scripts: Arc::new(scripts),
        })
    }

    fn session(&self, id: &str) -> String {
        format!("{}session:{id}", self.prefix)
    }

    /// A session's keys: itself, its way up, its way down, its topics.
    fn keys(&self, id: &str) -> [String; 4] {
        ["session", "up", "down", "topics"].map(|kind| format!("{}{kind}:{id}", self.prefix))
    }

    /// Hashed: a subject may be of any length.
    fn pair(&self, connect: &str, subject: &Subject) -> String {
        let hash = Sha256::new_with_prefix(connect)
            .chain_update(subject.name())
            .finalize();
        format!("{}pair:{}", self.prefix, hex(&hash))
    }

    fn topic(&self, name: &str) -> String {
        format!("{}topic:{name}", self.prefix)
    }

    fn topic_events(&self, name: &str) -> String {
        format!("{}events:{name}", self.prefix)
    }

    fn channel(&self, node: &str) -> String {
        format!("{}node:{node}", self.prefix)
    }

    fn everyone(&self) -> String {
        format!("{}nodes", self.prefix)
    }
}

impl Ears {
    /// The next notice; `None` when the connection is gone.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        let message = self.stream.next().await?;
        Some(message.get_payload().unwrap_or_default())
    }
}

impl std::fmt::Debug for Ears {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ears").finish_non_exhaustive()
    }
}

fn call(script: &str, keys: usize) -> Cmd {
    let mut cmd = redis::cmd("EVALSHA");
    cmd.arg(script).arg(keys);
    cmd
}

fn next<T: redis::FromRedisValue>(
    values: &mut impl Iterator<Item = redis::Value>,
) -> Result<T, StoreError> {
    let value = values.next().ok_or(StoreError::Garbled)?;
    redis::from_redis_value(value).map_err(|_| StoreError::Garbled)
}

fn nonce(text: &str) -> Result<Nonce, StoreError> {
    Nonce::from_hex(text).ok_or(StoreError::Garbled)
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn timed_out() -> StoreError {
    StoreError::Redis(RedisError::from(std::io::Error::from(
        std::io::ErrorKind::TimedOut,
    )))
}
