//! The site of a replay on a port of this machine, with a note of each request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context;
use http::StatusCode;
use http::header::CONTENT_ENCODING;
use revisit_engine::{Body, Clock, Fetch, FetchError, Request, Response, SystemClock};
use revisit_gateway::{Limits, Listener};
use revisit_replay::inputs::Deploys;
use revisit_replay::{Answer, Destination, Server};
use tokio::sync::oneshot;
use url::Url;

use super::line;
use crate::failure::Failure;

/// A running server; it ends with the value.
pub(super) struct Twin {
    origin: Url,
    state: Arc<Mutex<State>>,
    _stop: oneshot::Sender<()>,
}

#[derive(Default)]
struct State {
    server: Option<Deploys>,
    asked: Vec<String>,
    /// What answers instead of the site.
    instead: Option<StatusCode>,
}

impl Twin {
    /// Listens on a free port of the loopback; there is nothing there yet.
    pub(super) fn start() -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::work)?;
        let listener = runtime
            .block_on(Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))))
            .context("cannot serve the site to the browser")
            .map_err(Failure::work)?;
        let origin =
            Url::parse(&format!("http://{}/", listener.local_addr())).map_err(Failure::work)?;
        let state = Arc::new(Mutex::new(State::default()));
        let (stop, stopped) = oneshot::channel::<()>();
        let clock = Arc::new(SystemClock::start());
        let answers = Arc::new(Site {
            origin: origin.clone(),
            clock: clock.clone(),
            state: Arc::clone(&state),
        });
        std::thread::spawn(move || {
            runtime.block_on(listener.serve(answers, clock, Limits::default(), async {
                let _ = stopped.await;
            }))
        });
        Ok(Self {
            origin,
            state,
            _stop: stop,
        })
    }

    pub(super) fn origin(&self) -> &Url {
        &self.origin
    }

    /// From now on this is there.
    pub(super) fn serve(&self, server: Deploys) {
        self.state().server = Some(server);
    }

    pub(super) fn deploy(&self, version: &str) -> Result<(), Failure> {
        match &mut self.state().server {
            Some(server) => server.deploy(version).map_err(Failure::words),
            None => Ok(()),
        }
    }

    /// Answers everything with this from now on; `None`: the site answers.
    pub(super) fn instead(&self, status: Option<StatusCode>) {
        self.state().instead = status;
    }

    /// How many requests came so far.
    pub(super) fn count(&self) -> usize {
        self.state().asked.len()
    }

    /// What came since then.
    pub(super) fn since(&self, count: usize) -> Vec<String> {
        self.state().asked.get(count..).unwrap_or_default().to_vec()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|held| held.into_inner())
    }
}

/// What answers.
struct Site {
    origin: Url,
    clock: Arc<SystemClock>,
    state: Arc<Mutex<State>>,
}

impl Fetch for Site {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let (head, _) = request.into_parts();
        let path = head
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        let mut state = self.state.lock().unwrap_or_else(|held| held.into_inner());
        // Chromium asks for it by itself and shows it nowhere: no part of a visit.
        let unasked = path == "/favicon.ico";
        let answer = match (state.instead, &mut state.server) {
            (Some(status), _) => revisit_replay::Response::new(status, ""),
            (None, None) => revisit_replay::Response::new(StatusCode::NOT_FOUND, ""),
            (None, Some(server)) => {
                let url = self
                    .origin
                    .join(&path)
                    .unwrap_or_else(|_| self.origin.clone());
                let request = revisit_replay::Request {
                    method: head.method.clone(),
                    url,
                    headers: head.headers,
                    destination: Destination::Fetch,
                    body_bytes: None,
                };
                match server.answer(&request, self.clock.now()) {
                    Answer::Response(response) => response,
                    Answer::Unreachable | Answer::NotRecorded => {
                        revisit_replay::Response::new(StatusCode::NOT_FOUND, "")
                    }
                }
            }
        };
        if !unasked {
            let line = line(head.method.as_str(), &path, answer.status.as_u16());
            state.asked.push(line);
        }
        drop(state);
        let mut response = http::Response::new(Body::from(answer.body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        // Bodies are sent as they are: how they are encoded changes no request.
        response.headers_mut().remove(CONTENT_ENCODING);
        Ok(response)
    }
}
