//! One request and its answer: classified, broken as the rules say, or forwarded.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Uri};
use tokio::time::{Instant, sleep};

use super::board::{Counted, Faults};
use super::body::FaultBody;
use super::class::Class;
use super::connection::Connection;
use super::plan::{Plan, Verdict};
use super::shape::Hold;
use super::upstream::Upstream;
use super::{answer, locked};

/// What every connection of a proxy shares.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) upstream: String,
    pub(super) paths: Vec<String>,
    pub(super) faults: Faults,
}

/// One client's connection, from the first request to what follows a 101.
pub(super) struct Client {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    /// The connection to the server, between two requests.
    spare: Mutex<Option<Upstream>>,
    next: Mutex<Option<Next>>,
}

/// What a connection becomes after a 101.
pub(super) struct Next {
    pub(super) client: OnUpgrade,
    pub(super) role: Role,
    /// Counted, and within reach of the faults of its class, until it ends.
    _exchange: Exchange,
}

pub(super) enum Role {
    Tunnel {
        upstream: OnUpgrade,
        hold: Hold,
        /// Drives the upgrade.
        _upstream: Upstream,
    },
    Silence,
}

impl Client {
    pub(super) fn new(shared: Arc<Shared>, connection: Arc<Connection>) -> Self {
        Self {
            shared,
            connection,
            spare: Mutex::default(),
            next: Mutex::default(),
        }
    }

    pub(super) async fn handle_request(
        self: Arc<Self>,
        mut request: Request<Incoming>,
    ) -> Result<Response<FaultBody>, Infallible> {
        let upgrade = hyper::upgrade::on(&mut request);
        let (head, body) = request.into_parts();
        let class = Class::of(&head, &self.shared.paths);
        let faults = &self.shared.faults;
        let exchange = Exchange::begin(faults.count(class), &self.connection, class);
        // Read after the class is set: rules that cut live connections then miss none.
        let plan = Plan::new(&faults.rules(), class);
        faults.record(Some(class), plan.applied.clone());
        self.connection.wire.set_shape(plan.downlink());
        match class {
            Class::Poll | Class::Post => exchange.cut_after(&plan),
            Class::Websocket | Class::Sse | Class::Other => {}
        }
        Ok(match plan.verdict {
            Verdict::Reset => {
                self.connection.reset();
                pending().await
            }
            Verdict::Hang => {
                // Read to its end, or the client's leaving would go unseen behind it.
                drain(body).await;
                pending().await
            }
            Verdict::Refuse {
                status,
                retry_after,
            } => {
                drain(body).await;
                sleep(plan.delay).await;
                answer::refusal(&head.headers, status, retry_after)
            }
            Verdict::Swallow | Verdict::Flap { pass: false, .. } => {
                sleep(plan.delay).await;
                self.swallow(&head, upgrade, exchange, &plan)
            }
            Verdict::Forward | Verdict::Flap { pass: true, .. } => {
                self.forward(head, body, upgrade, exchange, &plan).await
            }
        })
    }

    /// Returns what the connection becomes after a 101, if it sent one.
    pub(super) fn take_next(&self) -> Option<Next> {
        locked(&self.next).take()
    }

    /// Keeps the connection to the server for this client's next request.
    pub(super) fn give_back(&self, upstream: Upstream) {
        *locked(&self.spare) = Some(upstream);
    }

    fn swallow(
        &self,
        head: &Parts,
        client: OnUpgrade,
        exchange: Exchange,
        plan: &Plan,
    ) -> Response<FaultBody> {
        let response = answer::switching(&head.headers);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            exchange.cut_after(plan);
            *locked(&self.next) = Some(Next {
                client,
                role: Role::Silence,
                _exchange: exchange,
            });
        }
        response
    }

    async fn forward(
        self: Arc<Self>,
        head: Parts,
        body: Incoming,
        client: OnUpgrade,
        exchange: Exchange,
        plan: &Plan,
    ) -> Response<FaultBody> {
        let request = outgoing(head, body);
        let (response, upstream) = match self.send(request, plan).await {
            Ok(answered) => answered,
            Err(error) => {
                tracing::debug!(%error, "the server behind did not answer");
                return answer::bad_gateway();
            }
        };
        match exchange.class {
            Class::Websocket | Class::Sse => exchange.cut_after(plan),
            Class::Poll | Class::Post | Class::Other => {}
        }
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return response.map(|body| {
                FaultBody::streamed(body, plan.hold, exchange, upstream, self.clone())
            });
        }
        let (head, body) = response.into_parts();
        let mut response = Response::from_parts(head, body);
        *locked(&self.next) = Some(Next {
            client,
            role: Role::Tunnel {
                upstream: hyper::upgrade::on(&mut response),
                hold: plan.hold,
                _upstream: upstream,
            },
            _exchange: exchange,
        });
        response.map(|_| FaultBody::Local(Bytes::new()))
    }

    async fn send(
        &self,
        request: Request<Incoming>,
        plan: &Plan,
    ) -> Result<(Response<Incoming>, Upstream), Box<dyn std::error::Error + Send + Sync>> {
        let spare = locked(&self.spare).take();
        let mut request = request;
        if let Some(mut upstream) = spare
            && upstream.is_ready().await
        {
            match upstream.send(plan.uplink(), request).await {
                Ok(response) => return Ok((response, upstream)),
                Err((_, Some(unsent))) => request = unsent,
                Err((error, None)) => return Err(error.into()),
            }
        }
        let mut upstream = Upstream::connect(&self.shared.upstream).await?;
        match upstream.send(plan.uplink(), request).await {
            Ok(response) => Ok((response, upstream)),
            Err((error, _)) => Err(error.into()),
        }
    }
}

/// A request under way: it counts as live, and its connection carries its class, until dropped.
pub(super) struct Exchange {
    class: Class,
    connection: Arc<Connection>,
    _counted: Counted,
}

impl Exchange {
    fn begin(counted: Counted, connection: &Arc<Connection>, class: Class) -> Self {
        connection.set_carried(Some(class));
        Self {
            class,
            connection: connection.clone(),
            _counted: counted,
        }
    }

    /// Sets the deadline of `cut-after` and `flap`, from this moment.
    fn cut_after(&self, plan: &Plan) {
        let now = Instant::now();
        if let Some(after) = plan.cut_after {
            self.connection.reset_at(now + after);
        }
        if let Verdict::Flap { after, .. } = plan.verdict {
            self.connection.reset_at(now + after);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.connection.set_carried(None);
    }
}

/// Returns the request as it goes to the server: the same, in origin form (RFC 9112 §3.2.1).
fn outgoing(head: Parts, body: Incoming) -> Request<Incoming> {
    let mut request = Request::new(body);
    *request.method_mut() = head.method;
    *request.uri_mut() = match head.uri.into_parts().path_and_query {
        Some(path) => Uri::from(path),
        None => Uri::default(),
    };
    *request.headers_mut() = head.headers;
    request
}

async fn drain(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}
