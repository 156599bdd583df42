//! Adding: what a [`Fetch`] brings is put, all of it or nothing.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use http::header::{AUTHORIZATION, HOST, HeaderValue, LOCATION};
use revisit_rules::cache_api::{RequestUrl, ResponseType, admit};

use super::put::New;
use super::storage::Shared;
use super::{Cache, CacheError, IntoRequest, Request, Response, UrlList};
use crate::{Body, Fetch};

impl Cache {
    /// `add(request)`: fetches it, and puts what comes.
    ///
    /// `TypeError` where [`Cache::put`] has one, and for a status that is not ok and whatever cannot
    /// be fetched.
    pub fn add<F: Fetch>(
        &self,
        fetch: &F,
        request: impl IntoRequest,
    ) -> impl Future<Output = Result<(), CacheError>> + Send {
        self.add_all(fetch, [request])
    }

    /// `addAll(requests)`: fetches them, a few at once, and puts all that comes in one step; nothing
    /// is kept if one of them cannot be.
    ///
    /// `InvalidStateError` if one request would be answered by what another brings; else as
    /// [`Cache::add`].
    pub fn add_all<F: Fetch, R: IntoRequest>(
        &self,
        fetch: &F,
        requests: impl IntoIterator<Item = R>,
    ) -> impl Future<Output = Result<(), CacheError>> + Send {
        // All are looked at before the first is fetched.
        let admitted = |request: R| {
            let request = request.into_request(&self.shared.base)?;
            admit::request(&request.method, &request.url)?;
            Ok(request)
        };
        let requests: Result<Vec<Request>, CacheError> =
            requests.into_iter().map(admitted).collect();
        async move {
            let fetches = requests?.into_iter();
            let fetches = fetches.map(|request| fetched(&self.shared, fetch, request));
            let new = all(fetches, self.shared.options.fetches_max).await?;
            match new.is_empty() {
                true => Ok(()),
                false => self.commit(new).await,
            }
        }
    }
}

/// Fetches one request and takes the body in.
async fn fetched<F: Fetch>(
    shared: &Shared,
    fetch: &F,
    request: Request,
) -> Result<New, CacheError> {
    let response = follow(shared, fetch, &request).await?;
    admit::add(&request.url, response.head().as_rules())?;
    New::of(shared, request, response).await
}

/// Fetches, and follows redirects (Fetch, "HTTP-redirect fetch").
async fn follow<F: Fetch>(
    shared: &Shared,
    fetch: &F,
    request: &Request,
) -> Result<Response, CacheError> {
    let mut urls = vec![request.url.clone()];
    let mut headers = request.headers.clone();
    loop {
        // Never empty: it begins with the URL of the request.
        let url = urls.last().unwrap_or(&request.url).clone();
        let mut asked = http::Request::new(Body::empty());
        let not_http = |error: http::Error| CacheError::NotHttp {
            url: url.to_string(),
            source: Arc::new(error),
        };
        let target = url.path_and_query().parse::<http::Uri>();
        *asked.uri_mut() = target.map_err(|error| not_http(error.into()))?;
        *asked.headers_mut() = headers.clone();
        let host = HeaderValue::from_str(url.authority());
        let host = host.map_err(|error| not_http(error.into()))?;
        asked.headers_mut().insert(HOST, host);
        asked.extensions_mut().insert(url.clone());
        let mut response = fetch
            .fetch(asked)
            .await
            .map_err(|error| CacheError::Network {
                url: url.to_string(),
                source: Arc::new(error),
            })?;
        let location = match response.status().as_u16() {
            301 | 302 | 303 | 307 | 308 => response.headers().get(LOCATION),
            _ => None,
        };
        let Some(location) = location else {
            let extensions = response.extensions_mut();
            extensions.get_or_insert_with(|| match shared.key.is_origin_of(&url) {
                true => ResponseType::Basic,
                false => ResponseType::Cors,
            });
            extensions.get_or_insert_with(|| UrlList(urls));
            return Ok(response.into());
        };
        let next = redirected(&url, location.as_bytes());
        let next = next.and_then(|next| match urls.len() > shared.options.redirects_max {
            true => Err("it is one redirect too many"),
            false => Ok(next),
        });
        let next = next.map_err(|why| CacheError::Redirect {
            url: url.to_string(),
            why,
        })?;
        // "If request's current URL's origin is not same origin with locationURL's origin, then …
        // delete headerName from request's header list" for Authorization.
        if next.origin() != url.origin() {
            headers.remove(AUTHORIZATION);
        }
        urls.push(next);
    }
}

/// Where a redirect leads (Fetch, "location URL").
fn redirected(from: &RequestUrl, location: &[u8]) -> Result<RequestUrl, &'static str> {
    let location = std::str::from_utf8(location).map_err(|_| "its `Location` is not UTF-8")?;
    let url = RequestUrl::parse(location, Some(from));
    let url = url.map_err(|_| "its `Location` is no URL of a request")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("its `Location` is neither `http` nor `https`");
    }
    // "If location is a URL whose fragment is null, then set location's fragment to requestFragment."
    let fragment = &from.as_str()[from.without_fragment().len()..];
    match url.as_str().len() == url.without_fragment().len() {
        true => Ok(RequestUrl::of(&format!("{url}{fragment}"))),
        false => Ok(url),
    }
}

/// Waits for all, of which at most `at_once` are under way; the first error ends all.
async fn all<T, F>(futures: impl Iterator<Item = F>, at_once: usize) -> Result<Vec<T>, CacheError>
where
    F: Future<Output = Result<T, CacheError>>,
{
    let mut waiting = futures.enumerate().fuse();
    let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    let mut done: Vec<(usize, T)> = Vec::new();
    poll_fn(|cx| {
        loop {
            while running.len() < at_once.max(1)
                && let Some((place, future)) = waiting.next()
            {
                running.push((place, Box::pin(future)));
            }
            let mut ended = false;
            let mut index = 0;
            while let Some((place, future)) = running.get_mut(index) {
                match future.as_mut().poll(cx) {
                    Poll::Pending => index += 1,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(value)) => {
                        done.push((*place, value));
                        running.swap_remove(index);
                        ended = true;
                    }
                }
            }
            if running.is_empty() && !ended {
                return Poll::Ready(Ok(()));
            }
            if !ended {
                return Poll::Pending;
            }
        }
    })
    .await?;
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, value)| value).collect())
}
