//! What the folder no longer has: an old tab still gets it, for a while.

use super::*;

const CHUNK: &str = "assets/lazy-1a2b3c4d.js";

/// A page with a chunk that it loads when asked to, and that is not precached.
fn chunked() -> Site {
    let site = site("one");
    site.file(CHUNK, "export const words = 'from the old build'")
        .file(
            "revisit.toml",
            "[precache]\nexclude = [\"assets/lazy-*\", \"*.toml\"]\n",
        );
    site
}

/// A server, its config, and where it keeps its copies.
struct Retaining {
    server: Serve,
    _config: Site,
    copies: Site,
}

/// Serves by the site's own config, with more lines, and waits until the chunk was copied.
fn serve(site: &Site, more: &str) -> Retaining {
    let (folder, copies) = (Site::new(), Site::new());
    folder.file(
        "revisit.toml",
        format!("{}{more}", site.read("revisit.toml")),
    );
    let words = [
        "serve",
        site.path().to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ];
    let server = Serve::start_with_temporary(folder.path(), copies.path(), &words);
    let retaining = Retaining {
        server,
        _config: folder,
        copies,
    };
    if !more.contains("retain_seconds = 0") {
        eventually("the copies", DEADLINE, || {
            // the chunk is copied whole before the next one is begun
            let files = retaining.copies.files();
            let has = |end| files.keys().any(|name| name.ends_with(end));
            (has(CHUNK) && has("assets/main-3b7f0a91.css")).then_some(())
        });
        get(&retaining.server.url("/sw.js"));
    }
    retaining
}

/// Another build of the site: its chunk has another name.
fn rebuild(site: &Site) {
    site.remove(CHUNK)
        .file("assets/lazy-5e6f7a8b.js", "export const words = 'new'")
        .file("app.js", "document.documentElement.dataset.app = 'two'");
}

#[test]
fn a_chunk_of_the_build_before_has_the_same_bytes_and_headers_after_it_went() {
    let site = chunked();
    let Retaining { server, .. } = &serve(&site, "");
    let url = server.url(&format!("/{CHUNK}"));
    let before = get(&url);
    assert_eq!(before.status, 200);
    rebuild(&site);
    let after = get(&url);
    assert_eq!((after.status, &after.body), (200, &before.body));
    for name in ["content-type", "cache-control", "accept-ranges"] {
        assert_eq!(after.header(name), before.header(name), "{name}");
    }
    assert!(after.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(ask("HEAD", &url, &[]).status, 200);
    assert_eq!(ask("GET", &url, &[("Range", "bytes=0-5")]).body, b"export");
    assert_eq!(ask("POST", &url, &[]).status, 405);
    // what promises nothing goes with the folder's file
    site.remove("numbers.bin");
    assert_eq!(get(&server.url("/numbers.bin")).status, 404);
    // and what the folder has again is the folder's
    site.file(CHUNK, "export const words = 'again'");
    let again = eventually("the folder's own", DEADLINE, || {
        Some(get(&url)).filter(|answer| answer.status == 200)
    });
    assert_eq!(again.text(), "export const words = 'again'");
}

#[test]
fn a_chunk_is_gone_when_its_time_has_passed() {
    let site = chunked();
    let Retaining { server, .. } = &serve(&site, "[serve]\nretain_seconds = 1\n");
    let url = server.url(&format!("/{CHUNK}"));
    assert_eq!(get(&url).status, 200);
    rebuild(&site);
    eventually("the chunk to go", DEADLINE, || {
        (get(&url).status == 404).then_some(())
    });
    assert_eq!(get(&server.url("/assets/lazy-5e6f7a8b.js")).status, 200);
}

#[test]
fn nothing_is_retained_where_the_config_says_so() {
    let site = chunked();
    let Retaining { server, .. } = &serve(&site, "[serve]\nretain_seconds = 0\n");
    let url = server.url(&format!("/{CHUNK}"));
    assert_eq!(get(&url).status, 200);
    rebuild(&site);
    assert_eq!(get(&url).status, 404);
}

#[test]
fn a_chunk_can_be_had_while_the_folder_cannot_be_built() {
    let site = chunked();
    let Retaining { server, .. } = &serve(&site, "");
    site.remove("index.html").remove(CHUNK);
    assert_eq!(get(&server.url(&format!("/{CHUNK}"))).status, 200);
    server.wait_until_said("the folder changed and cannot be built");
}

#[test]
fn a_worker_that_installs_the_build_before_finds_all_that_was_made_for_it() {
    let site = chunked();
    let Retaining { server, .. } = &serve(&site, "");
    let named = |worker: &str| -> Vec<String> {
        let build = eventually("the server to name the build", DEADLINE, || {
            let said = server.said();
            let mut words = said.split_whitespace();
            let build = words.find(|word| word.len() == 16 && worker.contains(word));
            build.map(str::to_owned)
        });
        let manifest = format!("/revisit/manifest-{build}.json");
        let text: serde_json::Value =
            serde_json::from_slice(&get(&server.url(&manifest)).body).unwrap();
        let packs = text[0][1].as_array().unwrap().iter();
        let packs = packs.map(|pack| format!("/revisit/{}.pack", pack[0].as_str().unwrap()));
        [manifest].into_iter().chain(packs).collect()
    };
    let old = named(&get(&server.url("/sw.js")).text());
    let before: Vec<_> = old.iter().map(|path| get(&server.url(path)).body).collect();
    rebuild(&site);
    let new = named(&get(&server.url("/sw.js")).text());
    assert!(old.len() > 1 && old.iter().any(|path| !new.contains(path)));
    for (path, body) in old.iter().zip(before) {
        let answer = get(&server.url(path));
        assert_eq!((answer.status, &answer.body), (200, &body), "{path}");
        assert!(
            answer
                .header("cache-control")
                .unwrap()
                .contains("immutable")
        );
    }
}

#[test]
fn an_old_tab_loads_a_chunk_that_it_had_never_asked_for() {
    let site = chunked();
    let Retaining { server, .. } = &serve(&site, "");
    let browser = Browser::start();
    let tab = visit(&browser, server, "/");
    rebuild(&site);
    let words = tab.run(&format!("return (await import('/{CHUNK}')).words"));
    assert_eq!(words, "from the old build");
}

#[test]
fn the_copies_go_with_the_server() {
    let site = chunked();
    let mut retaining = serve(&site, "");
    assert!(retaining.server.stop().success());
    assert_eq!(retaining.copies.files().len(), 0);
    assert_eq!(
        std::fs::read_dir(retaining.copies.path()).unwrap().count(),
        0
    );
}
