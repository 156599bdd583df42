use http::StatusCode;
use proptest::prelude::*;

use super::*;
use crate::http::testing::{any_value, fields, request};

#[test]
fn a_write_that_succeeds_invalidates_its_target() {
    // RFC 9111 §4.4
    for method in ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "X"] {
        check(method, 200, "", &["Target /a/b?c=d"]);
        check(method, 303, "", &["Target /a/b?c=d"]);
        check(method, 404, "", &[]);
        check(method, 500, "", &[]);
    }
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND"] {
        check(method, 200, "location: /x", &[]);
    }
}

#[test]
fn it_invalidates_what_it_names_in_its_own_origin() {
    let target = "Target /a/b?c=d";
    check("POST", 201, "location: /x", &[target, "Location /x"]);
    check(
        "POST",
        201,
        "content-location: x",
        &[target, "ContentLocation /a/x"],
    );
    check(
        "POST",
        201,
        "location: http://example.com:80/x",
        &[target, "Location /x"],
    );
    check("POST", 201, "location: https://example.com/x", &[target]);
    check("POST", 201, "location: //other/x", &[target]);
    check("POST", 201, "location: /a/b?c=d", &[target]);
    check("POST", 201, "location: mailto:x", &[target]);
}

#[test]
fn the_target_is_invalidated_as_it_is_written() {
    for path in ["//img/a", "/a/../b", "/a/./b", "//evil.example:80/", "/a#b"] {
        let (method, asked, answered) = (Method::POST, fields(""), fields(""));
        let mut head = request(&method, &asked);
        head.target.path = path;
        let response = ResponseHead {
            status: StatusCode::OK,
            headers: &answered,
        };
        let found = invalidations(&Policy::shared(), &head, &response);
        let expected = Invalidation::Uri(Uri::of(head.target), By::Target);
        assert_eq!(found, [expected], "{path}");
    }
}

#[test]
fn it_invalidates_groups() {
    // RFC 9875
    let target = "Target /a/b?c=d";
    check(
        "POST",
        200,
        "cache-group-invalidation: \"a\", \"b\";x, c",
        &[target, "Group a", "Group b"],
    );
    check(
        "POST",
        200,
        "cache-group-invalidation: \"a\"\ncache-group-invalidation: \"b\"",
        &[target, "Group a", "Group b"],
    );
    check("POST", 200, "cache-group-invalidation: \"a", &[target]);
    check("GET", 200, "cache-group-invalidation: \"a\"", &[]);
    let named: Vec<_> = groups(&fields("cache-groups: \"a\", \"B\"")).collect();
    assert_eq!(named, ["a", "B"]);
}

#[test]
fn a_browser_invalidates_the_target_alone() {
    let found = invalidated(&Policy::chromium(), "POST", 201, "location: /x");
    assert_eq!(found, ["Target /a/b?c=d"]);
}

proptest! {
    #[test]
    fn nothing_of_another_origin_is_ever_invalidated(location in "[a-z:/.@?]{0,20}", other in any_value()) {
        let headers = fields(&format!("location:{location}\ncontent-location:{other}\ncache-group-invalidation:{other}"));
        let response = ResponseHead { status: StatusCode::OK, headers: &headers };
        let (method, asked) = (Method::POST, fields(""));
        let head = request(&method, &asked);
        for found in invalidations(&Policy::shared(), &head, &response) {
            if let Invalidation::Uri(uri, _) = found {
                prop_assert!(uri.is_of_origin(head.target));
            }
        }
    }
}

fn check(method: &str, status: u16, answered: &str, expected: &[&str]) {
    let found = invalidated(&Policy::shared(), method, status, answered);
    assert_eq!(found, expected, "{method} {status} {answered}");
}

fn invalidated(policy: &Policy, method: &str, status: u16, answered: &str) -> Vec<String> {
    let (method, asked) = (Method::from_bytes(method.as_bytes()).unwrap(), fields(""));
    let response = ResponseHead {
        status: StatusCode::from_u16(status).unwrap(),
        headers: &fields(answered),
    };
    let found = invalidations(policy, &request(&method, &asked), &response);
    found
        .iter()
        .map(|one| match one {
            Invalidation::Uri(uri, by) => format!("{by:?} {}", uri.target().path),
            Invalidation::Group(group) => format!("Group {group}"),
        })
        .collect()
}
