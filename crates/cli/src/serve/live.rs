//! The overlay of a folder that may change while it is served.
//!
//! Nothing watches the folder. The gateway asks for a new look when a file is not what the last
//! look saw, and whenever a browser asks for the worker: so the build id follows the folder, and
//! a look costs a walk and the files that changed.

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use http::header::CACHE_CONTROL;
use revisit_engine::Clock;
use revisit_gateway::folder::{Edit, Generated, Known, Layer, Overlay};
use revisit_generator::{
    Body, BuildConfig, BuildError, Memory, Options, Report, WorkerKind, plan, plan_dev,
    plan_uninstall,
};
use revisit_rules::site::names::Promise;
use tokio::sync::mpsc;

use super::retain::Retained;
use crate::terminal::{Bar, plain};

/// A folder and the overlay that its last look gave.
pub(crate) struct LiveSite {
    planner: Arc<Planner>,
    now: Mutex<Look>,
    /// How many looks were begun: who asks while one is under way needs the next.
    begun: AtomicU64,
    looking: tokio::sync::Mutex<()>,
    retained: Option<mpsc::Sender<Arc<Layer>>>,
}

/// What lies over the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The worker and all that belongs to it.
    Worker,
    /// The page client, and a worker that keeps nothing.
    Dev,
    /// A worker that removes itself, for browsers that have one.
    Nothing,
}

struct Planner {
    root: PathBuf,
    config: BuildConfig,
    over: Over,
    site_id: String,
    memory: Mutex<Memory>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Look {
    layer: Arc<Layer>,
    report: Report,
}

impl LiveSite {
    /// Takes the first look at the folder.
    pub(crate) async fn start(
        root: &Path,
        config: BuildConfig,
        over: Over,
        retained: Option<&Arc<Retained>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BuildError> {
        let planner = Arc::new(Planner {
            site_id: site_id(root),
            root: root.to_owned(),
            config,
            over,
            memory: Mutex::default(),
            clock,
        });
        let look = settled(&planner, &Layer::default()).await?;
        let retained = retained.map(Retained::keep_what_comes);
        retain(retained.as_ref(), &look.layer).await;
        Ok(Self {
            planner,
            now: Mutex::new(look),
            begun: AtomicU64::new(1),
            looking: tokio::sync::Mutex::new(()),
            retained,
        })
    }

    /// What the last look found.
    pub(crate) fn report(&self) -> Report {
        self.now().report.clone()
    }

    fn now(&self) -> MutexGuard<'_, Look> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Overlay for LiveSite {
    fn current(&self) -> Arc<Layer> {
        self.now().layer.clone()
    }

    fn refresh(&self) -> Pin<Box<dyn Future<Output = Arc<Layer>> + Send + '_>> {
        Box::pin(async {
            let begun = self.begun.load(Ordering::SeqCst);
            let _alone = self.looking.lock().await;
            if self.begun.load(Ordering::SeqCst) > begun {
                return self.current(); // a look began after this call and has ended
            }
            self.begun.fetch_add(1, Ordering::SeqCst);
            let before = self.current();
            match settled(&self.planner, &before).await {
                Ok(look) => {
                    retain(self.retained.as_ref(), &look.layer).await;
                    let mut now = self.now();
                    let (report, build) = (&look.report, &look.report.build);
                    if now.report.build != *build {
                        match report.worker {
                            WorkerKind::Precache => eprintln!(
                                "the folder changed: build {build} ({} files precached)",
                                report.precached_files
                            ),
                            WorkerKind::Appcache => eprintln!("the folder changed: build {build}"),
                        }
                    }
                    for (file, manifest) in untold(&now, &look) {
                        eprintln!(
                            "`{}` changed and `{}` did not: who was here keeps the old one, until any byte of the manifest changes",
                            plain(file),
                            plain(manifest)
                        );
                    }
                    *now = look;
                }
                // The last good state serves on.
                Err(error) => tracing::warn!(%error, "the folder changed and cannot be built"),
            }
            self.current()
        })
    }
}

/// Of each manifest that stayed as it was the first file that did not: no browser that has the cache will ask for it.
fn untold<'n>(before: &Look, now: &'n Look) -> Vec<(&'n str, &'n str)> {
    let is_same = |path: &str| {
        let (before, now) = (before.layer.files.get(path), now.layer.files.get(path));
        before.zip(now).is_none_or(|(before, now)| {
            before.stamp == now.stamp || (now.sha256.is_some() && before.sha256 == now.sha256)
        })
    };
    let caches = now.report.application_caches.iter();
    caches
        .filter(|cache| is_same(&cache.manifest))
        .filter_map(|cache| {
            let changed = cache.listed.iter().find(|file| !is_same(file))?;
            Some((&**changed, &*cache.manifest))
        })
        .collect()
}

/// Has kept what a look found, for when it goes.
async fn retain(retained: Option<&mpsc::Sender<Arc<Layer>>>, layer: &Arc<Layer>) {
    if let Some(retained) = retained {
        let _ = retained.send(layer.clone()).await; // its task ends with the process only
    }
}

/// Looks until no file that is new since `before` has changed just now: a file that is being
/// written is not yet seen.
async fn settled(planner: &Arc<Planner>, before: &Layer) -> Result<Look, BuildError> {
    let mut waited = Duration::ZERO;
    loop {
        // Before the look: a file may change again while the rest of the folder is read.
        let now = planner.clock.now();
        let worker = Arc::clone(planner);
        let look = match tokio::task::spawn_blocking(move || worker.look()).await {
            Ok(look) => look?,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let youngest = look
            .layer
            .files
            .iter()
            .filter_map(|(path, file)| {
                let before = before.files.get(path).map(|then| &then.stamp);
                let quiet = file.stamp.quiet_ns_after(before, now);
                let quiet = Duration::from_nanos(quiet.try_into().unwrap_or(u64::MAX));
                (before != Some(&file.stamp)).then_some(quiet)
            })
            .min()
            .unwrap_or(SETTLE);
        if youngest >= SETTLE || waited >= SETTLE_MAX {
            return Ok(look);
        }
        let pause = SETTLE - youngest;
        tokio::time::sleep(pause).await;
        waited += pause;
    }
}

impl Planner {
    fn look(&self) -> Result<Look, BuildError> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let options = Options {
            now: self.clock.now(),
            development: Some(&self.site_id),
            previous: None,
        };
        let (root, config) = (&self.root, &self.config);
        let overlay = match self.over {
            Over::Worker => plan(root, config, &options, &mut memory, &Bar::new()),
            Over::Dev => plan_dev(root, config, &options, &mut memory),
            Over::Nothing => plan_uninstall(root, config, true),
        }?;
        let worker = &self.config.worker.name;
        let generated: HashMap<String, Generated> = overlay
            .generated
            .into_iter()
            .filter_map(|(path, file)| {
                // of a build before there is nothing here: it was given none
                let Body::Bytes(body) = file.body else {
                    return None;
                };
                let generated = Generated {
                    sha256: revisit_generator::sha256(&body),
                    body,
                    headers: vec![(CACHE_CONTROL, lifetime(file.promise))],
                    follows_folder: path == *worker,
                };
                Some((path, generated))
            })
            .collect();
        let files = overlay
            .files
            .into_iter()
            .map(|(path, file)| {
                let edits = file.edits.into_iter().map(|edit| Edit {
                    range: edit.range,
                    insert: edit.insert,
                });
                let known = Known {
                    stamp: file.stamp,
                    sha256: file.sha256,
                    edits: edits.collect(),
                    cache_control: Some(lifetime(file.promise)),
                    content_type: file.media_type.map(HeaderValue::from_static),
                };
                (path, known)
            })
            .collect();
        Ok(Look {
            layer: Arc::new(Layer { generated, files }),
            report: overlay.report,
        })
    }
}

fn lifetime(promise: Promise) -> HeaderValue {
    HeaderValue::from_static(promise.cache_control())
}

/// Tells the caches of this folder's site from those of another folder that was served at the
/// same address before, without telling a page where the folder lies.
fn site_id(root: &Path) -> String {
    let real = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let hash = revisit_generator::sha256(real.as_os_str().as_encoded_bytes());
    hash[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the gateway waits for single files.
const SETTLE: Duration = Duration::from_millis(200);
const SETTLE_MAX: Duration = Duration::from_secs(5);
