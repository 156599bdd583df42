//! The folder of the site around a manifest: which files there are, which pages name it, what its host says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use revisit_rules::appcache::page;
use revisit_rules::site::host::{HeaderRules, Host, RedirectRules};
use url::Url;

use crate::walk::walk;

/// What is known of the folder.
#[derive(Debug)]
pub(crate) struct SiteAround {
    files: BTreeSet<String>,
    /// Pages that name this manifest, as paths below the folder.
    pub(super) pages: Vec<String>,
    pub(super) headers: HeaderRules,
    pub(super) redirects: RedirectRules,
}

impl SiteAround {
    /// Looks through a folder. One that cannot be read is an empty one: the build will say why.
    pub(super) fn look(folder: &Path, manifest: &Url) -> Self {
        let found = walk(folder, &|_| false).map(|walk| walk.files);
        let files: BTreeSet<String> = found
            .unwrap_or_default()
            .into_iter()
            .map(|it| it.path)
            .collect();
        let names_it = |file: &&String| {
            let is_page = [".html", ".htm", ".xhtml"]
                .iter()
                .any(|it| file.ends_with(it));
            is_page && {
                let start = start_of(&folder.join(file));
                let attribute = page::manifest_attribute(&start);
                page::manifest_url(&url_of(file), attribute.as_deref()).as_ref() == Some(manifest)
            }
        };
        let pages = files.iter().filter(names_it).cloned().collect();
        let rules = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        Self {
            files,
            pages,
            headers: HeaderRules::parse(&rules("_headers"), Host::Netlify),
            redirects: RedirectRules::parse(&rules("_redirects"), Host::Netlify),
        }
    }

    pub(super) fn has(&self, file: &str) -> bool {
        self.files.contains(file)
    }

    /// A first page for a site without `index.html`.
    pub(super) fn first_page(&self) -> Option<&String> {
        let mut pages = self.pages.iter();
        pages
            .next()
            .or_else(|| self.files.iter().find(|it| it.ends_with(".html")))
    }
}

/// As much of a page as its first tag may need.
fn start_of(path: &PathBuf) -> Vec<u8> {
    use std::io::Read;
    let mut start = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        // what cannot be read names nothing
        let _ = file
            .take(page::LOOK_BYTES_MAX as u64)
            .read_to_end(&mut start);
    }
    start
}

/// The name of a host that nobody can have (RFC 6761 §6.4).
pub(super) const HOST: &str = "site.invalid";

/// The URL of a file: of an origin that no manifest can mean, since nobody knows where the site will be.
pub(super) fn url_of(file: &str) -> Url {
    let mut url = Url::parse(&format!("https://{HOST}/")).expect("a URL by its letters");
    url.set_path(file);
    url
}

/// The file below the folder that a URL of the site names: `index.html` for a folder.
pub(super) fn file_of(url: &Url) -> String {
    let path = percent_decode_str(url.path().trim_start_matches('/')).decode_utf8_lossy();
    match path.is_empty() || path.ends_with('/') {
        true => format!("{path}index.html"),
        false => path.into_owned(),
    }
}
