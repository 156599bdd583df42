//! Exchanges to be explained: from a server, from a HAR file, or from a head that was printed.

use std::io::Read;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use http::header::DATE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use revisit_rules::http::date::parse_http_date;
use serde::Deserialize;
use ureq::Agent;
use url::Url;

use crate::failure::Failure;

/// A request and the head of its response.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    /// Where it went; `None` if the input does not say.
    pub(super) url: Option<Url>,
    pub(super) method: Method,
    pub(super) asked: HeaderMap,
    pub(super) status: StatusCode,
    pub(super) answered: HeaderMap,
    /// When the response came: now, or for one of another day when it says that it was made.
    pub(super) received: SystemTime,
}

/// Reads what the word on the command line names.
pub(super) fn read(of: &str, now: SystemTime) -> Result<Vec<Exchange>, Failure> {
    if of.contains("://") {
        return fetch(of, now).map(|exchange| vec![exchange]);
    }
    let (name, bytes) = match of {
        "-" => ("standard input", limited(std::io::stdin().lock())),
        file => (file, std::fs::File::open(file).and_then(limited)),
    };
    let bytes = bytes
        .with_context(|| format!("cannot read `{name}`"))
        .map_err(|error| {
            Failure::words(error).help("name a URL with `http://`, a file, or `-`".to_owned())
        })?;
    parse(&bytes, now)
        .with_context(|| format!("cannot explain `{name}`"))
        .map_err(|error| {
            Failure::words(error).help(
                "give it what `curl -si URL` prints, or a HAR file from the network panel of a browser"
                    .to_owned(),
            )
        })
}

fn limited(input: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(std::io::Error::other("it has more than 256 MiB"));
    }
    Ok(bytes)
}

/// Reads a HAR document or the head of a response.
pub(super) fn parse(bytes: &[u8], now: SystemTime) -> anyhow::Result<Vec<Exchange>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii_start().starts_with(b"{") {
        return har(bytes, now);
    }
    head(bytes, now).map(|exchange| vec![exchange])
}

/// The last head of what `curl -i` prints: with `-L`, or a 100 before, there are several.
fn head(bytes: &[u8], now: SystemTime) -> anyhow::Result<Exchange> {
    let mut lines = bytes
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .peekable();
    let mut last = None;
    while let Some(status) = lines.next_if(|line| line.starts_with(b"HTTP/")) {
        let code = status
            .split(|&byte| byte == b' ')
            .nth(1)
            .unwrap_or_default();
        let status = StatusCode::from_bytes(code)
            .map_err(|_| anyhow!("`{}` is no status line", String::from_utf8_lossy(status)))?;
        let mut answered = HeaderMap::new();
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            let colon = line.iter().position(|&byte| byte == b':');
            let field = colon.and_then(|at| field(&line[..at], &line[at + 1..]));
            let (name, value) =
                field.ok_or_else(|| anyhow!("`{}` is no field", String::from_utf8_lossy(line)))?;
            answered.append(name, value);
        }
        last = Some((status, answered));
    }
    let (status, answered) = last.ok_or_else(|| anyhow!("it does not begin with `HTTP/`"))?;
    Ok(Exchange {
        url: None,
        method: Method::GET,
        asked: HeaderMap::new(),
        received: made(&answered, now),
        status,
        answered,
    })
}

/// What we read of the format: "HTTP Archive 1.2", `log.entries`.
#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: HarRequest,
    response: HarResponse,
}

#[derive(Deserialize)]
struct HarRequest {
    method: String,
    url: String,
    headers: Vec<HarField>,
}

#[derive(Deserialize)]
struct HarResponse {
    status: i64,
    headers: Vec<HarField>,
}

#[derive(Deserialize)]
struct HarField {
    name: String,
    value: String,
}

/// The exchanges that have an answer over HTTP.
fn har(bytes: &[u8], now: SystemTime) -> anyhow::Result<Vec<Exchange>> {
    let har: Har = serde_json::from_slice(bytes).context("it is no HAR document")?;
    let exchanges: Vec<_> = har
        .log
        .entries
        .into_iter()
        .filter_map(|Entry { request, response }| {
            let url = Url::parse(&request.url).ok()?;
            let status = StatusCode::from_u16(u16::try_from(response.status).ok()?).ok()?;
            let answered = fields(&response.headers);
            matches!(url.scheme(), "http" | "https").then_some(())?;
            Some(Exchange {
                url: Some(url),
                method: request.method.parse().ok()?,
                asked: fields(&request.headers),
                received: made(&answered, now),
                status,
                answered,
            })
        })
        .collect();
    if exchanges.is_empty() {
        return Err(anyhow!(
            "none of its entries has an answer over http or https"
        ));
    }
    Ok(exchanges)
}

/// Fields of a HAR, where several lines of one field may stand in one value with line breaks; names
/// of HTTP/2 that begin with `:` are no fields.
fn fields(all: &[HarField]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for HarField { name, value } in all {
        for line in value.split('\n') {
            if let Some((name, value)) = field(name.as_bytes(), line.as_bytes()) {
                headers.append(name, value);
            }
        }
    }
    headers
}

fn field(name: &[u8], value: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name).ok()?;
    let value = HeaderValue::from_bytes(value.trim_ascii()).ok()?;
    Some((name, value))
}

/// When a response of another day came: no later than now, and about when it was made.
fn made(answered: &HeaderMap, now: SystemTime) -> SystemTime {
    let date = answered.get(DATE);
    date.and_then(|date| parse_http_date(date.as_bytes(), now))
        .map_or(now, |date| date.min(now))
}

/// Asks a server, as a browser does without a cache; redirects are explained, not followed.
fn fetch(text: &str, now: SystemTime) -> Result<Exchange, Failure> {
    let cannot = |why: String, help: &str| {
        let error = anyhow!("{why}").context(format!("cannot explain `{text}`"));
        Failure::words(error).help(help.to_owned())
    };
    let url = Url::parse(text).map_err(|error| {
        cannot(
            error.to_string(),
            "name it such as `http://127.0.0.1:8080/`",
        )
    })?;
    match url.scheme() {
        "http" => {}
        "https" if cfg!(feature = "https") => {}
        "https" => {
            return Err(cannot(
                "this program was built without TLS".into(),
                "let curl fetch it: `curl -si URL | revisit explain -`",
            ));
        }
        other => {
            return Err(cannot(
                format!("`{other}` is neither `http` nor `https`"),
                "name a URL, a file, or `-`",
            ));
        }
    }
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(FETCH_TIME_MAX))
        .user_agent(concat!("revisit/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let response = agent
        .get(url.as_str())
        .call()
        .with_context(|| format!("cannot fetch `{url}`"))
        .map_err(|error| Failure::work(error).help("is the server running?".to_owned()))?;
    Ok(Exchange {
        url: Some(url),
        method: Method::GET,
        asked: HeaderMap::new(),
        status: response.status(),
        answered: response.headers().clone(),
        received: now,
    })
}

const INPUT_BYTES_MAX: u64 = 256 << 20;
const FETCH_TIME_MAX: Duration = Duration::from_secs(30);
