//! The references of `revisit.toml` and of scenarios, as JSON Schema and in words; both are made of the doc comments
//! of their types, so that there is one text to keep true.

use std::fmt::Write;

use revisit_replay::scenario::Scenario;
use serde_json::Value;

use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::say;

pub(crate) fn run(scenario: bool, words: bool) -> Result<(), Failure> {
    let text = match (scenario, words) {
        (false, false) => text(),
        (false, true) => in_words(),
        (true, false) => scenario_text(),
        (true, true) => scenario_in_words(),
    };
    say!("{}", text.trim_end());
    Ok(())
}

fn text() -> String {
    format!("{:#}\n", schemars::schema_for!(Config).as_value())
}

fn scenario_text() -> String {
    format!("{:#}\n", schemars::schema_for!(Scenario).as_value())
}

/// A chapter for the top of a scenario and one for each table in it.
fn scenario_in_words() -> String {
    let schema = schemars::schema_for!(Scenario);
    let schema = schema.as_value();
    let mut out = String::from(
        "# Scenarios of `revisit replay`\n\nA file in TOML. Unknown keys and words are refused. `docs/replay.md` has examples.\n",
    );
    chapter(&mut out, "scenario.toml", schema);
    for (head, name) in [
        ("[[step]]", "Step"),
        ("check = { … }", "Check"),
        ("fetch = { … }", "FetchStep"),
        ("[[page]]", "PageEntry"),
    ] {
        chapter(&mut out, head, &schema["$defs"][name]);
    }
    out
}

/// A chapter for each table of the config, a paragraph for each key.
fn in_words() -> String {
    let schema = schemars::schema_for!(Config);
    let schema = schema.as_value();
    let mut out = String::from(
        "# revisit.toml\n\nThe config of a site, read from the working directory or from `--config FILE`. Every key may be\n\
         left out; a flag of the command line wins over its key; an unknown key is refused.\n",
    );
    for table in ORDER {
        let property = &schema["properties"][table];
        // a list of tables; or one that may be missing, of which there are two kinds
        let (head, reference) = match (&property["items"]["$ref"], &property["anyOf"][0]["$ref"]) {
            (Value::Null, Value::Null) => (format!("[{table}]"), &property["$ref"]),
            (Value::Null, table_or_none) => (format!("[{table}]"), table_or_none),
            (list, _) => (format!("[[{table}]]"), list),
        };
        let name = reference
            .as_str()
            .and_then(|r| r.rsplit('/').next())
            .unwrap_or_default();
        chapter(&mut out, &head, &schema["$defs"][name]);
        // a list of tables has keys of its own
        let keys = schema["$defs"][name]["properties"].as_object();
        for (key, value) in keys.into_iter().flatten() {
            let reference = value["items"]["$ref"].as_str();
            if let Some(name) = reference.and_then(|it| it.rsplit('/').next()) {
                let head = format!("[[{table}.{key}]]");
                chapter(&mut out, &head, &schema["$defs"][name]);
            }
        }
    }
    out
}

fn chapter(out: &mut String, head: &str, definition: &Value) {
    let _ = write!(out, "\n## `{head}`\n\n{}\n", described(definition));
    for (key, value) in definition["properties"].as_object().into_iter().flatten() {
        let _ = write!(out, "\n**`{key}`**: {}\n", described(value));
    }
}

fn described(value: &Value) -> &str {
    value["description"].as_str().unwrap_or_default()
}

/// In the order in which a reader needs them.
const ORDER: [&str; 13] = [
    "site", "precache", "worker", "route", "prefetch", "appcache", "names", "build", "serve",
    "limits", "origin", "cache", "admin",
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_published_schema_is_up_to_date() {
        assert_eq!(
            super::text(),
            include_str!("../../../docs/revisit.schema.json"),
            "write it anew: cargo run -- schema > docs/revisit.schema.json"
        );
    }

    #[test]
    fn the_published_references_of_scenarios_are_up_to_date() {
        assert_eq!(
            super::scenario_text(),
            include_str!("../../../docs/scenario.schema.json"),
            "write it anew: cargo run -- schema --scenario > docs/scenario.schema.json"
        );
        assert_eq!(
            super::scenario_in_words(),
            include_str!("../../../docs/scenario.md"),
            "write it anew: cargo run -- schema --scenario --words > docs/scenario.md"
        );
    }

    #[test]
    fn the_published_reference_is_up_to_date_and_leaves_no_table_out() {
        let words = super::in_words();
        assert_eq!(
            words,
            include_str!("../../../docs/config.md"),
            "write it anew: cargo run -- schema --words > docs/config.md"
        );
        let schema = schemars::schema_for!(crate::config::Config);
        for table in schema.as_value()["properties"].as_object().unwrap().keys() {
            let heads = [format!("## `[{table}]`"), format!("## `[[{table}]]`")];
            assert!(heads.iter().any(|head| words.contains(head)), "{table}");
        }
    }
}
