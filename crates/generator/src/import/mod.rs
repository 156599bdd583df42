//! A config of Workbox or sw-precache in, or an AppCache manifest, a `revisit.toml` out.
//!
//! The file is read and not run: a literal that a script exports or hands to a known function, constants, sums and
//! joined paths. Each of its options has a counterpart, needs none, or is named as lost with the reason.
//! `docs/coming-from.md` has them all.

mod appcache;
mod condition;
mod draft;
mod find;
mod glob;
mod literal;
mod mapping;
mod options;
mod plugins;
mod regex;
mod routes;
mod sw_precache;
#[cfg(test)]
mod tests;
mod workbox;

use oxc_allocator::Allocator;
use oxc_parser::{ParseOptions, Parser};
use oxc_span::SourceType;
use revisit_references::is_shallow;
use revisit_rules::appcache::LooksLike;
use serde::Serialize;

pub use appcache::{import_manifest, is_manifest};
pub use draft::{Finding, Outcome};
use find::{Config, Script};
use literal::{Reader, Value};
use mapping::Mapping;

/// Whose config it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// Workbox, `generateSW`.
    GenerateSw,
    /// Workbox, `injectManifest` or `getManifest`.
    InjectManifest,
    /// `GenerateSW` of workbox-webpack-plugin.
    WebpackGenerateSw,
    /// `InjectManifest` of workbox-webpack-plugin.
    WebpackInjectManifest,
    /// vite-plugin-pwa.
    VitePwa,
    /// sw-precache.
    SwPrecache,
    /// A manifest of application caches.
    #[serde(rename = "appcache")]
    AppCache,
}

impl Tool {
    /// Its name as its users know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GenerateSw => "Workbox, generateSW",
            Self::InjectManifest => "Workbox, injectManifest",
            Self::WebpackGenerateSw => "workbox-webpack-plugin, GenerateSW",
            Self::WebpackInjectManifest => "workbox-webpack-plugin, InjectManifest",
            Self::VitePwa => "vite-plugin-pwa",
            Self::SwPrecache => "sw-precache",
            Self::AppCache => "an AppCache manifest",
        }
    }
}

/// What was made of a config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Whose config it was.
    pub tool: Tool,
    /// The folder to build, as the config names it; empty if it names none.
    pub site: String,
    /// The text of a `revisit.toml`.
    pub toml: String,
    /// What became of each option, in the order of the file.
    pub findings: Vec<Finding>,
    /// What else is another than before.
    pub notes: Vec<String>,
}

impl Imported {
    /// How many options are lost.
    pub fn lost(&self) -> usize {
        let lost = |finding: &&Finding| matches!(finding.outcome, Outcome::Lost { .. });
        self.findings.iter().filter(lost).count()
    }
}

/// Why a file gives no config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is no JavaScript, TypeScript or JSON.
    #[error("line {line}, column {column}: {why}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the parser said.
        why: String,
    },
    /// It nests so deep that it is no config.
    #[error("it nests deeper than any config that people write")]
    Deep,
    /// Nothing in it looks like a config.
    #[error("no config of Workbox or sw-precache was found in it")]
    NoConfig,
    /// The config is there, but no data.
    #[error("line {line}, column {column}: the config is {what}, which only a run could tell")]
    NotData {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What it is instead.
        what: String,
    },
    /// It is named like an AppCache manifest, and is none.
    #[error("it is no AppCache manifest: the first line is not `CACHE MANIFEST`{}", .looks_like.words())]
    NoAppCache {
        /// What it may be instead.
        looks_like: LooksLike,
    },
}

impl ImportError {
    /// What the user can do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Syntax { .. } | Self::Deep => "give a file of JSON, JavaScript or TypeScript",
            Self::NoConfig => {
                "give the file that calls `generateSW`, `injectManifest` or `swPrecache.write`, or that exports what they take"
            }
            Self::NotData { .. } => "write its options as a literal, in a file of their own",
            Self::NoAppCache { looks_like } => match looks_like {
                LooksLike::Template => {
                    "give the file that the template makes, as the server sends it"
                }
                LooksLike::Html => {
                    "give the manifest itself; a server that sends a page for it ends every update"
                }
                LooksLike::Utf16 => "save it as UTF-8",
                LooksLike::Late => "take out what stands before that line",
                LooksLike::Empty | LooksLike::Other => {
                    "let it begin with the line `CACHE MANIFEST`"
                }
            },
        }
    }
}

/// Reads the config in `text`, whose file has this name. `exists` tells of a path below the site's folder
/// whether a file is there, if that is known: what a file answers is no page that a server makes.
///
/// # Errors
/// See [`ImportError`].
pub fn import(
    text: &str,
    name: &str,
    exists: Option<&dyn Fn(&str) -> bool>,
) -> Result<Imported, ImportError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !is_shallow(text) {
        return Err(ImportError::Deep);
    }
    let json = name.ends_with(".json");
    let before = if json { "(" } else { "" };
    let script = format!("{before}{text}{}", if json { "\n)" } else { "" });
    let place = |at: usize| place(text, at.saturating_sub(before.len()));
    let allocator = Allocator::default();
    let options = ParseOptions {
        preserve_parens: false,
        ..ParseOptions::default()
    };
    let source_type = match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "ts" | "mts" | "cts" => SourceType::ts(),
        "mjs" => SourceType::mjs(),
        "cjs" | "json" => SourceType::cjs(),
        // either; and what JSX is nobody configures with
        _ => SourceType::unambiguous(),
    };
    let parsed = Parser::new(&allocator, &script, source_type)
        .with_options(options)
        .parse();
    if let Some(error) = parsed.diagnostics.first() {
        let at = error.labels.first().map_or(0, |it| it.offset() as usize);
        let (line, column) = place(at);
        return Err(ImportError::Syntax {
            line,
            column,
            why: error.message.to_string(),
        });
    }
    let mut script = Script::of(&parsed.program);
    let (found, more) = script.choose();
    let found = found.ok_or(ImportError::NoConfig)?;
    let mut reader = Reader::new(script.constants);
    let node = match found.config {
        Config::Expression(expression) => reader.read(expression),
        Config::Object(object) => reader.object(object),
    };
    let table = match node.value {
        Value::Table(table) => table,
        Value::Unknown(what) => {
            let (line, column) = place(node.at);
            return Err(ImportError::NotData { line, column, what });
        }
        _ => return Err(ImportError::NoConfig),
    };
    let worker = found.worker.map(|worker| reader.read(worker));
    let mut mapping = Mapping::new(found.tool, table, exists);
    match found.tool {
        Tool::SwPrecache => sw_precache::map(&mut mapping, worker.as_ref()),
        Tool::VitePwa => plugins::map_vite(&mut mapping),
        _ => workbox::map(&mut mapping),
    }
    mapping.finish();
    if more > 0 {
        let note = format!("{more} more configs in this file were not read");
        mapping.draft.notes.push(note);
    }
    let mut findings = std::mem::take(&mut mapping.draft.findings);
    for finding in &mut findings {
        (finding.line, finding.column) = place(finding.at);
    }
    findings.sort_by_key(|finding| finding.at);
    let head = head(name, found.tool, &mapping.root, &findings);
    Ok(Imported {
        tool: found.tool,
        site: mapping.root.clone(),
        toml: mapping.draft.text(&head),
        findings,
        notes: mapping.draft.notes,
    })
}

/// What the written file says of itself: where it is from, and what is lost.
fn head(name: &str, tool: Tool, root: &str, findings: &[Finding]) -> Vec<String> {
    let mut head = vec![format!(
        "Made of {name} ({}) by `revisit import`.",
        tool.name()
    )];
    if !root.is_empty() {
        head.push(format!("Build by: revisit build {root}"));
    }
    for finding in findings {
        if let Outcome::Lost { why } = &finding.outcome {
            head.push(format!("Lost: {}: {why}", finding.option));
        }
    }
    // no text of the file may end a comment
    for line in &mut head {
        *line = line.replace(|char: char| char.is_control(), " ");
    }
    head
}

/// Line and column of an offset, from 1, in characters.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}
