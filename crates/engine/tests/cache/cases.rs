//! Runs the cases in `tests/conformance/cases/`, or those in the folder that `REVISIT_CACHE_CASES` names.
//!
//! A case is a row of requests. Where a step says what the `origin` answers, exactly one request must
//! reach it until all is quiet again, with the fields of `asked` (`null`: without that field); where
//! it does not, none may. `expect` is of the answer: a part of it, `cache` a part of the last
//! `Cache-Status`. `{-60}` in a field is the date of a minute ago.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use revisit_engine::cache::{Cache, CacheOptions};
use revisit_engine::{Body, Clock, Fetch, FetchError, Request, Response};
use revisit_rules::http::Policy;
use revisit_rules::http::profile::SetCookie;
use serde::Deserialize;

use super::{Moved, run, settle, text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Which text, or which key of the config, it is by.
    source: String,
    #[serde(default)]
    options: Options,
    steps: Vec<Step>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Options {
    profile: Option<String>,
    set_cookie: Option<String>,
    variants_max: Option<usize>,
    body_bytes_max: Option<u64>,
    no_vary_search: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Seconds before it.
    #[serde(default)]
    wait: u64,
    /// Method and target.
    ask: String,
    #[serde(default)]
    with: BTreeMap<String, String>,
    origin: Option<Says>,
    #[serde(default)]
    asked: BTreeMap<String, Option<String>>,
    #[serde(default)]
    expect: Expect,
}

#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Says {
    /// `down`: nobody is there.
    Word(String),
    Answer(Answer),
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Answer {
    status: Option<u16>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Expect {
    status: Option<u16>,
    body: Option<String>,
    cache: Option<String>,
    fields: BTreeMap<String, Option<String>>,
    /// There is no answer.
    error: bool,
}

/// Says what the step says, and keeps what it was asked.
#[derive(Clone)]
struct Origin {
    says: Arc<Mutex<Option<Says>>>,
    asked: Arc<Mutex<Vec<http::HeaderMap>>>,
    clock: Arc<Moved>,
}

impl Fetch for Origin {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        self.asked.lock().unwrap().push(request.headers().clone());
        let says = self.says.lock().unwrap().clone();
        if let Some(Says::Word(word)) = &says {
            assert_eq!(word, "down", "the one word that an origin says");
        }
        let Some(Says::Answer(answer)) = says else {
            return Err(FetchError::Unreachable {
                origin: "the origin of a test".into(),
                source: "nobody is there".into(),
            });
        };
        let mut response = Response::new(Body::from(answer.body));
        let status = answer.status.unwrap_or(200);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in &answer.fields {
            let value = dated(value, &self.clock);
            response.headers_mut().append(field(name), value);
        }
        Ok(response)
    }
}

fn field(name: &str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).unwrap()
}

fn dated(value: &str, clock: &Moved) -> HeaderValue {
    let offset = value
        .strip_prefix('{')
        .and_then(|value| value.strip_suffix('}')?.parse::<i64>().ok());
    let Some(offset) = offset else {
        return HeaderValue::from_str(value).unwrap();
    };
    let distance = Duration::from_secs(offset.unsigned_abs());
    let time = match offset < 0 {
        true => clock.now() - distance,
        false => clock.now() + distance,
    };
    HeaderValue::from_str(&httpdate::fmt_http_date(time)).unwrap()
}

fn options(of: &Options) -> CacheOptions {
    let mut policy = match of.profile.as_deref() {
        None | Some("shared") => Policy::shared(),
        Some("private") => Policy::private(),
        Some("chromium") => Policy::chromium(),
        Some(other) => panic!("there is no profile `{other}`"),
    };
    match of.set_cookie.as_deref() {
        None | Some("safer") => {}
        Some("rfc") => policy.set_cookie = SetCookie::Rfc,
        Some(other) => panic!("there is no set_cookie `{other}`"),
    }
    if let Some(counts) = of.no_vary_search {
        policy.no_vary_search = counts;
    }
    let mut options = CacheOptions::new(policy);
    options.variants_max = of.variants_max.unwrap_or(options.variants_max);
    options.body_bytes_max = of.body_bytes_max.unwrap_or(options.body_bytes_max);
    options
}

/// Plays a case; the first thing that is otherwise, if there is one.
async fn play(case: &Case) -> Result<(), String> {
    let clock = Arc::new(Moved::default());
    let origin = Origin {
        says: Arc::default(),
        asked: Arc::default(),
        clock: clock.clone(),
    };
    let cache = Cache::before(origin.clone(), options(&case.options), clock.clone());
    for (number, step) in case.steps.iter().enumerate() {
        let here = |what: String| Err(format!("step {number}, {}: {what}", step.ask));
        clock.advance(step.wait);
        *origin.says.lock().unwrap() = step.origin.clone();
        origin.asked.lock().unwrap().clear();
        let answer = cache.fetch(request(step)).await;
        let found = match answer {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                Ok((parts, text(body).await.map_err(|error| error.to_string())))
            }
            Err(error) => Err(error),
        };
        settle().await;
        let asked = origin.asked.lock().unwrap().clone();
        if asked.len() != usize::from(step.origin.is_some()) {
            return here(format!("the origin was asked {} times", asked.len()));
        }
        for (name, expected) in &step.asked {
            let value = asked.first().and_then(|asked| asked.get(name));
            let value = value.and_then(|value| value.to_str().ok());
            if value != expected.as_deref() {
                return here(format!("the origin was asked with {name}: {value:?}"));
            }
        }
        if let Some(difference) = differs(&step.expect, found) {
            return here(difference);
        }
    }
    Ok(())
}

fn request(step: &Step) -> Request {
    let (method, target) = step.ask.split_once(' ').unwrap();
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
    *request.uri_mut() = target.parse().unwrap();
    let host = HeaderValue::from_static("shop.example");
    request.headers_mut().insert("host", host);
    for (name, value) in &step.with {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().insert(field(name), value);
    }
    request
}

type Found = Result<(http::response::Parts, Result<String, String>), FetchError>;

fn differs(expect: &Expect, found: Found) -> Option<String> {
    let (parts, body) = match found {
        Err(_) if expect.error => return None,
        Err(error) => return Some(format!("no answer: {error}")),
        Ok(_) if expect.error => return Some("there is an answer".into()),
        Ok(found) => found,
    };
    let told = parts
        .headers
        .get_all("cache-status")
        .into_iter()
        .next_back();
    let told = told.and_then(|told| told.to_str().ok()).unwrap_or_default();
    if expect.status.unwrap_or(200) != parts.status.as_u16() {
        return Some(format!("status {}, {told}", parts.status));
    }
    match (&expect.body, body) {
        (_, Err(error)) => return Some(format!("its body is cut: {error}")),
        (Some(expected), Ok(body)) if *expected != body => {
            return Some(format!("body `{body}`, {told}"));
        }
        _ => {}
    }
    if let Some(part) = &expect.cache
        && !told.contains(part.as_str())
    {
        return Some(format!("cache-status: {told}"));
    }
    expect.fields.iter().find_map(|(name, expected)| {
        let value = parts.headers.get(name).map(|value| value.to_str().unwrap());
        (value != expected.as_deref()).then(|| format!("{name}: {value:?}, {told}"))
    })
}

#[test]
fn the_cache_does_what_each_case_says() {
    let folder = std::env::var_os("REVISIT_CACHE_CASES").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/cases")
    });
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    let (mut failures, mut count) = (Vec::new(), 0);
    for file in &files {
        let json = std::fs::read_to_string(file).unwrap();
        let cases: Vec<Case> = serde_json::from_str(&json)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for case in cases {
            count += 1;
            run(async {
                if let Err(difference) = play(&case).await {
                    let Case { name, source, .. } = &case;
                    failures.push(format!("{name} ({source})\n    {difference}"));
                }
            });
        }
    }
    assert!(count > 0, "there are no cases in {}", folder.display());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
