//! Cache Storage, as a page of the origin sees it.

use serde_json::{Value, json};

use super::Tab;

impl Tab {
    /// The names of the origin's caches, sorted.
    #[track_caller]
    pub(crate) fn cache_names(&self) -> Vec<String> {
        texts(&self.eval("(await caches.keys()).sort()"))
    }

    /// The URLs in a cache, in its order; panics when there is no such cache, and makes none.
    #[track_caller]
    pub(crate) fn cache_keys(&self, cache: &str) -> Vec<String> {
        texts(&self.run(&format!(
            "{}\nreturn (await cache.keys()).map(request => request.url);",
            open(cache)
        )))
    }

    /// The text that a cache holds for a URL.
    #[track_caller]
    pub(crate) fn cache_text(&self, cache: &str, url: &str) -> Option<String> {
        let text = self.run(&format!(
            "{}\nreturn (await (await cache.match({}))?.text()) ?? null;",
            open(cache),
            json!(url)
        ));
        text.as_str().map(str::to_owned)
    }

    /// Takes one entry out, as an eviction would; false when there was none.
    #[track_caller]
    pub(crate) fn delete_cache_entry(&self, cache: &str, url: &str) -> bool {
        let deleted = self.run(&format!(
            "{}\nreturn await cache.delete({}, {{ ignoreVary: true }});",
            open(cache),
            json!(url)
        ));
        deleted == true
    }

    /// Puts an entry into a cache, which is made when there is none.
    #[track_caller]
    pub(crate) fn put_cache_entry(&self, cache: &str, url: &str, text: &str) {
        self.run(&format!(
            "await (await caches.open({})).put({}, new Response({}));",
            json!(cache),
            json!(url),
            json!(text)
        ));
    }
}

fn open(cache: &str) -> String {
    let name = json!(cache);
    format!(
        "if (!await caches.has({name})) throw new Error(`there is no cache ` + {name});
         const cache = await caches.open({name});"
    )
}

fn texts(value: &Value) -> Vec<String> {
    let values = value.as_array().into_iter().flatten();
    values
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}
