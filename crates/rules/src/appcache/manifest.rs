//! The AppCache manifest: bytes in; files, fallbacks, prefixes and the mode out.
//!
//! Reading ends without a result only if the first line is not the signature. What has no effect is skipped
//! line by line, and kept with its reason; what has an effect that few authors mean is remarked upon.
//!
//! HTML 5.1 §11.3.4 (parsing cache manifests). The shim's twin runs `tests/vectors/appcache-vectors.json` too.

use std::collections::HashSet;

use serde::Serialize;
use url::Url;

use super::profile::{FallbackPathRule, Profile};

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Files to keep, as URLs without fragment, each once, in the order of the file.
    pub explicit: Vec<Url>,
    /// Fallback namespaces with their targets, in the order of the file.
    pub fallback: Vec<Fallback>,
    /// Prefixes of URLs that always come from the network, each once.
    pub network: Vec<Url>,
    /// Whether what nothing names may come from the network; if not, it fails.
    pub network_wildcard: bool,
    /// Whether pages come from the cache or the network first.
    pub mode: Mode,
    /// Where what has an effect stands, in the order of the file.
    pub places: Vec<Place>,
    /// The lines without effect.
    pub ignored: Vec<Ignored>,
    /// The lines whose effect may not be the one that was meant.
    pub remarks: Vec<Remark>,
}

/// Where a URL stands that has an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which line, from 1.
    pub line: usize,
    /// Under which header.
    pub section: Section,
    /// The listed file, the fallback's namespace, or the prefix.
    pub url: Url,
}

/// The sections of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// `CACHE:`, and what stands before any header.
    Explicit,
    /// `FALLBACK:`
    Fallback,
    /// `NETWORK:`
    Network,
    /// `SETTINGS:`
    Settings,
    /// Under a header that nobody knows.
    Unknown,
}

/// URLs that begin with `namespace` are answered with `target` if the network gives nothing better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The prefix.
    pub namespace: Url,
    /// What is served instead.
    pub target: Url,
}

/// Whether navigations ask the cache or the network first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The cache first.
    #[default]
    Fast,
    /// The network first, for navigations alone.
    PreferOnline,
}

impl Mode {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::PreferOnline => "prefer-online",
        }
    }
}

/// A line without effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ignored {
    /// Which line, from 1; CR, LF and CRLF each end one.
    pub line: usize,
    /// Why.
    pub why: Why,
}

/// Why a line has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// It stands under a header that nobody knows.
    UnknownSection,
    /// It is no URL.
    InvalidUrl,
    /// Its URL has another scheme than the manifest.
    Scheme,
    /// Its URL is of another origin than the manifest.
    CrossOrigin,
    /// A fallback needs a namespace and a target.
    FallbackNeedsTwoUrls,
    /// The fallback namespace lies outside the manifest's own folder.
    OutsideManifestPath,
    /// An earlier line has that namespace already.
    DuplicateNamespace,
    /// There is no such setting.
    UnknownSetting,
}

impl Why {
    /// Its code, as the vectors have it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownSection => "unknown-section",
            Self::InvalidUrl => "invalid-url",
            Self::Scheme => "scheme",
            Self::CrossOrigin => "cross-origin",
            Self::FallbackNeedsTwoUrls => "fallback-needs-two-urls",
            Self::OutsideManifestPath => "outside-manifest-path",
            Self::DuplicateNamespace => "duplicate-namespace",
            Self::UnknownSetting => "unknown-setting",
        }
    }
}

/// A line that has an effect, but perhaps not the one that was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Which line, from 1.
    pub line: usize,
    /// What of it.
    pub what: Oddity,
}

/// What is odd about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// Words after the last one that counts; a file name with a space looks like this.
    TrailingTokens(String),
    /// A line that ends in a colon and is no known header: what follows is ignored.
    UnknownHeader(String),
    /// A section's name without its colon is a file of that name.
    HeaderWithoutColon(String),
    /// `*` outside `NETWORK:` is a file of that name, not a wildcard.
    LiteralAsterisk,
    /// `http://*` or `https://*`: by the text a host that nobody has.
    SchemeWildcard(String),
    /// The mark of a template that nobody filled in.
    Template(String),
}

/// The text is no manifest: its first line is not `CACHE MANIFEST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it does not begin with the line `CACHE MANIFEST`{}", .looks_like.words())]
pub struct NoSignature {
    /// What it may be instead.
    pub looks_like: LooksLike,
}

/// What a text without signature may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LooksLike {
    /// No byte at all.
    Empty,
    /// A page, such as that of a login or a captive portal.
    Html,
    /// UTF-16 or UTF-32: a manifest is always UTF-8.
    Utf16,
    /// The source of a template, with its front matter or marks.
    Template,
    /// The signature, but not at the very beginning.
    Late,
    /// Something else.
    Other,
}

impl LooksLike {
    /// What is said of it, after the fact.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Empty => ": it is empty",
            Self::Html => ": it is an HTML page",
            Self::Utf16 => ": it is UTF-16, and a manifest is always UTF-8",
            Self::Template => ": it is a template that was not filled in",
            Self::Late => ": something stands before it",
            Self::Other => "",
        }
    }
}

impl Manifest {
    /// Reads a manifest that came from `manifest_url`, against which its URLs are resolved.
    ///
    /// # Errors
    /// [`NoSignature`] if its first line is not `CACHE MANIFEST`; nothing else is an error.
    pub fn parse(bytes: &[u8], manifest_url: &Url, profile: &Profile) -> Result<Self, NoSignature> {
        // "decode … as UTF-8, with error handling": one byte order mark goes, a bad byte becomes U+FFFD.
        let unmarked = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = String::from_utf8_lossy(unmarked);
        let rest = text
            .strip_prefix(SIGNATURE)
            .filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
            .ok_or_else(|| NoSignature {
                looks_like: looks_like(bytes, &text),
            })?;
        let mut reader = Reader::new(manifest_url, profile);
        // "Collect a sequence of characters that are not … LF … or CR …, and ignore those characters."
        for (at, line) in lines(rest).enumerate().skip(1) {
            reader.line(at + 1, line.trim_matches(BLANKS));
        }
        Ok(reader.out)
    }

    /// Every URL that an update fetches for the manifest's sake: listed files and targets of fallbacks,
    /// each once.
    pub fn files(&self) -> impl Iterator<Item = &Url> {
        let mut seen = HashSet::new();
        let targets = self.fallback.iter().map(|it| &it.target);
        self.explicit
            .iter()
            .chain(targets)
            .filter(move |url| seen.insert(url.as_str()))
    }
}

struct Reader<'a> {
    base: &'a Url,
    /// The manifest's path up to and with its last slash.
    folder: &'a str,
    profile: &'a Profile,
    section: Section,
    /// What there is already: explicit, network, namespaces.
    seen: [HashSet<Url>; 3],
    out: Manifest,
}

impl<'a> Reader<'a> {
    fn new(base: &'a Url, profile: &'a Profile) -> Self {
        let path = base.path();
        Self {
            base,
            folder: &path[..path.rfind('/').map_or(0, |slash| slash + 1)],
            profile,
            section: Section::Explicit,
            seen: Default::default(),
            out: Manifest {
                explicit: Vec::new(),
                fallback: Vec::new(),
                network: Vec::new(),
                network_wildcard: false,
                mode: Mode::Fast,
                places: Vec::new(),
                ignored: Vec::new(),
                remarks: Vec::new(),
            },
        }
    }

    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        match line {
            "CACHE:" => self.section = Section::Explicit,
            "FALLBACK:" => self.section = Section::Fallback,
            "NETWORK:" => self.section = Section::Network,
            "SETTINGS:" => self.section = Section::Settings,
            _ if line.ends_with(':') => {
                self.section = Section::Unknown;
                self.remark(number, Oddity::UnknownHeader(line.to_owned()));
            }
            _ => {
                if let Err(why) = self.data(number, line) {
                    self.out.ignored.push(Ignored { line: number, why });
                }
            }
        }
    }

    fn data(&mut self, number: usize, line: &str) -> Result<(), Why> {
        let mut tokens = line.split(BLANKS).filter(|token| !token.is_empty());
        let first = tokens.next().unwrap_or_default();
        if TEMPLATE_MARKS.iter().any(|mark| line.contains(mark)) {
            self.remark(number, Oddity::Template(line.to_owned()));
        }
        match self.section {
            Section::Unknown => return Err(Why::UnknownSection),
            Section::Settings if line == "prefer-online" => {
                self.out.mode = Mode::PreferOnline;
                return Ok(());
            }
            Section::Settings => return Err(Why::UnknownSetting),
            Section::Explicit => self.explicit(number, first)?,
            Section::Fallback => {
                let target = tokens.next().ok_or(Why::FallbackNeedsTwoUrls)?;
                self.fallback(number, first, target)?;
            }
            Section::Network => self.network(number, first)?,
        }
        let rest: Vec<&str> = tokens.collect();
        // A word after `#` is a hash or a note, which tools put there on purpose.
        if rest.first().is_some_and(|word| !word.starts_with('#')) {
            self.remark(number, Oddity::TrailingTokens(rest.join(" ")));
        }
        Ok(())
    }

    fn explicit(&mut self, number: usize, token: &str) -> Result<(), Why> {
        match token {
            "*" => self.remark(number, Oddity::LiteralAsterisk),
            "CACHE" | "NETWORK" | "FALLBACK" | "SETTINGS" => {
                self.remark(number, Oddity::HeaderWithoutColon(token.to_owned()));
            }
            _ => {}
        }
        let url = self.url(token)?;
        if url.scheme() != self.base.scheme() {
            return Err(Why::Scheme);
        }
        let secure = url.scheme() == "https";
        if secure && !self.profile.cross_origin_https_explicit && url.origin() != self.base.origin()
        {
            return Err(Why::CrossOrigin);
        }
        if self.seen[0].insert(url.clone()) {
            self.place(number, &url);
            self.out.explicit.push(url);
        }
        Ok(())
    }

    fn fallback(&mut self, number: usize, namespace: &str, target: &str) -> Result<(), Why> {
        let star = namespace == "*";
        let namespace = self.url(namespace)?;
        let target = self.url(target)?;
        if namespace.origin() != self.base.origin() || target.origin() != self.base.origin() {
            return Err(Why::CrossOrigin);
        }
        let confined = self.profile.fallback_path_rule != FallbackPathRule::Never;
        if confined && !namespace.path().starts_with(self.folder) {
            return Err(Why::OutsideManifestPath);
        }
        if !self.seen[2].insert(namespace.clone()) {
            return Err(Why::DuplicateNamespace);
        }
        if star {
            self.remark(number, Oddity::LiteralAsterisk);
        }
        self.place(number, &namespace);
        self.out.fallback.push(Fallback { namespace, target });
        Ok(())
    }

    fn network(&mut self, number: usize, token: &str) -> Result<(), Why> {
        if token == "*" {
            self.out.network_wildcard = true;
            return Ok(());
        }
        if matches!(token, "http://*" | "https://*" | "http://*/" | "https://*/") {
            self.remark(number, Oddity::SchemeWildcard(token.to_owned()));
            // Loads of another scheme than the manifest's go to the network anyway.
            if self.profile.scheme_wildcards && token.split(':').next() == Some(self.base.scheme())
            {
                self.out.network_wildcard = true;
                return Ok(());
            }
        }
        let url = self.url(token)?;
        if url.scheme() != self.base.scheme() {
            return Err(Why::Scheme);
        }
        if self.seen[1].insert(url.clone()) {
            self.place(number, &url);
            self.out.network.push(url);
        }
        Ok(())
    }

    fn url(&self, token: &str) -> Result<Url, Why> {
        let mut url = self.base.join(token).map_err(|_| Why::InvalidUrl)?;
        url.set_fragment(None);
        Ok(url)
    }

    fn place(&mut self, line: usize, url: &Url) {
        self.out.places.push(Place {
            line,
            section: self.section,
            url: url.clone(),
        });
    }

    fn remark(&mut self, line: usize, what: Oddity) {
        self.out.remarks.push(Remark { line, what });
    }
}

/// The lines of a text; LF, CR and CRLF each end one.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let after = &text[end..];
        let ending = if after.starts_with("\r\n") { 2 } else { 1 };
        rest = Some(&after[ending..]);
        Some(&text[..end])
    })
}

fn looks_like(bytes: &[u8], text: &str) -> LooksLike {
    let start: String = text.trim_start().chars().take(LOOK_CHARS).collect();
    let start = start.to_ascii_lowercase();
    if bytes.is_empty() {
        LooksLike::Empty
    } else if bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || bytes.starts_with(b"C\0A\0")
        || bytes.starts_with(b"\0C\0A")
    {
        LooksLike::Utf16
    } else if start.starts_with("<!doctype")
        || start.starts_with("<html")
        || start.contains("<head")
    {
        LooksLike::Html
    } else if start.starts_with("---") || TEMPLATE_MARKS.iter().any(|mark| start.contains(mark)) {
        LooksLike::Template
    } else if lines(text).any(|line| line.trim() == SIGNATURE) {
        LooksLike::Late
    } else {
        LooksLike::Other
    }
}

const SIGNATURE: &str = "CACHE MANIFEST";

/// What is trimmed, and what parts words; other white space is part of a URL.
const BLANKS: [char; 2] = [' ', '\t'];

/// How templates mark what they fill in.
const TEMPLATE_MARKS: [&str; 4] = ["{{", "{%", "<%", "<?php"];

/// How much of a text is looked at to guess what it is.
const LOOK_CHARS: usize = 512;

#[cfg(test)]
mod tests;
