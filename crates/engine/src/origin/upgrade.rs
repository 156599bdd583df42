//! Other protocols on the same connection (RFC 9110 §7.8): WebSocket and its kin pass through.
//!
//! Whoever listens marks a request that asks for one by an [`Upgrading`]. When the origin agrees,
//! its 101 goes up to the client, and from then on bytes go both ways until either side ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderMap;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::body::Progress;
use super::pool::{Checkout, Place};
use super::while_moving;
use crate::{Body, BodyError, Request, Response, Upgrading};

/// Puts what the client asks for into the request.
pub(super) fn ask(Upgrading(protocols): &Upgrading, headers: &mut HeaderMap) {
    headers.insert(UPGRADE, protocols.clone());
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
}

/// The client's side of a connection that is to speak another protocol, if it asks for one.
pub(super) fn client_side(request: &mut Request) -> Option<OnUpgrade> {
    request.extensions().get::<Upgrading>()?;
    Some(hyper::upgrade::on(request))
}

/// Lets bytes go both ways until either side ends or nothing came for `idle_max`, and gives the answer
/// that says so. The places are taken until then.
pub(super) fn join(
    client: Option<OnUpgrade>,
    mut response: http::Response<Incoming>,
    (checkout, held): (Checkout, Place),
    idle_max: Duration,
) -> Result<Response, BodyError> {
    let client = client.ok_or("the origin changes the protocol, and nobody asked for it")?;
    let origin = hyper::upgrade::on(&mut response);
    // The connection is no longer one for requests.
    let places = (checkout.give_back_place(), held);
    tokio::spawn(async move {
        let sides = tokio::try_join!(client, origin);
        if let Ok((client, origin)) = sides {
            let progress = Progress::default();
            let moving = |stream| Moving {
                stream: TokioIo::new(stream),
                progress: progress.clone(),
            };
            let (mut client, mut origin) = (moving(client), moving(origin));
            let joined = tokio::io::copy_bidirectional(&mut client, &mut origin);
            match while_moving(joined, &progress, idle_max).await {
                Some(Ok(_)) => {}
                Some(Err(error)) => tracing::debug!(%error, "a tunnel ended"),
                None => tracing::debug!(?idle_max, "a tunnel ended: nothing came"),
            }
        }
        drop(places);
    });
    let (mut parts, _) = response.into_parts();
    parts
        .headers
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    Ok(Response::from_parts(parts, Body::empty()))
}

/// One side of a tunnel, of which is told that bytes came.
struct Moving<S> {
    stream: S,
    progress: Progress,
}

impl<S: AsyncRead + Unpin> AsyncRead for Moving<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.progress.note();
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Moving<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
