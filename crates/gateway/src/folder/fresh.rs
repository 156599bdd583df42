//! In which state is a file on disk served, and with what of the overlay?
//!
//! A file that the layer knows in this very state needs no second thought. Any other was written
//! since the overlay looked, and may be half written still: it is left alone until it has been
//! quiet for a while (*settled*), then the overlay looks again. So a file that is being rewritten
//! is seen whole or not at all, and the worker's list of hashes follows the files.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::look::{Look, Trouble, Wish};
use super::{Folder, Known, Layer, look};

/// A file that is there, with the layer that holds for it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) look: Look,
    pub(super) layer: Arc<Layer>,
    /// Nobody is writing to it, as far as its times tell.
    pub(super) settled: bool,
}

impl Found {
    /// What the layer knows of the file in this state.
    pub(super) fn known(&self) -> Option<&Known> {
        self.layer
            .files
            .get(&self.look.name)
            .filter(|known| known.stamp == self.look.stamp)
    }

    /// The layer speaks of the file, but of another state.
    fn is_known_otherwise(&self) -> bool {
        self.layer.files.contains_key(&self.look.name) && self.known().is_none()
    }
}

impl Folder {
    /// Finds the first of `names` on disk, in a state that can be served.
    pub(super) async fn find(
        &self,
        layer: &Arc<Layer>,
        names: &[String],
        wish: Wish,
    ) -> Result<Option<Found>, Trouble> {
        let mut layer = layer.clone();
        let mut tries = 0;
        loop {
            let asked = self.clock.now();
            let Some(look) = self.look(names, wish).await? else {
                return Ok(None);
            };
            let found = Found {
                look,
                layer,
                settled: true,
            };
            if found.known().is_some() {
                return Ok(Some(found));
            }
            let Found {
                look, layer: known, ..
            } = found;
            let Some((look, settled)) = self.settle(look, &known, asked, names, wish).await? else {
                return Ok(None);
            };
            let found = Found {
                look,
                layer: self.overlay.refresh().await,
                settled,
            };
            if !found.is_known_otherwise() {
                return Ok(Some(found));
            }
            // Either the overlay looked later than we did, and saw a newer state; or it could
            // make nothing of this one, and holds on to an older.
            let Some(look) = self.look(names, wish).await? else {
                return Ok(None);
            };
            let unchanged = look.stamp == found.look.stamp;
            let found = Found {
                settled: found.settled && unchanged,
                look,
                layer: found.layer,
            };
            tries += 1;
            if unchanged || found.known().is_some() || tries == SETTLE_TRIES {
                return Ok(Some(found));
            }
            layer = found.layer;
        }
    }

    /// Waits until the file has been quiet for as long as [`settle`](super::FolderOptions::settle)
    /// says, or [`settle_max`](super::FolderOptions::settle_max) is over; tells which.
    ///
    /// `asked` is the time before the look: what a busy machine lets pass after it proves nothing.
    async fn settle(
        &self,
        mut look: Look,
        layer: &Layer,
        mut asked: SystemTime,
        names: &[String],
        wish: Wish,
    ) -> Result<Option<(Look, bool)>, Trouble> {
        let mut waited = Duration::ZERO;
        loop {
            let before = layer.files.get(&look.name).map(|known| &known.stamp);
            let quiet = look.stamp.quiet_ns_after(before, asked);
            let quiet = Duration::from_nanos(u64::try_from(quiet).unwrap_or(u64::MAX));
            let Some(rest) = self
                .options
                .settle
                .checked_sub(quiet)
                .filter(|rest| !rest.is_zero())
            else {
                return Ok(Some((look, true)));
            };
            if waited + rest > self.options.settle_max {
                return Ok(Some((look, false)));
            }
            tokio::time::sleep(rest).await;
            waited += rest;
            asked = self.clock.now();
            let Some(again) = self.look(names, wish).await? else {
                return Ok(None);
            };
            // Quiet before the pause and the same after it; without this, a file whose time lies
            // in the future would never settle.
            if again.stamp == look.stamp {
                return Ok(Some((again, true)));
            }
            look = again;
        }
    }

    async fn look(&self, names: &[String], wish: Wish) -> Result<Option<Look>, Trouble> {
        let (root, names) = (self.root.clone(), names.to_vec());
        blocking(move || look::look(&root, &names, wish)).await
    }
}

/// How often a file is found in one state while the overlay has seen another.
const SETTLE_TRIES: usize = 3;

/// Runs what blocks on a thread that may.
pub(super) async fn blocking<T, W>(work: W) -> Result<T, Trouble>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, Trouble> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // It panicked, or the runtime is going down.
        Err(error) => Err(Trouble::System(std::io::Error::other(error))),
    }
}
