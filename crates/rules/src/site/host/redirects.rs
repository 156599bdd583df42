//! `_redirects`: which files of the site does nobody ever get, since a redirect answers?
//!
//! Netlify serves a file before any redirect of its path, unless the rule is forced by `!`
//! (<https://docs.netlify.com/manage/routing/redirects/rewrites-proxies/>, shadowing). On Cloudflare
//! Pages "redirects are always followed, regardless of whether or not an asset matches"
//! (<https://developers.cloudflare.com/pages/configuration/redirects/>). Only that question is asked
//! here: where a redirect leads matters only so far as it may be the same page.

use super::rule_path::RulePath;
use super::{Host, Ignored, decoded};

/// The rules of a `_redirects` file, as one host reads them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedirectRules {
    rules: Vec<Redirect>,
    /// What the host passes over.
    pub ignored: Vec<Ignored>,
}

/// A redirect that wins over a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// Its line, from 1.
    pub line: usize,
    /// The path that it answers, as written.
    pub from: String,
    path: RulePath,
    /// Where it leads, if that is a path of the site.
    to: Option<String>,
}

impl RedirectRules {
    /// Reads the text of a `_redirects` file. Only rules that win over files are kept.
    pub fn parse(text: &str, host: Host) -> Self {
        let mut rules = Self::default();
        let mut counts = Counts::default();
        for (index, line) in text.split('\n').enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let read = match host {
                Host::CloudflarePages => cloudflare(line, index + 1, &rules.rules, &mut counts),
                _ => netlify(line, index + 1),
            };
            match read {
                Ok(Some(rule)) => rules.rules.push(rule),
                Ok(None) => {}
                Err(why) => rules.ignored.push(Ignored {
                    line: index + 1,
                    why,
                }),
            }
        }
        rules
    }

    /// The first rule that answers in place of `file`, which visitors ask for at `paths` (with a
    /// leading slash). A rule that leads to the same page under another spelling is none.
    pub fn shadows(&self, file: &str, paths: &[&str]) -> Option<&Redirect> {
        let page = page_name(file);
        let paths: Vec<_> = paths.iter().map(|path| decoded(path)).collect();
        self.rules.iter().find(|rule| {
            paths.iter().any(|path| rule.path.matches(path))
                && rule
                    .to
                    .as_deref()
                    .is_none_or(|to| page_name(&decoded(to)) != page)
        })
    }
}

#[derive(Default)]
struct Counts {
    fixed: usize,
    dynamic: usize,
}

/// `[source] [destination] [code?]`, at most 2,000 without and 100 with `*` or `:name`; of two with
/// one source the first counts.
fn cloudflare(
    line: &str,
    number: usize,
    known: &[Redirect],
    counts: &mut Counts,
) -> Result<Option<Redirect>, &'static str> {
    // "Each redirect declaration has a 1,000-character limit."
    if line.chars().count() > CLOUDFLARE_LINE_CHARS_MAX {
        return Err("it has more than 1,000 characters");
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let end = words.iter().skip(2).position(|word| word.starts_with('#'));
    let words = &words[..end.map_or(words.len(), |at| at + 2)];
    let (from, to, status) = match words {
        [from, to] => (*from, *to, "302"),
        [from, to, status] => (*from, *to, *status),
        _ => return Err("it is not `source destination status`"),
    };
    if !["200", "301", "302", "303", "307", "308"].contains(&status) {
        return Err("its status is none that Cloudflare Pages knows");
    }
    let path = RulePath::new(from, Host::CloudflarePages)?;
    if path.one_name_only {
        return Err("its source is no path");
    }
    if to.starts_with('/')
        && from.ends_with("/*")
        && (to.ends_with("/index") || to.ends_with("/index.html"))
    {
        return Err("it would lead to itself for ever");
    }
    if status == "200" && !to.starts_with('/') {
        return Err("a status of 200 takes a path of the site only");
    }
    if known.iter().any(|rule| rule.from == from) {
        return Err("an earlier line has the same source");
    }
    let (count, max) = match path.names.is_empty() && counts.dynamic == 0 {
        true => (&mut counts.fixed, CLOUDFLARE_FIXED_MAX),
        false => (&mut counts.dynamic, CLOUDFLARE_DYNAMIC_MAX),
    };
    *count += 1;
    if *count > max {
        return Err("more rules stand before it than Cloudflare Pages reads");
    }
    Ok(Some(Redirect {
        line: number,
        from: from.to_owned(),
        path,
        to: to.starts_with('/').then(|| to.to_owned()),
    }))
}

/// `from [query] [to] [status[!]] [conditions]`.
fn netlify(line: &str, number: usize) -> Result<Option<Redirect>, &'static str> {
    let mut words = line
        .split_whitespace()
        .take_while(|word| !word.starts_with('#'));
    let from = words.next().ok_or("it names no path")?;
    let words: Vec<&str> = words.collect();
    let status_at = words.iter().position(|word| is_status(word));
    let is_target = |word: &&str| {
        word.starts_with('/') || word.starts_with("https:") || word.starts_with("http:")
    };
    let to_at = words.iter().position(is_target);
    if to_at.is_none() && status_at != Some(0) {
        return Err("it names no destination");
    }
    let forced = status_at.is_some_and(|at| words[at].ends_with('!'));
    // A rule of a query answers that query only, and one that is not forced yields to a file.
    let of_query = to_at.is_some_and(|at| words[..at].iter().any(|word| word.contains('=')));
    if !forced || of_query {
        return Ok(None);
    }
    let path = RulePath::new(from, Host::Netlify)?;
    if path.one_name_only {
        return Ok(None); // of another name than the site is visited by
    }
    Ok(Some(Redirect {
        line: number,
        from: from.to_owned(),
        path,
        to: to_at
            .map(|at| words[at])
            .filter(|to| to.starts_with('/'))
            .map(str::to_owned),
    }))
}

fn is_status(word: &str) -> bool {
    let digits = word.strip_suffix('!').unwrap_or(word);
    digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// What is left of a page's path when its spelling is taken away.
fn page_name(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".html").unwrap_or(path);
    match path.strip_suffix("index") {
        Some(folder) if folder.is_empty() || folder.ends_with('/') => folder.trim_end_matches('/'),
        _ => path,
    }
}

const CLOUDFLARE_LINE_CHARS_MAX: usize = 1_000;
const CLOUDFLARE_FIXED_MAX: usize = 2_000;
const CLOUDFLARE_DYNAMIC_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const NETLIFY: Host = Host::Netlify;
    const CLOUDFLARE: Host = Host::CloudflarePages;

    /// The line that answers in place of `file`.
    #[track_caller]
    fn check(host: Host, text: &str, file: &str, expected: Option<usize>) {
        let rules = RedirectRules::parse(text, host);
        let path = format!("/{}", file.strip_suffix("index.html").unwrap_or(file));
        let found = rules.shadows(file, &[&path]).map(|rule| rule.line);
        assert_eq!(found, expected, "{host}: `{text}` and {file}");
    }

    #[track_caller]
    fn check_ignored(host: Host, text: &str, expected: &[usize]) {
        let rules = RedirectRules::parse(text, host);
        let lines: Vec<usize> = rules.ignored.iter().map(|ignored| ignored.line).collect();
        assert_eq!(lines, expected, "{host}: {text}\n{:?}", rules.ignored);
    }

    #[test]
    fn on_netlify_only_a_forced_rule_wins_over_a_file() {
        check(NETLIFY, "/a.html /b", "a.html", None);
        check(NETLIFY, "/a.html /b 301", "a.html", None);
        check(
            NETLIFY,
            "# forced\n/a.html /b 301! # why",
            "a.html",
            Some(2),
        );
        check(NETLIFY, "/* /index.html 200", "app.js", None);
        check(NETLIFY, "/* /index.html 200!", "app.js", Some(1));
        check(NETLIFY, "/* /index.html 200!", "index.html", None);
        check(NETLIFY, "/a.html /b 302! Country=de", "a.html", Some(1));
        check(NETLIFY, "/a.html id=:id /b/:id 301!", "a.html", None);
        check(NETLIFY, "/a/* 404!", "a/b.js", Some(1));
        check(
            NETLIFY,
            "http://old.example/* https://x.example/:splat 301!",
            "a.html",
            None,
        );
    }

    #[test]
    fn on_cloudflare_every_rule_wins_and_the_first_of_them() {
        check(CLOUDFLARE, "/a.js /b.js", "a.js", Some(1));
        check(CLOUDFLARE, "/b.js /c\n/*.js /x 301\n", "a.js", Some(2));
        check(
            CLOUDFLARE,
            "/blog/* https://blog.example/:splat",
            "blog/index.html",
            Some(1),
        );
        check(CLOUDFLARE, "/a.js /b 404", "a.js", None);
        check(CLOUDFLARE, "/* /index.html 200", "a.js", None);
    }

    #[test]
    fn a_redirect_to_another_spelling_of_the_page_takes_nothing_away() {
        check(CLOUDFLARE, "/about/ /about 301", "about/index.html", None);
        check(
            CLOUDFLARE,
            "/about/ /about.html?x 301",
            "about/index.html",
            None,
        );
        check(
            CLOUDFLARE,
            "/about/ /about/us 301",
            "about/index.html",
            Some(1),
        );
        check(NETLIFY, "/ /index.html 200!", "index.html", None);
    }

    #[test]
    fn a_line_that_the_host_passes_over_is_named() {
        check_ignored(
            CLOUDFLARE,
            "/a\n/a /b 302 x\n/a /b 999\nhttps://x.example/a /b\n/* /index.html 200\n/c https://x.example 200\n/d /e\n/d /f # twice\n/g /h # fine",
            &[1, 2, 3, 4, 5, 6, 8],
        );
        check_ignored(NETLIFY, "/a\n/a b\n/a 404\n/a /b 301 # fine", &[1, 2]);
    }

    #[test]
    fn cloudflare_reads_2000_fixed_and_100_dynamic_rules() {
        let fixed = |count: usize| (0..count).map(|i| format!("/{i} /x\n")).collect::<String>();
        check_ignored(CLOUDFLARE, &fixed(2_000), &[]);
        check_ignored(CLOUDFLARE, &fixed(2_001), &[2_001]);
        let dynamic = |count: usize| {
            (0..count)
                .map(|i| format!("/{i}/* /x\n"))
                .collect::<String>()
        };
        check_ignored(CLOUDFLARE, &dynamic(100), &[]);
        check_ignored(CLOUDFLARE, &dynamic(101), &[101]);
        // behind a dynamic one, a fixed one counts as dynamic
        check_ignored(CLOUDFLARE, &format!("{}/fixed /x", dynamic(100)), &[101]);
        let line = |chars: usize| format!("/{} /", "x".repeat(chars - 3));
        check_ignored(CLOUDFLARE, &line(1_000), &[]);
        check_ignored(CLOUDFLARE, &line(1_001), &[1]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([/a:*!# \n=ä]|200!|301|https://x|/index){0,40}", file in ".{0,12}") {
            for host in [NETLIFY, CLOUDFLARE] {
                let rules = RedirectRules::parse(&text, host);
                rules.shadows(&file, &[&format!("/{file}")]);
            }
        }
    }
}
