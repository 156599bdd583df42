//! The manifest: the list of what a build precaches, as the worker reads it.
//!
//! The shape is that of `runtime/worker/generation.js`. Same input, same bytes: everything is in
//! the order of its path, and the build id is the hash of the text.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::content_hash::{Sha256, sha256, short};
use crate::packs::Pack;

/// A document or a worker script, kept as an entry of its own.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) path: String,
    pub(crate) sha256: Sha256,
    pub(crate) size: u64,
}

/// A manifest as it is written.
pub(crate) struct Manifest {
    pub(crate) text: String,
    pub(crate) sha256: Sha256,
    pub(crate) build: String,
}

pub(crate) fn manifest(packs: &[impl AsRef<Pack>], documents: &[Document]) -> Manifest {
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for file in packs.iter().flat_map(|pack| &pack.as_ref().files) {
        types.entry(&file.content_type).or_default();
    }
    for (index, value) in types.values_mut().enumerate() {
        *value = index;
    }
    let packs: Vec<Value> = packs
        .iter()
        .map(|pack| {
            let pack = pack.as_ref();
            let files: Vec<Value> = pack
                .files
                .iter()
                .map(|file| {
                    json!([
                        file.path,
                        &short(&file.sha256)[..PACKED_HASH_CHARS],
                        file.size,
                        types[&*file.content_type]
                    ])
                })
                .collect();
            json!([
                short(&pack.sha256),
                pack.wire.len(),
                u8::from(pack.gzip),
                u8::from(pack.loaded),
                files
            ])
        })
        .collect();
    let pages: Vec<Value> = documents
        .iter()
        .map(|document| json!([document.path, short(&document.sha256), document.size]))
        .collect();
    let types: Vec<&str> = types.into_keys().collect();
    let text = json!([types, packs, pages]).to_string();
    let sha256 = sha256(text.as_bytes());
    Manifest {
        build: short(&sha256),
        sha256,
        text,
    }
}

/// Within a pack 48 bits find a file again; the pack's own hash proves it.
const PACKED_HASH_CHARS: usize = 8;
