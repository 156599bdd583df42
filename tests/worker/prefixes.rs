//! A host that has folders of the site under other names.

use std::fs;

use super::*;

#[test]
fn a_site_whose_host_renames_folders_is_there_offline_under_the_names_of_its_urls() {
    let site = Site::new();
    for (name, bytes) in small_site().files() {
        let renamed = name.strip_prefix("assets/");
        let name = renamed.map_or(name.clone(), |rest| format!("build/static/{rest}"));
        let name = match name.strip_prefix("about/") {
            Some(rest) => format!("pages/about/{rest}"),
            None => name,
        };
        site.file(&name, bytes);
    }
    let config = "[site]\nprefixes = { \"build/static/\" = \"assets/\", \"pages/\" = \"\" }\n";
    let out = built(&site, config);
    // as the host has it
    fs::rename(out.path().join("build/static"), out.path().join("assets")).unwrap();
    fs::rename(out.path().join("pages/about"), out.path().join("about")).unwrap();
    let origin = Origin::serve(out.path());
    let (browser, tab) = visited(&origin, "/");
    cut_off(&browser, &origin);
    tab.load(&origin.url("/about/")).ok();
    assert!(tab.text().contains("About one"));
    // its tag was put into the file where it lies
    assert_eq!(tab.eval("typeof revisit"), "object");
    tab.load(&origin.url("/")).ok();
    assert_eq!(tab.eval("document.body.dataset.script"), "one");
    let later = "import('/assets/later.js').then((m) => m.later)";
    assert_eq!(tab.eval(later), "later one");
}
