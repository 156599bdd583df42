//! Whatever a file says: no panic, an answer for each option, and a config that a build takes.

use proptest::prelude::*;

use super::*;
use crate::import::regex;

/// Whether a build takes it for a config.
pub(in crate::import) fn accepted(text: &str) -> Result<(), String> {
    let config = config_of(text)?;
    config.parse().map(drop).map_err(|error| error.to_string())
}

/// Whether a build of the site in `root` goes through with it.
#[track_caller]
pub(in crate::import) fn built(text: &str, root: &std::path::Path) {
    let options = crate::Options {
        now: std::time::SystemTime::UNIX_EPOCH,
        development: None,
        previous: None,
    };
    let config = config_of(text).unwrap();
    let mut memory = crate::memory::Memory::default();
    let planned = crate::plan::plan(root, &config, &options, &mut memory, &());
    planned.unwrap_or_else(|error| panic!("{error}\n{text}"));
}

fn config_of(text: &str) -> Result<crate::BuildConfig, String> {
    #[derive(serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    #[derive(Default)]
    struct Whole {
        site: crate::config::SiteConfig,
        precache: crate::config::PrecacheConfig,
        names: crate::config::NamesConfig,
        worker: crate::config::WorkerConfig,
        appcache: crate::config::AppcacheConfig,
        route: Vec<crate::config::RouteConfig>,
    }
    let whole: Whole = toml::from_str(text).map_err(|error| error.to_string())?;
    Ok(crate::BuildConfig {
        site: whole.site,
        precache: whole.precache,
        names: whole.names,
        worker: whole.worker,
        appcache: whole.appcache,
        routes: whole.route,
        ..crate::BuildConfig::default()
    })
}

#[test]
fn every_option_of_every_tool_has_an_answer_for_each_kind_of_value() {
    let values = [
        "null",
        "true",
        "false",
        "0",
        "7.5",
        "''",
        "'x'",
        "'/a/b.html'",
        "[]",
        "['a', 1, /b/, {}]",
        "{}",
        "{a: 'b', '/c': ['d'], '': '/e/'}",
        "/^\\/a/",
        "() => 1",
        "f()",
        "[{url: '/x'}]",
        "[{urlPattern: /a/, handler: 'CacheFirst'}]",
    ];
    for tool in [
        Tool::GenerateSw,
        Tool::InjectManifest,
        Tool::WebpackGenerateSw,
        Tool::WebpackInjectManifest,
        Tool::VitePwa,
        Tool::SwPrecache,
    ] {
        for option in tool.options() {
            for value in values {
                let literal = format!("{{{option}: {value}}}");
                let made = made(&match tool {
                    Tool::GenerateSw => format!("generateSW({literal})"),
                    Tool::InjectManifest => format!("injectManifest({literal})"),
                    Tool::WebpackGenerateSw => format!("new GenerateSW({literal})"),
                    Tool::WebpackInjectManifest => format!("new InjectManifest({literal})"),
                    Tool::VitePwa => format!("VitePWA({literal})"),
                    Tool::SwPrecache => format!("swPrecache.write(f, {literal})"),
                    Tool::AppCache => unreachable!("a manifest is no script"),
                });
                let unanswered = made.findings.iter().find(|it| {
                    it.option == option && matches!(&it.outcome, Outcome::Lost { why } if why.contains("no answer") || why.contains("not known to have"))
                });
                assert_eq!(unanswered, None, "{tool:?} {literal}");
                accepted(&made.toml)
                    .unwrap_or_else(|why| panic!("{why}: {literal}\n{}", made.toml));
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), name in "c\\.(js|ts|mjs|cjs|json|txt)") {
        let _ = import(&String::from_utf8_lossy(&bytes), &name, None);
    }

    #[test]
    fn no_regular_expression_makes_it_panic(source in "[\\^$.()|?*+a/:\\\\\\[\\]{},é-]{0,24}", flags in "[igmsuy]{0,2}") {
        let regex = Regex { source, flags };
        let _ = path_pattern(&regex, "/shop/");
        let _ = places(&regex, Elsewhere::FromStart);
        let _ = regex::parameter(&regex);
        let _ = regex::file_pattern(&regex);
        let _ = statuses(&regex);
    }

    /// Words of configs in any order: what comes out is a config that a build takes.
    #[test]
    fn whatever_a_config_says_a_build_takes_what_becomes_of_it(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..14),
        cut in 0usize..400,
    ) {
        let mut text = format!("generateSW({{{}}})", words.join(","));
        if cut < text.len() {
            let cut = text.floor_char_boundary(cut);
            text.remove(cut);
        }
        for text in [text.clone(), text.replace("generateSW(", "swPrecache.write('é\"\\\\\\u0007.js',")] {
            if let Ok(made) = import(&text, "c.js", None) {
                prop_assert!(accepted(&made.toml).is_ok(), "{:?}\n{text}\n{}", accepted(&made.toml), made.toml);
            }
        }
    }
}

const WORDS: &[&str] = &[
    "globDirectory:'a\\nb'",
    "globPatterns:['**/*','é[a].js','x{','\"']",
    "globIgnores:['***','i*']",
    "swDest:'\"/x.js'",
    "cacheId:'\\u0000\"\\\\'",
    "modifyURLPrefix:{'':'/é/','a':'b\"'}",
    "modifyURLPrefix:{'':'https://','b':'../c'}",
    "modifyURLPrefix:{'':'https://a b/?x'}",
    "templatedURLs:{'/x y':'r','//a':'b','/../c':['d'],'sw.js':'e','revisit/x':'f'}",
    "additionalManifestEntries:[{url:'/%2F'},{url:'?'},{url:''},{url:'a//b'},'/ok','ok']",
    "navigateFallback:'/a/../b.html'",
    "navigateFallback:'\"'",
    "navigateFallbackDenylist:[/^\\/é/,/[/]/]",
    "ignoreURLParametersMatching:[/^*/,/^a\\*$/,/^$/]",
    "importScripts:['\\n',7]",
    "maximumFileSizeToCacheInBytes:1e30",
    "dontCacheBustURLsMatching:/^\\.\\./",
    "staticFileGlobs:['a/../../b','/c','d/**']",
    "stripPrefix:'d'",
    "replacePrefix:'\"'",
    "runtimeCaching:[{urlPattern:'/a b',handler:'CacheFirst',options:{cacheName:'\"\\n'}}]",
    "runtimeCaching:[{urlPattern:/^https:\\/\\/é/,handler:'cacheFirst'}]",
    "swFile:'.js'",
    "root:'..'",
    "dynamicUrlToDependencies:{'/a':['/etc/passwd'],'/b':'\\u0001'}",
];
