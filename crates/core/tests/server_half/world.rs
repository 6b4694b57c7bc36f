//! A server half with its clock, and short words for what is said to it.

use throughline_core::server::{
    Event, Input, LinkId, Output, SessionKey, Sessions, SessionsConfig, Subject,
};
use throughline_core::{Frame, Hello, Millis, Nonce, Ready, Transport};

pub(crate) type Out = Output<&'static str>;

pub(crate) struct World {
    pub(crate) sessions: Sessions<&'static str>,
    pub(crate) now: Millis,
    entropy: u128,
    outputs: Vec<Out>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(SessionsConfig::default())
    }

    pub(crate) fn with(config: SessionsConfig) -> Self {
        Self {
            sessions: Sessions::new(config),
            now: Millis(0),
            entropy: 1 << 100,
            outputs: Vec::new(),
        }
    }

    pub(crate) fn handle(&mut self, input: Input<&'static str>) {
        self.sessions.handle(input, self.now);
    }

    pub(crate) fn open(&mut self, link: u64) {
        self.open_on(link, Transport::WebSocket);
    }

    pub(crate) fn open_on(&mut self, link: u64, transport: Transport) {
        let link = LinkId(link);
        self.handle(Input::LinkOpened { link, transport });
    }

    pub(crate) fn hello(&mut self, link: u64, hello: Hello) {
        self.say_hello(link, hello, "ann");
    }

    pub(crate) fn say_hello(&mut self, link: u64, hello: Hello, subject: &str) {
        self.say_hello_until(link, hello, subject, None);
    }

    pub(crate) fn say_hello_until(
        &mut self,
        link: u64,
        hello: Hello,
        subject: &str,
        expires: Option<Millis>,
    ) {
        self.entropy += 1;
        let (link, subject, entropy) = (LinkId(link), Subject::from(subject), self.entropy);
        self.handle(Input::Hello {
            link,
            hello,
            subject,
            expires,
            entropy,
        });
    }

    /// Opens a link, says hello, and returns the answer.
    pub(crate) fn greet(&mut self, link: u64, hello: Hello) -> Ready {
        self.open(link);
        self.hello(link, hello);
        self.ready(link)
    }

    /// Makes a session with its owner.
    pub(crate) fn taken(&mut self, link: u64) -> SessionKey {
        self.greet(link, hello());
        self.frame(
            link,
            Frame::Take {
                fence: 1,
                received: 0,
            },
        );
        self.drain();
        self.sessions.session_of(LinkId(link)).unwrap()
    }

    /// As [`taken`](Self::taken), for somebody else.
    pub(crate) fn other(&mut self, link: u64) -> SessionKey {
        self.open(link);
        self.say_hello(link, hello(), "bob");
        self.frame(
            link,
            Frame::Take {
                fence: 1,
                received: 0,
            },
        );
        self.drain();
        self.sessions.session_of(LinkId(link)).unwrap()
    }

    pub(crate) fn frame(&mut self, link: u64, frame: Frame<&'static str>) {
        self.handle(Input::Frame {
            link: LinkId(link),
            frame,
        });
    }

    pub(crate) fn publish(&mut self, session: SessionKey, body: &'static str) {
        self.handle(Input::Publish {
            session,
            body,
            bytes: 1,
        });
    }

    /// Lets time pass, ringing each alarm at its moment.
    pub(crate) fn pass(&mut self, span: u64) {
        let end = self.now + span;
        while let Some(at) = self.sessions.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.handle(Input::Timeout);
        }
        self.now = end;
    }

    pub(crate) fn collect(&mut self) {
        while let Some(output) = self.sessions.poll_output() {
            self.outputs.push(output);
        }
    }

    pub(crate) fn drain(&mut self) -> Vec<Out> {
        self.collect();
        std::mem::take(&mut self.outputs)
    }

    /// Takes out the first output that `pick` wants, and leaves the rest.
    pub(crate) fn take<T>(&mut self, pick: impl Fn(&Out) -> Option<T>) -> Option<T> {
        let found = self
            .outputs
            .iter()
            .enumerate()
            .find_map(|(at, output)| Some((at, pick(output)?)));
        let (at, picked) = found?;
        self.outputs.remove(at);
        Some(picked)
    }

    pub(crate) fn ready(&mut self, link: u64) -> Ready {
        let mut frames = self.frames(link);
        let Some(Frame::Ready(ready)) = frames.pop() else {
            panic!("{frames:?}")
        };
        ready
    }

    /// Takes out what was written to `link`, and leaves the rest.
    pub(crate) fn frames(&mut self, link: u64) -> Vec<Frame<&'static str>> {
        self.collect();
        let (mut found, mut rest) = (Vec::new(), Vec::new());
        for output in self.outputs.drain(..) {
            match output {
                Output::Transmit { link: to, frames } if to.0 == link => found.extend(frames),
                other => rest.push(other),
            }
        }
        self.outputs = rest;
        found
    }

    pub(crate) fn closes(&mut self) -> Vec<(u64, u16, Option<u32>)> {
        let closes = self.drain().into_iter().filter_map(|output| match output {
            Output::CloseLink { link, code, retry } => Some((link.0, code, retry)),
            Output::Transmit { .. }
            | Output::ToGuest { .. }
            | Output::Record { .. }
            | Output::Event(_) => None,
        });
        closes.collect()
    }
}

pub(crate) fn hello() -> Hello {
    Hello {
        version: 1,
        connect: Nonce(1),
        instance: Nonce(2),
        session: None,
        received: 0,
    }
}

pub(crate) fn message(n: u64, body: &'static str) -> Frame<&'static str> {
    Frame::Message { n, body }
}

pub(crate) fn transmit(link: u64, frames: Vec<Frame<&'static str>>) -> Out {
    Output::Transmit {
        link: LinkId(link),
        frames,
    }
}

pub(crate) fn closed(link: u64, code: u16, retry: Option<u32>) -> Out {
    Output::CloseLink {
        link: LinkId(link),
        code,
        retry,
    }
}

pub(crate) fn heard(outputs: &[Out]) -> Vec<(u64, &'static str)> {
    let messages = outputs.iter().filter_map(|output| match output {
        Output::Event(Event::Message { seq, body, .. }) => Some((*seq, *body)),
        Output::Event(_)
        | Output::Transmit { .. }
        | Output::ToGuest { .. }
        | Output::Record { .. }
        | Output::CloseLink { .. } => None,
    });
    messages.collect()
}
