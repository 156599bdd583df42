//! The plugin of `packages/vite` in the real Vite, by its Node packages (`npm ci`).

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::installed;
use crate::harness::{Browser, Origin, Site, cache_home};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn the_plugin_builds_after_vite_and_serves_a_worker_that_keeps_nothing() {
    let site = Site::new();
    let output = Command::new("node")
        .arg(root().join("tests/vite/site.mjs"))
        .arg(site.path())
        .env("REVISIT", env!("CARGO_BIN_EXE_revisit"))
        .env("XDG_CACHE_HOME", cache_home())
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{errors}");
    let told: Value = serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap();
    let built = told["built"].as_array().unwrap();
    assert!(built.iter().any(|file| file == "sw.js"), "{said}");
    let dev = std::fs::read_to_string(root().join("crates/generator/runtime/dev/dev.js")).unwrap();
    assert_eq!(told["dev"], dev, "the plugin's copy is another");
    assert_eq!(told["type"], "text/javascript");
    let missing = told["missing"].as_str().unwrap();
    assert!(
        missing.contains("nowhere") && missing.contains("option `binary`"),
        "{missing}"
    );
    // what was built works, under Vite's base
    let host = Site::new();
    for (name, bytes) in site.files() {
        if let Some(name) = name.strip_prefix("dist/") {
            host.file(&format!("app/{name}"), bytes);
        }
    }
    let origin = Origin::serve(host.path());
    let browser = Browser::start();
    let tab = installed(&browser, &origin.url("/app/"));
    origin.stop();
    browser.clear_http_cache();
    tab.reload().ok();
    assert_eq!(tab.eval("document.body.dataset.script"), "ran");
}
