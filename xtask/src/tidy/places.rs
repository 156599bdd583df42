//! Names of one machine and of registries, which say nothing to anybody else.
//!
//! The needles are put together at compile time, so that this file does not hold them itself.

use super::{File, Violation};

/// A path that exists on one machine only.
pub(super) fn machine_paths(files: &[File]) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        for (index, line) in file.text.lines().enumerate() {
            for folder in FOLDERS {
                let named = line
                    .match_indices(folder)
                    .any(|(at, _)| starts_a_path(&line[..at]));
                if named {
                    found.push(Violation::new(
                        &file.path,
                        index + 1,
                        format!("`{folder}` is a path of one machine"),
                        "name the place from the root of the repository, or take it as an argument",
                    ));
                }
            }
        }
    }
    found
}

/// Whether a path may start after `before`: one below another folder, or below a variable, is no machine's.
fn starts_a_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '*'))
}

/// The host of a package registry, or of one machine's mirror of it.
pub(super) fn registries(files: &[File]) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            for host in HOSTS.iter().filter(|host| line.contains(**host)) {
                found.push(Violation::new(
                    &file.path,
                    index + 1,
                    format!("`{host}` is the host of a registry"),
                    "leave the place to the reader's own configuration",
                ));
            }
        }
    }
    found
}

/// A lock file names versions and checksums, and no place to get them from.
pub(super) fn lock_files(files: &[File]) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files {
        let (needle, remedy) = match file.path.rsplit('/').next() {
            Some("package-lock.json") => (
                "\"resolved\": ",
                "`npm install --omit-lockfile-registry-resolved`, from a fresh lock file",
            ),
            Some("Cargo.lock") => ("source = ", "take the package from crates.io"),
            _ => continue,
        };
        for (index, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with(needle) && !line.contains(CRATES_IO) {
                found.push(Violation::new(
                    &file.path,
                    index + 1,
                    "a package is bound to a place",
                    remedy,
                ));
            }
        }
    }
    found
}

const FOLDERS: [&str; 3] = [
    concat!("/", "work/"),
    concat!("/", "farm/"),
    concat!("/", "root/"),
];
const HOSTS: [&str; 7] = [
    concat!("registry.", "npmjs."),
    concat!("registry.", "yarnpkg."),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("files.", "pythonhosted."),
    concat!("deb.", "debian.org"),
    concat!("artifact", "ory"),
];
const CRATES_IO: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_refused_everywhere() {
        let bad = format!("one\nsee {}main and file://{}x\n", FOLDERS[0], FOLDERS[2]);
        assert_eq!(lines(machine_paths, "README.md", &bad), [2, 2]);
        assert!(lines(machine_paths, "Cargo.lock", &bad).is_empty());
        let good = format!(
            "some{0}x $HOME{0} ./{1} a{2}",
            FOLDERS[0], "target", FOLDERS[2]
        );
        assert!(lines(machine_paths, "README.md", &good).is_empty());
    }

    #[test]
    fn the_host_of_a_registry_is_refused() {
        let bad = format!("curl https://{}org/x", HOSTS[0]);
        assert_eq!(lines(registries, "README.md", &bad), [1]);
        assert!(lines(registries, "README.md", "npm install, cargo add, crates.io").is_empty());
    }

    #[test]
    fn lock_files_name_no_place() {
        let bad = "{\n  \"resolved\": \"https://example.org/a.tgz\",\n  \"integrity\": \"x\"\n}";
        assert_eq!(lines(lock_files, "benches/package-lock.json", bad), [2]);
        assert!(
            lines(
                lock_files,
                "package-lock.json",
                "{\n  \"integrity\": \"x\"\n}"
            )
            .is_empty()
        );
        assert!(lines(lock_files, "Cargo.lock", &format!("source = {CRATES_IO}")).is_empty());
        let git = "source = \"git+https://example.org/a\"";
        assert_eq!(lines(lock_files, "Cargo.lock", git), [1]);
    }
}
