//! The seam to parsers: what does a document, a stylesheet or a module load?

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use url::Url;

/// Finds what a response loads, as a browser would find it.
///
/// Called once for each response that a document uses, with whatever layer it came from. An
/// implementation that parses the same bytes often should remember what it found.
pub trait Parse {
    /// The subresources of this response in the order in which a browser asks for them: for HTML that
    /// of the preload scanner. `url` is the final one, after redirects; what is found is absolute.
    fn subresources(&mut self, loaded: &Loaded<'_>) -> Arc<[Subresource]>;
}

/// A response that is to be looked through.
#[derive(Debug, Clone, Copy)]
pub struct Loaded<'a> {
    /// Where it came from, after redirects.
    pub url: &'a Url,
    /// What it is for.
    pub destination: Destination,
    /// Its fields (`Content-Type`, `Link`).
    pub headers: &'a HeaderMap,
    /// Its content, decoded.
    pub body: &'a Bytes,
    /// The document that it is loaded in; of a document its own URL. (An import map belongs to a
    /// document, and decides what the imports of a module mean.)
    pub document: &'a Url,
}

/// One thing that a document, a stylesheet or a module loads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subresource {
    /// Where it is.
    pub url: Url,
    /// What it is for.
    pub destination: Destination,
    /// Is it asked for with CORS (`crossorigin`, fonts, modules, `fetch()`)?
    pub cors: Cors,
    /// Which requests carry credentials.
    pub credentials: Credentials,
    /// When it is loaded.
    pub phase: Phase,
}

/// What a request is for, in the names of the Fetch standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// A document of a tab.
    Document,
    /// A document within one (`iframe`, `frame`).
    Iframe,
    /// A stylesheet.
    Style,
    /// A script, classic or module.
    Script,
    /// An image.
    Image,
    /// A font.
    Font,
    /// Sound.
    Audio,
    /// A film.
    Video,
    /// Captions.
    Track,
    /// A web app manifest.
    Manifest,
    /// A worker's script.
    Worker,
    /// JSON as a module.
    Json,
    /// `<object>` and `<embed>`.
    Object,
    /// `fetch()` and `XMLHttpRequest`.
    Fetch,
}

/// The mode of a request, as far as caches mind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Cors {
    /// `no-cors`.
    #[default]
    No,
    /// `cors`.
    Yes,
}

/// The credentials mode of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Credentials {
    /// Never.
    Omit,
    /// To the document's own origin.
    SameOrigin,
    /// Always.
    #[default]
    Include,
}

/// When a subresource is loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// `<link rel=preload>` and `modulepreload`: at once, and kept for its use in this document.
    Preload,
    /// While the document loads.
    #[default]
    Load,
    /// When something asks for it: `import()`, `loading=lazy`. Loaded where
    /// [`crate::Options::on_demand`] says so, after the load.
    OnDemand,
    /// `<link rel=prefetch>`: when the document has loaded, for a document to come.
    Prefetch,
}

impl Subresource {
    /// A plain element without `crossorigin`: images, stylesheets, classic scripts; of fonts, modules
    /// and `fetch()` what those always are.
    pub fn plain(url: Url, destination: Destination) -> Self {
        let (cors, credentials) = match destination {
            Destination::Font | Destination::Fetch | Destination::Json => {
                (Cors::Yes, Credentials::SameOrigin)
            }
            Destination::Manifest => (Cors::Yes, Credentials::Omit),
            Destination::Worker => (Cors::Yes, Credentials::SameOrigin),
            _ => (Cors::No, Credentials::Include),
        };
        Self {
            url,
            destination,
            cors,
            credentials,
            phase: Phase::Load,
        }
    }

    /// The same in this phase.
    pub fn in_phase(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }
}

impl Destination {
    /// As the Fetch standard writes it (`Sec-Fetch-Dest`); that of `fetch()` is `empty`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Iframe => "iframe",
            Self::Style => "style",
            Self::Script => "script",
            Self::Image => "image",
            Self::Font => "font",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Track => "track",
            Self::Manifest => "manifest",
            Self::Worker => "worker",
            Self::Json => "json",
            Self::Object => "object",
            Self::Fetch => "empty",
        }
    }

    /// Is it a document, of a tab or within one?
    pub fn is_navigation(self) -> bool {
        matches!(self, Self::Document | Self::Iframe)
    }
}

impl<P: Parse + ?Sized> Parse for Box<P> {
    fn subresources(&mut self, loaded: &Loaded<'_>) -> Arc<[Subresource]> {
        (**self).subresources(loaded)
    }
}
