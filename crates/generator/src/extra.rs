//! Which URLs of the site are kept that are no files of its folder, and when are they fetched anew?
//!
//! Pages that a server makes. Their bytes are not known here, so nothing proves them; what tells one
//! state of such a page from the next is a revision, given or taken from the files it is made of.

use std::fs;
use std::path::Path;

use revisit_rules::site::pattern::{Pattern, any_matches};
use revisit_rules::site::route::{Candidate, candidates, decode};
use url::Url;

use crate::config::{ExtraConfig, ExtraGroup};
use crate::content_hash::{Hasher, sha256, short};
use crate::own::OUTPUT;
use crate::select::Group;
use crate::{BuildConfig, BuildError};

/// A URL that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extra {
    /// Its path below the base, decoded; it may end in a slash.
    pub(crate) path: String,
    pub(crate) revision: Revision,
    pub(crate) group: Group,
}

/// What tells one state of it from the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Revision {
    Given(String),
    /// It is new in each build.
    EachBuild,
}

/// The extra entries of a config; reads the files that they depend on.
pub(crate) fn extras(config: &BuildConfig) -> Result<Vec<Extra>, BuildError> {
    let mut found: Vec<Extra> = Vec::new();
    for extra in &config.precache.extra {
        let path = path_of(extra, config)?;
        if found.iter().any(|other| other.path == path) {
            return refuse(&extra.url, "it stands here twice");
        }
        found.push(Extra {
            path,
            revision: revision(extra, &config.folder)?,
            group: match extra.group {
                ExtraGroup::Shell => Group::Shell,
                ExtraGroup::AfterLoad => Group::AfterLoad,
                ExtraGroup::Lazy => Group::Lazy,
            },
        });
    }
    Ok(found)
}

/// Refuses an entry whose URL a file answers: it would never be asked of the server.
pub(crate) fn refuse_files(
    extras: &[Extra],
    is_file: &dyn Fn(&str) -> bool,
) -> Result<(), BuildError> {
    for extra in extras {
        for candidate in candidates(&extra.path) {
            let (Candidate::Serve(file) | Candidate::AddSlash(file)) = candidate;
            if is_file(&file) {
                let why = format!("the file `{file}` of the folder answers this URL");
                return refuse(&extra.path, &why);
            }
        }
    }
    Ok(())
}

fn path_of(extra: &ExtraConfig, config: &BuildConfig) -> Result<String, BuildError> {
    let base = &config.site.base;
    let home = Url::parse(&format!("http://{HOST}{base}")).ok();
    let url = home.and_then(|home| home.join(&extra.url).ok());
    let url = url.filter(|url| url.host_str() == Some(HOST) && url.scheme() == "http");
    let path = url
        .as_ref()
        .and_then(|url| url.path().strip_prefix(&**base));
    let (Some(url), Some(path)) = (&url, path.and_then(decode)) else {
        let why = format!("it is a URL path of the site, which lies below `{base}`");
        return refuse(&extra.url, &why);
    };
    if url.query().is_some() || url.fragment().is_some() {
        return refuse(&extra.url, "it has neither query nor fragment");
    }
    if path == "index.html" || path.ends_with("/index.html") {
        return refuse(
            &extra.url,
            "write the URL of its folder, with a slash at the end",
        );
    }
    if path == config.worker.name || path.split('/').next() == Some(OUTPUT) {
        return refuse(&extra.url, "this URL belongs to the build");
    }
    Ok(path)
}

fn revision(extra: &ExtraConfig, folder: &Path) -> Result<Revision, BuildError> {
    let given = extra.revision.as_deref();
    match (given, extra.depends.is_empty()) {
        (None, true) => refuse(
            &extra.url,
            "it needs a `revision`, to be changed when the page changes (`\"\"`: with each build), or `depends`, patterns of the files it is made of",
        ),
        (Some(""), true) => Ok(Revision::EachBuild),
        (Some(""), false) => refuse(
            &extra.url,
            "`revision = \"\"` means each build, whatever `depends` says: leave out one of them",
        ),
        (Some(given), true) => Ok(Revision::Given(given.to_owned())),
        (given, false) => {
            let mut hasher = Hasher::default();
            hasher.update(given.unwrap_or_default().as_bytes());
            for pattern in &extra.depends {
                digest(pattern, folder, &mut hasher)?;
            }
            Ok(Revision::Given(short(&hasher.finish())))
        }
    }
}

/// Adds the paths and contents of the files that match.
fn digest(text: &str, folder: &Path, hasher: &mut Hasher) -> Result<(), BuildError> {
    let pattern = Pattern::new(text).map_err(|why| BuildError::Config {
        key: KEY,
        value: text.to_owned(),
        why: why.to_string(),
    })?;
    // Only below the folder that it names: a project has far more than templates.
    let literal = text.find(['*', '?', '{']).unwrap_or(text.len());
    let start = text[..literal].rfind('/').map_or("", |end| &text[..=end]);
    let mut files = Vec::new();
    list(folder, start, &[pattern], &mut files)?;
    files.sort();
    if files.is_empty() {
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let why = format!("no file below `{}` matches", folder.display());
        return refuse(text, &why);
    }
    for file in files {
        let path = folder.join(&file);
        let bytes = fs::read(&path).map_err(|source| BuildError::Read { path, source })?;
        hasher.update(file.as_bytes());
        hasher.update(&sha256(&bytes));
    }
    Ok(())
}

/// Files below `folder/prefix` that match, but nothing hidden, no `node_modules`, and no linked folders.
fn list(
    folder: &Path,
    prefix: &str,
    pattern: &[Pattern],
    files: &mut Vec<String>,
) -> Result<(), BuildError> {
    let here = folder.join(match prefix {
        "" => "./",
        prefix => prefix,
    });
    let Ok(entries) = fs::read_dir(&here) else {
        return Ok(()); // nothing matches there, which is told
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with('.') || name == "node_modules" {
            continue;
        }
        let path = format!("{prefix}{name}");
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            list(folder, &format!("{path}/"), pattern, files)?;
        } else if any_matches(pattern, &path)
            && fs::metadata(entry.path()).is_ok_and(|m| m.is_file())
        {
            files.push(path);
            if files.len() > FILES_MAX {
                let why = format!("more than {FILES_MAX} files match");
                return refuse(prefix, &why);
            }
        }
    }
    Ok(())
}

fn refuse<T>(value: &str, why: &str) -> Result<T, BuildError> {
    Err(BuildError::Config {
        key: KEY,
        value: value.to_owned(),
        why: why.to_owned(),
    })
}

const KEY: &str = "precache.extra";
const HOST: &str = "site.invalid";
/// No page is made of so many.
const FILES_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(
        url: &str,
        revision: Option<&str>,
        depends: &[&str],
        folder: &Path,
    ) -> Result<Extra, String> {
        let mut config = BuildConfig {
            folder: folder.to_owned(),
            ..BuildConfig::default()
        };
        config.site.base = "/app/".into();
        config.precache.extra = vec![ExtraConfig {
            url: url.into(),
            revision: revision.map(str::to_owned),
            depends: depends.iter().map(|it| (*it).to_owned()).collect(),
            group: ExtraGroup::default(),
        }];
        extras(&config)
            .map(|mut list| list.remove(0))
            .map_err(|error| error.to_string())
    }

    fn check(url: &str, expected: Option<&str>) {
        let path = found(url, Some("1"), &[], Path::new("")).map(|extra| extra.path);
        assert_eq!(path.ok().as_deref(), expected, "{url}");
    }

    #[test]
    fn a_url_is_a_path_below_the_base_and_nothing_of_ours() {
        check("/app/shop/cart", Some("shop/cart"));
        check("cart", Some("cart"));
        check("/app/caf%C3%A9/", Some("café/"));
        for url in [
            "/shop/cart",
            "https://elsewhere.example/app/x",
            "/app/x?y=1",
            "/app/x#y",
            "/app/x/index.html",
            "/app/a%2Fb",
            "/app/sw.js",
            "/app/revisit/x",
        ] {
            check(url, None);
        }
    }

    #[test]
    fn what_decides_the_revision_must_be_said() {
        let said = found("x", None, &[], Path::new("")).unwrap_err();
        assert!(said.contains("needs a `revision`"), "{said}");
        assert!(found("x", Some(""), &["a"], Path::new("")).is_err());
        let each = found("x", Some(""), &[], Path::new("")).unwrap();
        assert_eq!(each.revision, Revision::EachBuild);
    }

    #[test]
    fn the_revision_follows_the_files_that_match_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let now = || found("x", None, &["t/**/*.tpl", "base.txt"], dir.path());
        write("base.txt", "1");
        let said = now().unwrap_err();
        assert!(said.contains("no file below"), "{said}");
        write("t/a.tpl", "1");
        write("t/deep/b.tpl", "1");
        let first = now().unwrap();
        write("t/notes.md", "1");
        write("other.tpl", "1");
        write("t/.hidden/c.tpl", "1");
        assert_eq!(now().unwrap(), first);
        write("t/deep/b.tpl", "2");
        let second = now().unwrap();
        assert_ne!(second, first);
        fs::rename(dir.path().join("t/a.tpl"), dir.path().join("t/c.tpl")).unwrap();
        assert_ne!(now().unwrap(), second);
    }
}
