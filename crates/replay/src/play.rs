//! Playing a scenario: its steps become actions, one after the other, and what is promised of each is checked.

use std::time::Duration;

use http::Method;
use revisit_rules::site::pattern::Pattern;
use url::Url;

use crate::inputs::{Deploys, PageLoads, Pages};
use crate::scenario::{Do, PageEntry, Planned, ScenarioError, Span, Step};
use crate::{
    Action, ActionError, Arrival, Destination, Layer, Phase, Replay, Role, Subresource, Visit,
};

/// A step that was played and is worth telling.
#[derive(Debug)]
pub struct Played {
    /// Which step it is, from 0.
    pub place: usize,
    /// What it is called.
    pub title: String,
    /// What was done, in few words.
    pub action: String,
    /// How much time had passed since the one before.
    pub waited: Duration,
    /// What came of it.
    pub visit: Visit,
    /// What was used without asking though an earlier deploy made it.
    pub outdated: Vec<Url>,
    /// Manifests of application caches that an earlier deploy made, and that nobody was asked about.
    pub manifests_kept: Vec<Url>,
    /// What was promised and does not hold.
    pub failed: Vec<String>,
    /// Whether the network was there.
    pub online: bool,
    /// Bytes of application caches that one origin may keep; `None`: the browser has none.
    pub application_cache_bytes_max: Option<u64>,
}

/// A step that cannot be played.
#[derive(Debug, thiserror::Error)]
#[error("cannot play step {place} ({action})")]
pub struct PlayError {
    /// Which, from 1.
    pub place: usize,
    /// What it does.
    pub action: String,
    /// Why not.
    pub source: StepError,
}

/// Why a step cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// It says nothing that could be done.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The browser is in no state for it.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// Its address is none.
    #[error("`{0}` is no address")]
    Address(String),
}

/// Plays `steps`; addresses are relative to `base`. `told` is called with each step that a table would show, which
/// is all that loads or checks something.
///
/// # Errors
/// The first step that cannot be played.
pub fn play(
    replay: &mut Replay<Deploys, Pages>,
    base: &Url,
    steps: &[Step],
    mut told: impl FnMut(Played),
) -> Result<(), PlayError> {
    let several = replay.server().count() > 1;
    let mut waited = Duration::ZERO;
    let mut online = true;
    for (place, step) in steps.iter().enumerate() {
        let error = |source: StepError, action: String| PlayError {
            place: place + 1,
            action,
            source,
        };
        let planned = step
            .planned()
            .map_err(|source| error(source.into(), "its words".to_owned()))?;
        let words = in_words(&planned);
        let action = action(&planned, base).map_err(|source| error(source, words.clone()))?;
        match &action {
            Action::Wait(span) => waited += *span,
            Action::Offline => online = false,
            Action::Online => online = true,
            _ => {}
        }
        let visit = replay
            .play(&action)
            .map_err(|source| error(source.into(), words.clone()))?;
        let loads = !visit.exchanges.is_empty()
            || visit.arrival != Arrival::None
            || !visit.broken.is_empty()
            || !visit.events.is_empty();
        if !loads && step.check.is_none() {
            continue;
        }
        let outdated = match several {
            true => outdated(replay, &visit),
            false => Vec::new(),
        };
        let manifests_kept = match several {
            true => manifests_kept(replay, &visit),
            false => Vec::new(),
        };
        let check = step.check.as_ref();
        let failed = check.map_or(Vec::new(), |check| check.failures(&visit, outdated.len()));
        told(Played {
            place,
            title: step.name.clone().unwrap_or_else(|| words.clone()),
            action: words,
            waited: std::mem::take(&mut waited),
            visit,
            outdated,
            manifests_kept,
            failed,
            online,
            application_cache_bytes_max: replay.application_cache_bytes_max(),
        });
    }
    Ok(())
}

/// What scripts of pages load, as a scenario says it.
///
/// # Errors
/// A pattern that is none.
pub fn page_loads(entries: &[PageEntry]) -> Result<Vec<PageLoads>, ScenarioError> {
    let mut loads = Vec::new();
    for entry in entries {
        let path = entry.path.trim_start_matches('/');
        let path = Pattern::new(path).map_err(|error| ScenarioError {
            place: String::new(),
            what: format!("`{}` is no pattern of paths: {error}", entry.path),
            help: Some("write a path such as `/`, `/products/*` or `**`".to_owned()),
        })?;
        let of = |urls: &[String], destination| {
            let urls = urls.iter().map(move |url| (url.clone(), destination));
            urls.collect::<Vec<_>>()
        };
        let mut all = of(&entry.script, Destination::Script);
        all.extend(of(&entry.fetch, Destination::Fetch));
        all.extend(of(&entry.image, Destination::Image));
        loads.push(PageLoads { path, loads: all });
    }
    Ok(loads)
}

/// What was used without asking, and is not what the server has now.
fn outdated(replay: &mut Replay<Deploys, Pages>, visit: &Visit) -> Vec<Url> {
    let mut found: Vec<Url> = Vec::new();
    for one in &visit.exchanges {
        let unasked = one.asked.is_empty() && !matches!(one.layer, Layer::Nobody | Layer::Network);
        // A fallback entry stands for what was asked for, and is of another address.
        let url = match &one.application_cache {
            Some(Role::Fallback(target)) => target,
            _ => &one.url,
        };
        if unasked && !found.contains(url) && replay.server().is_outdated(url, &one.headers) {
            found.push(url.clone());
        }
    }
    found
}

/// The manifests of application caches about which this visit asked nobody, and which are not what the server has now.
fn manifests_kept(replay: &mut Replay<Deploys, Pages>, visit: &Visit) -> Vec<Url> {
    let mut kept = replay.kept_manifests();
    kept.retain(|(manifest, headers)| {
        let mut exchanges = visit.exchanges.iter();
        let is_asked = exchanges.any(|one| one.url == *manifest && !one.asked.is_empty());
        !is_asked && replay.server().is_outdated(manifest, headers)
    });
    kept.into_iter().map(|(manifest, _)| manifest).collect()
}

fn action(planned: &Planned, base: &Url) -> Result<Action, StepError> {
    let at = |written: &str| {
        base.join(written)
            .map_err(|_| StepError::Address(written.to_owned()))
    };
    Ok(match planned {
        Planned::Typed(url) => Action::Typed(at(url)?),
        Planned::Link(url) => Action::Link(at(url)?),
        Planned::NewTab(url) => Action::NewTab(at(url)?),
        Planned::Tab(place) => Action::Tab(*place),
        Planned::Do(act) => match act {
            Do::Reload => Action::Reload,
            Do::HardReload => Action::HardReload,
            Do::Back => Action::Back,
            Do::Forward => Action::Forward,
            Do::CloseTab => Action::CloseTab,
            Do::Restart => Action::Restart,
            Do::Offline => Action::Offline,
            Do::Online => Action::Online,
            Do::Update => Action::UpdateApplicationCache,
            Do::SwapCache => Action::SwapApplicationCache,
        },
        Planned::Fetch(url, mode, method) => {
            Action::Fetch(Planned::fetching(at(url)?, *mode, method.clone()))
        }
        Planned::Insert(url, phase) => Action::Insert(
            Subresource::plain(at(url)?, Planned::inserted_as(*phase)).in_phase(*phase),
        ),
        Planned::Wait(Span(span)) => Action::Wait(*span),
        Planned::Clock(error) => Action::SetClock(*error),
        Planned::Deploy(name) => Action::Deploy(name.clone()),
        Planned::Servers(health) => Action::Servers(*health),
        Planned::Clear(what) => Action::Clear(*what),
    })
}

/// What a step does, in few words.
pub fn in_words(planned: &Planned) -> String {
    match planned {
        Planned::Typed(url) => format!("visit {url}"),
        Planned::Link(url) => format!("link to {url}"),
        Planned::NewTab(url) => format!("new tab {url}"),
        Planned::Tab(place) => format!("tab {}", place + 1),
        Planned::Do(act) => match act {
            Do::Reload => "F5",
            Do::HardReload => "hard reload",
            Do::Back => "back",
            Do::Forward => "forward",
            Do::CloseTab => "close the tab",
            Do::Restart => "restart",
            Do::Offline => "offline",
            Do::Online => "online",
            Do::Update => "applicationCache.update()",
            Do::SwapCache => "applicationCache.swapCache()",
        }
        .to_owned(),
        Planned::Fetch(url, _, method) if *method == Method::GET => format!("fetch {url}"),
        Planned::Fetch(url, _, method) => format!("{method} {url}"),
        Planned::Insert(url, Phase::Preload) => format!("preload {url}"),
        Planned::Insert(url, _) => format!("prefetch {url}"),
        Planned::Wait(span) => format!("wait {span}"),
        Planned::Clock(_) => "set the clock".to_owned(),
        Planned::Deploy(name) => format!("deploy {name}"),
        Planned::Servers(_) => "the servers change".to_owned(),
        Planned::Clear(_) => "clear data".to_owned(),
    }
}
