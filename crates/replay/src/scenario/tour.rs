//! The tour: what is played where no scenario says otherwise.

use std::time::Duration;

use super::{Do, Span, Step};

/// Eight visits: the first, the next page, F5, back, a new tab, tomorrow (the browser was closed meanwhile), a month
/// later, offline. For each of `deploys` one more, before the offline one. Without a second page there is nothing to
/// go to and back from: instead the page is visited again, and reloaded past all caches. `twice`: after a deploy the
/// page is visited two times, since a browser with application caches shows the new version at the second.
pub fn tour(first: &str, next: Option<&str>, deploys: &[&str], twice: bool) -> Vec<Step> {
    let wait = |days: u64| Step {
        wait: Some(Span(Duration::from_secs(days * 86_400))),
        ..Step::default()
    };
    let act = |act| Step {
        act: Some(act),
        ..Step::default()
    };
    let act_named = |name: &str, act| Step {
        act: Some(act),
        ..Step::named(name)
    };
    let visit = |name: &str| Step {
        visit: Some(first.to_owned()),
        ..Step::named(name)
    };
    let mut steps = vec![visit("first visit")];
    match next {
        Some(next) => steps.extend([
            Step {
                link: Some(next.to_owned()),
                ..Step::named("next page")
            },
            act_named("F5", Do::Reload),
            act_named("back", Do::Back),
        ]),
        None => steps.extend([
            visit("again"),
            act_named("F5", Do::Reload),
            act_named("hard reload", Do::HardReload),
        ]),
    }
    steps.push(Step {
        new_tab: Some(first.to_owned()),
        ..Step::named("new tab")
    });
    for (days, name) in [(1, "tomorrow"), (30, "a month later")] {
        steps.extend([wait(days), act(Do::Restart), visit(name)]);
    }
    for deploy in deploys {
        steps.push(Step {
            deploy: Some((*deploy).to_owned()),
            ..Step::default()
        });
        steps.push(visit(&format!("after deploy of {deploy}")));
        if twice {
            steps.push(visit("and once more"));
        }
    }
    steps.push(act(Do::Offline));
    steps.push(visit("offline"));
    steps
}
