//! What each element loads, by table.

use super::super::html;
use super::*;

/// `expected`: each `kind url`, with `?` behind the kind when it is asked for on demand.
fn check(page: &str, expected: &[&str]) {
    let found = html(page.as_bytes())
        .references
        .into_iter()
        .map(|reference| {
            let when = if reference.when == When::Demand {
                "?"
            } else {
                ""
            };
            format!("{:?}{when} {}", reference.kind, reference.url).to_lowercase()
        });
    assert_eq!(found.collect::<Vec<_>>(), expected, "{page:?}");
}

#[test]
fn a_link_is_told_by_its_rel() {
    check("<link rel=stylesheet href=a.css>", &["style a.css"]);
    check(
        "<LINK REL='Alternate StyleSheet' HREF=a.css media=print>",
        &["style a.css"],
    );
    check(
        "<link rel='shortcut icon' href=a.ico><link rel=mask-icon href=b>",
        &["other a.ico", "other b"],
    );
    check("<link rel=manifest href=a>", &["manifest a"]);
    check("<link rel=modulepreload href=a.js>", &["module a.js"]);
    check(
        "<link rel=preload as=style href=a><link rel=preload as=font href=b>",
        &["style a", "other b"],
    );
    check(
        "<link rel=preload as=script href=a><link rel=preload as=worker href=b>",
        &["script a", "worker b"],
    );
    check("<link rel=prefetch href=a as=document>", &["page? a"]);
    check(
        "<link rel=preload as=image imagesrcset='a 1x, b 2x'>",
        &["other a", "other b"],
    );
    check(
        "<link rel=canonical href=a><link rel=preconnect href=b><link href=c><link rel=next href=d>",
        &[],
    );
}

#[test]
fn a_script_is_told_by_its_type() {
    check("<script src=a.js></script>", &["script a.js"]);
    check(
        "<script src=a.js type=' Text/JavaScript ' nomodule></script>",
        &["script a.js"],
    );
    check("<script src=a.js type=module></script>", &["module a.js"]);
    check(
        "<script src=a.js type=text/template></script><script src=b.js type=importmap></script>",
        &[],
    );
    check(
        "<script src=a.js language=JavaScript></script><script src=b language=vbscript></script>",
        &["script a.js"],
    );
    check(
        "<script type=module>import './a.js';import('./b.js')</script>",
        &["module ./a.js", "module? ./b.js"],
    );
    check(
        "<script>new Worker('a.js');document.write('<script src=b.js>')</script>",
        &["worker a.js"],
    );
    check(
        "<script type=application/json>import('./a.js')</script>",
        &[],
    );
    check(
        "<script src=''>import('./a.js')</script><script>import('./b.js')",
        &[],
    );
    check(
        "<script type=importmap>{\"imports\":{\"a\":\"/a.js\"}}</script>",
        &["module /a.js"],
    );
}

#[test]
fn pictures_media_and_frames_are_loaded() {
    check(
        "<img src=a srcset='b 1x,c 2x' loading=lazy>",
        &["other a", "other b", "other c"],
    );
    check(
        "<picture><source srcset=a><img src=b></picture>",
        &["other a", "other b"],
    );
    check(
        "<video src=a poster=b><source src=c><track src=d></video><audio src=e>",
        &["other a", "other b", "other c", "other d", "other e"],
    );
    check("<input type=IMAGE src=a><input src=b>", &["other a"]);
    check(
        "<iframe src=a></iframe><object data=b></object><embed src=c>",
        &["page a", "page b", "page c"],
    );
    check("<frameset><frame src=a></frameset>", &["page a"]);
    check(
        "<svg><use href=a.svg#b /><use xlink:href='#c'/><image xlink:href=d /></svg>",
        &["other a.svg#b", "other d"],
    );
    check("<svg><script href=a.js></script></svg>", &["script a.js"]);
    check("<body background=a>", &["other a"]);
    check("<template><img src=a></template>", &["other a"]);
}

#[test]
fn styles_are_read_wherever_they_stand() {
    check(
        "<style>@import 'a.css';b{c:url(d)}</style>",
        &["style a.css", "other d"],
    );
    check("<style>a{b:url(c)}", &["other c"]);
    check(
        "<p style='a:url(b)'><img style=\"c:image-set(&quot;d&quot; 1x)\" src=e>",
        &["other b", "other e", "other d"],
    );
    check("<p style='a:URL( b )'>", &["other b"]);
}

#[test]
fn a_refresh_is_a_demand() {
    for content in [
        "5;url=a",
        "5; URL = 'a' b",
        "0,a",
        " 1.5 ; url=\"a\"",
        "url=a",
    ] {
        check(
            &format!(
                "<meta http-equiv=Refresh content='{}'>",
                content.replace('\'', "&#39;")
            ),
            &["page? a"],
        );
    }
    check(
        "<meta http-equiv=refresh content=5><meta name=refresh content='5;url=a'>",
        &[],
    );
}

#[test]
fn what_is_no_element_loads_nothing() {
    check(
        "<!-- <img src=a> --><title><img src=b></title><textarea><img src=c></textarea>",
        &[],
    );
    check(
        "<noscript><img src=a></noscript><xmp><img src=b></xmp><a href=c>",
        &[],
    );
    check(
        "<img src=''><img src=' '><img src=data:,a><iframe src=about:blank></iframe><use href=#a>",
        &[],
    );
    check("<img src=a", &[]);
}

#[test]
fn urls_are_decoded_and_trimmed_and_the_first_attribute_counts() {
    check("<img src=' a?b&amp;c=d\n'>", &["other a?b&c=d"]);
    check("<img src=a SRC=b>", &["other a"]);
    let latin = html(b"<meta charset=iso-8859-1><img src=\xFC><style>a{b:url(\xE4)}</style>");
    let urls: Vec<_> = latin
        .references
        .into_iter()
        .map(|reference| reference.url)
        .collect();
    assert_eq!(urls, ["\u{FC}", "\u{E4}"]);
    check(
        "\u{FEFF}<meta charset=iso-8859-1><img src=\u{FC}>",
        &["other \u{FC}"],
    );
}
