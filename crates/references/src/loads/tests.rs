use proptest::prelude::*;

use super::*;

/// `expected`: a letter for the occasion, the destination, and the path; see `told`.
#[track_caller]
fn check(page: &str, expected: &[&str]) {
    let at = Url::parse("http://a/dir/page.html").unwrap();
    let found = document(page.as_bytes(), &at, Screen::default());
    let loads: Vec<String> = found.loads.iter().map(told).collect();
    assert_eq!(loads, expected, "{page}");
}

fn told(load: &Load) -> String {
    let cors = match load.cors {
        Cors::No => "",
        Cors::Anonymous => " cors",
        Cors::UseCredentials => " credentials",
    };
    let occasion = match load.occasion {
        Occasion::Read => String::new(),
        other => format!("{other:?} "),
    };
    let url = load.url.as_str().replace("http://a", "");
    format!("{occasion}{:?}{cors} {url}", load.destination)
}

#[test]
fn a_page_loads_what_its_tags_say_scanner_first() {
    check(
        "<iframe src=f.html></iframe><link rel=stylesheet href=/a.css><script src=b.js></script>\
         <script type=module src=c.js></script><img src=d.png><link rel=icon href=/i.svg><video src=v.mp4 poster=p.png></video>",
        &[
            "Style /a.css",
            "Script /dir/b.js",
            "Module cors /dir/c.js",
            "Image /dir/d.png",
            "Image /dir/p.png",
            "Frame /dir/f.html",
            "Video /dir/v.mp4",
        ],
    );
}

#[test]
fn preloads_say_for_what_and_how() {
    check(
        "<link rel=preload as=font crossorigin href=f.woff2><link rel=modulepreload href=m.js>\
         <link rel=preload as=fetch href=d.json crossorigin=use-credentials><link rel=preload as=nonsense href=x>\
         <link rel=preload as=image media=print href=y.png><link rel=prefetch href=next.html>",
        &[
            "Preload Font cors /dir/f.woff2",
            "Preload Module cors /dir/m.js",
            "Preload Fetch credentials /dir/d.json",
            "Idle Fetch /dir/next.html",
        ],
    );
}

#[test]
fn one_picture_of_many_is_loaded() {
    check(
        "<img src=s.png srcset='a.png 640w, b.png 1280w, c.png 2560w'>\
         <picture><source media='(max-width: 100px)' srcset=n.png><source type=image/jxl srcset=o.jxl>\
         <source type=image/avif srcset='p.avif, q.avif 2x'><img src=r.png></picture><img src=t.png>",
        &["Image /dir/b.png", "Image /dir/p.avif", "Image /dir/t.png"],
    );
}

#[test]
fn what_is_lazy_waits_where_it_is_far_down() {
    check(
        "<img loading=lazy src=a.png height=3000><img loading=lazy src=b.png>",
        &["Image /dir/a.png", "Scrolled Image /dir/b.png"],
    );
}

#[test]
fn inline_texts_load_what_they_name() {
    check(
        "<base href=/x/><script type=importmap>{\"imports\":{\"lib\":\"./lib.js\"}}</script>\
         <script type=module>import 'lib';import './y.js';import('./z.js')</script>\
         <style>@import 'i.css';p{background:url(q.png)}</style><div style='background:url(s.png)'></div>",
        &[
            "Module cors /x/lib.js",
            "Module cors /x/y.js",
            "Style /x/i.css",
            "Styled Image /x/s.png",
            "Demand Module cors /x/z.js",
        ],
    );
}

#[test]
fn what_does_not_run_or_show_loads_nothing() {
    check(
        "<template><img src=a.png></template><noscript><img src=b.png></noscript><script nomodule src=c.js></script>\
         <link rel=stylesheet disabled href=d.css><script type=text/template src=e></script><img src=data:,x>\
         <iframe srcdoc=x src=f></iframe><video preload=none src=g></video><link rel=apple-touch-icon href=h>",
        &[],
    );
}

#[test]
fn scripts_and_sheets_are_as_urgent_as_chromium_takes_them() {
    let page = "<link rel=stylesheet media=print href=a><script src=b></script><script defer src=c></script><img src=d>\
                <script src=e></script><img fetchpriority=high src=f>";
    let at = Url::parse("http://a/").unwrap();
    let found = document(page.as_bytes(), &at, Screen::default()).loads;
    let found: Vec<Priority> = found.iter().map(|load| load.priority).collect();
    use Priority::{High, Low, Lowest, Medium};
    assert_eq!(found, [Lowest, High, Low, Low, Medium, High]);
}

#[test]
fn links_and_speculations_are_told_without_fragments() {
    let page = "<a href=#x>x</a><a href='b?c#d'>b</a><a href=mailto:x>m</a><a download href=e>e</a><map><area href=//z/>\
                <script type=speculationrules>{\"prefetch\":[{\"urls\":[\"n\"]}]}</script>";
    let at = Url::parse("http://a/").unwrap();
    let found = document(page.as_bytes(), &at, Screen::default());
    let links: Vec<&str> = found.links.iter().map(Url::as_str).collect();
    assert_eq!(links, ["http://a/b?c", "http://z/"]);
    assert_eq!(found.speculated[0].url.as_str(), "http://a/n");
}

#[test]
fn a_page_in_utf_16_is_read() {
    let page: Vec<u8> = "\u{feff}<img src=a>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let at = Url::parse("http://a/").unwrap();
    assert_eq!(document(&page, &at, Screen::default()).loads.len(), 1);
}

proptest! {
    #[test]
    fn no_page_makes_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "<picture>", "</picture>", "<source srcset=a>", "<img srcset='a 1w,b' sizes=", "loading=lazy ", ">", "<template>",
                "</template>", "<style>", "</style>", "<script>", "</script>", "<svg>", "<link rel=", "preload ", "as=image ",
                "imagesrcset=a", "<base href=", "'", "é", "<p style='a:url(b)'>", "<video ", "src=a ", "<script type=importmap>{",
            ]),
            0..30,
        ),
    ) {
        let at = Url::parse("http://a/").unwrap();
        document(&bytes, &at, Screen::default());
        document(parts.concat().as_bytes(), &at, Screen::default());
    }
}
