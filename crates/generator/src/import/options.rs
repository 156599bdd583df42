//! Which options has each tool?
//!
//! The lists are those of Workbox 7.4.1, of its webpack plugin, of vite-plugin-pwa 2.0.0 and of sw-precache 5.2.1.
//! `docs/coming-from.md` says of each what it becomes; a test compares the two.

use super::Tool;

/// Of `getManifest`, which the others have too.
pub(super) const MANIFEST: [&str; 11] = [
    "additionalManifestEntries",
    "dontCacheBustURLsMatching",
    "globDirectory",
    "globFollow",
    "globIgnores",
    "globPatterns",
    "globStrict",
    "manifestTransforms",
    "maximumFileSizeToCacheInBytes",
    "modifyURLPrefix",
    "templatedURLs",
];

/// Of `generateSW`, beside those.
pub(super) const GENERATE_SW: [&str; 19] = [
    "babelPresetEnvTargets",
    "cacheId",
    "cleanupOutdatedCaches",
    "clientsClaim",
    "directoryIndex",
    "disableDevLogs",
    "ignoreURLParametersMatching",
    "importScripts",
    "inlineWorkboxRuntime",
    "mode",
    "navigateFallback",
    "navigateFallbackAllowlist",
    "navigateFallbackDenylist",
    "navigationPreload",
    "offlineGoogleAnalytics",
    "runtimeCaching",
    "skipWaiting",
    "sourcemap",
    "swDest",
];

/// Of `injectManifest`, beside those of `getManifest`.
pub(super) const INJECT_MANIFEST: [&str; 3] = ["injectionPoint", "swDest", "swSrc"];

/// Of the webpack plugin, beside those.
pub(super) const WEBPACK: [&str; 8] = [
    "chunks",
    "compileSrc",
    "exclude",
    "excludeChunks",
    "importScriptsViaChunks",
    "include",
    "maximumFileSizeToCacheInBytes",
    "webpackCompilationPlugins",
];

/// Of an entry of `runtimeCaching`.
pub(super) const ROUTE: [&str; 4] = ["handler", "method", "options", "urlPattern"];

/// Of the `options` of one.
pub(super) const ROUTE_OPTIONS: [&str; 11] = [
    "backgroundSync",
    "broadcastUpdate",
    "cacheName",
    "cacheableResponse",
    "expiration",
    "fetchOptions",
    "matchOptions",
    "networkTimeoutSeconds",
    "plugins",
    "precacheFallback",
    "rangeRequests",
];

pub(super) const VITE_PWA: [&str; 27] = [
    "base",
    "buildBase",
    "devOptions",
    "disable",
    "experimental",
    "filename",
    "includeAssets",
    "includeManifestIcons",
    "injectManifest",
    "injectRegister",
    "integration",
    "manifest",
    "manifestFilename",
    "minify",
    "mode",
    "outDir",
    "pwaAssets",
    "registerType",
    "registerWebManifestInDev",
    "scope",
    "selfDestroying",
    "showMaximumFileSizeToCacheInBytesWarning",
    "srcDir",
    "strategies",
    "throwMaximumFileSizeToCacheInBytes",
    "useCredentials",
    "workbox",
];

pub(super) const SW_PRECACHE: [&str; 24] = [
    "cacheId",
    "clientsClaim",
    "config",
    "directoryIndex",
    "dontCacheBustUrlsMatching",
    "dynamicUrlToDependencies",
    "handleFetch",
    "ignoreUrlParametersMatching",
    "importScripts",
    "logger",
    "maximumFileSizeToCacheInBytes",
    "navigateFallback",
    "navigateFallbackWhitelist",
    "replacePrefix",
    "root",
    "runtimeCaching",
    "skipWaiting",
    "staticFileGlobs",
    "stripPrefix",
    "stripPrefixMulti",
    "swFile",
    "swFilePath",
    "templateFilePath",
    "verbose",
];

/// Of the `options` of an entry of sw-precache's `runtimeCaching`.
pub(super) const TOOLBOX_OPTIONS: [&str; 5] = [
    "cache",
    "debug",
    "networkTimeoutSeconds",
    "origin",
    "successResponses",
];

/// Of an AppCache manifest: with what the name of each finding begins.
pub(super) const APPCACHE: [&str; 5] = ["CACHE", "FALLBACK", "NETWORK", "SETTINGS", "line"];

impl Tool {
    pub(super) fn options(self) -> Vec<&'static str> {
        let lists: &[&[&'static str]] = match self {
            Self::GenerateSw => &[&MANIFEST, &GENERATE_SW],
            Self::InjectManifest => &[&MANIFEST, &INJECT_MANIFEST],
            Self::WebpackGenerateSw => &[&MANIFEST, &GENERATE_SW, &WEBPACK],
            Self::WebpackInjectManifest => &[&MANIFEST, &INJECT_MANIFEST, &WEBPACK, &["mode"]],
            Self::VitePwa => &[&VITE_PWA],
            Self::SwPrecache => &[&SW_PRECACHE],
            Self::AppCache => &[&APPCACHE],
        };
        lists.concat()
    }
}

/// The tool of whose options the most stand there, and how many.
pub(super) fn tool_of<'a>(names: impl Iterator<Item = &'a str>) -> Option<(usize, Tool)> {
    let names: Vec<&str> = names.collect();
    let mut best = None;
    for tool in [
        Tool::InjectManifest,
        Tool::GenerateSw,
        Tool::WebpackGenerateSw,
        Tool::SwPrecache,
        Tool::VitePwa,
    ] {
        let known = tool.options();
        let telling = |name: &&&str| known.contains(*name) && !COMMON.contains(*name);
        let score = names.iter().filter(telling).count();
        let says_so = match tool {
            Tool::InjectManifest => names.contains(&"swSrc"),
            Tool::VitePwa => ["registerType", "workbox", "injectRegister", "strategies"]
                .iter()
                .any(|name| names.contains(name)),
            Tool::WebpackGenerateSw => names.iter().any(|name| GENERATE_SW.contains(name)),
            _ => true,
        };
        if says_so && score > best.map_or(0, |(score, _)| score) {
            best = Some((score, tool));
        }
    }
    best
}

/// Names that objects of all kinds have: they tell no tool.
const COMMON: [&str; 18] = [
    "base",
    "config",
    "disable",
    "exclude",
    "experimental",
    "filename",
    "handler",
    "include",
    "logger",
    "manifest",
    "method",
    "minify",
    "mode",
    "root",
    "runtimeCaching",
    "scope",
    "sourcemap",
    "verbose",
];

/// Names that Workbox had for some before its version 5.
pub(super) const FORMERLY: [(&str, &str); 7] = [
    ("dontCacheBustUrlsMatching", "dontCacheBustURLsMatching"),
    ("ignoreUrlParametersMatching", "ignoreURLParametersMatching"),
    ("modifyUrlPrefix", "modifyURLPrefix"),
    ("navigateFallbackBlacklist", "navigateFallbackDenylist"),
    ("navigateFallbackWhitelist", "navigateFallbackAllowlist"),
    ("templatedUrls", "templatedURLs"),
    ("manifestEntries", "additionalManifestEntries"),
];
