//! What lies in a store, as bytes: the one place that writes heads of entries and reads them.
//!
//! A store knows spaces, names, ids and heads as bytes only. [`Space`] says which part of Revisit a
//! space belongs to, so that one store may hold several; [`Pair`] is an entry of the Cache API, [`Kept`]
//! one of the HTTP cache. What else is kept gets a type beside them, made of the same [`Writer`] and
//! [`Reader`], and an arm in [`Described`], by which `revisit store` tells of it. [`Label`] is how all of them are purged.

mod application;
mod codec;
mod describe;
mod kept;
mod label;
mod pair;

pub use application::{AppEntry, AppGroup};
pub use codec::{Damaged, Reader, Writer};
pub use describe::Described;
pub use kept::Kept;
pub use label::Label;
pub use pair::{Pair, ResponseHead};

/// A space of a store: which part of Revisit it belongs to, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Space {
    /// The part.
    pub kind: Kind,
    /// The storage key (`https://shop.example`), or the name of a site.
    pub owner: String,
}

/// A part of Revisit that keeps entries in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `CacheStorage`: a collection is a cache, under its name in WTF-8; an entry is a [`Pair`] under
    /// its URL without fragment.
    Caches,
    /// The disk tier of the HTTP cache: one space for each profile, an entry is a [`Kept`].
    Http,
    /// Application caches: a collection is a group's newest complete cache, under the URL of its manifest; its
    /// entries are one [`AppGroup`] and an [`AppEntry`] for each URL.
    AppCache,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Caches, Self::Http, Self::AppCache];

    /// The word before the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caches => "caches",
            Self::Http => "http",
            Self::AppCache => "appcache",
        }
    }
}

impl Space {
    /// The space of an owner in a part.
    pub fn new(kind: Kind, owner: impl Into<String>) -> Self {
        let owner = owner.into();
        Self { kind, owner }
    }

    /// As the store names it: `caches:https://shop.example`.
    pub fn to_bytes(&self) -> Vec<u8> {
        format!("{}:{}", self.kind.as_str(), self.owner).into_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` for a space of somebody else.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, owner) = std::str::from_utf8(bytes).ok()?.split_once(':')?;
        let kind = Kind::ALL.into_iter().find(|one| one.as_str() == kind)?;
        Some(Self::new(kind, owner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_read_as_it_was_written_and_a_strange_one_is_none() {
        for kind in Kind::ALL {
            let space = Space::new(kind, "https://a.example:8443");
            assert_eq!(Space::read(&space.to_bytes()), Some(space));
        }
        for strange in ["", "caches", "other:x", ":", "CACHES:x"] {
            assert_eq!(Space::read(strange.as_bytes()), None, "{strange}");
        }
        assert_eq!(Space::read(b"caches:\xff"), None);
    }
}
