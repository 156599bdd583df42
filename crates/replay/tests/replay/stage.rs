//! A browser before a world of its own, without network delays.

use std::time::Duration;

use revisit_replay::{
    Action, Destination, Exchange, Layer, Network, Options, Phase, Replay, Visit,
};
use serde_json::{Value, json};
use url::Url;

use crate::server::{World, element};

pub(crate) struct Stage {
    /// What [`Stage::wait`] waits.
    pub(crate) pause: Duration,
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
        Self {
            pause: Duration::from_millis(2200),
            world,
            replay,
        }
    }

    pub(crate) fn play(&mut self, action: Action) -> Visit {
        let done = self.replay.play(&action);
        done.unwrap_or_else(|error| panic!("{action:?}: {error}"))
    }

    pub(crate) fn wait(&mut self) {
        self.play(Action::Wait(self.pause));
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

/// Fields of what stays fresh for an hour.
pub(crate) fn fresh() -> Value {
    json!({"cache-control": "max-age=3600", "etag": "@etag"})
}

/// A page that loads one image with these fields, and another that does so too.
pub(crate) fn with_image(stage: &Stage, fields: &Value) -> (Url, Url, Url) {
    let image = stage.world.put("/image", fields);
    let load = element(&image, Destination::Image, Phase::Load);
    let one = stage.world.page("/one", vec![load.clone()]);
    let two = stage.world.page("/two", vec![load]);
    (one, two, image)
}
