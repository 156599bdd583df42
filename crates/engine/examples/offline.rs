//! Match, else fetch, clone and put, else a fallback picture: the way of most service workers.
//!
//! ```text
//! cargo run -p revisit-engine --features cache-api,origin --example offline -- STORE http://127.0.0.1:3000/logo.png
//! ```
//!
//! The first start asks the server; the second one answers without it, since what was put is on
//! the disk. Where there is neither, the fallback answers, which the first start put beside it.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use revisit_engine::cache_api::{CacheError, CacheStorage, QueryOptions, RequestUrl, Response};
use revisit_engine::origin::{Origin, OriginLimits, OriginUrl};
use revisit_engine::{Body, Fetch, SystemClock};
use revisit_store::{Options, Store};

/// What is shown when there is no picture.
const FALLBACK: &str = "/fallback.svg";
const FALLBACK_SVG: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/>";

/// What a worker does on `install`: all or nothing, before anything is answered.
pub(crate) async fn install(caches: &CacheStorage) -> Result<(), CacheError> {
    let cache = caches.open("pictures").await?;
    cache.put(FALLBACK, Response::new(FALLBACK_SVG)).await
}

/// What it does on `fetch`.
pub(crate) async fn picture<F: Fetch>(
    caches: &CacheStorage,
    network: &F,
    url: &RequestUrl,
) -> Result<Option<Response>, CacheError> {
    let options = QueryOptions::default();
    if let Some(kept) = caches.match_(url.as_str(), options).await? {
        return Ok(Some(kept));
    }
    let request = http::Request::get(url.path_and_query()).body(Body::empty());
    let fetched = match request {
        Ok(request) => network.fetch(request).await.ok(),
        Err(_) => None,
    };
    match fetched.map(Response::from) {
        Some(mut response) if response.ok() => {
            // Ready when it is on the disk; the other half is still to be read.
            let cache = caches.open("pictures").await?;
            cache.put(url.as_str(), response.try_clone()?).await?;
            Ok(Some(response))
        }
        _ => caches.match_(FALLBACK, options).await,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, url] = &words[..] else {
        return Err("two words, please: the folder of the store, and the URL of a picture".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let store = Store::open(folder, Options::durable())?;
        let caches = CacheStorage::new(store, url)?;
        install(&caches).await?;
        let url = RequestUrl::parse(url, None)?;
        let origin = OriginUrl::parse(&url.origin())?;
        let clock = Arc::new(SystemClock::start());
        let network = Origin::new(origin, OriginLimits::default(), clock);
        let answer = picture(&caches, &network, &url).await?;
        let bytes = match answer {
            Some(response) => response.into_bytes(64 << 20).await?,
            None => return Err("there is not even a fallback".into()),
        };
        Ok(std::io::stdout().write_all(&bytes)?)
    })
}
