//! Pages: how one is opened, what it loads, and what its script sees.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Method;
use http::header::LOCATION;
use http_body::Frame;
use revisit_rules::appcache::{
    Answer, Entry, Event, HostId, InvalidState, Opened, Opening, Outcome, Served, Status,
    Subresource, page,
};
use revisit_rules::http::Times;
use url::Url;

use super::fetching::{Read, is_page, read, request};
use super::held::Held;
use super::{AppCache, Inner, Open};
use crate::{Body, BodyError, Fetch, FetchError, Request, Response};

/// An open page. It is closed when it is dropped.
pub struct Page<F: Fetch> {
    inner: Arc<Inner<F>>,
    host: HostId,
    address: Url,
}

/// A page as an extension of requests and responses: as long as one of its clones lives the page is open.
pub struct PageRef<F: Fetch>(pub Arc<Page<F>>);

impl<F: Fetch> Clone for PageRef<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// What a navigation brought.
pub struct Navigated<F: Fetch> {
    /// The page. Tell it when it has [loaded](Page::loaded): until then updates wait for it.
    pub page: Page<F>,
    /// Its response.
    pub response: Response,
    /// As what a cache served it; `None`: it is the network's.
    pub served: Option<Served>,
}

impl<F: Fetch> AppCache<F> {
    /// Opens the page at the URL of `request`, which is in absolute form; redirects are followed. `from` is the page
    /// that the user comes from.
    ///
    /// # Errors
    /// That of the network, if no cache answers in its place.
    pub async fn navigate(
        &self,
        request: Request,
        from: Option<&Page<F>>,
    ) -> Result<Navigated<F>, FetchError> {
        self.0.navigate(request, from.map(|it| it.host)).await
    }
}

impl<F: Fetch> Fetch for AppCache<F> {
    /// A request with a [`PageRef`] is a load by that page; one with `Sec-Fetch-Mode: navigate` opens a page, which
    /// is a `PageRef` in the response's extensions and has loaded when that is here. Any other goes to the network.
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        if let Some(page) = request.extensions().get::<PageRef<F>>().cloned() {
            return page.0.load(request).await;
        }
        let mode = request.headers().get("sec-fetch-mode");
        if mode.is_none_or(|mode| mode != "navigate") {
            return self.0.network.fetch(request).await;
        }
        let Navigated {
            page, mut response, ..
        } = self.navigate(request, None).await?;
        page.loaded();
        response.extensions_mut().insert(PageRef(Arc::new(page)));
        Ok(response)
    }
}

impl<F: Fetch> Page<F> {
    /// The document's address.
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// The page has loaded: events come, and an update that waits for it goes on.
    pub fn loaded(&self) {
        let answer = self
            .inner
            .look(|state| state.pages.get_mut(&self.host)?.answer.take());
        self.inner
            .change(|caches, now| caches.loaded(self.host, answer, now));
    }

    /// A load by the page, of the URL of `request`, which is in absolute form. A redirect is an answer; where it
    /// leads is another load.
    ///
    /// # Errors
    /// That of the network; [`FetchError::Unreachable`] if the manifest lets only listed files load.
    pub async fn load(&self, request: Request) -> Result<Response, FetchError> {
        let url = url_of(&request)?;
        let method = request.method().clone();
        let found =
            self.inner.look(
                |state| match state.caches.subresource(self.host, &method, &url) {
                    Subresource::Cached(entry) => Found::Entry(response_of(entry)),
                    Subresource::Refused => Found::Refused,
                    Subresource::Network(_) | Subresource::NetworkElse(_) => Found::Network,
                },
            );
        match found {
            Found::Entry(response) => return response.ok_or_else(|| unreadable(&url)),
            Found::Refused => {
                return Err(FetchError::Unreachable {
                    origin: url.origin().ascii_serialization(),
                    source: "the application cache of the page lets only listed files load".into(),
                });
            }
            Found::Network => {}
        }
        let answered = self.inner.network.fetch(request).await;
        let outcome = outcome_of(&answered, &url);
        let instead = self.inner.look(|state| {
            let entry = state
                .caches
                .subresource_after(self.host, &method, &url, outcome)?;
            response_of(entry)
        });
        instead.map_or(answered, Ok)
    }

    /// The events since the last look, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.inner.look(|state| {
            let page = state.pages.get_mut(&self.host);
            page.map(|it| std::mem::take(&mut it.events).into())
                .unwrap_or_default()
        })
    }

    /// The next event.
    pub async fn event(&self) -> Event {
        loop {
            let changed = self.inner.changed.notified();
            let next =
                |state: &mut super::State| state.pages.get_mut(&self.host)?.events.pop_front();
            if let Some(event) = self.inner.look(next) {
                return event;
            }
            changed.await;
        }
    }

    /// `applicationCache.status`.
    pub fn status(&self) -> Status {
        self.inner.look(|state| state.caches.status(self.host))
    }

    /// `applicationCache.update()`.
    ///
    /// # Errors
    /// If the page has no cache, or its group is obsolete.
    pub fn update(&self) -> Result<(), InvalidState> {
        self.inner
            .change(|caches, now| caches.update(self.host, now))
    }

    /// `applicationCache.swapCache()`.
    ///
    /// # Errors
    /// If the page has no cache, or there is no newer one.
    pub fn swap_cache(&self) -> Result<(), InvalidState> {
        self.inner.change(|caches, _| caches.swap_cache(self.host))
    }

    /// `applicationCache.abort()`.
    pub fn abort(&self) {
        self.inner
            .change(|caches, now| caches.abort(self.host, now));
    }
}

impl<F: Fetch> Drop for Page<F> {
    fn drop(&mut self) {
        self.inner.look(|state| state.pages.remove(&self.host));
        self.inner
            .change(|caches, now| caches.closed(self.host, now));
    }
}

enum Found {
    /// A cached response; `None` if its body cannot be read.
    Entry(Option<Response>),
    Refused,
    Network,
}

/// A page's response before it is known to which page it belongs.
struct Came {
    response: Response,
    source: Option<revisit_rules::appcache::Source>,
    manifest: Option<String>,
    /// What may be kept of it.
    answer: Option<Answer<Held>>,
}

impl<F: Fetch> Inner<F> {
    async fn navigate(
        self: &Arc<Self>,
        first: Request,
        from: Option<HostId>,
    ) -> Result<Navigated<F>, FetchError> {
        let mut url = url_of(&first)?;
        let (mut method, headers) = (first.method().clone(), first.headers().clone());
        let mut first = Some(first);
        let mut hops = 0;
        loop {
            let cached = self.look(|state| {
                let source = state.caches.navigate(&url, &method, from)?;
                from_cache(state, source)
            });
            let came = match cached {
                Some(came) => came,
                None => {
                    let next = match first.take() {
                        Some(first) => first,
                        None => request(&url, method.clone(), headers.clone())
                            .ok_or_else(|| unreadable(&url))?,
                    };
                    let asked_at = self.clock.now();
                    let answered = self.network.fetch(next).await;
                    if let Ok(response) = &answered
                        && let Some(to) = redirect(response, &url)
                    {
                        hops += 1;
                        if hops > self.options.redirects_max {
                            let outcome = Outcome::Error;
                            let instead = self.after(&url, &method, from, outcome);
                            let came = instead.ok_or_else(|| too_many(&url))?;
                            return self
                                .opened_or(came, &url, &method)
                                .ok_or_else(|| too_many(&url));
                        }
                        if !matches!(response.status().as_u16(), 307 | 308)
                            && method != Method::HEAD
                        {
                            method = Method::GET;
                        }
                        url = to;
                        continue;
                    }
                    let outcome = match &answered {
                        Ok(response) => Outcome::Status(response.status()),
                        Err(_) => Outcome::Error,
                    };
                    match self.after(&url, &method, from, outcome) {
                        Some(came) => came,
                        None => self.network_page(answered?, asked_at, &method).await,
                    }
                }
            };
            if let Some(navigated) = self.opened_or(came, &url, &method) {
                return Ok(navigated);
            }
        }
    }

    /// What a cache has for a navigation that the network did not serve.
    fn after(
        &self,
        url: &Url,
        method: &Method,
        from: Option<HostId>,
        outcome: Outcome,
    ) -> Option<Came> {
        self.look(|state| {
            let source = state.caches.navigate_after(url, method, from, outcome)?;
            from_cache(state, source)
        })
    }

    /// Opens the page; `None`: its entry turned out to be foreign, and the navigation begins anew.
    fn opened_or(self: &Arc<Self>, came: Came, url: &Url, method: &Method) -> Option<Navigated<F>> {
        let served = came.source.as_ref().map(|it| it.served);
        let opened = self.change(|caches, now| {
            let opening = Opening {
                address: url,
                method,
                source: came.source,
                manifest: came.manifest.as_deref(),
                has_worker: false,
            };
            caches.open(opening, now)
        });
        let Opened::Page(host) = opened else {
            return None;
        };
        let open = Open {
            answer: came.answer,
            events: VecDeque::new(),
        };
        self.look(|state| state.pages.insert(host, open));
        let page = Page {
            inner: self.clone(),
            host,
            address: url.clone(),
        };
        Some(Navigated {
            page,
            response: came.response,
            served,
        })
    }

    /// A page from the network: one that names a manifest is wanted whole.
    async fn network_page(
        &self,
        response: Response,
        asked_at: std::time::SystemTime,
        method: &Method,
    ) -> Came {
        let times = Times {
            request: asked_at,
            response: self.clock.now(),
        };
        let mut came = Came {
            response,
            source: None,
            manifest: None,
            answer: None,
        };
        if *method != Method::GET || !is_page(came.response.headers()) {
            return came;
        }
        let (head, body) = came.response.into_parts();
        // a page without a manifest goes on as it comes
        let start = match read(body, page::LOOK_BYTES_MAX as u64).await {
            Ok(Read::Larger(start, rest)) => {
                let named = page::manifest_attribute(&start);
                let body = Body::stream(Behind(Some(start), rest));
                match named {
                    Some(_) => read(body, self.options.page_bytes_max).await,
                    None => Ok(Read::Larger(Bytes::new(), body)),
                }
            }
            whole => whole,
        };
        let (bytes, body) = match start {
            Ok(Read::Whole(bytes)) => (Some(bytes.clone()), bytes.into()),
            Ok(Read::Larger(start, rest)) => {
                came.manifest = page::manifest_attribute(&start);
                (None, Body::stream(Behind(Some(start), rest)))
            }
            Err(error) => (None, Body::stream(Broken(Some(error)))),
        };
        if let Some(bytes) = bytes {
            came.manifest = page::manifest_attribute(&bytes);
            came.answer = came.manifest.is_some().then(|| Answer {
                status: head.status,
                headers: head.headers.clone(),
                times,
                body: Held::bytes(bytes),
                bytes: None,
                manifest: came.manifest.clone(),
            });
        }
        came.response = Response::from_parts(head, body);
        came
    }
}

fn from_cache(state: &super::State, source: revisit_rules::appcache::Source) -> Option<Came> {
    let entry = state.caches.served(&source)?;
    Some(Came {
        response: response_of(entry)?,
        manifest: entry.names.clone(),
        source: Some(source),
        answer: None,
    })
}

/// An entry as an answer, with its own status and fields.
fn response_of(entry: &Entry<Held>) -> Option<Response> {
    let mut response = Response::new(entry.body.body()?);
    *response.status_mut() = entry.stored.status;
    *response.headers_mut() = entry.stored.headers.clone();
    Some(response)
}

fn outcome_of(answered: &Result<Response, FetchError>, url: &Url) -> Outcome {
    let Ok(response) = answered else {
        return Outcome::Error;
    };
    match redirect(response, url) {
        Some(to) if to.origin() != url.origin() => Outcome::RedirectedAway,
        _ => Outcome::Status(response.status()),
    }
}

/// Where a response leads, if it is a redirect.
fn redirect(response: &Response, url: &Url) -> Option<Url> {
    let follows = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| follows)?;
    url.join(location.to_str().ok()?).ok()
}

fn url_of(request: &Request) -> Result<Url, FetchError> {
    let target = request.uri().to_string();
    Url::parse(&target).map_err(|error| FetchError::Internal {
        target,
        source: format!("a browser asks for whole URLs: {error}").into(),
    })
}

fn unreadable(url: &Url) -> FetchError {
    FetchError::Internal {
        target: url.to_string(),
        source: "it cannot be read".into(),
    }
}

fn too_many(url: &Url) -> FetchError {
    FetchError::Unanswered {
        target: url.to_string(),
        source: "it is redirected more often than any browser follows".into(),
    }
}

/// Bytes that were read already, and then the rest.
struct Behind(Option<Bytes>, Body);

impl http_body::Body for Behind {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.0.take().filter(|start| !start.is_empty()) {
            Some(start) => Poll::Ready(Some(Ok(Frame::data(start)))),
            None => Pin::new(&mut self.1).poll_frame(cx),
        }
    }
}

/// A body that ended before its end.
struct Broken(Option<BodyError>);

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}
