//! The vectors: the repository's two files, or those in the file that `REVISIT_APPCACHE_VECTORS` names.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base64::Engine;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::world::{Resource, World};
use crate::appcache::{
    AppCaches, Cache, Categories, Entry, FallbackPathRule, Limits, Manifest, Opened, Opening,
    Outcome, Profile, Served, Subresource,
};
use crate::http::vary::VaryKey;
use crate::http::{Policy, Stored, Times};

const OURS: [&str; 2] = [
    include_str!("../../../../../tests/vectors/appcache-vectors.json"),
    // what the others are silent on
    include_str!("../../../../../tests/vectors/appcache-own.json"),
];
const REAL: &str = include_str!("../../../../../tests/vectors/appcache-realworld.json");

#[allow(
    clippy::disallowed_methods,
    reason = "others run these tests on vectors of their own"
)]
fn vectors() -> (Vec<Value>, bool) {
    let (texts, ours) = match std::env::var_os("REVISIT_APPCACHE_VECTORS") {
        Some(path) => (vec![std::fs::read_to_string(&path).unwrap()], false),
        None => (OURS.map(str::to_owned).into(), true),
    };
    let read = |text: String| serde_json::from_str(&text).unwrap();
    (texts.into_iter().map(read).collect(), ours)
}

/// Runs `check` on each case of a kind, and says of all that differ how.
fn each(kind: &str, check: impl Fn(&Value, bool) -> Result<(), String>) {
    let (files, ours) = vectors();
    let mut wrong = String::new();
    for file in &files {
        let cases = file[kind].as_array().unwrap();
        for case in cases {
            if let Err(why) = check(case, ours) {
                wrong.push_str(&format!("{} ({}): {why}\n", case["id"], text(case, "note")));
            }
        }
        assert!(!cases.is_empty(), "no {kind} vectors");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what} is {found:?}, not {wanted:?}"))
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn profile(case: &Value) -> Profile {
    let mut profile = Profile::STANDARD;
    match &case["profile"] {
        Value::String(name) => profile = Profile::named(name).unwrap(),
        Value::Object(switches) => {
            for (name, on) in switches {
                let on = on.as_bool().unwrap();
                match name.as_str() {
                    "crossOriginHttpsExplicit" => profile.cross_origin_https_explicit = on,
                    "fallbackPathRule" if on => {
                        profile.fallback_path_rule = FallbackPathRule::Always;
                    }
                    "fallbackPathRule" => profile.fallback_path_rule = FallbackPathRule::Never,
                    _ => panic!("no switch {name}"),
                }
            }
        }
        _ => {}
    }
    profile
}

fn manifest_bytes(case: &Value) -> Vec<u8> {
    match case["manifest_b64"].as_str() {
        Some(text) => base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap(),
        None => text(case, "manifest").as_bytes().to_vec(),
    }
}

#[test]
fn parser() {
    each("parser", |case, ours| {
        let base = url(text(case, "manifest_url"));
        let parsed = Manifest::parse(&manifest_bytes(case), &base, &profile(case));
        let expect = &case["expect"];
        same("ok", &parsed.is_ok(), &(expect["ok"] == true))?;
        let Ok(parsed) = parsed else {
            return same("error", &text(expect, "error"), &"magic-signature");
        };
        let urls = |urls: &[Url]| Value::from(urls.iter().map(Url::as_str).collect::<Vec<_>>());
        same("explicit", &urls(&parsed.explicit), &expect["explicit"])?;
        same("network", &urls(&parsed.network), &expect["network"])?;
        let pairs = parsed.fallback.iter();
        let pairs: Vec<_> = pairs
            .map(|it| vec![it.namespace.as_str(), it.target.as_str()])
            .collect();
        same("fallback", &Value::from(pairs), &expect["fallback"])?;
        same(
            "network_wildcard",
            &Value::from(parsed.network_wildcard),
            &expect["network_wildcard"],
        )?;
        same(
            "cache_mode",
            &parsed.mode.name(),
            &text(expect, "cache_mode"),
        )?;
        let ignored = expect["ignored"].as_array().unwrap();
        let wanted: Vec<_> = ignored
            .iter()
            .map(|it| it["line"].as_u64().unwrap())
            .collect();
        let found: Vec<_> = parsed.ignored.iter().map(|it| it.line as u64).collect();
        same("ignored", &found, &wanted)?;
        // "reason codes are ours (a linter feature), the fact that the line has no effect is normative": of other
        // vectors than the repository's the codes may be others.
        if ours {
            let wanted: Vec<_> = ignored.iter().map(|it| text(it, "reason")).collect();
            let found: Vec<_> = parsed.ignored.iter().map(|it| it.why.code()).collect();
            same("reasons", &found, &wanted)?;
        }
        Ok(())
    });
}

/// A cache of nothing but names.
fn cache_of(case: &Value, manifest_url: &Url) -> Cache<()> {
    let bytes = manifest_bytes(case);
    let manifest = Manifest::parse(&bytes, manifest_url, &profile(case)).unwrap();
    let now = std::time::UNIX_EPOCH;
    let times = Times {
        request: now,
        response: now,
    };
    let strings = |name: &str| -> Vec<String> {
        let list = case[name].as_array().cloned().unwrap_or_default();
        list.iter()
            .map(|it| it.as_str().unwrap().to_owned())
            .collect()
    };
    let foreign = strings("foreign");
    let mut urls: Vec<String> = manifest.files().map(|it| it.to_string()).collect();
    urls.extend(strings("master_entries"));
    urls.push(manifest_url.to_string());
    let entries = urls.into_iter().map(|url| {
        let policy = Policy::private();
        let vary = VaryKey::default();
        let entry = Entry {
            stored: Stored::with(&policy, StatusCode::OK, HeaderMap::new(), times, vary).unwrap(),
            body: (),
            is: Categories::default(),
            foreign: foreign.contains(&url),
            names: None,
        };
        (url, entry)
    });
    Cache {
        entries: entries.collect(),
        manifest,
        manifest_bytes: bytes.into(),
        complete: true,
        created: now,
        updated: now,
    }
}

/// What the network would answer: a status, `neterr`, a cancelled load, or a redirect with or without its target.
fn outcome(net: &str, asked: &Url) -> Outcome {
    if let Ok(status) = net.parse() {
        return Outcome::Status(StatusCode::from_u16(status).unwrap());
    }
    let has = |words: &[&str]| words.iter().any(|word| net.contains(word));
    match net {
        _ if has(&["cancel", "abort"]) => Outcome::Cancelled,
        _ if has(&["redirect", "30"]) => {
            let to = net
                .split_once(':')
                .and_then(|(_, to)| asked.join(to.trim()).ok());
            let away = match to {
                Some(to) => to.origin() != asked.origin(),
                None => !net.contains("same"),
            };
            match away {
                true => Outcome::RedirectedAway,
                false => Outcome::Status(StatusCode::OK),
            }
        }
        _ if has(&["err", "offline", "timeout", "dns", "refused"]) => Outcome::Error,
        _ => panic!("no network answer {net}"),
    }
}

#[test]
fn matching() {
    each("matching", |case, _| {
        let manifest_url = url(text(case, "manifest_url"));
        let mut caches = AppCaches::new(profile(case), Limits::default());
        let (group, id) = caches.restore(&manifest_url, cache_of(case, &manifest_url));
        let now = std::time::UNIX_EPOCH;
        let source = crate::appcache::Source {
            group,
            cache: id,
            entry: manifest_url.to_string(),
            served: Served::Itself,
        };
        let opening = Opening {
            address: &manifest_url,
            method: &Method::GET,
            source: Some(source),
            manifest: None,
            has_worker: false,
        };
        let Opened::Page(host) = caches.open(opening, now) else {
            panic!("no page");
        };
        for request in case["requests"].as_array().unwrap() {
            let method: Method = text(request, "method").parse().unwrap_or(Method::GET);
            let asked = url(text(request, "url"));
            let outcome = outcome(text(request, "net"), &asked);
            let failed = matches!(outcome, Outcome::Error | Outcome::Cancelled);
            let through = if failed { "error" } else { "network" };
            let found = match text(request, "kind") {
                "subresource" => match caches.subresource(host, &method, &asked) {
                    Subresource::Cached(_) => "cache".to_owned(),
                    Subresource::Refused => "error".to_owned(),
                    Subresource::NetworkElse(it) if outcome.calls_for_fallback() => {
                        format!("fallback:{}", it.target)
                    }
                    Subresource::Network(_) | Subresource::NetworkElse(_) => through.to_owned(),
                },
                "navigation" => {
                    let source = caches
                        .navigate(&asked, &method, None)
                        .or_else(|| caches.navigate_after(&asked, &method, None, outcome));
                    match source {
                        Some(it) if it.served == Served::Itself => "cache".to_owned(),
                        Some(it) => format!("fallback:{}", it.entry),
                        None => through.to_owned(),
                    }
                }
                kind => panic!("no kind {kind}"),
            };
            same(
                &request.to_string(),
                &found.as_str(),
                &text(request, "expect"),
            )?;
        }
        Ok(())
    });
}

fn resource(value: &Value) -> Resource {
    let mut resource = Resource {
        status: value["status"].as_u64().unwrap_or(200) as u16,
        body: text(value, "body").as_bytes().to_vec(),
        redirect: value["redirect"].as_str().map(str::to_owned),
        error: value["error"]
            .as_bool()
            .unwrap_or(value["error"].is_string()),
        manifest: value["manifest"].as_str().map(str::to_owned),
        headers: HeaderMap::new(),
    };
    let headers: BTreeMap<String, String> =
        serde_json::from_value(value["headers"].clone()).unwrap_or_default();
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        resource.headers.append(name, value.parse().unwrap());
    }
    resource
}

fn look(world: &mut World, name: &str, expect: &Value) -> Result<(), String> {
    if expect.get("events").is_some() {
        let found = Value::from(world.event_names(name));
        same("events", &found, &expect["events"])?;
    }
    match expect["status"].as_str() {
        Some(status) => same("status", &world.status(name), &status),
        None => Ok(()),
    }
}

fn step(world: &mut World, step: &Value) -> Result<(), String> {
    let Value::Object(words) = step else {
        panic!("no step {step}");
    };
    let expect = &step["expect"];
    let method: Method = text(step, "method").parse().unwrap_or(Method::GET);
    let verb = [
        "set", "offline", "advance", "close", "visit", "fetch", "call", "observe", "rerun",
    ]
    .into_iter()
    .find(|verb| words.contains_key(*verb));
    let verb = verb.unwrap_or_else(|| panic!("no step {step}"));
    let object = text(step, verb);
    let got = match verb {
        "set" => {
            for (url, value) in step["set"].as_object().unwrap() {
                let answers: VecDeque<Resource> = match value {
                    Value::Null => {
                        world.servers.remove(url);
                        continue;
                    }
                    Value::Array(queue) => queue.iter().map(resource).collect(),
                    one => [resource(one)].into(),
                };
                world.servers.insert(url.clone(), answers);
            }
            return Ok(());
        }
        "offline" => {
            world.offline = step["offline"].as_bool().unwrap();
            return Ok(());
        }
        "advance" => {
            world.now += Duration::from_secs(step["advance"].as_u64().unwrap());
            return Ok(());
        }
        "close" => {
            world.close(object);
            return Ok(());
        }
        "visit" => {
            let name = text(step, "as");
            let got = world.visit(object, name, &method);
            look(world, name, expect)?;
            got
        }
        "fetch" => world.fetch(object, text(step, "by"), &method),
        "observe" => return look(world, object, expect),
        "rerun" => {
            world.rerun();
            return look(world, object, expect);
        }
        _ => {
            let name = text(step, "on");
            let host = world.pages.get(name).copied();
            let thrown = match (object, host) {
                ("swapCache", Some(host)) => world.caches.swap_cache(host).is_err(),
                ("update", Some(host)) => world.caches.update(host, world.now).is_err(),
                ("abort", Some(host)) => {
                    world.caches.abort(host, world.now);
                    false
                }
                ("abort", None) => false,
                // a page that did not come has an `applicationCache` all the same
                (_, None) => true,
                _ => panic!("no call {object}"),
            };
            world.run();
            let throws = expect["throws"].as_str();
            same("throws", &thrown.then_some("InvalidStateError"), &throws)?;
            return look(world, name, expect);
        }
    };
    if let Some(from) = expect["served_from"].as_str() {
        same("served_from", &got.from.as_str(), &from)?;
    }
    match expect["body"].as_str() {
        Some(body) => same("body", &got.body.as_str(), &body),
        None => Ok(()),
    }
}

#[test]
fn scenarios() {
    each("scenario", |case, _| {
        let mut world = World::new(profile(case));
        for (at, it) in case["steps"].as_array().unwrap().iter().enumerate() {
            step(&mut world, it).map_err(|why| format!("step {at}: {why}"))?;
        }
        Ok(())
    });
}

#[test]
fn real_manifests_parse_as_recorded() {
    let real: Value = serde_json::from_str(REAL).unwrap();
    let manifests = real["manifests"].as_array().unwrap();
    assert!(manifests.len() > 10);
    for case in manifests {
        let base = url(text(case, "assumed_manifest_url"));
        let summary = &case["summary"];
        let parsed = Manifest::parse(&manifest_bytes(case), &base, &Profile::STANDARD);
        let found = match &parsed {
            Err(_) => serde_json::json!({ "ok": false, "error": "magic-signature" }),
            Ok(parsed) => serde_json::json!({
                "ok": true,
                "explicit": parsed.explicit.len(),
                "fallback": parsed.fallback.len(),
                "network": parsed.network.len(),
                "network_wildcard": parsed.network_wildcard,
                "cache_mode": parsed.mode.name(),
                "ignored": parsed.ignored.len(),
            }),
        };
        assert_eq!(found, *summary, "{}", case["id"]);
    }
}
