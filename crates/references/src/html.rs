//! HTML: what does a page load, where may a script tag stand in it, and where do earlier ones of ours stand?
//!
//! `lol_html` is used as a scanner: it says where tags are in the bytes as they were given, and nothing is rewritten.
//! It is not strict here: what it cannot tell for sure it guesses, as browsers do, and a page is never refused.
//! HTML, "parsing HTML documents"; scripting counts as enabled, so what stands in `<noscript>` is text.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use lol_html::errors::RewritingError;
use lol_html::html_content::{Doctype, Element};
use lol_html::{AsciiCompatibleEncoding, HtmlRewriter, OutputSink, Settings, doctype, element};

use super::elements::{Inline, Item, Shared, State, may_have_urls_in_styles, visit};
use super::import_map::import_map;
use super::{Encoding, Page, css, script};

/// Everything about the page `bytes`; no bytes are refused.
pub fn html(bytes: &[u8]) -> Page {
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
        insert_first_at: Utf16Offsets::new(&text).of(page.insert_first_at),
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

/// [`html`] with the references of the tags in the head: of most pages no more than that is parsed.
///
/// Where more had to be parsed more are told. `base` is told as far as they stand in what was parsed.
pub fn frame(bytes: &[u8]) -> Page {
    let whole = || html(bytes);
    if matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) {
        return whole();
    }
    let Some((head, rest)) = end_of_head(bytes).and_then(|end| bytes.split_at_checked(end)) else {
        return whole();
    };
    if speaks_of_the_frame(rest) {
        return whole();
    }
    let (mut state, encoding) = state_of(head);
    // Only the scanner knows whether that was an end tag, and not part of a comment or a script.
    if !state.head_is_closed() {
        return whole();
    }
    // Not of scripts and styles that stand in it: those would have to be parsed.
    state
        .items
        .retain(|item| matches!(item, Item::Reference(_)));
    page_of(head, state, encoding)
}

/// The offset behind the first `</head…>`.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let start = memchr::memmem::find_iter(bytes, b"</").find(|start| {
        let name = bytes.get(start + 2..start + 7);
        name.is_some_and(|name| {
            name[..4].eq_ignore_ascii_case(b"head")
                && (name[4].is_ascii_whitespace() || matches!(name[4], b'/' | b'>'))
        })
    })?;
    Some(start + memchr::memchr(b'>', &bytes[start..])? + 1)
}

/// May what follows the head hold a tag of ours, or a policy?
fn speaks_of_the_frame(rest: &[u8]) -> bool {
    memchr::memchr_iter(b'-', rest).any(|dash| {
        let around = |before: usize, word: &[u8]| {
            let start = dash.checked_sub(before);
            start
                .and_then(|start| rest.get(start..start + word.len()))
                .is_some_and(|found| found.eq_ignore_ascii_case(word))
        };
        around(4, b"data-revisit") || around(4, b"http-equiv")
    })
}

/// A page in an encoding in which ASCII is ASCII.
fn scan(bytes: &[u8]) -> Page {
    let (state, encoding) = state_of(bytes);
    page_of(bytes, state, encoding)
}

fn mark_of(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    }
}

/// What the scanner saw.
fn state_of(bytes: &[u8]) -> (State, AsciiCompatibleEncoding) {
    let state = Rc::new(RefCell::new(State::default()));
    let encoding = Cell::new(AsciiCompatibleEncoding::utf_8());
    // An error would mean that memory ran out, or a strictness that was not asked for; what was found until then holds.
    let _ = run(bytes, mark_of(bytes) == 0, &state, &encoding);
    (state.take(), encoding.get())
}

fn page_of(bytes: &[u8], state: State, encoding: AsciiCompatibleEncoding) -> Page {
    let insert_at = state.insert_at(bytes).unwrap_or(mark_of(bytes));
    let decode = |range: &Range<usize>| {
        let text = bytes.get(range.clone()).unwrap_or_default();
        let encoding: &encoding_rs::Encoding = encoding.into();
        encoding.decode_without_bom_handling(text).0
    };
    let mut references = Vec::with_capacity(state.items.len());
    let mut read_to = 0;
    for item in state.items {
        match item {
            Item::Reference(reference) => references.push(reference),
            // In SVG a text may hold further elements that have texts: what was read is not read again.
            Item::Inline(_, text) if text.start < read_to => {}
            Item::Inline(inline, text) => {
                read_to = text.end;
                let text = decode(&text);
                references.extend(match inline {
                    Inline::Style => css(&text),
                    Inline::Script(kind) => script(&text, kind),
                    Inline::ImportMap => import_map(&text),
                });
            }
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
    let first_script = state.first_script.unwrap_or(insert_at);
    Page {
        references,
        base: state.base,
        insert_at: insert_at as u64,
        insert_first_at: first_script.min(insert_at) as u64,
        client_tags,
        encoding: Encoding::Ascii,
        root: state.root,
        csp: state.csp,
    }
}

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
        visit(it, bytes, styles, state);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
    fn the_page_says_its_base_its_manifest_and_its_policies() {
        let page = html(
            b"<html Manifest=a.appcache?x&amp;y lang=de><base target=x><base href='/b/'><base href=c>\
            <meta http-equiv=Content-Security-Policy content=\"script-src 'self'\">\
            <meta http-equiv=content-security-policy content=\"img-src *\">",
        );
        assert_eq!(page.base.as_deref(), Some("/b/"));
        assert_eq!(page.root_attribute("manifest"), Some("a.appcache?x&y"));
        assert_eq!(page.root_attribute("data-manifest"), None);
        assert_eq!(page.csp.as_deref(), Some("script-src 'self', img-src *"));
        let page = html(b"<html manifest>");
        assert_eq!(page.root_attribute("manifest"), None);
        assert_eq!((page.base, page.csp), (None, None));
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
        assert_eq!(html(&inject(b"<p>")).references, []);
    }

    #[test]
    fn the_frame_is_read_off_the_head_and_off_the_rest_only_where_it_matters() {
        let check = |page: &str, parsed: bool| {
            let end = end_of_head(page.as_bytes());
            let rest = end.map(|end| speaks_of_the_frame(&page.as_bytes()[end..]));
            assert_eq!(rest == Some(false), parsed, "{page}");
        };
        check("<head></head><body>a-b", true);
        check("<head></HEAD\n><p>data-revisi", true);
        check("<head></head><script DATA-revisit></script>", false);
        check("<head></head><meta http-Equiv=x>", false);
        check("<head></header><p>", false);
        check("<head></head", false);
        check("<p>-revisit", false);
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
            "<svg><style>",
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
        fn the_head_alone_says_as_much_of_the_frame_as_the_whole_page(
            parts in prop::collection::vec(prop_oneof![6 => part(), 1 => tag(), 1 => policy()], 0..30),
        ) {
            for page in pages(&parts.concat()) {
                let (found, whole) = (frame(&page), html(&page));
                prop_assert_eq!(found.insert_at, whole.insert_at);
                prop_assert_eq!(found.client_tags, whole.client_tags);
                prop_assert_eq!(found.csp, whole.csp);
                prop_assert_eq!(found.encoding, whole.encoding);
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

    fn policy() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "<meta http-equiv=content-security-policy content=a>",
            "<meta HTTP-EQUIV='Content-Security-Policy' content=b>",
        ])
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
