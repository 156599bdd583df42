//! Layers: which crate may import which, and what its manifest forbids.
//!
//! The table is that of `ARCHITECTURE.md`. Imports between our crates are looked at in tests too (a
//! circle there is a circle); other crates only where they ship.

use super::{File, Violation};

/// What one crate may and may not do.
struct Layer {
    name: &'static str,
    /// Crates of ours that it may import.
    imports: &'static [&'static str],
    /// Crates of others that its manifest may not name.
    forbids: &'static [&'static str],
    /// Why not.
    because: &'static str,
}

const LAYERS: [Layer; 10] = [
    Layer {
        name: "rules",
        imports: &[],
        forbids: &[
            "tokio",
            "hyper",
            "hyper-util",
            "rustix",
            "socket2",
            "mio",
            "reqwest",
            "ureq",
            "rusqlite",
            "tempfile",
            "walkdir",
            "ignore",
            "tracing-subscriber",
        ],
        because: "rules decide without I/O",
    },
    Layer {
        name: "references",
        imports: &[],
        forbids: &["tokio", "hyper", "rustix", "tempfile", "tracing", "clap"],
        because: "references are read off a text, without files and network",
    },
    Layer {
        name: "store",
        imports: &[],
        forbids: &["http", "hyper", "hyper-util", "httpdate"],
        because: "a store knows ids, bytes, labels and sizes, and no HTTP",
    },
    Layer {
        name: "engine",
        imports: &["rules", "store"],
        forbids: &["rquickjs", "clap", "axum"],
        because: "the engine knows no servers and no scripts",
    },
    Layer {
        name: "gateway",
        imports: &["engine", "rules"],
        forbids: &["rquickjs", "clap"],
        because: "the gateway serves any `Fetch`, and no script engine comes with it",
    },
    Layer {
        name: "worker",
        imports: &["engine", "store", "rules"],
        forbids: &["hyper", "hyper-util", "axum", "clap"],
        because: "a worker is a `Fetch` and no server",
    },
    Layer {
        name: "generator",
        imports: &["references", "rules"],
        forbids: &[
            "tokio",
            "hyper",
            "hyper-util",
            "reqwest",
            "ureq",
            "socket2",
            "mio",
            "rustls",
            "clap",
        ],
        because: "the generator is a pure build step without network",
    },
    Layer {
        name: "replay",
        imports: &["worker", "engine", "references", "rules"],
        forbids: &[
            "tokio",
            "hyper",
            "hyper-util",
            "h2",
            "reqwest",
            "ureq",
            "socket2",
            "mio",
            "clap",
        ],
        because: "replay has no real sockets and clocks",
    },
    Layer {
        name: "devtools",
        imports: &[],
        forbids: &["tokio", "hyper", "clap"],
        because: "a browser is driven over a pipe by one thread",
    },
    Layer {
        name: "cli",
        imports: &[
            "devtools",
            "rules",
            "store",
            "engine",
            "gateway",
            "worker",
            "generator",
            "references",
            "replay",
        ],
        forbids: &[],
        because: "",
    },
];

/// Crates of others that only the edge of the program may use.
const EDGE_ONLY: [(&str, &str); 1] = [(
    "anyhow",
    "errors have types everywhere but in `cli`, which only shows them",
)];

/// Looks at the manifest of every crate.
pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let manifest_of = |path: &str| {
        let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
        (!name.contains('/')).then(|| name.to_owned())
    };
    files
        .iter()
        .filter_map(|file| Some((file, manifest_of(&file.path)?)))
        .flat_map(|(file, name)| check_manifest(file, &name))
        .collect()
}

fn check_manifest(file: &File, name: &str) -> Vec<Violation> {
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == name) else {
        return vec![Violation::new(
            &file.path,
            1,
            format!("no layer is known for the crate `{name}`"),
            "give it a row in `ARCHITECTURE.md` and in `xtask/src/tidy/layers.rs`",
        )];
    };
    let manifest: toml::Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => {
            return vec![Violation::new(
                &file.path,
                1,
                format!("not TOML: {}", error.message()),
                "mend the manifest",
            )];
        }
    };
    let mut found = Vec::new();
    for dependency in dependencies(&manifest) {
        if let Some((fact, remedy)) = refusal(layer, &dependency) {
            let line = line_of(&file.text, &dependency.key);
            found.push(Violation::new(&file.path, line, fact, remedy));
        }
    }
    found
}

/// A dependency as a manifest names it.
struct Dependency {
    /// The name in this manifest.
    key: String,
    /// The package behind it.
    package: String,
    /// For tests only.
    dev: bool,
}

fn refusal(layer: &Layer, dependency: &Dependency) -> Option<(String, String)> {
    let name = layer.name;
    let package = dependency.package.as_str();
    let ours = match package {
        "revisit" => Some("cli"),
        _ => package.strip_prefix("revisit-"),
    };
    if let Some(other) = ours {
        return (!layer.imports.contains(&other)).then(|| {
            let allowed = match layer.imports {
                [] => "nothing of ours".to_owned(),
                some => format!("only {}", some.join(", ")),
            };
            (
                format!("`{name}` imports `{other}`"),
                format!("`{name}` may import {allowed}: move what is shared down a layer"),
            )
        });
    }
    if dependency.dev {
        return None;
    }
    if layer.forbids.contains(&package) {
        return Some((
            format!("`{name}` imports `{package}`"),
            format!("{}: do that part in a crate above", layer.because),
        ));
    }
    let (_, why) = EDGE_ONLY.iter().find(|(edge, _)| *edge == package)?;
    (name != "cli").then(|| (format!("`{name}` imports `{package}`"), (*why).to_owned()))
}

/// All dependencies of a manifest, those of single platforms too.
fn dependencies(manifest: &toml::Table) -> Vec<Dependency> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let per_target = targets
        .into_iter()
        .flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    let mut all = Vec::new();
    for table in std::iter::once(manifest).chain(per_target) {
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let entries = table.get(section).and_then(toml::Value::as_table);
            for (key, value) in entries.into_iter().flatten() {
                let package = value.get("package").and_then(toml::Value::as_str);
                all.push(Dependency {
                    key: key.clone(),
                    package: package.unwrap_or(key).to_owned(),
                    dev: section == "dev-dependencies",
                });
            }
        }
    }
    all
}

/// The line that names this dependency.
fn line_of(text: &str, key: &str) -> usize {
    let names = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with([' ', '.', '=']))
            || line.ends_with(&format!("dependencies.{key}]"))
    };
    text.lines().position(names).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    fn check_crate(name: &str, text: &str) -> Vec<usize> {
        lines(check, &format!("crates/{name}/Cargo.toml"), text)
    }

    #[test]
    fn imports_run_downward_only() {
        let on = |other: &str| format!("[dependencies]\nrevisit-{other}.workspace = true\n");
        for (upper, lower) in [
            ("generator", "rules"),
            ("gateway", "rules"),
            ("cli", "generator"),
        ] {
            assert!(
                check_crate(upper, &on(lower)).is_empty(),
                "{upper} may import {lower}"
            );
        }
        for (one, other) in [
            ("rules", "engine"),
            ("store", "rules"),
            ("engine", "gateway"),
            ("engine", "worker"),
            ("gateway", "worker"),
            ("generator", "engine"),
            ("replay", "gateway"),
            ("gateway", "replay"),
        ] {
            assert_eq!(
                check_crate(one, &on(other)),
                [2],
                "{one} never imports {other}"
            );
        }
    }

    #[test]
    fn imports_of_ours_count_in_tests_and_for_single_platforms_too() {
        let text = "[dev-dependencies]\nrevisit-engine = { path = \"x\" }\n\
                    [target.'cfg(unix)'.dependencies]\nrevisit-gateway.workspace = true\n";
        let mut found = check_crate("rules", text);
        found.sort_unstable();
        assert_eq!(found, [2, 4]);
    }

    #[test]
    fn a_manifest_names_nothing_that_its_layer_forbids_under_any_name() {
        assert_eq!(
            check_crate("generator", "[dependencies]\ntokio = \"1\"\n"),
            [2]
        );
        assert_eq!(
            check_crate("rules", "[dependencies.tokio]\nversion = \"1\"\n"),
            [1]
        );
        let renamed = "[dependencies]\nrt = { package = \"tokio\", version = \"1\" }\n";
        assert_eq!(check_crate("rules", renamed), [2]);
        assert_eq!(check_crate("replay", renamed), [2]);
        assert!(check_crate("rules", "[dev-dependencies]\ntokio = \"1\"\n").is_empty());
        assert!(check_crate("gateway", "[dependencies]\ntokio = \"1\"\n").is_empty());
    }

    #[test]
    fn anyhow_is_for_the_command_line_alone() {
        assert_eq!(
            check_crate("engine", "[dependencies]\nanyhow = \"1\"\n"),
            [2]
        );
        assert!(check_crate("cli", "[dependencies]\nanyhow = \"1\"\n").is_empty());
    }

    #[test]
    fn a_crate_without_a_row_in_the_table_is_refused() {
        assert_eq!(check_crate("surprise", "[package]\n"), [1]);
    }
}
