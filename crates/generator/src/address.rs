//! Which file of the site does a URL name, as it is written in another?
//!
//! Every URL is resolved against that of the file that names it, as a browser would, at an address
//! that stands for the site's own.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use revisit_rules::site::route::{Candidate, candidates, decode, url_path};
use url::Url;

use crate::extra::Extra;

/// The addresses of a site's files.
pub(crate) struct Addresses<'a> {
    base: &'a str,
    /// The URL below which the same files are reached on another origin.
    cdn: Option<&'a Url>,
    known: &'a HashSet<&'a str>,
    extras: &'a [Extra],
    /// Lower case → a file that is spelt so but for that; made when the first file is missed.
    folded: OnceLock<HashMap<String, &'a str>>,
}

/// What a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file of the site.
    File {
        path: String,
        /// With a query that says something.
        query: bool,
        /// By the URL of the CDN, against which its own references are resolved then.
        by_cdn: bool,
    },
    /// A path of the site at which no file is.
    Missing {
        /// A file whose path differs in upper and lower case only.
        near: Option<String>,
    },
    /// Something on another origin.
    Elsewhere,
}

impl<'a> Addresses<'a> {
    pub(crate) fn new(base: &'a str, cdn: Option<&'a Url>, known: &'a HashSet<&'a str>) -> Self {
        Self {
            base,
            cdn,
            known,
            extras: &[],
            folded: OnceLock::new(),
        }
    }

    /// With URLs at which there is no file, and which are there all the same.
    pub(crate) fn and(self, extras: &'a [Extra]) -> Self {
        Self { extras, ..self }
    }

    /// The URL against which a file's references are resolved; `document_base`: the page's `<base>`.
    pub(crate) fn of(&self, file: &str, document_base: Option<&str>) -> Option<Url> {
        let url = Url::parse(&format!("http://{HOST}{}{}", self.base, url_path(file))).ok()?;
        match document_base {
            Some(document_base) => url.join(document_base).ok(),
            None => Some(url),
        }
    }

    /// The same of a file that was named by the CDN's URL.
    pub(crate) fn of_cdn(&self, file: &str) -> Option<Url> {
        self.cdn?.join(&format!("./{}", url_path(file))).ok()
    }

    /// What `written` names, in a file of the URL `from`; `None` for what is no URL, and for what lies
    /// on the site's host but not below its base, or is no file but there all the same.
    pub(crate) fn resolve(&self, from: &Url, written: &str) -> Option<Target> {
        let url = from.join(written).ok()?;
        let below_cdn = self.cdn.and_then(|cdn| {
            let same = url.origin() == cdn.origin();
            url.path().strip_prefix(cdn.path()).filter(|_| same)
        });
        let by_cdn = below_cdn.is_some();
        let path = match below_cdn {
            Some(path) => path,
            None if url.host_str() != Some(HOST) || url.scheme() != "http" => {
                return Some(Target::Elsewhere);
            }
            None => url.path().strip_prefix(self.base)?,
        };
        let mut near = None;
        if let Some(path) = decode(path) {
            let files = || {
                candidates(&path).into_iter().map(|candidate| {
                    let (Candidate::Serve(file) | Candidate::AddSlash(file)) = candidate;
                    file
                })
            };
            if let Some(path) = files().find(|file| self.known.contains(&**file)) {
                let query = url.query().is_some_and(|query| !query.is_empty());
                return Some(Target::File {
                    path,
                    query,
                    by_cdn,
                });
            }
            if self.extras.iter().any(|extra| extra.path == path) {
                return None;
            }
            near = files().find_map(|file| self.folded().get(&file.to_lowercase()));
        }
        let near = near.map(|file| (*file).to_owned());
        Some(Target::Missing { near })
    }

    fn folded(&self) -> &HashMap<String, &'a str> {
        self.folded.get_or_init(|| {
            let mut files: Vec<&str> = self.known.iter().copied().collect();
            files.sort_unstable(); // of two that are spelt alike always the same
            files
                .into_iter()
                .map(|file| (file.to_lowercase(), file))
                .collect()
        })
    }
}

/// Stands for the site's own host while URLs are resolved.
const HOST: &str = "site.invalid";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, written: &str, expected: Option<Target>) {
        let known = HashSet::from(["index.html", "js/App.js", "about/index.html", "Ärger.html"]);
        let cdn = Url::parse("https://cdn.example/site/").unwrap();
        let addresses = Addresses::new("/shop/", Some(&cdn), &known);
        let from = match from.strip_prefix("cdn:") {
            Some(file) => addresses.of_cdn(file),
            None => addresses.of(from, None),
        };
        let found = addresses.resolve(&from.unwrap(), written);
        assert_eq!(found, expected, "{written}");
    }

    fn file(path: &str, query: bool) -> Option<Target> {
        Some(Target::File {
            path: path.to_owned(),
            query,
            by_cdn: false,
        })
    }

    fn on_cdn(path: &str) -> Option<Target> {
        Some(Target::File {
            path: path.to_owned(),
            query: false,
            by_cdn: true,
        })
    }

    fn missing(near: Option<&str>) -> Option<Target> {
        let near = near.map(str::to_owned);
        Some(Target::Missing { near })
    }

    #[test]
    fn a_url_names_the_file_that_a_server_would_answer_with() {
        check("index.html", "js/App.js", file("js/App.js", false));
        check("js/App.js", "App.js?v=1#x", file("js/App.js", true));
        check("js/App.js", "../about", file("about/index.html", false));
        check(
            "index.html",
            "/shop/about/?",
            file("about/index.html", false),
        );
    }

    #[test]
    fn what_is_no_file_is_missing_and_one_of_another_case_is_named() {
        check("index.html", "js/gone.js", missing(None));
        check("index.html", "js/app.js", missing(Some("js/App.js")));
        check("index.html", "JS/App.js", missing(Some("js/App.js")));
        check("index.html", "About/", missing(Some("about/index.html")));
        check("index.html", "%C3%A4rger", missing(Some("Ärger.html")));
    }

    #[test]
    fn another_origin_is_elsewhere_and_the_rest_of_the_host_is_not_ours() {
        check("index.html", "//cdn.example/x.js", Some(Target::Elsewhere));
        check("index.html", "/other/x.js", None);
        check("index.html", "http://[", None);
    }

    #[test]
    fn the_cdn_has_the_files_of_the_site_below_its_url_and_nothing_else() {
        let script = "https://cdn.example/site/js/App.js";
        check("index.html", script, on_cdn("js/App.js"));
        check("cdn:about/index.html", "../js/App.js", on_cdn("js/App.js"));
        check("cdn:js/App.js", "/site/js/App.js", on_cdn("js/App.js"));
        check("cdn:js/App.js", "./gone.js", missing(None));
        for other in [
            "https://cdn.example/other/js/App.js",
            "http://cdn.example/site/js/App.js",
            "https://cdn.example:8443/site/js/App.js",
            "/shop/js/App.js",
        ] {
            check("cdn:js/App.js", other, Some(Target::Elsewhere));
        }
    }
}
