//! What lies in the cache may be damaged or evicted: it is found and fetched anew while a page is
//! idle, so that nobody needs it in vain once the network is gone.

use super::*;

#[test]
fn a_flipped_bit_of_a_pack_is_found_while_a_page_is_idle_and_mended() {
    let Served { origin, out: _out } = served(&small_site(), "");
    let (browser, tab) = visited(&origin, "/");
    let cache = json!(files_cache(&tab));
    let packs = kept(&tab, "p");
    assert!(packs.len() > 2, "{packs:?}");
    tab.run(&format!(
        "const cache = await caches.open({cache})
         for (const url of {}) {{
             const bytes = new Uint8Array(await (await cache.match(url)).arrayBuffer())
             bytes[bytes.length >> 1] ^= 4
             await cache.put(url, new Response(bytes))
         }}",
        json!(packs)
    ));
    let right = format!(
        "(async () => {{ const names = await Promise.all({}.map(async (url) => {{
             const kept = await (await caches.open({cache})).match(url)
             const sum = kept && await crypto.subtle.digest('SHA-256', await kept.arrayBuffer())
             const text = sum ? btoa(String.fromCharCode(...new Uint8Array(sum))) : ''
             return text.replaceAll('+', '-').replaceAll('/', '_').startsWith(url.split('/').pop())
         }})); return names.filter((right) => right).length }})()",
        json!(packs)
    );
    assert_eq!(tab.eval(&right), 0, "the bits were flipped");
    browser.stop_workers();
    browser.clear_http_cache();
    tab.load(&origin.url("/offline.html")).ok();
    tab.wait_for(
        &format!("(await {right}) === {}", packs.len()),
        "all packs to be mended",
    );
    browser.stop_workers();
    cut_off(&browser, &origin);
    is_whole(&tab, &origin, "one");
}

#[test]
fn whatever_was_evicted_is_fetched_again_while_a_page_is_idle() {
    for (kind, least) in [
        ("p", 3), // packs
        ("d", 2), // files that stand alone
        ("g", 1), // the manifest
        ("h", 1), // header fields of pages in packs
        ("a", 1), // the mark of completeness
    ] {
        let Served { origin, out: _out } = served(&small_site(), "");
        let (browser, tab) = visited(&origin, "/");
        let cache = files_cache(&tab);
        let all = tab.cache_keys(&cache).len();
        let evicted = kept(&tab, kind);
        assert!(evicted.len() >= least, "{kind}: {evicted:?}");
        for key in &evicted {
            assert!(tab.delete_cache_entry(&cache, key));
        }
        browser.stop_workers();
        browser.clear_http_cache();
        // a page that asks for nothing of what is gone, where that can be
        tab.load(&origin.url("/offline.html")).ok();
        tab.wait_for(
            &format!("(await (await caches.open('{cache}')).keys()).length === {all}"),
            &format!("the cache to be whole again without {kind}"),
        );
        browser.stop_workers();
        cut_off(&browser, &origin);
        is_whole(&tab, &origin, "one");
    }
}
