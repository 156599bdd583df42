//! Tags: what does one start tag load, who finds it, and how urgent is it?
//!
//! HTML, the sections of the elements; which of them the preload scanner knows and with which priority they are
//! fetched: Chromium's `html_preload_scanner.cc` and `resource_fetcher.cc`.

use std::cell::RefCell;
use std::rc::Rc;

use lol_html::html_content::{Element, EndTag};
use url::Url;

use super::choice::choose;
use super::document::{Text, TextKind};
use super::sheet::style_attribute;
use super::{Cors, Destination, Load, Occasion, Priority, Screen, Words, media, resolve};
use crate::elements::{Inline, attribute, script_type};

/// What is known of a page so far.
pub(super) struct State {
    at: Url,
    screen: Screen,
    bytes: usize,
    pub(super) base: Option<Url>,
    /// Found by the preload scanner.
    pub(super) scanned: Vec<Load>,
    /// Found by the parser alone, or needed later.
    pub(super) parsed: Vec<Load>,
    pub(super) texts: Vec<Text>,
    pub(super) links: Vec<Url>,
    pub(super) words: Words,
    /// How many `<template>` are open: nothing in them loads.
    templates: usize,
    /// Scripts behind the first picture are less urgent.
    picture_seen: bool,
    /// The open `<picture>`, and what its sources offer.
    picture: Option<Option<String>>,
    /// Pixels from the top where the parser probably is.
    down: f64,
    read: usize,
}

impl Default for State {
    fn default() -> Self {
        let at = Url::parse("http://taken.invalid/").expect("a URL that is written out");
        Self::new(at, Screen::default(), 0)
    }
}

impl State {
    pub(super) fn new(at: Url, screen: Screen, bytes: usize) -> Self {
        Self {
            at,
            screen,
            bytes,
            base: None,
            scanned: Vec::new(),
            parsed: Vec::new(),
            texts: Vec::new(),
            links: Vec::new(),
            words: Words::default(),
            templates: 0,
            picture_seen: false,
            picture: None,
            down: 0.0,
            read: 0,
        }
    }

    fn resolve(&self, written: &str) -> Option<Url> {
        resolve(self.base.as_ref().unwrap_or(&self.at), written)
    }
}

/// Takes what the start tag `it` says.
pub(super) fn visit(it: &mut Element<'_, '_>, shared: &Rc<RefCell<State>>) {
    let state = &mut *shared.borrow_mut();
    let name = it.tag_name();
    state.words.tag(&name);
    if let Some(classes) = it.get_attribute("class") {
        state.words.classes(&classes);
    }
    if let Some(id) = it.get_attribute("id") {
        state.words.id(id);
    }
    let place = it.source_location().bytes();
    // A page's text is taken for as high as its source is long: an estimate, for lazy pictures only.
    state.down += place.start.saturating_sub(state.read) as f64 * PIXELS_PER_BYTE;
    state.read = place.end;
    if name == "template" {
        state.templates += 1;
        at_end(it, shared, |state, end| {
            state.templates -= usize::from(end.name() == "template");
        });
        return;
    }
    if state.templates > 0 {
        return;
    }
    if let Some(style) = attribute(it, "style").filter(|style| style.contains('(')) {
        let base = state.base.as_ref().unwrap_or(&state.at);
        let pictures = style_attribute(&style, base, state.screen);
        state.parsed.extend(pictures);
    }
    match &*name {
        "base" if state.base.is_none() => {
            state.base = attribute(it, "href").and_then(|href| state.at.join(&href).ok());
        }
        "a" | "area" => {
            if let Some(mut url) = attribute(it, "href").and_then(|href| state.resolve(&href))
                && !it.has_attribute("download")
            {
                url.set_fragment(None);
                state.links.push(url);
            }
        }
        "script" => script(state, it, shared),
        "style" => {
            let medium = attribute(it, "media").unwrap_or_default();
            if media::holds(&medium, state.screen) {
                text(state, it, shared, TextKind::Style);
            }
        }
        "link" => link(state, it),
        "picture" => {
            state.picture = Some(None);
            at_end(it, shared, |state, _| state.picture = None);
        }
        "source" => source(state, it),
        "img" => image(state, it),
        "image" => {
            for name in ["href", "xlink:href"] {
                parsed(state, it, name, Destination::Image);
            }
        }
        "use" | "feimage" => {
            for name in ["href", "xlink:href"] {
                parsed(state, it, name, Destination::Image);
            }
        }
        "input" if attribute(it, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("image")) => {
            scanned(state, it, "src", Destination::Image);
        }
        "body" | "table" | "td" => parsed(state, it, "background", Destination::Image),
        "video" => {
            scanned(state, it, "poster", Destination::Image);
            medium(state, it, Destination::Video);
        }
        "audio" => medium(state, it, Destination::Audio),
        "track" if it.has_attribute("default") => parsed(state, it, "src", Destination::Track),
        "iframe" => frame(state, it),
        "frame" => parsed(state, it, "src", Destination::Frame),
        "embed" => parsed(state, it, "src", Destination::Object),
        "object" => parsed(state, it, "data", Destination::Object),
        _ => {}
    }
}

fn script(state: &mut State, it: &mut Element<'_, '_>, shared: &Rc<RefCell<State>>) {
    let kind = attribute(it, "type").unwrap_or_default();
    if kind.trim().eq_ignore_ascii_case("speculationrules") {
        return text(state, it, shared, TextKind::Speculation);
    }
    let Some(inline) = script_type(it) else {
        return;
    };
    let kind = match inline {
        Inline::Script(kind) => TextKind::Script(kind),
        Inline::ImportMap => TextKind::ImportMap,
        Inline::Style => return,
    };
    let module = kind == TextKind::Script(crate::ScriptKind::Module);
    // "if scripting is enabled … and el has a nomodule content attribute and its type is classic, return"
    if !module && it.has_attribute("nomodule") {
        return;
    }
    let source = ["src", "href", "xlink:href"]
        .into_iter()
        .find(|name| it.has_attribute(name));
    let Some(source) = source else {
        return text(state, it, shared, kind);
    };
    if kind == TextKind::ImportMap {
        return;
    }
    let destination = if module {
        Destination::Module
    } else {
        Destination::Script
    };
    let waits = it.has_attribute("async") || it.has_attribute("defer");
    let priority = match (module, waits, state.picture_seen) {
        (false, true, _) => Priority::Low,
        (true, _, _) | (_, _, false) => Priority::High,
        (_, _, true) => Priority::Medium,
    };
    if let Some(mut load) = found(state, it, source, destination) {
        load.priority = hinted(it, priority);
        load.cors = match (cors(it), module) {
            (Cors::No, true) => Cors::Anonymous,
            (cors, _) => cors,
        };
        state.scanned.push(load);
    }
}

fn link(state: &mut State, it: &Element<'_, '_>) {
    let rel = attribute(it, "rel")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let has = |word: &str| rel.split_ascii_whitespace().any(|other| other == word);
    let holds = media::holds(&attribute(it, "media").unwrap_or_default(), state.screen);
    if has("stylesheet") {
        // "the disabled attribute is set": it is not fetched; an alternate one is, as one of another medium.
        if it.has_attribute("disabled") {
            return;
        }
        if let Some(mut load) = found(state, it, "href", Destination::Style) {
            load.cors = cors(it);
            let urgent = holds && !has("alternate");
            load.priority = hinted(
                it,
                if urgent {
                    Priority::Highest
                } else {
                    Priority::Lowest
                },
            );
            state.scanned.push(load);
        }
        return;
    }
    if has("modulepreload") || has("preload") {
        if !holds {
            return;
        }
        let destination = match has("modulepreload") {
            true => Some(Destination::Module),
            false => preloaded_as(it),
        };
        let Some(destination) = destination else {
            return;
        };
        let srcset = attribute(it, "imagesrcset").filter(|_| destination == Destination::Image);
        let load = match srcset {
            Some(srcset) => {
                let href = attribute(it, "href");
                let sizes = attribute(it, "imagesizes").unwrap_or_default();
                let chosen = choose(href.as_deref(), &srcset, &sizes, state.screen);
                let url = chosen.and_then(|url| state.resolve(url));
                url.map(|url| Load::new(url, destination, Occasion::Preload))
            }
            None => found(state, it, "href", destination),
        };
        if let Some(mut load) = load {
            load.occasion = Occasion::Preload;
            load.priority = hinted(it, load.priority);
            load.cors = match (cors(it), destination) {
                (Cors::No, Destination::Module) => Cors::Anonymous,
                (cors, _) => cors,
            };
            state.scanned.push(load);
        }
        return;
    }
    let (destination, priority) = if has("prefetch") {
        (Destination::Fetch, Priority::Lowest)
    } else if has("manifest") {
        (Destination::Manifest, Priority::Medium)
    } else {
        // Icons are not the page's: the browser fetches them for its own tabs and home screens, once, into a store of
        // its own, and DevTools shows none of it.
        return;
    };
    if let Some(mut load) = found(state, it, "href", destination) {
        load.occasion = Occasion::Idle;
        load.priority = priority;
        load.cors = cors(it);
        state.parsed.push(load);
    }
}

/// What `<link rel=preload as>` announces; `None`: an unknown word fetches nothing (HTML, "translate a preload destination").
fn preloaded_as(it: &Element<'_, '_>) -> Option<Destination> {
    Some(match &*attribute(it, "as")?.to_ascii_lowercase() {
        "style" => Destination::Style,
        "script" => Destination::Script,
        "image" => Destination::Image,
        "font" => Destination::Font,
        "track" => Destination::Track,
        "fetch" => Destination::Fetch,
        _ => return None,
    })
}

/// A source of the open `<picture>`: the first that suits is taken.
fn source(state: &mut State, it: &Element<'_, '_>) {
    let Some(None) = &state.picture else {
        return;
    };
    let medium = attribute(it, "media").unwrap_or_default();
    let kind = attribute(it, "type")
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if !media::holds(&medium, state.screen) || UNKNOWN_PICTURES.contains(&&*kind) {
        return;
    }
    let srcset = attribute(it, "srcset").unwrap_or_default();
    let sizes = attribute(it, "sizes").unwrap_or_default();
    let chosen = choose(None, &srcset, &sizes, state.screen).map(str::to_owned);
    if chosen.is_some() {
        state.picture = Some(chosen);
    }
}

fn image(state: &mut State, it: &Element<'_, '_>) {
    state.picture_seen = true;
    let height: f64 = attribute(it, "height")
        .and_then(|height| height.trim().parse().ok())
        .unwrap_or(0.0);
    let top = state.down;
    state.down += height.clamp(0.0, 10_000.0);
    let from_picture = state.picture.as_mut().and_then(Option::take);
    let src = attribute(it, "src");
    let srcset = attribute(it, "srcset").unwrap_or_default();
    let sizes = attribute(it, "sizes").unwrap_or_default();
    let chosen = match &from_picture {
        Some(chosen) => Some(&**chosen),
        None => choose(src.as_deref(), &srcset, &sizes, state.screen),
    };
    let Some(url) = chosen.and_then(|url| state.resolve(url)) else {
        return;
    };
    let mut load = Load::new(url, Destination::Image, Occasion::Read);
    load.cors = cors(it);
    load.priority = hinted(it, Priority::Low);
    if is_lazy(it) {
        // The preload scanner leaves lazy pictures to the layout.
        load.occasion = match top < f64::from(state.screen.height) + LAZY_PIXELS {
            true => Occasion::Read,
            false => Occasion::Scrolled,
        };
        state.parsed.push(load);
    } else {
        state.scanned.push(load);
    }
}

fn frame(state: &mut State, it: &Element<'_, '_>) {
    if it.has_attribute("srcdoc") {
        return;
    }
    if let Some(mut load) = found(state, it, "src", Destination::Frame) {
        if is_lazy(it) && state.down >= f64::from(state.screen.height) + LAZY_PIXELS {
            load.occasion = Occasion::Scrolled;
        }
        state.parsed.push(load);
    }
}

/// `preload` is `metadata` by default, for which Chromium asks for a part of the file.
fn medium(state: &mut State, it: &Element<'_, '_>, destination: Destination) {
    let preload = attribute(it, "preload").unwrap_or_default();
    if !preload.eq_ignore_ascii_case("none") || it.has_attribute("autoplay") {
        parsed(state, it, "src", destination);
    }
}

fn scanned(state: &mut State, it: &Element<'_, '_>, name: &str, destination: Destination) {
    let load = found(state, it, name, destination);
    state.scanned.extend(load);
}

fn parsed(state: &mut State, it: &Element<'_, '_>, name: &str, destination: Destination) {
    let load = found(state, it, name, destination);
    state.parsed.extend(load);
}

fn found(
    state: &State,
    it: &Element<'_, '_>,
    name: &str,
    destination: Destination,
) -> Option<Load> {
    let url = state.resolve(&attribute(it, name)?)?;
    Some(Load::new(url, destination, Occasion::Read))
}

/// Notes a text for its own parser; one that does not end is none.
fn text(state: &mut State, it: &mut Element<'_, '_>, shared: &Rc<RefCell<State>>, kind: TextKind) {
    let start = it.source_location().bytes().end;
    let place = state.texts.len();
    let end = if kind == TextKind::Style {
        state.bytes
    } else {
        start
    };
    state.texts.push(Text {
        kind,
        range: start..end,
    });
    at_end(it, shared, move |state, end| {
        let end = end.source_location().bytes();
        // Texts are not read as pages, so they are not high either.
        state.read = end.end;
        if let Some(text) = state.texts.get_mut(place) {
            text.range.end = end.start;
        }
    });
}

fn at_end(
    it: &mut Element<'_, '_>,
    shared: &Rc<RefCell<State>>,
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

fn cors(it: &Element<'_, '_>) -> Cors {
    match attribute(it, "crossorigin") {
        None => Cors::No,
        Some(value) if value.eq_ignore_ascii_case("use-credentials") => Cors::UseCredentials,
        Some(_) => Cors::Anonymous,
    }
}

fn is_lazy(it: &Element<'_, '_>) -> bool {
    attribute(it, "loading").is_some_and(|loading| loading.eq_ignore_ascii_case("lazy"))
}

/// `fetchpriority` (HTML, "fetch priority attributes").
fn hinted(it: &Element<'_, '_>, priority: Priority) -> Priority {
    match attribute(it, "fetchpriority")
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "high" => priority.min(Priority::High),
        "low" => priority.max(Priority::Low),
        _ => priority,
    }
}

/// How far below the viewport Chromium loads what is lazy, on a fast connection
/// (`lazyImageLoadingDistanceThresholdPx4G`).
const LAZY_PIXELS: f64 = 1250.0;

/// A line of 24 pixels for 160 bytes of source, of which about half is tags.
const PIXELS_PER_BYTE: f64 = 0.15;

/// Types of pictures that Chromium does not show.
const UNKNOWN_PICTURES: [&str; 5] = [
    "image/jxl",
    "image/heic",
    "image/heif",
    "image/jp2",
    "image/jpx",
];
