//! `revisit build --watch`: builds, and builds again whenever something of it has changed.
//!
//! By looking, not by being told: what a file system tells of changes differs from one to the next
//! and is silent on some (network mounts, shared folders of a virtual machine). A look is a walk of
//! the folder that reads no file, four times a second at most, and so seldom that it takes a
//! twentieth of one core at most, however large the folder is. What changed is built when two looks
//! saw the same: a build that is writing the folder is let finish.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use revisit_engine::{Clock, SystemClock};
use revisit_generator::{Stamps, stamps, stamps_seen, stamps_written};
use revisit_rules::site::FileStamp;

use crate::args::BuildArgs;
use crate::build::{once, wanted};
use crate::config;
use crate::failure::Failure;
use crate::stop::asked_to_stop;

/// Builds until Ctrl-C, which lets a build that is under way end.
pub(crate) fn run(args: &BuildArgs) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .map_err(Failure::work)?;
    runtime.block_on(async {
        tokio::select! {
            never = watch(Arc::new(args.clone())) => match never {},
            () = asked_to_stop() => {}
        }
    });
    // Waits for what runs on threads that may block: files are renamed all or none.
    drop(runtime);
    eprintln!("stopped");
    Ok(())
}

/// All that a build is made of, as a look saw it; `None` for what cannot be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    config: Option<FileStamp>,
    extension: Option<FileStamp>,
    site: Option<Stamps>,
}

async fn watch(args: Arc<BuildArgs>) -> std::convert::Infallible {
    let clock = SystemClock::start();
    let (mut built, mut last) = (None::<State>, None::<State>);
    loop {
        let began = clock.elapsed();
        let looking = args.clone();
        let state = blocking(move || look(&looking)).await;
        let cost = clock.elapsed() - began;
        let settled = last.as_ref() == Some(&state) || built.is_none();
        if settled && built.as_ref() != Some(&state) {
            let (building, before) = (args.clone(), state.clone());
            let first = built.is_none();
            built = Some(blocking(move || build(&building, before)).await);
            if first {
                eprintln!("watching {}; Ctrl-C ends it", args.site.display());
            }
        }
        last = Some(state);
        tokio::time::sleep(PAUSE.max(cost * PAUSE_PER_LOOK)).await;
    }
}

fn look(args: &BuildArgs) -> State {
    let wanted = wanted(args).ok().map(|wanted| wanted.build);
    let stamp = |path: &Path| Some(FileStamp::of(&fs::metadata(path).ok()?));
    State {
        config: stamp(args.config.as_deref().unwrap_or(Path::new(config::FILE))),
        extension: wanted
            .as_ref()
            .and_then(|build| stamp(build.worker.extend.as_deref()?)),
        site: stamps(&args.site, &wanted.unwrap_or_default()).ok(),
    }
}

/// Builds, and gives the state that a next look finds if nobody writes.
fn build(args: &BuildArgs, before: State) -> State {
    let in_place = wanted(args).is_ok_and(|wanted| wanted.out.is_none());
    match once(args) {
        Ok(Some(overlay)) => State {
            site: Some(match in_place {
                true => stamps_written(&args.site, &overlay),
                false => stamps_seen(&overlay),
            }),
            ..before
        },
        Ok(None) => before,
        Err(failure) => {
            eprint!("{failure}");
            before
        }
    }
}

/// Runs what blocks on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

const PAUSE: Duration = Duration::from_millis(250);
/// Looking takes one part in twenty of the time, at most.
const PAUSE_PER_LOOK: u32 = 19;
