//! What does a host say of itself with every file: how long, by which validators, compressed?

use super::super::names::Names;
use super::Host;

/// What a host does where no rule of the site says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// `Cache-Control`, if it sends one.
    pub cache_control: Option<&'static str>,
    /// It sends an `ETag`.
    pub etag: bool,
    /// It sends `Last-Modified`.
    pub last_modified: bool,
    /// It compresses what shrinks.
    pub compresses: bool,
}

impl Host {
    /// The defaults for `file`. Of a plain host nothing is known, so those of `revisit serve` stand in.
    ///
    /// Netlify: "public, max-age=0, must-revalidate" and an ETag (Netlify Docs, "Caching overview"). Cloudflare Pages:
    /// the same ("Headers always added", Serving Pages). GitHub Pages: `max-age=600`, ETag and Last-Modified, measured
    /// (<https://github.com/orgs/community/discussions/11884>). nginx: both validators and no lifetime
    /// (`ngx_http_core_module`, `etag on`; `ngx_http_headers_module`, `expires off`; `gzip off`).
    pub fn defaults(self, file: &str, names: &Names) -> Defaults {
        let of = |cache_control, last_modified, compresses| Defaults {
            cache_control,
            etag: true,
            last_modified,
            compresses,
        };
        match self {
            Self::Plain => of(Some(names.promise(file).cache_control()), false, false),
            Self::Netlify | Self::CloudflarePages => {
                of(Some("public, max-age=0, must-revalidate"), false, true)
            }
            Self::GithubPages => of(Some("max-age=600"), true, true),
            Self::Nginx => of(None, true, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_gives_no_lifetime_leaves_browsers_to_guess_by_the_date() {
        for host in Host::ALL {
            let defaults = host.defaults("app.js", &Names::default());
            assert!(
                defaults.cache_control.is_some() || defaults.last_modified,
                "{host}"
            );
        }
        let hashed = Host::Plain.defaults("assets/app-1a2b3c4d.js", &Names::default());
        assert_eq!(
            hashed.cache_control,
            Some("public, max-age=31536000, immutable")
        );
        let hashed = Host::GithubPages.defaults("assets/app-1a2b3c4d.js", &Names::default());
        assert_eq!(hashed.cache_control, Some("max-age=600"));
    }
}
