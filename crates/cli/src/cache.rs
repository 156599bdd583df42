//! Where does a build remember what it has seen?
//!
//! The XDG Base Directory Specification, and what macOS and Windows have in its place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use revisit_rules::site::FileStamp;

/// The folder that the config names, or ours in the user's cache folder; `None` for no cache.
pub(crate) fn folder(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(named) if named.as_os_str().is_empty() => None,
        Some(named) => Some(named.to_owned()),
        #[allow(deprecated, reason = "it was mended in Rust 1.85")]
        None => default(
            std::env::consts::OS,
            |name| std::env::var_os(name),
            std::env::home_dir(),
        ),
    }
}

fn default(
    system: &str,
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    // "All paths set in these environment variables must be absolute. If an implementation
    // encounters a relative path […] it should consider the path invalid and ignore it."
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let named = |name| variable(name).map(PathBuf::from).and_then(absolute);
    let users = named("XDG_CACHE_HOME").or_else(|| match system {
        "windows" => named("LOCALAPPDATA"),
        "macos" => Some(home.and_then(absolute)?.join("Library/Caches")),
        _ => Some(home.and_then(absolute)?.join(".cache")),
    });
    Some(users?.join("revisit"))
}

/// Tells this program from others, such as its next version, that would build otherwise.
pub(crate) fn program() -> String {
    let own = std::env::current_exe().and_then(std::fs::metadata);
    let own = own.map(|own| FileStamp::of(&own)).ok();
    let stamp = own.map_or((0, 0), |stamp| (stamp.size, stamp.modified_ns));
    format!("{} {stamp:?}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(system: &str, variables: &[(&str, &str)], home: &str, expected: Option<&str>) {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let found = default(system, variable, Some(home.into()));
        assert_eq!(found.as_deref(), expected.map(Path::new));
    }

    #[test]
    fn the_cache_is_where_the_platform_keeps_caches() {
        let xdg = ("XDG_CACHE_HOME", "/c");
        check("linux", &[xdg], "/h", Some("/c/revisit"));
        check("linux", &[], "/h", Some("/h/.cache/revisit"));
        check("macos", &[], "/h", Some("/h/Library/Caches/revisit"));
        check("macos", &[xdg], "/h", Some("/c/revisit"));
        check(
            "windows",
            &[("LOCALAPPDATA", "/l")],
            "/h",
            Some("/l/revisit"),
        );
    }

    #[test]
    fn a_relative_path_of_the_environment_is_ignored() {
        check(
            "linux",
            &[("XDG_CACHE_HOME", "c")],
            "/h",
            Some("/h/.cache/revisit"),
        );
        check("linux", &[("XDG_CACHE_HOME", "")], "h", None);
        check("windows", &[("LOCALAPPDATA", "l")], "/h", None);
    }

    #[test]
    fn an_empty_name_switches_it_off() {
        assert_eq!(folder(Some(Path::new(""))), None);
        assert_eq!(
            folder(Some(Path::new("a"))).as_deref(),
            Some(Path::new("a"))
        );
    }
}
