//! The three processes of a run: the suite's server, the gateway before it, the suite's client.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Options;
use super::verdict::{Case, cases};
use crate::shell::{cargo, command, run as sh, target_dir};

/// Runs the suite in `suite` through a gateway, as the options ask.
pub(super) fn run(suite: &Path, options: &Options<'_>) -> Result<BTreeMap<String, Case>> {
    sh(cargo(options.build))?;
    let profile = &options.profile;
    let (_server, origin) = server(suite)?;
    let (_gateway, base) = gateway(&origin, profile, &options.switches)?;

    eprintln!("asking {base}, which asks {origin}");
    let mut client = command("node", &["--no-warnings", "tests/conformance/run.mjs"]);
    client.arg(suite).args([&base, profile]);
    let output = client
        .stderr(Stdio::null()) // It says there of each error what its results say too.
        .output()
        .context("cannot start the suite's client")?;
    if !output.status.success() {
        bail!("the suite's client ended with {}", output.status);
    }
    let document: Value = serde_json::from_slice(&output.stdout)
        .context("the suite's client printed something else than its results")?;
    cases(&document).context("the suite's client printed something else than its results")
}

/// A process that ends with us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The suite's server and its URL.
fn server(suite: &Path) -> Result<(Running, String)> {
    let script = ["test-engine/server/server.mjs", "server/server.mjs"]
        .into_iter()
        .find(|script| suite.join(script).is_file())
        .context("the suite has no server")?;
    // It does not tell which port it took, so it gets one that is free just now.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let pid_file = std::env::temp_dir().join(format!("revisit-conformance-{port}.pid"));
    let mut server = Command::new("node");
    server
        .arg(script)
        .current_dir(suite)
        .env("npm_config_protocol", "http")
        .env("npm_config_port", port.to_string())
        .env("npm_config_pidfile", &pid_file);
    let mut server = start(server)?;
    first_line(&mut server, "Listening on")?;
    let _ = std::fs::remove_file(&pid_file);
    Ok((server, format!("http://127.0.0.1:{port}")))
}

/// `revisit serve` before `origin`, and its URL.
fn gateway(origin: &str, profile: &str, switches: &[String]) -> Result<(Running, String)> {
    let mut gateway = Command::new(
        target_dir()
            .join("debug")
            .join(format!("revisit{}", std::env::consts::EXE_SUFFIX)),
    );
    gateway
        .args(["serve", origin, "--listen", "127.0.0.1:0"])
        .args(["--profile", profile])
        .args(switches)
        // No config of whoever runs this.
        .current_dir(target_dir());
    let mut gateway = start(gateway)?;
    let line = first_line(&mut gateway, "listening on")?;
    let url = line.split_whitespace().nth(2).unwrap_or_default();
    let url = url.trim_end_matches([',', '/']);
    Ok((gateway, url.to_owned()))
}

fn start(mut command: Command) -> Result<Running> {
    let child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
    Ok(Running(child))
}

/// The first line that it prints, which begins with `words`; what follows is read and forgotten.
fn first_line(running: &mut Running, words: &str) -> Result<String> {
    let output = running.0.stdout.take().context("its output is not ours")?;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    output.read_line(&mut line)?;
    if !line.starts_with(words) {
        bail!("`{}` is not what a server says that listens", line.trim());
    }
    std::thread::spawn(move || {
        let mut rest = [0; 4096];
        while output.read(&mut rest).is_ok_and(|bytes| bytes > 0) {}
    });
    Ok(line)
}
