use proptest::prelude::*;

use super::*;
use crate::http::testing::{any_value, fields};

#[test]
fn without_the_field_every_byte_makes_a_difference() {
    check("", "a=1", "a=1", true);
    check("", "a=1&b", "b&a=1", false);
    check("", "a=+", "a=%20", false);
    assert!(!NoVarySearch::default().same(None, Some("")));
}

#[test]
fn order_makes_no_difference_where_the_field_says_so() {
    check("key-order", "a=1&b=2", "b=2&a=1", true);
    check("key-order", "a=1&a=2", "a=2&a=1", false);
    check("key-order", "a=1", "a=2", false);
    check("key-order=?0", "a=1&b=2", "b=2&a=1", false);
}

#[test]
fn named_parameters_make_none() {
    check("params=(\"u\" \"v\")", "a=1&u=1", "v&a=1&u=2", true);
    check("params=(\"u\")", "a=1&v=1", "a=1&v=2", false);
    check("params=(\"a b\")", "a+b=1", "a%20b=2", true);
    check("params=(\"%c3%a4\")", "%C3%A4=1", "", true);
    check("params=()", "a=1", "a=2", false);
    assert!(NoVarySearch::read(&fields("no-vary-search: params")).same(None, Some("a=1")));
}

#[test]
fn all_but_the_excepted_make_none() {
    check("params", "a=1", "b=2", true);
    check("params, except=(\"a\")", "a=1&b=1", "a=1&b=2", true);
    check("params, except=(\"a\")", "a=1", "a=2", false);
    check("params=?0", "a=1", "a=2", false);
}

#[test]
fn a_field_that_is_not_as_it_should_be_says_nothing() {
    for field in [
        "params=(a)",
        "params=\"a\"",
        "params=1",
        "except=(\"a\")",
        "params=(\"a\"), except=(\"b\")",
        "params, except=\"a\"",
        "params, except=(a)",
        "params, key-order=1",
        "params, &",
    ] {
        assert!(
            NoVarySearch::read(&fields(&format!("no-vary-search: {field}"))).varies_on_all(),
            "{field}"
        );
    }
}

proptest! {
    #[test]
    fn no_field_makes_it_panic(field in any_value(), one in any_value(), other in any_value()) {
        let rule = NoVarySearch::read(&fields(&format!("no-vary-search:{field}")));
        prop_assert_eq!(rule.same(Some(&one), Some(&other)), rule.same(Some(&other), Some(&one)));
    }
}

fn check(field: &str, one: &str, other: &str, expected: bool) {
    let rule = NoVarySearch::read(&fields(&format!("no-vary-search: {field}")));
    assert_eq!(
        rule.same(Some(one), Some(other)),
        expected,
        "{field}: {one} {other}"
    );
}
