//! The one hash of the house: SHA-256, whole where it is compared, shortened where it names.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest;

/// A SHA-256 of some bytes.
pub type Sha256 = [u8; 32];

/// Hashes bytes at hand.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    sha2::Sha256::digest(bytes).into()
}

/// Hashes bytes that come in parts.
#[derive(Default)]
pub(crate) struct Hasher(sha2::Sha256);

impl Hasher {
    pub(crate) fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    pub(crate) fn finish(self) -> Sha256 {
        self.0.finalize().into()
    }
}

/// How a hash stands in names and manifests: its first 96 bits, 16 base64url characters. Enough
/// that nobody finds two contents of one name; a third of the size of the whole.
pub(crate) fn short(hash: &Sha256) -> String {
    URL_SAFE_NO_PAD.encode(&hash[..12])
}
