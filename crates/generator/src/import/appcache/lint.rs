//! What is odd about a manifest, and about the site beside it, though it has an effect.

use revisit_rules::appcache::{Manifest, Oddity};
use revisit_rules::http::directives::Seconds;

use super::site::{SiteAround, file_of};
use crate::import::draft::Draft;

/// Notes on lines that may not mean what their author meant.
pub(super) fn manifest(draft: &mut Draft, manifest: &Manifest) {
    for remark in &manifest.remarks {
        let said = match &remark.what {
            Oddity::TrailingTokens(rest) => {
                format!(
                    "what stands after the URL is ignored (`{rest}`); a space in a name is written `%20`"
                )
            }
            Oddity::UnknownHeader(header) => {
                format!(
                    "`{header}` is no header, but a line that ends in a colon: what follows it is ignored"
                )
            }
            Oddity::HeaderWithoutColon(name) => {
                format!("`{name}` without a colon is a file of that name, not a section")
            }
            Oddity::LiteralAsterisk => {
                "`*` stands for anything under `NETWORK:` alone; here it is a name".to_owned()
            }
            Oddity::SchemeWildcard(token) => {
                format!("`{token}` names a host that nobody has; `*` alone opens the network")
            }
            Oddity::Template(_) => "this looks like a template that was not filled in".to_owned(),
        };
        draft.notes.push(format!("line {}: {said}", remark.line));
    }
}

/// Notes on how the site's own rules treat the manifest and its files.
pub(super) fn site(draft: &mut Draft, manifest: &Manifest, path: &str, site: &SiteAround) {
    let said = site.headers.cache_control(&format!("/{path}"));
    if let Some(said) = said {
        let directives = said.directives();
        if let Seconds::Given(seconds) = directives.max_age
            && seconds.duration().as_secs() > MANIFEST_SECONDS_MAX
        {
            draft.notes.push(format!(
                "`_headers` line {}: the manifest itself is fresh for {} seconds, for which browsers do not look for an update",
                said.line,
                seconds.duration().as_secs()
            ));
        }
    }
    for url in manifest.files().filter(|url| super::is_own(url)) {
        let file = file_of(url);
        let said = site.headers.cache_control(url.path());
        if let Some(said) = said.filter(|it| it.directives().no_store) {
            draft.notes.push(format!(
                "`_headers` line {}: `{file}` is sent with `no-store`, on which an update of an application cache ended",
                said.line
            ));
        }
        if let Some(redirect) = site.redirects.shadows(&file, &[url.path()]) {
            draft.notes.push(format!(
                "`_redirects` line {}: `{file}` is redirected, on which an update of an application cache ended",
                redirect.line
            ));
        }
    }
}

/// A manifest that is fresh for longer keeps visitors from updates that they would look for.
const MANIFEST_SECONDS_MAX: u64 = 300;
