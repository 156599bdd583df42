//! Targets and references: keys that never collide, URIs that resolve to what they name.
#![no_main]

use http::Method;
use libfuzzer_sys::fuzz_target;
use revisit_rules::http::key::RequestKey;
use revisit_rules::http::{Target, uri};

/// Two targets of three lines each: scheme, authority, path.
fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let mut target = || {
        Some(Target {
            scheme: lines.next()?,
            authority: lines.next()?,
            path: lines.next()?,
        })
    };
    let (Some(one), Some(other)) = (target(), target()) else {
        return;
    };
    let key = |target| RequestKey::of(&Method::GET, target);
    let same = (one.origin(), one.path) == (other.origin(), other.path);
    assert_eq!(key(one) == key(other), same, "keys are as different as what they name");

    if let Some(found) = uri::resolve(one, other.path.as_bytes()) {
        let found = found.target();
        // What was resolved once is resolved.
        let again = uri::resolve(one, format!("{}://{}{}", found.scheme, found.authority, found.path).as_bytes());
        if found.path.starts_with('/') && again.is_some() {
            assert_eq!(again.as_ref().map(|uri| uri.target().path), Some(found.path));
        }
    }
});
