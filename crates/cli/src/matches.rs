//! `revisit build --match`: which rule answers this URL, told to a person.

use revisit_engine::{Clock, SystemClock};
use revisit_generator::config::FallbackOn;
use revisit_generator::matching::{
    Answer, Browser, Fallback, FileMatch, KeptAs, Match, Network, Precached, RouteMatch, Spelling,
};
use revisit_generator::{Options, plan_matches};
use serde_json::json;

use crate::args::BuildArgs;
use crate::build::wanted;
use crate::failure::Failure;
use crate::terminal::{bytes, plain, say};

pub(crate) fn run(args: &BuildArgs) -> Result<(), Failure> {
    let build = wanted(args)?.build;
    let options = Options {
        now: SystemClock::start().now(),
        development: None,
        previous: None,
    };
    let matches = plan_matches(&args.site, &build, &options, &args.matches)?;
    if args.json {
        say!("{:#}", json!({ "matches": matches }));
        return Ok(());
    }
    let told: Vec<String> = matches.iter().map(told).collect();
    say!("{}", told.join("\n").trim_end());
    Ok(())
}

/// The URL, and below it a line for each thing that there is to say.
fn told(found: &Match) -> String {
    let mut lines = vec![("answer", answer(&found.answer))];
    if let Some(file) = &found.file {
        lines.push(("file", format!("{}, {}", file.path, spelling(file))));
        lines.push(("precached", precached(&file.precached)));
    }
    match found.file.as_ref().and_then(|file| file.kept_as) {
        Some(KeptAs::Pack) => lines.push(("kept as", "a part of a pack".into())),
        Some(KeptAs::PackedPage) => lines.push((
            "kept as",
            "a part of a pack, with the header fields that it has on its host".into(),
        )),
        Some(KeptAs::BigScript) => lines.push((
            "kept as",
            "an entry of its own: of these browsers keep compiled code".into(),
        )),
        Some(KeptAs::WhenUsed) => lines.push(("kept as", "an entry of its own".into())),
        Some(KeptAs::Document) => lines.push((
            "kept as",
            "a document of its own, with the headers that it comes with".into(),
        )),
        Some(KeptAs::WorkerScript) => lines.push((
            "kept as",
            "a worker's script of its own, with the headers that it comes with".into(),
        )),
        None => {}
    }
    for parameter in &found.parameters {
        let name = &parameter.name;
        lines.push((
            "query",
            match &parameter.ignored_by {
                Some(entry) => format!("{name} changes nothing, by `{entry}`"),
                None => format!("{name} may ask for something else than the file"),
            },
        ));
    }
    for route in &found.routes {
        lines.push(("route", routed(route)));
    }
    if let Some(fallback) = found.fallback.as_ref().and_then(fallback) {
        lines.push(("fallback", fallback));
    }
    if let Some(page) = &found.offline_page {
        lines.push(("offline", format!("{page}, for a page that is loaded")));
    }
    if let Some(origin) = found.origin.as_ref().filter(|_| !found.foreign) {
        lines.push((
            "origin",
            format!(
                "{origin} is taken for the site's own; {}",
                match found.routes.is_empty() {
                    true => "any other is left to the browser",
                    false => "of any other only routes with an `origin` answer",
                }
            ),
        ));
    }
    let mut text = format!("{}\n", plain(&found.url));
    for (name, words) in lines {
        text.push_str(&format!("  {name:<9}  {}\n", plain(&words)));
    }
    text
}

/// Which route, for what, and how it answers.
fn routed(route: &RouteMatch) -> String {
    let mut text = format!("{}, {}", route.number, route.strategy.key());
    if let Some(stash) = &route.stash {
        text.push_str(&format!(", kept as `{stash}`"));
    }
    if let Some(kinds) = &route.destinations {
        text.push_str(&format!(", for {}", kinds.join(", ")));
    }
    if let Some(file) = &route.fallback {
        let when = match route.fallback_on {
            Some(FallbackOn::Failure) => "when nobody answers, or with an error",
            _ => "when nobody answers",
        };
        text.push_str(&format!("; {file} {when}"));
    }
    text
}

fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Route { number } => format!("the worker, by route {number}"),
        Answer::Cache { file } => format!("{file}, from the cache"),
        Answer::WhenUsed { file } => {
            format!("{file}, from the network, and from the cache once it was used")
        }
        Answer::Extra { when_used: false } => {
            "what the server gave for it, from the cache".to_owned()
        }
        Answer::Extra { when_used: true } => {
            "the network, and what that gave from the cache once it was used".to_owned()
        }
        Answer::Redirect { to } => format!("the worker sends it on to {to}"),
        Answer::Fallback { page } => {
            format!(
                "{page}, from the cache, for a page that is loaded; all else goes to the network"
            )
        }
        Answer::Network { why } => {
            let why = match why {
                Network::NoFile => "the site has no such file".to_owned(),
                Network::NotPrecached => "the file is not precached".to_owned(),
                Network::Parameter { name } => {
                    format!("`{name}` may ask for something else than the file")
                }
                Network::NoRoute => "no route is for every request of this origin".to_owned(),
                Network::OfTheBuild => {
                    "the build adds this itself, and its worker fetches it when it installs"
                        .to_owned()
                }
            };
            format!("goes to the network: {why}")
        }
        Answer::Browser { why } => {
            let why = match why {
                Browser::NoAddress => "it is no address of http or https".to_owned(),
                Browser::OutsideBase { base } => {
                    format!("it lies outside of `{base}` (`[site] base`)")
                }
                Browser::WorkerScript => "the worker's own script is never asked of it".to_owned(),
            };
            format!("left to the browser, past the worker: {why}")
        }
    }
}

fn spelling(file: &FileMatch) -> &'static str {
    match file.spelling {
        Spelling::Exact => "by its own name",
        Spelling::WithoutHtml => "by its name without `.html`",
        Spelling::Folder => "as the page of its folder",
        Spelling::FolderWithoutSlash => "as the page of its folder, whose slash is missing",
    }
}

fn precached(precached: &Precached) -> String {
    match precached {
        Precached::Shell { chain } if chain.len() == 1 => "yes: visits begin or end here".into(),
        Precached::Shell { chain } => format!("yes: the shell loads it, {}", chain.join(" → ")),
        Precached::ShellPattern { pattern } => {
            format!("yes: of the shell by `{pattern}`, of `[precache] shell`")
        }
        Precached::WithinBudget => "yes: within the budget, when the page is idle".into(),
        Precached::Lazy { pattern } => {
            format!("no: kept when it is first used, by `{pattern}`, of `[precache] lazy`")
        }
        Precached::Host => {
            "no: a rule of the host redirects it, or says that it must not be stored".into()
        }
        Precached::OverBudget {
            bytes: size,
            budget_bytes,
        } => format!(
            "no: with its {} it is over the budget of {}, which goes to the shell and to smaller files",
            bytes(*size),
            bytes(*budget_bytes)
        ),
        Precached::Excluded {
            pattern,
            by_default: true,
        } => format!("no: excluded by `{pattern}`, one of `[precache] exclude_defaults`"),
        Precached::Excluded { pattern, .. } => {
            format!("no: excluded by `{pattern}`, of `[precache] exclude`")
        }
        Precached::NotIncluded => "no: no pattern of `[precache] include` matches".into(),
    }
}

fn fallback(fallback: &Fallback) -> Option<String> {
    Some(match fallback {
        Fallback::NotSet => return None,
        Fallback::Allowed { page, pattern } => format!("{page}, allowed by `{pattern}`"),
        Fallback::NotAllowed => "no: no pattern of `[worker] fallback_allow` matches".into(),
        Fallback::Denied { pattern } => format!("no: denied by `{pattern}`"),
        Fallback::NamesAFile => "no: its last part has an ending, and so names a file".into(),
    })
}
