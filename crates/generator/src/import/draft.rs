//! A `revisit.toml` in the making, and what is told of each option on the way.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};

use super::literal::Node;

/// What became of an option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// It has a counterpart.
    Mapped {
        /// Which.
        to: String,
        /// How the two differ, if they do.
        note: Option<String>,
    },
    /// What it asks for is so without an option.
    Needless {
        /// How so.
        why: String,
    },
    /// What it asks for is not there.
    Lost {
        /// Why not, and what to do instead.
        why: String,
    },
}

/// An option of a config and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name, with those around it.
    pub option: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Where it stands, in the units of whoever reads the file: offsets of scripts, lines of manifests.
    #[serde(skip)]
    pub(super) at: usize,
}

/// A value as TOML has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Toml {
    Text(String),
    Texts(Vec<String>),
    Number(u64),
    Numbers(Vec<u64>),
    Bool(bool),
    Map(Vec<(String, String)>),
}

#[derive(Debug, Clone)]
struct Line {
    key: &'static str,
    value: Toml,
    /// A comment above it.
    why: Option<&'static str>,
}

/// One table of a list of tables.
#[derive(Debug, Clone, Default)]
pub(super) struct Item(Vec<Line>);

impl Item {
    pub(super) fn set(&mut self, key: &'static str, value: Toml) {
        self.0.retain(|line| line.key != key);
        self.0.push(Line {
            key,
            value,
            why: None,
        });
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|line| line.key == key)
    }

    /// Only these keys stay.
    pub(super) fn keep(&mut self, keys: &[&str]) {
        self.0.retain(|line| keys.contains(&line.key));
    }

    /// As a config has it.
    pub(super) fn json(&self) -> Value {
        let value = |value: &Toml| match value {
            Toml::Text(it) => json!(it),
            Toml::Texts(it) => json!(it),
            Toml::Number(it) => json!(it),
            Toml::Numbers(it) => json!(it),
            Toml::Bool(it) => json!(it),
            Toml::Map(pairs) => pairs
                .iter()
                .map(|(key, value)| (key.clone(), json!(value)))
                .collect(),
        };
        self.0
            .iter()
            .map(|line| (line.key.to_owned(), value(&line.value)))
            .collect()
    }

    pub(super) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find_map(|line| match (&line.value, line.key == key) {
                (Toml::Text(text), true) => Some(&**text),
                _ => None,
            })
    }
}

#[derive(Debug, Default)]
pub(super) struct Draft {
    tables: Vec<(&'static str, Vec<Line>)>,
    pub(super) extras: Vec<Item>,
    pub(super) routes: Vec<Item>,
    pub(super) findings: Vec<Finding>,
    pub(super) notes: Vec<String>,
}

impl Draft {
    pub(super) fn set(&mut self, table: &'static str, key: &'static str, value: Toml) {
        self.explain(table, key, value, None);
    }

    pub(super) fn explain(
        &mut self,
        table: &'static str,
        key: &'static str,
        value: Toml,
        why: Option<&'static str>,
    ) {
        let lines = match self.tables.iter_mut().find(|(name, _)| *name == table) {
            Some((_, lines)) => lines,
            None => {
                self.tables.push((table, Vec::new()));
                &mut self.tables.last_mut().expect("just pushed").1
            }
        };
        lines.retain(|line| line.key != key);
        lines.push(Line { key, value, why });
    }

    pub(super) fn unset(&mut self, table: &str, key: &str) {
        for (_, lines) in self.tables.iter_mut().filter(|(name, _)| *name == table) {
            lines.retain(|line| line.key != key);
        }
        self.tables.retain(|(_, lines)| !lines.is_empty());
    }

    /// Adds to a list.
    pub(super) fn add(&mut self, table: &'static str, key: &'static str, more: Vec<String>) {
        if more.is_empty() {
            return;
        }
        let mut list = self.texts(table, key);
        for text in more {
            if !list.contains(&text) {
                list.push(text);
            }
        }
        self.set(table, key, Toml::Texts(list));
    }

    pub(super) fn texts(&self, table: &str, key: &str) -> Vec<String> {
        match self.value(table, key) {
            Some(Toml::Texts(list)) => list.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn value(&self, table: &str, key: &str) -> Option<&Toml> {
        let (_, lines) = self.tables.iter().find(|(name, _)| *name == table)?;
        lines
            .iter()
            .find(|line| line.key == key)
            .map(|line| &line.value)
    }

    pub(super) fn mapped_at(&mut self, option: &str, at: usize, to: &str, note: Option<&str>) {
        self.found(option, at, mapped(to, note));
    }

    pub(super) fn needless_at(&mut self, option: &str, at: usize, why: &str) {
        let why = why.to_owned();
        self.found(option, at, Outcome::Needless { why });
    }

    pub(super) fn lost_at(&mut self, option: &str, at: usize, why: &str) {
        let why = why.to_owned();
        self.found(option, at, Outcome::Lost { why });
    }

    pub(super) fn mapped(&mut self, option: &str, node: &Node, to: &str) {
        self.mapped_at(option, node.at, to, None);
    }

    pub(super) fn mapped_but(&mut self, option: &str, node: &Node, to: &str, note: &str) {
        self.mapped_at(option, node.at, to, Some(note));
    }

    pub(super) fn needless(&mut self, option: &str, node: &Node, why: &str) {
        self.needless_at(option, node.at, why);
    }

    pub(super) fn lost(&mut self, option: &str, node: &Node, why: &str) {
        self.lost_at(option, node.at, why);
    }

    fn found(&mut self, option: &str, at: usize, outcome: Outcome) {
        self.findings.push(Finding {
            option: option.to_owned(),
            line: 0,
            column: 0,
            outcome,
            at,
        });
    }

    /// The text of the file, with `head` as its comment.
    pub(super) fn text(&self, head: &[String]) -> String {
        let mut out = String::new();
        for line in head.iter().flat_map(|text| text.lines()) {
            let _ = writeln!(out, "# {}", line.trim_end());
        }
        for table in TABLES {
            if let Some((_, lines)) = self.tables.iter().find(|(name, _)| *name == table) {
                let _ = write!(out, "\n[{table}]\n");
                put(&mut out, lines);
            }
            if table == "precache" {
                for extra in &self.extras {
                    out.push_str("\n[[precache.extra]]\n");
                    put(&mut out, &extra.0);
                }
            }
        }
        for route in &self.routes {
            out.push_str("\n[[route]]\n");
            put(&mut out, &route.0);
        }
        out
    }
}

fn mapped(to: &str, note: Option<&str>) -> Outcome {
    Outcome::Mapped {
        to: to.to_owned(),
        note: note.map(str::to_owned),
    }
}

fn put(out: &mut String, lines: &[Line]) {
    for Line { key, value, why } in lines {
        if let Some(why) = why {
            let _ = writeln!(out, "# {why}");
        }
        let _ = writeln!(out, "{key} = {}", written(value));
    }
}

fn written(value: &Toml) -> String {
    match value {
        Toml::Text(text) => quoted(text),
        Toml::Number(number) => number.to_string(),
        Toml::Bool(is) => is.to_string(),
        Toml::Numbers(list) => {
            let list: Vec<String> = list.iter().map(u64::to_string).collect();
            format!("[{}]", list.join(", "))
        }
        Toml::Texts(list) => {
            let list: Vec<String> = list.iter().map(|text| quoted(text)).collect();
            match list.iter().map(|text| text.len() + 2).sum::<usize>() > 90 {
                true => format!("[\n  {},\n]", list.join(",\n  ")),
                false => format!("[{}]", list.join(", ")),
            }
        }
        Toml::Map(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("{} = {}", quoted(key), quoted(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

/// A basic string (TOML 1.0, "String").
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => {
                out.push('\\');
                out.push(char);
            }
            char if char.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out + "\""
}

/// In the order in which they are written.
const TABLES: [&str; 5] = ["site", "precache", "names", "worker", "appcache"];
