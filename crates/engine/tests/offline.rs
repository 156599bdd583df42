//! The example does what it says: the second start needs no server.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use revisit_engine::cache_api::{CacheStorage, RequestUrl};
use revisit_engine::{Fetch, FetchError, Request, Response};
use revisit_store::{Options, Store};

#[allow(dead_code)]
#[path = "../examples/offline.rs"]
mod offline;

/// A network that can be cut.
struct Network {
    up: bool,
}

impl Fetch for Network {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let target = request.uri().to_string();
        match self.up {
            true => Ok(http::Response::new(format!("picture of {target}").into())),
            false => Err(FetchError::Unreachable {
                origin: target,
                source: "the cable is out".into(),
            }),
        }
    }
}

/// Starts the program anew, and asks it for a picture.
async fn start(folder: &Path, up: bool, path: &str) -> String {
    let store = Store::open(folder, Options::durable()).unwrap();
    let caches = CacheStorage::new(store, "https://shop.example/").unwrap();
    offline::install(&caches).await.unwrap();
    let url = format!("https://shop.example{path}");
    let url = RequestUrl::parse(&url, None).unwrap();
    let answer = offline::picture(&caches, &Network { up }, &url).await;
    let bytes = answer.unwrap().unwrap().into_bytes(1000).await.unwrap();
    String::from_utf8(bytes.into()).unwrap()
}

#[test]
fn the_second_start_answers_without_a_network_and_the_rest_gets_the_fallback() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let first = start(folder.path(), true, "/a.png?x").await;
        assert_eq!(first, "picture of /a.png?x");
        assert_eq!(start(folder.path(), false, "/a.png?x").await, first);
        let fallback = start(folder.path(), false, "/b.png").await;
        assert!(fallback.starts_with("<svg"), "{fallback}");
    });
}
