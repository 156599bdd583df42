//! The Cache API as a program sees it, on the store in memory. The cases are those of the
//! specification's steps and of the Web Platform Tests' `cache-storage`, in our words.

#![allow(clippy::unwrap_used, reason = "tests")]

mod added;
mod kept;
mod matched;
mod model;
mod named;
mod on_disk;
mod quota;

use std::future::Future;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::*;
use crate::Body;
use crate::record::ResponseHead;

const BASE: &str = "https://example.com/app/";

pub(super) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

async fn new_cache() -> Cache {
    let caches = CacheStorage::in_memory(BASE).unwrap();
    caches.open("test").await.unwrap()
}

/// Fields from `name: value; name: value`.
fn fields(text: &str) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in text.split(';').filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        fields.append(
            name.trim().parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value.trim()).unwrap(),
        );
    }
    fields
}

fn request(method: &str, url: &str, headers: &str) -> Request {
    Request {
        method: Method::from_bytes(method.as_bytes()).unwrap(),
        url: RequestUrl::parse(url, None).unwrap(),
        headers: fields(headers),
    }
}

fn get(url: &str) -> Request {
    request("GET", url, "")
}

fn response(status: u16, headers: &str, body: &str) -> Response {
    let head = ResponseHead {
        status,
        headers: fields(headers),
        ..ResponseHead::default()
    };
    Response::with_head(head, Some(Body::from(body.to_owned())))
}

async fn text(response: Response) -> String {
    let bytes = response.into_bytes(u64::MAX).await.unwrap();
    String::from_utf8(bytes.into()).unwrap()
}

/// The body of what matches.
async fn matched(cache: &Cache, request: impl IntoRequest) -> Option<String> {
    let found = cache.match_(request, QueryOptions::default()).await;
    match found.unwrap() {
        Some(response) => Some(text(response).await),
        None => None,
    }
}

async fn urls(cache: &Cache) -> Vec<String> {
    let keys = cache.keys().await.unwrap();
    keys.iter().map(|key| key.url.to_string()).collect()
}

fn name_of<T: std::fmt::Debug>(result: Result<T, CacheError>) -> &'static str {
    result.expect_err("it should be rejected").name()
}
