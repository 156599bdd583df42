//! The localhost trap: a worker that one project left in the browser answers for the next
//! project on the same port.
//!
//! A browser keeps asking for the worker's file under the name that the old project gave it.
//! Where this site has no such file, the answer is a worker that removes itself, and the pages
//! that it had caught are loaded anew.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use revisit_engine::{Body, Fetch, FetchError, Request, Response};

use crate::failure::Failure;

/// Answers for a site, and sees off workers that it does not know.
pub(crate) struct WorkerTrap<F> {
    site: F,
    uninstaller: String,
}

impl<F: Fetch> WorkerTrap<F> {
    /// Stands before `site`.
    pub(crate) fn before(site: F) -> Result<Self, Failure> {
        Ok(Self {
            site,
            uninstaller: revisit_generator::uninstaller(true)?,
        })
    }
}

impl<F: Fetch> Fetch for WorkerTrap<F> {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        // Sent with every request for a worker's script, and with no other
        // (Service Workers, "Update", step 8.6).
        let for_worker = *request.method() == Method::GET
            && request
                .headers()
                .get("service-worker")
                .is_some_and(|v| v == "script");
        let response = self.site.fetch(request).await?;
        if !for_worker || response.status() != StatusCode::NOT_FOUND {
            return Ok(response);
        }
        let mut response = Response::new(Body::from(self.uninstaller.clone()));
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/javascript; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Ok(response)
    }
}
