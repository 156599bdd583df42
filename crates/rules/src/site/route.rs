//! Which file of a site answers a URL path?
//!
//! A static host, our own `serve` and the service worker all answer this question, and must
//! agree: the worker's twin is `generator/runtime/worker/route.js`, and both run the cases of
//! `tests/vectors/route.json`.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What may answer a path, in the order in which it is to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// This file, by its path below the site's root, without a leading slash.
    Serve(String),
    /// A redirect to the same path with a slash behind it, if this file is there: served in
    /// place, an index page's relative links would point one folder too high.
    AddSlash(String),
}

/// The files that may answer `path` (decoded, below the site's root, without a leading slash).
///
/// A folder is answered by its `index.html`, a name without ending by the page of that name
/// (a *clean URL*); where both are there the page wins.
pub fn candidates(path: &str) -> Vec<Candidate> {
    if path.is_empty() || path.ends_with('/') {
        return vec![Candidate::Serve(format!("{path}{INDEX}"))];
    }
    vec![
        Candidate::Serve(path.to_owned()),
        Candidate::Serve(format!("{path}.html")),
        Candidate::AddSlash(format!("{path}/{INDEX}")),
    ]
}

/// The URL path under which a file is asked for, relative to the site's root and encoded:
/// `a b/index.html` is `a%20b/`. The inverse of [`decode`] for the first candidate.
pub fn url_path(file: &str) -> String {
    let canonical = match file.strip_suffix(INDEX) {
        Some(folder) if folder.is_empty() || folder.ends_with('/') => folder,
        _ => file,
    };
    utf8_percent_encode(canonical, ENCODED).to_string()
}

/// Encodes a path as [`url_path`] does, `index.html` included.
pub(super) fn encode(path: &str) -> String {
    utf8_percent_encode(path, ENCODED).to_string()
}

/// Decodes a URL path (no query) to the path of a file. `None` for what no file can have:
/// bytes that are not UTF-8, NUL, a backslash, an encoded slash, empty and dot segments.
pub fn decode(url_path: &str) -> Option<String> {
    let mut file = String::with_capacity(url_path.len());
    for (index, segment) in url_path.split('/').enumerate() {
        let decoded: Cow<'_, str> = percent_decode_str(segment).decode_utf8().ok()?;
        if decoded.contains(['/', '\\', '\0']) || decoded == "." || decoded == ".." {
            return None;
        }
        if index > 0 {
            file.push('/');
        }
        file.push_str(&decoded);
    }
    (!file.contains("//") && !file.starts_with('/')).then_some(file)
}

/// What all files that may answer one path have in common: `about`, `about.html` and
/// `about/index.html` have the stem `about`. A list that is parted by stems is asked in one place,
/// whatever the spelling.
pub fn stem(file: &str) -> &str {
    let mut stem = file;
    loop {
        let shorter = [".html", "/index", "/"]
            .iter()
            .find_map(|ending| stem.strip_suffix(ending));
        match shorter {
            Some(shorter) => stem = shorter,
            None if stem == "index" => return "",
            None => return stem,
        }
    }
}

/// The page that answers for a folder.
pub const INDEX: &str = "index.html";

/// What `encodeURIComponent` encodes, less the slash, which parts the segments.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'$')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b',')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vector_is_answered_as_the_worker_answers_it() {
        let cases: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/vectors/route.json")).unwrap();
        for case in cases["find"].as_array().unwrap() {
            let files: Vec<&str> = texts(&case["files"]);
            let found = decode(case["path"].as_str().unwrap()).and_then(|path| {
                candidates(&path)
                    .into_iter()
                    .find_map(|candidate| match candidate {
                        Candidate::Serve(file) => files.contains(&&*file).then_some(file),
                        Candidate::AddSlash(file) => files
                            .contains(&&*file)
                            .then(|| format!("redirect {}", url_path(&file))),
                    })
            });
            assert_eq!(found.as_deref(), case["found"].as_str(), "{case}");
        }
        for case in cases["url"].as_array().unwrap() {
            assert_eq!(
                url_path(case["file"].as_str().unwrap()),
                case["url"].as_str().unwrap()
            );
        }
    }

    #[test]
    fn stems_are_those_of_the_worker() {
        let cases: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/vectors/route.json")).unwrap();
        for case in cases["stem"].as_array().unwrap() {
            let [file, expected] = &*texts(case) else {
                panic!("{case}")
            };
            assert_eq!(stem(file), *expected, "{file}");
        }
    }

    fn texts(list: &serde_json::Value) -> Vec<&str> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect()
    }

    proptest::proptest! {
        #[test]
        fn all_candidates_of_a_path_have_its_stem(path in "([a-c]|index|index[.]html|[.]html|/){0,6}") {
            for candidate in candidates(&path) {
                let (Candidate::Serve(file) | Candidate::AddSlash(file)) = candidate;
                proptest::prop_assert_eq!(stem(&file), stem(&path), "{}", file);
            }
        }

        #[test]
        fn a_file_is_found_again_under_its_own_url(file in "[ -~äß]{1,12}(/[ -~äß]{1,12}){0,3}") {
            let plain = file.split('/').all(|s| !s.is_empty() && s != "." && s != "..")
                && !file.contains('\\');
            if plain && !file.ends_with(INDEX) {
                proptest::prop_assert_eq!(decode(&url_path(&file)), Some(file));
            }
        }
    }
}
