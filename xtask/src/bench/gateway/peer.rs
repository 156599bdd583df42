//! A server before the origin, alone on core 0: how it is started, and what it has cost.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::free_address;
use crate::shell::on_path;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Revisit,
    Nginx,
    Varnish,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Revisit => "revisit",
            Self::Nginx => "nginx",
            Self::Varnish => "Varnish",
        }
    }
}

/// A server that runs, and ends with this.
pub(super) struct Peer {
    pub(super) kind: Kind,
    pub(super) address: SocketAddr,
    process: Child,
}

impl Peer {
    /// Starts a server before `origin`, with its files below `place`, and waits until it answers.
    pub(super) fn start(
        kind: Kind,
        revisit: &Path,
        origin: SocketAddr,
        place: &Path,
    ) -> Result<Self> {
        let address = free_address()?;
        let place = place.join(kind.name());
        fs::create_dir_all(&place)?;
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "0"]);
        match kind {
            // As it is shipped.
            Kind::Revisit => {
                command
                    .arg(revisit)
                    .arg("serve")
                    .arg(format!("http://{origin}"))
                    .arg("--listen")
                    .arg(address.to_string())
                    .env("RUST_LOG", "warn");
            }
            Kind::Nginx => {
                let config = place.join("nginx.conf");
                fs::write(&config, nginx_config(address, origin, &place))?;
                command
                    .arg(program("nginx"))
                    .arg("-p")
                    .arg(&place)
                    .arg("-c")
                    .arg(&config)
                    .args(["-e", "stderr"]);
            }
            Kind::Varnish => {
                let config = place.join("cache.vcl");
                fs::write(&config, varnish_config(origin))?;
                command
                    .arg(program("varnishd"))
                    .args(["-F", "-n"])
                    .arg(&place)
                    .arg("-a")
                    .arg(address.to_string())
                    .arg("-f")
                    .arg(&config)
                    .args(["-s", "malloc,256m", "-p", "thread_pools=1"])
                    .args(["-p", "default_grace=0", "-p", "default_keep=3600"]);
            }
        }
        let process = command
            .current_dir(&place)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(place.join("errors"))?)
            .spawn()
            .with_context(|| format!("cannot start {}", kind.name()))?;
        let mut peer = Self {
            kind,
            address,
            process,
        };
        peer.wait_until_it_listens(&place)?;
        Ok(peer)
    }

    fn wait_until_it_listens(&mut self, place: &Path) -> Result<()> {
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if self.process.try_wait()?.is_some() || began.elapsed() > START_TIME_MAX {
                let said = fs::read_to_string(place.join("errors")).unwrap_or_default();
                bail!("{} does not listen\n{said}", self.kind.name());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// CPU time, user and system, of all its processes so far.
    pub(super) fn cpu_micros(&self) -> Result<f64> {
        let mut ticks = 0;
        for process in family(self.process.id())? {
            let fields = fields(&process)?;
            ticks += fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        }
        Ok(ticks as f64 * 1e6 / TICKS_PER_SECOND)
    }

    /// Memory of all its processes that is resident now.
    pub(super) fn resident_bytes(&self) -> Result<u64> {
        self.status_bytes("VmRSS:")
    }

    /// The most memory that was resident since [`Self::forget_peak`].
    pub(super) fn peak_bytes(&self) -> Result<u64> {
        self.status_bytes("VmHWM:")
    }

    /// Begins to watch for the peak anew.
    pub(super) fn forget_peak(&self) -> Result<()> {
        for process in family(self.process.id())? {
            // proc(5): 5 resets the peak resident set size to what is resident now.
            fs::write(process.join("clear_refs"), "5")?;
        }
        Ok(())
    }

    fn status_bytes(&self, field: &str) -> Result<u64> {
        let mut bytes = 0;
        for process in family(self.process.id())? {
            let status = fs::read_to_string(process.join("status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            let kib = line.and_then(|line| line.split_whitespace().next());
            bytes += kib.context("a status without its memory")?.parse::<u64>()? << 10;
        }
        Ok(bytes)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Each of them ends its own processes when it is asked to.
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let began = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if began.elapsed() > START_TIME_MAX {
                let _ = self.process.kill();
                let _ = self.process.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The folders in `/proc` of a process and all that descend from it.
fn family(root: u32) -> Result<Vec<PathBuf>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Ok(pid) = name.parse::<u32>() else {
            continue;
        };
        // One may end meanwhile.
        if let Ok(fields) = fields(&path) {
            parents.push((pid, fields[1].parse::<u32>()?));
        }
    }
    let mut family = vec![root];
    let mut seen = 0;
    while let Some(&parent) = family.get(seen) {
        let children = parents.iter().filter(|(_, of)| *of == parent);
        family.extend(children.map(|(pid, _)| *pid));
        seen += 1;
    }
    let folder = |pid: &u32| Path::new("/proc").join(pid.to_string());
    Ok(family.iter().map(folder).collect())
}

/// The fields of `/proc/PID/stat` behind the name, which may hold anything (proc(5): the first is
/// the third, `state`).
fn fields(process: &Path) -> Result<Vec<String>> {
    let stat = fs::read_to_string(process.join("stat"))?;
    let (_, rest) = stat.rsplit_once(')').context("a process without a name")?;
    let fields: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
    match fields.len() {
        0..13 => bail!("a process without its times"),
        _ => Ok(fields),
    }
}

/// Where Debian has servers, an ordinary user's `PATH` may not lead.
fn program(name: &str) -> String {
    match on_path(name) {
        true => name.to_owned(),
        false => format!("/usr/sbin/{name}"),
    }
}

/// As its manual recommends for speed, without the access log, which we do not write either.
fn nginx_config(address: SocketAddr, origin: SocketAddr, place: &Path) -> String {
    let place = place.display();
    format!(
        r#"
daemon off;
user root;
worker_processes 1;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=100000;
    keepalive_requests 100000000;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/temp;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    proxy_cache_path {place}/cache levels=1:2 keys_zone=all:100m max_size=10g inactive=1h use_temp_path=off;
    upstream origin {{ server {origin}; keepalive 64; keepalive_requests 100000000; }}
    server {{
        listen {address};
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_cache all;
            proxy_cache_lock on;
            proxy_cache_revalidate on;
        }}
    }}
}}
"#
    )
}

fn varnish_config(origin: SocketAddr) -> String {
    let (host, port) = (origin.ip(), origin.port());
    format!("vcl 4.1;\nbackend origin {{ .host = \"{host}\"; .port = \"{port}\"; }}\n")
}

/// `USER_HZ`, in which Linux tells CPU time on all of its platforms that matter here.
const TICKS_PER_SECOND: f64 = 100.0;
const START_TIME_MAX: Duration = Duration::from_secs(20);
