//! What a build did, for people and for scripts.

use serde::{Deserialize, Serialize};

/// The outcome of a build, as `--json` prints it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// Build id.
    pub build: String,
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
    /// Bytes of all packs in transit.
    pub pack_bytes: u64,
    /// Files that are kept as entries of their own, with the headers that they come with.
    pub documents: usize,
    /// Pages that carry the script tag.
    pub pages_tagged: usize,
    /// Bytes of the worker, the page client and the manifest.
    pub runtime_bytes: u64,
    /// Files that the budget left out, largest first.
    pub left_out: Vec<LeftOut>,
    /// What the owner of the site should look at.
    pub warnings: Vec<Warning>,
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
    /// The shell loads a file that is not there.
    Missing {
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
    /// A page's own policy forbids the script tag to run.
    PolicyForbidsTag {
        /// The page.
        file: String,
    },
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
            Self::Missing { url, by } => write!(f, "`{by}` loads `{url}`, which is not there"),
            Self::ShellExcluded { file, by } => write!(
                f,
                "`{by}` loads `{file}`, which is excluded: offline it will be missing"
            ),
            Self::Query { url, by } => write!(
                f,
                "`{by}` loads `{url}`: with this query it is not answered offline, unless the parameter stands in `[worker] ignore_parameters`"
            ),
            Self::PolicyForbidsTag { file } => write!(
                f,
                "the policy of `{file}` (Content-Security-Policy) does not let the page client run: allow `script-src 'self'`"
            ),
        }
    }
}
