//! HTML: what does a page load, where may a script tag stand in it, and where do earlier ones of ours stand?
//!
//! `lol_html` is used as a scanner: it says where tags are in the bytes as they were given, and nothing is rewritten.
//! It is not strict here: what it cannot tell for sure it guesses, as browsers do, and a page is never refused.
//! HTML, "parsing HTML documents"; scripting counts as enabled, so what stands in `<noscript>` is text.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use lol_html::errors::RewritingError;
use lol_html::html_content::{Doctype, Element, EndTag};
use lol_html::{AsciiCompatibleEncoding, HtmlRewriter, OutputSink, Settings, doctype, element};

use super::import_map::import_map;
use super::srcset::srcset;
use super::{Encoding, Kind, Page, Reference, ScriptKind, When, css, entities, script};

/// Everything about the page `bytes`; no bytes are refused.
pub(crate) fn html(bytes: &[u8]) -> Page {
    let (encoding, read): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xFF, 0xFE, ..] => (Encoding::Utf16Le, u16::from_le_bytes),
        [0xFE, 0xFF, ..] => (Encoding::Utf16Be, u16::from_be_bytes),
        _ => return scan(bytes),
    };
    // Scanned as UTF-8, without the mark. A lone surrogate, or half a unit at the end, becomes one U+FFFD and so one
    // unit again: offsets can be counted back.
    let units = bytes[2..].chunks(2).map(|unit| match unit {
        [first, second] => read([*first, *second]),
        _ => 0xFFFD,
    });
    let decoded = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    let text: String = decoded.collect();
    let page = scan(text.as_bytes());
    let mut offsets = Utf16Offsets::new(&text);
    let client_tags = page
        .client_tags
        .iter()
        .map(|tag| offsets.of(tag.start)..offsets.of(tag.end))
        .collect();
    Page {
        insert_at: Utf16Offsets::new(&text).of(page.insert_at),
        client_tags,
        encoding,
        ..page
    }
}

/// Maps ascending offsets in a text to those in its UTF-16 form, behind the byte order mark.
struct Utf16Offsets<'a> {
    text: &'a str,
    utf8: usize,
    utf16: u64,
}

impl<'a> Utf16Offsets<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            utf8: 0,
            utf16: 2,
        }
    }

    fn of(&mut self, offset: u64) -> u64 {
        let end = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.text.len());
        // Offsets are those of tags, so they never part a character.
        let passed = self.text.get(self.utf8..end).unwrap_or_default();
        self.utf16 += 2 * passed.chars().map(|c| c.len_utf16() as u64).sum::<u64>();
        self.utf8 = end;
        self.utf16
    }
}

/// A page in an encoding in which ASCII is ASCII.
fn scan(bytes: &[u8]) -> Page {
    let mark = if bytes.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    let state = Rc::new(RefCell::new(State::default()));
    let encoding = Cell::new(AsciiCompatibleEncoding::utf_8());
    // An error would mean that memory ran out, or a strictness that was not asked for; what was found until then holds.
    let _ = run(bytes, mark == 0, &state, &encoding);
    let state = state.take();
    let insert_at = state.insert_at(bytes).unwrap_or(mark);
    let decode = |range: &Range<usize>| {
        let text = bytes.get(range.clone()).unwrap_or_default();
        let encoding: &encoding_rs::Encoding = encoding.get().into();
        encoding.decode_without_bom_handling(text).0
    };
    let mut references = Vec::with_capacity(state.items.len());
    for item in state.items {
        match item {
            Item::Reference(reference) => references.push(reference),
            Item::Inline(Inline::Style, text) => references.extend(css(&decode(&text))),
            Item::Inline(Inline::Script(kind), text) => {
                references.extend(script(&decode(&text), kind))
            }
            Item::Inline(Inline::ImportMap, text) => references.extend(import_map(&decode(&text))),
        }
    }
    let before_newline = |start: usize| match start.checked_sub(1) {
        Some(before) if bytes.get(before) == Some(&b'\n') => before,
        _ => start,
    };
    let client_tags = state.client_tags.into_iter();
    let client_tags = client_tags
        .map(|tag| before_newline(tag.start) as u64..tag.end as u64)
        .collect();
    Page {
        references,
        base: state.base,
        insert_at: insert_at as u64,
        client_tags,
        encoding: Encoding::Ascii,
        appcache: state.appcache,
        csp: state.csp,
    }
}

/// What the handlers know; behind a cell, since `lol_html` takes them one by one.
#[derive(Default)]
struct State {
    items: Vec<Item>,
    base: Option<String>,
    appcache: Option<String>,
    csp: Option<String>,
    client_tags: Vec<Range<usize>>,
    /// How many `<template>`, `<svg>` and `<math>` are open: a script in them would not run.
    hidden: usize,
    doctype_end: Option<usize>,
    html_end: Option<usize>,
    head_end: Option<usize>,
    head_close: Option<usize>,
    body_start: Option<usize>,
}

enum Item {
    Reference(Reference),
    Inline(Inline, Range<usize>),
}

#[derive(Clone, Copy)]
enum Inline {
    Style,
    Script(ScriptKind),
    ImportMap,
}

impl State {
    fn insert_at(&self, bytes: &[u8]) -> Option<usize> {
        // A tag or doctype that the end of the page cut off has no `>`: what followed it would become part of it.
        let complete =
            |end: &usize| end.checked_sub(1).and_then(|last| bytes.get(last)) == Some(&b'>');
        self.head_close
            .or(self.body_start)
            .or(self.head_end)
            .or(self.html_end)
            .or(self.doctype_end.filter(complete))
    }

    /// The text that was noted as item `item` is all before `end`.
    fn end_inline(&mut self, item: usize, end: &EndTag<'_>) {
        if let Some(Item::Inline(_, text)) = self.items.get_mut(item) {
            text.end = end.source_location().bytes().start;
        }
    }

    /// Whether a tag that is seen now belongs to the frame of the page, in front of its content.
    fn in_frame(&self) -> bool {
        self.hidden == 0 && self.body_start.is_none()
    }

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

type Shared = Rc<RefCell<State>>;

/// Runs the scanner over `bytes`; `charset`: whether a `<meta charset>` is believed (a byte order mark outdoes it).
fn run(
    bytes: &[u8],
    charset: bool,
    state: &Shared,
    encoding: &Cell<AsciiCompatibleEncoding>,
) -> Result<(), RewritingError> {
    let doctypes = doctype!(|it: &mut Doctype<'_>| {
        let mut state = state.borrow_mut();
        if state.in_frame() {
            state
                .doctype_end
                .get_or_insert(it.source_location().bytes().end);
        }
        Ok(())
    });
    let styles = may_have_urls_in_styles(bytes);
    // One handler for all: a list of the names that matter is no faster on large pages, since each tag is compared with
    // each of them, and half as fast on small ones, since the list has to be compiled.
    let elements = element!("*", |it: &mut Element<'_, '_>| {
        let tag = it.source_location().bytes();
        let text = bytes.get(tag.clone()).unwrap_or_default();
        visit(it, tag, text, bytes.len(), state);
        if styles && has_style(text) {
            let style = attribute(it, "style").unwrap_or_default();
            state.borrow_mut().items.extend(css(&style).into_iter().map(Item::Reference));
        }
        Ok(())
    });
    let settings = Settings::new()
        .with_strict(false)
        .with_adjust_charset_on_meta_tag(charset)
        .append_document_content_handler(doctypes)
        .append_element_content_handler(elements);
    let mut rewriter = HtmlRewriter::new(settings, Sink { encoding });
    rewriter.write(bytes)?;
    rewriter.end()
}

/// Takes no output, and notes the encoding.
struct Sink<'a> {
    encoding: &'a Cell<AsciiCompatibleEncoding>,
}

impl OutputSink for Sink<'_> {
    fn handle_chunk(&mut self, _: &[u8]) {}

    fn set_encoding(&mut self, encoding: AsciiCompatibleEncoding) {
        self.encoding.set(encoding);
    }
}

/// The longest name that [`visit`] knows: `template`.
const NAME_BYTES_MAX: usize = 8;

/// Takes what the start tag at `tag`, of which `text` is the text, says.
fn visit(it: &mut Element<'_, '_>, tag: Range<usize>, text: &[u8], page_bytes: usize, shared: &Shared) {
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
            if state.appcache.is_none() {
                state.appcache = attribute(it, "manifest").filter(|url| !url.is_empty());
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
        b"script" => script_tag(state, it, shared, tag.end),
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
        b"input" if attribute(it, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("image")) => {
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
fn script_type(it: &Element<'_, '_>) -> Option<Inline> {
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
fn attribute(it: &Element<'_, '_>, name: &str) -> Option<String> {
    let value = it.get_attribute(name)?;
    Some(match entities::decode(&value) {
        Cow::Borrowed(_) => value,
        Cow::Owned(decoded) => decoded,
    })
}

/// Whether a tag seems to have a `style` attribute.
fn has_style(tag: &[u8]) -> bool {
    tag.windows(5).any(|word| word.eq_ignore_ascii_case(b"style"))
}

/// Whether a `style` attribute could load anything: the functions that do are `url()`, `src()` and `image-set()`, and
/// their names may be written with escapes.
fn may_have_urls_in_styles(bytes: &[u8]) -> bool {
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `expected`: each `kind url`, with `?` behind the kind when it is asked for on demand.
    fn check(page: &str, expected: &[&str]) {
        let found = html(page.as_bytes())
            .references
            .into_iter()
            .map(|reference| {
                let when = if reference.when == When::Demand {
                    "?"
                } else {
                    ""
                };
                format!("{:?}{when} {}", reference.kind, reference.url).to_lowercase()
            });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{page:?}");
    }

    /// `expected`: the page with a `^` where a tag is inserted; what is between `[` and `]` is an earlier tag.
    fn check_place(expected: &str) {
        let page: String = expected.replace(['^', '[', ']'], "");
        let found = html(page.as_bytes());
        let mut marked = page.into_bytes();
        let mut marks: Vec<(u64, u8)> = vec![(found.insert_at, b'^')];
        marks.extend(
            found
                .client_tags
                .iter()
                .flat_map(|tag| [(tag.start, b'['), (tag.end, b']')]),
        );
        // From the end on; at one place an end stands before the insertion, and that before a start.
        marks.sort_unstable_by_key(|(at, mark)| {
            (
                std::cmp::Reverse(*at),
                b"[^]".iter().position(|it| it == mark),
            )
        });
        for (at, mark) in marks {
            marked.insert(at as usize, mark);
        }
        assert_eq!(String::from_utf8_lossy(&marked), expected);
    }

    const TAG: &str = "\n<script defer src=\"/revisit/client-0123.js\" data-revisit></script>";

    fn tag_bytes(encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Ascii => TAG.into(),
            Encoding::Utf16Le => TAG.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => TAG.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }

    /// `page` without the tags of ours, and with `tag` in its place.
    fn rewrite(page: &[u8], tag: impl Fn(Encoding) -> Vec<u8>) -> Vec<u8> {
        let found = html(page);
        let at = found.insert_at as usize;
        let mut out = Vec::new();
        let mut kept = 0;
        let mut inserted = false;
        let ranges = found
            .client_tags
            .iter()
            .map(|tag| tag.start as usize..tag.end as usize);
        for gap in ranges.chain(std::iter::once(page.len()..page.len())) {
            assert!(!(gap.start < at && at < gap.end), "in a tag of ours");
            assert!(
                kept <= gap.start && gap.start <= gap.end && gap.end <= page.len(),
                "out of order"
            );
            if !inserted && at <= gap.start {
                out.extend_from_slice(&page[kept..at]);
                out.extend(tag(found.encoding));
                out.extend_from_slice(&page[at..gap.start]);
                inserted = true;
            } else {
                out.extend_from_slice(&page[kept..gap.start]);
            }
            kept = gap.end;
        }
        assert!(inserted, "nowhere inserted");
        out
    }

    fn inject(page: &[u8]) -> Vec<u8> {
        rewrite(page, tag_bytes)
    }

    fn strip(page: &[u8]) -> Vec<u8> {
        rewrite(page, |_| Vec::new())
    }

    #[test]
    fn a_link_is_told_by_its_rel() {
        check("<link rel=stylesheet href=a.css>", &["style a.css"]);
        check(
            "<LINK REL='Alternate StyleSheet' HREF=a.css media=print>",
            &["style a.css"],
        );
        check(
            "<link rel='shortcut icon' href=a.ico><link rel=mask-icon href=b>",
            &["other a.ico", "other b"],
        );
        check("<link rel=manifest href=a>", &["manifest a"]);
        check("<link rel=modulepreload href=a.js>", &["module a.js"]);
        check(
            "<link rel=preload as=style href=a><link rel=preload as=font href=b>",
            &["style a", "other b"],
        );
        check(
            "<link rel=preload as=script href=a><link rel=preload as=worker href=b>",
            &["script a", "worker b"],
        );
        check("<link rel=prefetch href=a as=document>", &["page? a"]);
        check(
            "<link rel=preload as=image imagesrcset='a 1x, b 2x'>",
            &["other a", "other b"],
        );
        check(
            "<link rel=canonical href=a><link rel=preconnect href=b><link href=c><link rel=next href=d>",
            &[],
        );
    }

    #[test]
    fn a_script_is_told_by_its_type() {
        check("<script src=a.js></script>", &["script a.js"]);
        check(
            "<script src=a.js type=' Text/JavaScript ' nomodule></script>",
            &["script a.js"],
        );
        check("<script src=a.js type=module></script>", &["module a.js"]);
        check(
            "<script src=a.js type=text/template></script><script src=b.js type=importmap></script>",
            &[],
        );
        check(
            "<script src=a.js language=JavaScript></script><script src=b language=vbscript></script>",
            &["script a.js"],
        );
        check(
            "<script type=module>import './a.js';import('./b.js')</script>",
            &["module ./a.js", "module? ./b.js"],
        );
        check(
            "<script>new Worker('a.js');document.write('<script src=b.js>')</script>",
            &["worker a.js"],
        );
        check(
            "<script type=application/json>import('./a.js')</script>",
            &[],
        );
        check(
            "<script src=''>import('./a.js')</script><script>import('./b.js')",
            &[],
        );
        check(
            "<script type=importmap>{\"imports\":{\"a\":\"/a.js\"}}</script>",
            &["module /a.js"],
        );
    }

    #[test]
    fn pictures_media_and_frames_are_loaded() {
        check(
            "<img src=a srcset='b 1x,c 2x' loading=lazy>",
            &["other a", "other b", "other c"],
        );
        check(
            "<picture><source srcset=a><img src=b></picture>",
            &["other a", "other b"],
        );
        check(
            "<video src=a poster=b><source src=c><track src=d></video><audio src=e>",
            &["other a", "other b", "other c", "other d", "other e"],
        );
        check("<input type=IMAGE src=a><input src=b>", &["other a"]);
        check(
            "<iframe src=a></iframe><object data=b></object><embed src=c>",
            &["page a", "page b", "page c"],
        );
        check("<frameset><frame src=a></frameset>", &["page a"]);
        check(
            "<svg><use href=a.svg#b /><use xlink:href='#c'/><image xlink:href=d /></svg>",
            &["other a.svg#b", "other d"],
        );
        check("<svg><script href=a.js></script></svg>", &["script a.js"]);
        check("<body background=a>", &["other a"]);
        check("<template><img src=a></template>", &["other a"]);
    }

    #[test]
    fn styles_are_read_wherever_they_stand() {
        check(
            "<style>@import 'a.css';b{c:url(d)}</style>",
            &["style a.css", "other d"],
        );
        check("<style>a{b:url(c)}", &["other c"]);
        check(
            "<p style='a:url(b)'><img style=\"c:image-set(&quot;d&quot; 1x)\" src=e>",
            &["other b", "other e", "other d"],
        );
        check("<p style='a:URL( b )'>", &["other b"]);
    }

    #[test]
    fn a_refresh_is_a_demand() {
        for content in [
            "5;url=a",
            "5; URL = 'a' b",
            "0,a",
            " 1.5 ; url=\"a\"",
            "url=a",
        ] {
            check(
                &format!(
                    "<meta http-equiv=Refresh content='{}'>",
                    content.replace('\'', "&#39;")
                ),
                &["page? a"],
            );
        }
        check(
            "<meta http-equiv=refresh content=5><meta name=refresh content='5;url=a'>",
            &[],
        );
    }

    #[test]
    fn what_is_no_element_loads_nothing() {
        check(
            "<!-- <img src=a> --><title><img src=b></title><textarea><img src=c></textarea>",
            &[],
        );
        check(
            "<noscript><img src=a></noscript><xmp><img src=b></xmp><a href=c>",
            &[],
        );
        check(
            "<img src=''><img src=' '><img src=data:,a><iframe src=about:blank></iframe><use href=#a>",
            &[],
        );
        check("<img src=a", &[]);
    }

    #[test]
    fn urls_are_decoded_and_trimmed_and_the_first_attribute_counts() {
        check("<img src=' a?b&amp;c=d\n'>", &["other a?b&c=d"]);
        check("<img src=a SRC=b>", &["other a"]);
        let latin = html(b"<meta charset=iso-8859-1><img src=\xFC><style>a{b:url(\xE4)}</style>");
        let urls: Vec<_> = latin
            .references
            .into_iter()
            .map(|reference| reference.url)
            .collect();
        assert_eq!(urls, ["\u{FC}", "\u{E4}"]);
        check(
            "\u{FEFF}<meta charset=iso-8859-1><img src=\u{FC}>",
            &["other \u{FC}"],
        );
    }

    #[test]
    fn the_page_says_its_base_its_manifest_and_its_policies() {
        let page = html(
            b"<html manifest=a.appcache><base target=x><base href='/b/'><base href=c>\
            <meta http-equiv=Content-Security-Policy content=\"script-src 'self'\">\
            <meta http-equiv=content-security-policy content=\"img-src *\">",
        );
        assert_eq!(page.base.as_deref(), Some("/b/"));
        assert_eq!(page.appcache.as_deref(), Some("a.appcache"));
        assert_eq!(page.csp.as_deref(), Some("script-src 'self', img-src *"));
        let page = html(b"<html manifest>");
        assert_eq!((page.base, page.appcache, page.csp), (None, None, None));
    }

    #[test]
    fn the_tag_stands_at_the_end_of_the_head() {
        check_place("<!doctype html><html><head><title>a</title>^</head><body></body></html>");
        check_place("<head>\n^</HEAD >");
        check_place("<head><!-- </head> --><script>'</head>'</script>^</head>");
        check_place("<head><template><p></template><svg><g></g></svg>^</head>");
        check_place("<head>^</head></head><head></head>");
    }

    #[test]
    fn without_an_end_of_the_head_it_stands_as_near_to_it_as_can_be_told() {
        check_place("<html><head><title>a</title>^<body></head>");
        check_place("<html><title>a</title></head>^<body class=a>");
        check_place("<html><title>a</title>^<frameset>");
        check_place("<head class=a>^<title>a</title><p>b");
        check_place("<head>^<template></head>");
        check_place("<head>^<svg></head>");
        check_place("<head>^<svg/></head>");
        check_place("<head>^<script></head><body>");
        check_place("<head>^<title></head><body>");
        check_place("<html lang=a>^<p>b");
        check_place("<!-- a --><!DOCTYPE html>^<p>b");
        check_place("^<p>a");
        check_place("^");
        check_place("\u{FEFF}^<p>a");
        check_place("^<svg><body><!doctype html>");
    }

    #[test]
    fn a_tag_that_is_cut_off_is_no_place() {
        check_place("^<!doctype html");
        check_place("<!doctype html>^<html");
        check_place("<html>^<head");
        check_place("<head>^</head");
        check_place("^<!-- <head>");
    }

    #[test]
    fn an_earlier_tag_of_ours_is_found_whole_with_the_newline_before() {
        check_place("<head>[\n<script data-revisit></script>]^</head>");
        check_place("<head>^[\n<script data-revisit='' src=a>\nb</script >]\n<p>");
        check_place("<head>^</head>a[<SCRIPT DATA-REVISIT></SCRIPT>]\n");
        check_place(
            "<head>^</head>[\n<script data-revisit></script>][\n<script data-revisit></script>]",
        );
        check_place(
            "<head>^</head><script data-revisited></script><!--<script data-revisit></script>-->",
        );
        check_place("<head>^</head><script data-revisit>");
        check_place("[<script data-revisit></script>]<!doctype html>^");
        check(
            "<script src=/revisit/client-1.js data-revisit></script>",
            &[],
        );
    }

    #[test]
    fn a_page_in_utf_16_is_read_and_its_offsets_are_its_own() {
        let page = "<head><img src=\u{1F338}>\n</head><body>";
        for (units, encoding) in [
            (u16::to_le_bytes as fn(u16) -> [u8; 2], Encoding::Utf16Le),
            (u16::to_be_bytes, Encoding::Utf16Be),
        ] {
            let encode = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(units).collect() };
            let marked = encode(&format!("\u{FEFF}{page}"));
            let found = html(&marked);
            assert_eq!(found.encoding, encoding);
            assert_eq!(found.references[0].url, "\u{1F338}");
            assert_eq!(
                found.insert_at as usize,
                encode("\u{FEFF}<head><img src=\u{1F338}>\n").len()
            );
            let injected = inject(&marked);
            assert_eq!(
                injected,
                encode(&format!(
                    "\u{FEFF}{}",
                    page.replace("</head", &format!("{TAG}</head"))
                ))
            );
            assert_eq!(strip(&injected), marked);
            // A lone surrogate and half a unit at the end keep their bytes.
            let broken = [&marked[..], &units(0xD83C), &units(0x41), b"!"].concat();
            assert_eq!(strip(&inject(&broken)), broken);
        }
    }

    #[test]
    fn a_megabyte_of_open_tags_takes_no_stack_and_no_square_of_time() {
        for part in [
            "<div>",
            "<svg>",
            "<template>",
            "<head>",
            "<script>",
            "<p style=a:url(b)>",
            "<a </b>",
            "<style><svg>",
        ] {
            html(part.repeat((1 << 20) / part.len()).as_bytes());
        }
    }

    proptest! {
        #[test]
        fn stripping_undoes_injecting_on_any_bytes(page in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assume!(html(&page).client_tags.is_empty());
            prop_assert_eq!(strip(&inject(&page)), page);
        }

        #[test]
        fn stripping_undoes_injecting_on_any_page(parts in prop::collection::vec(part(), 0..30)) {
            for page in pages(&parts.concat()) {
                prop_assert_eq!(strip(&inject(&page)), page);
            }
        }

        #[test]
        fn injecting_twice_is_injecting_once(parts in prop::collection::vec(prop_oneof![4 => part(), 1 => tag()], 0..30)) {
            for page in pages(&parts.concat()) {
                let once = inject(&page);
                prop_assert_eq!(&inject(&once), &once);
                prop_assert_eq!(inject(&strip(&once)), once);
            }
        }
    }

    /// `page` in every encoding that is told apart.
    fn pages(page: &str) -> [Vec<u8>; 4] {
        let marked = format!("\u{FEFF}{page}");
        [
            page.into(),
            marked.clone().into(),
            marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ]
    }

    fn tag() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "<script data-revisit></script>",
            "\n<script src=/a data-revisit></script>",
        ])
    }

    fn part() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "<!doctype html>",
            "<html>",
            "<html manifest=a>",
            "</html>",
            "<head>",
            "</head>",
            "<body>",
            "</body>",
            "<title>",
            "</title>",
            "<svg>",
            "</svg>",
            "<svg/>",
            "<math>",
            "</math>",
            "<desc>",
            "<template>",
            "</template>",
            "<script>",
            "</script>",
            "<style>",
            "</style>",
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<br/>",
            "<select>",
            "<noscript>",
            "</noscript>",
            "<textarea>",
            "</textarea>",
            "<plaintext>",
            "<frameset>",
            "<table>",
            "<font color=a>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<foreignObject>",
            "</foreignObject>",
            "\n",
            "é",
            "\u{1F338}",
            "<img src=a style='b:url(c)'>",
            "<meta charset=shift_jis>",
            "<annotation-xml encoding=text/html>",
            "<mi>",
            "<iframe>",
            "</iframe>",
            "<?xml?>",
        ])
    }
}
