//! What findings say: what happens, and what would change it.

use super::Kind;

impl Kind {
    /// What happens to `them`, which are `one` or several.
    pub(super) fn what(self, them: &str, one: bool) -> String {
        let are = if one { "is" } else { "are" };
        let do_not = if one { "does not" } else { "do not" };
        match self {
            Self::RedirectLoop => format!("{them} {are} redirected in a circle"),
            Self::DoesNotLoad => format!("{them} {do_not} load"),
            Self::ListedNowhere => format!(
                "{them} {do_not} load in pages that have their application cache: its manifest lists {} nowhere",
                if one { "it" } else { "them" }
            ),
            Self::UpdateFails => format!(
                "{them} {} the update of the application cache in an error",
                if one { "ends" } else { "end" }
            ),
            Self::ManifestIgnored => format!(
                "{them} {} the manifest of an application cache, which today's browsers ignore",
                if one { "names" } else { "name" }
            ),
            Self::ManifestKept => format!(
                "{them} changed with a deploy, and updates of the application cache do not see it: the HTTP cache has the old one and does not ask"
            ),
            Self::ManifestGone => format!(
                "{them} {are} not there, though pages name {} as the manifest of their application cache",
                if one { "it" } else { "them" }
            ),
            Self::ManifestUnchanged => format!(
                "{them} changed with a deploy, and the manifest of the application cache did not: visitors keep what they have"
            ),
            Self::OfflineFails => format!("without a network {them} {do_not} come"),
            Self::MixedDeploys => format!(
                "after a deploy {them} {are} still used as {} before",
                if one { "it was" } else { "they were" }
            ),
            Self::PageKeptLong => {
                format!("{them}: visitors do not see a new version for as long as it is fresh")
            }
            Self::FileKeptLong => {
                format!("{them} {are} kept for long under a name that says nothing of the content")
            }
            Self::PageNotStored => format!(
                "{them} {are} fetched whole at every visit, and at times when going back, by no-store"
            ),
            Self::FileNotStored => format!("{them} {are} fetched whole at every visit by no-store"),
            Self::NoValidator => format!(
                "{them} {are} fetched whole again: nothing tells a browser whether {} changed",
                if one { "it" } else { "they" }
            ),
            Self::HashedShort => format!(
                "{them} {are} asked for again, though a hash in the name says that it never changes"
            ),
            Self::AskedEachVisit => format!("{them} {are} asked for at every visit"),
            Self::Redirected => format!("{them} {are} redirected before anything else can begin"),
            Self::Guessed => format!("nothing says how long {them} {are} fresh, so browsers guess"),
        }
    }

    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::RedirectLoop => {
                "let one address answer with a page: two rules of the server contradict each other"
            }
            Self::DoesNotLoad => {
                "deploy what the pages name, or take the name out; keep files of earlier builds for tabs that are open"
            }
            Self::ListedNowhere => {
                "list it under `CACHE:`, or under `NETWORK:`, where `*` is for all that is not listed"
            }
            // Each cause has a remedy of its own.
            Self::UpdateFails => "look at what the manifest lists",
            Self::ManifestIgnored => {
                "`revisit build` gives the pages a worker and a script that do what it says; `--application-cache`, or `application_cache = true` in a scenario, plays a browser of its time"
            }
            Self::ManifestKept => {
                "send `Cache-Control: no-cache` with the manifest: it is asked for at each visit then, at the price of a 304"
            }
            Self::ManifestGone => {
                "serve it, or take the `manifest` attribute out; to free visitors of an old application cache it is right that it is gone"
            }
            Self::ManifestUnchanged => {
                "change the manifest with each deploy: a version or a date in a comment will do"
            }
            Self::OfflineFails => {
                "`revisit build` gives the site a worker with which it opens without a network"
            }
            Self::MixedDeploys => {
                "put a hash of the content into the name, or send `Cache-Control: no-cache` with an ETag"
            }
            Self::PageKeptLong => {
                "`Cache-Control: no-cache` with an ETag asks each time, at the price of a 304"
            }
            Self::FileKeptLong => {
                "put a hash of the content into the name; until then `Cache-Control: no-cache`"
            }
            Self::PageNotStored | Self::FileNotStored => {
                "if it is no secret, `Cache-Control: no-cache` with an ETag costs a 304"
            }
            Self::NoValidator => "send an ETag or Last-Modified",
            Self::HashedShort => "`Cache-Control: public, max-age=31536000, immutable`",
            Self::AskedEachVisit => {
                "put a hash of the content into the name, and keep it for a year"
            }
            Self::Redirected => "link to the address that answers",
            Self::Guessed => {
                "`Cache-Control: no-cache` for what changes, or a hash in the name and a year"
            }
        }
    }
}
