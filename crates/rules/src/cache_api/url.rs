//! The URL of a request, as the Cache API compares it.
//!
//! "If queryURL does not equal cachedURL with the exclude fragment flag set, then return false"
//! (Request Matches Cached Item): URLs are equal when their serializations are (URL Standard,
//! "URL equals"). Parsed once; what is compared later is a part of one string.

use ::url::Url;

/// An absolute URL in its serialization, with its fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestUrl {
    text: Box<str>,
    /// Where the `?` of its query stands, or its end without the fragment.
    query_at: usize,
    /// Where the `#` stands, or the end.
    fragment_at: usize,
}

/// Why a text names no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// No URL, or a relative one without a base.
    #[error("`{url}` is no URL: {why}")]
    Invalid {
        /// Its beginning.
        url: String,
        /// What the parser says.
        why: ::url::ParseError,
    },
    /// "If parsedURL includes credentials, then throw a TypeError" (Fetch, the Request constructor).
    #[error("`{url}` holds a user's name or password")]
    Credentials {
        /// Without them.
        url: String,
    },
    /// Longer than [`URL_BYTES_MAX`].
    #[error("a URL of {bytes} bytes is longer than {URL_BYTES_MAX}")]
    TooLong {
        /// How long.
        bytes: usize,
    },
}

/// The longest URL, in bytes of its serialization: 1 MiB. Browsers take up to 2 MiB.
pub const URL_BYTES_MAX: usize = 1024 * 1024;

impl RequestUrl {
    /// Reads `text`, against `base` if it is relative.
    ///
    /// ```
    /// use revisit_rules::cache_api::RequestUrl;
    /// let base = RequestUrl::parse("https://example.com/app/", None)?;
    /// let url = RequestUrl::parse("../a b?q#top", Some(&base))?;
    /// assert_eq!(url.as_str(), "https://example.com/a%20b?q#top");
    /// assert_eq!(url.without_fragment(), "https://example.com/a%20b?q");
    /// assert_eq!(url.without_query(), "https://example.com/a%20b");
    /// # Ok::<(), revisit_rules::cache_api::UrlError>(())
    /// ```
    pub fn parse(text: &str, base: Option<&Self>) -> Result<Self, UrlError> {
        let too_long = |bytes| Err(UrlError::TooLong { bytes });
        if text.len() > URL_BYTES_MAX {
            return too_long(text.len());
        }
        let invalid = |why| UrlError::Invalid {
            url: beginning(text),
            why,
        };
        let base = base.map(|base| Url::parse(&base.text)).transpose();
        let base = base.map_err(invalid)?;
        let parsed = Url::options().base_url(base.as_ref()).parse(text);
        let mut parsed = parsed.map_err(invalid)?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            // Both are refused only where there is no host to hold them.
            let _ = parsed.set_password(None);
            let _ = parsed.set_username("");
            return Err(UrlError::Credentials {
                url: beginning(parsed.as_str()),
            });
        }
        if parsed.as_str().len() > URL_BYTES_MAX {
            return too_long(parsed.as_str().len());
        }
        Ok(Self::of(parsed.as_str()))
    }

    /// Cuts a serialization, such as [`Self::as_str`] gave, without parsing it anew.
    pub fn of(serialized: &str) -> Self {
        let fragment_at = serialized.find('#').unwrap_or(serialized.len());
        let query_at = serialized[..fragment_at].find('?').unwrap_or(fragment_at);
        Self {
            text: serialized.into(),
            query_at,
            fragment_at,
        }
    }

    /// The whole, with the fragment.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What is compared.
    pub fn without_fragment(&self) -> &str {
        &self.text[..self.fragment_at]
    }

    /// What is compared where the query is ignored, and what all requests that may match under any
    /// options have in common.
    pub fn without_query(&self) -> &str {
        &self.text[..self.query_at]
    }

    /// `https`, `file`, …
    pub fn scheme(&self) -> &str {
        self.text.split_once(':').map_or("", |(scheme, _)| scheme)
    }

    /// Host and, if it is not the scheme's own, port; empty for what has none.
    pub fn authority(&self) -> &str {
        self.split().0
    }

    /// Path and query, as a request names them (RFC 9112 §3.2.1).
    pub fn path_and_query(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (&str, &str) {
        let Some((_, rest)) = self.without_fragment().split_once("://") else {
            return ("", self.without_fragment());
        };
        rest.split_at(rest.find('/').unwrap_or(rest.len()))
    }

    /// Is it one that the Cache API keeps?
    pub(super) fn is_http(&self) -> bool {
        matches!(self.scheme(), "http" | "https")
    }

    /// Scheme, host and port as an origin is written (`https://example.com`); `null` for what has
    /// none.
    pub fn origin(&self) -> String {
        Url::parse(&self.text).map_or("null".to_owned(), |url| url.origin().ascii_serialization())
    }
}

impl std::fmt::Display for RequestUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// As much of a text as an error shows.
fn beginning(text: &str) -> String {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_cut_at_the_first_query_and_fragment_only() {
        let check = |text: &str, without_fragment: &str, without_query: &str| {
            let url = RequestUrl::parse(text, None).expect(text);
            assert_eq!(url.without_fragment(), without_fragment);
            assert_eq!(url.without_query(), without_query);
        };
        check("http://a/", "http://a/", "http://a/");
        check("http://a/b?", "http://a/b?", "http://a/b");
        check("http://a/b?c?d", "http://a/b?c?d", "http://a/b");
        check("http://a/b#c?d", "http://a/b", "http://a/b");
        check("http://a/b?c#d#e", "http://a/b?c", "http://a/b");
        check("HTTP://A:80/b/../c", "http://a/c", "http://a/c");
    }

    #[test]
    fn a_url_with_a_name_or_a_password_names_no_request_and_is_not_shown_with_them() {
        for text in ["http://user@a/b", "http://:secret@a/b"] {
            let error = RequestUrl::parse(text, None).expect_err(text);
            assert_eq!(
                error,
                UrlError::Credentials {
                    url: "http://a/b".to_owned()
                }
            );
        }
        assert!(RequestUrl::parse("http://a/b@c", None).is_ok());
    }

    #[test]
    fn a_relative_url_needs_a_base() {
        assert!(matches!(
            RequestUrl::parse("b", None),
            Err(UrlError::Invalid { .. })
        ));
        let base = RequestUrl::parse("http://a/x/y?z#w", None).expect("a URL");
        let url = RequestUrl::parse("b", Some(&base)).expect("a relative URL");
        assert_eq!(url.as_str(), "http://a/x/b");
    }

    #[test]
    fn a_url_has_a_limit_before_and_after_it_is_written_out() {
        let of = |length: usize| format!("http://a/{}", "b".repeat(length - 9));
        assert!(RequestUrl::parse(&of(100_000), None).is_ok());
        assert!(RequestUrl::parse(&of(URL_BYTES_MAX), None).is_ok());
        let long = RequestUrl::parse(&of(URL_BYTES_MAX + 1), None);
        assert!(matches!(long, Err(UrlError::TooLong { .. })));
        // three bytes for each space
        let grows = format!("http://a/{}b", " ".repeat(URL_BYTES_MAX / 2));
        let long = RequestUrl::parse(&grows, None);
        assert!(matches!(long, Err(UrlError::TooLong { .. })));
    }

    #[test]
    fn a_url_is_asked_for_by_its_authority_and_its_path_with_the_query() {
        let check = |text: &str, authority: &str, path: &str| {
            let url = RequestUrl::parse(text, None).expect(text);
            assert_eq!((url.authority(), url.path_and_query()), (authority, path));
        };
        check("https://a:443/b?c#d", "a", "/b?c");
        check("http://[::1]:81?a/b", "[::1]:81", "/?a/b");
        check("http://a", "a", "/");
    }

    #[test]
    fn an_origin_is_written_without_a_default_port() {
        let check = |text: &str, origin: &str| {
            assert_eq!(RequestUrl::parse(text, None).expect(text).origin(), origin);
        };
        check("https://example.com:443/a", "https://example.com");
        check("http://example.com:8080/a", "http://example.com:8080");
        check("data:,x", "null");
    }
}
