use super::*;
use crate::http::testing::fields;

#[test]
fn what_is_for_one_hop_goes() {
    // RFC 9110 §7.6.1
    let mut headers = fields(
        "connection: a, B , close\na: 1\nb: 2\nc: 3\nkeep-alive: x\nproxy-connection: x\nte: x\n\
         trailer: x\ntransfer-encoding: x\nupgrade: x\nhttp2-settings: x",
    );
    strip(&mut headers);
    assert_eq!(headers, fields("c: 3"));
}

#[test]
fn connection_does_not_take_away_what_forbids() {
    let text = "cache-control: no-store\nvary: a\ndate: x\ncontent-length: 5";
    let mut headers = fields(&format!(
        "{text}\nconnection: cache-control, vary, date, content-length"
    ));
    strip(&mut headers);
    assert_eq!(headers, fields(text));
}

#[test]
fn what_is_named_or_the_proxys_own_is_not_stored() {
    // RFC 9111 §3.1
    let text = "cache-control: max-age=60, no-cache=\"a\", private=\"b, cache-control\"\na: 1\nb: 2\n\
                c: 3\nc: 4\nproxy-authenticate: x\nproxy-authentication-info: x\nproxy-authorization: x";
    let cache_control = "cache-control: max-age=60, no-cache=\"a\", private=\"b, cache-control\"";
    check(
        &Policy::shared(),
        text,
        &format!("{cache_control}\nc: 3\nc: 4"),
    );
    check(
        &Policy::private(),
        text,
        &format!("{cache_control}\nb: 2\nc: 3\nc: 4"),
    );
}

fn check(policy: &Policy, text: &str, expected: &str) {
    assert_eq!(storable_fields(policy, &fields(text)), fields(expected));
}
