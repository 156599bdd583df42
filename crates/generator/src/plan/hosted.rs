//! What lies beside the site's files and concerns its host, and what we lay beside them for it.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use revisit_rules::site::host::{Host, PageHeaders};
use revisit_rules::site::media;
use revisit_rules::site::names::Promise;

use super::{Planner, Stop};
use crate::host::{self, Found, HEADERS, Hosted, REDIRECTS};
use crate::overlay::{Body, Generated, SiteFile};
use crate::walk::Walk;
use crate::{Report, Warning};

impl<'a> Planner<'a> {
    /// The site on its host. `serve` answers by itself, so there the host counts for nothing.
    pub(super) fn hosted(
        &self,
        walk: &Walk,
        known: &'a HashSet<&'a str>,
    ) -> Result<Hosted<'a>, Stop> {
        let host = match self.options.development {
            Some(_) => Host::Plain,
            None => self.config.site.host,
        };
        let mut found = Found::default();
        if host.reads_rule_files() {
            found = Found {
                headers: self.rule_file(walk, HEADERS)?.map(|b| host::without(&b)),
                redirects: self
                    .rule_file(walk, REDIRECTS)?
                    .map(|b| String::from_utf8_lossy(&b).into_owned()),
                unread: unread(self.root, host, known),
            };
        }
        let (base, worker) = (&self.config.site.base, &self.config.worker.name);
        Ok(Hosted::new(host, base, worker, known, found))
    }

    /// The files to choose from: those of the walk that the host lets be kept.
    pub(super) fn keepable<'w>(
        &self,
        walk: &'w Walk,
        hosted: &Hosted<'_>,
        entries: &[String],
    ) -> Result<(Vec<&'w crate::walk::Found>, Vec<Warning>), Stop> {
        let unkeepable = hosted.unkeepable(entries, self.parsed)?;
        let files = walk.files.iter();
        let kept = files.filter(|found| !unkeepable.contains_key(&found.path));
        Ok((kept.collect(), unkeepable.into_values().flatten().collect()))
    }

    /// Adds what the host needs to `generated` and to the edits of `files`, and to the report what
    /// is to be said of it.
    pub(super) fn for_host(
        &self,
        walk: &Walk,
        hosted: &Hosted<'_>,
        generated: &mut BTreeMap<String, Generated>,
        files: &mut BTreeMap<String, SiteFile>,
        report: &mut Report,
    ) -> Result<(), Stop> {
        if self.options.development.is_some() {
            return Ok(());
        }
        let ours = generated.iter().map(|(path, file)| (&**path, file.promise));
        let theirs = files.iter().map(|(path, file)| (&**path, file.promise));
        let ours: Vec<(&str, Promise)> = ours.collect();
        let mut output = hosted.output(ours.into_iter().chain(theirs));
        let mut add = |path: String, text: String| {
            let file = Generated {
                body: Body::Bytes(text.into()),
                promise: Promise::None,
            };
            generated.insert(path, file);
        };
        if let Some(text) = output.nginx {
            add(host::snippet_path(), text);
        }
        let rules = output.headers.as_deref();
        if files.contains_key(HEADERS) {
            self.merge_headers(walk, rules, files, &mut output.warnings)?;
        } else if let Some(rules) = rules {
            let ours = is_added(self.root);
            if !ours && fs::symlink_metadata(self.root.join(HEADERS)).is_ok() {
                output.warnings.push(Warning::RulesNotMerged);
            } else {
                add(HEADERS.to_owned(), host::added(rules));
            }
        }
        report.warnings.append(&mut output.warnings);
        report.warnings.sort();
        report.notes = hosted.notes();
        report.pages_with_known_headers = files
            .keys()
            .filter(|file| media::is_document(file))
            .filter(|file| matches!(hosted.page(file).headers, PageHeaders::Known(_)))
            .count();
        Ok(())
    }

    /// Puts `rules` in the place of those that an earlier build left in `_headers`.
    pub(super) fn merge_headers(
        &self,
        walk: &Walk,
        rules: Option<&str>,
        files: &mut BTreeMap<String, SiteFile>,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), Stop> {
        let Some(file) = files.get_mut(HEADERS) else {
            return Ok(());
        };
        match self.rule_file(walk, HEADERS)? {
            Some(bytes) => file.edits = host::edits(&bytes, rules),
            None if rules.is_some() => warnings.push(Warning::RulesNotMerged),
            None => {}
        }
        Ok(())
    }

    /// The bytes of a file of rules; none if there is none, or none of a sensible size.
    fn rule_file(&self, walk: &Walk, name: &str) -> Result<Option<Vec<u8>>, Stop> {
        match walk.files.iter().find(|found| found.path == name) {
            Some(found) if found.stamp.size <= RULE_FILE_BYTES_MAX => {
                Ok(Some(self.read(name, found.stamp)?))
            }
            _ => Ok(None),
        }
    }
}

/// Did a build add the `_headers` of this folder, and nobody anything to it?
pub(crate) fn is_added(root: &Path) -> bool {
    let path = root.join(HEADERS);
    let small =
        |metadata: fs::Metadata| metadata.is_file() && metadata.len() <= RULE_FILE_BYTES_MAX;
    fs::symlink_metadata(&path).is_ok_and(small)
        && fs::read(&path).is_ok_and(|bytes| host::is_added(&bytes))
}

/// What else sets header fields on this host, in the site's folder or in those above it, up to
/// that of the project. "Custom headers defined in the `_headers` file are not applied to responses
/// from Functions" (Cloudflare); `netlify.toml` may have tables of `headers` (Netlify).
fn unread(root: &Path, host: Host, known: &HashSet<&str>) -> Option<String> {
    let root = fs::canonicalize(root).ok()?;
    let is_worker = |file: &&str| *file == "_worker.js" || file.starts_with("_worker.js/");
    if host == Host::CloudflarePages && known.iter().any(is_worker) {
        return Some("`_worker.js` answers requests, and is not read".into());
    }
    for folder in root.ancestors().take(FOLDERS_ABOVE_MAX) {
        let config = folder.join("netlify.toml");
        let small = |m: fs::Metadata| m.is_file() && m.len() <= RULE_FILE_BYTES_MAX;
        if host == Host::Netlify && fs::metadata(&config).is_ok_and(small) {
            let text = fs::read_to_string(&config).unwrap_or_default();
            return text
                .lines()
                .map(|line| line.split('#').next().unwrap_or_default())
                .any(|line| line.contains("headers"))
                .then(|| "`netlify.toml` sets header fields as well, and is not read".into());
        }
        if host == Host::CloudflarePages && folder.join("functions").is_dir() {
            return Some("a folder `functions` may answer requests, and is not read".into());
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    None
}

/// Where files may lie that set header fields on this host, beside those of the site's folder: a
/// build depends on them, though they need not be there.
pub(crate) fn rules_above(root: &Path, host: Host) -> Vec<PathBuf> {
    let name = match host {
        Host::Netlify => "netlify.toml",
        Host::CloudflarePages => "functions",
        Host::Plain | Host::GithubPages | Host::Nginx => return Vec::new(),
    };
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let folders = root.ancestors().take(FOLDERS_ABOVE_MAX);
    folders.map(|folder| folder.join(name)).collect()
}

/// Hosts take a hundred rules; a file of this size is none that a person wrote.
const RULE_FILE_BYTES_MAX: u64 = 1 << 20;
/// A site's folder lies in its project, seldom deeper.
const FOLDERS_ABOVE_MAX: usize = 5;
