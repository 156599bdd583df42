//! Nesting: may this script be parsed without running out of stack?
//!
//! oxc parses and visits by recursion and has no limit of its own: a few hundred functions in each other abort the
//! process. So a flat pass counts, before the parser runs, what it would recurse on: brackets, and the chains that need
//! none (`a ? b : c ? d : …`, `if (a) … else if (b) … else …`, `a + b + c`, `a.b().c()`, `!!!a`). It tells strings,
//! comments, templates and regular expressions apart as far as that goes without a grammar.

/// Whether the parser's stack is bounded well below the 2 MiB of a thread.
pub fn is_shallow(text: &str) -> bool {
    let mut scan = Scan::new(text.as_bytes());
    while scan.cost <= STACK_BYTES_MAX {
        if !scan.token() {
            return true;
        }
    }
    false
}

/// Half of what a thread has by default: the caller's frames need room too.
const STACK_BYTES_MAX: usize = 1 << 20;

/// What one open bracket may cost. Measured, as the others, by the deepest text that a thread of 2 MiB takes, in a
/// release build (a debug build needs less): 2,400 bytes for each of the two in `async function f(){await (`.
const BRACKET_BYTES: usize = 2_400;

/// What a link that waits for its right side may cost: 990 for `a=>`, 580 for `a?b:`, 1,270 for `class extends `.
const LINK_BYTES: usize = 1_300;

/// What a link may cost that waits for nothing but makes the tree deeper, as in `a+b+c` or `a.b().c()`: 210, all of it
/// for the visit.
const STEP_BYTES: usize = 250;

/// What is open around the place that is read: the script itself, or one bracket.
#[derive(Default)]
struct Level {
    bracket: u8,
    /// The parenthesis of `if (…)`, `for (…)`, `while (…)` or `with (…)`: a statement follows it, no operator.
    of_statement: bool,
    /// What the chain of operators before this place costs.
    expression: usize,
    /// What the statements cost that wait for their last part.
    statement: usize,
    /// A `;` or `}` was the last token: unless `else` follows, a new statement begins.
    ended: bool,
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    outer: Vec<Level>,
    level: Level,
    cost: usize,
    /// Whether the last token was a value, so that a `/` divides and a word begins a new statement.
    after_value: bool,
    after_dot: bool,
    /// The last token was `if`, `for`, `while` or `with`.
    after_statement_word: bool,
}

impl<'a> Scan<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            outer: Vec::new(),
            level: Level::default(),
            cost: 0,
            after_value: false,
            after_dot: false,
            after_statement_word: false,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Reads one token; `false` at the end.
    fn token(&mut self) -> bool {
        let Some(&byte) = self.text.get(self.at) else {
            return false;
        };
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
            b'/' if self.peek(1) == b'/' => self.skip_to(b"\n"),
            b'/' if self.peek(1) == b'*' => {
                self.at += 2;
                self.skip_to(b"*/");
            }
            b'"' | b'\'' => self.string(byte),
            b'`' => self.template(),
            b'/' if !self.after_value => self.regular_expression(),
            b'(' | b'[' | b'{' => self.open(byte),
            b')' | b']' | b'}' => self.close(byte),
            _ if is_word(byte) => self.word(),
            _ => self.punctuator(byte),
        }
        true
    }

    fn skip_to(&mut self, end: &[u8]) {
        let rest = &self.text[self.at.min(self.text.len())..];
        let found = rest.windows(end.len()).position(|window| window == end);
        self.at = found.map_or(self.text.len(), |found| self.at + found + end.len());
    }

    fn value(&mut self) {
        self.after_value = true;
        self.after_dot = false;
        self.after_statement_word = false;
        self.level.ended = false;
    }

    fn string(&mut self, quote: u8) {
        self.at += 1;
        while let Some(&byte) = self.text.get(self.at) {
            self.at += 1 + usize::from(byte == b'\\');
            if byte == quote || byte == b'\n' {
                break;
            }
        }
        self.value();
    }

    /// Reads a template, or what follows a substitution in one, to its end or to its next `${`.
    fn template(&mut self) {
        self.at += 1;
        if std::mem::take(&mut self.after_value) {
            // What stands before is its tag.
            self.link(STEP_BYTES);
        }
        while let Some(&byte) = self.text.get(self.at) {
            if byte == b'$' && self.peek(1) == b'{' {
                self.at += 1;
                return self.open(b'`');
            }
            self.at += 1 + usize::from(byte == b'\\');
            if byte == b'`' {
                break;
            }
        }
        self.value();
    }

    fn regular_expression(&mut self) {
        self.at += 1;
        let mut in_class = false;
        while let Some(&byte) = self.text.get(self.at) {
            self.at += 1 + usize::from(byte == b'\\');
            match byte {
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => break,
                b'\n' => break,
                _ => {}
            }
        }
        self.value();
    }

    fn open(&mut self, bracket: u8) {
        self.at += 1;
        self.level.ended = false;
        if self.after_value {
            // A call, or an index.
            self.link(STEP_BYTES);
        }
        let level = Level {
            bracket,
            of_statement: bracket == b'(' && self.after_statement_word,
            ..Level::default()
        };
        self.outer.push(std::mem::replace(&mut self.level, level));
        self.cost += BRACKET_BYTES;
        self.after_value = false;
        self.after_dot = false;
        self.after_statement_word = false;
    }

    /// A bracket that does not match the innermost open one closes nothing.
    fn close(&mut self, bracket: u8) {
        let matches = match self.level.bracket {
            b'(' => bracket == b')',
            b'[' => bracket == b']',
            b'{' | b'`' => bracket == b'}',
            _ => false,
        };
        let Some(outer) = self.outer.pop_if(|_| matches) else {
            self.at += 1;
            return;
        };
        self.new_statement();
        self.cost -= BRACKET_BYTES;
        let closed = std::mem::replace(&mut self.level, outer);
        if closed.bracket == b'`' {
            self.after_value = false;
            return self.template();
        }
        self.at += 1;
        self.after_statement_word = false;
        self.after_dot = false;
        self.level.ended = bracket == b'}';
        self.after_value = bracket == b']' || bracket == b')' && !closed.of_statement;
    }

    fn new_statement(&mut self) {
        self.new_expression();
        self.cost -= std::mem::take(&mut self.level.statement);
    }

    fn new_expression(&mut self) {
        self.cost -= std::mem::take(&mut self.level.expression);
    }

    fn link(&mut self, bytes: usize) {
        self.level.expression += bytes;
        self.cost += bytes;
    }

    fn word(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest
            .iter()
            .position(|&byte| !is_word(byte))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        self.at += length;
        if self.after_dot {
            return self.value();
        }
        if !matches!(word, b"else" | b"in" | b"instanceof" | b"of" | b"extends")
            && (self.after_value || self.level.ended)
        {
            self.new_statement();
        }
        self.value();
        match word {
            b"if" | b"for" | b"while" | b"with" | b"do" | b"else" => {
                self.level.statement += LINK_BYTES;
                self.cost += LINK_BYTES;
                self.after_statement_word = !matches!(word, b"do" | b"else");
            }
            b"new" | b"typeof" | b"void" | b"delete" | b"await" | b"yield" | b"async"
            | b"extends" => self.link(LINK_BYTES),
            b"case" | b"default" => self.new_statement(),
            b"return" | b"throw" | b"in" | b"instanceof" | b"of" | b"class" | b"function" => {}
            _ => return,
        }
        self.after_value = false;
    }

    fn punctuator(&mut self, byte: u8) {
        let next = self.peek(1);
        let previous = self.at.checked_sub(1).map(|at| self.text[at]);
        let was_value = self.after_value;
        self.at += 1;
        self.after_value = false;
        self.after_statement_word = false;
        self.after_dot = byte == b'.' && previous != Some(b'.');
        self.level.ended = byte == b';';
        match byte {
            b',' | b';' => self.new_expression(),
            b'+' | b'-' if next == byte && was_value => {
                // `a++` is a value still.
                self.at += 1;
                self.after_value = true;
            }
            b'*' if next != b'*' => self.link(STEP_BYTES),
            b'?' if next == b'.' => self.link(STEP_BYTES),
            b'=' if next == b'=' || matches!(previous, Some(b'=' | b'!')) => self.link(STEP_BYTES),
            b'=' | b'?' | b':' | b'*' => self.link(LINK_BYTES),
            // Before a value, each by itself; between two, an operator counts at its first byte.
            b'!' | b'~' | b'+' | b'-' => self.link(STEP_BYTES),
            _ if was_value => self.link(STEP_BYTES),
            _ => {}
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#' | b'\\' | 0x80..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, shallow: bool) {
        let start: String = text.chars().take(60).collect();
        assert_eq!(is_shallow(text), shallow, "{start:?} …");
    }

    /// Whether `link` repeated is taken for deep however it is told apart from the same text in a row.
    fn check_chain(before: &str, link: &str) {
        check(&format!("{before}{}", link.repeat(10)), true);
        check(&format!("{before}{}", link.repeat(5_000)), false);
    }

    #[test]
    fn what_the_parser_recurses_on_is_deep() {
        for bracket in [
            "(",
            "[",
            "{",
            "{a:",
            "(function(){",
            "`${",
            "class{a=",
            "if(a){",
        ] {
            check_chain("", bracket);
        }
        for link in [
            "a?b:",
            "a=",
            "a=>",
            "(a)=>",
            "!",
            "~",
            "- ",
            "+ ",
            "typeof ",
            "new ",
            "a**",
            "async a=>",
            "a+",
            "a&&",
            "a.",
        ] {
            check_chain("x=", link);
        }
        for link in [
            "a:",
            "for(;;)",
            "if(a)",
            "while(a)",
            "with(a)",
            "do ",
            "if(a){}else ",
            "if(a)b;else ",
        ] {
            check_chain("", link);
        }
        for link in ["()", "[0]", ".a()", "?.a", "``"] {
            check_chain("x=a", link);
        }
        check_chain("x=", "class A extends ");
    }

    #[test]
    fn what_stands_in_a_row_is_shallow_however_long() {
        for row in [
            "f();",
            "f()\n",
            "a=b;",
            "a=b\n",
            "a={b:c}\n",
            "a=function(){}\n",
            "if(a)b;",
            "if(a)b\n",
            "if(a){}\n",
            "if(a){}else{}\n",
            "a?b:c;",
            "a,!b,",
            "x.a()",
            "{}",
            "case 1:",
            "a++\n",
            "'('\n",
            "`(`;",
            "/(/;",
            "/[(/]/;",
            "//(\n",
            "/*(*/",
            "if(a)/(/.b()\n",
            "a=/\"/,",
            "`${a}(`;",
            "x=1/a\n",
            "for(;;){}",
            "let a=b,c=d\n",
            "return!a\n",
            "a.if\n",
            "}",
            "\"\\\"(\";",
        ] {
            check(&row.repeat(5_000), true);
        }
    }

    #[test]
    fn a_bracket_that_closes_another_closes_nothing() {
        check(&"(]".repeat(5_000), false);
        check(&"(')'".repeat(5_000), false);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), parts in prop::collection::vec(part(), 0..40)) {
            is_shallow(&text);
            is_shallow(&parts.concat());
        }
    }

    fn part() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "(", ")", "{", "}", "[", "]", "`", "${", "'", "\"", "\\", "/", "/*", "*/", "//", "\n",
            "a", "if", "else", "é", ";", ",", "+", "=", "?", ".", "*", "!",
        ])
    }
}
