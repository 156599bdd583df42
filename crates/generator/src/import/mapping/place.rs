//! Where things lie: the worker's file, the site's base, folders under other names, pages that a server makes.

use super::Mapping;
use crate::content_hash::{sha256, short};
use crate::import::draft::{Item, Toml};
use crate::import::literal::{Node, normalized};

impl Mapping<'_> {
    /// File name of the worker, which browsers know it by.
    pub(in crate::import) fn worker_name(&mut self, option: &str, node: &Node) {
        let Some(path) = self.text(option, node) else {
            return;
        };
        let path = normalized(path);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if !name.ends_with(".js") || name.starts_with('.') || !name.chars().all(plain) {
            let why = "a worker has a plain name that ends in `.js`";
            return self.draft.lost(option, node, why);
        }
        let below = folder.strip_prefix(&*self.root).unwrap_or("");
        if !self.root.is_empty() && below.starts_with('/') {
            let why = "the worker lies directly below the site's folder; to answer there alone, build that folder";
            self.draft.lost(option, node, why);
        } else {
            self.draft.mapped(option, node, "[worker] name");
        }
        if name != "sw.js" {
            self.draft.explain(
                "worker",
                "name",
                Toml::Text(name.into()),
                Some("the same as before: browsers know a worker by its address"),
            );
        }
    }

    /// Where the site is reached: a path, or a CDN with the same files.
    pub(in crate::import) fn base(&mut self, option: &str, node: &Node, text: &str) {
        let whole = match text.ends_with('/') {
            true => text.to_owned(),
            false => format!("{text}/"),
        };
        if whole.contains("://") {
            if crate::config::cdn(&whole).is_err() {
                return self.draft.lost(option, node, "it is no URL of a folder");
            }
            self.draft.mapped(option, node, "[site] cdn");
            return self.draft.set("site", "cdn", Toml::Text(whole));
        }
        let path = whole.trim_start_matches("./").trim_start_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        if !path.chars().all(plain) || path.contains("//") || path.starts_with("..") {
            return self.draft.lost(option, node, "it is no URL path");
        }
        if path.is_empty() {
            return self.draft.needless(option, node, "it is always so");
        }
        self.base = format!("/{path}");
        self.draft.mapped(option, node, "[site] base");
        self.draft
            .set("site", "base", Toml::Text(self.base.clone()));
    }

    /// Files of one folder that are reached under another path.
    pub(in crate::import) fn prefix(&mut self, option: &str, node: &Node, from: &str, to: &str) {
        let below = to.strip_prefix(&*self.base).unwrap_or(to);
        let mut pair =
            [from, below.trim_start_matches("./").trim_start_matches('/')].map(str::to_owned);
        for part in &mut pair {
            if !part.is_empty() && !part.ends_with('/') {
                part.push('/');
            }
        }
        let [from, to_path] = pair;
        let odd = |path: &str| {
            path.starts_with('/')
                || path.contains("//")
                || path.split('/').any(|part| matches!(part, "." | ".."))
        };
        if odd(&from) || odd(&to_path) || to_path == "revisit/" {
            let why = "a prefix is a path; for files of another host there is `[site] cdn`";
            return self.draft.lost(option, node, why);
        }
        if from == to_path {
            return self.draft.needless(option, node, "it changes nothing");
        }
        let mut pairs = match self.draft.value("site", "prefixes") {
            Some(Toml::Map(pairs)) => pairs.clone(),
            _ => Vec::new(),
        };
        if !pairs.iter().any(|(known, _)| *known == from) {
            pairs.push((from, to_path));
        }
        self.draft.mapped(option, node, "[site] prefixes");
        self.draft.set("site", "prefixes", Toml::Map(pairs));
    }

    /// A URL that a server makes.
    pub(in crate::import) fn extra(
        &mut self,
        option: &str,
        node: &Node,
        url: &str,
        revision: Option<&str>,
        depends: Vec<String>,
    ) {
        let path = match url.strip_suffix("index.html") {
            Some(folder) if folder.is_empty() || folder.ends_with('/') => folder,
            _ => url,
        };
        let path = path.trim_start_matches("./");
        let below = path.strip_prefix(&*self.base);
        let below = below.unwrap_or(path.trim_start_matches('/'));
        if url.contains("://") || url.starts_with("//") {
            let why = format!(
                "`{url}`: what is kept ahead is the site's own; a `[[route]]` with its origin keeps it when it is first used"
            );
            return self.draft.lost(option, node, &why);
        }
        if path.contains(['?', '#']) {
            let why = format!("`{url}`: what is kept ahead has neither query nor fragment");
            return self.draft.lost(option, node, &why);
        }
        let plain = |c: char| !c.is_control() && !"\\|\"<> ".contains(c);
        if !path.chars().all(plain)
            || path.split('/').any(|part| part == "..")
            || below.contains("//")
        {
            let why = format!("`{url}` is no URL path");
            return self.draft.lost(option, node, &why);
        }
        let file = match below.is_empty() || below.ends_with('/') {
            true => format!("{below}index.html"),
            false => below.to_owned(),
        };
        if self.exists.is_some_and(|exists| exists(&file)) {
            let why = format!("`{url}` is the file `{file}`, which is kept as such");
            return self.draft.needless(option, node, &why);
        }
        let url = format!("{}{below}", self.base);
        if self
            .draft
            .extras
            .iter()
            .any(|it| it.text("url") == Some(&url))
        {
            return self
                .draft
                .needless(option, node, &format!("`{url}` stands there already"));
        }
        let mut item = Item::default();
        item.set("url", Toml::Text(url));
        if let Some(revision) = revision {
            item.set("revision", Toml::Text(word(revision)));
        }
        if !depends.is_empty() {
            item.set("depends", Toml::Texts(depends));
        }
        self.draft.mapped(option, node, "[[precache.extra]]");
        self.draft.extras.push(item);
    }
}

/// A revision as a word of a line: a long one by its hash.
fn word(text: &str) -> String {
    match text.len() <= 64 && !text.chars().any(char::is_control) {
        true => text.to_owned(),
        false => short(&sha256(text.as_bytes())),
    }
}
