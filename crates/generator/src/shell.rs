//! What must be at hand before a site counts as installed?
//!
//! The shell: the entry pages and everything that they load as they come up, found as a browser
//! would find it, from file to file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use revisit_references::{self as references, Kind, Reference, RelativeTo, ScriptKind, When};
use revisit_rules::site::media;

use crate::address::{Addresses, Target};
use crate::{BuildError, Warning};

/// The shell of a site.
#[derive(Debug, Default)]
pub(crate) struct Shell {
    /// Path → the file that loads it; none for an entry.
    pub(crate) files: BTreeMap<String, Option<String>>,
    /// Scripts that run as workers: their own headers matter, as a document's do.
    pub(crate) workers: BTreeSet<String>,
    pub(crate) warnings: Vec<Warning>,
}

/// Finds the shell. `read` gives the references of a file, which may be known from before.
pub(crate) fn shell(
    entries: &[String],
    addresses: &Addresses<'_>,
    read: &mut dyn FnMut(&str, Kind) -> Result<References, BuildError>,
) -> Result<Shell, BuildError> {
    let mut shell = Shell::default();
    let mut queue = VecDeque::new();
    for entry in entries {
        if shell.files.insert(entry.clone(), None).is_none() {
            queue.push_back((entry.clone(), Kind::Page, entry.clone(), false));
        }
    }
    while let Some((file, kind, page, by_cdn)) = queue.pop_front() {
        let found = read(&file, kind)?;
        for reference in found.list.iter().filter(|r| r.when == When::Load) {
            let from = match (reference.relative_to, &found.base) {
                (RelativeTo::Page, _) => addresses.of(&page, None),
                (RelativeTo::Referrer, None) if by_cdn => addresses.of_cdn(&file),
                (RelativeTo::Referrer, document_base) => {
                    addresses.of(&file, document_base.as_deref())
                }
            };
            let Some(target) = from.and_then(|from| addresses.resolve(&from, &reference.url))
            else {
                continue;
            };
            match target {
                Target::Missing { near } => shell.warnings.push(Warning::Missing {
                    url: reference.url.clone(),
                    by: file.clone(),
                    near,
                    others: 0,
                }),
                Target::Elsewhere => {
                    if is_code(reference.kind) {
                        shell.warnings.push(Warning::ThirdParty {
                            url: reference.url.clone(),
                            by: file.clone(),
                        });
                    }
                }
                Target::File {
                    path,
                    query,
                    by_cdn,
                } => {
                    if query {
                        shell.warnings.push(Warning::Query {
                            url: reference.url.clone(),
                            by: file.clone(),
                        });
                    }
                    if reference.kind == Kind::Worker {
                        shell.workers.insert(path.clone());
                    }
                    if !shell.files.contains_key(&path) {
                        shell.files.insert(path.clone(), Some(file.clone()));
                        let page = if reference.kind == Kind::Page {
                            &path
                        } else {
                            &page
                        };
                        queue.push_back((path.clone(), reference.kind, page.clone(), by_cdn));
                    }
                }
            }
        }
    }
    shell.warnings.sort();
    shell.warnings.dedup();
    Ok(shell)
}

/// What a file names, and the `<base>` that it is relative to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct References {
    pub(crate) list: Vec<Reference>,
    pub(crate) base: Option<String>,
}

/// Reads the references out of a file's bytes, by what it is taken for.
pub(crate) fn references_of(file: &str, kind: Kind, bytes: &[u8]) -> References {
    let text = || String::from_utf8_lossy(bytes);
    let list = match kind {
        Kind::Page if media::is_document(file) => {
            let page = references::html(bytes);
            return References {
                list: page.references,
                base: page.base,
            };
        }
        Kind::Style => references::css(&text()),
        Kind::Script | Kind::Worker => references::script(&text(), ScriptKind::Classic),
        Kind::Module => references::script(&text(), ScriptKind::Module),
        Kind::Page | Kind::Manifest | Kind::Other => Vec::new(),
    };
    References { list, base: None }
}

/// What a page cannot do without, other than pictures, fonts and frames.
fn is_code(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Style | Kind::Script | Kind::Module | Kind::Worker
    )
}

/// The URLs of workers that a script of any kind starts, as they are written.
pub(crate) fn worker_urls(bytes: &[u8]) -> Vec<String> {
    references::script(&String::from_utf8_lossy(bytes), ScriptKind::Module)
        .into_iter()
        .filter(|reference| reference.kind == Kind::Worker)
        .map(|reference| reference.url)
        .collect()
}

/// The site's file behind a URL that `file` names, if it is there.
pub(crate) fn file_of(file: &str, url: &str, addresses: &Addresses<'_>) -> Option<String> {
    match addresses.resolve(&addresses.of(file, None)?, url)? {
        Target::File { path, .. } => Some(path),
        Target::Missing { .. } | Target::Elsewhere => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn check(files: &[(&str, &str)], expected: &[&str]) -> Shell {
        let known: HashSet<&str> = files.iter().map(|(path, _)| *path).collect();
        let shell = shell(
            &["index.html".into()],
            &Addresses::new("/shop/", None, &known),
            &mut |file, kind| {
                let text = files.iter().find(|(path, _)| *path == file).unwrap().1;
                Ok(references_of(file, kind, text.as_bytes()))
            },
        )
        .unwrap();
        assert_eq!(shell.files.keys().collect::<Vec<_>>(), expected);
        shell
    }

    #[test]
    fn the_shell_is_what_the_entry_loads_from_file_to_file() {
        let shell = check(
            &[
                (
                    "index.html",
                    "<link rel=stylesheet href=css/a.css><script type=module src=/shop/js/app.js></script>\
                     <a href=other.html>x</a><img src='b c.png'><img src=gone.png><img src=//elsewhere/x.png>",
                ),
                (
                    "css/a.css",
                    "@import 'b.css'; body { background: url(../bg.png) }",
                ),
                ("css/b.css", "@import 'a.css';"),
                (
                    "js/app.js",
                    "import './dep.js'; import('./lazy.js'); new Worker(new URL('./w.js', import.meta.url))",
                ),
                ("js/dep.js", "export {}"),
                ("js/lazy.js", ""),
                ("js/w.js", "importScripts('i.js')"),
                ("js/i.js", ""),
                ("bg.png", ""),
                ("b c.png", ""),
                ("other.html", ""),
            ],
            &[
                "b c.png",
                "bg.png",
                "css/a.css",
                "css/b.css",
                "index.html",
                "js/app.js",
                "js/dep.js",
                "js/i.js",
                "js/w.js",
            ],
        );
        assert_eq!(shell.workers.iter().collect::<Vec<_>>(), ["js/w.js"]);
        assert_eq!(
            shell.warnings,
            [Warning::Missing {
                url: "gone.png".into(),
                by: "index.html".into(),
                near: None,
                others: 0,
            }]
        );
        assert_eq!(shell.files["css/b.css"].as_deref(), Some("css/a.css"));
    }

    #[test]
    fn a_page_with_a_base_is_resolved_by_it() {
        check(
            &[
                ("index.html", "<base href=/shop/deep/><img src=a.png>"),
                ("deep/a.png", ""),
                ("a.png", ""),
            ],
            &["deep/a.png", "index.html"],
        );
    }

    #[test]
    fn a_query_is_said_and_the_file_is_still_of_the_shell() {
        let shell = check(
            &[
                ("index.html", "<script src=a.js?v=2></script>"),
                ("a.js", ""),
            ],
            &["a.js", "index.html"],
        );
        assert!(matches!(&shell.warnings[..], [Warning::Query { .. }]));
    }

    #[test]
    fn code_of_another_origin_is_told_and_pictures_of_one_are_not() {
        let shell = check(
            &[
                (
                    "index.html",
                    "<script src=https://cdn.example/a.js></script><link rel=stylesheet href=a.css>\
                     <script type=module crossorigin src=//cdn.example/b.js></script>\
                     <img src=https://cdn.example/c.png><a href=https://cdn.example/>x</a>",
                ),
                ("a.css", "@import 'https://fonts.example/d.css';"),
            ],
            &["a.css", "index.html"],
        );
        let told: Vec<String> = shell.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3, "{told:#?}");
        assert!(told[0].starts_with("`index.html` loads `//cdn.example/b.js`"));
        assert!(told[1].starts_with("`index.html` loads `https://cdn.example/a.js`"));
        assert!(told[2].starts_with("`a.css` loads `https://fonts.example/d.css`"));
    }
}
