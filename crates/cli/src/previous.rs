//! `--previous`: where is the build before, and what does it take to look at it?
//!
//! A folder is looked at as it is. Of a build that is deployed, the worker script and the manifest
//! are fetched first, and packs one by one while the new build is planned and finds them worth
//! keeping. A first deploy has nothing there, and a server may be down: that costs a warning, never
//! the build.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use revisit_generator::{Before, ObtainPack, is_manifest, manifest_of};
use tempfile::TempDir;
use ureq::Agent;
use url::Url;

use crate::failure::Failure;

/// Where the build before is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Previous {
    Folder(PathBuf),
    /// The base of a site, with a slash at its end.
    Deployed(Url),
}

impl Previous {
    /// Reads what `--previous` or `[build] previous` says.
    pub(crate) fn parse(word: &Path) -> Result<Self, Failure> {
        match word.to_str() {
            Some(text) if text.contains("://") => base(text).map(Self::Deployed),
            _ => Ok(Self::Folder(word.to_owned())),
        }
    }
}

fn base(text: &str) -> Result<Url, Failure> {
    let refused = |why: String, help: &str| {
        let error = anyhow!("{why}").context(format!("cannot use the previous build `{text}`"));
        Err(Failure::words(error).help(help.to_owned()))
    };
    const HELP: &str = "name the site's base, such as `https://shop.example/`, or a folder";
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return refused(error.to_string(), HELP),
    };
    match url.scheme() {
        "http" => {}
        "https" if cfg!(feature = "https") => {}
        "https" => {
            return refused(
                "this program was built without TLS".into(),
                "install it with `cargo install --path crates/cli --features https`, or download \
                 the build and name its folder",
            );
        }
        other => return refused(format!("`{other}` is neither `http` nor `https`"), HELP),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refused("a site's base has no `?` and no `#`".into(), HELP);
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// A build that is deployed, as far as it was fetched. Its files go with the value.
#[derive(Debug)]
pub(crate) struct Deployed {
    base: Url,
    agent: Agent,
    folder: TempDir,
    bytes_left: AtomicU64,
    /// A pack could not be had: the others are not tried.
    gave_up: AtomicBool,
}

impl Deployed {
    /// Fetches the worker script and the manifest of the site at `base`.
    pub(crate) fn find(base: &Url, worker: &str) -> anyhow::Result<Self> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(REDIRECTS_MAX)
            .timeout_connect(Some(CONNECT_TIME_MAX))
            .timeout_recv_response(Some(ANSWER_TIME_MAX))
            .timeout_global(Some(FETCH_TIME_MAX))
            .user_agent(concat!("revisit/", env!("CARGO_PKG_VERSION")))
            .build();
        let deployed = Self {
            base: base.clone(),
            agent: config.new_agent(),
            folder: tempfile::Builder::new()
                .prefix("revisit-previous-")
                .tempdir()?,
            bytes_left: AtomicU64::new(ALL_BYTES_MAX),
            gave_up: AtomicBool::new(false),
        };
        let script = deployed.fetch(worker, FILE_BYTES_MAX)?;
        let Some(manifest) = manifest_of(&script) else {
            bail!("`{worker}` there is no worker of ours");
        };
        let list = deployed.fetch(&manifest, FILE_BYTES_MAX)?;
        if !is_manifest(&manifest, &list) {
            bail!("`{manifest}` there is damaged: its hash is not its name's");
        }
        deployed.put(worker, &script)?;
        deployed.put(&manifest, &list)?;
        Ok(deployed)
    }

    /// What a build may keep of it.
    pub(crate) fn before(&self) -> Before<'_> {
        Before {
            folder: self.folder.path(),
            packs: Some(self),
        }
    }

    /// The body of a file, of at most so many bytes.
    fn fetch(&self, path: &str, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
        let url = self.base.join(path)?;
        let bytes_max = bytes_max.min(self.bytes_left.load(Ordering::Relaxed));
        let get = || {
            let mut response = self.agent.get(url.as_str()).call()?;
            if response.status() != 200 {
                bail!("the server answers {}", response.status());
            }
            // its limit is one below what it refuses
            let body = response.body_mut().with_config().limit(bytes_max + 1);
            let body = body.read_to_vec()?;
            if body.len() as u64 > bytes_max {
                bail!("it has more than {bytes_max} bytes");
            }
            Ok(body)
        };
        let body = get().with_context(|| format!("cannot fetch `{url}`"))?;
        self.bytes_left
            .fetch_sub(body.len() as u64, Ordering::Relaxed);
        Ok(body)
    }

    fn put(&self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
        std::fs::write(path, bytes)
    }

    fn try_obtain(
        &self,
        path: &str,
        bytes: u64,
        proved: &dyn Fn(&[u8]) -> bool,
    ) -> anyhow::Result<()> {
        if bytes > FILE_BYTES_MAX {
            bail!("`{path}` has more than {FILE_BYTES_MAX} bytes");
        }
        let body = self.fetch(path, bytes)?;
        if body.len() as u64 != bytes || !proved(&body) {
            bail!("`{path}` is damaged: it is not what its manifest says");
        }
        Ok(self.put(path, &body)?)
    }
}

impl ObtainPack for Deployed {
    fn obtain(&self, path: &str, bytes: u64, proved: &dyn Fn(&[u8]) -> bool) -> bool {
        if self.gave_up.load(Ordering::Relaxed) {
            return false;
        }
        let obtained = self.try_obtain(path, bytes, proved);
        if let Err(error) = &obtained {
            // A server that is slow to fail would fail once for each pack.
            self.gave_up.store(true, Ordering::Relaxed);
            eprintln!(
                "warning: packs of the build at `{}` that are not here yet are made anew: {error:#}",
                self.base
            );
        }
        obtained.is_ok()
    }
}

const REDIRECTS_MAX: u32 = 5;
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// Of one file, from asking to its last byte.
const FETCH_TIME_MAX: Duration = Duration::from_secs(120);

/// Of one file: 64 MiB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Of a build: 1 GiB.
const ALL_BYTES_MAX: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expected: Result<Option<&str>, &str>) {
        match (Previous::parse(Path::new(word)), expected) {
            (Ok(Previous::Folder(path)), Ok(None)) => assert_eq!(path, Path::new(word)),
            (Ok(Previous::Deployed(url)), Ok(Some(base))) => assert_eq!(url.as_str(), base),
            (Err(failure), Err(why)) => {
                assert_eq!(failure.code, crate::failure::WORDS);
                let said = failure.to_string();
                assert!(said.contains(why) && said.contains("\nhelp: "), "{said}");
            }
            (found, _) => panic!("`{word}` is {found:?}"),
        }
    }

    #[test]
    fn a_url_is_the_base_of_a_site_and_all_else_is_a_folder() {
        check("dist", Ok(None));
        check("C:\\dist", Ok(None));
        check("http:/dist", Ok(None));
        check("http://shop.example", Ok(Some("http://shop.example/")));
        check("http://shop.example/a", Ok(Some("http://shop.example/a/")));
        check("http://[::1]:80/a/", Ok(Some("http://[::1]/a/")));
    }

    #[test]
    fn a_malformed_url_is_refused() {
        check("http://", Err("empty host"));
        check("http://shop.example:x/", Err("port"));
        check("ftp://shop.example/", Err("`ftp` is neither"));
        check("://", Err("relative URL"));
        check("http://shop.example/?a", Err("no `?`"));
        check("http://shop.example/#a", Err("no `?`"));
    }

    #[test]
    fn https_needs_a_program_with_tls() {
        match cfg!(feature = "https") {
            true => check("https://shop.example", Ok(Some("https://shop.example/"))),
            false => check("https://shop.example", Err("without TLS")),
        }
    }
}
