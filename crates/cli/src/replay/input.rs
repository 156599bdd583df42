//! What the words of the command line name, as one subject that can be played.

use std::path::Path;

use anyhow::{Context, anyhow};
use revisit_generator::config::AppcacheProfile;
use revisit_references::loads::Screen;
use revisit_replay::inputs::{Deploys, Folder, FolderError, Har, HarError, Pages};
use revisit_replay::play::page_loads;
use revisit_replay::scenario::{Scenario, ScenarioError, Step, network, tour};
use revisit_replay::{Network, Options};
use revisit_rules::appcache::Profile;
use url::Url;

use crate::args::ReplayArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::counted;

/// What is played.
pub(super) struct Subject {
    /// What it is called.
    pub(super) of: String,
    pub(super) options: Options,
    pub(super) server: Deploys,
    pub(super) pages: Pages,
    /// Against which addresses of steps are resolved.
    pub(super) base: Url,
    pub(super) steps: Vec<Step>,
    pub(super) notes: Vec<String>,
    /// The site is known to have a service worker, before a page was read.
    pub(super) has_worker: bool,
    pub(super) screen: Screen,
    pub(super) of_recording: bool,
    /// The steps are our own, and not a scenario's.
    pub(super) by_default: bool,
}

pub(super) fn read(args: &ReplayArgs) -> Result<Subject, Failure> {
    read_at(args, None)
}

/// [`read`], with a folder at this origin, whatever the scenario says.
pub(super) fn read_at(args: &ReplayArgs, origin: Option<&Url>) -> Result<Subject, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let (mut scenario, named) = scenario_of(args)?;
    if let Some(name) = &args.network {
        scenario.network = Some(name.clone());
    }
    if let Some(order) = &args.order {
        scenario.order = Some(order.clone());
    }
    scenario.application_cache |= args.application_cache;
    if let Some(origin) = origin {
        scenario.origin = Some(origin.to_string());
    }
    let mut options = options(&scenario)?;
    options.application_caches = application_caches(&scenario, &config)?;
    match scenario.har.clone() {
        Some(har) => recording(&har, scenario, options),
        None => site(&named, scenario, options, &config),
    }
}

/// The scenario that is named, or one that says what the words say; and what it is called.
fn scenario_of(args: &ReplayArgs) -> Result<(Scenario, String), Failure> {
    let shown = |path: &Path| path.display().to_string();
    let ends = |path: &Path, with: &str| {
        path.extension()
            .is_some_and(|end| end.eq_ignore_ascii_case(with))
    };
    let alone = |path: &Path| match &args.of[..] {
        [_] => Ok(()),
        _ => Err(
            Failure::words(anyhow!("`{}` stands beside something else", path.display())).help(
                "name one scenario, one HAR file, or folders: the site and its later deploys"
                    .to_owned(),
            ),
        ),
    };
    for path in &args.of {
        if ends(path, "toml") {
            alone(path)?;
            return Ok((load(path)?, shown(path)));
        }
        if ends(path, "har") || ends(path, "json") {
            alone(path)?;
            let scenario = Scenario {
                har: Some(path.clone()),
                ..Scenario::default()
            };
            return Ok((scenario, shown(path)));
        }
    }
    let (first, later) = args
        .of
        .split_first()
        .context("nothing is named")
        .map_err(Failure::words)?;
    if first.is_file() {
        return Err(Failure::words(anyhow!("`{}` is neither a folder nor a file that can be played", first.display()))
            .help("name a folder of built files, a file that ends in `.har`, or a scenario that ends in `.toml`".to_owned()));
    }
    let mut scenario = Scenario {
        site: Some(first.clone()),
        ..Scenario::default()
    };
    for folder in later {
        // The tour deploys them in the order of the words; two of one name are told apart.
        let place = scenario.deploys.len() + 2;
        scenario
            .deploys
            .insert(format!("{place} ({})", folder.display()), folder.clone());
    }
    Ok((scenario, shown(first)))
}

fn load(path: &Path) -> Result<Scenario, Failure> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the scenario `{}`", path.display()))
        .map_err(|error| Failure::words(error).help("name a file that can be read".to_owned()))?;
    let mut scenario = Scenario::parse(&text).map_err(|error| refused(path, error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let files = scenario
        .site
        .iter_mut()
        .chain(&mut scenario.har)
        .chain(scenario.deploys.values_mut());
    for file in files {
        *file = folder.join(&*file);
    }
    Ok(scenario)
}

fn refused(path: &Path, error: ScenarioError) -> Failure {
    let help = error.help.clone();
    let error =
        anyhow::Error::new(error).context(format!("cannot use the scenario `{}`", path.display()));
    Failure::words(error).help(help)
}

fn off(error: ScenarioError) -> Failure {
    let help = error.help.clone();
    Failure::words(error).help(help)
}

fn options(scenario: &Scenario) -> Result<Options, Failure> {
    let mut options = match scenario.order.as_deref() {
        None | Some("chromium") => Options::chromium(),
        Some("textbook") => Options::textbook(),
        Some(other) => {
            return Err(Failure::words(anyhow!("there is no order `{other}`"))
                .help("there is `chromium`, as browsers ask today, and `textbook`".to_owned()));
        }
    };
    options.network = match &scenario.network {
        Some(name) => network(name).map_err(off)?,
        None => Network::FAST_4G,
    };
    options.bfcache = scenario.bfcache.unwrap_or(options.bfcache);
    options.partitioned = scenario.partitioned.unwrap_or(options.partitioned);
    options.on_demand = scenario.on_demand;
    options.seed = scenario.seed;
    Ok(options)
}

/// How a browser with application caches reads manifests, if such a one is played.
fn application_caches(scenario: &Scenario, config: &Config) -> Result<Option<Profile>, Failure> {
    if !scenario.application_cache {
        return Ok(None);
    }
    if scenario.har.is_some() {
        return Err(Failure::words(anyhow!("a recording has no manifest of an application cache, so that none can be played"))
            .help("leave out `--application-cache`, or name the folder that is deployed: browsers fetched manifests past their own DevTools".to_owned()));
    }
    Ok(Some(match config.appcache.profile {
        AppcacheProfile::Standard => Profile::STANDARD,
        AppcacheProfile::Compat => Profile::COMPAT,
        AppcacheProfile::SameOriginHttps => Profile::SAME_ORIGIN_HTTPS,
    }))
}

fn site(
    of: &str,
    scenario: Scenario,
    mut options: Options,
    config: &Config,
) -> Result<Subject, Failure> {
    let root = scenario.site.clone().unwrap_or_default();
    let host = scenario.host.unwrap_or(config.site.host);
    let written = scenario.origin.as_deref().unwrap_or(ORIGIN);
    let origin = Url::parse(written)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    let origin = origin.ok_or_else(|| {
        Failure::words(anyhow!("`{written}` is no origin"))
            .help("write it as `https://shop.example`".to_owned())
    })?;
    let open = |path: &Path| Folder::open(path, host, config.names()).map_err(folder_refused);
    let first = open(&root)?;
    let has_worker = WORKERS
        .into_iter()
        .chain([&*config.worker.name])
        .any(|name| first.has_file_named(name));
    let pages = first.pages();
    let start = pages.first().map_or("/", String::as_str);
    let next = pages.get(1).map(String::as_str);
    let deploys = scenario.deploy_names();
    let steps = match scenario.step.is_empty() {
        true => tour(start, next, &deploys, scenario.application_cache),
        false => scenario.step.clone(),
    };
    // Not before the files were written: a `Last-Modified` in the future says nothing.
    options.start = options.start.max(first.newest());
    let mut server = Deploys::of("the first", first, origin.clone());
    for (name, path) in &scenario.deploys {
        let folder = open(path)?;
        options.start = options.start.max(folder.newest());
        server = server.and(name, folder);
    }
    let screen = screen(&scenario);
    let besides = page_loads(&scenario.page).map_err(off)?;
    let mut notes = Vec::new();
    if scenario.application_cache {
        notes.push("played is a browser of the time of application caches: none of today has them. What a script calls there is a step of its own: `do = \"update\"`, `do = \"swap-cache\"`".to_owned());
    }
    if besides.is_empty() {
        notes.push("scripts are not run: what they fetch is named by `[[page]]` of a scenario, or comes from a HAR file".to_owned());
    }
    Ok(Subject {
        of: of.to_owned(),
        options,
        server,
        pages: Pages::of_site(origin.clone(), screen, besides),
        base: origin,
        steps,
        notes,
        has_worker,
        screen,
        of_recording: false,
        by_default: scenario.step.is_empty(),
    })
}

fn recording(path: &Path, scenario: Scenario, mut options: Options) -> Result<Subject, Failure> {
    let har = Har::open(path).map_err(|error| har_refused(path, error))?;
    let first = har
        .pages
        .first()
        .context("it records no page")
        .map_err(Failure::words)?
        .clone();
    let next = har
        .pages
        .iter()
        .find(|page| **page != first)
        .map(Url::as_str);
    let steps = match scenario.step.is_empty() {
        true => tour(first.as_str(), next, &[], false),
        false => scenario.step.clone(),
    };
    let mut notes = Vec::new();
    let recorded = &har.recorded;
    let by = match recorded.by.is_empty() {
        true => "an unnamed program",
        false => &recorded.by,
    };
    notes.push(format!(
        "recorded by {by}: {}",
        counted(recorded.requests, "request")
    ));
    let mut left_out = |count: usize, why: &str| {
        if count > 0 {
            notes.push(format!("{} {why}", counted(count, "request")));
        }
    };
    left_out(
        recorded.other_methods,
        "by another method than GET: no cache keeps the answer, and they are not played",
    );
    left_out(recorded.unanswered, "without an answer over HTTP: left out");
    left_out(
        recorded.from_cache,
        "answered by a cache while it was recorded: their bytes on the wire are those of the content; record a first visit, with \"Disable cache\"",
    );
    options.start = recorded.started;
    let has_worker = recorded.has_worker;
    let loads = har.loads.clone();
    let screen = screen(&scenario);
    Ok(Subject {
        of: path.display().to_string(),
        options,
        server: Deploys::recorded(har),
        pages: Pages::recorded(loads),
        base: first,
        steps,
        notes,
        has_worker,
        screen,
        of_recording: true,
        by_default: scenario.step.is_empty(),
    })
}

fn screen(scenario: &Scenario) -> Screen {
    let default = Screen::default();
    Screen {
        width: scenario.width.unwrap_or(default.width),
        height: scenario.height.unwrap_or(default.height),
        density: scenario
            .density
            .filter(|density| *density > 0.0)
            .unwrap_or(default.density),
        dark: default.dark,
    }
}

fn folder_refused(error: FolderError) -> Failure {
    let help = match &error {
        FolderError::Read { .. } => "name the folder that your site's build wrote, such as `dist`",
        FolderError::NoPage { .. } => {
            "name the folder that holds `index.html`: the one that is deployed"
        }
        FolderError::TooManyFiles { .. } => {
            "name the folder that is deployed, and not one above it"
        }
    };
    Failure::words(error).help(help.to_owned())
}

fn har_refused(path: &Path, error: HarError) -> Failure {
    let help = match &error {
        HarError::Read { .. } => "name a file that can be read",
        HarError::Truncated { .. } => {
            "save it once more: in DevTools, Network, \"Export HAR\", and wait until it is written"
        }
        HarError::NotHar { .. } => "save one in a browser's DevTools: Network, \"Export HAR\"",
        HarError::OnlyRedirects { .. } => {
            "let its redirects end at a page (two rules of the server may contradict each other), then record it anew"
        }
        HarError::NoPage { .. } => "open the network panel first, then load the page, then save",
    };
    let error = anyhow::Error::new(error).context(format!("cannot replay `{}`", path.display()));
    Failure::words(error).help(help.to_owned())
}

/// What tools call a site's service worker.
const WORKERS: [&str; 3] = ["sw.js", "service-worker.js", "serviceworker.js"];
/// Where a folder is visited unless a scenario says otherwise.
const ORIGIN: &str = "https://site.example/";
