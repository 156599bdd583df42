use proptest::prelude::*;

use super::*;

/// `expected`: the whole error, with its help behind a bar.
#[track_caller]
fn check(text: &str, expected: &str) {
    let error = Scenario::parse(text).unwrap_err();
    let help = error.help.clone().unwrap_or_default();
    let found = format!("{error} | {help}");
    assert!(found.starts_with(expected), "{found}");
}

const WHOLE: &str = r#"
site = "dist"
host = "netlify"
network = "slow-4g"

[deploys]
next = "dist-next"

[[page]]
path = "/"
fetch = ["/api/list.json"]

[[step]]
visit = "/"

[[step]]
wait = "30 days"

[[step]]
deploy = "next"

[[step]]
name = "again"
visit = "/"
check = { network_bytes_max = 20_000, requests_max = 3, works = true, from = { "/assets/**" = "disk" } }

[[step]]
do = "hard-reload"
check = { from = "network" }

[[step]]
fetch = { url = "/api/list.json", mode = "no-cache" }

[[step]]
servers = "503"

[[step]]
clock = "-1 hour"
"#;

#[test]
fn a_scenario_says_what_is_done_and_promised() {
    let scenario = Scenario::parse(WHOLE).unwrap();
    let planned: Vec<Planned> = scenario
        .step
        .iter()
        .map(|step| step.planned().unwrap())
        .collect();
    assert_eq!(
        planned[1],
        Planned::Wait(Span(std::time::Duration::from_secs(2_592_000)))
    );
    assert_eq!(planned[4], Planned::Do(Do::HardReload));
    assert_eq!(
        planned[6],
        Planned::Servers(crate::Health::Answers(
            http::StatusCode::SERVICE_UNAVAILABLE
        ))
    );
    assert_eq!(
        scenario.step[3].check.as_ref().unwrap().requests_max,
        Some(3)
    );
}

#[test]
fn an_unknown_word_is_refused_with_its_place_and_the_nearest() {
    check(
        "site='a'\n[[step]]\nvist='/'",
        "line 3: unknown field `vist`",
    );
    let error = Scenario::parse("site='a'\n[[step]]\nvist='/'").unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `visit`?"));
    let error = Scenario::parse("site='a'\n[[step]]\ndo='relaod'").unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `reload`?"));
    let error =
        Scenario::parse("site='a'\n[[step]]\nvisit='/'\ncheck={requests_mx=1}").unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `requests_max`?"));
    let error = Scenario::parse("site='a'\n[[step]]\nvisit='/'\ncheck={from='disc'}").unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `disk`?"));
    check(
        "site='a'\n[[step]]\nvisit='/'\ncheck={from={'/a'='dsk'}}",
        "line 4: unknown variant `dsk`",
    );
    check(
        "site='a'\n[[step]]\nvisit='/'\ncheck={from=3}",
        "line 4: invalid type: integer `3`, expected who answers",
    );
    check(
        "site='a'\n[[step]]\nvisit='/'\ncheck={from={'/a[1]'='disk'}}",
        "step 1: `/a[1]` is no pattern of paths",
    );
    check(
        "site='a'\nnetwork='4gg'",
        "there is no network `4gg` | did you mean `4g`?",
    );
    check(
        "site='a'\norder='backwards'",
        "there is no order `backwards` | there is `chromium`, `textbook`",
    );
}

#[test]
fn a_step_that_does_nothing_or_two_things_is_refused() {
    check("site='a'\n[[step]]\nname='x'", "step 1: it does nothing");
    check(
        "site='a'\n[[step]]\nvisit='/'\nwait='1 day'",
        "step 1: it does two things",
    );
    check(
        "site='a'\n[[step]]\nwait='soon'",
        "line 3: `soon` is no span of time",
    );
    check(
        "site='a'\n[[step]]\ndeploy='b'",
        "step 1: there is no deploy `b` | add `b = \"FOLDER\"`",
    );
    check(
        "site='a'\n[deploys]\nnext='c'\n[[step]]\ndeploy='nxt'",
        "step 1: there is no deploy `nxt` | did you mean `next`?",
    );
    check(
        "site='a'\n[[step]]\nservers='sleep'",
        "step 1: servers cannot `sleep`",
    );
    check("site='a'\n[[step]]\ntab=0", "step 1: there is no tab 0");
    check(
        "har='b'\nwidth=400",
        "`width` stands beside a `har`, which it cannot change | leave it out",
    );
    check(
        "har='b'\n[deploys]\nnext='c'",
        "`[deploys]` stands beside a `har`",
    );
    check("", "it does not say what is visited");
    check("site='a'\nhar='b'", "it names a `site` and a `har`");
}

#[test]
fn the_tour_is_of_eight_visits_and_each_deploy_adds_one() {
    let visits = |deploys: &[&str]| {
        let steps = tour("/", Some("/about"), deploys, false);
        assert_eq!(steps.len(), tour("/", None, deploys, false).len());
        steps.iter().filter(|step| step.name.is_some()).count()
    };
    assert_eq!(visits(&[]), 8);
    assert_eq!(visits(&["next"]), 9);
    for step in tour("/", None, &["x"], true) {
        assert!(step.planned().is_ok(), "{step:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), cut in 0..WHOLE.len(), with in any::<char>()) {
        let _ = Scenario::parse(&text);
        if let Some((before, after)) = WHOLE.split_at_checked(cut) {
            let _ = Scenario::parse(before);
            let _ = Scenario::parse(&format!("{before}{with}{after}"));
        }
    }
}

#[test]
fn deploys_are_played_in_the_order_of_their_names_and_numbers_in_these_count() {
    for (written, expected) in [
        (vec!["10", "2", "1"], vec!["1", "2", "10"]),
        (
            vec!["v1.10", "v1.9", "v1.9b"],
            vec!["v1.9", "v1.9b", "v1.10"],
        ),
        (
            vec!["b", "a", "a2", "a10", "002"],
            vec!["002", "a", "a2", "a10", "b"],
        ),
        (
            vec!["02", "2", "99999999999999999999999", "3"],
            vec!["02", "2", "3", "99999999999999999999999"],
        ),
    ] {
        let deploys = written.iter().map(|name| ((*name).to_owned(), "x".into()));
        let scenario = Scenario {
            deploys: deploys.collect(),
            ..Scenario::default()
        };
        assert_eq!(scenario.deploy_names(), expected);
    }
}
