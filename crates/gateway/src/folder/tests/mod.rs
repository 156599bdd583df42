//! A folder in a temporary place, an overlay and a clock that the tests move.

mod conditions;
mod moving;
mod names;
mod overlaid;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http_body_util::BodyExt;
use revisit_rules::site::FileStamp;

use super::*;

/// A site of files, and the folder that serves it.
struct Site {
    place: tempfile::TempDir,
    stage: Arc<Stage>,
    folder: Folder,
}

/// What the folder's clock and overlay say, and what happens when they are asked.
struct Stage {
    now: Mutex<SystemTime>,
    layer: Mutex<Arc<Layer>>,
    refreshes: Mutex<u32>,
    on_now: Mutex<Hook>,
    on_refresh: Mutex<Hook>,
}

type Hook = Box<dyn FnMut() + Send>;

/// An answer with its body.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Result<Bytes, String>,
}

impl Site {
    /// These files, written an hour ago.
    fn new(files: &[(&str, &[u8])]) -> Self {
        Self::with(files, |_| {})
    }

    fn with(files: &[(&str, &[u8])], choose: impl FnOnce(&mut FolderOptions)) -> Self {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("site");
        std::fs::create_dir(&root).unwrap();
        for (name, content) in files {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let written = root.metadata().unwrap().modified().unwrap();
        let stage = Arc::new(Stage {
            now: Mutex::new(written + Duration::from_secs(3600)),
            layer: Mutex::default(),
            refreshes: Mutex::new(0),
            on_now: Mutex::new(Box::new(|| {})),
            on_refresh: Mutex::new(Box::new(|| {})),
        });
        let mut options = FolderOptions {
            settle: Duration::from_millis(5),
            ..FolderOptions::default()
        };
        choose(&mut options);
        let folder = Folder::open(&root, options, stage.clone(), stage.clone()).unwrap();
        Self {
            place,
            stage,
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join("site").join(name)
    }

    fn stamp(&self, name: &str) -> FileStamp {
        FileStamp::of(&self.path(name).metadata().unwrap())
    }

    /// The file as the overlay would know it.
    fn known(&self, name: &str, edits: &[(std::ops::Range<u64>, &'static str)]) -> Known {
        let edits = edits
            .iter()
            .map(|(range, insert)| Edit {
                range: range.clone(),
                insert: Bytes::from(*insert),
            })
            .collect();
        Known {
            stamp: self.stamp(name),
            sha256: None,
            edits,
            cache_control: None,
            content_type: None,
        }
    }

    async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[]).await
    }

    async fn ask(&self, method: &str, target: &str, fields: &[(&str, &str)]) -> Answer {
        let response = self.response(method, target, fields).await;
        let (parts, body) = response.into_parts();
        let body = match body.collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) => Err(error.to_string()),
        };
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    async fn response(&self, method: &str, target: &str, fields: &[(&str, &str)]) -> Response {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        self.folder
            .fetch(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(self.body.as_ref().unwrap()).unwrap()
    }
}

impl Stage {
    fn on_now(&self, hook: impl FnMut() + Send + 'static) {
        *self.on_now.lock().unwrap() = Box::new(hook);
    }

    fn on_refresh(&self, hook: impl FnMut() + Send + 'static) {
        *self.on_refresh.lock().unwrap() = Box::new(hook);
    }

    fn lay(&self, change: impl FnOnce(&mut Layer)) {
        let mut layer = self.layer.lock().unwrap();
        let mut next = Layer {
            generated: layer.generated.clone(),
            files: layer.files.clone(),
        };
        change(&mut next);
        *layer = Arc::new(next);
    }

    fn set_now(&self, now: SystemTime) {
        *self.now.lock().unwrap() = now;
    }

    fn refreshes(&self) -> u32 {
        *self.refreshes.lock().unwrap()
    }
}

impl Clock for Stage {
    fn now(&self) -> SystemTime {
        (self.on_now.lock().unwrap())();
        *self.now.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

impl Overlay for Stage {
    fn current(&self) -> Arc<Layer> {
        self.layer.lock().unwrap().clone()
    }

    fn refresh(&self) -> Pin<Box<dyn Future<Output = Arc<Layer>> + Send + '_>> {
        *self.refreshes.lock().unwrap() += 1;
        (self.on_refresh.lock().unwrap())();
        Box::pin(async { self.current() })
    }
}
