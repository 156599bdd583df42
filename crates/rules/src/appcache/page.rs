//! The `manifest` attribute of a page, as the parser of a browser would meet it: on the first `html` start tag.
//!
//! HTML 5.1 §8.2.5.4.2 (the "before html" insertion mode), §8.2.4 (tokenization of what may stand before it).

use url::Url;

/// The `manifest` attribute in the first bytes of a page; `None` if its `html` tag has none, or if there is no such
/// tag before other content, or not within [`LOOK_BYTES_MAX`].
pub fn manifest_attribute(page: &[u8]) -> Option<String> {
    let page = page.strip_prefix(b"\xef\xbb\xbf").unwrap_or(page);
    let text = String::from_utf8_lossy(&page[..page.len().min(LOOK_BYTES_MAX)]);
    let mut rest = text.trim_start_matches(SPACES);
    // Comments, a doctype and processing instructions may stand before it; anything else opens the element itself.
    while let Some(after) = rest.strip_prefix("<!").or_else(|| rest.strip_prefix("<?")) {
        let end = match after.strip_prefix("--") {
            // `<!-->` and `<!--->` are whole comments
            Some(comment) if comment.starts_with('>') => 3,
            Some(comment) if comment.starts_with("->") => 4,
            Some(comment) => comment.find("-->")? + 5,
            None => after.find('>')? + 1,
        };
        rest = after[end..].trim_start_matches(SPACES);
    }
    let name = rest.get(..5)?;
    let tag = rest.get(5..)?;
    if !name.eq_ignore_ascii_case("<html") || !tag.starts_with(ends_name) {
        return None;
    }
    Attributes(tag)
        .find(|(name, _)| name.eq_ignore_ascii_case("manifest"))
        .map(|(_, value)| decode(value))
}

/// The manifest that a page names: its attribute against the document's address, before any `<base>`. Empty or
/// unparsable: none.
pub fn manifest_url(address: &Url, attribute: Option<&str>) -> Option<Url> {
    let named = attribute.filter(|it| !it.is_empty())?;
    let mut url = address.join(named).ok()?;
    url.set_fragment(None);
    Some(url)
}

/// The attributes of a start tag, from after its name on.
struct Attributes<'a>(&'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self
            .0
            .trim_start_matches(|char| SPACES.contains(&char) || char == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return None;
        }
        // a name may begin with `=`
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find(|char| char == '=' || ends_name(char))? + first;
        let (name, rest) = rest.split_at(end);
        let rest = rest.trim_start_matches(SPACES);
        let Some(rest) = rest.strip_prefix('=') else {
            self.0 = rest;
            return Some((name, ""));
        };
        let rest = rest.trim_start_matches(SPACES);
        let quote = rest
            .chars()
            .next()
            .filter(|char| matches!(char, '"' | '\''));
        let (value, rest) = match quote {
            Some(quote) => rest[1..].split_once(quote)?,
            None => rest.split_at(rest.find(|char| SPACES.contains(&char) || char == '>')?),
        };
        self.0 = rest;
        Some((name, value))
    }
}

fn ends_name(char: char) -> bool {
    SPACES.contains(&char) || matches!(char, '/' | '>')
}

/// The character references that URLs are written with.
fn decode(value: &str) -> String {
    if !value.contains('&') {
        return value.to_owned();
    }
    value
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// As the HTML parser has it.
const SPACES: [char; 5] = [' ', '\t', '\n', '\r', '\x0c'];

/// How much of a page is looked at: a licence in a comment may stand before its first tag.
pub const LOOK_BYTES_MAX: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, named: Option<&str>) {
        let found = manifest_attribute(page.as_bytes());
        assert_eq!(found.as_deref(), named, "{page}");
    }

    #[test]
    fn the_attribute_counts_on_the_first_html_tag_alone() {
        check(
            "<!doctype html><html manifest=a.appcache>",
            Some("a.appcache"),
        );
        check("<HTML Lang=en MANIFEST='/a b'>", Some("/a b"));
        check(
            "\u{feff}\n<!-- <html manifest=no> --><html\nmanifest = \"yes\">",
            Some("yes"),
        );
        check(
            "<?xml version='1.0'?><html manifest=\"m?a&amp;b\">",
            Some("m?a&b"),
        );
        check("<!--><html manifest=m>", Some("m"));
        check("<html class=\"manifest=no\" data-manifest=no>", None);
        check("<html manifest>", Some(""));
        check("<html manifest=a manifest=b>", Some("a"));
        check("<title>x</title><html manifest=late>", None);
        check("<htmlx manifest=m>", None);
        check("<html manifest=\"never ends", None);
        check("<html", None);
        check("", None);
    }

    #[test]
    fn an_empty_attribute_names_no_manifest_and_a_fragment_does_not_count() {
        let address = Url::parse("https://example.com/docs/a.html?q").unwrap();
        let named = |attribute| manifest_url(&address, attribute).map(String::from);
        assert_eq!(named(None), None);
        assert_eq!(named(Some("")), None);
        assert_eq!(named(Some("https://[")), None);
        assert_eq!(
            named(Some("m#x")),
            Some("https://example.com/docs/m".to_owned())
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_page(page in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            manifest_attribute(&page);
        }

        #[test]
        fn any_tag_is_read(tag in "(?i)<html[ a-z=\"'&;/<>é]{0,40}") {
            manifest_attribute(tag.as_bytes());
        }
    }
}
