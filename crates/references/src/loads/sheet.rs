//! Sheets: what does a style sheet load for this page on this screen?
//!
//! Rules under `@media` that do not hold load nothing; a picture is loaded when its rule's selectors may match
//! ([`Words`]); a font when a rule that may match names its family and the page has letters of its range. Which of two
//! rules wins is not asked, so a picture that is overruled counts. CSS Syntax 3, CSS Fonts 4 §4, CSS Images 4 §2.4.

use std::collections::HashSet;

use cssparser::{Parser, Token};
use url::Url;

use super::selector::Selectors;
use super::{Destination, Load, Occasion, Screen, Words, media, resolve};
use crate::Kind;

/// A parsed style sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// What it `@import`s.
    pub imports: Vec<Load>,
    /// Pictures of rules.
    pub pictures: Vec<Picture>,
    /// Fonts that it declares.
    pub faces: Vec<Face>,
    /// Families that rules name, in lower case.
    families: Vec<(Vec<String>, Rules)>,
}

/// A picture that a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    load: Load,
    rules: Rules,
}

/// One `@font-face`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    load: Load,
    family: String,
    ranges: Vec<(u32, u32)>,
}

/// The selectors of a rule and of those around it: all must match.
type Rules = Vec<Selectors>;

/// What `sheets`, all of one page, load once they apply to it: pictures in the order of the rules, then fonts.
pub fn styled(sheets: &[&Sheet], words: &Words) -> Vec<Load> {
    let applies = |rules: &Rules| rules.iter().all(|selectors| selectors.may_match(words));
    let mut loads: Vec<Load> = sheets
        .iter()
        .flat_map(|sheet| &sheet.pictures)
        .filter(|picture| applies(&picture.rules))
        .map(|picture| picture.load.clone())
        .collect();
    let families: HashSet<&str> = sheets
        .iter()
        .flat_map(|sheet| &sheet.families)
        .filter(|(_, rules)| applies(rules))
        .flat_map(|(families, _)| families.iter().map(|family| &**family))
        .collect();
    let faces = sheets.iter().flat_map(|sheet| &sheet.faces);
    loads.extend(
        faces
            .filter(|face| families.contains(&*face.family))
            .filter(|face| face.ranges.is_empty() || words.has_letter_in(&face.ranges))
            .map(|face| face.load.clone()),
    );
    loads
}

/// Reads the style sheet `text`, whose URLs are relative to `at`. Broken text yields what can be read.
pub fn sheet(text: &str, at: &Url, screen: Screen) -> Sheet {
    let mut reader = Reader {
        text,
        at,
        screen,
        levels: Vec::new(),
        brackets: 0,
        statement: 0,
        sheet: Sheet::default(),
    };
    if contains(text, "@import") || text.contains('\\') {
        let imports = crate::css(text).into_iter();
        reader.sheet.imports = imports
            .filter(|reference| reference.kind == Kind::Style)
            .filter_map(|reference| resolve(at, &reference.url))
            .map(|url| Load::new(url, Destination::Style, Occasion::Read))
            .collect();
    }
    let mut start = 0;
    // As in `css`: a fresh parser behind each bracket keeps the stack flat.
    while let Some(next) = reader.until_bracket(start) {
        start = next;
    }
    reader.declaration(text.len());
    reader.sheet
}

/// The pictures of a `style` attribute, which always applies.
pub(super) fn style_attribute(value: &str, at: &Url, screen: Screen) -> Vec<Load> {
    let braced = format!("*{{{value}}}");
    let pictures = sheet(&braced, at, screen).pictures.into_iter();
    pictures.map(|picture| picture.load).collect()
}

struct Reader<'a> {
    text: &'a str,
    at: &'a Url,
    screen: Screen,
    levels: Vec<Level>,
    /// Parentheses and square brackets that are open in the statement that is read.
    brackets: usize,
    /// Where that statement begins.
    statement: usize,
    sheet: Sheet,
}

enum Level {
    Rule(Selectors),
    /// `@media` that holds, `@layer`, `@supports`, `@container`, …
    Group,
    /// `@media` that does not hold; `@page`.
    Dead,
    Face(Declared),
}

#[derive(Default)]
struct Declared {
    family: String,
    src: Option<Url>,
    ranges: Vec<(u32, u32)>,
}

impl Reader<'_> {
    fn until_bracket(&mut self, start: usize) -> Option<usize> {
        let text = self.text;
        let mut parser = Parser::new(&text[start..]);
        loop {
            let before = start + parser.position().byte_index();
            let token = parser.next_including_whitespace_and_comments().ok()?;
            match token {
                Token::Function(_) | Token::ParenthesisBlock | Token::SquareBracketBlock => {
                    self.brackets += 1;
                    return Some(start + parser.position().byte_index());
                }
                Token::CloseParenthesis | Token::CloseSquareBracket => {
                    self.brackets = self.brackets.saturating_sub(1);
                }
                Token::CurlyBracketBlock => {
                    let after = start + parser.position().byte_index();
                    self.open(before);
                    self.begin(after);
                    return Some(after);
                }
                Token::Semicolon if self.brackets == 0 => {
                    let after = start + parser.position().byte_index();
                    self.declaration(before);
                    self.begin(after);
                }
                Token::CloseCurlyBracket => {
                    let after = start + parser.position().byte_index();
                    self.declaration(before);
                    self.close();
                    self.begin(after);
                }
                _ => {}
            }
        }
    }

    fn begin(&mut self, at: usize) {
        self.statement = at;
        self.brackets = 0;
    }

    fn open(&mut self, end: usize) {
        let prelude = strip_comments(self.text.get(self.statement..end).unwrap_or_default());
        let prelude = prelude.trim();
        let level = match prelude.strip_prefix('@') {
            None => Level::Rule(Selectors::parse(prelude)),
            Some(rule) => {
                let end = rule.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                let (name, rest) = rule.split_at(end.unwrap_or(rule.len()));
                match &*name.to_ascii_lowercase() {
                    "media" if !media::holds(rest, self.screen) => Level::Dead,
                    "page" | "counter-style" | "property" => Level::Dead,
                    "font-face" => Level::Face(Declared::default()),
                    _ => Level::Group,
                }
            }
        };
        if self.levels.len() < DEPTH_MAX {
            self.levels.push(level);
        }
    }

    fn close(&mut self) {
        if let Some(Level::Face(declared)) = self.levels.pop()
            && let Some(url) = declared.src
            && !declared.family.is_empty()
            && !self.is_dead()
        {
            self.sheet.faces.push(Face {
                load: Load::new(url, Destination::Font, Occasion::Styled),
                family: declared.family,
                ranges: declared.ranges,
            });
        }
    }

    fn is_dead(&self) -> bool {
        self.levels.iter().any(|level| matches!(level, Level::Dead))
    }

    /// Takes the statement that ends at `end`, if it is a declaration.
    fn declaration(&mut self, end: usize) {
        let statement = self.text.get(self.statement..end).unwrap_or_default();
        let Some((name, value)) = statement.split_once(':') else {
            return;
        };
        let name = strip_comments(name).trim().to_ascii_lowercase();
        if self.is_dead() || name.starts_with('@') {
            return;
        }
        if let Some(Level::Face(declared)) = self.levels.last_mut() {
            match &*name {
                "font-family" => declared.family = family(value),
                "src" => declared.src = source(value, self.at),
                "unicode-range" => declared.ranges = ranges(value),
                _ => {}
            }
            return;
        }
        if matches!(&*name, "font-family" | "font") {
            let families = families(value);
            let rules = self.rules();
            self.sheet.families.push((families, rules));
        }
        if name == "behavior"
            || !contains(value, "url") && !contains(value, "image-set") && !contains(value, "src(")
        {
            return;
        }
        for url in pictures(value, self.screen) {
            if let Some(url) = resolve(self.at, &url) {
                let rules = self.rules();
                self.sheet.pictures.push(Picture {
                    load: Load::new(url, Destination::Image, Occasion::Styled),
                    rules,
                });
            }
        }
    }

    fn rules(&self) -> Rules {
        let rules = self.levels.iter().filter_map(|level| match level {
            Level::Rule(selectors) => Some(selectors.clone()),
            _ => None,
        });
        rules.collect()
    }
}

/// The URLs in the value of a property, of an `image-set()` the one that suits the screen.
fn pictures(value: &str, screen: Screen) -> Vec<String> {
    let urls = |text: &str| -> Vec<String> {
        let references = crate::css(text).into_iter();
        references.map(|reference| reference.url).collect()
    };
    let lower = value.to_ascii_lowercase();
    let Some(at) = lower.find("image-set(") else {
        return urls(value);
    };
    let inner = &value[at + "image-set(".len()..];
    let mut depth = 1;
    let end = inner.bytes().position(|byte| {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let inner = &inner[..end.unwrap_or(inner.len())];
    let mut options: Vec<(f64, String)> = media::split(inner, ',')
        .filter_map(|option| {
            let url = urls(&format!("image-set({option})")).into_iter().next()?;
            let density = option.split_ascii_whitespace().find_map(media::resolution);
            Some((density.unwrap_or(1.0), url))
        })
        .collect();
    options.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let enough = options
        .iter()
        .position(|(density, _)| *density >= screen.density);
    let taken = enough.unwrap_or(options.len().saturating_sub(1));
    options
        .into_iter()
        .nth(taken)
        .map(|(_, url)| url)
        .into_iter()
        .collect()
}

/// The first source of a face whose format Chromium reads (CSS Fonts 4 §4.3); a local one is not there.
fn source(value: &str, at: &Url) -> Option<Url> {
    media::split(value, ',').find_map(|source| {
        let format = source.to_ascii_lowercase();
        let format = format
            .split_once("format(")
            .map(|(_, format)| format.trim_start().to_owned());
        let unknown = format.is_some_and(|format| {
            let format = format.trim_start_matches(['"', '\'']);
            format.starts_with("embedded-opentype") || format.starts_with("svg")
        });
        let reference = crate::css(source).into_iter().next().filter(|_| !unknown)?;
        resolve(at, &reference.url)
    })
}

fn family(value: &str) -> String {
    let name = value.trim().trim_end_matches("!important").trim();
    name.trim_matches(['"', '\'']).trim().to_ascii_lowercase()
}

/// The families of `font-family`, or of `font`, where they follow the size.
fn families(value: &str) -> Vec<String> {
    let mut families = Vec::new();
    for (place, part) in media::split(value, ',').enumerate() {
        let part = part.trim();
        // In `font` a size stands before the first family: `italic 700 1rem/1.5 "Open Sans"`.
        let size = part
            .rfind(|c: char| c.is_ascii_digit())
            .filter(|_| place == 0 && !part.starts_with(['"', '\'']));
        let part = match size
            .and_then(|at| part[at..].find(char::is_whitespace).map(|space| at + space))
        {
            Some(at) => &part[at..],
            None => part,
        };
        families.push(family(part));
    }
    families
}

/// `U+0025-00FF, u+4??` as ranges of code points.
fn ranges(value: &str) -> Vec<(u32, u32)> {
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let ranges = value.split(',').filter_map(|range| {
        let range = range.trim();
        let range = range
            .strip_prefix("U+")
            .or_else(|| range.strip_prefix("u+"))?;
        match range.split_once('-') {
            Some((first, last)) => Some((number(first)?, number(last)?)),
            None => Some((
                number(&range.replace('?', "0"))?,
                number(&range.replace('?', "F"))?,
            )),
        }
    });
    ranges.collect()
}

fn strip_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("/*") {
        out.push_str(&rest[..at]);
        rest = rest[at + 2..].split_once("*/").map_or("", |(_, rest)| rest);
    }
    out + rest
}

fn contains(text: &str, word: &str) -> bool {
    let bytes = text.as_bytes().windows(word.len());
    bytes
        .into_iter()
        .any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// Blocks within each other; those deeper belong to the deepest.
const DEPTH_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at() -> Url {
        Url::parse("http://a/css/x.css").unwrap()
    }

    /// `expected`: paths, those of imports first, with an `@` before.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let sheet = sheet(text, &at(), Screen::default());
        let mut words = Words::default();
        words.tag("p");
        words.classes("a b");
        words.letters("abc");
        let imports = sheet
            .imports
            .iter()
            .map(|load| format!("@{}", load.url.path()));
        let styled = styled(&[&sheet], &words);
        let styled = styled.iter().map(|load| load.url.path().to_owned());
        assert_eq!(
            imports.chain(styled).collect::<Vec<_>>(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn a_picture_is_loaded_for_a_rule_that_may_match() {
        check("p{background:url(x.png)}", &["/css/x.png"]);
        check(
            ".a{background:#fff url('x.png') no-repeat;color:red}",
            &["/css/x.png"],
        );
        check(".c{background:url(x.png)}", &[]);
        check(".a:hover{background:url(x.png)}", &[]);
        check(
            ".a{.c &{background:url(x.png)}.b{mask:url(y.svg)}}",
            &["/css/y.svg"],
        );
        check("p{background:url(x.png)", &["/css/x.png"]);
        check("/*{*/p{/*;*/background:/*:*/url(x.png)}", &["/css/x.png"]);
    }

    #[test]
    fn a_medium_that_does_not_hold_loads_nothing() {
        check("@media print{p{background:url(x.png)}}", &[]);
        check(
            "@media (min-width:600px){p{background:url(x.png)}}p{b:url(y)}",
            &["/css/x.png", "/css/y"],
        );
        check("@page{p{background:url(x.png)}}", &[]);
        check(
            "@supports (a:b){@layer c{p{background:url(x.png)}}}",
            &["/css/x.png"],
        );
    }

    #[test]
    fn imports_are_loaded_and_image_sets_are_chosen_from() {
        check("@import 'b.css';p{c:d}", &["@/css/b.css"]);
        check(
            "p{background:image-set('x.png' 1x,'y.png' 2x)}",
            &["/css/x.png"],
        );
        check(
            "p{background:-webkit-image-set(url(y.png) 2x,url(x.png) 1x)}",
            &["/css/x.png"],
        );
    }

    #[test]
    fn a_font_is_loaded_when_its_family_is_used_and_its_letters_occur() {
        let face = "@font-face{font-family:'My F';src:local(x),url(f.eot) format('embedded-opentype'),url(f.woff2) format('woff2'),url(f.woff)}";
        check(
            &format!("{face}p{{font-family:my f,serif}}"),
            &["/css/f.woff2"],
        );
        check(
            &format!("{face}p{{font:italic 1rem/1.5 My F,serif}}"),
            &["/css/f.woff2"],
        );
        check(&format!("{face}.c{{font-family:'My F'}}"), &[]);
        check(face, &[]);
        let ranged = "@font-face{font-family:F;src:url(f);unicode-range:U+61}@font-face{font-family:F;src:url(g);unicode-range:U+400-4FF,u+5??}p{font-family:F}";
        check(ranged, &["/css/f"]);
    }

    #[test]
    fn a_megabyte_of_brackets_needs_no_stack() {
        let deep = "({[a:".repeat(200_000);
        sheet(&deep, &at(), Screen::default());
        sheet(&"a{".repeat(300_000), &at(), Screen::default());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in any::<String>(),
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", "(", ")", ";", ":", "@media ", "@font-face", "src", "font-family", "font", "url(", "'", "a",
                    "image-set(", "2x", ",", "unicode-range", "U+", "?", "/*", "*/", "\\", "é", "!important", "1",
                ]),
                0..40,
            ),
        ) {
            sheet(&text, &at(), Screen::default());
            sheet(&parts.concat(), &at(), Screen::default());
        }
    }
}
