//! Rust text without its comments and literals, so that a rule sees code and nothing else.
//!
//! A scanner, not a parser: it knows comments (nested ones too), strings (raw, byte and C ones
//! too) and characters, and keeps every line where it was.

/// What a Rust file holds, apart.
pub(super) struct RustText {
    /// The code: comments and the insides of literals are blanks, line breaks stay.
    pub(super) code: String,
    /// Every string literal: its line, and its text as written.
    pub(super) literals: Vec<(usize, String)>,
}

/// Takes a Rust file apart.
pub(super) fn scan(text: &str) -> RustText {
    let chars: Vec<char> = text.chars().collect();
    let mut scanner = Scanner {
        chars: &chars,
        at: 0,
        line: 1,
        out: RustText {
            code: String::with_capacity(text.len()),
            literals: Vec::new(),
        },
    };
    while scanner.at < chars.len() {
        scanner.step();
    }
    scanner.out
}

/// The part before the unit tests, which stand last in a file.
pub(super) fn before_tests(code: &str) -> &str {
    match code.find("\n#[cfg(test)]\nmod ") {
        Some(at) => &code[..at],
        None => code,
    }
}

/// The lines of `code` that hold `word` as a word of its own (`print!` is no part of `eprint!`).
pub(super) fn lines_with<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.lines()
        .enumerate()
        .filter(move |(_, line)| holds_word(line, word))
        .map(|(index, _)| index + 1)
}

fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let starts = word.starts_with(is_name);
        !(starts && line[..at].ends_with(is_name))
    })
}

struct Scanner<'a> {
    chars: &'a [char],
    at: usize,
    line: usize,
    out: RustText,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            (Some('/'), Some('/')) => {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.blank();
                }
            }
            (Some('/'), Some('*')) => self.block_comment(),
            (Some('"'), _) => self.string(0, false),
            (Some('r'), Some('"' | '#')) if !self.follows_name() => self.raw_string(),
            (Some('b' | 'c'), Some('r')) if !self.follows_name() => {
                self.keep();
                self.raw_string();
            }
            (Some('\''), _) => self.character(),
            _ => self.keep(),
        }
    }

    /// Whether the character here goes on with a name (`for"` is no raw string).
    fn follows_name(&self) -> bool {
        let byte_prefix = self.at >= 1 && matches!(self.chars[self.at - 1], 'b' | 'c');
        let before = if byte_prefix { 2 } else { 1 };
        self.at >= before && is_name(self.chars[self.at - before])
    }

    fn keep(&mut self) {
        if let Some(c) = self.peek(0) {
            self.line += usize::from(c == '\n');
            self.out.code.push(c);
            self.at += 1;
        }
    }

    fn blank(&mut self) {
        match self.peek(0) {
            Some('\n') => self.keep(),
            _ => {
                self.out.code.push(' ');
                self.at += 1;
            }
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                _ => {
                    self.blank();
                    continue;
                }
            }
            self.blank();
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    fn raw_string(&mut self) {
        let hashes = (1..).take_while(|i| self.peek(*i) == Some('#')).count();
        if self.peek(1 + hashes) != Some('"') {
            // A raw name (`r#type`), or an ordinary name that begins so.
            return self.keep();
        }
        for _ in 0..=hashes {
            self.blank();
        }
        self.string(hashes, true);
    }

    fn string(&mut self, hashes: usize, raw: bool) {
        let line = self.line;
        let mut literal = String::new();
        self.keep();
        while let Some(c) = self.peek(0) {
            if c == '\\' && !raw {
                literal.push(c);
                literal.extend(self.peek(1));
                self.blank();
                self.blank();
                continue;
            }
            if c == '"' && (1..=hashes).all(|i| self.peek(i) == Some('#')) {
                self.keep();
                for _ in 0..hashes {
                    self.blank();
                }
                break;
            }
            literal.push(c);
            self.blank();
        }
        self.out.literals.push((line, literal));
    }

    /// A character literal, or the quote of a lifetime.
    fn character(&mut self) {
        let length = match (self.peek(1), self.peek(2)) {
            (Some('\\'), _) => (3..12).find(|i| self.peek(*i) == Some('\'')),
            (_, Some('\'')) => Some(2),
            _ => None,
        };
        self.keep();
        for _ in 0..length.unwrap_or(0) {
            self.blank();
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        let code = scan(text).code;
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_the_insides_of_literals_are_blank() {
        assert_eq!(code("a // b\nc"), "a c");
        assert_eq!(code("a /* b /* c */ d */ e"), "a e");
        assert_eq!(code(r#"f("x // y"); g"#), r#"f(" "); g"#);
        assert_eq!(code(r##"f(r#"x " y"#); g"##), r#"f( " " ); g"#);
        assert_eq!(code(r#"f(b"x\"y"); g"#), r#"f(b" "); g"#);
        assert_eq!(code("f('\"'); g('\\''); h"), "f(' ); g(' ); h");
    }

    #[test]
    fn lifetimes_and_raw_names_stay_code() {
        assert_eq!(
            code("fn f<'a>(r#type: &'a str)"),
            "fn f<'a>(r#type: &'a str)"
        );
    }

    #[test]
    fn lines_stay_where_they_were() {
        let text = "one\n/* two\nthree */ \"four\nfive\" six\n";
        let scanned = scan(text);
        assert_eq!(lines_with(&scanned.code, "six").next(), Some(4));
        assert_eq!(scanned.literals, [(3, "four\nfive".to_owned())]);
    }

    #[test]
    fn a_word_is_not_found_inside_a_longer_one() {
        assert_eq!(lines_with("eprint!()\nprint!()", "print!").next(), Some(2));
        assert_eq!(lines_with("a.b::now()", "::now(").next(), Some(1));
    }

    #[test]
    fn the_unit_tests_at_the_end_are_left_away() {
        assert_eq!(before_tests("a\n#[cfg(test)]\nmod tests {}"), "a");
        assert_eq!(before_tests("a\nmod tests {}"), "a\nmod tests {}");
    }
}
