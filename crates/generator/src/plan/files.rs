//! What the files of a site say, read in parallel and only if they changed since the last plan.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use revisit_references as references;
use revisit_rules::site::{FileStamp, media};

use super::{Planner, Stop, warnings::forbids_tag};
use crate::address::Addresses;
use crate::client_tag::{self, Tag};
use crate::content_hash::{Hasher, Sha256, sha256};
use crate::import_scripts::{self, ImportedScript};
use crate::memory::{FileFacts, Memory, PackKey, PageFacts};
use crate::overlay::{SiteFile, edited};
use crate::packs::{Batch, Pack, pack};
use crate::select::{Group, Selection};
use crate::shell::{References, Shell, file_of, worker_urls};
use crate::walk::Walk;
use crate::{BuildError, parallel};

impl Planner<'_> {
    /// Where the tag goes in every page, and the hash of what then is served.
    pub(super) fn pages(
        &self,
        walk: &Walk,
        tag: Option<&Tag>,
        memory: &mut Memory,
    ) -> Result<HashMap<String, PageFacts>, Stop> {
        let shimmed = matches!(tag, Some(Tag::Shim { .. }));
        if memory.shimmed != shimmed {
            memory.pages.clear();
            memory.shimmed = shimmed;
        }
        let pages: Vec<_> = walk
            .files
            .iter()
            .filter(|found| media::is_html(&found.path))
            .collect();
        let facts = parallel::each(
            &pages,
            &|done| self.progress.step("pages", done, pages.len()),
            |found| {
                if let Some((then, facts)) = memory.pages.get(&found.path)
                    && *then == found.stamp
                {
                    return Ok(facts.clone());
                }
                let bytes = self.read(&found.path, found.stamp)?;
                let page = references::frame(&bytes);
                let (mut edits, marker) = match tag {
                    Some(tag) => tag.put(&page, &bytes, &self.config.site.base),
                    None => (client_tag::edits(&page, None), None),
                };
                let served = edited(&bytes, &edits);
                if served == bytes {
                    edits.clear(); // the tag is there already, from a build in place
                }
                Ok::<_, Stop>(PageFacts {
                    sha256: sha256(&served),
                    size: served.len() as u64,
                    utf8: std::str::from_utf8(&served).is_ok(),
                    tag_forbidden: (tag.zip(page.csp.as_deref()))
                        .is_some_and(|(tag, policy)| forbids_tag(policy, tag)),
                    marker,
                    appcache: page
                        .root_attribute(&self.config.appcache.attribute)
                        .map(str::to_owned),
                    edits,
                    head: Arc::new(loads(page)),
                })
            },
        )?;
        memory.pages = pages
            .iter()
            .zip(&facts)
            .filter(|(found, _)| self.trusted(found.stamp))
            .map(|(found, facts)| (found.path.clone(), (found.stamp, facts.clone())))
            .collect();
        Ok(pages
            .iter()
            .map(|found| found.path.clone())
            .zip(facts)
            .collect())
    }

    /// What the worker imports, and in which state the files among it are.
    pub(super) fn imported_scripts(
        &self,
        stamps: &HashMap<&str, FileStamp>,
    ) -> Result<Vec<ImportedScript>, Stop> {
        let known: HashSet<&str> = stamps.keys().copied().collect();
        let mut scripts = Vec::new();
        for url in &self.config.worker.import_scripts {
            let file = import_scripts::file_of(url, &self.config.site.base, &known)?;
            let bytes = file
                .map(|file| self.read(&file, stamps[&*file]))
                .transpose()?;
            scripts.push(ImportedScript {
                url: url.clone(),
                sha256: bytes.map(|bytes| sha256(&bytes)),
            });
        }
        Ok(scripts)
    }

    /// What the scripts say that are kept ahead of time.
    pub(super) fn scripts<'s>(
        &self,
        selection: &'s Selection,
        stamps: &HashMap<&str, FileStamp>,
        memory: &Memory,
    ) -> Result<HashMap<&'s str, FileFacts>, Stop> {
        let scripts: Vec<&str> = selection
            .chosen
            .iter()
            .filter(|(path, group)| **group != Group::Lazy && is_script(path))
            .map(|(path, _)| &**path)
            .collect();
        let facts = parallel::each(
            &scripts,
            &|done| self.progress.step("scripts", done, scripts.len()),
            |path| {
                let stamp = stamps[path];
                if let Some((then, facts)) = memory.files.get(*path)
                    && *then == stamp
                    && facts.workers.is_some()
                {
                    return Ok(facts.clone());
                }
                let bytes = self.read(path, stamp)?;
                Ok::<_, Stop>(FileFacts {
                    sha256: sha256(&bytes),
                    workers: Some(match memchr::memmem::find(&bytes, b"Worker") {
                        Some(_) => worker_urls(&bytes),
                        None => Vec::new(),
                    }),
                })
            },
        )?;
        Ok(scripts.into_iter().zip(facts).collect())
    }

    /// Scripts that run as workers, in the shell and outside it.
    pub(super) fn workers(
        &self,
        scripts: &HashMap<&str, FileFacts>,
        selection: &Selection,
        shell: &Shell,
        addresses: &Addresses<'_>,
    ) -> HashSet<String> {
        let started = scripts.iter().flat_map(|(path, facts)| {
            let urls = facts.workers.iter().flatten();
            urls.filter_map(|url| file_of(path, url, addresses))
        });
        let workers = shell.workers.iter().cloned().chain(started);
        workers
            .filter(|path| selection.chosen.contains_key(path))
            .collect()
    }

    /// The hashes of the chosen files, as they are served; what `scripts` knows is not read again.
    /// What changed since the last plan is read in parts of [`HASHED_BYTES`], however large it is.
    pub(super) fn hashes<'s>(
        &self,
        selection: &'s Selection,
        pages: &'s HashMap<String, PageFacts>,
        mut scripts: HashMap<&'s str, FileFacts>,
        stamps: &HashMap<&str, FileStamp>,
        memory: &mut Memory,
    ) -> Result<HashMap<&'s str, Sha256>, Stop> {
        let others: Vec<&str> = selection
            .chosen
            .keys()
            .map(|path| &**path)
            .filter(|path| !pages.contains_key(*path) && !scripts.contains_key(path))
            .collect();
        let facts = parallel::each(
            &others,
            &|done| self.progress.step("files", done, others.len()),
            |path| match memory.files.get(*path) {
                Some((then, facts)) if *then == stamps[path] => Ok(facts.clone()),
                _ => Ok::<_, Stop>(FileFacts {
                    sha256: self.hash(path, stamps[path])?,
                    workers: None,
                }),
            },
        )?;
        scripts.extend(others.into_iter().zip(facts));
        let of_pages = pages.iter().map(|(path, facts)| (&**path, facts.sha256));
        let of_others = selection.chosen.keys().filter_map(|path| {
            let facts = scripts.get(&**path)?;
            Some((&**path, facts.sha256))
        });
        let hashes = of_others.chain(of_pages).collect();
        memory.files = scripts
            .into_iter()
            .map(|(path, facts)| (path.to_owned(), (stamps[path], facts)))
            .filter(|(_, (stamp, _))| self.trusted(*stamp))
            .collect();
        Ok(hashes)
    }

    /// Makes the packs of these batches. `hashes` knows their files.
    pub(super) fn packs(
        &self,
        batches: Vec<Batch>,
        stamps: &HashMap<&str, FileStamp>,
        pages: &HashMap<String, PageFacts>,
        hashes: &HashMap<&str, Sha256>,
        memory: &mut Memory,
    ) -> Result<Vec<Arc<Pack>>, Stop> {
        let keys: Vec<PackKey> = batches
            .into_iter()
            .map(|batch| {
                let stamps = batch.files.iter().map(|file| stamps[&**file]).collect();
                (batch, stamps)
            })
            .collect();
        let total: usize = keys.iter().map(|(batch, _)| batch.files.len()).sum();
        let packed = Mutex::new(0);
        let packs = parallel::each(&keys, &|_| (), |key| {
            if let Some(pack) = memory.packs.get(key) {
                return Ok(Arc::clone(pack));
            }
            let (batch, stamps) = key;
            let bytes: u64 = stamps.iter().map(|stamp| stamp.size + 1).sum();
            let mut whole = Vec::with_capacity(bytes as usize);
            let mut facts = Vec::with_capacity(batch.files.len());
            for (file, stamp) in batch.files.iter().zip(stamps) {
                let start = whole.len();
                self.read_behind(&mut whole, file, *stamp)?;
                if let Some(page) = pages.get(file).filter(|page| !page.edits.is_empty()) {
                    let served = edited(&whole[start..], &page.edits);
                    whole.truncate(start);
                    whole.extend_from_slice(&served);
                }
                let body = &whole[start..];
                // What changed in the tick of a clock since it was hashed has the stamp that it had.
                if !self.trusted(*stamp) && sha256(body) != hashes[&**file] {
                    return Err(Stop::Changed { file: file.clone() });
                }
                facts.push((body.len() as u64, hashes[&**file]));
            }
            let mut pack = pack(batch, whole, &facts, self.options.development.is_some());
            if let Some(spill) = &memory.spill {
                pack.wire = spill.put(pack.wire);
            }
            if let Ok(mut packed) = packed.lock() {
                *packed += batch.files.len();
                self.progress.step("packs", *packed, total);
            }
            Ok::<_, Stop>(Arc::new(pack))
        })?;
        memory.packs = keys
            .into_iter()
            .zip(packs.iter().cloned())
            .filter(|((_, stamps), _)| stamps.iter().all(|stamp| self.trusted(*stamp)))
            .collect();
        Ok(packs)
    }

    pub(super) fn files(
        &self,
        walk: &Walk,
        pages: &HashMap<String, PageFacts>,
        hashes: &HashMap<&str, Sha256>,
    ) -> BTreeMap<String, SiteFile> {
        // One by one: collecting would hold them all twice more while it sorts.
        let mut files = BTreeMap::new();
        for found in &walk.files {
            let page = pages.get(&found.path);
            let file = SiteFile {
                stamp: found.stamp,
                sha256: page
                    .map(|facts| facts.sha256)
                    .or_else(|| hashes.get(&*found.path).copied()),
                edits: page.map(|facts| facts.edits.clone()).unwrap_or_default(),
                promise: self.parsed.names.promise(&found.path),
                media_type: None,
                utf8: page.is_some_and(|facts| facts.utf8),
                marker: page.and_then(|facts| facts.marker.clone()),
                appcache: page.and_then(|facts| facts.appcache.clone()),
                head: page.map(|facts| facts.head.clone()).unwrap_or_default(),
            };
            files.insert(found.path.clone(), file);
        }
        files
    }

    /// A file's bytes, if it still is what the walk saw.
    pub(super) fn read(&self, path: &str, stamp: FileStamp) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::with_capacity(stamp.size as usize + 1);
        self.read_behind(&mut bytes, path, stamp)?;
        Ok(bytes)
    }

    /// [`Self::read`], to the end of what is there.
    fn read_behind(&self, bytes: &mut Vec<u8>, path: &str, stamp: FileStamp) -> Result<(), Stop> {
        self.look_into(path, stamp, |file| {
            file.read_to_end(bytes).map(|read| read as u64)
        })
    }

    fn hash(&self, path: &str, stamp: FileStamp) -> Result<Sha256, Stop> {
        let mut hasher = Hasher::default();
        let mut part = vec![0; HASHED_BYTES.min(stamp.size as usize + 1)];
        self.look_into(path, stamp, |file| {
            let mut total = 0;
            loop {
                let read = match file.read(&mut part) {
                    Ok(0) => return Ok(total),
                    Ok(read) => read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                };
                hasher.update(&part[..read]);
                total += read as u64;
            }
        })?;
        Ok(hasher.finish())
    }

    /// Has `take` read a file to its end; it says how many bytes these were. Fails if the file
    /// is not what the walk saw.
    fn look_into(
        &self,
        path: &str,
        stamp: FileStamp,
        take: impl FnOnce(&mut File) -> io::Result<u64>,
    ) -> Result<(), Stop> {
        let full = self.parsed.prefixes.locate(self.root, path);
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => Stop::Changed {
                file: path.to_owned(),
            },
            _ => Stop::Error(BuildError::Read {
                path: full.clone(),
                source,
            }),
        };
        let mut file = File::open(&full).map_err(failed)?;
        let size = take(&mut file).map_err(failed)?;
        let now = FileStamp::of(&file.metadata().map_err(failed)?);
        if now == stamp && size == stamp.size {
            Ok(())
        } else {
            Err(Stop::Changed {
                file: path.to_owned(),
            })
        }
    }

    pub(super) fn trusted(&self, stamp: FileStamp) -> bool {
        trusted(stamp, self.options.now)
    }
}

/// What a page loads by itself.
fn loads(page: references::Page) -> References {
    let mut list = page.references;
    list.retain(|reference| reference.when == references::When::Load);
    References {
        list,
        base: page.base,
    }
}

pub(super) fn is_script(path: &str) -> bool {
    path.ends_with(".js") || path.ends_with(".mjs")
}

/// Would a change since `now`, when the file had this stamp already, show in its stamp?
///
/// Only when the stamp is older than the coarsest clock of a common file system.
pub(crate) fn trusted(stamp: FileStamp, now: SystemTime) -> bool {
    stamp.quiet_ns(now) > TRUSTED_AFTER_NS
}

/// FAT counts seconds by twos.
const TRUSTED_AFTER_NS: i64 = 2_000_000_000;

/// Read at once from a file that is only hashed.
const HASHED_BYTES: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(quiet_ns: u64, expected: bool) {
        let stamp = FileStamp {
            size: 1,
            inode: 1,
            modified_ns: 0,
            changed_ns: 1_000,
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_000 + quiet_ns);
        assert_eq!(trusted(stamp, now), expected, "{quiet_ns}");
    }

    #[test]
    fn a_stamp_is_trusted_when_it_is_older_than_two_seconds() {
        check(0, false);
        check(2_000_000_000, false);
        check(2_000_000_001, true);
    }
}
