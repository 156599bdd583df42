//! What the one who runs a gateway may ask of it: is it well, what has it done, and throw this out.
//!
//! It has an address of its own. A page in a browser of the same machine can reach that too, so
//! that whatever a browser marks as sent by a page (`Origin`) is refused.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, ORIGIN};
use http::{Method, StatusCode};
use http_body::Body as _;
use revisit_engine::cache::{Cache, PurgeError};
use revisit_engine::{Body, BodyError, Fetch, FetchError, Request, Response};

use crate::Metrics;

/// Answers `/healthz`, `/metrics`, and POST to `/purge/url`, `/purge/prefix`, `/purge/tag` with one
/// of them a line in the body, and to `/purge/all`.
pub struct Admin<F> {
    cache: Cache<F>,
    metrics: Arc<Metrics>,
    token: Option<String>,
}

impl<F: Fetch> Admin<F> {
    /// With `token`, all but `/healthz` wants `Authorization: Bearer TOKEN`.
    pub fn new(cache: Cache<F>, metrics: Arc<Metrics>, token: Option<String>) -> Self {
        Self {
            cache,
            metrics,
            token,
        }
    }

    fn may(&self, request: &Request) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let said = request
            .headers()
            .get(AUTHORIZATION)
            .map(HeaderValue::as_bytes);
        let said = said.and_then(|said| said.strip_prefix(b"Bearer "));
        said.is_some_and(|said| is_same(said, token.as_bytes()))
    }

    async fn purge(&self, what: &str, lines: &str) -> Result<usize, PurgeError> {
        if what == "all" {
            return self.cache.purge_all().await;
        }
        let mut purged = 0;
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            purged += match what {
                "url" => usize::from(self.cache.purge_url(line).await?),
                "prefix" => self.cache.purge_prefix(line).await?,
                _ => self.cache.purge_tag(line).await?,
            };
        }
        Ok(purged)
    }
}

impl<F: Fetch> Fetch for Admin<F> {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let path = request.uri().path().to_owned();
        let (method, page) = (
            request.method().clone(),
            request.headers().contains_key(ORIGIN),
        );
        if path != "/healthz" && !self.may(&request) {
            let text = "this wants `Authorization: Bearer` with the token of the config\n";
            return Ok(text_answer(StatusCode::UNAUTHORIZED, text.to_owned()));
        }
        let (status, text) = match (&method, path.as_str()) {
            (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, "well\n".to_owned()),
            (&Method::GET, "/metrics") => {
                let text = self.metrics.text(self.cache.size(), self.cache.disk_size());
                (StatusCode::OK, text)
            }
            (&Method::POST, "/purge/url" | "/purge/prefix" | "/purge/tag" | "/purge/all") if page => (
                StatusCode::FORBIDDEN,
                "a page in a browser purges nothing\n".to_owned(),
            ),
            (&Method::POST, "/purge/url" | "/purge/prefix" | "/purge/tag" | "/purge/all") => {
                let what = path.trim_start_matches("/purge/");
                match read(request.into_body()).await {
                    Ok(lines) => match self.purge(what, &lines).await {
                        Ok(purged) => (StatusCode::OK, format!("{{\"purged\": {purged}}}\n")),
                        Err(error @ PurgeError::NoUrl(_)) => {
                            (StatusCode::BAD_REQUEST, format!("{error}\n"))
                        }
                        Err(error @ PurgeError::Disk(_)) => {
                            (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))
                        }
                    },
                    Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
                }
            }
            _ => (
                StatusCode::NOT_FOUND,
                "there are GET /healthz, GET /metrics, POST /purge/url, /purge/prefix, /purge/tag, /purge/all\n"
                    .to_owned(),
            ),
        };
        Ok(text_answer(status, text))
    }
}

/// A body of text, as long as a list of URLs may be.
async fn read(mut body: Body) -> Result<String, BodyError> {
    let mut bytes = Vec::new();
    while let Some(frame) =
        std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await
    {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > BODY_BYTES_MAX {
            return Err(format!("more than {BODY_BYTES_MAX} bytes at once").into());
        }
    }
    Ok(String::from_utf8(bytes)?)
}

fn text_answer(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Compares without telling by its time how much of a guess is right.
fn is_same(guess: &[u8], token: &[u8]) -> bool {
    let differs = guess
        .iter()
        .zip(token)
        .fold(0, |differs, (a, b)| differs | (a ^ b));
    guess.len() == token.len() && differs == 0
}

const BODY_BYTES_MAX: usize = 1 << 20;
