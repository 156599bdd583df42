//! The cache before an origin, without servers and layers: one `Fetch` before another.
//!
//! ```text
//! cargo run -p revisit-engine --features cache,origin --example fetch -- http://127.0.0.1:3000 /
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use http_body_util::BodyExt;
use revisit_engine::cache::{Cache, CacheOptions, Policy};
use revisit_engine::origin::{Origin, OriginLimits, OriginUrl};
use revisit_engine::{Body, Fetch, Request, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut words = std::env::args().skip(1);
    let url = OriginUrl::parse(&words.next().ok_or("which origin? `http://…`")?)?;
    let path = words.next().unwrap_or("/".to_owned());
    let clock = Arc::new(SystemClock::start());

    let origin = Origin::new(url.clone(), OriginLimits::default(), clock.clone());
    let cache = Cache::before(origin, CacheOptions::new(Policy::shared()), clock);

    for _ in 0..3 {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse()?;
        request
            .headers_mut()
            .insert("host", url.authority().parse()?);
        let response = cache.fetch(request).await?;
        let said = response.headers().get("cache-status").cloned();
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        println!("{status}, {} bytes, {said:?}", body.len());
    }
    Ok(())
}
