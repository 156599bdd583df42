//! Regular expressions as patterns of paths, where both mean the same.
//!
//! A regular expression is read as a choice of sequences of literals and of a few classes; what else it has (numbers,
//! look-around, words) makes it none that a pattern can say, with the reason. A query is not looked at: patterns see the
//! path alone.

use revisit_rules::site::pattern::Pattern;

use super::literal::Regex;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(char),
    /// `.`
    Any,
    /// `.*`
    AnyRun,
    /// `[^/]`
    Name,
    /// `[^/]*`
    NameRun,
    Start,
    End,
}

/// Where requests go and which paths they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// `self`, `*`, or a scheme with a host.
    pub(super) origin: String,
    /// A pattern, without a slash in front.
    pub(super) path: String,
}

/// Of which requests to other hosts a tool asks a regular expression without a `^`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Of those whose URL it matches from the first character on (Workbox).
    FromStart,
    /// Of all (sw-toolbox).
    Anywhere,
}

/// A regular expression for a path, such as `^\/shop\/`, as a pattern for paths below `base`.
pub(super) fn path_pattern(regex: &Regex, base: &str) -> Result<String, String> {
    let choices = choices(regex)?;
    let globs: Result<Vec<String>, String> = choices
        .into_iter()
        .map(|parts| path_glob(&parts, base))
        .collect();
    united(&globs?)
}

/// A regular expression for a file's name or path, which has no slash in front.
pub(super) fn file_pattern(regex: &Regex) -> Result<String, String> {
    let globs: Result<Vec<String>, String> = choices(regex)?
        .into_iter()
        .map(|parts| glob(&anchored(&parts)?))
        .collect();
    united(&globs?)
}

/// A regular expression for whole URLs: where they lie, host by host.
pub(super) fn places(regex: &Regex, elsewhere: Elsewhere) -> Result<Vec<Place>, String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for parts in choices(regex)? {
        let (origin, path) = placed(&parts, elsewhere)?;
        match found.iter_mut().find(|(known, _)| *known == origin) {
            Some((_, paths)) => paths.push(path),
            None => found.push((origin, vec![path])),
        }
    }
    found
        .into_iter()
        .map(|(origin, paths)| {
            let path = united(&paths)?;
            Ok(Place { origin, path })
        })
        .collect()
}

/// A regular expression for the name of a query parameter.
pub(super) fn parameter(regex: &Regex) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for parts in choices(regex)? {
        let literal = |parts: &[Part]| -> Option<String> {
            parts
                .iter()
                .map(|part| match part {
                    Part::Literal(char) => Some(*char),
                    _ => None,
                })
                .collect()
        };
        let (body, rest) = match &parts[..] {
            [Part::Start, body @ .., Part::End] => (body, ""),
            [Part::Start, body @ .., Part::AnyRun] | [Part::Start, body @ ..] => (body, "*"),
            _ => return Err("without `^` it means names that have it anywhere".into()),
        };
        match literal(body).filter(|name| !name.is_empty()) {
            Some(name) => names.push(name + rest),
            None => return Err("it is no name with any rest".into()),
        }
    }
    Ok(names)
}

/// The statuses of `^(?:0|200)$` and the like.
pub(super) fn statuses(regex: &Regex) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    for parts in choices(regex).ok()? {
        let text: Option<String> = parts
            .iter()
            .filter(|part| !matches!(part, Part::Start | Part::End))
            .map(|part| match part {
                Part::Literal(char) => Some(*char),
                _ => None,
            })
            .collect();
        // without anchors `200` means no other status, of which none is longer
        let status: u64 = text?.parse().ok()?;
        if !(status == 0 || (100..600).contains(&status)) {
            return None;
        }
        found.push(status);
    }
    Some(found)
}

/// What must not follow the start: of `^(?!\/api)` it is `^\/api`.
pub(super) fn refused(regex: &Regex) -> Option<Regex> {
    let rest = regex.source.strip_prefix("^(?!")?;
    let end = ["", ".*", ".*$"]
        .iter()
        .find_map(|end| rest.strip_suffix(end)?.strip_suffix(')'))?;
    Some(Regex {
        source: format!("^{end}"),
        flags: regex.flags.clone(),
    })
}

fn placed(parts: &[Part], elsewhere: Elsewhere) -> Result<(String, String), String> {
    let written: String = parts
        .iter()
        .map(|part| match part {
            Part::Literal(char) => char.to_ascii_lowercase(),
            _ => '\u{0}',
        })
        .collect();
    let start = usize::from(parts.first() == Some(&Part::Start));
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| written[start..].starts_with(scheme) || written[..].starts_with(scheme));
    let Some(scheme) = scheme else {
        if start == 1 {
            return match parts.get(1) {
                Some(Part::AnyRun) => Ok(("*".into(), glob(&anchored(parts)?)?)),
                None => Ok(("*".into(), "**".into())),
                _ => Err("it begins with `^` but with no scheme and host: no URL matches".into()),
            };
        }
        let anywhere =
            elsewhere == Elsewhere::Anywhere || matches!(parts.first(), Some(Part::AnyRun) | None);
        let origin = if anywhere { "*" } else { "self" };
        return Ok((origin.into(), glob(&anchored(parts)?)?));
    };
    let rest = &parts[start + scheme.len()..];
    let end = rest
        .iter()
        .position(|part| match part {
            Part::Literal(char) => !(char.is_ascii_alphanumeric() || "-.:".contains(*char)),
            // people forget to escape the dots of hosts
            Part::Any => false,
            _ => true,
        })
        .unwrap_or(rest.len());
    let host: String = rest[..end]
        .iter()
        .map(|part| match part {
            Part::Literal(char) => *char,
            _ => '.',
        })
        .collect();
    if host.is_empty() || matches!(rest.get(end), Some(Part::NameRun | Part::Name)) {
        return Err("it means any of several hosts, and a route names one".into());
    }
    let path = match rest.get(end) {
        None => "**".to_owned(),
        Some(Part::AnyRun) if host.contains('.') || host.contains(':') => match rest.len() - end {
            1 => "**".to_owned(),
            _ if rest.get(end + 1) == Some(&Part::End) => "**".to_owned(),
            _ => return Err("it means any of several hosts, and a route names one".into()),
        },
        Some(Part::End) => String::new(),
        Some(Part::Literal('/')) => {
            let mut path = vec![Part::Start];
            path.extend_from_slice(&rest[end..]);
            path_glob(&path, "/")?
        }
        _ => return Err("it means any of several hosts, and a route names one".into()),
    };
    Ok((format!("{scheme}{}", host.to_ascii_lowercase()), path))
}

/// Parts that stand for a whole path: runs at both ends that are not anchored.
fn anchored(parts: &[Part]) -> Result<Vec<Part>, String> {
    let mut whole = Vec::new();
    let inner = match parts {
        [Part::Start, rest @ ..] => rest,
        rest => {
            whole.push(Part::AnyRun);
            rest
        }
    };
    match inner {
        [rest @ .., Part::End] => whole.extend_from_slice(rest),
        rest => {
            whole.extend_from_slice(rest);
            whole.push(Part::AnyRun);
        }
    }
    if whole
        .iter()
        .any(|part| matches!(part, Part::Start | Part::End))
    {
        return Err("`^` or `$` stands in its middle".into());
    }
    Ok(whole)
}

/// For a URL's path, which begins with the base.
fn path_glob(parts: &[Part], base: &str) -> Result<String, String> {
    let mut whole = anchored(parts)?;
    if parts.first() == Some(&Part::Start) && whole.first() != Some(&Part::AnyRun) {
        let mut rest = whole.into_iter().peekable();
        for wanted in base.chars() {
            match rest.peek() {
                Some(Part::Literal(char)) if *char == wanted => {
                    rest.next();
                }
                // `^` alone, or less than the base: every path
                Some(Part::AnyRun) => break,
                _ => return Err(format!("no path below `{base}` begins so")),
            }
        }
        whole = rest.collect();
    }
    glob(&whole)
}

fn glob(parts: &[Part]) -> Result<String, String> {
    // runs that say the same as one
    let mut merged: Vec<&Part> = Vec::new();
    for part in parts {
        match (merged.last(), part) {
            (Some(Part::AnyRun), Part::AnyRun | Part::NameRun)
            | (Some(Part::NameRun), Part::NameRun) => {}
            (Some(Part::NameRun), Part::AnyRun) => {
                merged.pop();
                merged.push(part);
            }
            _ => merged.push(part),
        }
    }
    let mut glob = String::new();
    for (index, part) in merged.iter().enumerate() {
        match part {
            Part::Literal(char) if "*?{}[]\\!,#".contains(*char) => {
                return Err(format!("a pattern cannot say `{char}`, or sees no query"));
            }
            Part::Literal(char) => glob.push(*char),
            Part::Any => return Err("`.` is any one character, also a slash".into()),
            // a run between slashes is no number of whole folders
            Part::AnyRun => {
                let after_slash = index > 0 && glob.ends_with('/');
                let before_slash = merged.get(index + 1) == Some(&&Part::Literal('/'));
                glob.push_str(if after_slash && before_slash {
                    "?**"
                } else {
                    "**"
                });
            }
            Part::Name => glob.push('?'),
            Part::NameRun => glob.push('*'),
            Part::Start | Part::End => return Err("`^` or `$` stands in its middle".into()),
        }
    }
    Ok(glob)
}

/// One pattern for several, which have a beginning and an end in common.
pub(super) fn united(globs: &[String]) -> Result<String, String> {
    let mut globs = globs.to_vec();
    globs.sort();
    globs.dedup();
    let pattern = match &globs[..] {
        [] => return Err("it matches nothing".into()),
        [one] => one.clone(),
        _ => {
            let chars: Vec<Vec<char>> = globs.iter().map(|glob| glob.chars().collect()).collect();
            let shortest = chars.iter().map(Vec::len).min().unwrap_or(0);
            let same = |index: &usize| chars.iter().all(|it| it[*index] == chars[0][*index]);
            let mut before = (0..shortest).take_while(same).count();
            let from_end = |index: &usize| {
                chars
                    .iter()
                    .all(|it| it[it.len() - 1 - index] == chars[0][chars[0].len() - 1 - index])
            };
            let mut after = (0..shortest - before).take_while(from_end).count();
            // no word is cut
            let word = |it: &[char], at: usize| {
                at > 0
                    && at < it.len()
                    && it[at - 1].is_ascii_alphanumeric()
                    && it[at].is_ascii_alphanumeric()
            };
            while before > 0 && chars.iter().any(|it| word(it, before)) {
                before -= 1;
            }
            while after > 0 && chars.iter().any(|it| word(it, it.len() - after)) {
                after -= 1;
            }
            let middle = |it: &Vec<char>| it[before..it.len() - after].iter().collect::<String>();
            let words: Vec<String> = chars.iter().map(middle).collect();
            let end: String = chars[0][chars[0].len() - after..].iter().collect();
            let start: String = chars[0][..before].iter().collect();
            format!("{start}{{{}}}{end}", words.join(","))
        }
    };
    match Pattern::new(&pattern) {
        Ok(_) => Ok(pattern),
        Err(why) => Err(why.to_string()),
    }
}

/// The sequences that a regular expression chooses between.
fn choices(regex: &Regex) -> Result<Vec<Vec<Part>>, String> {
    if let Some(flag) = regex.flags.chars().find(|flag| !"igsuv".contains(*flag)) {
        return Err(format!("it has the flag `{flag}`"));
    }
    let mut parser = Parser {
        rest: &regex.source,
        depth: 0,
    };
    let mut choices = parser.choice()?;
    if !parser.rest.is_empty() {
        return Err("its parentheses do not match".into());
    }
    if regex.flags.contains('i') {
        // both ways in which names are written
        let upper: Vec<Vec<Part>> = choices.iter().map(|parts| uppercase(parts)).collect();
        for parts in upper {
            if !choices.contains(&parts) {
                choices.push(parts);
            }
        }
    }
    Ok(choices)
}

fn uppercase(parts: &[Part]) -> Vec<Part> {
    let upper = |part: &Part| match part {
        Part::Literal(char) => Part::Literal(char.to_ascii_uppercase()),
        other => other.clone(),
    };
    parts.iter().map(upper).collect()
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn choice(&mut self) -> Result<Vec<Vec<Part>>, String> {
        let mut all = self.sequence()?;
        while self.take("|") {
            all.extend(self.sequence()?);
            within(all.len())?;
        }
        Ok(all)
    }

    fn sequence(&mut self) -> Result<Vec<Vec<Part>>, String> {
        let mut all = vec![Vec::new()];
        while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
            let atom = self.atom()?;
            let atom = self.quantified(atom)?;
            within(all.len() * atom.len())?;
            all = all
                .iter()
                .flat_map(|start: &Vec<Part>| {
                    atom.iter().map(move |end| [&start[..], &end[..]].concat())
                })
                .collect();
            if all.iter().any(|parts| parts.len() > PARTS_MAX) {
                return Err("it is longer than any path".into());
            }
        }
        Ok(all)
    }

    fn atom(&mut self) -> Result<Vec<Vec<Part>>, String> {
        let one = |part| Ok(vec![vec![part]]);
        match self.next() {
            Some('^') => one(Part::Start),
            Some('$') => one(Part::End),
            Some('.') => one(Part::Any),
            Some('(') => {
                if self.rest.starts_with('?') && !self.take("?:") {
                    return Err("it looks around, or names a group".into());
                }
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err("it nests too deep".into());
                }
                let inner = self.choice()?;
                self.depth -= 1;
                match self.take(")") {
                    true => Ok(inner),
                    false => Err("its parentheses do not match".into()),
                }
            }
            // the path that a pattern sees has no query
            Some('[') => match ["^/]", "^\\/]", "^/?]", "^\\/?]"]
                .iter()
                .any(|class| self.take(class))
            {
                true => one(Part::Name),
                false
                    if ["\\s\\S]", "\\S\\s]", "^]"]
                        .iter()
                        .any(|class| self.take(class)) =>
                {
                    one(Part::Any)
                }
                false => self.class(),
            },
            Some('\\') => match self.next() {
                Some('S') => one(Part::Any), // no URL has white space
                Some(char) if char.is_ascii_alphanumeric() => {
                    Err(format!("a pattern cannot say `\\{char}`"))
                }
                Some(char) => one(Part::Literal(char)),
                None => Err("it ends in a backslash".into()),
            },
            Some(char @ ('*' | '+' | '?' | '{')) => Err(format!("`{char}` has nothing before it")),
            Some(char) => one(Part::Literal(char)),
            None => Err("it ends too early".into()),
        }
    }

    /// `[abc]`, of a few characters.
    fn class(&mut self) -> Result<Vec<Vec<Part>>, String> {
        let mut all = Vec::new();
        loop {
            match self.next() {
                Some(']') if !all.is_empty() => return Ok(all),
                Some('\\') => match self.next() {
                    Some(char) if !char.is_ascii_alphanumeric() => {
                        all.push(vec![Part::Literal(char)]);
                    }
                    _ => return Err("a pattern cannot say its class of characters".into()),
                },
                Some(char) if char != '^' && char != '-' && all.len() < 8 => {
                    all.push(vec![Part::Literal(char)]);
                }
                _ => return Err("a pattern cannot say its class of characters".into()),
            }
        }
    }

    fn quantified(&mut self, atom: Vec<Vec<Part>>) -> Result<Vec<Vec<Part>>, String> {
        let run = match &atom[..] {
            [parts] if parts[..] == [Part::Any] => Some(Part::AnyRun),
            [parts] if parts[..] == [Part::Name] => Some(Part::NameRun),
            _ => None,
        };
        let found = match (self.rest.chars().next(), run) {
            (Some('*'), Some(run)) => vec![vec![run]],
            (Some('+'), Some(run)) => vec![vec![Part::Name, run]],
            (Some('?'), _) => {
                let mut either = vec![Vec::new()];
                either.extend(atom);
                either
            }
            (Some(char @ ('*' | '+' | '{')), _) => {
                return Err(format!("a pattern cannot repeat by `{char}`"));
            }
            _ => return Ok(atom),
        };
        self.next();
        self.take("?"); // as few as possible: whether it matches is the same
        Ok(found)
    }
}

fn within(choices: usize) -> Result<(), String> {
    match choices > CHOICES_MAX {
        true => Err("it means more patterns than can be listed".into()),
        false => Ok(()),
    }
}

const CHOICES_MAX: usize = 128;
const PARTS_MAX: usize = 1000;
const DEPTH_MAX: usize = 16;
