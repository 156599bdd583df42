//! The kinds of exchanges on which the two differ.

use super::{Case, PLAIN};

/// A kind of exchange on which the two differ.
pub(super) struct Difference {
    pub(super) name: &'static str,
    /// Who follows the text.
    pub(super) right: Right,
    /// The text, or the reason.
    pub(super) because: &'static str,
    pub(super) example: Case,
    pub(super) is_one: fn(&Case) -> bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    Ours,
    /// The text leaves it open, and we are more careful.
    BothOursCareful,
    /// The text leaves it open, and they are more careful.
    BothTheirsCareful,
}

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "names of directives have no case",
        right: Right::Ours,
        because: "RFC 9111 §5.2: \"Cache directives are identified by a token, to be compared case-insensitively\"",
        example: Case {
            said: "Max-Age=60",
            ..PLAIN
        },
        is_one: |case| case.said.contains(char::is_uppercase),
    },
    Difference {
        name: "a span too large to hold is the largest",
        right: Right::Ours,
        because: "RFC 9111 §1.2.2",
        example: Case {
            said: "max-age=99999999999999999999999",
            ..PLAIN
        },
        is_one: |case| case.said.contains("999999999"),
    },
    Difference {
        name: "the obsolete forms of dates are dates",
        right: Right::Ours,
        because: "RFC 9110 §5.6.7: \"A recipient that parses a timestamp value in an HTTP field MUST accept all three\"",
        example: Case {
            said: "",
            fields: "expires: Thu Aug 18 02:01:18 2050",
            ..PLAIN
        },
        is_one: |case| case.fields.contains("2050") || case.fields.contains("-50 "),
    },
    Difference {
        name: "a Date in the past is an age",
        right: Right::Ours,
        because: "RFC 9111 §4.2.3: \"apparent_age = max(0, response_time - date_value)\"",
        example: Case {
            fields: "date: Thu, 14 Jan 2027 08:00:00 GMT",
            ..PLAIN
        },
        is_one: |case| case.fields.contains("date: Thu, 14 Jan"),
    },
    Difference {
        name: "of a list of ages the first counts",
        right: Right::Ours,
        because: "RFC 9111 §5.1: \"SHOULD use the first member of the field value\"",
        example: Case {
            fields: "age: 70, 0",
            ..PLAIN
        },
        is_one: |case| case.fields.contains("age: 70, 0"),
    },
    Difference {
        name: "proxy-revalidate is about what is stale",
        right: Right::Ours,
        because: "RFC 9111 §5.2.2.8: \"must not be used … once … stale\"",
        example: Case {
            said: "max-age=60, proxy-revalidate",
            ..PLAIN
        },
        is_one: |case| case.said.contains("proxy-revalidate"),
    },
    Difference {
        name: "directives with field names are about these",
        right: Right::Ours,
        because: "RFC 9111 §5.2.2.4 and §5.2.2.7: the qualified form limits it to the listed fields, which we leave out",
        example: Case {
            said: "max-age=60, no-cache=\"x\"",
            ..PLAIN
        },
        is_one: |case| case.said.contains("=\"x\""),
    },
    Difference {
        name: "must-understand puts no-store out of force",
        right: Right::Ours,
        because: "RFC 9111 §5.2.2.3",
        example: Case {
            said: "max-age=60, no-store, must-understand",
            ..PLAIN
        },
        is_one: |case| case.said.contains("must-understand"),
    },
    Difference {
        name: "a status that is not known is kept where a lifetime is given",
        right: Right::Ours,
        because: "RFC 9111 §3 wants a status to be understood for 206, 304 and must-understand alone",
        example: Case {
            status: 599,
            ..PLAIN
        },
        is_one: |case| matches!(case.status, 302 | 403 | 503 | 599),
    },
    Difference {
        name: "immutable gives no lifetime",
        right: Right::Ours,
        because: "RFC 8246 §2: it is about the time while a response is fresh",
        example: Case {
            said: "immutable",
            ..PLAIN
        },
        is_one: |case| case.said.contains("immutable"),
    },
    Difference {
        name: "s-maxage shares a response with cookies",
        right: Right::BothTheirsCareful,
        because: "RFC 9111 §7.3 shares all of them; s-maxage is for shared caches alone, so whoever says it means them",
        example: Case {
            said: "s-maxage=60",
            fields: "set-cookie: a=b",
            ..PLAIN
        },
        is_one: |case| case.fields.contains("set-cookie") && case.said.contains("s-maxage"),
    },
    Difference {
        name: "a cookie that is not for many is not given away stale either",
        right: Right::BothOursCareful,
        because: "they keep such a response with a lifetime of zero, which max-stale stretches",
        example: Case {
            fields: "set-cookie: a=b",
            second: "cache-control: max-stale",
            ..PLAIN
        },
        is_one: |case| case.fields.contains("set-cookie") && case.second.contains("max-stale"),
    },
    Difference {
        name: "max-stale gives way to s-maxage",
        right: Right::Ours,
        because: "RFC 9111 §4.2.4: \"an applicable s-maxage\" prohibits stale responses",
        example: Case {
            said: "s-maxage=2",
            second: "cache-control: max-stale",
            ..PLAIN
        },
        is_one: |case| case.said.contains("s-maxage") && case.second.contains("max-stale"),
    },
    Difference {
        name: "max-stale includes its last second",
        right: Right::Ours,
        because: "RFC 9111 §5.2.1.2: \"by no more than the specified number of seconds\"",
        example: Case {
            said: "max-age=2",
            second: "cache-control: max-stale=3",
            ..PLAIN
        },
        is_one: |case| case.second.contains("max-stale="),
    },
    Difference {
        name: "a request's max-age=0 asks, however young the response is",
        right: Right::BothOursCareful,
        because: "it is what a reload sends, and means to be sure",
        example: Case {
            second: "cache-control: max-age=0",
            later: 0,
            ..PLAIN
        },
        is_one: |case| case.second.contains("max-age=0"),
    },
    Difference {
        name: "max-stale stretches the request's own max-age",
        right: Right::BothTheirsCareful,
        because: "RFC 9111 §5.2.1.1: \"Unless the max-stale request directive is also present, the client does not wish to receive a stale response\"",
        example: Case {
            second: "cache-control: max-age=3, max-stale=10",
            ..PLAIN
        },
        is_one: |case| case.second.contains("max-age") && case.second.contains("max-stale"),
    },
    Difference {
        name: "Pragma of a request counts where there is no Cache-Control",
        right: Right::Ours,
        because: "RFC 7234 §5.4, which is what is left of it",
        example: Case {
            second: "cache-control: max-stale=1\npragma: no-cache",
            ..PLAIN
        },
        is_one: |case| case.second.contains("pragma"),
    },
    Difference {
        name: "Vary compares what values mean",
        right: Right::Ours,
        because: "RFC 9111 §4.1: \"normalizing\" white space, lines and case where they mean nothing",
        example: Case {
            fields: "vary: accept-language",
            first: "accept-language: en, de",
            second: "accept-language: EN,de",
            ..PLAIN
        },
        is_one: |case| case.fields.contains("vary") && case.first != case.second,
    },
    Difference {
        name: "CDN-Cache-Control stands for Cache-Control in a shared cache",
        right: Right::Ours,
        because: "RFC 9213",
        example: Case {
            said: "no-store",
            fields: "cdn-cache-control: max-age=60",
            ..PLAIN
        },
        is_one: |case| case.shared && case.fields.contains("cdn-cache-control"),
    },
    Difference {
        name: "a heuristic lifetime is a day at most",
        right: Right::BothOursCareful,
        because: "RFC 9111 §4.2.2 leaves it open, and warns of long ones",
        example: Case {
            said: "",
            fields: "last-modified: Sun, 06 Nov 1994 08:49:37 GMT",
            later: 100_000,
            ..PLAIN
        },
        is_one: |case| case.fields.contains("1994") && case.later > 86_400,
    },
    Difference {
        name: "what has neither lifetime nor validator is not kept",
        right: Right::BothOursCareful,
        because: "it is of no use but for max-stale, which is about what was fresh once",
        example: Case {
            said: "",
            second: "cache-control: max-stale",
            ..PLAIN
        },
        is_one: |case| case.second.contains("max-stale") && !case.said.contains("max-age"),
    },
    Difference {
        name: "max-stale does not put no-cache out of force",
        right: Right::Ours,
        because: "RFC 9111 §5.2.2.4: \"MUST NOT be used … without forwarding it for validation\"",
        example: Case {
            said: "no-cache, max-age=60",
            second: "cache-control: max-stale",
            ..PLAIN
        },
        is_one: |case| case.said.contains("no-cache") && case.second.contains("max-stale"),
    },
];
