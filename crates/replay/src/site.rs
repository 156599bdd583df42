//! Whose is a URL? Sites and origins, the parts that caches are divided into.

use std::sync::Arc;

use url::{Host, Position, Url};

/// The site of a URL, "schemefully": `https://example.com` for `https://www.example.com/a`. Which
/// part of a name anyone can register a name under is the Public Suffix List's to say.
pub(crate) fn site(url: &Url) -> Arc<str> {
    let host = match url.host() {
        Some(Host::Domain(name)) => psl::domain_str(name).unwrap_or(name),
        _ => url.host_str().unwrap_or_default(),
    };
    format!("{}://{host}", url.scheme()).into()
}

/// `https://example.com:8443`: with the port only where it is not the scheme's own.
pub(crate) fn origin(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

/// The same, without fragment.
pub(crate) fn without_fragment(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}

/// Does a browser take this connection for safe from eavesdropping? Plain HTTP to the own machine is.
pub(crate) fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_a_scheme_and_what_one_can_register() {
        for (url, expected) in [
            ("https://www.example.com/a", "https://example.com"),
            ("https://a.b.example.co.uk:8443/", "https://example.co.uk"),
            ("http://example.com/", "http://example.com"),
            ("http://localhost:3000/", "http://localhost"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1"),
            ("https://one.github.io/", "https://one.github.io"),
        ] {
            let url = Url::parse(url).expect("a URL of this table");
            assert_eq!(&*site(&url), expected, "{url}");
        }
    }
}
