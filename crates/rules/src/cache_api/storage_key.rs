//! Whose caches are these, and may they have any?
//!
//! `caches` is `[SecureContext]`: only a potentially trustworthy origin has it (Secure Contexts
//! §3.1). Each storage key has its own names and its own quota (Storage Standard). Ours is the
//! origin; a browser's is also the site at the top of the page, which a program does not have.

use ::url::{Host, Url};

use super::RequestUrl;

/// The owner of caches: an origin that may have them, such as `https://example.com`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageKey(Box<str>);

/// Why an origin has no caches: a `SecurityError`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSecure {
    /// An origin that nobody shares with itself: of `data:` and the like.
    #[error("`{0}` has no origin of its own")]
    Opaque(String),
    /// What comes from there may be anybody's.
    #[error("`{0}` is not potentially trustworthy: neither `https` nor this machine")]
    Insecure(String),
}

impl StorageKey {
    /// The storage key of a document or worker at `url`.
    ///
    /// ```
    /// use revisit_rules::cache_api::{RequestUrl, StorageKey};
    /// let of = |url: &str| StorageKey::of(&RequestUrl::parse(url, None).expect("a URL"));
    /// assert_eq!(of("https://example.com/a?b").expect("secure").as_str(), "https://example.com");
    /// assert!(of("http://localhost:3000/").is_ok());
    /// assert!(of("http://example.com/").is_err());
    /// ```
    pub fn of(url: &RequestUrl) -> Result<Self, NotSecure> {
        let opaque = || NotSecure::Opaque(url.without_query().chars().take(200).collect());
        let parsed = Url::parse(url.as_str()).map_err(|_| opaque())?;
        let origin = parsed.origin();
        // "If origin is an opaque origin, return "Not Trustworthy"."
        if !origin.is_tuple() {
            return Err(opaque());
        }
        let key = origin.ascii_serialization();
        let trusted = match parsed.host() {
            // "If origin's scheme is either "https" or "wss", return "Potentially Trustworthy"."
            _ if matches!(parsed.scheme(), "https" | "wss") => true,
            // "If origin's host matches one of the CIDR notations 127.0.0.0/8 or ::1/128 …"
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            // "If … origin's host is "localhost" or "localhost.", … or ends with ".localhost" …",
            // where the resolver keeps to let-localhost-be-localhost, as today's do.
            Some(Host::Domain(name)) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name == "localhost" || name.ends_with(".localhost")
            }
            None => false,
        };
        match trusted {
            true => Ok(Self(key.into())),
            false => Err(NotSecure::Insecure(key)),
        }
    }

    /// As an origin is written: `https://example.com`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is a URL of this very origin?
    pub fn is_origin_of(&self, url: &RequestUrl) -> bool {
        url.origin() == *self.0
    }
}

impl std::fmt::Display for StorageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, key: Option<&str>) {
        let url = RequestUrl::parse(url, None).expect(url);
        let got = StorageKey::of(&url);
        assert_eq!(
            got.as_ref().ok().map(StorageKey::as_str),
            key,
            "{url}: {got:?}"
        );
    }

    #[test]
    fn only_an_origin_that_nobody_on_the_way_can_play_has_caches() {
        check("https://example.com/a", Some("https://example.com"));
        check(
            "https://example.com:8443/",
            Some("https://example.com:8443"),
        );
        check("wss://example.com/", Some("wss://example.com"));
        check("http://example.com/", None);
        check("ws://example.com/", None);
        check("ftp://example.com/", None);
        check("data:text/html,x", None);
        check("about:blank", None);
        check("file:///etc/passwd", None);
    }

    #[test]
    fn this_machine_is_trusted_under_all_its_names_and_no_other() {
        check("http://localhost/", Some("http://localhost"));
        check("http://localhost.:80/", Some("http://localhost."));
        check("http://LOCALHOST:3000/", Some("http://localhost:3000"));
        check("http://a.localhost:3000/", Some("http://a.localhost:3000"));
        check("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080"));
        check("http://127.255.255.254/", Some("http://127.255.255.254"));
        check("http://[::1]:80/", Some("http://[::1]"));
        check("http://0x7f000001/", Some("http://127.0.0.1"));
        check("http://128.0.0.1/", None);
        check("http://[::2]/", None);
        check("http://0.0.0.0/", None);
        check("http://localhost.example.com/", None);
        check("http://evillocalhost/", None);
        check("http://127.0.0.1.example.com/", None);
    }

    #[test]
    fn a_url_is_of_a_key_with_its_scheme_host_and_port() {
        let parse = |url: &str| RequestUrl::parse(url, None).expect(url);
        let key = StorageKey::of(&parse("https://example.com/")).expect("secure");
        assert!(key.is_origin_of(&parse("https://example.com:443/a")));
        for other in [
            "http://example.com/",
            "https://example.com:444/",
            "https://a.example.com/",
        ] {
            assert!(!key.is_origin_of(&parse(other)), "{other}");
        }
    }
}
