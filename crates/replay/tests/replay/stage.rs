//! A browser before a world of its own, without network delays.

use std::time::Duration;

use revisit_replay::{Action, Exchange, Layer, Network, Options, Replay, Visit};
use url::Url;

use crate::server::World;

/// `waitMsBeforeAction` of the measured cells.
const PAUSE: Duration = Duration::from_millis(2200);

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) replay: Replay<World, World>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(Options::chromium())
    }

    pub(crate) fn with(options: Options) -> Self {
        let world = World::default();
        let options = Options {
            network: Network::NONE,
            ..options
        };
        let replay = Replay::new(options, world.clone(), world.clone());
        Self { world, replay }
    }

    pub(crate) fn play(&mut self, action: Action) -> Visit {
        let done = self.replay.play(&action);
        done.unwrap_or_else(|error| panic!("{action:?}: {error}"))
    }

    pub(crate) fn wait(&mut self) {
        self.play(Action::Wait(PAUSE));
    }

    pub(crate) fn wait_minutes(&mut self, minutes: u64) {
        self.play(Action::Wait(Duration::from_secs(60 * minutes)));
    }

    pub(crate) fn typed(&mut self, url: &Url) -> Visit {
        self.play(Action::Typed(url.clone()))
    }
}

/// Who answered for `url`, in order.
pub(crate) fn layers(visit: &Visit, url: &Url) -> Vec<Layer> {
    of(visit, url).map(|one| one.layer).collect()
}

/// The exchanges about `url`.
pub(crate) fn of<'a>(visit: &'a Visit, url: &'a Url) -> impl Iterator<Item = &'a Exchange> {
    visit.exchanges.iter().filter(move |one| one.url == *url)
}
