//! What is a pair charged with, against its owner's quota?
//!
//! The size of a response that may not be read must not be told by `estimate()` either: whoever
//! puts `https://bank.example/me` and looks at the usage before and after would learn it. So such a
//! pair is charged with padding that nobody can foresee (Storage Standard, "usage": "this must be
//! padded for opaque responses").

use super::ResponseType;

/// The padding of an opaque response is less than this, in bytes: 14,431 KiB, as in Chromium, where
/// it is the 99th percentile of the sizes of responses.
pub const PADDING_BYTES_BOUND: u64 = 14_431 * 1024;

/// Bytes of padding for a response of this type.
///
/// `entropy` must be evenly spread, hard to foresee, and the same for the same URL: a digest of a
/// secret and the URL. Drawn anew for each put it could be averaged away.
pub fn padding(kind: ResponseType, entropy: u64) -> u64 {
    match kind {
        ResponseType::Opaque | ResponseType::OpaqueRedirect => entropy % PADDING_BYTES_BOUND,
        ResponseType::Default | ResponseType::Basic | ResponseType::Cors | ResponseType::Error => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_response_that_may_not_be_read_is_padded() {
        for kind in ResponseType::ALL {
            let padded = padding(kind, 12_345) == 12_345;
            let hidden = matches!(kind, ResponseType::Opaque | ResponseType::OpaqueRedirect);
            assert_eq!(padded, hidden, "{kind:?}");
        }
    }

    #[test]
    fn padding_stays_below_its_bound() {
        let check = |entropy, bytes| assert_eq!(padding(ResponseType::Opaque, entropy), bytes);
        check(0, 0);
        check(PADDING_BYTES_BOUND - 1, PADDING_BYTES_BOUND - 1);
        check(PADDING_BYTES_BOUND, 0);
        check(u64::MAX, u64::MAX % PADDING_BYTES_BOUND);
    }
}
