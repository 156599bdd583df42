//! What an application cache had to do with an exchange: for people.

use std::fmt;

use revisit_rules::appcache::{Categories, Direct};
use url::{Position, Url};

/// What the application cache of a page had to do with an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It answered, with an entry that is kept for these reasons.
    Entry(Categories),
    /// It answered with this entry, where the network had failed.
    Fallback(Url),
    /// It let the network, and what lies before that, answer.
    Network(Direct),
    /// The same; had that failed, this entry would have answered.
    NetworkElse(Url),
    /// It let nobody answer.
    Refused,
    /// Nobody's load: an update of the cache of this manifest asks for it.
    Update(Url),
}

impl Role {
    /// Is it an update that asks?
    pub fn is_update(&self) -> bool {
        matches!(self, Self::Update(_))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = |url: &Url| url[Position::BeforePath..Position::AfterQuery].to_owned();
        match self {
            Self::Entry(is) => {
                let names: Vec<&str> = is.names().collect();
                write!(f, "{} entry", names.join(" and "))
            }
            Self::Fallback(target) => write!(f, "fallback entry {}", path(target)),
            Self::Network(why) => f.write_str(match why {
                Direct::NoCache => "the page has none",
                Direct::Incomplete => "not yet complete",
                Direct::Method => "not for this method",
                Direct::Scheme => "not for this scheme",
                Direct::Prefix => "under NETWORK",
                Direct::Wildcard => "by `*` under NETWORK",
            }),
            Self::NetworkElse(target) => write!(f, "under FALLBACK, else {}", path(target)),
            Self::Refused => f.write_str("listed nowhere"),
            Self::Update(_) => f.write_str("update"),
        }
    }
}
