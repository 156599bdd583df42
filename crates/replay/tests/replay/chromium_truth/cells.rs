//! Plays a cell: what is visited first, the wait, the action, and what is compared.

use std::time::Duration;

use revisit_replay::{
    Action, Arrival, CacheMode, Destination, Fetching, Network, Options, Phase, Replay, Visit,
};
use serde_json::{Value, json};
use url::Url;

use super::truth::Tally;
use crate::server::{answered, element, url, version};
use crate::stage::Stage;

/// One cell of `httpCache`.
pub(crate) fn play(cell: &Value, fields: &Value, pause: Duration, tally: &mut Tally) {
    let word = |name: &str| {
        cell[name]
            .as_str()
            .unwrap_or_else(|| panic!("no `{name}`: {cell}"))
    };
    let (profile, kind, action) = (word("profile"), word("kind"), word("action"));
    let name = format!("{profile} / {kind} / {action}");
    let mut stage = Stage::new();
    stage.pause = pause;
    let thing = stage.world.put("/thing", fields);
    redirected(&stage, fields);
    let played = match (kind, kind.strip_prefix("fetch:")) {
        (_, Some(mode)) => fetch_cell(&mut stage, &thing, mode, action),
        ("document", _) => document_cell(&mut stage, &thing, action),
        _ => subresource_cell(&mut stage, &thing, destination(kind), action),
    };
    let mut expected = json!({"server": cell["server"], "browser": cell["browser"]});
    for part in ["primed", "body", "then", "navType"] {
        if !cell[part].is_null() {
            expected[part] = cell[part].clone();
        }
    }
    if let Some(then) = expected.get_mut("then") {
        *then = json!({"server": then["server"], "browser": then["browser"], "status": then["result"]["status"]});
    }
    if let Some(status) = cell["result"].get("status") {
        expected["status"] = status.clone();
    }
    // Of what a cell does not tell nothing is compared.
    let told: serde_json::Map<String, Value> = expected
        .as_object()
        .into_iter()
        .flatten()
        .map(|(part, _)| {
            (
                part.clone(),
                played.get(part).cloned().unwrap_or(Value::Null),
            )
        })
        .collect();
    tally.count(&name, &expected, &Value::Object(told));
}

/// Where these fields redirect to something is.
fn redirected(stage: &Stage, fields: &Value) {
    if let Some(location) = fields["location"].as_str() {
        stage.world.put(location, &json!({}));
    }
}

fn destination(kind: &str) -> Destination {
    match kind {
        "script" => Destination::Script,
        "style" => Destination::Style,
        "image" => Destination::Image,
        "fetch" => Destination::Fetch,
        _ => panic!("`{kind}` is no kind that this test knows"),
    }
}

/// What was measured of `visits`.
fn measured(stage: &Stage, thing: &Url, visits: &[&Visit]) -> Value {
    let mut played = json!({
        "server": stage.world.take_log(thing),
        "browser": answered(visits, thing),
    });
    if let Some(version) = version(visits, thing) {
        played["body"] = json!(format!("v{version}"));
    }
    played
}

fn document_cell(stage: &mut Stage, thing: &Url, action: &str) -> Value {
    let other = stage.world.page("/other", Vec::new());
    let typed = Action::Typed(thing.clone());
    if action == "<link rel=prefetch> then use on next page" {
        return prefetched(stage, thing, Destination::Document, &typed);
    }
    let bfcache = action != "back (bfcache off)";
    if !bfcache {
        let world = stage.world.clone();
        let options = Options {
            bfcache,
            network: Network::NONE,
            ..Options::chromium()
        };
        stage.replay = Replay::new(options, world.clone(), world);
    }
    stage.play(typed.clone());
    stage.wait();
    let go_away = |stage: &mut Stage| stage.play(Action::Typed(other.clone()));
    let action = match action {
        "typed navigation, after another page" => {
            go_away(stage);
            typed
        }
        "link click" => {
            go_away(stage);
            Action::Link(thing.clone())
        }
        "new tab, typed" => Action::NewTab(thing.clone()),
        "typed navigation, offline" => {
            go_away(stage);
            stage.play(Action::Offline);
            typed
        }
        "typed same URL again" => typed,
        "location.reload()" | "reload (F5)" => Action::Reload,
        "hard reload" => Action::HardReload,
        "location.href = same URL" => Action::Link(thing.clone()),
        "browser restart, typed" => {
            stage.play(Action::Restart);
            typed
        }
        "back (bfcache on)" | "back (bfcache off)" => {
            go_away(stage);
            Action::Back
        }
        _ => panic!("`{action}` is no action on a document that this test knows"),
    };
    stage.world.take_log(thing);
    let visit = stage.play(action);
    let mut played = measured(stage, thing, &[&visit]);
    played["navType"] = match visit.arrival {
        Arrival::Restored => {
            // It is shown as it was left.
            played["body"] = json!("v1");
            json!("BackForwardCacheRestore")
        }
        _ => json!("Navigation"),
    };
    played
}

/// Prefetched by one page, used by the next.
fn prefetched(stage: &mut Stage, thing: &Url, kind: Destination, next: &Action) -> Value {
    let empty = stage.world.page("/empty", Vec::new());
    stage.play(Action::Typed(empty));
    stage.play(Action::Insert(element(thing, kind, Phase::Prefetch)));
    let primed = stage.world.take_log(thing);
    stage.wait();
    let visit = stage.play(next.clone());
    let mut played = measured(stage, thing, &[&visit]);
    played["primed"] = primed;
    played
}

fn subresource_cell(stage: &mut Stage, thing: &Url, kind: Destination, action: &str) -> Value {
    let use_it = element(thing, kind, Phase::Load);
    let host = stage.world.page("/host", vec![use_it.clone()]);
    let second = stage.world.page("/second", vec![use_it.clone()]);
    let other = stage.world.page("/other", Vec::new());
    let insert = match kind {
        Destination::Fetch => Action::Fetch(Fetching::get(thing.clone())),
        _ => Action::Insert(use_it),
    };
    let typed = Action::Typed(host.clone());
    match action {
        "<link rel=prefetch> then use on next page" => {
            return prefetched(stage, thing, kind, &typed);
        }
        "<link rel=preload> then use in same document" => {
            stage.play(Action::Typed(other));
            stage.play(Action::Insert(element(thing, kind, Phase::Preload)));
            let primed = stage.world.take_log(thing);
            stage.wait();
            let visit = stage.play(insert);
            let mut played = measured(stage, thing, &[&visit]);
            played["primed"] = primed;
            return played;
        }
        "back (bfcache off)" => {
            let world = stage.world.clone();
            let options = Options {
                bfcache: false,
                network: Network::NONE,
                ..Options::chromium()
            };
            stage.replay = Replay::new(options, world.clone(), world);
        }
        _ => {}
    }
    stage.play(typed.clone());
    stage.wait();
    let action = match action {
        "typed navigation to another page with same subresources" => Action::Typed(second),
        "link click to another page with same subresources" => Action::Link(second),
        "typed same URL again" => typed,
        "location.reload()" | "reload (F5)" => Action::Reload,
        "hard reload" => Action::HardReload,
        "new tab, typed" => Action::NewTab(host),
        "inserted again in the same document" => insert,
        "offline, typed to cached host page" => {
            stage.play(Action::Offline);
            typed
        }
        "browser restart, typed" => {
            stage.play(Action::Restart);
            typed
        }
        "back (bfcache off)" => {
            stage.play(Action::Typed(other));
            Action::Back
        }
        _ => panic!("`{action}` is no action on a subresource that this test knows"),
    };
    stage.world.take_log(thing);
    let visit = stage.play(action);
    measured(stage, thing, &[&visit])
}

fn fetch_cell(stage: &mut Stage, thing: &Url, mode: &str, action: &str) -> Value {
    let mode = match mode {
        "default" => CacheMode::Default,
        "no-store" => CacheMode::NoStore,
        "reload" => CacheMode::Reload,
        "no-cache" => CacheMode::NoCache,
        "force-cache" => CacheMode::ForceCache,
        "only-if-cached" => CacheMode::OnlyIfCached,
        _ => panic!("`{mode}` is no cache mode of the Fetch standard"),
    };
    let page = stage.world.page("/page", Vec::new());
    stage.play(Action::Typed(page));
    let plain = Action::Fetch(Fetching::get(thing.clone()));
    match action {
        "primed" => {
            stage.play(plain.clone());
            stage.wait();
        }
        "cold" => {}
        _ => panic!("`{action}` is no action on fetch() that this test knows"),
    }
    stage.world.take_log(thing);
    let visit = stage.play(Action::Fetch(Fetching::in_mode(thing.clone(), mode)));
    let mut played = measured(stage, thing, &[&visit]);
    played["status"] = status(&visit, thing);
    let after = stage.play(plain);
    let mut then = measured(stage, thing, &[&after]);
    then["status"] = status(&after, thing);
    if let Some(then) = then.as_object_mut() {
        then.remove("body");
    }
    played["then"] = then;
    played
}

/// The status that the script saw.
pub(crate) fn status(visit: &Visit, thing: &Url) -> Value {
    let mut seen = visit
        .exchanges
        .iter()
        .filter(|one| one.url == *thing && !one.background);
    seen.next()
        .and_then(|one| one.status)
        .map_or(Value::Null, Value::from)
}

/// One cell of `headerSyntax`: a fetch, a pause, the same fetch again.
pub(crate) fn play_syntax(name: &str, cell: &Value, pause: Duration, tally: &mut Tally) {
    let mut stage = Stage::new();
    stage.pause = pause;
    let thing = stage.world.put("/thing", &cell["headers"]);
    redirected(&stage, &cell["headers"]);
    let page = stage.world.page("/page", Vec::new());
    stage.play(Action::Typed(page));
    let fetch = Action::Fetch(Fetching::get(thing.clone()));
    stage.play(fetch.clone());
    stage.wait();
    stage.world.take_log(&thing);
    let visit = stage.play(fetch);
    let mut played = measured(&stage, &thing, &[&visit]);
    played["status"] = last_status(&visit);
    if let Some(played) = played.as_object_mut() {
        played.remove("body");
    }
    let second = &cell["second"];
    assert!(
        second.is_object(),
        "`{name}` does not tell of a `second` fetch"
    );
    let expected = json!({
        "server": second["server"],
        "browser": second["browser"],
        "status": second["result"]["status"],
    });
    tally.count(name, &expected, &played);
}

/// The status at the end of all redirects.
fn last_status(visit: &Visit) -> Value {
    let mut seen = visit.exchanges.iter().filter(|one| !one.background);
    seen.next_back()
        .and_then(|one| one.status)
        .map_or(Value::Null, Value::from)
}

/// A page of the site, for scripts to run in.
pub(crate) fn open_page(stage: &mut Stage) -> Url {
    let page = stage.world.page("/page", Vec::new());
    stage.play(Action::Typed(page));
    url("/page")
}
