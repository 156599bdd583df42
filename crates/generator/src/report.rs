//! What a build did, for people and for scripts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The outcome of a build, as `--json` prints it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// Build id.
    pub build: String,
    /// Which worker the site gets.
    #[serde(default)]
    pub worker: WorkerKind,
    /// The application caches that its pages name, if that is its worker's kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub application_caches: Vec<ApplicationCache>,
    /// Files of the site, without what hosts and tools leave there.
    pub files: usize,
    /// Files that are kept ahead of time.
    pub precached_files: usize,
    /// Their bytes.
    pub precached_bytes: u64,
    /// Files of the shell.
    pub shell_files: usize,
    /// Their bytes.
    pub shell_bytes: u64,
    /// Packs that carry all but documents and worker scripts.
    pub packs: usize,
    /// Those of them that the build before has made.
    pub packs_kept: usize,
    /// Bytes of all packs in transit.
    pub pack_bytes: u64,
    /// Files that are kept ahead of time as entries of their own, with the header fields that they
    /// come with: documents of the shell, worker scripts, big scripts.
    pub alone: usize,
    /// Pages that carry the script tag.
    pub pages_tagged: usize,
    /// Bytes of the worker, the page client and the manifest.
    pub runtime_bytes: u64,
    /// Documents whose header fields the host's profile tells (`[site] host`).
    pub pages_with_known_headers: usize,
    /// Files that a budget left out, largest first: they are kept when they are first used.
    pub left_out: Vec<LeftOut>,
    /// What the owner of the site should look at.
    pub warnings: Vec<Warning>,
    /// What the host does not give, or what is to be done there.
    pub notes: Vec<String>,
}

/// What the worker of a site does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerKind {
    /// It keeps files ahead of time.
    #[default]
    Precache,
    /// It does what browsers did with application caches.
    Appcache,
}

/// An application cache, as its manifest says it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ApplicationCache {
    /// The manifest's path.
    pub manifest: String,
    /// How many files it lists, targets of fallbacks included.
    pub files: usize,
    /// Bytes of those that lie in the folder.
    pub bytes: u64,
    /// Which these are.
    #[serde(skip)]
    pub listed: BTreeSet<String>,
}

/// A file that is not kept ahead of time since the budget is used up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its path.
    pub file: String,
    /// Its size.
    pub bytes: u64,
}

/// Something that does not stop a build and may yet be wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Warning {
    /// A file name that no URL can name: not UTF-8, or with a backslash.
    NameNotText {
        /// The name, as far as it is text.
        file: String,
    },
    /// A link that leads out of the folder, into a circle or nowhere.
    LinkOut {
        /// The link.
        file: String,
    },
    /// A file of the shell, or the head of another page, loads a file that is not there.
    Missing {
        /// What is named.
        url: String,
        /// The file that names it.
        by: String,
        /// A file that is there, and whose path differs in upper and lower case only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        near: Option<String>,
        /// How many pages name it beside that one.
        #[serde(default)]
        others: usize,
    },
    /// The shell loads a script or a style sheet of another origin.
    ThirdParty {
        /// What is named.
        url: String,
        /// The file that names it.
        by: String,
    },
    /// The shell loads a file that a pattern excludes from the precache.
    ShellExcluded {
        /// The file.
        file: String,
        /// The file that names it.
        by: String,
    },
    /// The shell loads a file of the site by a URL with a query, which the worker takes for
    /// another resource.
    Query {
        /// What is named.
        url: String,
        /// The file that names it.
        by: String,
    },
    /// A name that promises that its content never changes has other content than in the build
    /// before: caches that believed the promise keep the old.
    NameReused {
        /// The file.
        file: String,
    },
    /// A route may match requests that routes before it answer.
    RoutesOverlap {
        /// The route, by its place in the config, from 1.
        route: usize,
        /// Those before it.
        before: Vec<usize>,
        /// A path that it and the first of those match.
        path: String,
    },
    /// A page names an AppCache manifest that is none.
    NoAppcacheManifest {
        /// What it names.
        url: String,
        /// The page.
        by: String,
        /// What is the matter with it.
        why: String,
    },
    /// An AppCache manifest lists a file that is not there.
    AppcacheMissing {
        /// The file, as a URL.
        url: String,
        /// The manifest.
        by: String,
    },
    /// An AppCache manifest lists a file of another origin.
    AppcacheElsewhere {
        /// The file.
        url: String,
        /// The manifest.
        by: String,
    },
    /// A line of an AppCache manifest has no effect.
    AppcacheLine {
        /// The manifest.
        file: String,
        /// The line, from 1.
        line: usize,
        /// Why, in a word.
        why: String,
    },
    /// A page's own policy forbids the script tag to run.
    PolicyForbidsTag {
        /// The page.
        file: String,
    },
    /// A redirect of the host answers for a file, which is not kept.
    Redirected {
        /// The file.
        file: String,
        /// Line of `_redirects`.
        line: usize,
        /// The path that it answers, as written.
        from: String,
    },
    /// A redirect of the host answers for a file of the build's own.
    OutputRedirected {
        /// The file.
        file: String,
        /// Line of `_redirects`.
        line: usize,
        /// The path that it answers, as written.
        from: String,
    },
    /// The site forbids to store a page, which is not kept.
    NoStore {
        /// The page.
        file: String,
        /// Line of `_headers`.
        line: usize,
    },
    /// The host passes over a line of its rules.
    RuleIgnored {
        /// `_headers` or `_redirects`.
        file: String,
        /// The line.
        line: usize,
        /// Why.
        why: String,
    },
    /// The site lets caches keep the worker.
    WorkerLifetime {
        /// The worker.
        file: String,
        /// Line of `_headers`.
        line: usize,
        /// What it says.
        value: String,
    },
    /// The site sets the lifetime of hashed files itself.
    LifetimeGiven {
        /// Line of `_headers`.
        line: usize,
        /// How many files.
        files: usize,
        /// One of them.
        file: String,
    },
    /// The site has a rule in the place of one of ours.
    RuleTaken {
        /// Its path.
        path: String,
    },
    /// Hashed files without a rule.
    LifetimesUnsaid {
        /// How many.
        files: usize,
    },
    /// `_headers` is none that rules can be put into.
    RulesNotMerged,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NameNotText { file } => {
                write!(f, "`{file}` is left out: no URL can name it")
            }
            Self::LinkOut { file } => {
                write!(
                    f,
                    "the link `{file}` is left out: it leads out of the folder, or nowhere"
                )
            }
            Self::Missing {
                url,
                by,
                near,
                others,
            } => {
                match others {
                    0 => write!(f, "`{by}` loads")?,
                    1 => write!(f, "`{by}` and another page load")?,
                    _ => write!(f, "`{by}` and {others} other pages load")?,
                }
                write!(f, " `{url}`, which is not there")?;
                match near {
                    Some(near) => write!(
                        f,
                        "; there is `{near}`, which differs in case: many servers tell them apart"
                    ),
                    None => Ok(()),
                }
            }
            Self::ThirdParty { url, by } => write!(
                f,
                "`{by}` loads `{url}` from elsewhere, which no worker of this site keeps: offline it will be missing; put a copy into the site, or let a `[[route]]` keep it"
            ),
            Self::ShellExcluded { file, by } => write!(
                f,
                "`{by}` loads `{file}`, which is excluded: offline it will be missing"
            ),
            Self::Query { url, by } => write!(
                f,
                "`{by}` loads `{url}`: with this query it is not answered offline, unless the parameter stands in `[worker] ignore_parameters`"
            ),
            Self::NameReused { file } => write!(
                f,
                "`{file}` changed and kept its name, which looks like a hash of its content: caches that have the old one keep it; rename it, or say that the name is plain: `[names] plain`"
            ),
            Self::NoAppcacheManifest { url, by, why } => write!(
                f,
                "`{by}` names the AppCache manifest `{url}`, which is none: {why}"
            ),
            Self::AppcacheMissing { url, by } => write!(
                f,
                "`{by}` lists `{url}`, which is not there: if the server has none either, nothing of this cache is kept"
            ),
            Self::AppcacheElsewhere { url, by } => write!(
                f,
                "`{by}` lists `{url}`, which must let other origins read it (`Access-Control-Allow-Origin`), or nothing of this cache is kept; `[appcache] profile = \"compat\"` takes it unseen"
            ),
            Self::AppcacheLine { file, line, why } => {
                write!(f, "line {line} of `{file}` has no effect: {why}")
            }
            Self::Redirected { file, line, from } => write!(
                f,
                "`{file}` is left out: line {line} of `_redirects` (`{from}`) answers for it"
            ),
            Self::OutputRedirected { file, line, from } => write!(
                f,
                "line {line} of `_redirects` (`{from}`) answers for `{file}`: without it no visitor gets the worker"
            ),
            Self::NoStore { file, line } => write!(
                f,
                "`{file}` is left out: line {line} of `_headers` says `no-store`"
            ),
            Self::RuleIgnored { file, line, why } => {
                write!(f, "the host passes over line {line} of `{file}`: {why}")
            }
            Self::WorkerLifetime { file, line, value } => write!(
                f,
                "line {line} of `_headers` lets caches keep `{file}` (`{value}`): updates reach visitors late; say `no-cache` of it"
            ),
            Self::LifetimeGiven { line, files, file } => write!(
                f,
                "line {line} of `_headers` gives {} its lifetime (`{file}`): that is left as it is",
                hashed(*files)
            ),
            Self::RuleTaken { path } => write!(
                f,
                "`_headers` has a rule for `{path}`, which a second one would push out: add `Cache-Control` to it"
            ),
            Self::LifetimesUnsaid { files } => write!(
                f,
                "{} {} no lifetime: there is no room for more rules, or none can write their names; put what is hashed into a folder of its own",
                hashed(*files),
                if *files == 1 { "gets" } else { "get" }
            ),
            Self::RulesNotMerged => write!(
                f,
                "no rules were put into `_headers`: it is larger than 1 MiB, or a link that leads out of the folder"
            ),
            Self::RoutesOverlap {
                route,
                before,
                path,
            } => {
                let before: Vec<String> = before.iter().map(usize::to_string).collect();
                write!(
                    f,
                    "route {route} matches requests that come to route {} first, such as for `{path}`: the first that matches answers",
                    before.join(", ")
                )
            }
            Self::PolicyForbidsTag { file } => write!(
                f,
                "the policy of `{file}` (Content-Security-Policy) does not let the page client run: allow `script-src 'self'`"
            ),
        }
    }
}

fn hashed(files: usize) -> String {
    format!(
        "{files} hashed {}",
        if files == 1 { "file" } else { "files" }
    )
}
