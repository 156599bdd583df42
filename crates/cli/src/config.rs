//! `revisit.toml`: one schema for all commands.

mod admin;
mod cache;
mod limits;
mod origin;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use revisit_generator::BuildConfig;
use revisit_generator::config::{
    AppcacheConfig, NamesConfig, PrecacheConfig, PrefetchConfig, RouteConfig, SiteConfig,
    WorkerConfig,
};
use revisit_rules::site::names::Names;
use revisit_rules::site::pattern::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
pub(crate) use admin::AdminSection;
pub(crate) use cache::{CacheSection, Cookies, Profile};
pub(crate) use limits::LimitsSection;
pub(crate) use origin::OriginSection;

/// The config of a site. Every key may be left out; a flag of the command line wins over its key.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "revisit.toml")]
pub(crate) struct Config {
    pub(crate) site: SiteConfig,
    pub(crate) names: NamesConfig,
    pub(crate) precache: PrecacheConfig,
    pub(crate) worker: WorkerConfig,
    pub(crate) appcache: AppcacheConfig,
    pub(crate) prefetch: Option<PrefetchConfig>,
    pub(crate) route: Vec<RouteConfig>,
    pub(crate) build: BuildSection,
    pub(crate) serve: ServeSection,
    pub(crate) limits: LimitsSection,
    pub(crate) origin: OriginSection,
    pub(crate) cache: CacheSection,
    pub(crate) admin: AdminSection,
    /// The folder of the config, relative to which it names files; empty for the working directory.
    #[serde(skip)]
    folder: PathBuf,
}

/// Where `revisit build` writes, and what it remembers.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BuildSection {
    /// Folder for a whole copy of the site. Flag `--out`. Default none: the site's own folder.
    pub(crate) out: Option<PathBuf>,
    /// The build before, whose packs are kept where they can be, so that visitors fetch what changed: a
    /// folder, or the base of the site where it is deployed (`http://shop.example/`; `https` where the
    /// program was built with it), from where its worker, its list and those packs are fetched: 64 MiB
    /// a file and 1 GiB in all at the most. If it cannot be had the build goes on without, and says so.
    /// Flag `--previous`. Default none: the output that is there.
    pub(crate) previous: Option<PathBuf>,
    /// Folder for what a build remembers of each file, so that the next one reads only what changed;
    /// it must lie outside the site and the output. Empty, as flag `--no-cache`: every build reads everything. It
    /// costs 100 to 300 bytes a file, and goes 90 days after a site's last build. Default `revisit` in the user's cache folder:
    /// `$XDG_CACHE_HOME` or `~/.cache`, on macOS `~/Library/Caches`, on Windows `%LOCALAPPDATA%`.
    pub(crate) cache: Option<PathBuf>,
}

/// How `revisit serve` serves.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServeSection {
    /// Address and port to listen at; port 0 takes a free one. Flag `--listen`.
    /// Default `127.0.0.1:8080`.
    #[schemars(with = "String")]
    pub(crate) listen: SocketAddr,
    /// Lay a service worker over the site. Flag `--no-worker` for no. Default `true`.
    pub(crate) worker: bool,
    /// Show every change at once, for work on the site: in the worker's place stands one that keeps
    /// and answers nothing, no name promises a content, and code of `[worker] extend` does not
    /// run. Offline there is nothing. Not together with `worker = false`. Flag `--dev`. Default `false`.
    pub(crate) dev: bool,
    /// Seconds for which a file with a content hash in its name is still answered after it went
    /// from the folder, as are the packs of earlier builds: for tabs that still run them. `0` for
    /// none. Default `86400`, a day.
    pub(crate) retain_seconds: u32,
    /// Most bytes of copies for that, in a private folder of the system's temporary one, from where
    /// they go with the server. Every such file is copied when it is first seen; what went longest
    /// ago makes room. Default `268435456` (256 MiB).
    pub(crate) retain_bytes_max: u64,
    /// Write a line for each request to standard error, with its method, path (without the query, which may
    /// hold secrets), status, bytes, time and what the cache did. Flag `--access-log`. Default `false`.
    pub(crate) access_log: bool,
}

impl Default for ServeSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            worker: true,
            dev: false,
            retain_seconds: 86_400,
            retain_bytes_max: 256 << 20,
            access_log: false,
        }
    }
}

impl Config {
    /// Reads the file that was named, or `revisit.toml` of the working directory if there is one.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, Failure> {
        let path = named.unwrap_or(Path::new(FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                let error = anyhow::Error::new(error)
                    .context(format!("cannot read the config `{}`", path.display()));
                return Err(Failure::words(error).help(HELP.to_owned()));
            }
        };
        let mut config = Self::parse(&text).map_err(|(error, help)| {
            let error =
                anyhow!("{error}").context(format!("cannot use the config `{}`", path.display()));
            Failure::words(error).help(help)
        })?;
        config.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        if let Some(file) = &mut config.worker.extend {
            *file = config.folder.join(&*file);
        }
        Ok(config)
    }

    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let line = error.span().map_or(String::new(), |span| {
                let line = text[..span.start].matches('\n').count() + 1;
                format!("line {line}: ")
            });
            let message = error.message();
            (format!("{line}{message}"), remedy(message))
        })
    }

    /// What names of files promise; a pattern that is none is left to a build to refuse.
    pub(crate) fn names(&self) -> Names {
        let patterns = |written: &[String]| {
            let patterns = written.iter().map(|pattern| Pattern::new(pattern));
            patterns.filter_map(Result::ok).collect()
        };
        Names {
            hashed: patterns(&self.names.hashed),
            plain: patterns(&self.names.plain),
        }
    }

    /// The part that a build reads.
    pub(crate) fn build_config(&self) -> BuildConfig {
        BuildConfig {
            site: self.site.clone(),
            names: self.names.clone(),
            precache: self.precache.clone(),
            worker: self.worker.clone(),
            appcache: self.appcache.clone(),
            prefetch: self.prefetch.clone(),
            routes: self.route.clone(),
            folder: self.folder.clone(),
        }
    }
}

/// For "unknown field `x`, expected one of `a`, `b`": the expected one that is nearest to `x`. For a number
/// below zero, that it is one.
fn remedy(message: &str) -> Option<String> {
    if message.starts_with("invalid value: integer") && message.contains("expected u") {
        return Some("it is a whole number and not negative".to_owned());
    }
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = words.next()?;
    let (distance, word) = words
        .map(|word| (strsim::damerau_levenshtein(unknown, word), word))
        .min()?;
    (distance <= unknown.len().max(3) / 2).then(|| format!("did you mean `{word}`?"))
}

pub(crate) const FILE: &str = "revisit.toml";
const HELP: &str = "name a file that can be read, or leave out `--config`: every key has a default";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, message: &str, help: Option<&str>) {
        let (found, found_help) = Config::parse(text).unwrap_err();
        assert!(found.contains(message), "{found}");
        assert_eq!(found_help.as_deref(), help);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_nearest_known_one() {
        check(
            "[site]\n[precache]\nbudget_byte = 1\n",
            "line 3: unknown field `budget_byte`",
            Some("did you mean `budget_bytes`?"),
        );
        check(
            "[workre]\n",
            "line 1: unknown field `workre`",
            Some("did you mean `worker`?"),
        );
        check("[site]\nqqqqqqqq = 1\n", "unknown field `qqqqqqqq`", None);
        check(
            "[worker]\nupdate = 'promt'\n",
            "unknown variant `promt`",
            Some("did you mean `prompt`?"),
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused() {
        let natural = Some("it is a whole number and not negative");
        check("[precache]\nbudget_bytes = -1\n", "line 2", natural);
        check(
            "[[route]]\nmax_age_seconds = -60\n",
            "line 2: invalid value: integer `-60`",
            natural,
        );
        check("[worker]\nstall_seconds = 0\n", "line 2", None);
        check("[serve]\nlisten = 'nowhere'\n", "line 2", None);
    }

    #[test]
    fn an_empty_config_is_the_default_and_every_default_can_be_written() {
        let config = Config::parse("").unwrap();
        assert_eq!(config.serve.listen.port(), 8080);
        let text = toml::to_string(&config).unwrap();
        assert!(Config::parse(&text).is_ok(), "{text}");
    }
}
