//! A folder of files as a [`Fetch`]: which file answers, in which state, with what header.
//!
//! The way of a request: `target` (which names) → the overlay's generated files, or `fresh` (the
//! disk, settled; through `look` and `confined`) → `answer` (status, header, which bytes) →
//! `splice` and `stream` (the bytes). Over the folder lies an [`Overlay`].

mod answer;
mod confined;
mod fresh;
mod look;
mod media_type;
mod open;
mod overlay;
mod refuse;
mod splice;
mod stream;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, StatusCode};
use revisit_engine::{Body, Clock, Fetch, FetchError, Request, Response};
use revisit_rules::http::precondition::Validators;
use revisit_rules::site::route::Candidate;

use answer::{Asking, Plan, Representation};
use fresh::{Found, blocking};
use look::{Trouble, Wish};
use splice::Splice;
use stream::FileBody;
use target::Target;

pub use open::{FolderOptions, OpenFolderError};
pub use overlay::{Bare, Edit, Generated, Known, Layer, Overlay};

/// A folder that answers requests for its files, and for what lies over it.
pub struct Folder {
    root: Arc<PathBuf>,
    options: FolderOptions,
    overlay: Arc<dyn Overlay>,
    clock: Arc<dyn Clock>,
}

impl Fetch for Folder {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let (parts, _) = request.into_parts();
        let target = target::read(&parts.uri, &self.options.base);
        let files = match (parts.method, target) {
            (_, Target::NoPath) => return Ok(refuse::no_path()),
            (Method::OPTIONS, _) => return Ok(refuse::options()),
            (method, _) if method != Method::GET && method != Method::HEAD => {
                return Ok(refuse::method());
            }
            (_, Target::Elsewhere(path)) => {
                let location = target::with_query(path, parts.uri.query());
                return Ok(refuse::redirect(StatusCode::FOUND, &location));
            }
            (method, Target::Files(candidates)) => (method, candidates),
            (method, Target::Nothing) => (method, Vec::new()),
        };
        let (method, candidates) = files;
        let asking = Asking::new(&method, parts.headers, self.clock.now());
        match self.answer(&asking, candidates, parts.uri.query()).await {
            Ok(Some(response)) => Ok(response),
            Ok(None) => Ok(self.not_found(&asking).await),
            Err(trouble) => refuse::trouble(trouble, parts.uri.path(), asking.head_only),
        }
    }
}

/// What answers, of all that may.
enum Source {
    Generated(String, Generated),
    Disk(Found),
    /// The page of a folder that was asked for without its slash.
    AddSlash(String),
}

impl Folder {
    /// The answer from the first of `candidates` that is there.
    async fn answer(
        &self,
        asking: &Asking,
        candidates: Vec<Candidate>,
        query: Option<&str>,
    ) -> Result<Option<Response>, Trouble> {
        for _ in 0..READ_TRIES {
            match self.source(asking, &candidates).await? {
                None => return Ok(None),
                Some(Source::AddSlash(page)) => {
                    let location = target::location(&self.options.base, &page, query);
                    return Ok(Some(refuse::redirect(
                        StatusCode::MOVED_PERMANENTLY,
                        &location,
                    )));
                }
                Some(Source::Generated(name, generated)) => {
                    return Ok(Some(self.answer_generated(asking, &name, &generated)));
                }
                Some(Source::Disk(found)) => match self.answer_found(asking, found).await? {
                    // It changed while it was read.
                    None => {}
                    response => return Ok(response),
                },
            }
        }
        Err(Trouble::Moving)
    }

    /// The first of `candidates` that is there.
    ///
    /// What is generated stands before the same name on disk, but not before an earlier name: the
    /// order must be that of a folder into which all of it was written.
    async fn source(
        &self,
        asking: &Asking,
        candidates: &[Candidate],
    ) -> Result<Option<Source>, Trouble> {
        let mut layer = self.overlay.current();
        let follows_folder = |candidate| match layer.generated.get(name_of(candidate)) {
            Some(generated) => generated.follows_folder,
            None => false,
        };
        if candidates.iter().any(follows_folder) {
            layer = self.overlay.refresh().await;
        }
        let is_generated = |candidate| layer.generated.contains_key(name_of(candidate));
        let before = candidates
            .iter()
            .position(is_generated)
            .unwrap_or(candidates.len());
        let names: Vec<String> = candidates[..before]
            .iter()
            .map(|candidate| name_of(candidate).to_owned())
            .collect();
        let wish = Wish {
            // With conditions the answer will most likely be 304, and needs no byte.
            content_bytes_max: (!asking.head_only && asking.conditions.is_empty())
                .then_some(self.options.body_in_memory_bytes_max),
        };
        if !names.is_empty()
            && let Some(found) = self.find(&layer, &names, wish).await?
        {
            let page = Candidate::AddSlash(found.look.name.clone());
            return Ok(Some(match candidates.contains(&page) {
                true => Source::AddSlash(found.look.name),
                false => Source::Disk(found),
            }));
        }
        Ok(match candidates.get(before) {
            None => None,
            Some(Candidate::AddSlash(page)) => Some(Source::AddSlash(page.clone())),
            Some(Candidate::Serve(name)) => {
                let generated = layer.generated.get(name).cloned();
                generated.map(|generated| Source::Generated(name.clone(), generated))
            }
        })
    }

    fn answer_generated(&self, asking: &Asking, name: &str, generated: &Generated) -> Response {
        let body = &generated.body;
        let mut headers = answer::file_headers(media_type::of(name, body), None);
        for (name, _) in &generated.headers {
            headers.remove(name);
        }
        for (name, value) in &generated.headers {
            headers.append(name, value.clone());
        }
        let etag = answer::tag_of_hash(&generated.sha256);
        let representation = Representation {
            length: body.len() as u64,
            validators: Validators {
                etag,
                last_modified: None,
            },
            headers,
        };
        let mut plan = answer::plan(asking, representation, self.clock.now());
        let body = plan.wanted.take().map_or_else(Body::empty, |wanted| {
            let cut = Splice::given(body.clone()).cut(wanted);
            cut.of(&Bytes::new()).into()
        });
        send(plan, body)
    }

    /// The answer from a file on disk; `None` if it changed while it was read.
    async fn answer_found(
        &self,
        asking: &Asking,
        found: Found,
    ) -> Result<Option<Response>, Trouble> {
        let now = self.clock.now();
        let known = found.known();
        let look = &found.look;
        let edits = known.map_or(&[][..], |known| &known.edits);
        let (splice, edits, hash) = match Splice::new(look.stamp.size, edits) {
            Ok(splice) => (splice, edits, known.and_then(|known| known.sha256)),
            Err(misfit) => {
                tracing::error!(file = look.name, %misfit, "the overlay's edits do not fit");
                (Splice::whole(look.stamp.size), &[][..], None)
            }
        };
        let cache_control = known.and_then(|known| known.cache_control.as_ref());
        let content_type = known
            .and_then(|known| known.content_type.clone())
            .unwrap_or_else(|| media_type::of(&look.name, &look.head));
        let representation = Representation {
            length: splice.length(),
            validators: Validators {
                etag: match hash {
                    Some(hash) => answer::tag_of_hash(&hash),
                    None => answer::tag_of_stamp(&look.stamp, edits, found.settled),
                },
                last_modified: answer::last_modified(&look.stamp, edits, now),
            },
            headers: answer::file_headers(content_type, cache_control),
        };
        let mut plan = answer::plan(asking, representation, now);
        let Some(wanted) = plan.wanted.take() else {
            return Ok(Some(send(plan, Body::empty())));
        };
        let splice = splice.cut(wanted);
        if look.stamp.size > self.options.body_in_memory_bytes_max {
            let body = FileBody::new(look.file.clone(), look.stamp, splice);
            return Ok(Some(send(plan, Body::stream(body))));
        }
        let Some(content) = content(&found).await? else {
            return Ok(None);
        };
        Ok(Some(send(plan, splice.of(&content).into())))
    }

    /// 404, with the site's own page if it has one. The answer is `no-cache`: the file may be
    /// there a moment later, and the page may be kept as long as it is asked for each time.
    async fn not_found(&self, asking: &Asking) -> Response {
        let page = vec![Candidate::Serve(self.options.not_found_page.clone())];
        let own = match self.answer(&asking.without_conditions(), page, None).await {
            Ok(own) => own,
            Err(trouble) => {
                tracing::warn!(
                    ?trouble,
                    "cannot read the site's page for what is not there"
                );
                None
            }
        };
        let Some(mut response) = own else {
            return refuse::not_found(asking.head_only);
        };
        *response.status_mut() = StatusCode::NOT_FOUND;
        let headers = response.headers_mut();
        for name in [
            http::header::ETAG,
            http::header::LAST_MODIFIED,
            http::header::ACCEPT_RANGES,
        ] {
            headers.remove(name);
        }
        headers.insert(CACHE_CONTROL, answer::NO_CACHE);
        debug_assert!(headers.contains_key(CONTENT_TYPE));
        response
    }
}

/// All bytes of a small file; `None` if it changed while it was read.
async fn content(found: &Found) -> Result<Option<Bytes>, Trouble> {
    if let Some(content) = &found.look.content {
        return Ok(Some(content.clone()));
    }
    let (file, stamp) = (found.look.file.clone(), found.look.stamp);
    blocking(move || look::read_whole(&file, &stamp)).await
}

fn send(plan: Plan, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = plan.status;
    *response.headers_mut() = plan.headers;
    response
}

fn name_of(candidate: &Candidate) -> &str {
    match candidate {
        Candidate::Serve(name) | Candidate::AddSlash(name) => name,
    }
}

/// How often a file is read anew that changes while it is read.
const READ_TRIES: usize = 3;

#[cfg(test)]
mod tests;
