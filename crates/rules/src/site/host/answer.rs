//! What does a host answer for one spelling of a page's URL?
//!
//! Tables: <https://github.com/slorber/trailing-slash-guide/blob/main/docs/Hosting-Providers.md>, which
//! deployed the same files to each host; for Cloudflare Pages its own asset server
//! (<https://github.com/cloudflare/workers-sdk/blob/main/packages/pages-shared/asset-server/handler.ts>);
//! for nginx the module documentation (`index`, and a folder asked for without its slash).

use super::super::route::{self, INDEX};
use super::Host;

/// What is answered, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This file, in place, with status 200.
    Serve {
        /// Its path below the site's root.
        file: String,
        /// Why this one.
        why: Served,
    },
    /// A redirect.
    Redirect {
        /// The URL path that it leads to, below the base and encoded.
        to: String,
        /// 301 or 308.
        status: u16,
        /// Why.
        why: Moved,
    },
    /// 404.
    NotFound,
    /// No text says what this host does; the reason.
    Unknown(&'static str),
}

/// Why a file answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// It has the name that was asked for.
    Itself,
    /// It is the `index.html` of the folder that was asked for.
    Index,
    /// It is the page of that name, with `.html` added.
    PageOfThatName,
    /// Nothing has that name, and the site has no `404.html`: it is taken for an app of one page.
    OnePageApp,
}

/// Why a request is sent elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// The host writes pages without `.html`.
    EndingDropped,
    /// The host writes a folder without `index.html`.
    IndexDropped,
    /// A folder is asked for with a slash.
    SlashAdded,
    /// A page is asked for without a slash.
    SlashDropped,
}

impl Host {
    /// What the host answers for `url_path` (encoded, below the base, without query), before any
    /// rule of `_redirects`. Netlify: with "Pretty URLs" on, which is its default.
    pub fn answer(self, url_path: &str, exists: &dyn Fn(&str) -> bool) -> Answer {
        let Some(path) = route::decode(url_path) else {
            return Answer::NotFound;
        };
        match self {
            Self::Plain => plain(&path, exists),
            Self::Netlify => netlify(&path, exists),
            Self::CloudflarePages => cloudflare(&path, exists),
            Self::GithubPages => github(&path, exists),
            Self::Nginx => nginx(&path, exists),
        }
    }
}

fn serve(file: &str, why: Served) -> Answer {
    Answer::Serve {
        file: file.to_owned(),
        why,
    }
}

fn redirect(to: &str, status: u16, why: Moved) -> Answer {
    Answer::Redirect {
        to: route::encode(to),
        status,
        why,
    }
}

/// What is common to all: a file under its own name, a folder by its index page.
fn common(path: &str, exists: &dyn Fn(&str) -> bool) -> Option<Answer> {
    if path.is_empty() || path.ends_with('/') {
        let index = format!("{path}{INDEX}");
        return exists(&index).then(|| serve(&index, Served::Index));
    }
    exists(path).then(|| serve(path, Served::Itself))
}

fn plain(path: &str, exists: &dyn Fn(&str) -> bool) -> Answer {
    common(path, exists).unwrap_or(Answer::Unknown(
        "hosts differ in what they answer for a path that is no file",
    ))
}

fn netlify(path: &str, exists: &dyn Fn(&str) -> bool) -> Answer {
    if let Some(page) = path
        .strip_suffix('/')
        .filter(|page| exists(&format!("{page}.html")))
    {
        return redirect(page, 301, Moved::SlashDropped);
    }
    common(path, exists)
        .or_else(|| page_of_that_name(path, exists))
        .or_else(|| folder(path, exists, 301))
        .unwrap_or(Answer::NotFound)
}

fn github(path: &str, exists: &dyn Fn(&str) -> bool) -> Answer {
    common(path, exists)
        .or_else(|| page_of_that_name(path, exists))
        .or_else(|| folder(path, exists, 301))
        .unwrap_or(Answer::NotFound)
}

fn nginx(path: &str, exists: &dyn Fn(&str) -> bool) -> Answer {
    common(path, exists)
        .or_else(|| folder(path, exists, 301))
        .unwrap_or(Answer::NotFound)
}

fn page_of_that_name(path: &str, exists: &dyn Fn(&str) -> bool) -> Option<Answer> {
    let page = format!("{path}.html");
    (!path.is_empty() && !path.ends_with('/') && exists(&page))
        .then(|| serve(&page, Served::PageOfThatName))
}

fn folder(path: &str, exists: &dyn Fn(&str) -> bool, status: u16) -> Option<Answer> {
    let slashed = format!("{path}/");
    (!path.is_empty() && !path.ends_with('/') && exists(&format!("{slashed}{INDEX}")))
        .then(|| redirect(&slashed, status, Moved::SlashAdded))
}

/// In the order of its asset server.
fn cloudflare(path: &str, exists: &dyn Fn(&str) -> bool) -> Answer {
    if path.is_empty() || path.ends_with('/') {
        let page = path.trim_end_matches('/');
        return common(path, exists).unwrap_or_else(|| {
            if let Some(folder) = path.strip_suffix("index/") {
                redirect(folder, 308, Moved::IndexDropped)
            } else if !page.is_empty() && exists(&format!("{page}.html")) {
                redirect(page, 308, Moved::SlashDropped)
            } else {
                cloudflare_not_found(path, exists)
            }
        });
    }
    if exists(path) {
        return match path.strip_suffix(".html") {
            Some(page) if page == "index" || page.ends_with("/index") => redirect(
                &page[..page.len() - "index".len()],
                308,
                Moved::IndexDropped,
            ),
            Some(page) if !page.is_empty() && !exists(page) => {
                redirect(page, 308, Moved::EndingDropped)
            }
            _ => serve(path, Served::Itself),
        };
    }
    if path == "index" || path.ends_with("/index") {
        return redirect(
            &path[..path.len() - "index".len()],
            308,
            Moved::IndexDropped,
        );
    }
    page_of_that_name(path, exists)
        .or_else(|| folder(path, exists, 308))
        .unwrap_or_else(|| cloudflare_not_found(path, exists))
}

/// "If your project does not include a top-level `404.html` file, Pages assumes that you are deploying
/// a single-page application" (Serving Pages); else the nearest `404.html` upward, as a 404.
fn cloudflare_not_found(path: &str, exists: &dyn Fn(&str) -> bool) -> Answer {
    let mut folder = path;
    while let Some((parent, _)) = folder.rsplit_once('/') {
        if exists(&format!("{parent}/404.html")) {
            return Answer::NotFound;
        }
        folder = parent;
    }
    if !exists("404.html") && exists(INDEX) {
        return serve(INDEX, Served::OnePageApp);
    }
    Answer::NotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `=file` is served, `301 path` a redirect, `404` and `?` what they say.
    fn check(host: Host, more: &[&str], table: &[(&str, &str)]) {
        let files = [
            "index.html",
            "file.html",
            "folder/index.html",
            "both.html",
            "both/index.html",
        ];
        let exists = |file: &str| files.contains(&file) || more.contains(&file);
        for (path, expected) in table {
            let found = match host.answer(path, &exists) {
                Answer::Serve { file, .. } => format!("={file}"),
                Answer::Redirect { to, status, .. } => format!("{status} {to}"),
                Answer::NotFound => "404".into(),
                Answer::Unknown(_) => "?".into(),
            };
            assert_eq!(found, *expected, "{host} {path}");
        }
    }

    #[test]
    fn github_pages_answers_as_it_was_measured() {
        check(
            Host::GithubPages,
            &[],
            &[
                ("", "=index.html"),
                ("file", "=file.html"),
                ("file/", "404"),
                ("file.html", "=file.html"),
                ("folder", "301 folder/"),
                ("folder/", "=folder/index.html"),
                ("folder/index.html", "=folder/index.html"),
                ("both", "=both.html"),
                ("both/", "=both/index.html"),
            ],
        );
    }

    #[test]
    fn netlify_answers_as_it_was_measured_with_pretty_urls() {
        check(
            Host::Netlify,
            &[],
            &[
                ("file", "=file.html"),
                ("file/", "301 file"),
                ("file.html", "=file.html"),
                ("folder", "301 folder/"),
                ("folder/", "=folder/index.html"),
                ("both", "=both.html"),
                ("both/", "301 both"),
                ("both/index.html", "=both/index.html"),
                ("none", "404"),
            ],
        );
    }

    #[test]
    fn cloudflare_pages_drops_endings_and_takes_a_site_without_404_for_one_page() {
        check(
            Host::CloudflarePages,
            &["404.html", "a b.html", "x", "x.html"],
            &[
                ("", "=index.html"),
                ("index.html", "308 "),
                ("index", "308 "),
                ("file", "=file.html"),
                ("file/", "308 file"),
                ("file.html", "308 file"),
                ("a%20b.html", "308 a%20b"),
                ("x.html", "=x.html"),
                ("x", "=x"),
                ("folder", "308 folder/"),
                ("folder/", "=folder/index.html"),
                ("folder/index.html", "308 folder/"),
                ("both", "=both.html"),
                ("both/", "=both/index.html"),
                ("both.html", "308 both"),
                ("none", "404"),
            ],
        );
        check(
            Host::CloudflarePages,
            &[],
            &[("none", "=index.html"), ("no/ne/", "=index.html")],
        );
        check(
            Host::CloudflarePages,
            &["no/404.html"],
            &[("no/ne", "404"), ("ne", "=index.html")],
        );
    }

    #[test]
    fn nginx_adds_a_slash_and_no_ending_and_of_a_plain_host_nothing_is_known() {
        check(
            Host::Nginx,
            &[],
            &[
                ("file", "404"),
                ("folder", "301 folder/"),
                ("folder/", "=folder/index.html"),
                ("file/", "404"),
            ],
        );
        check(
            Host::Plain,
            &[],
            &[
                ("file", "?"),
                ("folder", "?"),
                ("folder/", "=folder/index.html"),
                ("file.html", "=file.html"),
            ],
        );
    }

    #[test]
    fn the_canonical_path_of_every_file_is_served_in_place_by_every_host() {
        let files = [
            "index.html",
            "file.html",
            "folder/index.html",
            "both.html",
            "both/index.html",
            "x",
            "x.html",
            "a b.js",
        ];
        let exists = |file: &str| files.contains(&file);
        for host in Host::ALL {
            for file in files {
                let path = host.canonical_url_path(file, &exists);
                let Answer::Serve { file: served, .. } = host.answer(&path, &exists) else {
                    panic!("{host} does not serve {file} at {path}");
                };
                assert_eq!(served, file, "{host} {path}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_makes_it_panic(path in "[a-b/.%2index]{0,20}") {
            for host in Host::ALL {
                host.answer(&path, &|file| file.len() % 2 == 0);
                host.canonical_url_path(&path, &|file| file.len() % 2 == 0);
            }
        }
    }
}
