//! Scenarios: which visits are played, in TOML, and what is promised of them.
//!
//! The text is checked whole before anything is played: an unknown key, word or span is refused with its line and the
//! nearest known one.

mod check;
mod span;
mod step;
mod tour;

use std::collections::BTreeMap;
use std::path::PathBuf;

use revisit_rules::site::host::Host;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::{Check, From, FromOrPaths};
pub use span::Span;
pub use step::{Clear, Do, FetchStep, InMode, Planned, Step};
pub use tour::tour;

use crate::Network;

/// Visits to a site, played one after the other by one browser, and what is promised of them.
///
/// Paths of folders and files are relative to the scenario's own folder.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "a scenario of `revisit replay`")]
pub struct Scenario {
    /// The folder of built files that is visited. Either this or `har`.
    pub site: Option<PathBuf>,
    /// A recording of a browser's DevTools that is visited. Either this or `site`.
    pub har: Option<PathBuf>,
    /// Where the site is deployed, which gives it its header fields: `plain`, `netlify`, `cloudflare-pages`,
    /// `github-pages`, `nginx`. Default that of `revisit.toml` (`[site] host`), else `plain`, which sends what
    /// `revisit serve` sends.
    #[schemars(with = "Option<String>")]
    pub host: Option<Host>,
    /// The origin under which the site is visited. What pages name on other origins is not played. Default `https://site.example`.
    pub origin: Option<String>,
    /// The network that times are estimated for: `fibre`, `cable`, `4g`, `slow-4g`, `slow-3g`, `none`. Flag
    /// `--network`. Default `4g`.
    pub network: Option<String>,
    /// The order in which the browser's layers are asked: `chromium`, as today, or `textbook`. Flag `--order`. Default `chromium`.
    pub order: Option<String>,
    /// Pages that are left are kept for going back. Default `true` (`false` in the textbook order).
    pub bfcache: Option<bool>,
    /// The disk cache is kept apart by site, as today. Default `true` (`false` in the textbook order).
    pub partitioned: Option<bool>,
    /// The browser is one that has application caches, as they had until 2021: a page with a `manifest` attribute is
    /// loaded and kept as its manifest says. Of `revisit.toml` the `[appcache] profile` counts. Flag
    /// `--application-cache`. Default `false`, as today.
    pub application_cache: bool,
    /// Pages load what they load on demand as well: `import()`, lazy pictures far down. Default `false`.
    pub on_demand: bool,
    /// Width of the viewport in CSS pixels, by which pictures are chosen. Default `1280`.
    pub width: Option<u32>,
    /// Height of the viewport in CSS pixels. Default `800`.
    pub height: Option<u32>,
    /// Device pixels for each CSS pixel. Default `1`.
    pub density: Option<f64>,
    /// What the network's jitter is drawn from: the same number gives the same times. Default `0`.
    pub seed: u64,
    /// Later versions of the site: a name for a step's `deploy`, and the folder. Without steps they are played in the
    /// order of their names, `2` before `10`.
    pub deploys: BTreeMap<String, PathBuf>,
    /// What scripts of pages ask for: none is run.
    pub page: Vec<PageEntry>,
    /// What is done, in this order. Default a tour of eight visits.
    pub step: Vec<Step>,
}

/// What scripts of some pages ask for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PageEntry {
    /// The pages' paths, as a pattern: `/`, `/products/*`, `**`.
    pub path: String,
    /// What their scripts `fetch()`, relative to the page.
    pub fetch: Vec<String>,
    /// Pictures that their scripts show.
    pub image: Vec<String>,
    /// Scripts that their scripts load.
    pub script: Vec<String>,
}

/// A scenario that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{what}")]
pub struct ScenarioError {
    /// `line 3: `, `step 2: `, or nothing.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

impl ScenarioError {
    fn new(what: impl Into<String>, help: impl Into<Option<String>>) -> Self {
        Self {
            place: String::new(),
            what: what.into(),
            help: help.into(),
        }
    }

    fn at_step(self, place: usize) -> Self {
        Self {
            place: format!("step {}: ", place + 1),
            ..self
        }
    }
}

impl Scenario {
    /// Reads and checks the text of a scenario.
    ///
    /// # Errors
    /// What is wrong first, with its place and a remedy.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text).map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map(|span| text[..span.start].matches('\n').count() + 1);
            ScenarioError {
                place: line.map_or(String::new(), |line| format!("line {line}: ")),
                what: error.message().to_owned(),
                help: nearest_expected(error.message()),
            }
        })?;
        scenario.check()?;
        Ok(scenario)
    }

    /// The names of `[deploys]` in the order in which a tour plays them: 2 before 10.
    pub fn deploy_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.deploys.keys().map(String::as_str).collect();
        // They stand in the order of their letters; of equal parts that decides.
        names.sort_by_cached_key(|name| parts(name));
        names
    }

    fn check(&self) -> Result<(), ScenarioError> {
        match (&self.site, &self.har) {
            (Some(_), Some(_)) => {
                return Err(ScenarioError::new(
                    "it names a `site` and a `har`",
                    "visit one or the other".to_owned(),
                ));
            }
            (None, None) => {
                return Err(ScenarioError::new(
                    "it does not say what is visited",
                    "add `site = \"dist\"`, the folder of built files, or `har = \"visit.har\"`"
                        .to_owned(),
                ));
            }
            _ => {}
        }
        if self.har.is_some() {
            // A recording says all this itself.
            for (key, stands) in [
                ("host", self.host.is_some()),
                ("origin", self.origin.is_some()),
                ("width", self.width.is_some()),
                ("height", self.height.is_some()),
                ("density", self.density.is_some()),
                // Browsers fetched manifests past their own DevTools.
                ("application_cache", self.application_cache),
                ("on_demand", self.on_demand),
                ("[deploys]", !self.deploys.is_empty()),
                ("[[page]]", !self.page.is_empty()),
            ] {
                if stands {
                    return Err(ScenarioError::new(
                        format!("`{key}` stands beside a `har`, which it cannot change"),
                        "leave it out, or visit a folder with `site`".to_owned(),
                    ));
                }
            }
        }
        if let Some(name) = &self.network {
            network(name)?;
        }
        if let Some(order) = &self.order {
            one_of("order", order, &["chromium", "textbook"])?;
        }
        for (place, step) in self.step.iter().enumerate() {
            let planned = step.planned().map_err(|error| error.at_step(place))?;
            if let Some(check) = &step.check {
                check.check().map_err(|error| error.at_step(place))?;
            }
            if let Planned::Deploy(name) = planned
                && !self.deploys.contains_key(&name)
            {
                let known: Vec<&str> = self.deploys.keys().map(String::as_str).collect();
                let help = nearest(&name, &known)
                    .unwrap_or_else(|| format!("add `{name} = \"FOLDER\"` to a table `[deploys]`"));
                return Err(
                    ScenarioError::new(format!("there is no deploy `{name}`"), help).at_step(place),
                );
            }
        }
        Ok(())
    }
}

/// A part of a name, as people put names in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// How many digits without those zeros that lead, and they.
    Number(usize, String),
    Text(String),
}

fn parts(name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|char: char| char.is_ascii_digit() != digits);
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        parts.push(match digits {
            true => {
                let number = part.trim_start_matches('0');
                Part::Number(number.len(), number.to_owned())
            }
            false => Part::Text(part.to_owned()),
        });
        rest = after;
    }
    parts
}

/// The network of this name.
///
/// # Errors
/// There is none; the nearest is named.
pub fn network(name: &str) -> Result<Network, ScenarioError> {
    let names: Vec<&str> = Network::NAMED.iter().map(|network| network.name).collect();
    one_of("network", name, &names)?;
    Network::named(name)
        .ok_or_else(|| ScenarioError::new(format!("there is no network `{name}`"), None))
}

fn one_of(what: &str, word: &str, known: &[&str]) -> Result<(), ScenarioError> {
    if known.contains(&word) {
        return Ok(());
    }
    let listed: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    let help = nearest(word, known).unwrap_or_else(|| format!("there is {}", listed.join(", ")));
    Err(ScenarioError::new(
        format!("there is no {what} `{word}`"),
        help,
    ))
}

/// "did you mean `reload`?"
fn nearest(word: &str, known: &[&str]) -> Option<String> {
    let (distance, found) = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .min()?;
    (distance <= word.len().max(3) / 2).then(|| format!("did you mean `{found}`?"))
}

/// The same out of "unknown field `x`, expected one of `a`, `b`".
fn nearest_expected(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = words.next()?;
    nearest(unknown, &words.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
