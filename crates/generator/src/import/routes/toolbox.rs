//! `runtimeCaching` of sw-precache, which sw-toolbox answers.

use super::{
    HANDLER, Route, begun, entries, finish, kept, limit, matching, of_place, stash, strategy,
    timeout,
};
use crate::import::condition::Condition;
use crate::import::draft::Item;
use crate::import::literal::{Node, Regex, Value};
use crate::import::mapping::Mapping;
use crate::import::options::TOOLBOX_OPTIONS;
use crate::import::regex::{Elsewhere, places, statuses};

/// sw-precache. An entry may also say what answers all else, by `default`.
pub(in crate::import) fn toolbox(mapping: &mut Mapping<'_>, option: &str, node: &Node) {
    let mut last = None;
    for (index, entry) in node.list().iter().enumerate() {
        let option = format!("{option}[{index}]");
        let Some(table) = entries(mapping, &option, entry) else {
            continue;
        };
        if let Some(handler) = table.get("default") {
            match strategy(handler) {
                Some(strategy) => {
                    let route = Route {
                        places: vec![("*".into(), "**".into())],
                        destinations: Vec::new(),
                        methods: Vec::new(),
                        strategy,
                        statuses: Vec::new(),
                        more: Item::default(),
                        opaque: true,
                        preload: false,
                    };
                    last = Some((option, entry, route));
                }
                None => mapping.draft.lost(&option, handler, HANDLER),
            }
            continue;
        }
        let options = table.get("options").and_then(Node::table).cloned();
        let options = options.unwrap_or_default();
        let origin = options.get("origin");
        let placed = table
            .get("urlPattern")
            .map(|pattern| (pattern, toolbox_place(pattern, origin)));
        let Some(mut route) = begun(mapping, &option, entry, &table, placed) else {
            continue;
        };
        route.opaque = route.is_abroad();
        let known = ["handler", "method", "options", "urlPattern", "default"];
        mapping.each(&table, &known, &option, |_, _, _, _| {});
        mapping.each(
            &options,
            &TOOLBOX_OPTIONS,
            &option,
            |mapping, name, full, node| {
                toolbox_option(mapping, &mut route, name, full, node);
            },
        );
        finish(mapping, &option, entry, route);
    }
    if let Some((option, entry, route)) = last {
        finish(mapping, &option, entry, route);
    }
}

fn toolbox_option(
    mapping: &mut Mapping<'_>,
    route: &mut Route,
    name: &str,
    option: &str,
    node: &Node,
) {
    match name {
        "cache" => {
            let Some(table) = mapping.table(option, node).cloned() else {
                return;
            };
            let known = ["name", "maxEntries", "maxAgeSeconds", "queryOptions"];
            mapping.each(
                &table,
                &known,
                option,
                |mapping, name, option, node| match name {
                    "name" => stash(mapping, route, option, node),
                    "maxEntries" => limit(mapping, route, "max_entries", option, node),
                    "maxAgeSeconds" => limit(mapping, route, "max_age_seconds", option, node),
                    _ => matching(mapping, route, option, node),
                },
            );
        }
        "networkTimeoutSeconds" => timeout(mapping, route, option, node),
        "successResponses" => {
            let list = node.regex().as_ref().and_then(statuses);
            kept(mapping, route, list, option, node);
        }
        // it was read with the pattern
        "origin" => mapping.draft.mapped(option, node, "[[route]] origin"),
        _ => mapping
            .draft
            .needless(option, node, "a built worker logs nothing"),
    }
}

/// A text is a path as Express has it (path-to-regexp 1), of this site or of `origin`.
fn toolbox_place(pattern: &Node, origin: Option<&Node>) -> Result<Vec<Condition>, String> {
    let mut conditions = match &pattern.value {
        Value::Text(text) => {
            let path = text
                .trim_start_matches('/')
                .replace("(.*)", "*")
                .replace('*', "**");
            let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~*:%".contains(c);
            if !path.chars().all(plain) || path.contains("***") {
                return Err(format!("`{text}` has what a route's path cannot say"));
            }
            vec![Condition {
                origin: Some("self".into()),
                paths: vec![path],
                ..Condition::default()
            }]
        }
        Value::Regex(regex) => of_place(regex, Elsewhere::Anywhere)?,
        Value::Unknown(what) => return Err(format!("it is {what}; write its value instead")),
        _ => return Err("it is no pattern".into()),
    };
    if let Some(node) = origin {
        let regex = node.regex().ok_or("its `origin` is no pattern")?;
        let named = places(&regex, Elsewhere::Anywhere)
            .ok()
            .and_then(|mut it| it.pop());
        let origin = match (&node.value, named) {
            (Value::Text(text), _) if text.contains("://") => text.trim_end_matches('/').to_owned(),
            (_, Some(place)) if place.origin.contains("://") => place.origin,
            // a host alone, as people write it
            _ => format!("https://{}", host(&regex)?),
        };
        for condition in &mut conditions {
            condition.origin = Some(origin.clone());
        }
    }
    Ok(conditions)
}

/// The host that a regular expression such as `fonts\.gstatic\.com$` means.
fn host(regex: &Regex) -> Result<String, String> {
    let text = regex.source.trim_start_matches('^').trim_end_matches('$');
    let text = text.replace("\\.", ".");
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    match text.contains('.') && text.chars().all(plain) {
        true => Ok(text),
        false => Err(format!("`origin`, `{}`, names no host", regex.source)),
    }
}
