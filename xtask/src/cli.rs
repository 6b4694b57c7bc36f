//! The command line, as types.

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::build::Flavour;
use crate::setup::Scope;
use crate::test;

/// Sets up, builds, shows, tests and measures Throughline.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Install what is missing, and only that; says what to run by hand where it cannot.
    Setup(SetupArgs),
    /// Build `pkg/`: wasm, its JavaScript glue, and the one-file bundle; checks the size budget.
    Build(BuildArgs),
    /// Build everything and serve the demo on 127.0.0.1 until Ctrl-C.
    Demo(DemoArgs),
    /// Make the documentation's pages, the reference among them, and serve them on 127.0.0.1 until Ctrl-C.
    Docs(DocsArgs),
    /// Run what CI runs, step by step, up to the first failure.
    Test(TestArgs),
    /// Make the tarball that npm gets, in `target/package`, and look through it.
    Pack(PackArgs),
    /// Measure one thing and print it as JSON lines; fails when a line says `"ok":false`.
    Measure(MeasureArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    /// Also install browsers, their drivers and wasm-pack, for `cargo xtask test`.
    #[arg(long)]
    browsers: bool,
}

impl SetupArgs {
    pub(crate) fn scope(&self) -> Scope {
        if self.browsers {
            Scope::Browsers
        } else {
            Scope::Build
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Build fast instead of small: no wasm-opt, no minifying, no budget.
    #[arg(long)]
    dev: bool,
}

impl BuildArgs {
    pub(crate) fn flavour(&self) -> Flavour {
        if self.dev {
            Flavour::Dev
        } else {
            Flavour::Release
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// Insist on what a release needs: a clean tree, a heading in CHANGELOG.md, a version without a tag.
    #[arg(long)]
    pub(crate) release: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// TCP port on 127.0.0.1.
    #[arg(long, default_value_t = 8787)]
    pub(crate) port: u16,
    /// Open the page in the default browser.
    #[arg(long)]
    pub(crate) open: bool,
    /// Another app's server that the page speaks to instead of ours; may be repeated.
    #[arg(long = "system", ignore_case = true)]
    pub(crate) systems: Vec<System>,
    /// Arguments handed to those servers, such as `--http-only` (www/servers/README.md).
    #[arg(last = true, requires = "systems")]
    pub(crate) args: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DocsArgs {
    /// TCP port on 127.0.0.1.
    #[arg(long, default_value_t = 8788)]
    pub(crate) port: u16,
    /// Open the first page in the default browser.
    #[arg(long)]
    pub(crate) open: bool,
    /// Make them only; fails when a link leads nowhere or a type does not say what it is.
    #[arg(long, conflicts_with_all = ["port", "open"])]
    pub(crate) check: bool,
}

impl DocsArgs {
    /// Makes the pages and serves nothing.
    pub(crate) const CHECK: Self = Self {
        port: 0,
        open: false,
        check: true,
    };
}

/// A server in `www/servers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum System {
    /// An interview app: POST up, an event stream down, a WebSocket perhaps.
    A,
    /// A typed interview protocol on a WebSocket.
    B,
    /// Sound on serverless functions.
    C,
    /// A backend of voice over WebRTC.
    D,
    /// A live operator console: an event stream behind a token.
    E,
}

impl System {
    /// Its name in addresses and of its files.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::C => "c",
            Self::D => "d",
            Self::E => "e",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Steps to run, in the order given here (all when none is named); `wasm` is its three browsers.
    #[arg(value_name = "STEP", value_parser = PossibleValuesParser::new(test::names()))]
    pub(crate) steps: Vec<String>,
    /// List the steps and what each one runs.
    #[arg(long)]
    pub(crate) list: bool,
    /// Go on after a failed step.
    #[arg(long)]
    pub(crate) keep_going: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MeasureArgs {
    /// What to measure.
    pub(crate) name: Measure,
    /// Arguments handed to the measuring program.
    #[arg(last = true)]
    pub(crate) args: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Measure {
    /// Time until a session is usable when the preferred transport is blocked.
    Fallback,
    /// What a server sees when many clients reconnect at once.
    Storm,
    /// Time a message costs over a bare `WebSocket` and `JSON.parse`.
    Tax,
    /// Bytes a page downloads, beside other libraries.
    Size,
    /// Time from `import()` to the first message in a page that has nothing yet, beside other libraries.
    Startup,
    /// Whether random worlds lose, double or reorder a message.
    Worlds,
    /// Messages a second, and a single message's round trip, beside a bare `WebSocket`.
    Flood,
    /// What is lost, doubled or reordered while links are cut, swapped and stalled at random.
    Switches,
    /// What is lost, doubled or reordered of an nchan channel while links are cut, beside nchan's own client.
    Nchan,
    /// What a page keeps of a thousand reconnects.
    Reconnects,
    /// Bytes the server keeps of a session, and its ceiling.
    Memory,
    /// What several servers of one store do to a session.
    Cluster,
    /// Time to an open data channel beside a bare `RTCPeerConnection`, and sound both ways.
    RtcOpen,
    /// What a conversation goes through when WebRTC does not connect, dies or heals.
    Ladder,
    /// Glitches and latency of sound over messages, and how soon barging in stops it.
    Audio,
    /// What of a sound is lost, doubled or heard of it where functions are cut off every five seconds.
    Serverless,
    /// What a page keeps of 500 starts and stops of a call.
    Leaks,
    /// How soon the demo's page has a first answer of another app's server, how true its sign is, and whether comments come once.
    Systems,
    /// What a session, its sound and its files come to in pages with a content security policy.
    Csp,
    /// Whether the packed tarball builds and runs with each bundler, framework and runtime, and what a page asks for.
    Packaging,
}
