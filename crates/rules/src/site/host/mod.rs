//! Static hosts: what does each do with a folder of files?
//!
//! Under which URL a page is answered without a redirect, what other spellings of it get, which
//! header fields its answers carry and which of them a site may set. Each fact names where its
//! vendor says so; what no vendor says is [`Unknown`](Answer::Unknown) and never guessed. Files are
//! given by their names only: whoever asks says which exist.

mod answer;
mod defaults;
mod headers;
mod page;
mod redirects;
mod rule_path;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

pub use answer::{Answer, Moved, Served};
pub use defaults::Defaults;
pub use headers::{CacheControl, HeaderRule, HeaderRules, Unsure};
pub use page::PageHeaders;
pub use redirects::{Redirect, RedirectRules};

use super::route::{self, INDEX};

/// Where a site is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Host {
    /// Any server: nothing is taken for granted but that a file is answered under its own name,
    /// and `index.html` for its folder.
    #[default]
    Plain,
    /// Netlify: `_headers` and `_redirects` in the publish folder
    /// (<https://docs.netlify.com/manage/routing/headers/>).
    Netlify,
    /// Cloudflare Pages: `_headers` and `_redirects` in the output folder, pages without `.html`
    /// (<https://developers.cloudflare.com/pages/configuration/serving-pages/>).
    CloudflarePages,
    /// GitHub Pages, whose response headers nobody may change
    /// (<https://github.com/github/pages-gem/issues/415>, a maintainer's word).
    GithubPages,
    /// nginx with `root` and its default `index`
    /// (<https://nginx.org/en/docs/http/ngx_http_index_module.html>).
    Nginx,
}

impl Host {
    /// All of them, in the order in which they are explained.
    pub const ALL: [Self; 5] = [
        Self::Plain,
        Self::Netlify,
        Self::CloudflarePages,
        Self::GithubPages,
        Self::Nginx,
    ];

    /// As the config writes it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Netlify => "netlify",
            Self::CloudflarePages => "cloudflare-pages",
            Self::GithubPages => "github-pages",
            Self::Nginx => "nginx",
        }
    }

    /// Does it read `_headers` and `_redirects` from the folder?
    pub fn reads_rule_files(self) -> bool {
        matches!(self, Self::Netlify | Self::CloudflarePages)
    }

    /// The URL path, below the base and encoded as [`route::url_path`] does, under which `file` is
    /// answered without a redirect. `exists` tells which other files the site has.
    ///
    /// Cloudflare Pages answers `about.html` at `about` and redirects from `about.html`
    /// ("Pages will also redirect HTML pages to their extension-less counterparts", Serving Pages),
    /// unless a file of that very name is there. Netlify, GitHub Pages and nginx answer a file
    /// under its own name.
    pub fn canonical_url_path(self, file: &str, exists: &dyn Fn(&str) -> bool) -> String {
        let is_index = file == INDEX || file.ends_with("/index.html");
        match self {
            Self::CloudflarePages if !is_index => match file.strip_suffix(".html") {
                Some(page) if !page.is_empty() && !exists(page) => route::url_path(page),
                _ => route::url_path(file),
            },
            // `both/` redirects to `both` where `both.html` is there too, with "Pretty URLs", which
            // is the default (measured: <https://github.com/slorber/trailing-slash-guide>).
            Self::Netlify
                if file
                    .strip_suffix("/index.html")
                    .is_some_and(|folder| exists(&format!("{folder}.html"))) =>
            {
                format!("{}{INDEX}", route::url_path(file))
            }
            _ => route::url_path(file),
        }
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "a plain host",
            Self::Netlify => "Netlify",
            Self::CloudflarePages => "Cloudflare Pages",
            Self::GithubPages => "GitHub Pages",
            Self::Nginx => "nginx",
        })
    }
}

/// A line of `_headers` or `_redirects` that its host passes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Its number, from 1.
    pub line: usize,
    /// Why it is passed over.
    pub why: &'static str,
}

/// A path as it was meant: rules and requests may encode the same one differently.
fn decoded(path: &str) -> Cow<'_, str> {
    percent_decode_str(path).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: Host, files: &[&str], expected: &[&str]) {
        let exists = |file: &str| files.contains(&file);
        let found: Vec<String> = files
            .iter()
            .map(|file| host.canonical_url_path(file, &exists))
            .collect();
        assert_eq!(found, expected, "{host}");
    }

    const FILES: [&str; 7] = [
        "index.html",
        "about.html",
        "a b/index.html",
        "both.html",
        "both/index.html",
        "app.js",
        "page.xhtml",
    ];

    #[test]
    fn a_page_is_found_where_its_host_answers_it_without_a_redirect() {
        for host in [Host::Plain, Host::GithubPages, Host::Nginx] {
            check(
                host,
                &FILES,
                &[
                    "",
                    "about.html",
                    "a%20b/",
                    "both.html",
                    "both/",
                    "app.js",
                    "page.xhtml",
                ],
            );
        }
        check(
            Host::CloudflarePages,
            &FILES,
            &[
                "",
                "about",
                "a%20b/",
                "both",
                "both/",
                "app.js",
                "page.xhtml",
            ],
        );
        check(
            Host::Netlify,
            &FILES,
            &[
                "",
                "about.html",
                "a%20b/",
                "both.html",
                "both/index.html",
                "app.js",
                "page.xhtml",
            ],
        );
    }

    #[test]
    fn a_page_keeps_its_ending_where_a_file_has_the_name_without_it() {
        check(Host::CloudflarePages, &["a", "a.html"], &["a", "a.html"]);
        check(Host::CloudflarePages, &[".html"], &[".html"]);
    }

    #[test]
    fn the_config_writes_a_host_by_its_key() {
        for host in Host::ALL {
            let text = format!("\"{}\"", host.key());
            assert_eq!(serde_json::from_str::<Host>(&text).unwrap(), host);
        }
        assert!(serde_json::from_str::<Host>("\"Netlify\"").is_err());
    }
}
