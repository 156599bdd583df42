//! Targets and references: keys that never collide, URIs that resolve to what they name.
#![no_main]

use http::Method;
use libfuzzer_sys::fuzz_target;
use revisit_rules::http::key::{RequestKey, authority};
use revisit_rules::http::{Target, uri};

// Two targets of three lines each: scheme, authority, path.
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
    let parts = |target: Target<'_>| {
        let scheme = target.scheme.to_ascii_lowercase();
        (scheme, authority(target), target.path.to_owned())
    };
    let same = parts(one) == parts(other);
    assert_eq!(
        key(one) == key(other),
        same,
        "keys are as different as what they name"
    );

    let plain = |text: &str| !text.is_empty() && !text.contains(['/', '?', '#', '@']);
    if let Some(found) = uri::resolve(one, other.path.as_bytes())
        && ["http", "https"].contains(&found.target().scheme)
        && plain(found.target().authority)
    {
        // What was resolved once is resolved.
        let found = found.target();
        let text = format!("{}://{}{}", found.scheme, found.authority, found.path);
        let again = uri::resolve(one, text.as_bytes());
        assert_eq!(again.as_ref().map(uri::Uri::target), Some(found));
    }
});
