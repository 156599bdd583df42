use http::Method;

use super::super::testing::{Pair, fields};
use super::*;

const A: &str = "http://example.com/a";
const B: &str = "http://example.com/b";

/// `put`s of `puts` over what is there: which go, which come.
#[track_caller]
fn check(there: &[Pair], puts: &[Pair], result: Result<(Vec<usize>, Vec<usize>), usize>) {
    let there: Vec<_> = there.iter().map(Pair::item).collect();
    let puts: Vec<_> = puts
        .iter()
        .map(|pair| Operation::Put(pair.item()))
        .collect();
    let got = batch(&there, &puts);
    let got = got.map(|batch| (batch.removed, batch.added));
    assert_eq!(got.map_err(|duplicate| duplicate.operation), result);
}

fn plain(url: &str) -> Pair {
    Pair::new(url, "", "")
}

fn varied(value: &str, vary: &str) -> Pair {
    Pair::new(A, &format!("x: {value}; y: 1"), vary)
}

#[test]
fn an_empty_batch_changes_nothing() {
    check(&[plain(A)], &[], Ok((vec![], vec![])));
}

#[test]
fn a_put_takes_the_place_of_every_pair_that_answers_its_request() {
    let vary = "Vary: x";
    // two that differ, and one without `Vary` that answers every request
    let there = [
        varied("1", vary),
        varied("2", vary),
        plain(B),
        varied("3", ""),
    ];
    check(&there, &[varied("1", vary)], Ok((vec![0, 3], vec![0])));
    check(&there, &[varied("9", vary)], Ok((vec![3], vec![0])));
    check(&there, &[plain(B)], Ok((vec![2], vec![0])));
    check(
        &there,
        &[plain("http://example.com/a?q")],
        Ok((vec![], vec![0])),
    );
    check(
        &there,
        &[plain("http://example.com/b#f")],
        Ok((vec![2], vec![0])),
    );
}

#[test]
fn what_is_kept_says_by_which_fields_it_varies_and_what_comes_does_not() {
    let there = [varied("1", "Vary: x")];
    // the new one has no `Vary`, but its request is not answered by the old one
    check(&there, &[varied("2", "")], Ok((vec![], vec![0])));
    check(&there, &[varied("1", "")], Ok((vec![0], vec![0])));
}

#[test]
fn a_batch_names_no_pair_twice() {
    check(&[], &[plain(A), plain(B)], Ok((vec![], vec![0, 1])));
    check(&[], &[plain(A), plain(B), plain(A)], Err(2));
    let (one, two) = (format!("{A}#one"), format!("{A}#two"));
    check(&[], &[plain(&one), plain(&two)], Err(1));
    let vary = "Vary: x";
    check(
        &[],
        &[varied("1", vary), varied("2", vary)],
        Ok((vec![], vec![0, 1])),
    );
    check(&[], &[varied("1", vary), varied("1", vary)], Err(1));
}

#[test]
fn the_vary_of_the_earlier_operation_counts_so_that_order_does() {
    let (shape, size) = (varied("circle", "Vary: x"), varied("square", "Vary: y"));
    check(&[], &[shape, size], Ok((vec![], vec![0, 1])));
    let (shape, size) = (varied("circle", "Vary: x"), varied("square", "Vary: y"));
    check(&[], &[size, shape], Err(1));
}

#[test]
fn a_delete_removes_all_that_answers_under_its_options() {
    let there = [
        plain(A),
        plain("http://example.com/a?q"),
        varied("1", "Vary: x"),
        plain(B),
    ];
    let there: Vec<_> = there.iter().map(Pair::item).collect();
    let url = RequestUrl::parse(A, None).expect("a URL");
    let check = |headers: &str, options: QueryOptions, removed: &[usize]| {
        let headers = fields(headers);
        let question = Question {
            method: &Method::GET,
            url: &url,
            headers: &headers,
        };
        let got = batch(&there, &[Operation::Delete(question, options)]);
        let got = got.expect("nothing is named twice");
        assert_eq!((&*got.removed, got.added.len()), (removed, 0));
    };
    let plain = QueryOptions::default();
    check("", plain, &[0]);
    check("x: 1", plain, &[0, 2]);
    let ignore_search = QueryOptions {
        ignore_search: true,
        ..plain
    };
    check("", ignore_search, &[0, 1]);
    let ignore_vary = QueryOptions {
        ignore_vary: true,
        ..plain
    };
    check("", ignore_vary, &[0, 2]);
}

#[test]
fn a_delete_after_a_put_of_the_same_batch_is_a_duplicate_and_before_it_is_not() {
    let (pair, other) = (plain(A), plain(B));
    let there = [pair.item()];
    let headers = fields("");
    let question = Question {
        method: &Method::GET,
        url: &pair.url,
        headers: &headers,
    };
    let delete = Operation::Delete(question, QueryOptions::default());
    let (put, put_other) = (Operation::Put(pair.item()), Operation::Put(other.item()));
    let duplicate = Duplicate {
        url: pair.url.clone(),
        operation: 1,
    };
    assert_eq!(batch(&there, &[put, delete]), Err(duplicate));
    let changes = |removed: &[usize], added: &[usize]| {
        Ok(Batch {
            removed: removed.to_vec(),
            added: added.to_vec(),
        })
    };
    assert_eq!(batch(&there, &[delete, put]), changes(&[0], &[1]));
    assert_eq!(batch(&there, &[put_other, delete]), changes(&[0], &[0]));
}

#[test]
fn what_a_later_put_would_have_removed_counts_as_gone() {
    let check = |there: &[Pair], gone: &[bool]| {
        let there: Vec<_> = there.iter().map(Pair::item).collect();
        assert_eq!(replaced(&there), gone);
    };
    let vary = "Vary: x";
    check(&[plain(A), plain(B)], &[false, false]);
    check(&[plain(A), plain(B), plain(A)], &[true, false, false]);
    check(&[varied("1", vary), varied("2", vary)], &[false, false]);
    check(&[varied("1", vary), varied("1", "")], &[true, false]);
    // the earlier one says by which fields it varies
    check(&[varied("1", ""), varied("2", vary)], &[true, false]);
}
