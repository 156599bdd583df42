//! What does a file's name say of its content?
//!
//! Bundlers write a hash of the content into the name: then a URL never changes its bytes, and
//! a browser may keep them for good. A version in the name promises nearly as much. Telling
//! such names from others is a guess, and a wrong one would strand visitors on old code for a
//! year; so the guess is strict, and a site can say better.

use super::pattern::{Pattern, any_matches};

/// What a name promises of the bytes behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// The name carries a hash of the content: other bytes would have another name.
    ContentHash,
    /// The name carries a version, as in `lib-1.4.2.min.js`.
    Version,
    /// Nothing: the same name may bring other bytes at any time.
    None,
}

impl Promise {
    /// The lifetime to send with it, as a `Cache-Control` value (RFC 9111 §5.2.2, RFC 8246).
    pub const fn cache_control(self) -> &'static str {
        match self {
            Self::ContentHash => "public, max-age=31536000, immutable",
            // A version may be built anew in development: a day, and asked for again then.
            Self::Version => "public, max-age=86400",
            Self::None => "no-cache",
        }
    }
}

/// Tells what names promise: the site's own patterns first, then the guess.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Files whose names carry a content hash, whatever they look like.
    pub hashed: Vec<Pattern>,
    /// Files whose names promise nothing, whatever they look like. Wins over `hashed`.
    pub plain: Vec<Pattern>,
}

impl Names {
    /// What the name of `file` (a path below the site's root) promises.
    pub fn promise(&self, file: &str) -> Promise {
        if any_matches(&self.plain, file) || is_page(file) {
            return Promise::None;
        }
        if any_matches(&self.hashed, file) {
            return Promise::ContentHash;
        }
        let (folders, name) = file.rsplit_once('/').unwrap_or(("", file));
        let bundled = folders.split('/').any(|f| BUNDLER_FOLDERS.contains(&f));
        // Everything before the first ending that is one; `app.1a2b3c4d.js.map` has two.
        let words = || name.split(['.', '-', '_', '~']);
        if words().skip(1).any(is_hex_hash) || tail_is_base64_hash(name, bundled) {
            return Promise::ContentHash;
        }
        if has_version(name) {
            return Promise::Version;
        }
        Promise::None
    }
}

/// Pages are asked for by their own names and change behind them.
fn is_page(file: &str) -> bool {
    file.ends_with(".html") || file.ends_with(".htm")
}

/// Eight hex digits or more with a letter and a digit among them: no date, number or word.
fn is_hex_hash(word: &str) -> bool {
    (8..=64).contains(&word.len())
        && word
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
        && word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_lowercase())
}

/// Rollup and Vite write eight base64url characters before the ending: `index-BfXk2_9a.js`.
/// Upper case, lower case and a digit must be among them, since `MainView` is a name; within a
/// bundler's own folder both cases are enough.
fn tail_is_base64_hash(name: &str, bundled: bool) -> bool {
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let Some(start) = stem.len().checked_sub(HASH_CHARS) else {
        return false;
    };
    let (Some(tail), Some(head)) = (stem.get(start..), stem.get(..start)) else {
        return false;
    };
    let any = |test: fn(&u8) -> bool| tail.as_bytes().iter().any(test);
    head.ends_with(['-', '.'])
        && tail
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && any(u8::is_ascii_uppercase)
        && any(u8::is_ascii_lowercase)
        && (any(u8::is_ascii_digit) || bundled)
}

/// Three numbers with dots, behind a `-`, `@`, `_` or `.` and an optional `v`.
fn has_version(name: &str) -> bool {
    name.char_indices()
        .filter(|(_, c)| matches!(c, '-' | '@' | '_' | '.'))
        .any(|(at, _)| {
            let rest = &name[at + 1..];
            let rest = rest.strip_prefix('v').unwrap_or(rest);
            let mut numbers = rest.splitn(3, '.');
            let whole = |part: Option<&str>| {
                part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
            };
            let starts = |part: Option<&str>| {
                part.is_some_and(|p| p.starts_with(|c: char| c.is_ascii_digit()))
            };
            whole(numbers.next()) && whole(numbers.next()) && starts(numbers.next())
        })
}

const HASH_CHARS: usize = 8;

/// Where bundlers put what they name by content, and nothing else.
const BUNDLER_FOLDERS: &[&str] = &["_astro", "_app", "_next", "_nuxt", "assets", "static"];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, expected: Promise) {
        assert_eq!(Names::default().promise(file), expected, "{file}");
    }

    #[test]
    fn a_hash_in_a_name_is_seen_and_a_word_or_number_is_none() {
        for file in [
            "assets/app-1a2b3c4d.js",
            "assets/app.1a2b3c4d.css",
            "app.1a2b3c4d5e6f.chunk.js",
            "assets/js/view.0c1d2e3f.js.map",
            "app.7d793037a0760186574b0282f2f435e7.js",
            "assets/index-BfXk2_9a.js",
            "index-BfXk2_9a.js",
            "assets/index-DiwrgTda.js",
        ] {
            check(file, Promise::ContentHash);
        }
        for file in [
            "app.js",
            "photo-20240115.jpg",
            "img_12345678.png",
            "deadbeef-facade.js",
            "app-1a2b3c4.js",
            "1a2b3c4d.js",
            "app-1a2b3c4g.js",
            "components/the-MainView.js",
            "index-DiwrgTda.js",
            "assets/the-mainview.js",
            "readme-1A2B3C4D.txt",
        ] {
            check(file, Promise::None);
        }
    }

    #[test]
    fn a_version_has_three_numbers() {
        check("vendor/lib-1.4.2.min.js", Promise::Version);
        check("vendor/lib@v10.0.12.js", Promise::Version);
        check("vendor/jquery.3.7.1.js", Promise::Version);
        check("vendor/lib-1.4.js", Promise::None);
        check("vendor/lib1.4.2.js", Promise::None);
        check("vendor/1.4.2.js", Promise::None);
    }

    #[test]
    fn a_page_promises_nothing_whatever_its_name() {
        check("assets/post-1a2b3c4d.html", Promise::None);
    }

    #[test]
    fn the_site_says_better_than_the_guess_and_no_beats_yes() {
        let names = Names {
            hashed: vec![Pattern::new("build/**").unwrap()],
            plain: vec![Pattern::new("**/*-1a2b3c4d.js").unwrap()],
        };
        assert_eq!(names.promise("build/app.js"), Promise::ContentHash);
        assert_eq!(names.promise("build/app-1a2b3c4d.js"), Promise::None);
        assert_eq!(names.promise("other/app.js"), Promise::None);
    }
}
