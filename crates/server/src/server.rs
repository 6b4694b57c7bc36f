//! The server as a whole: what it is told, how it starts, how it goes away.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde_json::json;
use throughline_core::codec::Secret;
use throughline_core::server::SessionsConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{self, AppConfig, Demo};
use crate::fault::{FaultProxy, ProxyConfig};
use crate::hub::keeper::Keeper;
use crate::hub::{Hub, HubLimits};
use crate::openai::{self, OpenAiConfig, Realtime};
use crate::origin::{Loopback, Origins};
use crate::route::{self, Context, Extras, pages};
use crate::store::{self, BadAddress, StoreConfig};
use crate::token::{TokenPolicy, Tokens};
use crate::turn::TurnConfig;
use crate::voice::Voices;
use crate::webrtc::{Endpoint, RtcConfig};

/// Everything a server is configured with.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The address it listens on; port 0 takes any.
    pub listen: SocketAddr,
    /// Where a fault proxy in front of this server listens, if there is one.
    pub faults: Option<SocketAddr>,
    /// Servers of other apps that the demo's page speaks to, `host:port` by name: each behind a fault
    /// proxy of its own, which is controlled at `/systems/{name}`.
    pub systems: BTreeMap<String, String>,
    /// The folder served at `/`.
    pub www: Option<PathBuf>,
    /// The folder served at `/pkg/`.
    pub pkg: Option<PathBuf>,
    /// What runs beside the protocol.
    pub profile: Profile,
    /// Origins allowed beside the server's own.
    pub origins: Vec<String>,
    /// The secret that signs tokens; random if there is none.
    pub token_secret: Option<Secret>,
    /// Whether nobody may come without a token.
    pub tokens_required: bool,
    /// Scales every delay of the interviewer's script.
    pub delay_scale: f64,
    /// The protocol's limits and spans.
    pub sessions: SessionsConfig,
    /// The hub's limits.
    pub limits: HubLimits,
    /// The store that this node shares with others; without one, sessions live in memory.
    pub store: Option<StoreConfig>,
    /// Where and for how many peers WebRTC is served.
    pub rtc: RtcConfig,
    /// The TURN server that pages are told of, if there is one.
    pub turn: Option<TurnConfig>,
    /// The peer in the shapes of OpenAI's Realtime API, if there is one.
    pub openai: Option<OpenAiConfig>,
}

/// What runs beside the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// The applications alone.
    Plain,
    /// Test routes, development tokens and pages of this machine too.
    Tests,
    /// All of that, and a feed that speaks by itself.
    Demo,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            faults: None,
            systems: BTreeMap::new(),
            www: None,
            pkg: None,
            profile: Profile::Plain,
            origins: Vec::new(),
            token_secret: None,
            tokens_required: false,
            delay_scale: 1.0,
            sessions: SessionsConfig::default(),
            limits: HubLimits {
                buffered_bytes: 8 << 20,
                max_guests: 100_000,
                retry: 2_000,
                idle: Duration::from_secs(30),
                join: Duration::from_secs(10),
            },
            store: None,
            rtc: RtcConfig::default(),
            turn: None,
            openai: None,
        }
    }
}

/// Why a server did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The address for datagrams cannot be listened on.
    Datagrams {
        /// Why.
        source: io::Error,
    },
    /// The system gives no randomness.
    Entropy(getrandom::Error),
    /// The store's address is not one.
    Store(BadAddress),
}

/// A running server. Dropping it stops it at once; [`Server::drain`] is the polite way.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    hub: Hub,
    proxy: Option<FaultProxy>,
    /// Kept, for a proxy that is dropped stops.
    _fronts: BTreeMap<String, FaultProxy>,
    rtc: Option<Endpoint>,
    retry: Duration,
    stopping: watch::Sender<bool>,
    serving: JoinHandle<()>,
    /// Answers what other nodes hand on.
    answering: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on the current runtime.
    ///
    /// # Errors
    ///
    /// Returns which address cannot be listened on, and why.
    pub async fn start(config: ServerConfig) -> Result<Self, StartError> {
        let at = |address| move |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(at(config.listen))?;
        let address = listener.local_addr().map_err(at(config.listen))?;
        let proxy = match config.faults {
            Some(listen) => {
                let paths = vec!["/realtime".into(), "/json".into()];
                let proxy = start_proxy(listen, address.to_string(), paths).await;
                Some(proxy.map_err(at(listen))?)
            }
            None => None,
        };
        let mut fronts = BTreeMap::new();
        for (name, upstream) in &config.systems {
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            let paths = vec!["/api/".into()];
            let front = start_proxy(listen, upstream.clone(), paths).await;
            fronts.insert(name.clone(), front.map_err(at(listen))?);
        }
        let rtc = match Endpoint::start(&config.rtc, address).await {
            Ok(rtc) => rtc,
            Err(source) => {
                return Err(StartError::Datagrams { source });
            }
        };
        let (stopping, mut stopped) = watch::channel(false);
        let proxies = (proxy.as_ref(), &fronts);
        let (hub, router, answering) = assemble(&config, proxies, rtc.clone(), stopped.clone())?;
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move {
            let listener = listener.tap_io(|stream| {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY not set");
                }
            });
            let served = axum::serve(listener, router).with_graceful_shutdown(async move {
                // The sender is gone when the server was dropped, and this task with it.
                let _ = stopped.wait_for(|stopping| *stopping).await;
            });
            if let Err(error) = served.await {
                tracing::error!(%error, "serving ended");
            }
        });
        let retry = Duration::from_millis(config.sessions.retry.into());
        Ok(Self {
            address,
            hub,
            proxy,
            _fronts: fronts,
            rtc,
            retry,
            stopping,
            serving,
            answering,
        })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The fault proxy in front of it, if there is one.
    #[must_use]
    pub const fn proxy(&self) -> Option<&FaultProxy> {
        self.proxy.as_ref()
    }

    /// Where datagrams of WebRTC peers come in, if it is served.
    #[must_use]
    pub fn datagrams(&self) -> Option<SocketAddr> {
        self.rtc.as_ref().map(Endpoint::address)
    }

    /// What lives on it.
    #[must_use]
    pub const fn hub(&self) -> &Hub {
        &self.hub
    }

    /// How long the clients there are need to move one after another: 1.6 ms each, 1 s at least.
    #[must_use]
    pub fn spread(&self) -> Duration {
        let clients = u32::try_from(self.hub.link_count()).unwrap_or(u32::MAX);
        (Duration::from_micros(1_600) * clients).max(Duration::from_secs(1))
    }

    /// Asks every client to move within [`Server::spread`], closes those who stay with 4503, and
    /// stops. Takes at most the spread and 8 s.
    pub async fn drain(mut self) {
        let spread = self.spread();
        self.hub.drain(spread, self.retry).await;
        if let Some(rtc) = &self.rtc {
            // What a peer was told last is still on its way.
            let _ = tokio::time::timeout(LAST_ANSWERS, rtc.drain()).await;
        }
        self.stopping.send_replace(true);
        if tokio::time::timeout(LAST_ANSWERS, &mut self.serving)
            .await
            .is_err()
        {
            tracing::info!("some connections did not end by themselves");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
        if let Some(answering) = &self.answering {
            answering.abort();
        }
        self.hub.close_all();
        if let Some(rtc) = &self.rtc {
            rtc.stop();
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, source } if source.kind() == io::ErrorKind::AddrInUse => {
                write!(
                    f,
                    "{address} is in use by another program; choose another port"
                )
            }
            Self::Listen { address, source } => write!(f, "cannot listen on {address}: {source}"),
            Self::Datagrams { source } => write!(f, "cannot listen for datagrams: {source}"),
            Self::Entropy(source) => write!(f, "the system gives no randomness: {source}"),
            Self::Store(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. } | Self::Datagrams { source } => Some(source),
            Self::Entropy(source) => Some(source),
            Self::Store(source) => Some(source),
        }
    }
}

/// How long open answers may take once every link is closed.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

async fn start_proxy(
    listen: SocketAddr,
    upstream: String,
    paths: Vec<String>,
) -> io::Result<FaultProxy> {
    FaultProxy::start(ProxyConfig {
        listen,
        upstream,
        paths,
    })
    .await
}

/// Builds the hub, its applications and the routes to them.
fn assemble(
    config: &ServerConfig,
    (proxy, fronts): (Option<&FaultProxy>, &BTreeMap<String, FaultProxy>),
    rtc: Option<Endpoint>,
    stopping: watch::Receiver<bool>,
) -> Result<(Hub, Router, Option<JoinHandle<()>>), StartError> {
    let (policy, loopback, extras, demo) = match config.profile {
        Profile::Plain => (
            TokenPolicy::Optional,
            Loopback::Foreign,
            Extras::None,
            Demo::Off,
        ),
        Profile::Tests => (
            TokenPolicy::Development,
            Loopback::Allowed,
            Extras::Demo,
            Demo::Tests,
        ),
        Profile::Demo => (
            TokenPolicy::Development,
            Loopback::Allowed,
            Extras::Demo,
            Demo::On,
        ),
    };
    let policy = if config.tokens_required {
        TokenPolicy::Required
    } else {
        policy
    };
    let tokens = Tokens::new(config.token_secret.as_ref(), policy).map_err(StartError::Entropy)?;
    let (hub, events, calls) = match &config.store {
        None => {
            let (hub, events) = Hub::new(config.sessions.clone(), config.limits.clone());
            (hub, events, None)
        }
        Some(store) => {
            let window = Duration::from_millis(config.sessions.window.into());
            let opened = store.open(window, &config.sessions.topics);
            let keeper = Keeper::new(opened.map_err(StartError::Store)?, store::renewal(window));
            let (hub, events, calls) =
                Hub::with_store(config.sessions.clone(), config.limits.clone(), keeper);
            (hub, events, Some(calls))
        }
    };
    let (voices, turns) = Voices::new(hub.clone());
    let feed = app::start(
        &hub,
        events,
        (voices.clone(), turns),
        AppConfig {
            delay_scale: config.delay_scale,
            demo,
        },
    );
    let realtime = config.openai.clone();
    let realtime = realtime.map(|it| Realtime::new(it, rtc.clone(), stopping));
    let context = Context {
        hub: hub.clone(),
        tokens,
        feed,
        voices,
        unit: config.sessions.unit as usize,
        heartbeat: Duration::from_millis(config.sessions.heartbeat.into()),
        retry: config.sessions.retry,
        rtc,
        turn: config.turn.clone().map(Arc::new),
    };
    let answering = calls.map(|calls| tokio::spawn(route::afar::serve(context.clone(), calls)));
    let origins = Origins::new(&config.origins, loopback);
    let origin = |proxy: &FaultProxy| format!("http://{}", proxy.addr());
    let systems: BTreeMap<_, _> = fronts
        .iter()
        .map(|(name, front)| {
            let direct = config
                .systems
                .get(name)
                .map(|upstream| format!("http://{upstream}"));
            (name, json!({ "url": direct, "faults": origin(front) }))
        })
        .collect();
    let demo = json!({ "faults": proxy.map(origin), "systems": systems });
    let realtime = realtime.map_or_else(Router::new, openai::router);
    let router = route::router(context, extras)
        .merge(realtime)
        .merge(pages::router(config.www.as_deref(), config.pkg.as_deref()))
        .route("/api/demo", get(async move || Json(demo.clone())));
    let mut router = origins.guard(router);
    if let Some(proxy) = proxy {
        router = router.nest("/faults", proxy.faults().router());
    }
    for (name, front) in fronts {
        router = router.nest(&format!("/systems/{name}"), front.faults().router());
    }
    Ok((hub, router, answering))
}
