//! What a program did to its files, as `strace -f -y -x` has written it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::disk::Event;

/// Calls that [`read`] knows; a store makes no others that change a file.
pub(super) const CALLS: &str =
    "openat,write,pwrite64,writev,ftruncate,rename,unlink,mkdir,rmdir,fsync,fdatasync";

/// The events below `root`, and the lines that were written to `log`.
pub(super) fn read(trace: &str, root: &Path, log: &Path) -> Result<Vec<Event>> {
    let mut reader = Reader {
        root,
        log,
        lengths: BTreeMap::new(),
        folders: BTreeSet::new(),
        events: Vec::new(),
    };
    // Calls that another thread has interrupted: what stood there, and how many events had ended.
    let mut begun: BTreeMap<&str, (String, usize)> = BTreeMap::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(first) = rest.strip_suffix(" <unfinished ...>") {
            // Whoever is told is told at the beginning.
            reader.told(first)?;
            begun.insert(thread, (first.to_owned(), reader.events.len()));
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_, end) = resumed.split_once(" resumed>").unwrap_or_default();
            if let Some((first, at)) = begun.remove(thread) {
                reader.call(&format!("{first}{end}"), at)?;
            }
        } else {
            reader.told(rest)?;
            reader.call(rest, reader.events.len())?;
        }
    }
    Ok(reader.events)
}

struct Reader<'a> {
    root: &'a Path,
    log: &'a Path,
    /// Files that are there, with their lengths.
    lengths: BTreeMap<PathBuf, usize>,
    folders: BTreeSet<PathBuf>,
    events: Vec<Event>,
}

impl Reader<'_> {
    /// A line that was written to the log.
    fn told(&mut self, call: &str) -> Result<()> {
        let Some(args) = call.strip_prefix("writev(") else {
            return Ok(());
        };
        if described(args).as_deref() != Some(self.log) {
            return Ok(());
        }
        let line = args.split_once("iov_base=").map(|(_, base)| string(base));
        let (line, _) = line.flatten().context("a line of the log cannot be read")?;
        self.events
            .push(Event::Told(String::from_utf8_lossy(&line).into_owned()));
        Ok(())
    }

    /// A call that has ended; `begun`: how many events had ended when it was begun.
    fn call(&mut self, line: &str, begun: usize) -> Result<()> {
        let Some((call, _)) = line
            .rsplit_once(" = ")
            .filter(|(_, said)| !said.starts_with('-'))
        else {
            return Ok(());
        };
        let Some((name, args)) = call.split_once('(') else {
            return Ok(());
        };
        match name {
            "openat" => self.opened(args),
            "mkdir" | "rmdir" | "unlink" => {
                let Some(path) = path_of(args).filter(|path| self.is_ours(path)) else {
                    return Ok(());
                };
                self.events.push(match name {
                    "mkdir" => {
                        self.folders.insert(path.clone());
                        Event::Folder(path)
                    }
                    _ => {
                        self.lengths.remove(&path);
                        Event::Remove(path)
                    }
                });
            }
            "rename" => {
                let from = string(args).context("a name cannot be read")?;
                let to = from.1.trim_start_matches(", ");
                let to = path_of(to).context("a name cannot be read")?;
                let from = to_path(from.0);
                if self.is_ours(&to) {
                    let bytes = self.lengths.remove(&from).unwrap_or_default();
                    self.lengths.insert(to.clone(), bytes);
                    self.events.push(Event::Rename(from, to));
                }
            }
            "write" | "pwrite64" => self.wrote(args, name == "pwrite64")?,
            "ftruncate" => {
                let path = described(args).filter(|path| self.is_ours(path));
                let bytes = args.trim_end_matches(')').rsplit(", ").next();
                if let (Some(path), Some(Ok(bytes))) = (path, bytes.map(str::parse)) {
                    self.lengths.insert(path.clone(), bytes);
                    self.events.push(Event::Truncate(path, bytes));
                }
            }
            "fsync" | "fdatasync" => {
                if let Some(path) = described(args) {
                    self.events.push(Event::Sync(path, begun));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn opened(&mut self, args: &str) {
        let Some(path) = args.split_once(", ").and_then(|(_, args)| path_of(args)) else {
            return;
        };
        if !self.is_ours(&path) {
            return;
        }
        let is_there = self.lengths.contains_key(&path);
        if is_there && args.contains("O_TRUNC") {
            self.lengths.insert(path.clone(), 0);
            self.events.push(Event::Truncate(path, 0));
        } else if !is_there && args.contains("O_CREAT") {
            self.lengths.insert(path.clone(), 0);
            self.events.push(Event::Create(path));
        }
    }

    fn wrote(&mut self, args: &str, is_placed: bool) -> Result<()> {
        let Some(path) = described(args).filter(|path| self.is_ours(path)) else {
            return Ok(());
        };
        let bytes = args.split_once(", ").and_then(|(_, args)| string(args));
        let (bytes, rest) =
            bytes.with_context(|| format!("a write to `{}` cannot be read", path.display()))?;
        let mut numbers = rest
            .trim_matches([',', ' ', ')'])
            .split(", ")
            .map(str::parse::<usize>);
        let count = numbers.next().context("a write without a length")??;
        ensure!(
            count == bytes.len(),
            "the trace has {} of {count} bytes",
            bytes.len()
        );
        let length = self.lengths.entry(path.clone()).or_default();
        let at = match is_placed {
            true => numbers.next().context("a write without a place")??,
            false => *length,
        };
        *length = (*length).max(at + bytes.len());
        self.events.push(Event::Write { path, at, bytes });
        Ok(())
    }

    /// Below the root, and no memory that processes share (SQLite's index of its log).
    fn is_ours(&self, path: &Path) -> bool {
        path.starts_with(self.root) && !path.as_os_str().as_encoded_bytes().ends_with(b"-shm")
    }
}

/// The path of the descriptor that the arguments begin with: `5</store/lock>, …`.
fn described(args: &str) -> Option<PathBuf> {
    let (_, rest) = args.split_once('<')?;
    let (path, _) = rest.split_once('>')?;
    (!path.ends_with("(deleted)")).then(|| PathBuf::from(path))
}

/// The path in quotes that the arguments begin with.
fn path_of(args: &str) -> Option<PathBuf> {
    string(args).map(|(bytes, _)| to_path(bytes))
}

fn to_path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

/// The string in quotes that `text` begins with, and what follows; one that was cut short is none.
fn string(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text.strip_prefix('"')?;
    loop {
        let (plain, after) = rest.split_at(rest.find(['"', '\\'])?);
        bytes.extend_from_slice(plain.as_bytes());
        if let Some(rest) = after.strip_prefix('"') {
            return (!rest.starts_with("...")).then_some((bytes, rest));
        }
        let escape = after.strip_prefix('\\')?;
        let mut chars = escape.chars();
        let (byte, length) = match chars.next()? {
            'x' => (u8::from_str_radix(escape.get(1..3)?, 16).ok()?, 3),
            'n' => (b'\n', 1),
            't' => (b'\t', 1),
            'r' => (b'\r', 1),
            'v' => (0x0b, 1),
            'f' => (0x0c, 1),
            digit @ '0'..='7' => {
                let more = chars.take(2).take_while(|char| ('0'..='7').contains(char));
                let digits: String = std::iter::once(digit).chain(more).collect();
                (u8::from_str_radix(&digits, 8).ok()?, digits.len())
            }
            other => (u8::try_from(other).ok()?, 1),
        };
        bytes.push(byte);
        rest = escape.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(trace: &str) -> Vec<Event> {
        read(trace, Path::new("/s"), Path::new("/log")).unwrap()
    }

    #[test]
    fn calls_become_events_in_the_order_in_which_they_end() {
        let trace = r#"7 mkdir("/s", 0777) = 0
7 openat(AT_FDCWD, "/s/f", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3</s/f>
7 openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 4</etc/passwd>
7 write(3</s/f>, "ab", 2) = 2
7 write(3</s/f>, "\x00\x22", 2) = 2
8 fdatasync(3</s/f> <unfinished ...>
7 pwrite64(3</s/f>, "\n", 1, 9) = 1
8 <... fdatasync resumed>) = 0
7 rename("/s/f", "/s/g") = 0
7 rename("/s/none", "/s/h") = -1 ENOENT (No such file or directory)
6 writev(9</log>, [{iov_base="ACK 1", iov_len=5}, {iov_base="\n", iov_len=1}], 2 <unfinished ...>
7 ftruncate(3</s/g>, 4) = 0
6 <... writev resumed>) = 6
7 openat(AT_FDCWD, "/s/g", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 3</s/g>
7 unlink("/s/g") = 0
"#;
        let write = |at, bytes: &[u8]| Event::Write {
            path: "/s/f".into(),
            at,
            bytes: bytes.to_vec(),
        };
        let expected = [
            Event::Folder("/s".into()),
            Event::Create("/s/f".into()),
            write(0, b"ab"),
            write(2, b"\0\""),
            write(9, b"\n"),
            // It was begun before that write.
            Event::Sync("/s/f".into(), 4),
            Event::Rename("/s/f".into(), "/s/g".into()),
            Event::Told("ACK 1".to_owned()),
            Event::Truncate("/s/g".into(), 4),
            Event::Truncate("/s/g".into(), 0),
            Event::Remove("/s/g".into()),
        ];
        assert_eq!(events(trace), expected);
    }

    #[test]
    fn bytes_are_read_as_they_were_written_and_a_part_of_them_is_refused() {
        for (text, expected) in [
            (r#""""#, &b""[..]),
            (r#""a\"b\\c""#, br#"a"b\c"#),
            (r#""\x00\xff\x0a""#, b"\0\xff\n"),
            (r#""\0\1771\t""#, b"\0\x7f1\t"),
        ] {
            assert_eq!(string(text), Some((expected.to_vec(), "")), "{text}");
        }
        for text in [r#""abc"#, r#""abc"..."#, "abc", r#""\xg0""#] {
            assert_eq!(string(text), None, "{text}");
        }
        let short = r#"7 write(3</s/f>, "ab"..., 900) = 900"#;
        assert!(read(short, Path::new("/s"), Path::new("/log")).is_err());
    }
}
