//! `[worker] import_scripts`: which scripts does the worker load after our code, and in which state?
//!
//! A browser looks for a newer worker by its bytes, and at what it imports only where the registration says so
//! (Service Workers, `updateViaCache`). So the hash of each file stands in the worker's text.

use std::collections::HashSet;

use revisit_rules::site::route::decode;
use url::Url;

use crate::BuildError;
use crate::content_hash::{Sha256, short};

/// A script that the worker imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportedScript {
    /// As the config names it.
    pub(crate) url: String,
    /// Of a file of the site.
    pub(crate) sha256: Option<Sha256>,
}

/// The file of the site that a script of the config is; none for what lies elsewhere.
///
/// # Errors
/// It is no URL of the web, or lies below the base and is no file.
pub(crate) fn file_of(
    script: &str,
    base: &str,
    known: &HashSet<&str>,
) -> Result<Option<String>, BuildError> {
    let home = Url::parse(&format!("https://{HOST}{base}")).ok();
    let url = home.and_then(|home| home.join(script).ok());
    let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return refuse(script, "it is a path of the site, or a URL");
    };
    if url.host_str() != Some(HOST) {
        return Ok(None);
    }
    let below = url.path().strip_prefix(base);
    match below.map(decode) {
        None => Ok(None),
        Some(Some(file)) if known.contains(&*file) => Ok(Some(file)),
        Some(_) => refuse(
            script,
            "it is no file of the folder, and a worker whose script is missing is never installed",
        ),
    }
}

/// The statement that loads them; empty for none.
pub(crate) fn statement(scripts: &[ImportedScript]) -> String {
    if scripts.is_empty() {
        return String::new();
    }
    let urls: Vec<String> = scripts
        .iter()
        .map(|script| serde_json::json!(script.url).to_string())
        .collect();
    let states: Vec<String> = scripts
        .iter()
        .filter_map(|script| script.sha256.as_ref().map(short))
        .collect();
    format!(
        "\nimportScripts({})//{}\n",
        urls.join(","),
        states.join(" ")
    )
}

fn refuse<T>(value: &str, why: &str) -> Result<T, BuildError> {
    Err(BuildError::Config {
        key: "worker.import_scripts",
        value: value.to_owned(),
        why: why.to_owned(),
    })
}

const HOST: &str = "site.invalid";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, expected: Result<Option<&str>, ()>) {
        let known = HashSet::from(["a.js", "b/é.js"]);
        let found = file_of(script, "/app/", &known);
        let found = found.as_ref().map(Option::as_deref).map_err(drop);
        assert_eq!(found, expected, "{script}");
    }

    #[test]
    fn a_script_is_a_file_of_the_site_or_lies_elsewhere() {
        check("a.js", Ok(Some("a.js")));
        check("/app/a.js?v=1", Ok(Some("a.js")));
        check("b/%C3%A9.js", Ok(Some("b/é.js")));
        check("/other.js", Ok(None));
        check("https://cdn.example/x.js", Ok(None));
        check("c.js", Err(()));
        check("", Err(()));
        check("data:text/javascript,1", Err(()));
    }

    #[test]
    fn the_statement_names_them_in_their_order_and_the_state_of_files() {
        let script = |url: &str, sha256| ImportedScript {
            url: url.into(),
            sha256,
        };
        let list = [
            script("a\".js", Some(Sha256::default())),
            script("//x/b.js", None),
        ];
        assert_eq!(
            statement(&list),
            format!(
                "\nimportScripts(\"a\\\".js\",\"//x/b.js\")//{}\n",
                short(&Sha256::default())
            )
        );
        assert_eq!(statement(&[]), "");
    }
}
