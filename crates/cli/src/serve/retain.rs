//! What earlier builds had, for those who still run them.
//!
//! A tab of an old build asks for a lazy chunk that the folder no longer has; a worker that is
//! installing an old build asks for its packs. Whatever has a content hash in its name is therefore
//! copied after every look, and stays answerable for a while after it went: files in a private
//! temporary folder that goes with the process, what the generator made in memory.
//!
//! Copies, not hard links: a link changes the original's change time, by which builds and this
//! server tell files apart, and a writer who truncates the original would truncate ours. Where the
//! file system can share blocks (Btrfs, XFS), the system's copy does.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use revisit_engine::Clock;
use revisit_gateway::folder::{Generated, Known, Layer};
use revisit_rules::site::FileStamp;
use revisit_rules::site::names::Promise;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Copies of what the builds of one folder had.
pub(crate) struct Retained {
    site: PathBuf,
    copies: TempDir,
    bounds: Bounds,
    clock: Arc<dyn Clock>,
    /// Held while copying; never by who answers.
    books: Mutex<Books>,
    answerable: Mutex<Answerable>,
    closed: AtomicBool,
}

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// From when a look first misses a thing until it is no longer answered.
    pub(super) time: Duration,
    /// Bytes of all copies, of what the folder still has and of what it had.
    pub(super) bytes_max: u64,
}

#[derive(Default)]
struct Books {
    things: BTreeMap<String, Thing>,
    bytes: u64,
    told_of_shortage: bool,
}

struct Thing {
    what: What,
    bytes: u64,
    /// When a look first missed it.
    gone: Option<Duration>,
}

enum What {
    /// A file: its stamp in the site, and what is known of our copy.
    Copy(FileStamp, Known),
    Generated(Generated),
}

#[derive(Default, Clone)]
struct Answerable {
    layer: Arc<Layer>,
    /// By path: until when, if that is decided.
    until: Arc<HashMap<String, Option<Duration>>>,
}

impl Retained {
    /// Nothing yet, of the site in `site`.
    pub(super) fn new(site: &Path, bounds: Bounds, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let mut folder = tempfile::Builder::new();
        folder.prefix("revisit-serve-");
        #[cfg(unix)]
        folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        Ok(Self {
            site: site.to_owned(),
            copies: folder.tempdir()?,
            bounds,
            clock,
            books: Mutex::default(),
            answerable: Mutex::default(),
            closed: AtomicBool::new(false),
        })
    }

    /// Keeps what each look found that is sent here, one after the other, aside of all answers.
    pub(super) fn keep_what_comes(self: &Arc<Self>) -> mpsc::Sender<Arc<Layer>> {
        let (sender, mut looks) = mpsc::channel::<Arc<Layer>>(LOOKS_WAITING_MAX);
        let retained = self.clone();
        tokio::spawn(async move {
            while let Some(layer) = looks.recv().await {
                let retained = retained.clone();
                if let Err(panic) = tokio::task::spawn_blocking(move || retained.keep(&layer)).await
                {
                    tracing::error!(%panic, "cannot keep files of earlier builds");
                }
            }
        });
        sender
    }

    /// Nobody will ask any more: no further file is copied.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// The folder of the copies.
    pub(super) fn folder(&self) -> &Path {
        self.copies.path()
    }

    /// What lies over [`Retained::folder`].
    pub(super) fn layer(&self) -> Arc<Layer> {
        lock(&self.answerable).layer.clone()
    }

    /// May this path still be answered? True also for what the site has.
    pub(super) fn has(&self, path: &str) -> bool {
        let until = lock(&self.answerable).until.get(path).copied();
        until.is_some_and(|until| until.is_none_or(|until| self.clock.elapsed() < until))
    }

    /// Notes what a look at the site found. Blocks while files are copied.
    pub(super) fn keep(&self, site: &Layer) {
        let now = self.clock.elapsed();
        let mut books = lock(&self.books);
        let books = &mut *books;
        for (path, thing) in &mut books.things {
            match thing.is_of(path, site) {
                true => thing.gone = None,
                false => _ = thing.gone.get_or_insert(now),
            }
        }
        let over = |thing: &Thing| {
            thing
                .gone
                .is_some_and(|gone| gone + self.bounds.time <= now)
        };
        let expired = books.things.iter().filter(|(_, thing)| over(thing));
        for path in expired.map(|(path, _)| path.clone()).collect::<Vec<_>>() {
            self.drop(books, &path);
        }
        let mut all_fit = true;
        for part in wanted(books, site) {
            all_fit &= self.take(books, site, part);
            // What was made is at hand; files are yet to be copied.
            *lock(&self.answerable) = books.answerable(self.bounds.time);
        }
        if !all_fit && !books.told_of_shortage {
            books.told_of_shortage = true;
            tracing::warn!(
                "this build does not fit into `[serve] retain_bytes_max`: after the next one, old tabs may miss files of it"
            );
        }
    }

    /// Takes what is wanted into the books; did all of it fit?
    fn take(&self, books: &mut Books, site: &Layer, wanted: Vec<(&str, u64)>) -> bool {
        let mut all_fit = true;
        for (path, bytes) in wanted {
            if self.closed.load(Ordering::Relaxed) {
                break;
            }
            if !self.make_room(books, bytes) {
                all_fit = false;
                continue;
            }
            self.drop(books, path); // of this name, but another state
            let what = match (site.generated.get(path), site.files.get(path)) {
                (Some(generated), _) => Some(What::Generated(generated.clone())),
                (None, Some(known)) => self.copied(path, known),
                (None, None) => None,
            };
            if let Some(what) = what {
                let gone = None;
                books.bytes += bytes;
                books
                    .things
                    .insert(path.to_owned(), Thing { what, bytes, gone });
            }
        }
        all_fit
    }

    /// Drops what went longest ago, until `bytes` more fit; but neither what the site has nor what
    /// went last, since its tabs are the likeliest to be open.
    fn make_room(&self, books: &mut Books, bytes: u64) -> bool {
        while books.bytes + bytes > self.bounds.bytes_max {
            let gone = || {
                let things = books.things.iter();
                things.filter_map(|(path, thing)| Some((thing.gone?, path)))
            };
            let last = gone().map(|(at, _)| at).max();
            let Some((_, oldest)) = gone().filter(|(at, _)| Some(*at) < last).min() else {
                return false;
            };
            let oldest = oldest.clone();
            self.drop(books, &oldest);
        }
        true
    }

    fn drop(&self, books: &mut Books, path: &str) {
        let Some(thing) = books.things.remove(path) else {
            return;
        };
        books.bytes -= thing.bytes;
        if matches!(thing.what, What::Copy(..)) {
            let _ = fs::remove_file(self.copies.path().join(path));
        }
    }

    /// Copies a file in the state that is known; `None` if it is in another by now.
    fn copied(&self, path: &str, known: &Known) -> Option<What> {
        let to = self.copies.path().join(path);
        match copy(&self.site.join(path), &to, &known.stamp) {
            Ok(Some(stamp)) => {
                let copy = Known {
                    stamp,
                    ..known.clone()
                };
                return Some(What::Copy(known.stamp, copy));
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(path, %error, "cannot keep a copy"),
        }
        let _ = fs::remove_file(to);
        None
    }
}

impl Thing {
    /// Does the site still have it, in this state?
    fn is_of(&self, path: &str, site: &Layer) -> bool {
        match &self.what {
            What::Generated(_) => site.generated.contains_key(path),
            What::Copy(stamp, _) => site
                .files
                .get(path)
                .is_some_and(|known| known.stamp == *stamp),
        }
    }
}

impl Books {
    fn answerable(&self, time: Duration) -> Answerable {
        let mut layer = Layer::default();
        let mut until = HashMap::new();
        for (path, thing) in &self.things {
            until.insert(path.clone(), thing.gone.map(|gone| gone + time));
            match &thing.what {
                What::Generated(generated) => {
                    layer.generated.insert(path.clone(), generated.clone());
                }
                What::Copy(_, known) => {
                    layer.files.insert(path.clone(), known.clone());
                }
            }
        }
        Answerable {
            layer: Arc::new(layer),
            until: Arc::new(until),
        }
    }
}

/// What has a content hash in its name and is not yet kept, with its bytes, smaller before larger:
/// what the generator made, and files.
fn wanted<'a>(books: &Books, site: &'a Layer) -> [Vec<(&'a str, u64)>; 2] {
    let made = site
        .generated
        .iter()
        .filter(|(_, made)| !made.follows_folder)
        .map(|(path, made)| (&**path, made.body.len() as u64));
    let files = site
        .files
        .iter()
        .filter(|(path, _)| !site.generated.contains_key(*path))
        .filter(|(_, known)| known.cache_control.as_ref().is_some_and(|v| v == FOR_GOOD))
        .map(|(path, known)| (&**path, known.stamp.size));
    let missing = |(path, _): &(&str, u64)| {
        let thing = books.things.get(*path);
        !thing.is_some_and(|thing| thing.is_of(path, site))
    };
    let mut parts = [
        made.filter(missing).collect::<Vec<_>>(),
        files.filter(missing).collect(),
    ];
    for part in &mut parts {
        part.sort_unstable_by_key(|(path, bytes)| (*bytes, *path));
    }
    parts
}

/// Copies `from` to `to`, and gives the copy's stamp; nothing if `from` is not in the state `stamp`,
/// before and after. Nobody is told of a copy before it is whole.
fn copy(from: &Path, to: &Path, stamp: &FileStamp) -> io::Result<Option<FileStamp>> {
    let mut source = File::open(from)?;
    let metadata = source.metadata()?;
    if FileStamp::of(&metadata) != *stamp {
        return Ok(None);
    }
    let mut copy = match File::create(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(to.parent().unwrap_or(to))?;
            File::create(to)?
        }
        created => created?,
    };
    io::copy(&mut source, &mut copy)?;
    if FileStamp::of(&source.metadata()?) != *stamp {
        return Ok(None);
    }
    copy.set_modified(metadata.modified()?)?; // the `Last-Modified` of the copy
    Ok(Some(FileStamp::of(&copy.metadata()?)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A look that finds the queue full waits for its turn.
const LOOKS_WAITING_MAX: usize = 4;
const FOR_GOOD: &str = Promise::ContentHash.cache_control();

#[cfg(test)]
mod tests;
