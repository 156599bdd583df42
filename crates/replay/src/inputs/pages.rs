//! Pages: what does a response load? By its text in a folder, by what was recorded in a HAR.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use revisit_references::loads::{
    self, Document, ImportMap, Load, Occasion, Priority, Screen, Sheet, document, module, sheet,
    styled,
};
use revisit_references::{ScriptKind, loads::Destination as Found};
use revisit_rules::site::pattern::Pattern;
use url::Url;

use crate::{Cors, Credentials, Destination, Loaded, Parse, Phase, Subresource};

/// What scripts of a page ask for, since none is run.
#[derive(Debug, Clone)]
pub struct PageLoads {
    /// The pages' paths.
    pub path: Pattern,
    /// What they load besides, relative to the page.
    pub loads: Vec<(String, Destination)>,
}

/// Reads pages, style sheets and scripts for a replay; remembers what it read.
#[derive(Debug, Default)]
pub struct Pages {
    screen: Screen,
    /// The one origin whose files are known; what others have is left out and counted.
    origin: Option<Url>,
    besides: Vec<PageLoads>,
    /// Of a recording: what each document loads.
    recorded: Option<HashMap<Url, Arc<[Subresource]>>>,
    elsewhere: Elsewhere,
    worker: Arc<AtomicBool>,
    open: HashMap<Url, Open>,
    documents: HashMap<Key, Arc<Document>>,
    sheets: HashMap<Key, Arc<Sheet>>,
    modules: HashMap<(Key, Url), Arc<[Subresource]>>,
}

/// What pages name on other origins than the one whose files are known. It is not replayed.
#[derive(Debug, Clone, Default)]
pub struct Elsewhere(Arc<Mutex<BTreeSet<Url>>>);

impl Elsewhere {
    /// In the order of the URLs; a thousand at the most.
    pub fn urls(&self) -> Vec<Url> {
        self.0
            .lock()
            .map_or(Vec::new(), |urls| urls.iter().cloned().collect())
    }

    fn note(&self, url: Url) {
        if let Ok(mut urls) = self.0.lock()
            && urls.len() < ELSEWHERE_MAX
        {
            urls.insert(url);
        }
    }
}

/// A text that was read: where it came from, and its bytes, which are kept so that no others lie there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    url: Url,
    body: Bytes,
}

/// A document that is open, with the style sheets that it has so far.
#[derive(Debug)]
struct Open {
    document: Arc<Document>,
    sheets: Vec<Arc<Sheet>>,
    /// What styles have already asked for.
    styled: HashSet<Url>,
    /// Style sheets for other media: fetched, and not applied.
    dormant: HashSet<Url>,
}

impl Pages {
    /// Reads texts of a site at `origin`.
    pub fn of_site(origin: Url, screen: Screen, besides: Vec<PageLoads>) -> Self {
        Self {
            screen,
            origin: Some(origin),
            besides,
            ..Self::default()
        }
    }

    /// Knows what was recorded, by document.
    pub fn recorded(documents: HashMap<Url, Vec<Subresource>>) -> Self {
        let documents = documents
            .into_iter()
            .map(|(url, loads)| (url, loads.into()));
        Self {
            recorded: Some(documents.collect()),
            ..Self::default()
        }
    }

    /// What pages name on other origins, also when this is handed on.
    pub fn elsewhere(&self) -> Elsewhere {
        self.elsewhere.clone()
    }

    /// Does a text that was read register a service worker, or is it known to be one? Also when this is handed on.
    pub fn worker(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.worker)
    }

    /// Looks for `navigator.serviceWorker.register(…)` in a page or a script.
    fn look_for_worker(&self, body: &[u8]) {
        if !self.worker.load(Ordering::Relaxed) && memmem(body, b"serviceWorker.register") {
            self.worker.store(true, Ordering::Relaxed);
        }
    }

    fn is_known(&self, url: &Url) -> bool {
        let origin = self.origin.as_ref();
        origin.is_none_or(|origin| origin.origin() == url.origin())
    }

    fn known(&mut self, loads: impl IntoIterator<Item = Load>) -> Vec<Subresource> {
        let mut known = Vec::new();
        for load in loads {
            if self.is_known(&load.url) {
                known.push(subresource(load));
            } else {
                self.elsewhere.note(load.url);
            }
        }
        known
    }

    fn page(&mut self, loaded: &Loaded<'_>) -> Arc<[Subresource]> {
        let key = Key::of(loaded);
        let document = match self.documents.get(&key) {
            Some(document) => Arc::clone(document),
            None => {
                self.look_for_worker(loaded.body);
                let read = Arc::new(document(loaded.body, loaded.url, self.screen));
                bounded(&mut self.documents);
                self.documents.insert(key, Arc::clone(&read));
                read
            }
        };
        let mut found = self.known(document.loads.iter().cloned());
        let inline: Vec<&Sheet> = document.sheets.iter().collect();
        let by_styles = styled(&inline, &document.words);
        let told = by_styles.iter().map(|load| load.url.clone()).collect();
        let by_styles = self.known(by_styles);
        found.extend(by_styles);
        let path = loaded.url.path().trim_start_matches('/');
        for besides in &self.besides {
            if !besides.path.matches(path) {
                continue;
            }
            for (written, destination) in &besides.loads {
                match loaded.url.join(written) {
                    Ok(url) if self.is_known(&url) => {
                        found.push(Subresource::plain(url, *destination));
                    }
                    Ok(url) => self.elsewhere.note(url),
                    Err(_) => {}
                }
            }
        }
        let dormant = document
            .loads
            .iter()
            .filter(|load| load.destination == Found::Style && load.priority == Priority::Lowest);
        let dormant = dormant.map(|load| load.url.clone()).collect();
        bounded(&mut self.open);
        self.open.insert(
            loaded.url.clone(),
            Open {
                document,
                sheets: Vec::new(),
                styled: told,
                dormant,
            },
        );
        found.into()
    }

    fn style(&mut self, loaded: &Loaded<'_>) -> Arc<[Subresource]> {
        let key = Key::of(loaded);
        let read = match self.sheets.get(&key) {
            Some(sheet) => Arc::clone(sheet),
            None => {
                let read = Arc::new(sheet(
                    &String::from_utf8_lossy(loaded.body),
                    loaded.url,
                    self.screen,
                ));
                bounded(&mut self.sheets);
                self.sheets.insert(key, Arc::clone(&read));
                read
            }
        };
        let mut loads: Vec<Load> = read.imports.clone();
        let open = self.open.get_mut(loaded.document);
        if let Some(open) = open.filter(|open| !open.dormant.contains(loaded.url)) {
            if !open.sheets.iter().any(|sheet| Arc::ptr_eq(sheet, &read)) {
                open.sheets.push(read);
            }
            // A font may be declared in one sheet and used in another: all that came so far are asked.
            let inline = open.document.sheets.iter();
            let sheets: Vec<&Sheet> = inline
                .chain(open.sheets.iter().map(|sheet| &**sheet))
                .collect();
            let applied = styled(&sheets, &open.document.words);
            loads.extend(
                applied
                    .into_iter()
                    .filter(|load| open.styled.insert(load.url.clone())),
            );
        }
        self.known(loads).into()
    }

    fn script(&mut self, loaded: &Loaded<'_>, kind: ScriptKind) -> Arc<[Subresource]> {
        let key = (Key::of(loaded), loaded.document.clone());
        if let Some(found) = self.modules.get(&key) {
            return Arc::clone(found);
        }
        self.look_for_worker(loaded.body);
        let none = ImportMap::default();
        let map = self
            .open
            .get(loaded.document)
            .map_or(&none, |open| &open.document.import_map);
        let text = String::from_utf8_lossy(loaded.body);
        let mut loads = module(&text, kind, loaded.url, loaded.document, map);
        if kind == ScriptKind::Classic && loaded.destination == Destination::Script {
            // A classic script that has static imports does not run at all.
            loads.retain(|load| load.occasion == Occasion::Demand);
        }
        let found: Arc<[Subresource]> = self.known(loads).into();
        bounded(&mut self.modules);
        self.modules.insert(key, Arc::clone(&found));
        found
    }
}

impl Parse for Pages {
    fn subresources(&mut self, loaded: &Loaded<'_>) -> Arc<[Subresource]> {
        if let Some(recorded) = &self.recorded {
            let mut url = loaded.url.clone();
            url.set_fragment(None);
            let is_page = loaded.destination == Destination::Document;
            return recorded
                .get(&url)
                .filter(|_| is_page)
                .map_or_else(|| Arc::from([]), Arc::clone);
        }
        let essence = loaded
            .headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let essence = essence
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        match loaded.destination {
            Destination::Document | Destination::Iframe | Destination::Object
                if essence.is_empty() || essence.contains("html") =>
            {
                self.page(loaded)
            }
            Destination::Style => self.style(loaded),
            // Modules are asked for with CORS, and so are few classic scripts: of those that are, imports are not seen.
            Destination::Script => self.script(loaded, ScriptKind::Module),
            Destination::Worker => self.script(loaded, ScriptKind::Classic),
            _ => Arc::from([]),
        }
    }
}

impl Key {
    fn of(loaded: &Loaded<'_>) -> Self {
        Self {
            url: loaded.url.clone(),
            body: loaded.body.clone(),
        }
    }
}

fn subresource(load: Load) -> Subresource {
    let destination = match load.destination {
        Found::Document => Destination::Document,
        Found::Frame => Destination::Iframe,
        Found::Object => Destination::Object,
        Found::Style => Destination::Style,
        Found::Script | Found::Module => Destination::Script,
        Found::Image => Destination::Image,
        Found::Font => Destination::Font,
        Found::Audio => Destination::Audio,
        Found::Video => Destination::Video,
        Found::Track => Destination::Track,
        Found::Manifest => Destination::Manifest,
        Found::Worker => Destination::Worker,
        Found::Json => Destination::Json,
        Found::Fetch => Destination::Fetch,
    };
    let mut found = Subresource::plain(load.url, destination);
    match load.cors {
        loads::Cors::No => {}
        loads::Cors::Anonymous => {
            found.cors = Cors::Yes;
            found.credentials = Credentials::SameOrigin;
        }
        loads::Cors::UseCredentials => {
            found.cors = Cors::Yes;
            found.credentials = Credentials::Include;
        }
    }
    found.in_phase(match load.occasion {
        Occasion::Preload => Phase::Preload,
        Occasion::Read | Occasion::Styled => Phase::Load,
        Occasion::Idle if destination == Destination::Fetch => Phase::Prefetch,
        Occasion::Idle => Phase::Load,
        Occasion::Scrolled | Occasion::Demand => Phase::OnDemand,
    })
}

fn memmem(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// Makes room when a memory is full: it only saves work.
fn bounded<K, V>(map: &mut HashMap<K, V>) {
    if map.len() >= REMEMBERED_MAX {
        map.clear();
    }
}

/// Texts of one kind that are remembered.
const REMEMBERED_MAX: usize = 4096;
/// URLs of other origins that are told.
const ELSEWHERE_MAX: usize = 1000;
