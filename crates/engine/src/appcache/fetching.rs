//! Requests of updates, and bodies: whole into memory, or into the store while they come.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use http_body::Body as _;
use revisit_rules::appcache::{Answer, Failed, Fetched, GroupId, page};
use revisit_rules::http::Times;
use revisit_store::StoreError;
use url::Url;

use super::Inner;
use super::held::Held;
use super::keep::space_of;
use crate::{Body, BodyError, Fetch, Request};

impl<F: Fetch> Inner<F> {
    /// One request of an update: no redirect is followed, and the answer comes whole or not at all.
    pub(super) async fn fetch_for_update(
        self: &Arc<Self>,
        group: GroupId,
        url: Url,
        conditions: HeaderMap,
        is_manifest: bool,
    ) -> Fetched<Held> {
        let asked_at = self.clock.now();
        let Some(mut request) = request(&url, Method::GET, conditions) else {
            return Fetched::Failed(Failed::Network);
        };
        // a manifest is compared and read, and files are answered to whoever asks
        request
            .headers_mut()
            .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let response = match self.network.fetch(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::debug!(%url, %error, "an update cannot fetch");
                return Fetched::Failed(Failed::Network);
            }
        };
        let (head, body) = response.into_parts();
        let mut answer = Answer {
            status: head.status,
            times: Times {
                request: asked_at,
                response: self.clock.now(),
            },
            body: Held::bytes(Bytes::new()),
            bytes: None,
            manifest: None,
            headers: head.headers,
        };
        if !head.status.is_success() {
            return Fetched::Answer(answer);
        }
        if is_manifest {
            let Ok(Read::Whole(bytes)) = read(body, self.options.manifest_bytes_max).await else {
                return Fetched::Failed(Failed::Network);
            };
            answer.bytes = Some(bytes.to_vec().into());
            answer.body = Held::bytes(bytes);
            return Fetched::Answer(answer);
        }
        let is_page = is_page(&answer.headers);
        match self.write_body(group, body, is_page).await {
            Ok((held, start)) => {
                answer.manifest = page::manifest_attribute(&start);
                answer.body = held;
                Fetched::Answer(answer)
            }
            Err(failed) => Fetched::Failed(failed),
        }
    }

    /// Writes a body into the store while it comes; of a page also its start.
    async fn write_body(
        self: &Arc<Self>,
        group: GroupId,
        mut body: Body,
        is_page: bool,
    ) -> Result<(Held, Bytes), Failed> {
        let share = self.look(|state| {
            let space = space_of(state.caches.manifest_url(group)?);
            Some(state.on_their_way.share(space))
        });
        // an update that is over wants nothing any more
        let mut share = share.ok_or(Failed::Network)?;
        let mut staging = self.store.stage(self.options.file_bytes_max);
        let mut start = BytesMut::new();
        while let Some(piece) = next(&mut body).await {
            let piece = piece.map_err(|_| Failed::Network)?;
            if is_page && start.len() < page::LOOK_BYTES_MAX {
                start.extend_from_slice(&piece);
            }
            share.add(piece.len() as u64);
            // what cannot be committed does not fill the disk until then
            if !self.has_room(group, &share).await {
                let bytes_max = self.options.origin_bytes_max;
                tracing::warn!(bytes_max, "the files of an application cache are too large");
                return Err(Failed::NoRoom);
            }
            staging.write(piece).await.map_err(no_room)?;
        }
        let staged = staging.finish().await.map_err(no_room)?;
        Ok((Held::staged(staged, share), start.freeze()))
    }
}

fn no_room(error: StoreError) -> Failed {
    tracing::warn!(%error, "a file of an application cache cannot be kept");
    Failed::NoRoom
}

/// A body that was read as far as it may be.
pub(super) enum Read {
    Whole(Bytes),
    /// It is larger: what was read, and the rest.
    Larger(Bytes, Body),
}

/// Reads a body into memory.
pub(super) async fn read(mut body: Body, bytes_max: u64) -> Result<Read, BodyError> {
    let mut all = BytesMut::new();
    while let Some(piece) = next(&mut body).await {
        all.extend_from_slice(&piece?);
        if all.len() as u64 > bytes_max {
            return Ok(Read::Larger(all.freeze(), body));
        }
    }
    Ok(Read::Whole(all.freeze()))
}

/// The next bytes of a body; trailers are passed over.
pub(super) async fn next(body: &mut Body) -> Option<Result<Bytes, BodyError>> {
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => return Some(Ok(data)),
            Ok(Err(_)) => {}
            Err(error) => return Some(Err(error)),
        }
    }
}

/// A request in absolute form. `None`: what the URL parser takes is not always a URI.
pub(super) fn request(url: &Url, method: Method, headers: HeaderMap) -> Option<Request> {
    let mut url = url.clone();
    url.set_fragment(None);
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = url.as_str().parse().ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

/// Whether a response may be a page that names a manifest.
pub(super) fn is_page(headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let essence = said.and_then(|it| it.split(';').next()).map(str::trim);
    essence.is_some_and(|it| {
        it.eq_ignore_ascii_case("text/html") || it.eq_ignore_ascii_case("application/xhtml+xml")
    })
}
