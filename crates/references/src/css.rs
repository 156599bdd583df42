//! CSS: what does a stylesheet, or the value of a `style` attribute, load?
//!
//! One flat pass over tokens with a stack of open brackets, since the question needs no grammar beyond that and deep
//! nesting must cost no stack. Whether a rule applies is not asked: what it would load may be needed.
//! CSS Syntax 3 §4 (by `cssparser`), CSS Values 4 §4.5 (`url()`, `src()`), CSS Images 4 §2.4 (`image-set()`),
//! CSS Cascade 5 §2 (`@import`).

use cssparser::{Parser, Token};

use super::{Kind, Reference, When};

/// What `text` loads, in its order.
pub fn css(text: &str) -> Vec<Reference> {
    let mut scan = Scan::default();
    let mut start = 0;
    // cssparser steps over a block that nobody enters, and entering is recursion. So whenever one opens, a fresh parser
    // (a few words; nothing is copied) goes on right behind the bracket, and the stack is ours.
    while let Some(block) = scan.until_block(&text[start..]) {
        start += block;
    }
    scan.references
}

struct Scan {
    references: Vec<Reference>,
    open: Vec<Block>,
    at_rule: Option<AtRule>,
    /// "Any @import rules must precede all other valid at-rules and style rules in a style sheet" (§2)
    imports_allowed: bool,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            references: Vec::new(),
            open: Vec::new(),
            at_rule: None,
            imports_allowed: true,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Parenthesis,
    Square,
    Curly,
    /// `url(` or `src(`, of which nothing is read yet: a string that comes first is the URL.
    Url,
    /// `image-set(`: every string that stands directly in it is a URL.
    ImageSet,
}

/// An at-rule of which the prelude (what stands before its `;` or `{`) is being read.
#[derive(Clone, Copy)]
struct AtRule {
    /// How many brackets were open before it.
    depth: usize,
    /// Whether the next URL is a stylesheet; in all other preludes a URL is a name (`@namespace`) or a condition
    /// (`@document`, `@supports`) and loads nothing.
    imports: bool,
}

impl Scan {
    /// Reads `text` until a bracket opens, and says how many bytes that took; `None` at its end.
    fn until_block(&mut self, text: &str) -> Option<usize> {
        let mut parser = Parser::new(text);
        loop {
            let token = parser.next_including_whitespace_and_comments().ok()?;
            if let Some(block) = self.token(token) {
                self.open(block);
                return Some(parser.position().byte_index());
            }
        }
    }

    /// Takes one token; one that opens a bracket is left to the caller.
    fn token(&mut self, token: &Token<'_>) -> Option<Block> {
        if matches!(token, Token::WhiteSpace(_) | Token::Comment(_)) {
            return None;
        }
        // Only what comes first in `url(` can be its URL: modifiers follow, and a broken string spoils it.
        let in_url = self.open.last() == Some(&Block::Url);
        if in_url && let Some(innermost) = self.open.last_mut() {
            *innermost = Block::Parenthesis;
        }
        match token {
            Token::UnquotedUrl(url) => self.reference(url, 0),
            Token::QuotedString(url) if in_url => self.reference(url, 1),
            Token::QuotedString(url) => self.string(url),
            Token::AtKeyword(name) => self.at_keyword(name.eq_ignore_ascii_case("import")),
            Token::Semicolon => self.semicolon(),
            Token::CloseParenthesis => self.close(&[Block::Parenthesis, Block::ImageSet]),
            Token::CloseSquareBracket => self.close(&[Block::Square]),
            Token::CloseCurlyBracket => self.close(&[Block::Curly]),
            Token::Function(name) => return Some(function(name)),
            Token::ParenthesisBlock => return Some(Block::Parenthesis),
            Token::SquareBracketBlock => return Some(Block::Square),
            Token::CurlyBracketBlock => return Some(Block::Curly),
            _ => {}
        }
        None
    }

    fn at_keyword(&mut self, imports: bool) {
        if self.at_rule.is_none() {
            let imports = imports && self.imports_allowed && self.open.is_empty();
            self.at_rule = Some(AtRule {
                depth: self.open.len(),
                imports,
            });
        }
    }

    fn semicolon(&mut self) {
        if self
            .at_rule
            .is_some_and(|rule| rule.depth == self.open.len())
        {
            self.at_rule = None;
        }
    }

    fn open(&mut self, block: Block) {
        if block == Block::Curly {
            self.imports_allowed &= !self.open.is_empty();
            self.semicolon();
        }
        self.open.push(block);
    }

    /// A closing bracket that does not match the innermost open one is an error that closes nothing (CSS Syntax 3 §5.4).
    fn close(&mut self, blocks: &[Block]) {
        if self.open.last().is_some_and(|block| blocks.contains(block)) {
            self.open.pop();
        }
        if self
            .at_rule
            .is_some_and(|rule| rule.depth > self.open.len())
        {
            self.at_rule = None;
        }
    }

    /// A string names a file after `@import` and directly within `image-set()`.
    fn string(&mut self, text: &str) {
        if self.at_rule.is_some() || self.open.last() == Some(&Block::ImageSet) {
            self.reference(text, 0);
        }
    }

    /// Takes `url`, which stands `inside` brackets of its own, as what the place makes of it.
    fn reference(&mut self, url: &str, inside: usize) {
        let kind = match &mut self.at_rule {
            None => Kind::Other,
            Some(rule) if rule.imports && rule.depth + inside == self.open.len() => {
                // What follows, `layer()` or `supports()`, loads nothing.
                rule.imports = false;
                Kind::Style
            }
            Some(_) => return,
        };
        self.references
            .extend(Reference::new(url, When::Load, kind));
    }
}

fn function(name: &str) -> Block {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    if is("url") || is("src") {
        Block::Url
    } else if is("image-set") || is("-webkit-image-set") {
        Block::ImageSet
    } else {
        Block::Parenthesis
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `expected`: the URLs, those of stylesheets with an `@` before.
    fn check(text: &str, expected: &[&str]) {
        let found = css(text).into_iter().map(|reference| match reference.kind {
            Kind::Style => format!("@{}", reference.url),
            _ => reference.url,
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{text:?}");
    }

    #[test]
    fn a_url_is_found_in_every_spelling() {
        check("a{b:url(x.png)}", &["x.png"]);
        check("a{b:url( 'x.png' )}", &["x.png"]);
        check("a{b:URL(\"x.png\")}", &["x.png"]);
        check("a{b:u\\72l(x\\.p\\6eg)}", &["x.png"]);
        check("a{b:url('x\\\n.png')}", &["x.png"]);
        check("a{b:src('x.png')}", &["x.png"]);
        check("a{b:url(/**/x.png)}", &["/**/x.png"]);
        check(
            "a{b:image-set(url(x.png) 1x, 'y.png' type('image/png') 2x)}",
            &["x.png", "y.png"],
        );
        check("a{b:-webkit-image-set(url('x.png') 1x)}", &["x.png"]);
        check(
            "background:url(x.png);mask:url(y.svg#m)",
            &["x.png", "y.svg#m"],
        );
        check("a{--b:url(x.png)}", &["x.png"]);
        check(
            "@font-face{src:local('F'),url(f.woff2) format('woff2')}",
            &["f.woff2"],
        );
        check(
            "@media print{@supports (a:b){c{d{e:url(x.png)}}}}",
            &["x.png"],
        );
    }

    #[test]
    fn a_string_or_a_comment_is_no_url() {
        check("a{content:'url(x.png)'}", &[]);
        check("a[src='x.png']{b:c}", &[]);
        check("/*url(x.png)*/a{b:url(y.png)}", &["y.png"]);
        check("a{b:format('x')}", &[]);
        check("a{b:url(var(--x))}", &[]);
        check("a{b:url('x.png' f('y'))}", &["x.png"]);
        check("a{b:url()}c{d:url('')}e{f:url(#g)}h{i:url(data:,j)}", &[]);
    }

    #[test]
    fn an_import_loads_a_stylesheet_once() {
        check("@import 'a.css';", &["@a.css"]);
        check("@IMPORT url(a.css) print;", &["@a.css"]);
        check(
            "@import url('a.css') layer(b) supports(c:url(d)) screen;",
            &["@a.css"],
        );
        check("@charset 'utf-8';@layer x;@import 'a.css'", &["@a.css"]);
        check(
            "@import/**/'a.css';@import 'b.css';c{d:url(e)}",
            &["@a.css", "@b.css", "e"],
        );
    }

    #[test]
    fn an_import_counts_only_before_all_rules() {
        check("a{}@import 'a.css';b{c:url(d)}", &["d"]);
        check("@media print{@import 'a.css';b{c:url(d)}}", &["d"]);
        check("@import b('a.css');", &[]);
    }

    #[test]
    fn the_prelude_of_another_at_rule_loads_nothing() {
        check(
            "@namespace url(http://a/);@namespace b 'http://c/';d{e:url(f)}",
            &["f"],
        );
        check("@supports (a:url(b)){c{d:url(e)}}", &["e"]);
        check("@-moz-document url(http://a/){b{c:url(d)}}", &["d"]);
    }

    #[test]
    fn broken_css_yields_what_can_be_read() {
        check("a{b:url(x.png", &["x.png"]);
        check("a{b:url('x.png", &["x.png"]);
        check("a{b:url('x\n.png');c:url(y.png)}", &[]);
        check("a{b:url('x\n');c:url(y.png)}'", &[]);
        check("a{b:url(/**/ 'x')}", &[]);
        check("a{b:url(x y);c:url(z)}", &["z"]);
        check("a{b:c)]}d{e:url(f)}", &["f"]);
        check("}}a{b:url(c)}", &["c"]);
        check("a{@b}c{d:url(e)}", &["e"]);
        check("<!-- a{b:url(c)} -->", &["c"]);
    }

    #[test]
    fn a_megabyte_of_brackets_needs_no_stack() {
        let open = "({[image-set(".repeat(100_000);
        check(&format!("{open}url(x)"), &["x"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), parts in prop::collection::vec(part(), 0..40)) {
            css(&text);
            css(&parts.concat());
        }
    }

    fn part() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "url(",
            "URL",
            "src(",
            "image-set(",
            "@import ",
            "@x",
            "'",
            "\"",
            "(",
            ")",
            "{",
            "}",
            "[",
            "]",
            ";",
            "\\",
            "/*",
            "*/",
            "a",
            " ",
            "\n",
            "é",
            "\u{10FFFF}",
            "\0",
        ])
    }
}
