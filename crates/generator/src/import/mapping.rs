//! What all tools' options go through: kinds of values, the site's folder and base, and what must fit in the end.

mod place;

use revisit_rules::site::pattern::Pattern;

use super::Tool;
use super::draft::{Draft, Toml};
use super::literal::{Node, Regex, Table, Value};
use super::regex;

/// A config on its way.
pub(super) struct Mapping<'a> {
    pub(super) tool: Tool,
    pub(super) config: Table,
    pub(super) draft: Draft,
    /// The site's folder, relative to the config; empty for none.
    pub(super) root: String,
    /// The URL path of the site.
    pub(super) base: String,
    exists: Option<&'a dyn Fn(&str) -> bool>,
}

impl<'a> Mapping<'a> {
    pub(super) fn new(tool: Tool, config: Table, exists: Option<&'a dyn Fn(&str) -> bool>) -> Self {
        Self {
            tool,
            config,
            draft: Draft::default(),
            root: String::new(),
            base: "/".into(),
            exists,
        }
    }

    /// Hands each option that can be read to `with`; what is unknown or no data is said to be lost.
    pub(super) fn each(
        &mut self,
        table: &Table,
        known: &[&str],
        around: &str,
        mut with: impl FnMut(&mut Self, &str, &str, &Node),
    ) {
        for (name, node) in &table.0 {
            let full = match around {
                "" => name.clone(),
                around => format!("{around}.{name}"),
            };
            match &node.value {
                Value::Null => {}
                Value::Unknown(what) if !WHATEVER.contains(&&**name) => {
                    let why = format!("it is {what}; write its value instead");
                    self.draft.lost(&full, node, &why);
                }
                _ if !known.contains(&&**name) => {
                    let why = format!("{} is not known to have it", self.tool.name());
                    self.draft.lost(&full, node, &why);
                }
                _ => with(self, name, &full, node),
            }
        }
    }

    /// An empty text means none.
    pub(super) fn text<'n>(&mut self, option: &str, node: &'n Node) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => return Some(text).filter(|text| !text.is_empty()).map(|it| &**it),
            Value::Bool(false) => {}
            _ => self.draft.lost(option, node, "it is no text"),
        }
        None
    }

    pub(super) fn bool(&mut self, option: &str, node: &Node) -> Option<bool> {
        match node.value {
            Value::Bool(is) => Some(is),
            _ => {
                self.draft
                    .lost(option, node, "it is neither `true` nor `false`");
                None
            }
        }
    }

    pub(super) fn number(&mut self, option: &str, node: &Node) -> Option<u64> {
        let found = node.whole();
        if found.is_none() {
            let why = "it is no whole number that is not below zero";
            self.draft.lost(option, node, why);
        }
        found
    }

    pub(super) fn table<'n>(&mut self, option: &str, node: &'n Node) -> Option<&'n Table> {
        let found = node.table();
        if found.is_none() {
            self.draft.lost(option, node, "it is no object");
        }
        found
    }

    /// The texts of a list; what is none is lost.
    pub(super) fn texts<'n>(&mut self, option: &str, node: &'n Node) -> Vec<(&'n str, &'n Node)> {
        let mut found = Vec::new();
        for node in node.list() {
            match &node.value {
                Value::Text(text) => found.push((&**text, node)),
                Value::Null | Value::Bool(false) => {}
                Value::Unknown(what) => {
                    let why = format!("it is {what}; write its value instead");
                    self.draft.lost(option, node, &why);
                }
                _ => self.draft.lost(option, node, "it is no text"),
            }
        }
        found
    }

    /// Patterns of files, in the dialect of node's `glob`; each that has none here is lost.
    pub(super) fn globs(&mut self, option: &str, node: &Node, to: [&'static str; 2]) {
        let mut patterns = Vec::new();
        let mut negated = Vec::new();
        for (text, node) in self.texts(option, node) {
            let (list, glob) = match text.strip_prefix('!') {
                Some(rest) => (&mut negated, rest),
                None => (&mut patterns, text),
            };
            let root = match self.tool {
                Tool::SwPrecache => self.root.clone(),
                _ => String::new(),
            };
            match super::glob::pattern(glob, &root) {
                Ok(pattern) => list.push(self.of_url(pattern)),
                Err(why) => self.draft.lost(option, node, &format!("`{text}`: {why}")),
            }
        }
        if to[1] == "exclude" {
            self.exclude(option, node, patterns);
        } else if !patterns.is_empty() {
            self.draft.mapped(option, node, "[precache] include");
            self.draft.add(to[0], to[1], patterns);
        }
        self.exclude(option, node, negated);
    }

    /// A pattern of paths on disk as one of paths in URLs, where a prefix differs.
    fn of_url(&self, pattern: String) -> String {
        let Some(Toml::Map(pairs)) = self.draft.value("site", "prefixes") else {
            return pattern;
        };
        let rule = pairs
            .iter()
            .find_map(|(from, to)| Some((to, pattern.strip_prefix(&**from)?)));
        match rule {
            Some((to, rest)) => format!("{to}{rest}"),
            None => pattern,
        }
    }

    /// Leaves files out, but never the page at which visits begin.
    pub(super) fn exclude(&mut self, option: &str, node: &Node, patterns: Vec<String>) {
        let mut kept = Vec::new();
        for pattern in patterns {
            if matches(&pattern, "index.html") {
                let why =
                    format!("`{pattern}`: a visit begins with `index.html`, which must be kept");
                self.draft.lost(option, node, &why);
            } else if [
                "**/node_modules/**",
                "node_modules/**",
                "**.map",
                "**/*.map",
            ]
            .contains(&&*pattern)
            {
                let why = format!("`{pattern}` is left out by default");
                self.draft.needless(option, node, &why);
            } else {
                kept.push(pattern);
            }
        }
        if !kept.is_empty() {
            self.draft.mapped(option, node, "[precache] exclude");
            self.draft.add("precache", "exclude", kept);
        }
    }

    /// Regular expressions of which each becomes a pattern, or is lost.
    pub(super) fn regexes(
        &mut self,
        option: &str,
        node: &Node,
        pattern: impl Fn(&Regex) -> Result<String, String>,
    ) -> Vec<String> {
        let mut patterns = Vec::new();
        for node in node.list() {
            let found = match (node.regex(), &node.value) {
                (Some(regex), _) => {
                    pattern(&regex).map_err(|why| format!("`{}`: {why}", regex.source))
                }
                (None, Value::Null) => continue,
                (None, Value::Unknown(what)) => {
                    Err(format!("it is {what}; write its value instead"))
                }
                (None, _) => Err("it is no regular expression".to_owned()),
            };
            match found {
                Ok(pattern) => patterns.push(pattern),
                Err(why) => self.draft.lost(option, node, &why),
            }
        }
        patterns
    }

    /// Which names of files promise their content: what is not said so is guessed.
    pub(super) fn hashed(&mut self, option: &str, node: &Node) {
        let Some(regex) = node.regex() else {
            return self.draft.lost(option, node, "it is no regular expression");
        };
        match regex::file_pattern(&regex) {
            // that all names do is not to be taken on trust
            Ok(pattern) if pattern != "**" => {
                self.draft.mapped(option, node, "[names] hashed");
                self.draft.add("names", "hashed", vec![pattern]);
            }
            _ => self.draft.needless(
                option,
                node,
                "names with a hash such as `app-1a2b3c4d.js` are told by themselves; for others there is `[names] hashed`",
            ),
        }
    }

    pub(super) fn importable(&mut self, option: &str, node: &Node) {
        let list: Vec<String> = self
            .texts(option, node)
            .into_iter()
            .map(|(text, _)| text.to_owned())
            .collect();
        if !list.is_empty() {
            let note = "what answers `fetch` belongs into `[worker] extend`, which may call `importScripts`";
            self.draft
                .mapped_but(option, node, "[worker] import_scripts", note);
            self.draft.add("worker", "import_scripts", list);
        }
    }

    pub(super) fn site_id(&mut self, option: &str, node: &Node) {
        let Some(text) = self.text(option, node) else {
            return;
        };
        if text.contains('|') {
            return self.draft.lost(option, node, "a `site_id` has no `|`");
        }
        self.draft.mapped(option, node, "[worker] site_id");
        self.draft.set("worker", "site_id", Toml::Text(text.into()));
    }

    pub(super) fn file_bytes_max(&mut self, option: &str, node: &Node) {
        let Some(bytes) = self.number(option, node) else {
            return;
        };
        let note = "a larger file is kept when it is first used";
        self.draft
            .mapped_but(option, node, "[precache] file_bytes_max", note);
        self.draft
            .set("precache", "file_bytes_max", Toml::Number(bytes));
    }

    pub(super) fn directory_index(&mut self, option: &str, node: &Node) {
        match &node.value {
            Value::Text(name) if name == "index.html" => {
                self.draft.needless(option, node, "it is always so");
            }
            _ => {
                let why = "the address of a folder is always answered by its `index.html`";
                self.draft.lost(option, node, why);
            }
        }
    }

    /// The page that answers navigations to paths without a file.
    pub(super) fn fallback(&mut self, option: &str, node: &Node) {
        let Some(url) = self.text(option, node) else {
            return;
        };
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let whole = format!("/{}", path.trim_start_matches("./").trim_start_matches('/'));
        let below = whole.strip_prefix(&*self.base).unwrap_or(&whole[1..]);
        let file = match below.is_empty() || below.ends_with('/') {
            true => format!("{below}index.html"),
            false => below.to_owned(),
        };
        let made = self
            .draft
            .extras
            .iter()
            .any(|it| it.text("url") == Some(&whole));
        if made {
            let why = format!(
                "`{url}` is a page that a server makes, and `[worker] fallback` is a file; write that page as one"
            );
            return self.draft.lost(option, node, &why);
        }
        let last = file.rsplit('/').next().unwrap_or_default();
        let is_literal = Pattern::new(&file).is_ok() && !file.contains(['*', '?', '{']);
        if !last.contains('.') || !is_literal {
            let why = format!(
                "`{url}` is no file such as `index.html`; name the file, by `[worker] fallback`"
            );
            return self.draft.lost(option, node, &why);
        }
        let note = "never for paths whose last part has an ending, nor for `api/`; to be shown only offline, name it by `offline_page` instead";
        self.draft
            .mapped_but(option, node, "[worker] fallback", note);
        self.draft.set("worker", "fallback", Toml::Text(file));
    }

    /// The paths that the fallback answers.
    pub(super) fn fallback_allow(&mut self, option: &str, node: &Node) {
        // "all but": one that looks around is what people write for it
        if let [one] = node.list()
            && let Some(inner) = one.regex().as_ref().and_then(regex::refused)
        {
            let list = Node {
                at: one.at,
                value: Value::Regex(inner),
            };
            return self.fallback_deny(option, &list);
        }
        let base = self.base.clone();
        let patterns = self.regexes(option, node, |regex| regex::path_pattern(regex, &base));
        if patterns.iter().any(|pattern| pattern == "**") {
            return self.draft.needless(option, node, "it is so by default");
        }
        if !patterns.is_empty() {
            self.draft.mapped(option, node, "[worker] fallback_allow");
            self.draft.add("worker", "fallback_allow", patterns);
        }
    }

    pub(super) fn fallback_deny(&mut self, option: &str, node: &Node) {
        let base = self.base.clone();
        let patterns = self.regexes(option, node, |regex| regex::path_pattern(regex, &base));
        if !patterns.is_empty() {
            self.draft.mapped(option, node, "[worker] fallback_deny");
            self.draft.add("worker", "fallback_deny", patterns);
        }
    }

    pub(super) fn ignored_parameters(&mut self, option: &str, node: &Node) {
        let mut names = Vec::new();
        for node in node.list() {
            let found = node.regex().map(|regex| {
                regex::parameter(&regex).map_err(|why| format!("`{}`: {why}", regex.source))
            });
            match found {
                Some(Ok(more)) => names.extend(more),
                Some(Err(why)) => self.draft.lost(option, node, &why),
                None => self.draft.lost(option, node, "it is no regular expression"),
            }
        }
        if names
            .iter()
            .any(|name| name.contains(['*', '?', '{', '}']) && !is_start(name))
        {
            return self.draft.lost(option, node, "it is no name with any rest");
        }
        let all = matches!(&node.value, Value::List(list) if list.is_empty());
        if names.is_empty() && !all {
            return;
        }
        self.draft
            .mapped(option, node, "[worker] ignore_parameters");
        self.draft
            .set("worker", "ignore_parameters", Toml::Texts(names));
    }

    /// What a build would refuse is put right: pages at which visits begin or end must be kept.
    pub(super) fn finish(&mut self) {
        let include = self.draft.texts("precache", "include");
        if include.iter().any(|pattern| pattern == "**") {
            self.draft.unset("precache", "include");
            return;
        }
        if include.is_empty() {
            return;
        }
        let kept = |file: &str| include.iter().any(|pattern| matches(pattern, file));
        let fallback = match self.draft.value("worker", "fallback") {
            Some(Toml::Text(page)) => Some(page.clone()),
            _ => None,
        };
        let routes = self.draft.routes.iter();
        let of_routes: Vec<String> = routes
            .filter_map(|route| route.text("fallback").map(str::to_owned))
            .collect();
        let first = "index.html".to_owned();
        for page in fallback.into_iter().chain(of_routes).chain([first]) {
            if !kept(&page) && !self.draft.texts("precache", "include").contains(&page) {
                let note = format!(
                    "`{page}` is kept too: it is asked for when nothing else answers, or first of all"
                );
                self.draft.notes.push(note);
                self.draft.add("precache", "include", vec![page]);
            }
        }
        let include = self.draft.texts("precache", "include");
        if !include
            .iter()
            .any(|pattern| matches(pattern, "offline.html"))
        {
            self.draft
                .set("worker", "offline_page", Toml::Text(String::new()));
        }
    }
}

fn is_start(name: &str) -> bool {
    let word = name.strip_suffix('*').unwrap_or(name);
    !word.is_empty() && !word.contains(['*', '?', '{', '}'])
}

fn matches(pattern: &str, path: &str) -> bool {
    Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(path))
}

/// Options that are needless whatever their value is.
const WHATEVER: [&str; 13] = [
    "cleanupOutdatedCaches",
    "config",
    "devOptions",
    "disableDevLogs",
    "experimental",
    "globStrict",
    "inlineWorkboxRuntime",
    "integration",
    "logger",
    "minify",
    "mode",
    "sourcemap",
    "verbose",
];
