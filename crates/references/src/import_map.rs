//! Import map: which files may a page's bare specifiers stand for?
//!
//! Every address counts as loaded: a map names what the page's modules import, and what they import is the shell's.
//! HTML, "import map parse result".

use serde_json::Value;

use super::{Kind, Reference, When, is_url_like};

/// The files that the map `text` names; broken JSON names none.
pub(super) fn import_map(text: &str) -> Vec<Reference> {
    let map: Value = serde_json::from_str(text).unwrap_or_default();
    let scopes = map["scopes"]
        .as_object()
        .into_iter()
        .flat_map(|scopes| scopes.values());
    let maps = std::iter::once(&map["imports"]).chain(scopes);
    let addresses = maps
        .filter_map(Value::as_object)
        .flat_map(|map| map.values())
        .filter_map(Value::as_str);
    // An address that ends in a slash stands for all that may lie below it.
    let files = addresses.filter(|address| is_url_like(address) && !address.ends_with('/'));
    files
        .filter_map(|address| Reference::new(address, When::Load, Kind::Module))
        .collect()
}

#[cfg(test)]
mod tests {
    fn check(text: &str, expected: &[&str]) {
        let found = super::import_map(text)
            .into_iter()
            .map(|reference| reference.url);
        assert_eq!(found.collect::<Vec<_>>(), expected, "{text:?}");
    }

    #[test]
    fn imports_and_scopes_name_files() {
        check(
            r#"{"imports":{"a":"./a.js","b/":"/b/"},"scopes":{"/c/":{"a":"/c/a.js"},"/d/":{"e":"https://e/e.js"}}}"#,
            &["./a.js", "/c/a.js", "https://e/e.js"],
        );
    }

    #[test]
    fn what_is_no_address_names_nothing() {
        check(
            r#"{"imports":{"a":"b","c":null,"d":3},"scopes":["./x.js"],"integrity":{"./y.js":"sha"}}"#,
            &[],
        );
        for text in ["", "[]", "3", "{", r#"{"imports":"./a.js"}"#] {
            check(text, &[]);
        }
        check(&"[".repeat(100_000), &[]);
    }
}
