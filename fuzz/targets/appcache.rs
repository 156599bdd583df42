//! An AppCache manifest, and a page that may name one: any bytes are read, and what is read holds what it promises.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use revisit_rules::appcache::{Manifest, Mode, Profile, page};
use url::Url;

// Most inputs would end at the signature: one is put before each that lacks it.
fuzz_target!(|bytes: &[u8]| {
    let base =
        Url::parse("https://example.com/app/site.appcache?v=1").expect("a URL by its letters");
    page::manifest_attribute(bytes);
    let _ = page::manifest_url(&base, page::manifest_attribute(bytes).as_deref());

    let whole = match bytes.starts_with(b"CACHE MANIFEST") {
        true => bytes.to_vec(),
        false => [b"CACHE MANIFEST\n", bytes].concat(),
    };
    let lines = whole
        .iter()
        .filter(|byte| matches!(byte, b'\n' | b'\r'))
        .count()
        + 1;
    for profile in [
        Profile::STANDARD,
        Profile::COMPAT,
        Profile::SAME_ORIGIN_HTTPS,
    ] {
        let Ok(found) = Manifest::parse(&whole, &base, &profile) else {
            continue;
        };
        let explicit: HashSet<&Url> = found.explicit.iter().collect();
        assert_eq!(
            explicit.len(),
            found.explicit.len(),
            "a listed file comes once"
        );
        let namespaces: HashSet<&Url> = found.fallback.iter().map(|it| &it.namespace).collect();
        assert_eq!(
            namespaces.len(),
            found.fallback.len(),
            "a namespace comes once"
        );
        let urls = found.files().chain(&found.network).chain(namespaces);
        for url in urls {
            assert!(
                url.fragment().is_none() && url.scheme() == base.scheme(),
                "{url}"
            );
        }
        for fallback in &found.fallback {
            assert_eq!(fallback.namespace.origin(), base.origin());
            assert_eq!(fallback.target.origin(), base.origin());
            if profile == Profile::STANDARD {
                assert!(fallback.namespace.path().starts_with("/app/"));
            }
        }
        // each line says one thing at most
        let said = found.places.len() + found.ignored.len();
        assert!(said <= lines, "{said} of {lines} lines");
        let numbers = found.ignored.iter().map(|it| it.line);
        assert!(
            numbers
                .chain(found.places.iter().map(|it| it.line))
                .all(|it| it <= lines)
        );

        // Written out again it says the same.
        let again =
            Manifest::parse(written(&found).as_bytes(), &base, &profile).expect("a manifest");
        assert_eq!(again.explicit, found.explicit);
        assert_eq!(again.fallback, found.fallback);
        assert_eq!(again.network, found.network);
        assert_eq!(
            (again.network_wildcard, again.mode),
            (found.network_wildcard, found.mode)
        );
    }
});

fn written(manifest: &Manifest) -> String {
    let mut text = "CACHE MANIFEST\nCACHE:\n".to_owned();
    let mut line = |words: &[&str]| text.push_str(&format!("{}\n", words.join(" ")));
    for url in &manifest.explicit {
        line(&[ended(url).as_str()]);
    }
    line(&["FALLBACK:"]);
    for fallback in &manifest.fallback {
        line(&[
            fallback.namespace.as_str(),
            ended(&fallback.target).as_str(),
        ]);
    }
    line(&["NETWORK:"]);
    for url in &manifest.network {
        // never the very words that open the network
        line(&[&format!("{url}#")]);
    }
    if manifest.network_wildcard {
        line(&["*"]);
    }
    line(&["SETTINGS:"]);
    if manifest.mode == Mode::PreferOnline {
        line(&["prefer-online"]);
    }
    text
}

/// A URL so that its line does not end in a colon, which would make a header of it.
fn ended(url: &Url) -> String {
    match url.as_str().ends_with(':') {
        true => format!("{url}#"),
        false => url.to_string(),
    }
}
