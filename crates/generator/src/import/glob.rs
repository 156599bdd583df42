//! Patterns of files in the dialect of node's `glob`, in ours.
//!
//! `*`, `?`, `{a,b}` and whole folders `**` mean the same. A `**` within a name is a `*` there; classes and choices in
//! brackets are written out; what excludes within a pattern has no counterpart.

use revisit_rules::site::pattern::Pattern;

use super::literal::normalized;

/// The pattern, relative to `root`, the folder of the site.
pub(super) fn pattern(glob: &str, root: &str) -> Result<String, String> {
    let path = normalized(glob);
    let path = match root {
        "" => path,
        root => match path.strip_prefix(root).and_then(|it| it.strip_prefix('/')) {
            Some(below) => below.to_owned(),
            None => return Err(format!("it is of files outside of `{root}`")),
        },
    };
    if path.starts_with('/') {
        return Err("it begins at the root of the disk".into());
    }
    let mut out = String::new();
    let mut rest = path.as_str();
    while let Some(char) = rest.chars().next() {
        let after = &rest[char.len_utf8()..];
        match char {
            '@' if after.starts_with('(') => {
                let (words, end) = bracket(after, '(', ')')?;
                out.push_str(&format!("{{{}}}", words.replace('|', ",")));
                rest = end;
                continue;
            }
            '!' | '+' | '?' | '*' if after.starts_with('(') => {
                return Err(format!("a pattern cannot say `{char}(…)`"));
            }
            '[' => {
                let (class, end) = bracket(rest, '[', ']')?;
                if class.starts_with(['!', '^']) || class.contains('-') || class.len() > 8 {
                    return Err("a pattern cannot say a class of characters".into());
                }
                let words: Vec<String> = class.chars().map(String::from).collect();
                out.push_str(&format!("{{{}}}", words.join(",")));
                rest = end;
                continue;
            }
            '*' if after.starts_with('*') => {
                let end = after.trim_start_matches('*');
                let whole = out.is_empty() || out.ends_with(['/', '{', ',']);
                let whole = whole && (end.is_empty() || end.starts_with(['/', '}', ',']));
                out.push_str(if whole { "**" } else { "*" });
                rest = end;
                continue;
            }
            _ => out.push(char),
        }
        rest = after;
    }
    // `foo/**/*` is all below `foo`
    if let Some(start) = out.strip_suffix("**/*") {
        out = format!("{start}**");
    }
    match Pattern::new(&out) {
        Ok(_) if out.is_empty() => Err("it names nothing".into()),
        Ok(_) => Ok(out),
        Err(why) => Err(why.to_string()),
    }
}

/// The longest folder that a pattern names without a wildcard, with no slash at its end.
pub(super) fn folder(glob: &str) -> String {
    let path = normalized(glob.trim_start_matches('!'));
    let literal = path
        .find(['*', '?', '{', '[', '(', '!'])
        .unwrap_or(path.len());
    let end = path[..literal].rfind('/').unwrap_or(0);
    path[..end].to_owned()
}

fn bracket(text: &str, open: char, close: char) -> Result<(&str, &str), String> {
    let inside = &text[open.len_utf8()..];
    match inside.find(close) {
        Some(end) if end > 0 => Ok((&inside[..end], &inside[end + 1..])),
        _ => Err("a bracket has no partner".into()),
    }
}
