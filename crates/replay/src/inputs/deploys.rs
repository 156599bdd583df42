//! Deploys: which version of a site is on the network now?

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::ETAG;
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

use super::{Folder, Har};
use crate::{Answer, Request, Server, UnknownVersion};

/// The versions of one site, of which one is deployed; or a recording.
#[derive(Debug)]
pub struct Deploys {
    origin: Option<Url>,
    versions: Vec<(String, Version)>,
    current: usize,
    /// What was sent under each URL and tag: by it a copy's content is known again, whatever tag the host's
    /// rules give it.
    sent: HashMap<(Url, Option<HeaderValue>), Arc<str>>,
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
            sent: HashMap::new(),
        }
    }

    /// All that a recording has.
    pub fn recorded(har: Har) -> Self {
        Self {
            origin: None,
            versions: vec![("recorded".to_owned(), Version::Har(Box::new(har)))],
            current: 0,
            sent: HashMap::new(),
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

    /// Is a copy of `url` that came with these fields another content than the deployed version has? `false` where
    /// that is not known.
    pub fn is_outdated(&mut self, url: &Url, headers: &HeaderMap) -> bool {
        let key = (url.clone(), headers.get(ETAG).cloned());
        let Some((sent, (_, Version::Folder(folder)))) =
            self.sent.get(&key).zip(self.versions.get_mut(self.current))
        else {
            return false;
        };
        folder
            .content_hash(url)
            .is_some_and(|current| current != *sent)
    }
}

/// Copies whose content is remembered.
const SENT_MAX: usize = 500_000;

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
            Version::Folder(folder) => {
                let response = folder.answer(request, now);
                if response.status == StatusCode::OK
                    && let Some(hash) = folder.content_hash(&request.url)
                {
                    let key = (request.url.clone(), response.headers.get(ETAG).cloned());
                    if self.sent.len() < SENT_MAX || self.sent.contains_key(&key) {
                        self.sent.insert(key, hash);
                    }
                }
                response
            }
            Version::Har(har) => match har.answer(request, now) {
                Some(response) => response,
                None => return Answer::NotRecorded,
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
