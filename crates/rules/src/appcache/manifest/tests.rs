use proptest::prelude::*;

use super::*;

const BASE: &str = "https://example.com/app/site.appcache";

fn parse(bytes: &[u8]) -> Result<Manifest, NoSignature> {
    parse_as(bytes, &Profile::STANDARD)
}

fn parse_as(bytes: &[u8], profile: &Profile) -> Result<Manifest, NoSignature> {
    Manifest::parse(bytes, &Url::parse(BASE).unwrap(), profile)
}

/// A manifest that says the same. A URL may end in a colon, and its line must not: a word without meaning follows.
fn written(manifest: &Manifest) -> String {
    let mut out = "CACHE MANIFEST\nNETWORK:\n".to_owned();
    for url in &manifest.network {
        out.push_str(&format!("{url} #\n"));
    }
    if manifest.network_wildcard {
        out.push_str("*\n");
    }
    out.push_str("FALLBACK:\n");
    for it in &manifest.fallback {
        out.push_str(&format!("{} {} #\n", it.namespace, it.target));
    }
    out.push_str("CACHE:\n");
    for url in &manifest.explicit {
        out.push_str(&format!("{url} #\n"));
    }
    if manifest.mode == Mode::PreferOnline {
        out.push_str("SETTINGS:\nprefer-online\n");
    }
    out
}

fn check_round_trip(manifest: &Manifest, profile: &Profile) {
    let again = parse_as(written(manifest).as_bytes(), profile).unwrap();
    // what has no effect, or an odd one, is not written again
    let plain = |it: &Manifest| Manifest {
        places: Vec::new(),
        ignored: Vec::new(),
        remarks: Vec::new(),
        ..it.clone()
    };
    assert_eq!(plain(&again), plain(manifest));
}

#[test]
fn a_text_without_signature_is_told_by_what_it_is() {
    let check = |bytes: &[u8], looks_like| {
        assert_eq!(parse(bytes), Err(NoSignature { looks_like }));
    };
    check(b"", LooksLike::Empty);
    check(b"<!DOCTYPE html><title>Sign in</title>", LooksLike::Html);
    check(b"\n <HTML><body>CACHE MANIFEST", LooksLike::Html);
    let utf16 = |text: &str, le: bool| -> Vec<u8> {
        let unit = |it: u16| {
            if le {
                it.to_le_bytes()
            } else {
                it.to_be_bytes()
            }
        };
        text.encode_utf16().flat_map(unit).collect()
    };
    let text = "\u{feff}CACHE MANIFEST\na.js\n";
    for le in [true, false] {
        check(&utf16(text, le), LooksLike::Utf16);
        check(&utf16(&text[3..], le), LooksLike::Utf16);
    }
    check(b"---\n---\nCACHE MANIFEST\n{{ x }}\n", LooksLike::Template);
    check(
        b"<?php header('x') ?>\nCACHE MANIFEST\n",
        LooksLike::Template,
    );
    check(b"# v1\nCACHE MANIFEST\n", LooksLike::Late);
    check(b"CACHE MANIFESTO\n", LooksLike::Other);
    assert!(parse(b"CACHE MANIFEST").is_ok());
}

#[test]
fn what_few_authors_mean_is_remarked_upon() {
    let check = |lines: &str, wanted: &[(usize, Oddity)]| {
        let found = parse(format!("CACHE MANIFEST\n{lines}").as_bytes()).unwrap();
        let found: Vec<_> = found
            .remarks
            .into_iter()
            .map(|it| (it.line, it.what))
            .collect();
        assert_eq!(found, wanted, "{lines}");
    };
    check(
        "a b.png\n",
        &[(2, Oddity::TrailingTokens("b.png".to_owned()))],
    );
    check("a.js #hash\n", &[]);
    check(
        "Cache:\n",
        &[(2, Oddity::UnknownHeader("Cache:".to_owned()))],
    );
    check(
        "\nNETWORK\n*\n",
        &[
            (3, Oddity::HeaderWithoutColon("NETWORK".to_owned())),
            (4, Oddity::LiteralAsterisk),
        ],
    );
    check("FALLBACK:\n* off.html\n", &[(3, Oddity::LiteralAsterisk)]);
    check(
        "NETWORK:\nhttp://*\n*\n",
        &[(3, Oddity::SchemeWildcard("http://*".to_owned()))],
    );
    check(
        "<%= x %>\n",
        &[
            (2, Oddity::Template("<%= x %>".to_owned())),
            (2, Oddity::TrailingTokens("x %>".to_owned())),
        ],
    );
}

#[test]
fn profiles_differ_where_engines_did() {
    let text = b"CACHE MANIFEST\nhttps://cdn.example.net/a.js\nFALLBACK:\n/ /off.html\nNETWORK:\nhttps://*\n";
    let read = |profile: Profile| {
        let it = parse_as(text, &profile).unwrap();
        (it.explicit.len(), it.fallback.len(), it.network_wildcard)
    };
    assert_eq!(read(Profile::STANDARD), (1, 0, false));
    assert_eq!(read(Profile::SAME_ORIGIN_HTTPS), (0, 0, false));
    let typed = Profile::COMPAT.served_as(Some("Text/Cache-Manifest; charset=utf-8"));
    assert_eq!(read(typed), (1, 1, true));
    assert_eq!(
        read(Profile::COMPAT.served_as(Some("text/plain"))),
        (1, 0, true)
    );
    assert_eq!(read(Profile::COMPAT), (1, 0, true));
    assert_eq!(
        read(Profile::STANDARD.served_as(Some("text/cache-manifest"))),
        (1, 0, false)
    );
    assert_eq!(Profile::named("strict"), None);
}

#[test]
fn ten_thousand_entries_of_each_kind_are_read() {
    let mut text = "CACHE MANIFEST\n".to_owned();
    for at in 0..10_000 {
        text.push_str(&format!(
            "CACHE:\nf/{at}.js\nFALLBACK:\np/{at}/ off.html\nNETWORK:\nn/{at}\n"
        ));
    }
    let parsed = parse(text.as_bytes()).unwrap();
    let found = (
        parsed.explicit.len(),
        parsed.fallback.len(),
        parsed.network.len(),
    );
    assert_eq!(found, (10_000, 10_000, 10_000));
    assert_eq!(parsed.files().count(), 10_001);
}

#[test]
fn real_manifests_and_vectors_say_the_same_when_written_again() {
    let vectors = include_str!("../../../../../tests/vectors/appcache-vectors.json");
    let real = include_str!("../../../../../tests/vectors/appcache-realworld.json");
    for (text, list) in [(vectors, "parser"), (real, "manifests")] {
        let cases: serde_json::Value = serde_json::from_str(text).unwrap();
        for case in cases[list].as_array().unwrap() {
            let bytes = case["manifest"].as_str().unwrap_or_default().as_bytes();
            if let Ok(parsed) = parse(bytes) {
                check_round_trip(&parsed, &Profile::STANDARD);
            }
        }
    }
}

#[test]
fn a_megabyte_of_anything_gives_no_more_than_a_line_for_each_line() {
    let mib = 1 << 20;
    let fillers: [&[u8]; 8] = [
        b"\n",
        b"\r",
        b" ",
        b"a",
        b"a.js and more\n",
        b"/../",
        b"\xff",
        b"unknown:\nb\n",
    ];
    for filler in fillers {
        let mut bytes = b"CACHE MANIFEST\n".to_vec();
        bytes.extend(filler.iter().cycle().take(mib));
        let parsed = parse(&bytes).unwrap();
        let lines = bytes
            .iter()
            .filter(|it| matches!(it, b'\n' | b'\r'))
            .count();
        let told = parsed.explicit.len() + parsed.ignored.len() + parsed.remarks.len();
        assert!(told <= lines + 1, "{filler:?}: {told} of {lines}");
    }
}

/// The same of bytes that mean nothing, from a seed.
#[test]
fn a_megabyte_of_noise_is_read_as_lines() {
    let mut seed = 7_u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as u8
    };
    let mut bytes = b"CACHE MANIFEST\n".to_vec();
    bytes.extend((0..1 << 20).map(|_| noise()));
    let parsed = parse(&bytes).unwrap();
    let lines = bytes.iter().filter(|it| matches!(it, b'\n' | b'\r'));
    assert!(parsed.explicit.len() + parsed.ignored.len() <= lines.count() + 1);
}

fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("CACHE:".to_owned()),
        Just("FALLBACK:".to_owned()),
        Just("NETWORK:".to_owned()),
        Just("SETTINGS:".to_owned()),
        Just("prefer-online".to_owned()),
        Just("*".to_owned()),
        "[a-z/.?#:%*é ]{0,20}",
        "(https?:)?//[a-z.:@\\[\\]]{0,12}/[a-z]{0,3}",
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse(&bytes);
        let mut signed = b"CACHE MANIFEST\n".to_vec();
        signed.extend(&bytes);
        let parsed = parse(&signed).unwrap();
        check_round_trip(&parsed, &Profile::STANDARD);
    }

    #[test]
    fn any_lines_say_the_same_when_written_again(
        lines in proptest::collection::vec(any_line(), 0..30),
        end in prop_oneof![Just("\n"), Just("\r"), Just("\r\n")],
        profile in prop_oneof![
            Just(Profile::STANDARD),
            Just(Profile::COMPAT),
            Just(Profile::SAME_ORIGIN_HTTPS),
        ],
    ) {
        let text = format!("CACHE MANIFEST{end}{}", lines.join(end));
        let parsed = parse_as(text.as_bytes(), &profile).unwrap();
        check_round_trip(&parsed, &profile);
        // each line is counted once
        for ignored in &parsed.ignored {
            prop_assert!(ignored.line >= 2 && ignored.line <= lines.len() + 2);
        }
    }
}
