//! Answers from earlier builds, where the folder has nothing.
//!
//! What the folder has is never answered from here, and neither is anything but a thing with a
//! content hash in its name ([`Retained`] knows which, and for how long).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Method, StatusCode};
use revisit_engine::{Body, Clock, Fetch, FetchError, Request, Response};
use revisit_gateway::folder::{Layer, Overlay};
use revisit_gateway::{Folder, FolderOptions, OpenFolderError};
use revisit_rules::site::route;

use super::retain::Retained;

/// Answers for a site, and for what it had a while ago.
pub(crate) struct EarlierBuilds<F> {
    site: F,
    overlay: Arc<dyn Overlay>,
    /// None: nothing is retained.
    earlier: Option<Earlier>,
    base: String,
}

struct Earlier {
    retained: Arc<Retained>,
    folder: Folder,
}

impl<F: Fetch> EarlierBuilds<F> {
    /// Stands before `site`, over which `overlay` lies.
    pub(super) fn behind(
        site: F,
        overlay: Arc<dyn Overlay>,
        retained: Option<Arc<Retained>>,
        options: FolderOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenFolderError> {
        let base = options.base.clone();
        let open = |retained: Arc<Retained>| {
            let copies = Arc::new(Copies(retained.clone()));
            let folder = Folder::open(retained.folder(), options, copies, clock)?;
            Ok(Earlier { retained, folder })
        };
        Ok(Self {
            site,
            overlay,
            earlier: retained.map(open).transpose()?,
            base,
        })
    }

    /// The file that a request means, if an earlier build may have to answer for it. A content hash
    /// is asked for by its very name: no clean URL leads to one.
    fn meant<'a>(&'a self, request: &Request) -> Option<(&'a Earlier, String)> {
        let earlier = self.earlier.as_ref()?;
        if *request.method() != Method::GET && *request.method() != Method::HEAD {
            return None;
        }
        let file = route::decode(request.uri().path().strip_prefix(&*self.base)?)?;
        earlier.retained.has(&file).then_some((earlier, file))
    }
}

impl<F: Fetch> Fetch for EarlierBuilds<F> {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let Some((earlier, file)) = self.meant(&request) else {
            return self.site.fetch(request).await;
        };
        let (parts, body) = request.into_parts();
        let again = Request::from_parts(parts.clone(), Body::empty());
        let response = self.site.fetch(Request::from_parts(parts, body)).await?;
        if response.status() != StatusCode::NOT_FOUND {
            return Ok(response);
        }
        // From the first look that misses it on its time runs.
        if self.overlay.current().files.contains_key(&file) {
            self.overlay.refresh().await;
        }
        if !earlier.retained.has(&file) {
            return Ok(response);
        }
        let kept = earlier.folder.fetch(again).await?;
        Ok(match kept.status() {
            StatusCode::NOT_FOUND => response,
            _ => kept,
        })
    }
}

/// Lies over the folder of the copies.
struct Copies(Arc<Retained>);

impl Overlay for Copies {
    fn current(&self) -> Arc<Layer> {
        self.0.layer()
    }

    fn refresh(&self) -> Pin<Box<dyn Future<Output = Arc<Layer>> + Send + '_>> {
        Box::pin(async { self.0.layer() })
    }
}
