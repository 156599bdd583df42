//! Which parts of a query make no difference? (`No-Vary-Search`,
//! draft-ietf-httpbis-no-vary-search)

use std::borrow::Cow;

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use sfv::{BareItem, Dictionary, InnerList, Item, ListEntry, Parser};

use super::head::lines;

/// What a response says of the query of its URI.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoVarySearch {
    ignores_order: bool,
    ignores: Ignores,
}

/// Which parameters make no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ignores {
    /// These.
    These(Vec<String>),
    /// All but these.
    AllBut(Vec<String>),
}

impl Default for Ignores {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl NoVarySearch {
    /// Reads the field; absent or not as the draft wants it, every part makes a difference.
    pub fn read(headers: &HeaderMap) -> Self {
        Self::parse(headers).unwrap_or_default()
    }

    fn parse(headers: &HeaderMap) -> Option<Self> {
        let mut all = lines(headers, &FIELD).peekable();
        all.peek()?;
        let joined = all.collect::<Vec<_>>().join(&b", "[..]);
        let dictionary = Parser::new(&joined).parse::<Dictionary>().ok()?;
        let mut rule = Self::default();
        match dictionary.get("key-order").map(boolean) {
            None => {}
            Some(order) => rule.ignores_order = order?,
        }
        let except = match dictionary.get("except") {
            None => None,
            Some(ListEntry::InnerList(list)) => Some(strings(list)?),
            Some(ListEntry::Item(_)) => return None,
        };
        match dictionary.get("params") {
            Some(ListEntry::InnerList(list)) => rule.ignores = Ignores::These(strings(list)?),
            Some(item) if boolean(item)? => {
                rule.ignores = Ignores::AllBut(except.unwrap_or_default());
                return Some(rule);
            }
            _ => {}
        }
        // "except" has a meaning beside "params" alone.
        except.is_none().then_some(rule)
    }

    /// Does every part of a query make a difference?
    pub fn varies_on_all(&self) -> bool {
        *self == Self::default()
    }

    /// Do these queries (without `?`; `None`: there is none) ask for the same?
    pub fn same(&self, one: Option<&str>, other: Option<&str>) -> bool {
        if self.varies_on_all() {
            return one == other;
        }
        self.kept(one.unwrap_or_default()) == self.kept(other.unwrap_or_default())
    }

    /// Appends a spelling of `query` that all have in common that are the same by this rule.
    pub(super) fn canonical(&self, query: &str, into: &mut String) {
        for (name, value) in self.kept(query) {
            for part in [name, value] {
                // Lengths, as in keys: decoded names may hold `&` and `=`.
                into.push_str(&part.len().to_string());
                into.push(':');
                into.push_str(&part);
            }
        }
    }

    /// The parameters that make a difference, parsed as "application/x-www-form-urlencoded".
    fn kept<'a>(&self, query: &'a str) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        let mut kept: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decoded(name), decoded(value))
            })
            .filter(|(name, _)| match &self.ignores {
                Ignores::These(names) => !names.iter().any(|known| known == name),
                Ignores::AllBut(names) => names.iter().any(|known| known == name),
            })
            .collect();
        if self.ignores_order {
            // Several of one name keep their order.
            kept.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        kept
    }
}

fn boolean(entry: &ListEntry) -> Option<bool> {
    match entry {
        ListEntry::Item(Item {
            bare_item: BareItem::Boolean(value),
            ..
        }) => Some(*value),
        _ => None,
    }
}

/// The strings of a list, decoded as parameters are; `None` if anything else is in it.
fn strings(list: &InnerList) -> Option<Vec<String>> {
    list.items
        .iter()
        .map(|item| match &item.bare_item {
            BareItem::String(name) => Some(decoded(name.as_str()).into_owned()),
            _ => None,
        })
        .collect()
}

fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8_lossy().into_owned();
        return Cow::Owned(decoded);
    }
    percent_decode_str(text).decode_utf8_lossy()
}

const FIELD: http::HeaderName = http::HeaderName::from_static("no-vary-search");

#[cfg(test)]
mod tests;
