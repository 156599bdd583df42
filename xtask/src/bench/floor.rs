//! The floor that a build is measured against: what any tool must do that looks at every file.
//!
//! `hash`: walk the folder, read every file, SHA-256 each, on two threads. `stat`: walk, and ask each
//! file for its size and time, as a rebuild must that wants to see what has changed.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};

pub(super) fn run(kind: &str, site: &Path) -> Result<()> {
    let mut files = Vec::new();
    walk(site, &mut files).with_context(|| format!("cannot walk `{}`", site.display()))?;
    match kind {
        "hash" => {
            let hashed = hash(&files)?;
            println!("{} files, {hashed} bytes", files.len());
        }
        _ => {
            let mut bytes = 0;
            for file in &files {
                bytes += file.metadata()?.len();
            }
            println!("{} files, {bytes} bytes", files.len());
        }
    }
    Ok(())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => walk(&entry.path(), files)?,
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}

/// Hashes all files and gives the number of bytes.
fn hash(files: &[PathBuf]) -> Result<u64> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<u64> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut total = 0;
        let mut last = None;
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut file =
                File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
            let mut hasher = Sha256::new();
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                hasher.update(&buffer[..read]);
                total += read as u64;
            }
            last = Some(hasher.finalize());
        }
        std::hint::black_box(last);
        Ok(total)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let mut total = 0;
        for thread in threads {
            total += thread
                .join()
                .map_err(|_| anyhow!("a hashing thread panicked"))??;
        }
        Ok(total)
    })
}

const THREADS: usize = 2;
const BUFFER_BYTES: usize = 128 << 10;
