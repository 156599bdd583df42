//! Bytes that wait on disk until they are written to their place.
//!
//! A site of gigabytes has packs of as many, and none of them is looked at again before it is
//! written. They lie one behind the other in one file without a name, which is gone when this
//! process ends, however it does.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::overlay::Body;

/// Takes bodies to the disk.
#[derive(Debug)]
pub(crate) struct Spill(Arc<Mutex<File>>);

/// A body that was taken there.
#[derive(Debug, Clone)]
pub struct Spilled {
    file: Arc<Mutex<File>>,
    at: u64,
    bytes: u64,
}

impl Spill {
    /// Makes the file in `folder`, which is made if it is not there.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self(Arc::new(Mutex::new(tempfile::tempfile_in(folder)?))))
    }

    /// The same body on disk; as it is if that is full, or has it already.
    pub(crate) fn put(&self, body: Body) -> Body {
        let Body::Bytes(bytes) = &body else {
            return body;
        };
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let put = file
            .seek(SeekFrom::End(0))
            .and_then(|at| file.write_all(bytes).map(|()| at));
        match put {
            Ok(at) => Body::Spilled(Spilled {
                file: Arc::clone(&self.0),
                at,
                bytes: bytes.len() as u64,
            }),
            Err(_) => body.clone(),
        }
    }
}

impl Spilled {
    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.bytes
    }

    /// Writes the body to `to`.
    pub(crate) fn copy(&self, to: &mut File) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let copied = io::copy(&mut (&*file).take(self.bytes), to)?;
        match copied == self.bytes {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_in_any_order_and_leave_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new");
        let spill = Spill::new(&folder).unwrap();
        let bodies: [&[u8]; 3] = [b"one", b"", b"three"];
        let put = bodies.map(|body| spill.put(Body::Bytes(body.into())));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        for i in [2, 0, 1, 2] {
            let Body::Spilled(spilled) = &put[i] else {
                panic!("body {i} is not on disk");
            };
            let path = dir.path().join("out");
            spilled.copy(&mut File::create(&path).unwrap()).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), bodies[i]);
            assert_eq!(spilled.len(), bodies[i].len() as u64);
        }
    }
}
