//! Other protocols on the same connection (RFC 9110 §7.8): WebSocket and its kin pass through.
//!
//! Whoever listens marks a request that asks for one by an [`Upgrading`]. When the origin agrees,
//! its 101 goes up to the client, and from then on bytes go both ways until either side ends.

use http::HeaderMap;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::pool::Checkout;
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

/// Lets bytes go both ways, and gives the answer that says so.
pub(super) fn join(
    client: Option<OnUpgrade>,
    mut response: http::Response<Incoming>,
    checkout: Checkout,
) -> Result<Response, BodyError> {
    let client = client.ok_or("the origin changes the protocol, and nobody asked for it")?;
    let origin = hyper::upgrade::on(&mut response);
    // The connection is no longer one for requests; its place is taken until the end.
    let place = checkout.give_back_place();
    tokio::spawn(async move {
        let sides = tokio::try_join!(client, origin);
        if let Ok((client, origin)) = sides {
            let (mut client, mut origin) = (TokioIo::new(client), TokioIo::new(origin));
            let joined = tokio::io::copy_bidirectional(&mut client, &mut origin).await;
            if let Err(error) = joined {
                tracing::debug!(%error, "a tunnel ended");
            }
        }
        drop(place);
    });
    let (mut parts, _) = response.into_parts();
    parts
        .headers
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    Ok(Response::from_parts(parts, Body::empty()))
}
