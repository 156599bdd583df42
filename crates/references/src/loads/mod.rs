//! Loads: what does a browser fetch for this text, on this screen, how, and in which order?
//!
//! The rest of this crate names all that a text *may* load, for a build. Here one visit is meant: of the pictures in a
//! `srcset` one is taken, a style sheet for print waits, a picture of a rule that no element matches is not loaded.
//! URLs are resolved. The order is that of Chromium's preload scanner: what it finds in the source comes first
//! (`third_party/blink/renderer/core/html/parser/html_preload_scanner.cc`), then what only the parser finds.
//! Scripts are not run, so what they add to a page is not known here.

mod choice;
mod document;
mod imports;
mod media;
mod selector;
mod sheet;
mod speculation;
mod tags;
#[cfg(test)]
mod tests;

use url::Url;

pub use document::{Document, document};
pub use imports::{ImportMap, module, worker};
pub use selector::Words;
pub use sheet::{Face, Picture, Sheet, sheet, styled};
pub use speculation::{Eagerness, Speculated};

/// One request that a text causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Where it goes; with its fragment, which is not sent.
    pub url: Url,
    /// What it is fetched as.
    pub destination: Destination,
    /// Whether it is a CORS request, and with which credentials.
    pub cors: Cors,
    /// When it is asked for.
    pub occasion: Occasion,
    /// How urgent Chromium takes it for.
    pub priority: Priority,
}

/// What a request is for (Fetch §2.2.5, "destination"); modules are told from classic scripts, since they are
/// parsed differently and kept apart in a memory cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// A page in a tab.
    Document,
    /// A page in a frame.
    Frame,
    /// An `<object>` or `<embed>`.
    Object,
    /// A style sheet.
    Style,
    /// A classic script.
    Script,
    /// A module script.
    Module,
    /// A picture.
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
    /// The script of a worker.
    Worker,
    /// Data that a module imports.
    Json,
    /// What a script fetches, and what is fetched for a use that is not said (`rel=prefetch`).
    Fetch,
}

/// The `crossorigin` attribute, or what stands for it (HTML, "CORS settings attributes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Cors {
    /// Mode `no-cors`, with credentials.
    #[default]
    No,
    /// Mode `cors`, with credentials for the page's own origin only: modules and fonts too.
    Anonymous,
    /// Mode `cors`, with credentials.
    UseCredentials,
}

/// When a browser asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Occasion {
    /// `preload` and `modulepreload`: at once, and it is kept for this document whatever its header fields say.
    Preload,
    /// As soon as the text that names it is read.
    Read,
    /// When the styles are applied: pictures and fonts of style sheets.
    Styled,
    /// `loading=lazy`, further down than Chromium looks ahead: when a visitor scrolls there.
    Scrolled,
    /// When the page is idle: the manifest, `prefetch`.
    Idle,
    /// When a script wants it: `import()`.
    Demand,
}

/// Chromium's own scale (`ResourceLoadPriority`), the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Documents, style sheets, fonts.
    Highest,
    /// Scripts that are needed early, modules, `fetch()`.
    High,
    /// Scripts behind the first picture.
    Medium,
    /// Pictures, deferred and asynchronous scripts.
    Low,
    /// Prefetches, and sheets for other media.
    Lowest,
}

/// On what a page is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Screen {
    /// CSS pixels of the viewport. Default 1280.
    pub width: u32,
    /// CSS pixels of the viewport. Default 800.
    pub height: u32,
    /// Device pixels for each CSS pixel. Default 1.
    pub density: f64,
    /// `prefers-color-scheme: dark`. Default no.
    pub dark: bool,
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 800,
            density: 1.0,
            dark: false,
        }
    }
}

impl Load {
    fn new(url: Url, destination: Destination, occasion: Occasion) -> Self {
        let (cors, priority) = match destination {
            Destination::Document | Destination::Frame | Destination::Style => {
                (Cors::No, Priority::Highest)
            }
            Destination::Object => (Cors::No, Priority::Highest),
            Destination::Font => (Cors::Anonymous, Priority::Highest),
            Destination::Module => (Cors::Anonymous, Priority::High),
            Destination::Script | Destination::Worker | Destination::Fetch => {
                (Cors::No, Priority::High)
            }
            Destination::Json => (Cors::Anonymous, Priority::High),
            Destination::Image | Destination::Audio | Destination::Video | Destination::Track => {
                (Cors::No, Priority::Low)
            }
            Destination::Manifest => (Cors::Anonymous, Priority::Medium),
        };
        Self {
            url,
            destination,
            cors,
            occasion,
            priority,
        }
    }
}

/// `written` against `base`, if a server is asked for it.
fn resolve(base: &Url, written: &str) -> Option<Url> {
    let url = base.join(super::fetched(written)?).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}
