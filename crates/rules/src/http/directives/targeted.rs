//! A field that stands for `Cache-Control` in the caches that it is for: a dictionary of structured
//! fields (RFC 9213 §2.1).

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};

use super::super::head::lines;
use super::{DeltaSeconds, ResponseDirectives, Scope, Seconds};

/// Reads one field; `None` if the field is to be ignored.
///
/// "If a targeted field in a given response is empty, or a parsing error is encountered, that field
/// MUST be ignored by the cache". A directive of the wrong type makes the whole unreadable, too: what
/// its author meant is not known.
pub(super) fn read(headers: &HeaderMap, name: &HeaderName) -> Option<ResponseDirectives> {
    let dictionary = dictionary(headers, name)?;
    let mut read = ResponseDirectives {
        targeted: true,
        ..Default::default()
    };
    for (name, entry) in &dictionary {
        // "Parameters received on directives are to be ignored"
        let item = match entry {
            ListEntry::Item(Item { bare_item, .. }) => Some(bare_item),
            ListEntry::InnerList(_) => None,
        };
        let (seconds, scope) = match item {
            Some(BareItem::Boolean(false)) => continue,
            Some(BareItem::Integer(number)) => (span(i64::from(*number)), Scope::Whole),
            Some(BareItem::String(_) | BareItem::Token(_)) => (Seconds::Malformed, Scope::Fields),
            _ => (Seconds::Malformed, Scope::Whole),
        };
        read.take(name.as_str().as_bytes(), || seconds, || scope);
    }
    let malformed = read.max_age == Seconds::Malformed || read.s_maxage == Seconds::Malformed;
    (!malformed).then_some(read)
}

/// The lists of field names of the directives that `applies` picks.
pub(super) fn field_lists(
    headers: &HeaderMap,
    name: &HeaderName,
    applies: impl Fn(&[u8]) -> bool,
) -> Vec<String> {
    let entries = dictionary(headers, name).into_iter().flatten();
    entries
        .filter(|(name, _)| applies(name.as_str().as_bytes()))
        .filter_map(|(_, entry)| match entry {
            ListEntry::Item(Item {
                bare_item: BareItem::String(list),
                ..
            }) => Some(list.as_str().to_owned()),
            _ => None,
        })
        .collect()
}

/// "DeltaSeconds … are Integers"; a negative one is none.
fn span(number: i64) -> Seconds {
    match u32::try_from(number) {
        Ok(seconds) => Seconds::Given(DeltaSeconds(seconds).min(DeltaSeconds::MAX)),
        Err(_) if number > 0 => Seconds::Given(DeltaSeconds::MAX),
        Err(_) => Seconds::Malformed,
    }
}

fn dictionary(headers: &HeaderMap, name: &HeaderName) -> Option<Dictionary> {
    // "When … multiple lines, they are joined by commas" (RFC 8941 §4.2), which costs nothing where
    // the field is absent.
    headers.get(name)?;
    let joined = lines(headers, name).collect::<Vec<_>>().join(&b", "[..]);
    let dictionary = Parser::new(&joined).parse::<Dictionary>().ok()?;
    (!dictionary.is_empty()).then_some(dictionary)
}
