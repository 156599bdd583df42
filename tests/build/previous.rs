//! The build before: what is kept of it, wherever it lies.

use super::*;
use crate::harness::Fault;

/// Sixty files of a kind, some 10 kB each, which no compression makes much smaller.
fn packed_site() -> Site {
    let site = small_site();
    let noise = noise(60 * 10_000);
    for (i, part) in noise.chunks(10_000).enumerate() {
        site.file(&format!("pictures/{i:02}.png"), part);
    }
    site
}

/// The same with one file changed.
fn next_site() -> Site {
    let site = packed_site();
    site.file("pictures/30.png", noise(9_000));
    site
}

/// The names of the packs in a folder, with their lengths.
fn packs(folder: &Site) -> BTreeMap<String, usize> {
    let files = folder.files().into_iter();
    files
        .filter(|(name, _)| name.ends_with(".pack"))
        .map(|(name, bytes)| (name, bytes.len()))
        .collect()
}

fn build_into(site: &Site, out: &Site, more: &[&str]) -> Output {
    let out = text(out.path());
    build(site.path(), &[&["--out", &out], more].concat())
}

/// All packs of the build before are there still, and one small one beside.
#[track_caller]
fn check_kept(before: &BTreeMap<String, usize>, after: &Site) {
    check_whole(after);
    let after = packs(after);
    let new: Vec<_> = after
        .iter()
        .filter(|(name, _)| !before.contains_key(*name))
        .collect();
    assert!(
        before.keys().all(|name| after.contains_key(name)),
        "{before:?}, then {after:?}"
    );
    let [(_, bytes)] = new[..] else {
        panic!("not one new pack: {new:?}");
    };
    assert!(*bytes < 12_000, "{bytes} bytes for a file of 9,000");
}

/// The packs are those that a build makes who knows of no other.
#[track_caller]
fn check_made_anew(after: &Site) {
    check_whole(after);
    let alone = Site::new();
    build_into(&next_site(), &alone, &[]).ok();
    assert_eq!(packs(after), packs(&alone));
}

#[test]
fn a_build_in_place_keeps_the_packs_that_are_there_and_adds_what_changed() {
    let site = packed_site();
    build(site.path(), &[]).ok();
    let before = packs(&site);
    site.file("pictures/30.png", noise(9_000));
    build(site.path(), &[]).ok();
    check_kept(&before, &site);
}

#[test]
fn a_build_into_a_folder_keeps_the_packs_that_are_there_and_adds_what_changed() {
    let (site, out) = (packed_site(), Site::new());
    build_into(&site, &out, &[]).ok();
    let before = packs(&out);
    build_into(&next_site(), &out, &[]).ok();
    check_kept(&before, &out);
}

#[test]
fn a_build_into_an_empty_folder_keeps_the_packs_of_the_folder_that_is_named() {
    let (first, second) = (Site::new(), Site::new());
    build_into(&packed_site(), &first, &[]).ok();
    let before = packs(&first);
    build_into(&next_site(), &second, &["--previous", &text(first.path())]).ok();
    check_kept(&before, &second);
}

/// A deployed first build, and the folder of a second.
struct Deployed {
    origin: Origin,
    before: BTreeMap<String, usize>,
    first: Site,
    second: Site,
}

fn deployed() -> Deployed {
    let (first, second) = (Site::new(), Site::new());
    build_into(&packed_site(), &first, &[]).ok();
    Deployed {
        origin: Origin::serve(first.path()),
        before: packs(&first),
        first,
        second,
    }
}

impl Deployed {
    fn build(&self) -> Output {
        build_into(
            &next_site(),
            &self.second,
            &["--previous", &self.origin.url("/")],
        )
    }
}

#[test]
fn a_build_keeps_the_packs_of_the_one_that_is_deployed_and_fetches_no_others() {
    let world = deployed();
    let built = world.build();
    assert_eq!(built.ok().stderr, "");
    check_kept(&world.before, &world.second);
    let mut targets = world.origin.targets();
    assert_eq!(targets[0], "/sw.js");
    assert!(targets[1].starts_with("/revisit/manifest-"), "{targets:?}");
    targets.drain(..2);
    targets.sort();
    let expected: Vec<_> = world.before.keys().map(|name| format!("/{name}")).collect();
    assert_eq!(targets, expected);
}

#[test]
fn the_config_may_name_the_build_that_is_deployed() {
    let world = deployed();
    world.origin.mount("/shop/");
    let config = format!("[build]\nprevious = \"{}\"\n", world.origin.url("/shop"));
    let out = text(world.second.path());
    build_with(next_site().path(), &config, &["--out", &out]).ok();
    check_kept(&world.before, &world.second);
}

#[test]
fn a_deployed_build_that_cannot_be_had_costs_a_warning_and_not_the_build() {
    type Meddle = fn(&Deployed);
    let cases: [(&str, Meddle); 5] = [
        ("cannot fetch", |world| world.origin.stop()),
        ("404", |world| _ = world.first.remove("sw.js")),
        ("no worker of ours", |world| {
            world.first.file("sw.js", "onfetch = () => {}");
        }),
        ("damaged", |world| {
            let name = manifest(&world.first);
            world.first.file(&name, "[[],[],[]]\n]\n");
        }),
        ("cannot fetch", |world| {
            let name = manifest(&world.first);
            world
                .origin
                .fault(&format!("/{name}"), Fault::Truncate(100));
        }),
    ];
    for (words, meddle) in cases {
        let world = deployed();
        meddle(&world);
        let built = world.build();
        let said = &built.ok().stderr;
        assert!(
            said.starts_with("warning: ") && said.contains(words),
            "`{words}` is not in: {said}"
        );
        check_made_anew(&world.second);
    }
}

#[test]
fn a_pack_that_is_damaged_where_it_is_deployed_is_not_kept() {
    let world = deployed();
    for name in world.before.keys() {
        let mut bytes = std::fs::read(world.first.path().join(name)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        world.first.file(name, bytes);
    }
    let built = world.build();
    assert!(built.ok().stderr.contains("damaged"), "{}", built.stderr);
    check_made_anew(&world.second);
}

#[test]
fn a_pack_that_is_longer_where_it_is_deployed_is_not_read_to_its_end() {
    let world = deployed();
    for name in world.before.keys() {
        world.first.file(name, vec![0; 20 << 20]);
    }
    let built = world.build();
    assert!(built.ok().stderr.contains("warning: "), "{}", built.stderr);
    check_made_anew(&world.second);
}

#[test]
fn a_url_that_is_none_is_refused() {
    let site = small_site();
    for (url, words) in [
        ("http://", "empty host"),
        ("ftp://shop.example/", "neither `http` nor `https`"),
        ("http://shop.example/?a", "no `?`"),
    ] {
        let output = build(site.path(), &["--previous", url]);
        check_refused(&output, 2, &[words, url]);
    }
    assert!(!site.has("sw.js"));
}

fn manifest(built: &Site) -> String {
    let files = built.files();
    let mut names = files.into_keys();
    names
        .find(|name| name.starts_with("revisit/manifest-"))
        .unwrap()
}
