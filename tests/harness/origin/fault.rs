//! Faults: how is one answer made to go wrong?

use std::time::Duration;

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The answer comes so much later.
    Delay(Duration),
    /// Nothing comes until the origin is healed, then all of it. To close without a word would teach
    /// nothing: Chromium quietly asks again when a kept connection ends so.
    Hang,
    /// The head and the first so many bytes come, then nothing until the origin is healed or stopped.
    Stall(usize),
    /// The head tells the full length, the connection is closed after so many bytes.
    Truncate(usize),
    /// A body of the same length with other bytes.
    WrongBytes,
    /// This status, with a short text for a body.
    Status(u16),
    /// A redirect (302) to there.
    Redirect(String),
    /// One more header; a `Cache-Control` replaces the general one.
    Header(String, String),
    /// A 200 with this type and body, whatever the folder holds.
    Answer(String, Vec<u8>),
}

/// A fault, and which requests it is for.
pub(super) struct Rule {
    meant: Box<dyn Fn(&str) -> bool + Send>,
    fault: Fault,
    times_left: Option<usize>,
}

/// All that goes wrong with one answer.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) delay: Duration,
    pub(super) hang: bool,
    pub(super) stall: Option<usize>,
    pub(super) truncate: Option<usize>,
    pub(super) wrong_bytes: bool,
    pub(super) status: Option<u16>,
    pub(super) redirect: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) answer: Option<(String, Vec<u8>)>,
}

impl Rule {
    pub(super) fn at(path: &str, fault: Fault) -> Rule {
        let path = path.to_owned();
        let with_query = path.contains('?');
        Rule::of(
            move |target| {
                let meant = if with_query {
                    Some(target)
                } else {
                    target.split('?').next()
                };
                meant == Some(path.as_str())
            },
            fault,
        )
    }

    pub(super) fn of(meant: impl Fn(&str) -> bool + Send + 'static, fault: Fault) -> Rule {
        Rule {
            meant: Box::new(meant),
            fault,
            times_left: None,
        }
    }

    pub(super) fn times(self, times: usize) -> Rule {
        Rule {
            times_left: Some(times),
            ..self
        }
    }
}

impl Plan {
    /// What the rules have in store for this target; those that count are counted down.
    pub(super) fn for_target(target: &str, rules: &mut [Rule]) -> Plan {
        let mut plan = Plan::default();
        for rule in rules {
            if rule.times_left == Some(0) || !(rule.meant)(target) {
                continue;
            }
            rule.times_left = rule.times_left.map(|times| times - 1);
            plan.add(rule.fault.clone());
        }
        plan
    }

    fn add(&mut self, fault: Fault) {
        match fault {
            Fault::Delay(delay) => self.delay += delay,
            Fault::Hang => self.hang = true,
            Fault::Stall(after) => self.stall = Some(after),
            Fault::Truncate(after) => self.truncate = Some(after),
            Fault::WrongBytes => self.wrong_bytes = true,
            Fault::Status(status) => self.status = Some(status),
            Fault::Redirect(to) => self.redirect = Some(to),
            Fault::Header(name, value) => self.headers.push((name, value)),
            Fault::Answer(kind, body) => self.answer = Some((kind, body)),
        }
    }
}
