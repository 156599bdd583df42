//! Plays the probes: questions that are no cell of the grid, each in its own way.

use http::{HeaderMap, HeaderValue, Method};
use revisit_replay::{Action, CacheMode, Credentials, Destination, Fetching, Phase, Visit};
use serde_json::{Value, json};
use url::Url;

use super::cells::{open_page, status};
use super::truth::Tally;
use crate::server::{answered, element, url};
use crate::stage::Stage;

/// One probe.
pub(crate) fn play(name: &str, expected: &Value, tally: &mut Tally) {
    let played = match name {
        "unsafe methods invalidate the same URL" => methods(expected, None),
        "unsafe methods with a body" => methods(expected, Some(10)),
        "POST error response does not invalidate" => failed_post(),
        "Cache-Group-Invalidation (RFC 9875)" => groups(),
        "credentials mode in the key" => credentials(),
        "No-Vary-Search in HTTP cache" => searches(expected),
        "Range requests" => ranges(),
        "cache partitioning by top-level site" => partitions(),
        "Clear-Site-Data" => clear_site_data(expected),
        "concurrent identical fetches" => together(expected),
        "encodings advertised on http://localhost" => encodings(),
        "early error: 5xx on revalidation with stale-if-error" => errors(expected),
        _ => panic!("`{name}` is no probe that this test knows"),
    };
    tally.count(name, &told(expected), &told_like(&played, &told(expected)));
}

/// What the model speaks of: not of other storage than caches, nor of bodies.
fn told(expected: &Value) -> Value {
    match expected {
        Value::Object(table) => {
            let known = table.iter().filter(|(name, value)| {
                let pending = value["browser"] == json!(["pending"]);
                !pending && !matches!(name.as_str(), "text" | "cacheApiKept" | "localStorageKept")
            });
            known
                .map(|(name, value)| (name.clone(), told(value)))
                .collect()
        }
        Value::Array(list) => list.iter().map(told).collect(),
        other => other.clone(),
    }
}

/// The parts of `played` that `expected` tells of.
fn told_like(played: &Value, expected: &Value) -> Value {
    match (played, expected) {
        (Value::Object(played), Value::Object(expected)) => expected
            .iter()
            .map(|(name, inner)| {
                let value = played.get(name).unwrap_or(&Value::Null);
                (name.clone(), told_like(value, inner))
            })
            .collect(),
        (Value::Array(played), Value::Array(expected)) if played.len() == expected.len() => played
            .iter()
            .zip(expected)
            .map(|(played, expected)| told_like(played, expected))
            .collect(),
        (played, _) => played.clone(),
    }
}

fn fetch(stage: &mut Stage, thing: &Url) -> Visit {
    stage.play(Action::Fetch(Fetching::get(thing.clone())))
}

/// A plain fetch, told.
fn fetched(stage: &mut Stage, thing: &Url) -> Value {
    stage.world.take_log(thing);
    let visit = fetch(stage, thing);
    json!({
        "server": stage.world.take_log(thing),
        "browser": answered(&[&visit], thing),
        "status": status(&visit, thing),
    })
}

fn fresh() -> Value {
    json!({"cache-control": "max-age=60", "etag": "@etag"})
}

fn methods(expected: &Value, body_bytes: Option<u64>) -> Value {
    let all = expected.as_object().expect("a table of methods");
    let played = all.keys().map(|method| {
        let mut stage = Stage::new();
        open_page(&mut stage);
        let thing = stage.world.put("/thing", &fresh());
        fetch(&mut stage, &thing);
        let method: Method = method.parse().expect("a method");
        stage.play(Action::Fetch(Fetching {
            method: method.clone(),
            body_bytes,
            ..Fetching::get(thing.clone())
        }));
        (method.to_string(), fetched(&mut stage, &thing))
    });
    played.collect()
}

fn failed_post() -> Value {
    let mut stage = Stage::new();
    open_page(&mut stage);
    let thing = stage.world.put("/thing", &fresh());
    fetch(&mut stage, &thing);
    stage.world.fail("/thing", Some(500));
    stage.play(Action::Fetch(Fetching {
        method: Method::POST,
        ..Fetching::get(thing.clone())
    }));
    stage.world.fail("/thing", None);
    fetched(&mut stage, &thing)
}

fn groups() -> Value {
    let mut stage = Stage::new();
    open_page(&mut stage);
    let thing = stage.world.put(
        "/thing",
        &json!({"cache-control": "max-age=60", "cache-groups": "\"g\""}),
    );
    let write = stage
        .world
        .put("/write", &json!({"cache-group-invalidation": "\"g\""}));
    fetch(&mut stage, &thing);
    stage.play(Action::Fetch(Fetching {
        method: Method::POST,
        ..Fetching::get(write)
    }));
    fetched(&mut stage, &thing)
}

fn credentials() -> Value {
    let pair = |first: Credentials, second: Credentials| {
        let mut stage = Stage::new();
        open_page(&mut stage);
        let thing = stage.world.put("/thing", &fresh());
        let with = |credentials| {
            Action::Fetch(Fetching {
                credentials,
                ..Fetching::get(thing.clone())
            })
        };
        stage.play(with(first));
        stage.world.take_log(&thing);
        let visit = stage.play(with(second));
        json!({"server": stage.world.take_log(&thing), "browser": answered(&[&visit], &thing), "status": status(&visit, &thing)})
    };
    json!({
        "omit then same-origin": pair(Credentials::Omit, Credentials::SameOrigin),
        "same-origin then omit": pair(Credentials::SameOrigin, Credentials::Omit),
    })
}

fn searches(expected: &Value) -> Value {
    let mut stage = Stage::new();
    open_page(&mut stage);
    let mut ask = |path: &str, rule: &str, first: &str, second: &str, again: bool| {
        let fields = json!({"cache-control": "max-age=60", "no-vary-search": rule});
        stage.world.put(path, &fields);
        let (first, second) = (
            url(&format!("{path}{first}")),
            url(&format!("{path}{second}")),
        );
        fetch(&mut stage, &first);
        if again {
            stage.play(Action::Fetch(Fetching::in_mode(first, CacheMode::Reload)));
        }
        let mut told = fetched(&mut stage, &second);
        // Here versions are not told.
        for entry in told["server"].as_array_mut().into_iter().flatten() {
            if let Some(entry) = entry.as_object_mut() {
                entry.remove("version");
            }
        }
        told
    };
    let all = expected.as_object().expect("a table of rules");
    let played = all.keys().filter(|name| *name != "document").map(|name| {
        let told = match name.as_str() {
            "params=(\"utm_source\"): ?id=1 -> ?id=1&utm_source=x" => ask(
                "/utm",
                "params=(\"utm_source\")",
                "?id=1",
                "?id=1&utm_source=x",
                false,
            ),
            "... -> ?id=2" => ask("/id", "params=(\"utm_source\")", "?id=1", "?id=2", false),
            "params, except=(\"id\"): z differs" => ask(
                "/except",
                "params, except=(\"id\")",
                "?id=1&z=1",
                "?id=1&z=2",
                false,
            ),
            "key-order: swapped" => ask("/order", "key-order", "?a=1&b=2", "?b=2&a=1", false),
            "params: any query" => ask("/any", "params", "?a=1", "?b=2", false),
            "force a reload then default with variant" => {
                ask("/again", "params", "?a=1", "?b=2", true)
            }
            _ => panic!("`{name}` is no rule of `No-Vary-Search` that this test knows"),
        };
        (name.clone(), told)
    });
    played.collect()
}

fn ranges() -> Value {
    let mut stage = Stage::new();
    open_page(&mut stage);
    let fields = json!({"cache-control": "max-age=60", "etag": "\"r\"", "accept-ranges": "bytes"});
    let thing = stage.world.put_file("/file", &fields, 5000);
    let mut ask = |range: Option<&str>| {
        let mut headers = HeaderMap::new();
        if let Some(range) = range {
            headers.insert(
                "range",
                HeaderValue::from_str(range).expect("a field value"),
            );
        }
        stage.world.take_log(&thing);
        let visit = stage.play(Action::Fetch(Fetching {
            headers,
            ..Fetching::get(thing.clone())
        }));
        json!({"server": stage.world.take_log(&thing), "browser": answered(&[&visit], &thing), "status": status(&visit, &thing)})
    };
    json!({
        "0-999 cold": ask(Some("bytes=0-999")),
        "0-999 again": ask(Some("bytes=0-999")),
        "500-1499 (half cached)": ask(Some("bytes=500-1499")),
        "full after partial": ask(None),
        "range after full": ask(Some("bytes=2000-2999")),
    })
}

fn partitions() -> Value {
    let asked = |visit: &Visit, thing: &Url| {
        let all = visit.exchanges.iter().filter(|one| one.url == *thing);
        all.map(|one| one.asked.len()).sum::<usize>()
    };
    let elsewhere = "http://b.example:8080/page";
    let image = {
        let mut stage = Stage::new();
        let thing = stage.world.put("/image", &fresh());
        let load = element(&thing, Destination::Image, Phase::Load);
        let here = stage.world.page("/page", vec![load.clone()]);
        let there = stage.world.page(elsewhere, vec![load]);
        stage.play(Action::Typed(here));
        asked(&stage.play(Action::Typed(there)), &thing)
    };
    let frame = {
        let mut stage = Stage::new();
        let thing = stage.world.put("/thing", &fresh());
        let frame = element(&thing, Destination::Iframe, Phase::Load);
        let there = stage.world.page(elsewhere, vec![frame]);
        stage.play(Action::Typed(thing.clone()));
        asked(&stage.play(Action::Typed(there)), &thing)
    };
    let link = {
        let mut stage = Stage::new();
        let thing = stage.world.put("/thing", &fresh());
        let there = stage.world.page(elsewhere, Vec::new());
        stage.play(Action::Typed(thing.clone()));
        stage.play(Action::Typed(there));
        let visit = stage.play(Action::Link(thing.clone()));
        json!({"server": asked(&visit, &thing), "browser": answered(&[&visit], &thing)})
    };
    json!({
        "image of site A used from top-level site B": {"server": image},
        "document of site A in iframe under B": {"server": frame},
        "cross-site link click to document cached by typed navigation": link,
    })
}

fn clear_site_data(expected: &Value) -> Value {
    let all = expected.as_object().expect("a table of values");
    let played = all.keys().map(|value| {
        let mut stage = Stage::new();
        open_page(&mut stage);
        let thing = stage.world.put("/thing", &fresh());
        let clear = stage
            .world
            .put("/clear", &json!({"clear-site-data": value}));
        fetch(&mut stage, &thing);
        fetch(&mut stage, &clear);
        let told = fetched(&mut stage, &thing);
        (value.clone(), json!({"httpCache": told["browser"]}))
    });
    played.collect()
}

fn together(expected: &Value) -> Value {
    let all = expected.as_object().expect("a table of profiles");
    let played = all.keys().map(|profile| {
        let fields = match profile.as_str() {
            "max-age=60" => fresh(),
            "no-store" => json!({"cache-control": "no-store", "etag": "@etag"}),
            "no-cache+etag" => json!({"cache-control": "no-cache", "etag": "@etag"}),
            _ => panic!("`{profile}` is no profile of this probe"),
        };
        let mut stage = Stage::new();
        let thing = stage.world.put("/thing", &fields);
        let load = element(&thing, Destination::Fetch, Phase::Load);
        let page = stage.world.page("/page", vec![load; 4]);
        stage.play(Action::Typed(page));
        (profile.clone(), stage.world.take_log(&thing))
    });
    played.collect()
}

fn encodings() -> Value {
    let mut stage = Stage::new();
    let thing = stage.world.put("/thing", &fresh());
    let visit = stage.play(Action::Typed(thing));
    let asked = visit.exchanges.first().and_then(|one| one.asked.first());
    let field = asked.and_then(|asked| asked.headers.get("accept-encoding"));
    field.map_or(Value::Null, |value| json!(value.to_str().unwrap_or("?")))
}

fn errors(expected: &Value) -> Value {
    let all = expected.as_object().expect("a table of profiles");
    let played = all.keys().map(|profile| {
        let directives = match profile.as_str() {
            "stale-if-error (stale)" => "max-age=1, stale-if-error=60",
            "max-age=1 (stale)" => "max-age=1",
            "swr (stale)" => "max-age=1, stale-while-revalidate=60",
            _ => panic!("`{profile}` is no profile of this probe"),
        };
        let mut stage = Stage::new();
        open_page(&mut stage);
        let fields = json!({"cache-control": directives, "etag": "@etag"});
        let thing = stage.world.put("/thing", &fields);
        fetch(&mut stage, &thing);
        stage.wait();
        stage.world.fail("/thing", Some(503));
        let mut told = fetched(&mut stage, &thing);
        stage.world.fail("/thing", None);
        told["afterRecovery"] = fetched(&mut stage, &thing);
        (profile.clone(), told)
    });
    played.collect()
}
