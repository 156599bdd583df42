//! A private cache, as a browser has one, around hyper's client.
//!
//! ```text
//! cargo run -p revisit-engine --features tower --example private_cache -- http://127.0.0.1:3000/
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use revisit_engine::Body;
use revisit_engine::tower::CacheLayer;
use tower_layer::Layer;
use tower_service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let url = std::env::args().nth(1).ok_or("which URL? `http://…`")?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let mut client = CacheLayer::private().layer(client);

    for _ in 0..3 {
        let request = http::Request::get(&url).body(Body::empty())?;
        let response = client.call(request).await?;
        let said = response.headers().get("cache-status").cloned();
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        println!("{status}, {} bytes, {said:?}", body.len());
    }
    Ok(())
}
