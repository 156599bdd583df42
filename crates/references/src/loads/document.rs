//! Documents: what does this page load, and which names occur in it?

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use lol_html::html_content::Element;
use lol_html::{AsciiCompatibleEncoding, HtmlRewriter, OutputSink, Settings, element};
use url::Url;

use super::speculation::{Speculated, speculations};
use super::tags::{State, visit};
use super::{ImportMap, Load, Occasion, Screen, Sheet, Words, imports, sheet};
use crate::ScriptKind;

/// A page, as far as its loads go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it loads: first what the preload scanner finds, in the order of the source, then what only the parser
    /// finds, then what waits.
    pub loads: Vec<Load>,
    /// Its inline style sheets. Their imports are among `loads`, their pictures and fonts are [`styled`](super::styled).
    pub sheets: Vec<Sheet>,
    /// Against which its URLs are resolved.
    pub base: Url,
    /// What the names that its modules import stand for.
    pub import_map: ImportMap,
    /// Pages that it links to, in its order, without fragments.
    pub links: Vec<Url>,
    /// Pages that a browser may fetch ahead.
    pub speculated: Vec<Speculated>,
    /// The names that selectors may mean.
    pub words: Words,
}

/// Reads the page `bytes`, which came from `at`; no bytes are refused.
pub fn document(bytes: &[u8], at: &Url, screen: Screen) -> Document {
    let decoded;
    let bytes = match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => {
            let encoding = encoding_rs::Encoding::for_bom(bytes)
                .map_or(encoding_rs::UTF_8, |(encoding, _)| encoding);
            decoded = encoding.decode(bytes).0;
            decoded.as_bytes()
        }
        _ => bytes,
    };
    let state = Rc::new(RefCell::new(State::new(at.clone(), screen, bytes.len())));
    let mut encoding = AsciiCompatibleEncoding::utf_8();
    // An error would mean that memory ran out; what was found until then holds.
    let _ = run(bytes, &state, &mut encoding);
    let State {
        base,
        scanned,
        parsed,
        texts,
        links,
        mut words,
        ..
    } = state.take();
    let base = base.unwrap_or_else(|| at.clone());
    let encoding: &encoding_rs::Encoding = encoding.into();
    let text = |range: &Range<usize>| {
        let text = bytes.get(range.clone()).unwrap_or_default();
        encoding.decode_without_bom_handling(text).0
    };
    words.letters(&encoding.decode(bytes).0);
    let mut import_map = ImportMap::default();
    for inline in texts
        .iter()
        .filter(|inline| inline.kind == TextKind::ImportMap)
    {
        import_map.add(&text(&inline.range), &base);
    }
    let mut loads = scanned;
    let mut sheets = Vec::new();
    let mut speculated = Vec::new();
    let mut read_to = 0;
    let mut from_texts = Vec::new();
    for inline in &texts {
        // In SVG a text may hold further elements that have texts: what was read is not read again.
        if inline.range.start < read_to {
            continue;
        }
        read_to = inline.range.end;
        match inline.kind {
            TextKind::Style => {
                let sheet = sheet::sheet(&text(&inline.range), &base, screen);
                from_texts.extend(sheet.imports.iter().cloned());
                sheets.push(sheet);
            }
            TextKind::Script(kind) => from_texts.extend(imports::module(
                &text(&inline.range),
                kind,
                &base,
                &base,
                &import_map,
            )),
            TextKind::Speculation => speculated.extend(speculations(&text(&inline.range), &base)),
            TextKind::ImportMap => {}
        }
    }
    loads.extend(from_texts);
    loads.extend(parsed);
    // What waits comes last, whatever its place; within one kind the order of the source holds.
    loads.sort_by_key(|load| match load.occasion {
        Occasion::Preload | Occasion::Read => 0,
        Occasion::Styled => 1,
        Occasion::Idle => 2,
        Occasion::Scrolled | Occasion::Demand => 3,
    });
    Document {
        loads,
        sheets,
        base,
        import_map,
        links,
        speculated,
        words,
    }
}

/// A text within a page that is read by another parser.
pub(super) struct Text {
    pub(super) kind: TextKind,
    pub(super) range: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextKind {
    Style,
    Script(ScriptKind),
    ImportMap,
    Speculation,
}

fn run(
    bytes: &[u8],
    state: &Rc<RefCell<State>>,
    encoding: &mut AsciiCompatibleEncoding,
) -> Result<(), lol_html::errors::RewritingError> {
    let elements = element!("*", |it: &mut Element<'_, '_>| {
        visit(it, state);
        Ok(())
    });
    let settings = Settings::new()
        .with_strict(false)
        .with_adjust_charset_on_meta_tag(!bytes.starts_with(b"\xEF\xBB\xBF"))
        .append_element_content_handler(elements);
    let mut rewriter = HtmlRewriter::new(settings, Sink { encoding });
    rewriter.write(bytes)?;
    rewriter.end()
}

/// Takes no output, and notes the encoding.
struct Sink<'a> {
    encoding: &'a mut AsciiCompatibleEncoding,
}

impl OutputSink for Sink<'_> {
    fn handle_chunk(&mut self, _: &[u8]) {}

    fn set_encoding(&mut self, encoding: AsciiCompatibleEncoding) {
        *self.encoding = encoding;
    }
}
