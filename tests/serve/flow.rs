//! The two commands of the README: served, and built behind a plain host; then the server goes.

use super::*;

#[test]
fn a_shop_that_was_visited_once_works_when_its_server_is_gone() {
    let site = Site::copy_of(&examples("flowers"));
    let before = site.files();
    let mut server = Serve::site(site.path());
    server.wait_until_said("try: open it");
    let said = server.said();
    assert!(
        said.contains(&format!("listening on {}", server.url("/"))),
        "{said}"
    );
    assert!(
        said.contains("with a service worker over it, build "),
        "{said}"
    );
    let browser = Browser::start();
    let tab = visit(&browser, &server, "/");
    cut_off(&browser, &mut server);
    check_shop(&tab, &server.url(""));
    assert_eq!(site.files(), before, "serve has written into the folder");
}

#[test]
fn a_shop_that_fetches_ahead_has_its_first_products_those_pointed_at_and_the_wish_list_offline() {
    let site = Site::copy_of(&examples("flowers"));
    let folder = site.path().to_str().unwrap();
    let config = examples("revisit.toml");
    let words = ["serve", folder, "--listen", "127.0.0.1:0", "--config"];
    let mut server = Serve::start_in(
        site.path(),
        &[&words[..], &[config.to_str().unwrap()]].concat(),
    );
    let browser = Browser::start();
    let tab = visit(&browser, &server, "/");
    let kept = |name: &str| {
        format!("caches.match(new URL('{name}', location)).then((found) => found?.status === 200)")
    };
    for name in [
        "/api/products/allium.json",
        "/api/products/clematis.json",
        "/pictures/clematis.jpg",
    ] {
        tab.wait_for(&kept(name), name);
    }
    tab.run(
        "const [rose] = document.querySelectorAll('a[href=\"/products/rose.html\"]')
         rose.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))",
    );
    tab.wait_for(&kept("/pictures/rose.jpg"), "the picture of the rose");
    assert_eq!(tab.eval(&kept("/api/products/zinnia.json")), false);

    tab.load(&server.url("/products/zinnia.html")).ok();
    tab.wait_for(
        "document.querySelector('[aria-pressed=false]')",
        "the button",
    );
    tab.run("document.querySelector('[aria-pressed]').click()");
    tab.wait_for(
        "revisit.saved().then((all) => all.length === 1)",
        "the wish",
    );
    cut_off(&browser, &mut server);
    browser.stop_workers();
    for id in ["allium", "rose", "zinnia"] {
        tab.load(&server.url(&format!("/products/{id}.html"))).ok();
        let there = "document.images.length > 0 && [...document.images].every(i => i.naturalWidth)";
        tab.wait_for(there, "its picture");
    }
    tab.load(&server.url("/")).ok();
    tab.wait_for(
        "document.querySelector('#wishes a')?.textContent === 'Zinnia'",
        "the wish list",
    );
    tab.load(&server.url("/products/tulip.html")).ok();
    tab.wait_for(
        "document.querySelector('.missing')",
        "the word that it is not there",
    );
}

#[test]
fn a_built_shop_behind_pythons_server_works_when_that_is_gone() {
    let site = Site::copy_of(&examples("flowers"));
    revisit(&["build".as_ref(), site.path().as_os_str()]).ok();
    let Some(mut host) = PythonHost::start(site.path()) else {
        return;
    };
    let browser = Browser::start();
    let tab = browser.tab();
    tab.load(&format!("{}/", host.base)).ok();
    installed(&tab);
    host.stop();
    browser.clear_http_cache();
    check_shop(&tab, &host.base);
}

/// Home, a product that was never looked at, and a chapter with a slash at its end.
#[track_caller]
fn check_shop(tab: &Tab, base: &str) {
    let flowers = "document.querySelectorAll('a[href*=\"products/\"]').length >= 30";
    tab.reload().ok();
    tab.wait_for(flowers, "thirty flowers on the home page");
    let styled = "getComputedStyle(document.body).fontFamily";
    assert_ne!(
        tab.eval(styled),
        "\"Times New Roman\"",
        "the style sheets are missing"
    );
    tab.load(&format!("{base}/products/rose.html")).ok();
    tab.wait_for(
        "document.images.length > 0 && [...document.images].every(i => i.naturalWidth)",
        "its picture",
    );
    tab.load(&format!("{base}/about/")).ok();
    assert!(tab.text().len() > 100, "{}", tab.text());
}

/// `python3 -m http.server`, ended with the value.
struct PythonHost {
    child: std::process::Child,
    base: String,
}

impl PythonHost {
    /// `None`, with a word, where there is no Python.
    fn start(folder: &Path) -> Option<PythonHost> {
        if Command::new("python3").arg("--version").output().is_err() {
            cannot_run("there is no `python3`", "install Python 3");
            return None;
        }
        let log = Site::new();
        let path = log.path().join("said.txt");
        let child = Command::new("python3")
            .args([
                "-u",
                "-m",
                "http.server",
                "--bind",
                "127.0.0.1",
                "--directory",
            ])
            .arg(folder)
            .arg("0")
            .stdout(std::fs::File::create(&path).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // "Serving HTTP on 127.0.0.1 port 43210 (http://127.0.0.1:43210/) ..."
        let base = eventually("Python to say where it listens", DEADLINE, || {
            let said = log.read("said.txt");
            let (base, _) = said.split_once("(")?.1.split_once("/)")?;
            Some(base.to_owned())
        });
        Some(PythonHost { child, base })
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for PythonHost {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn json_tells_the_address_in_one_document() {
    let site = site("one");
    let server = serve_at("127.0.0.1:0", site.path(), &["--json"]);
    let printed = eventually("a whole document", DEADLINE, || {
        serde_json::from_str::<serde_json::Value>(&server.said()).ok()
    });
    assert_eq!(printed["url"], server.url("/"));
    assert_eq!(printed["worker"], true);
    assert_eq!(printed["report"]["pages_tagged"], 4);
}

#[test]
fn a_server_that_is_told_to_end_lets_requests_finish_and_ends_well() {
    let site = site("one");
    let mut server = Serve::site(site.path());
    assert_eq!(get(&server.url("/")).status, 200);
    assert_eq!(server.stop().code(), Some(0));
    server.wait_until_said("stopped");
}

#[test]
fn a_base_puts_the_site_below_a_path() {
    let (site, config) = (site("one"), Site::new());
    config.file("revisit.toml", "[site]\nbase = \"/shop/\"\n");
    let folder = site.path().to_str().unwrap();
    let server = Serve::start_in(config.path(), &["serve", folder, "--listen", "127.0.0.1:0"]);
    assert_eq!(get(&server.url("/")).header("location"), Some("/shop/"));
    let browser = Browser::start();
    let tab = visit(&browser, &server, "/shop/");
    assert_eq!(tab.registrations()[0].scope, server.url("/shop/"));
}
