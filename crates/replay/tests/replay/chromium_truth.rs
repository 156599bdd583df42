//! The truth of the model is a real Chromium, cell by cell.
//!
//! Each cell is a profile of header fields, a kind of resource and an action; it tells which requests
//! reached the server, with which conditions, and who answered. It is played here as a person and a
//! server would: nothing looks a cell up. `REVISIT_CHROMIUM_TRUTH` names a file of other cells in the
//! same words; a word that is not known is an error that names it.
//!
//! The model was developed on two thirds of the profiles ([`truth::is_held_out`]); what it says of the
//! rest is counted apart.

mod cells;
mod probes;
mod truth;

use serde_json::Value;
use truth::Tally;

#[test]
fn the_http_cache() {
    let truth = truth::read();
    let mut developed = Tally::new("httpCache, profiles that the model was developed on");
    let mut held_out = Tally::new("httpCache, profiles that were held out");
    let list = truth["httpCache"]
        .as_array()
        .expect("`httpCache` is a list of cells");
    for cell in list
        .iter()
        .filter(|cell| cell["stable"] != Value::Bool(false))
    {
        let profile = cell["profile"].as_str().expect("a cell has a profile");
        let tally = match truth::is_held_out(profile) {
            true => &mut held_out,
            false => &mut developed,
        };
        let fields = &truth["profiles"][profile];
        assert!(fields.is_object(), "no profile `{profile}` in the file");
        cells::play(cell, fields, truth::pause(&truth), tally);
    }
    truth::judge(&[developed, held_out]);
}

#[test]
fn header_syntax() {
    let truth = truth::read();
    let mut tally = Tally::new("headerSyntax");
    let all = truth["headerSyntax"]
        .as_object()
        .expect("`headerSyntax` is a table");
    for (name, cell) in all
        .iter()
        .filter(|(_, cell)| cell["stable"] != Value::Bool(false))
    {
        cells::play_syntax(name, cell, truth::pause(&truth), &mut tally);
    }
    truth::judge(&[tally]);
}

#[test]
fn probes_one_by_one() {
    let truth = truth::read();
    let mut tally = Tally::new("httpCacheProbes");
    let all = truth["httpCacheProbes"]
        .as_object()
        .expect("`httpCacheProbes` is a table");
    for (name, expected) in all
        .iter()
        .filter(|(_, cell)| cell["stable"] != Value::Bool(false))
    {
        probes::play(name, expected, &mut tally);
    }
    truth::judge(&[tally]);
}
