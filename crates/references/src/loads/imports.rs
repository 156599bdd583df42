//! Imports: which modules does a script load, and what does the page's import map make of their names?
//!
//! HTML, "resolve a module specifier" and "parse an import map string". A module that is read before a map is
//! (HTML merges later maps) counts as read after it: maps stand before modules in pages that work.

use serde_json::Value;
use url::Url;

use super::{Cors, Destination, Load, Occasion, resolve};
use crate::js::Named;
use crate::{Kind, RelativeTo, ScriptKind, When, is_url_like};

/// What a page's import maps say, resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportMap {
    imports: Table,
    /// The longest prefix first.
    scopes: Vec<(String, Table)>,
}

/// Names and their addresses; none where a name is blocked.
type Table = Vec<(String, Option<Url>)>;

impl ImportMap {
    /// Adds the map `text` of a page with this base; what stands already wins. Broken JSON adds nothing.
    pub(super) fn add(&mut self, text: &str, base: &Url) {
        let map: Value = serde_json::from_str(text).unwrap_or_default();
        let table = |value: &Value| -> Table {
            let entries = value.as_object().into_iter().flatten();
            let entries = entries.map(|(name, address)| {
                let address = address.as_str().filter(|address| is_url_like(address));
                let name = match is_url_like(name) {
                    true => base.join(name).map_or_else(|_| name.clone(), String::from),
                    false => name.clone(),
                };
                (name, address.and_then(|address| base.join(address).ok()))
            });
            entries.collect()
        };
        self.imports.extend(table(&map["imports"]));
        for (prefix, value) in map["scopes"].as_object().into_iter().flatten() {
            if let Ok(prefix) = base.join(prefix) {
                self.scopes.push((prefix.into(), table(value)));
            }
        }
        // "sorted in descending code unit order": the longer prefix of two that match comes first.
        self.scopes.sort_by(|(one, _), (other, _)| other.cmp(one));
    }

    /// The URL of `specifier` in a module at `from`.
    pub fn resolve(&self, specifier: &str, from: &Url) -> Option<Url> {
        let as_url = match is_url_like(specifier) {
            true => from.join(specifier).ok(),
            false => None,
        };
        let name = as_url.as_ref().map_or(specifier, Url::as_str);
        let scopes = self.scopes.iter().filter(|(prefix, _)| {
            prefix == from.as_str() || prefix.ends_with('/') && from.as_str().starts_with(&**prefix)
        });
        let tables = scopes.map(|(_, table)| table).chain([&self.imports]);
        for table in tables {
            if let Some((_, address)) = table.iter().find(|(key, _)| key == name) {
                return address.clone();
            }
            let prefixes = table
                .iter()
                .filter(|(key, _)| key.ends_with('/') && name.starts_with(&**key));
            if let Some((key, address)) = prefixes.max_by_key(|(key, _)| key.len()) {
                return address.as_ref()?.join(&name[key.len()..]).ok();
            }
        }
        as_url
    }
}

/// What the module (or inline module) `text` at `from` loads, in its order; a classic script's `import()` too.
///
/// `page`: the document that runs it, against which `new Worker("w.js")` is resolved.
pub fn module(text: &str, kind: ScriptKind, from: &Url, page: &Url, map: &ImportMap) -> Vec<Load> {
    let named = crate::js::named(text, kind, true).into_iter();
    named
        .filter_map(|named| load(&named, from, page, map))
        .collect()
}

fn load(named: &Named, from: &Url, page: &Url, map: &ImportMap) -> Option<Load> {
    let reference = &named.reference;
    let url = match (named.imported, reference.relative_to) {
        (true, _) => map.resolve(&reference.url, from)?,
        (false, RelativeTo::Page) => resolve(page, &reference.url)?,
        (false, RelativeTo::Referrer) => resolve(from, &reference.url)?,
    };
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let (destination, occasion) = match (reference.kind, reference.when) {
        (Kind::Module, When::Load) => (Destination::Module, Occasion::Read),
        (Kind::Module, When::Demand) => (Destination::Module, Occasion::Demand),
        (Kind::Style, _) => (Destination::Style, Occasion::Read),
        (Kind::Script, _) => (Destination::Script, Occasion::Read),
        // Whether the line that starts it runs is not known.
        (Kind::Worker, _) => (Destination::Worker, Occasion::Demand),
        (_, _) if named.imported => (Destination::Json, Occasion::Read),
        // `new URL("x.png", import.meta.url)` is a name for what may be used later.
        (_, _) => return None,
    };
    let mut load = Load::new(url, destination, occasion);
    if named.imported {
        load.cors = Cors::Anonymous;
    }
    Some(load)
}

/// What the script of a worker loads: `importScripts()` and imports, which know no import map.
pub fn worker(text: &str, from: &Url) -> Vec<Load> {
    module(text, ScriptKind::Classic, from, from, &ImportMap::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        Url::parse("http://a/").unwrap().join(path).unwrap()
    }

    fn map() -> ImportMap {
        let mut map = ImportMap::default();
        map.add(
            r#"{"imports":{"lib":"./vendor/lib.js","lib/":"/vendor/","/old.js":"/new.js","gone":null},
                "scopes":{"/admin/":{"lib":"/admin/lib.js"}}}"#,
            &url("/"),
        );
        map
    }

    #[track_caller]
    fn check(specifier: &str, from: &str, expected: Option<&str>) {
        let found = map().resolve(specifier, &url(from));
        assert_eq!(found, expected.map(url), "{specifier} in {from}");
    }

    #[test]
    fn a_name_stands_for_what_the_map_says_where_the_module_is() {
        check("lib", "/x.js", Some("/vendor/lib.js"));
        check("lib", "/admin/x.js", Some("/admin/lib.js"));
        check("lib/a/b.js", "/x.js", Some("/vendor/a/b.js"));
        check("./old.js", "/x.js", Some("/new.js"));
        check("./other.js", "/js/x.js", Some("/js/other.js"));
        check("gone", "/x.js", None);
        check("nobody", "/x.js", None);
    }

    #[test]
    fn a_module_loads_its_imports_now_and_on_demand() {
        let text = "import 'lib';import('./later.js');import x from './x.json' with {type:'json'};\
                    new Worker('w.js');new URL('p.png',import.meta.url)";
        let loads = module(
            text,
            ScriptKind::Module,
            &url("/js/a.js"),
            &url("/p/"),
            &map(),
        );
        let found: Vec<String> = loads
            .iter()
            .map(|load| {
                format!(
                    "{:?} {:?} {}",
                    load.occasion,
                    load.destination,
                    load.url.path()
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "Read Module /vendor/lib.js",
                "Demand Module /js/later.js",
                "Read Json /js/x.json",
                "Demand Worker /p/w.js",
            ]
        );
    }

    #[test]
    fn a_broken_map_says_nothing() {
        let mut map = ImportMap::default();
        for text in ["", "[]", "{", r#"{"imports":3,"scopes":[1]}"#] {
            map.add(text, &url("/"));
        }
        assert_eq!(map, ImportMap::default());
    }
}
