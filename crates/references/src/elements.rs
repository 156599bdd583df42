//! Elements: what does a start tag, or the text of an element, load?
//!
//! Also told here, since they are tags like others: what tags say about the page's frame, and which are ours.
//! HTML, the sections of the elements; SVG 2 for `<use>` and `<image>`.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use lol_html::html_content::{Element, EndTag};

use super::srcset::srcset;
use super::{Kind, Reference, ScriptKind, When, css, entities};

pub(super) type Shared = Rc<RefCell<State>>;

/// What is known of a page so far; behind a cell, since `lol_html` takes its handlers one by one.
#[derive(Default)]
pub(super) struct State {
    pub(super) items: Vec<Item>,
    pub(super) base: Option<String>,
    pub(super) root: Vec<(String, String)>,
    pub(super) csp: Option<String>,
    pub(super) client_tags: Vec<Range<usize>>,
    /// How many `<template>`, `<svg>` and `<math>` are open: a script in them would not run.
    hidden: usize,
    pub(super) doctype_end: Option<usize>,
    html_end: Option<usize>,
    head_end: Option<usize>,
    head_close: Option<usize>,
    body_start: Option<usize>,
    /// The first in the head that is none of ours.
    pub(super) first_script: Option<usize>,
}

pub(super) enum Item {
    Reference(Reference),
    Inline(Inline, Range<usize>),
}

#[derive(Clone, Copy)]
pub(super) enum Inline {
    Style,
    Script(ScriptKind),
    ImportMap,
}

impl State {
    pub(super) fn insert_at(&self, bytes: &[u8]) -> Option<usize> {
        // A tag or doctype that the end of the page cut off has no `>`: what followed it would become part of it.
        let complete =
            |end: &usize| end.checked_sub(1).and_then(|last| bytes.get(last)) == Some(&b'>');
        self.head_close
            .or(self.body_start)
            .or(self.head_end)
            .or(self.html_end)
            .or(self.doctype_end.filter(complete))
    }

    /// Whether nothing that follows can move the place of a tag.
    pub(super) fn head_is_closed(&self) -> bool {
        self.head_close.is_some()
    }

    /// The text that was noted as item `item` is all before `end`.
    fn end_inline(&mut self, item: usize, end: &EndTag<'_>) {
        if let Some(Item::Inline(_, text)) = self.items.get_mut(item) {
            text.end = end.source_location().bytes().start;
        }
    }

    /// Whether a tag that is seen now belongs to the frame of the page, in front of its content.
    pub(super) fn in_frame(&self) -> bool {
        self.hidden == 0 && self.body_start.is_none()
    }
}

/// Takes what the start tag `it` of the page `bytes` says; `styles`: whether `style` attributes are worth a look.
pub(super) fn visit(it: &mut Element<'_, '_>, bytes: &[u8], styles: bool, shared: &Shared) {
    let tag = it.source_location().bytes();
    let text = bytes.get(tag.clone()).unwrap_or_default();
    known_element(it, tag, text, bytes.len(), shared);
    if styles && has_style(text) {
        let style = attribute(it, "style").unwrap_or_default();
        let references = css(&style).into_iter().map(Item::Reference);
        shared.borrow_mut().items.extend(references);
    }
}

fn known_element(
    it: &mut Element<'_, '_>,
    tag: Range<usize>,
    text: &[u8],
    page_bytes: usize,
    shared: &Shared,
) {
    // `it.tag_name()` would allocate for every tag of the page.
    let name = text.get(1..).unwrap_or_default();
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
    let Some(length) = name.iter().take(NAME_BYTES_MAX + 1).position(is_end) else {
        return;
    };
    let mut lower = [0; NAME_BYTES_MAX];
    let lower = &mut lower[..length];
    lower.copy_from_slice(&name[..length]);
    lower.make_ascii_lowercase();
    let state = &mut *shared.borrow_mut();
    match &*lower {
        b"html" => {
            if state.in_frame() {
                state.html_end.get_or_insert(tag.end);
            }
            if state.root.is_empty() {
                let names = it.attributes().iter().map(|attribute| attribute.name());
                let pairs = names.filter_map(|name| Some((name.clone(), attribute(it, &name)?)));
                state.root = pairs.collect();
            }
        }
        b"head" => {
            if state.in_frame() {
                state.head_end.get_or_insert(tag.end);
            }
            at_end(it, shared, |state, end| {
                if state.in_frame() && end.name() == "head" {
                    state
                        .head_close
                        .get_or_insert(end.source_location().bytes().start);
                }
            });
        }
        b"body" | b"frameset" => {
            if state.hidden == 0 {
                state.body_start.get_or_insert(tag.start);
            }
            state.pictures(it, &["background"]);
        }
        name @ (b"template" | b"svg" | b"math") => {
            // Where the end is not seen, be it that `lol_html` takes `<svg/>` for open as long as it can, nothing that
            // follows counts as outside.
            state.hidden += 1;
            let name = name.to_vec();
            at_end(it, shared, move |state, end| {
                state.hidden -= usize::from(end.name().as_bytes() == name);
            });
        }
        b"base" if state.base.is_none() => state.base = attribute(it, "href"),
        b"script" if it.has_attribute("data-revisit") => client_tag(it, shared, tag.start),
        b"script" => {
            if state.in_frame() {
                state.first_script.get_or_insert(tag.start);
            }
            script_tag(state, it, shared, tag.end);
        }
        b"style" => {
            let text = state.items.len();
            state
                .items
                .push(Item::Inline(Inline::Style, tag.end..page_bytes));
            at_end(it, shared, move |state, end| state.end_inline(text, end));
        }
        b"link" => state.link(it),
        b"meta" => state.meta(it),
        b"img" | b"source" => {
            state.pictures(it, &["src"]);
            state.srcset(it, "srcset");
        }
        b"audio" | b"track" => state.pictures(it, &["src"]),
        b"video" => state.pictures(it, &["src", "poster"]),
        b"input"
            if attribute(it, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("image")) =>
        {
            state.pictures(it, &["src"]);
        }
        b"iframe" | b"frame" | b"embed" => state.url(it, "src", When::Load, Kind::Page),
        b"object" => state.url(it, "data", When::Load, Kind::Page),
        b"image" => {
            // SVG's, or another name of `<img>`.
            state.pictures(it, &["href", "xlink:href", "src"]);
            state.srcset(it, "srcset");
        }
        b"use" | b"feimage" => state.pictures(it, &["href", "xlink:href"]),
        _ => {}
    }
}

impl State {
    fn link(&mut self, it: &Element<'_, '_>) {
        let rel = attribute(it, "rel")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let has = |word: &str| rel.split_ascii_whitespace().any(|other| other == word);
        let (when, kind) = if has("stylesheet") {
            (When::Load, Kind::Style)
        } else if has("modulepreload") {
            (When::Load, Kind::Module)
        } else if has("manifest") {
            (When::Load, Kind::Manifest)
        } else if has("preload") {
            (When::Load, destination(it))
        } else if has("prefetch") {
            (When::Demand, destination(it))
        } else if ICONS.iter().any(|icon| has(icon)) {
            (When::Load, Kind::Other)
        } else {
            return;
        };
        self.url(it, "href", when, kind);
        self.srcset(it, "imagesrcset");
    }

    fn meta(&mut self, it: &Element<'_, '_>) {
        let name = attribute(it, "http-equiv").unwrap_or_default();
        let content = attribute(it, "content").unwrap_or_default();
        if name.eq_ignore_ascii_case("refresh") {
            let reference =
                refresh(&content).and_then(|url| Reference::new(url, When::Demand, Kind::Page));
            self.items.extend(reference.map(Item::Reference));
        } else if name.eq_ignore_ascii_case("content-security-policy") && !content.is_empty() {
            match &mut self.csp {
                Some(policies) => *policies = format!("{policies}, {content}"),
                None => self.csp = Some(content),
            }
        }
    }

    fn url(&mut self, it: &Element<'_, '_>, name: &str, when: When, kind: Kind) {
        let reference = attribute(it, name).and_then(|url| Reference::new(&url, when, kind));
        self.items.extend(reference.map(Item::Reference));
    }

    fn pictures(&mut self, it: &Element<'_, '_>, names: &[&str]) {
        for name in names {
            self.url(it, name, When::Load, Kind::Other);
        }
    }

    fn srcset(&mut self, it: &Element<'_, '_>, name: &str) {
        let value = attribute(it, name).unwrap_or_default();
        let references =
            srcset(&value).filter_map(|url| Reference::new(url, When::Load, Kind::Other));
        self.items.extend(references.map(Item::Reference));
    }
}

/// Has `then` called at the end tag that closes `it`, which may be that of an element around.
fn at_end(
    it: &mut Element<'_, '_>,
    shared: &Shared,
    then: impl FnOnce(&mut State, &EndTag<'_>) + 'static,
) {
    if let Some(handlers) = it.end_tag_handlers() {
        let shared = Rc::clone(shared);
        handlers.push(Box::new(move |end| {
            then(&mut shared.borrow_mut(), end);
            Ok(())
        }));
    }
}

/// Notes an earlier tag of ours, once it is whole.
fn client_tag(it: &mut Element<'_, '_>, shared: &Shared, start: usize) {
    at_end(it, shared, move |state, end| {
        let last = state.client_tags.last().map_or(0, |tag| tag.end);
        if end.name() == "script" && start >= last {
            state
                .client_tags
                .push(start..end.source_location().bytes().end);
        }
    });
}

fn script_tag(state: &mut State, it: &mut Element<'_, '_>, shared: &Shared, start: usize) {
    let Some(inline) = script_type(it) else {
        return;
    };
    let kind = match inline {
        Inline::Script(ScriptKind::Classic) => Some(Kind::Script),
        Inline::Script(ScriptKind::Module) => Some(Kind::Module),
        // "External import maps are not yet supported" (HTML, prepare the script element)
        Inline::ImportMap | Inline::Style => None,
    };
    // SVG's scripts have a `href`.
    let source = ["src", "href", "xlink:href"]
        .into_iter()
        .find(|name| it.has_attribute(name));
    if let Some(source) = source {
        if let Some(kind) = kind {
            state.url(it, source, When::Load, kind);
        }
        return;
    }
    // A script that does not end does not run.
    let text = state.items.len();
    state.items.push(Item::Inline(inline, start..start));
    at_end(it, shared, move |state, end| state.end_inline(text, end));
}

/// How a browser runs a `<script>`; `None` when its text is data.
pub(super) fn script_type(it: &Element<'_, '_>) -> Option<Inline> {
    let declared = attribute(it, "type");
    let language = || attribute(it, "language").filter(|language| !language.is_empty());
    let kind = match declared {
        Some(kind) => kind,
        None => language()
            .map(|language| format!("text/{language}"))
            .unwrap_or_default(),
    };
    let kind = kind
        .trim_matches(|c: char| c.is_ascii_whitespace())
        .to_ascii_lowercase();
    match &*kind {
        "module" => Some(Inline::Script(ScriptKind::Module)),
        "importmap" => Some(Inline::ImportMap),
        kind if kind.is_empty() || SCRIPT_TYPES.contains(&kind) => {
            Some(Inline::Script(ScriptKind::Classic))
        }
        _ => None,
    }
}

/// What `<link as>` announces.
fn destination(it: &Element<'_, '_>) -> Kind {
    match &*attribute(it, "as").unwrap_or_default().to_ascii_lowercase() {
        "style" => Kind::Style,
        "script" => Kind::Script,
        "worker" | "sharedworker" => Kind::Worker,
        "document" | "iframe" | "frame" | "object" | "embed" => Kind::Page,
        _ => Kind::Other,
    }
}

/// The URL in the content of `<meta http-equiv=refresh>` (HTML, shared declarative refresh steps).
fn refresh(content: &str) -> Option<&str> {
    let is_space = |c: char| c.is_ascii_whitespace();
    let rest = content.trim_start_matches(is_space);
    let time = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let rest = time.trim_start_matches(is_space);
    let rest = rest
        .strip_prefix([';', ','])
        .unwrap_or(rest)
        .trim_start_matches(is_space);
    // "url" "=", both optional together.
    let named = rest
        .split_at_checked(3)
        .filter(|(name, _)| name.eq_ignore_ascii_case("url"));
    let value = named.and_then(|(_, rest)| rest.trim_start_matches(is_space).strip_prefix('='));
    let url = value.unwrap_or(rest).trim_start_matches(is_space);
    match url
        .strip_prefix('"')
        .map(|url| (url, '"'))
        .or_else(|| url.strip_prefix('\'').map(|url| (url, '\'')))
    {
        Some((quoted, quote)) => quoted.split(quote).next(),
        None => Some(url),
    }
}

/// The value of an attribute, decoded.
pub(super) fn attribute(it: &Element<'_, '_>, name: &str) -> Option<String> {
    let value = it.get_attribute(name)?;
    Some(match entities::decode(&value) {
        Cow::Borrowed(_) => value,
        Cow::Owned(decoded) => decoded,
    })
}

/// Whether a tag seems to have a `style` attribute.
fn has_style(tag: &[u8]) -> bool {
    tag.windows(5)
        .any(|word| word.eq_ignore_ascii_case(b"style"))
}

/// Whether a `style` attribute could load anything: the functions that do are `url()`, `src()` and `image-set()`, and
/// their names may be written with escapes.
pub(super) fn may_have_urls_in_styles(bytes: &[u8]) -> bool {
    let opens = |at: usize| {
        let before = &bytes[..at];
        before.len() >= 3
            && FUNCTION_ENDS
                .iter()
                .any(|end| before[at - 3..].eq_ignore_ascii_case(end))
    };
    bytes
        .iter()
        .enumerate()
        .any(|(at, byte)| *byte == b'(' && opens(at))
}

/// The longest name that [`known_element`] knows: `template`.
const NAME_BYTES_MAX: usize = 8;

const ICONS: [&str; 6] = [
    "icon",
    "apple-touch-icon",
    "apple-touch-icon-precomposed",
    "apple-touch-startup-image",
    "mask-icon",
    "fluid-icon",
];

/// The last letters of the functions that take URLs.
const FUNCTION_ENDS: [&[u8]; 3] = [b"url", b"src", b"set"];

/// "A JavaScript MIME type essence match" (MIME Sniffing §4.6), beside no type at all.
const SCRIPT_TYPES: [&str; 16] = [
    "application/ecmascript",
    "application/javascript",
    "application/x-ecmascript",
    "application/x-javascript",
    "text/ecmascript",
    "text/javascript",
    "text/javascript1.0",
    "text/javascript1.1",
    "text/javascript1.2",
    "text/javascript1.3",
    "text/javascript1.4",
    "text/javascript1.5",
    "text/jscript",
    "text/livescript",
    "text/x-ecmascript",
    "text/x-javascript",
];

#[cfg(test)]
mod tests;
