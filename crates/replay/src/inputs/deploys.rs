//! Deploys: which version of a site is on the network now?

use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use url::Url;

use super::{Folder, Har};
use crate::{Answer, Request, Response, Server, UnknownVersion};

/// The versions of one site, of which one is deployed; or a recording.
#[derive(Debug)]
pub struct Deploys {
    origin: Option<Url>,
    versions: Vec<(String, Version)>,
    current: usize,
}

#[derive(Debug)]
enum Version {
    Folder(Box<Folder>),
    Har(Box<Har>),
}

impl Deploys {
    /// A site at `origin`; other origins are not on this network.
    pub fn of(name: &str, first: Folder, origin: Url) -> Self {
        Self {
            origin: Some(origin),
            versions: vec![(name.to_owned(), Version::Folder(Box::new(first)))],
            current: 0,
        }
    }

    /// All that a recording has.
    pub fn recorded(har: Har) -> Self {
        Self {
            origin: None,
            versions: vec![("recorded".to_owned(), Version::Har(Box::new(har)))],
            current: 0,
        }
    }

    /// Adds a version that is deployed later.
    pub fn and(mut self, name: &str, folder: Folder) -> Self {
        self.versions
            .push((name.to_owned(), Version::Folder(Box::new(folder))));
        self
    }

    /// How many versions there are.
    pub fn count(&self) -> usize {
        self.versions.len()
    }

    /// The `ETag` that the deployed version has for `url`, by which is seen whether a copy is out of date.
    pub fn current_tag(&mut self, url: &Url) -> Option<String> {
        match &mut self.versions.get_mut(self.current)?.1 {
            Version::Folder(folder) => folder.tag(url),
            Version::Har(_) => None,
        }
    }
}

impl Server for Deploys {
    fn answer(&mut self, request: &Request, now: SystemTime) -> Answer {
        let elsewhere = self
            .origin
            .as_ref()
            .is_some_and(|origin| origin.origin() != request.url.origin());
        let Some((_, version)) = self.versions.get_mut(self.current).filter(|_| !elsewhere) else {
            return Answer::Unreachable;
        };
        Answer::Response(match version {
            Version::Folder(folder) => folder.answer(request, now),
            Version::Har(har) => match har.answer(request, now) {
                Some(response) => response,
                // What was not recorded is not known: a page in the recording does not ask for it.
                None => Response::new(StatusCode::NOT_FOUND, Bytes::new()),
            },
        })
    }

    fn deploy(&mut self, version: &str) -> Result<(), UnknownVersion> {
        match self.versions.iter().position(|(name, _)| name == version) {
            Some(place) => {
                self.current = place;
                Ok(())
            }
            None => Err(UnknownVersion {
                version: version.to_owned(),
                known: self
                    .versions
                    .iter()
                    .map(|(name, _)| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }
}
