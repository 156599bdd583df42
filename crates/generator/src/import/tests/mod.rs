mod any;
pub(in crate::import) use any::{accepted, built};

use super::literal::Regex;
use super::regex::{Elsewhere, path_pattern, places, statuses};
use super::*;

fn made(text: &str) -> Imported {
    import(text, "config.js", None).unwrap_or_else(|error| panic!("{error} in:\n{text}"))
}

/// The lines of the config that a literal of `generateSW` becomes, but for those of its defaults.
#[track_caller]
fn check(options: &str, expected: &str) {
    let made = made(&format!(
        "generateSW({{globPatterns: ['**/*'], {options}}})"
    ));
    check_lines(&made, expected);
}

/// The same of sw-precache.
#[track_caller]
fn check_old(options: &str, expected: &str) {
    let made = made(&format!(
        "swPrecache.write('sw.js', {{skipWaiting: false, {options}}})"
    ));
    check_lines(&made, expected);
}

#[track_caller]
fn check_lines(made: &Imported, expected: &str) {
    let usual = ["", "include = [\"**\"]", "[worker]", "[precache]"];
    let of_us = |line: &&str| {
        !line.starts_with('#') && !line.starts_with("replaces = ") && !usual.contains(line)
    };
    let found: Vec<&str> = made.toml.lines().filter(of_us).collect();
    let lost: Vec<_> = made
        .findings
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::Lost { .. }))
        .collect();
    assert_eq!(
        found.join("\n"),
        expected,
        "\n{}\nlost: {lost:#?}",
        made.toml
    );
}

#[track_caller]
fn check_lost(text: &str, expected: &[(&str, usize, usize)]) {
    let made = made(text);
    let lost: Vec<(&str, usize, usize)> = made
        .findings
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::Lost { .. }))
        .map(|it| (&*it.option, it.line, it.column))
        .collect();
    assert_eq!(lost, expected, "{:#?}", made.findings);
}

#[test]
fn a_config_is_found_however_it_is_written() {
    for text in [
        "module.exports = {globDirectory: 'dist', swDest: 'dist/sw.js'}",
        "const c = {globDirectory: 'dist'}; module.exports = c",
        "export default {globDirectory: 'dist', globPatterns: []}",
        "export default defineConfig({globDirectory: 'dist'})",
        "export default () => ({globDirectory: 'dist'})",
        "const workboxBuild = require('workbox-build'); workboxBuild.generateSW({globDirectory: 'dist'}).then(() => 1)",
        "import {generateSW} from 'workbox-build'; await generateSW({globDirectory: './dist/'})",
        "gulp.task('sw', () => { const d = 'dist'; return generateSW({globDirectory: d}) })",
        "grunt.initConfig({workbox: {all: {globDirectory: 'dist', globPatterns: ['**']}}})",
        "exports.default = {globDirectory: path.join(__dirname, 'dist')}",
        "({globDirectory: `dist`, swDest: 'x'})",
    ] {
        let made = made(text);
        assert_eq!(
            (made.tool, &*made.site),
            (Tool::GenerateSw, "dist"),
            "{text}"
        );
    }
    let json = import("{\n \"globDirectory\": \"dist\" // note\n}", "c.json", None);
    assert_eq!(json.map(|it| it.site), Ok("dist".into()));
    let typed = import(
        "const c: GenerateSWOptions = {globDirectory: 'dist'} satisfies X; export default c as Y",
        "c.ts",
        None,
    );
    assert_eq!(typed.map(|it| it.site), Ok("dist".into()));
    for (text, tool) in [
        ("injectManifest({swSrc: 'a.js'})", Tool::InjectManifest),
        (
            "module.exports = {swSrc: 'a.js', globDirectory: 'd'}",
            Tool::InjectManifest,
        ),
        (
            "x = {plugins: [new GenerateSW({})]}",
            Tool::WebpackGenerateSw,
        ),
        (
            "x = {plugins: [new WorkboxPlugin.InjectManifest({swSrc: 'a'})]}",
            Tool::WebpackInjectManifest,
        ),
        (
            "export default {plugins: [VitePWA({workbox: {}})]}",
            Tool::VitePwa,
        ),
        ("module.exports = {staticFileGlobs: []}", Tool::SwPrecache),
        (
            "require('sw-precache').write(f, {verbose: true})",
            Tool::SwPrecache,
        ),
        (
            "new SWPrecacheWebpackPlugin({verbose: true})",
            Tool::SwPrecache,
        ),
    ] {
        assert_eq!(made(text).tool, tool, "{text}");
    }
}

#[test]
fn what_gives_no_config_says_why() {
    let error = |text: &str, name: &str| import(text, name, None).unwrap_err().to_string();
    assert!(error("let a = 1\nlet b = )", "c.js").starts_with("line 2, column 9: "));
    assert!(error("{\"a\": }", "c.json").starts_with("line 1, column 7: "));
    assert!(error("module.exports = {mode: 'x', plugins: []}", "c.js").starts_with("no config"));
    assert!(error("", "c.js").starts_with("no config"));
    assert!(error(&"(".repeat(20_000), "c.js").starts_with("it nests deeper"));
    assert_eq!(
        error("generateSW(\n require('./other'))", "c.js"),
        "line 2, column 2: the config is what `require()` gives, which only a run could tell"
    );
}

#[test]
fn what_only_a_run_could_tell_is_named_with_its_place_and_the_rest_is_used() {
    check_lost(
        "const a = f()\ngenerateSW({\n  cacheId: a,\n  manifestTransforms: [x => x],\n  [k]: 1,\n  ...more,\n  importScripts: ['a.js', a], nonsense: 1})",
        &[
            ("cacheId", 3, 3),
            ("manifestTransforms", 4, 3),
            ("[…]", 5, 3),
            ("...", 6, 6),
            ("importScripts", 7, 27),
            ("nonsense", 7, 31),
        ],
    );
    // a name that means itself, and one that is given twice
    check_lost(
        "const a = b, b = a; let c = 1; c = 2; generateSW({cacheId: a, swDest: c})",
        &[("cacheId", 1, 51), ("swDest", 1, 63)],
    );
}

#[test]
fn options_of_workbox_become_keys() {
    check(
        "skipWaiting: true, clientsClaim: true",
        "update = \"immediate\"",
    );
    check("skipWaiting: false", "");
    check("cacheId: 'shop'", "site_id = \"shop\"");
    check(
        "swDest: 'dist/service-worker.js', globDirectory: 'dist'",
        "name = \"service-worker.js\"",
    );
    check(
        "maximumFileSizeToCacheInBytes: 5 * 1024 ** 2",
        "file_bytes_max = 5242880",
    );
    check(
        "modifyURLPrefix: {'': '/shop/'}",
        "[site]\nbase = \"/shop/\"",
    );
    check(
        "modifyURLPrefix: {'': 'https://cdn.example/a'}",
        "[site]\ncdn = \"https://cdn.example/a/\"",
    );
    check(
        "modifyURLPrefix: {'static/': '/assets/', 'x': 'x'}",
        "[site]\nprefixes = { \"static/\" = \"assets/\" }",
    );
    check(
        "importScripts: ['push.js']",
        "import_scripts = [\"push.js\"]",
    );
    check(
        "globIgnores: ['**/node_modules/**/*', '**/*.map', 'b/[xy].js']",
        "exclude = [\"b/{x,y}.js\"]",
    );
    check(
        "additionalManifestEntries: [{url: '/cart', revision: '7'}, '/v1/x.json']",
        "[[precache.extra]]\nurl = \"/cart\"\nrevision = \"7\"\n[[precache.extra]]\nurl = \"/v1/x.json\"\nrevision = \"1\"",
    );
    check(
        "globDirectory: 'dist', templatedURLs: {'/shop/index.html': ['../tpl/**/*.hbs']}",
        "[[precache.extra]]\nurl = \"/shop/\"\ndepends = [\"tpl/**/*.hbs\"]",
    );
    check(
        "navigateFallback: '/', navigateFallbackAllowlist: [/^\\/app\\//], navigateFallbackDenylist: [/^\\/_/, /\\/[^/?]+\\.[^/]+$/]",
        "fallback = \"index.html\"\nfallback_allow = [\"app/**\"]\nfallback_deny = [\"_**\", \"**/?*.?*\"]",
    );
    // what react-scripts wrote: all but what begins so
    check(
        "navigateFallback: 'index.html', navigateFallbackWhitelist: [/^(?!\\/__).*/]",
        "fallback = \"index.html\"\nfallback_deny = [\"__**\"]",
    );
    check(
        "ignoreURLParametersMatching: [/^utm_/, /^fbclid$/, /^a|b$/]",
        "ignore_parameters = [\"utm_*\", \"fbclid\"]",
    );
    check("ignoreURLParametersMatching: []", "ignore_parameters = []");
    check(
        "dontCacheBustURLsMatching: /^assets\\//",
        "[names]\nhashed = [\"assets/**\"]",
    );
    check("dontCacheBustURLsMatching: /\\.\\w{8}\\./", "");
    check(
        "sourcemap: process.env.X, mode: 'production', cleanupOutdatedCaches: true",
        "",
    );
}

#[test]
fn what_a_build_would_refuse_is_put_right() {
    let text = made("generateSW({globPatterns: ['**/*.js'], navigateFallback: '/app.html'})").toml;
    assert!(
        text.contains("include = [\"**/*.js\", \"app.html\", \"index.html\"]"),
        "{text}"
    );
    assert!(text.contains("offline_page = \"\""), "{text}");
    let text = made("generateSW({globDirectory: 'd'})").toml;
    assert!(
        text.contains("include = [\"**/*.{js,wasm,css,html}\"]"),
        "{text}"
    );
    let exists = |file: &str| file == "cart.html" || file == "index.html";
    let there = import(
        "generateSW({additionalManifestEntries: ['/cart.html', '/']})",
        "c.js",
        Some(&exists),
    );
    assert!(!there.unwrap().toml.contains("precache.extra"));
}

#[test]
fn options_of_sw_precache_become_keys() {
    check_old(
        "staticFileGlobs: ['dist/**/*.*', 'dist/a.html', '!dist/b/**'], stripPrefix: 'dist/'",
        "include = [\"**/*.*\", \"a.html\"]\nexclude = [\"b/**\"]",
    );
    check_old(
        "staticFileGlobs: ['dist/**'], stripPrefix: 'dist', replacePrefix: '/app'",
        "[site]\nbase = \"/app/\"",
    );
    check_old(
        "staticFileGlobs: ['dist/**'], stripPrefixMulti: {'dist/': '/', 'dist/static/': '/assets/'}",
        "[site]\nprefixes = { \"static/\" = \"assets/\" }",
    );
    check_old(
        "staticFileGlobs: ['build/a/*', 'build/b/*'], stripPrefix: 'build/a/', replacePrefix: 'x/'",
        "[site]\nprefixes = { \"a/\" = \"x/\" }\ninclude = [\"x/*\", \"b/*\", \"index.html\"]\noffline_page = \"\"",
    );
    check_old(
        "dynamicUrlToDependencies: {'/user': ['views/user.jade', 'views/base.jade'], '/v': 'hash'}, navigateFallback: '/shell.html'",
        "[[precache.extra]]\nurl = \"/user\"\ndepends = [\"views/user.jade\", \"views/base.jade\"]\n[[precache.extra]]\nurl = \"/v\"\nrevision = \"hash\"\nfallback = \"shell.html\"",
    );
    check_old(
        "navigateFallbackWhitelist: [/^\\/a$/, /^\\/(b|c)\\//], importScripts: ['x.js'], ignoreUrlParametersMatching: [/./]",
        "fallback_allow = [\"a\", \"{b,c}/**\"]\nimport_scripts = [\"x.js\"]",
    );
    check_lost(
        "swPrecache.write('sw.js', {handleFetch: false, templateFilePath: 't', dynamicUrlToDependencies: {'/s': ['v']}, navigateFallback: '/s'})",
        &[
            ("handleFetch", 1, 28),
            ("templateFilePath", 1, 48),
            ("navigateFallback", 1, 112),
        ],
    );
    // its defaults are others than ours
    let text = made("module.exports = {staticFileGlobs: ['**']}").toml;
    assert!(
        text.contains("update = \"immediate\"") && text.contains("name = \"service-worker.js\""),
        "{text}"
    );
}

#[track_caller]
fn check_route(entry: &str, expected: &str) {
    check(&format!("runtimeCaching: [{entry}]"), expected);
}

#[test]
fn runtime_caching_becomes_routes() {
    check_route(
        "{urlPattern: /^https:\\/\\/fonts\\.(?:googleapis|gstatic)\\.com\\//, handler: 'CacheFirst', options: {cacheName: 'web fonts', expiration: {maxEntries: 30, maxAgeSeconds: 60 * 60}, cacheableResponse: {statuses: [0, 200]}}}",
        "[[route]]\npath = \"/**\"\norigin = \"https://fonts.googleapis.com\"\nstrategy = \"cache-first\"\nname = \"web-fonts\"\nmax_entries = 30\nmax_age_seconds = 3600\nopaque = true\n\
         [[route]]\npath = \"/**\"\norigin = \"https://fonts.gstatic.com\"\nstrategy = \"cache-first\"\nname = \"web-fonts\"\nmax_entries = 30\nmax_age_seconds = 3600\nopaque = true",
    );
    check_route(
        "{urlPattern: ({url, sameOrigin}) => sameOrigin && url.pathname.startsWith('/api/'), handler: 'NetworkFirst', method: 'GET', options: {networkTimeoutSeconds: 2.5, cacheableResponse: {statuses: [200, 203], headers: {'X-Ok': 'yes'}}, matchOptions: {ignoreSearch: true}, fetchOptions: {credentials: 'include'}, precacheFallback: {fallbackURL: '/none.json'}, broadcastUpdate: {}}}",
        "[[route]]\npath = \"/api/**\"\nstrategy = \"network-first\"\nstatuses = [200, 203]\ntimeout_seconds = 3\nheaders = { \"x-ok\" = \"yes\" }\nignore_search = true\ncredentials = \"include\"\nfallback = \"none.json\"\nbroadcast = true",
    );
    check_route(
        "{urlPattern: ({request}) => request.destination === 'style' || request.destination === 'script', handler: 'StaleWhileRevalidate'}",
        "[[route]]\npath = \"/**\"\norigin = \"*\"\ndestination = [\"style\", \"script\"]\nstrategy = \"stale-while-revalidate\"\nmax_entries = 60\nopaque = true",
    );
    check_route(
        "{urlPattern: /\\.(?:png|jpe?g)$/, handler: 'CacheFirst'}",
        "[[route]]\npath = \"/**.{jpeg,jpg,png}\"\nstrategy = \"cache-first\"",
    );
    check_route(
        "{urlPattern: '/data.json', handler: 'NetworkOnly', method: 'POST'}",
        "[[route]]\npath = \"/data.json\"\nmethods = [\"POST\"]\nstrategy = \"network-only\"",
    );
    check(
        "navigationPreload: true, runtimeCaching: [{urlPattern: ({request}) => request.mode === 'navigate', handler: 'NetworkFirst'}]",
        "[[route]]\npath = \"/**\"\ndestination = [\"document\"]\nstrategy = \"network-first\"\npreload = true",
    );
    check_lost(
        "generateSW({runtimeCaching: [{urlPattern: f, handler: 'CacheFirst'}, {urlPattern: /\\d/, handler: 'CacheFirst'},\n{urlPattern: '/a', handler: () => 1}, {urlPattern: '/a', handler: 'CacheFirst', options: {backgroundSync: {name: 'q'}, plugins: [1]}}, 7]})",
        &[
            ("runtimeCaching[0].urlPattern", 1, 31),
            ("runtimeCaching[1].urlPattern", 1, 71),
            ("runtimeCaching[2].handler", 2, 20),
            ("runtimeCaching[3].options.backgroundSync", 2, 91),
            ("runtimeCaching[3].options.plugins", 2, 120),
            ("runtimeCaching[4]", 2, 136),
        ],
    );
    check_old(
        "runtimeCaching: [{default: 'fastest'}, {urlPattern: '/articles/:id/*', handler: 'cacheFirst', options: {cache: {name: 'a', maxEntries: 9}}}, {urlPattern: '/x', handler: 'networkFirst', options: {origin: /fonts\\.gstatic\\.com$/, successResponses: /^200$/, debug: true}}]",
        "[[route]]\npath = \"/articles/:id/**\"\nstrategy = \"cache-first\"\nname = \"a\"\nmax_entries = 9\n\
         [[route]]\npath = \"/x\"\norigin = \"https://fonts.gstatic.com\"\nstrategy = \"network-first\"\n\
         [[route]]\npath = \"/**\"\norigin = \"*\"\nstrategy = \"stale-while-revalidate\"\nmax_entries = 60\nopaque = true",
    );
}

#[test]
fn plugins_of_bundlers_have_their_own_defaults() {
    let made = made(
        "export default defineConfig({plugins: [vue(), VitePWA({registerType: 'autoUpdate', base: '/app/', injectRegister: false, manifest: {}, workbox: {globPatterns: ['**/*.js'], cacheId: 'a'}})]})",
    );
    assert_eq!(made.site, "dist");
    for line in [
        "base = \"/app/\"",
        "update = \"immediate\"",
        "inject = false",
        "fallback = \"index.html\"",
        "site_id = \"a\"",
    ] {
        assert!(made.toml.contains(line), "{line} is not in\n{}", made.toml);
    }
    assert_eq!(made.lost(), 1, "{:#?}", made.findings);
    check_lost(
        "new GenerateSW({exclude: [/\\.map$/, /^secret/, /index\\.html$/], chunks: ['a'], include: [/\\.js$/]})",
        &[("exclude", 1, 17), ("chunks", 1, 65)],
    );
}

#[track_caller]
fn check_regex(source: &str, expected: Result<&str, &str>) {
    let regex = Regex {
        source: source.into(),
        flags: String::new(),
    };
    match (path_pattern(&regex, "/"), expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{source}"),
        (Err(found), Err(expected)) => assert!(found.contains(expected), "{source}: {found}"),
        (found, _) => panic!("{source}: {found:?}"),
    }
}

#[test]
fn a_regular_expression_becomes_a_pattern_where_both_mean_the_same() {
    check_regex("^\\/admin", Ok("admin**"));
    check_regex("^/admin/$", Ok("admin/"));
    check_regex("\\/api\\/", Ok("**/api/**"));
    check_regex("\\.pdf$", Ok("**.pdf"));
    check_regex("^/a/[^/]+/b.*", Ok("a/?*/b**"));
    check_regex("^/a/.*/b$", Ok("a/?**/b"));
    check_regex("^/(?:de|en)?/x", Ok("{,de,en}/x**"));
    check_regex("^/(de|en)(/x)?$", Ok("{de,de/x,en,en/x}"));
    check_regex("^/.*", Ok("**"));
    check_regex("", Ok("**"));
    check_regex("^admin", Err("no path below `/`"));
    check_regex("^/a.b", Err("any one character"));
    check_regex("a(?=b)", Err("looks around"));
    check_regex("^/\\d+", Err("`\\d`"));
    check_regex("x{2}", Err("repeat"));
    check_regex("(ab)+", Err("repeat"));
    check_regex("a$b", Err("in its middle"));
    check_regex("(a", Err("parentheses"));
    check_regex("a)", Err("parentheses"));
    check_regex(&"(a|b)".repeat(9), Err("more patterns"));
    check_regex(&"(".repeat(99), Err("too deep"));
}

#[test]
fn a_regular_expression_of_urls_becomes_a_host_and_a_path() {
    let check = |source: &str, elsewhere, expected: Result<(&str, &str), ()>| {
        let regex = Regex {
            source: source.into(),
            flags: "i".into(),
        };
        let found = places(&regex, elsewhere);
        let found = found
            .map(|mut it| it.remove(0))
            .map(|it| (it.origin, it.path));
        let expected = expected.map(|(origin, path)| (origin.to_owned(), path.to_owned()));
        assert_eq!(found.clone().map_err(drop), expected, "{source}: {found:?}");
    };
    use Elsewhere::{Anywhere, FromStart};
    check(
        "^https://a\\.example/1/",
        FromStart,
        Ok(("https://a.example", "1/**")),
    );
    check(
        "https://a.example",
        FromStart,
        Ok(("https://a.example", "**")),
    );
    check(
        "^https://a\\.example:81/1$",
        FromStart,
        Ok(("https://a.example:81", "1")),
    );
    check("/1/", FromStart, Ok(("self", "**/1/**")));
    check("/1/", Anywhere, Ok(("*", "**/1/**")));
    check(".*", FromStart, Ok(("*", "**")));
    check("^https://.*\\.example/", FromStart, Err(()));
    check("^https://[^/]+/a", FromStart, Err(()));
    check("^/1/", FromStart, Err(()));
}

#[test]
fn statuses_are_read_of_a_regular_expression_that_lists_them() {
    let check = |source: &str, expected: Option<&[u64]>| {
        let regex = Regex {
            source: source.into(),
            flags: String::new(),
        };
        assert_eq!(statuses(&regex).as_deref(), expected, "{source}");
    };
    check("^(0|200)$", Some(&[0, 200]));
    check("^20[03]$", Some(&[200, 203]));
    check("^2\\d\\d$", None);
}

#[test]
fn the_table_for_readers_lists_the_same_options() {
    let text = include_str!("../../../../../docs/coming-from.md");
    let mut sections = text.split("\n## ").skip(1);
    let mut check = |title: &str, options: Vec<&str>| {
        let section = sections.find(|it| it.starts_with(title));
        let section = section.unwrap_or_else(|| panic!("no chapter `{title}`"));
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let mut listed: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
        let mut known = options;
        listed.sort_unstable();
        known.sort_unstable();
        known.dedup();
        assert_eq!(listed, known, "{title}");
    };
    use options::*;
    check(
        "Workbox",
        [&MANIFEST[..], &GENERATE_SW, &INJECT_MANIFEST].concat(),
    );
    check("Routes of Workbox", [&ROUTE[..], &ROUTE_OPTIONS].concat());
    check("The webpack plugin", plugins::WEBPACK_ONLY.to_vec());
    check("vite-plugin-pwa", VITE_PWA.to_vec());
    check("sw-precache", SW_PRECACHE.to_vec());
    check(
        "Routes of sw-precache",
        [&ROUTE[..], &TOOLBOX_OPTIONS, &["default"]].concat(),
    );
    check("AppCache", APPCACHE.to_vec());
}

#[test]
fn assets_of_the_vite_plugin_come_beside_its_default() {
    let made = made("VitePWA({includeAssets: ['favicon.ico', 'fonts/*.woff2'], manifest: {}})");
    for pattern in ["**/*.{js,css,html}", "favicon.ico", "fonts/*.woff2"] {
        let quoted = format!("\"{pattern}\"");
        assert!(made.toml.contains(&quoted), "{pattern}\n{}", made.toml);
    }
}

#[test]
fn a_worker_of_the_sites_own_takes_over_nothing_and_is_told_no_mode_of_update() {
    let own =
        made("VitePWA({strategies: 'injectManifest', registerType: 'autoUpdate', manifest: {}})");
    assert!(!own.toml.contains("replaces"), "{}", own.toml);
    assert!(!own.toml.contains("update = "), "{}", own.toml);
    let is_lost = |it: &&Finding| matches!(it.outcome, Outcome::Lost { .. });
    assert!(
        own.findings
            .iter()
            .filter(is_lost)
            .any(|it| it.option.contains("registerType"))
    );
}
