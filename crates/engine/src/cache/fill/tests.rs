use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};

use super::*;

/// A body whose pieces a test sends.
fn piped() -> (Sender<Bytes, BodyError>, Body) {
    let (send, body) = Channel::new(100);
    (send, Body::stream(body))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

async fn text(body: Body) -> Result<String, BodyError> {
    let bytes = body.collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn readers_that_come_late_read_from_the_first_byte_and_what_came_is_kept() {
    run(async {
        let fill = Fill::new(None, 100, Budget::new(100), None);
        let (mut send, body) = piped();
        let early = fill.read().unwrap();
        let filling = async {
            send.send_data("one ".into()).await.unwrap();
            tokio::task::yield_now().await;
            let late = fill.read().unwrap();
            send.send_data("two".into()).await.unwrap();
            drop(send);
            text(late).await.unwrap()
        };
        let (filled, late, early) = tokio::join!(fill.fill(body), filling, text(early));
        assert!(matches!(filled, Filled::Whole(bytes) if bytes == "one two"));
        assert_eq!(
            (late.as_str(), early.unwrap().as_str()),
            ("one two", "one two")
        );
    });
}

#[test]
fn a_body_that_is_cut_is_an_error_to_every_reader_and_never_whole() {
    run(async {
        for (length, end) in [(None, Some("reset")), (Some(9), None)] {
            let fill = Fill::new(length, 100, Budget::new(100), None);
            let (mut send, body) = piped();
            let reader = fill.read().unwrap();
            send.send_data("one".into()).await.unwrap();
            match end {
                Some(error) => send.abort(error.into()),
                None => drop(send),
            }
            assert!(matches!(fill.fill(body).await, Filled::Cut));
            assert!(text(reader).await.is_err());
        }
    });
}

#[test]
fn a_body_larger_than_may_be_kept_passes_through_flat_memory() {
    run(async {
        let budget = Budget::new(1 << 20);
        let fill = Fill::new(None, 1000, budget.clone(), None);
        let piece = Bytes::from(vec![b'x'; 100_000]);
        let (mut send, body) = piped();
        for _ in 0..50 {
            send.send_data(piece.clone()).await.unwrap();
        }
        drop(send);
        let reader = fill.read().unwrap();
        let reading = async {
            let mut reader = reader;
            let (mut bytes, mut held_max) = (0, 0);
            while let Some(frame) = reader.frame().await {
                bytes += frame.unwrap().into_data().unwrap().len();
                held_max = held_max.max(fill.state().held);
                assert!(fill.read().is_none(), "its beginning is gone");
            }
            (bytes, held_max)
        };
        let (filled, (bytes, held_max)) = tokio::join!(fill.fill(body), reading);
        assert!(matches!(filled, Filled::Passed));
        assert_eq!(bytes, 5_000_000);
        assert!(held_max <= PASSING_BYTES_MAX + 100_000, "{held_max}");
        assert_eq!(budget.left.load(Relaxed), 1 << 20);
    });
}

#[test]
fn a_body_that_is_kept_comes_to_its_end_without_readers_and_another_does_not() {
    run(async {
        for (bytes_max, whole) in [(10, true), (2, false)] {
            let fill = Fill::new(None, bytes_max, Budget::new(100), None);
            let (mut send, body) = piped();
            drop(fill.read());
            send.send_data("one".into()).await.unwrap();
            drop(send);
            let filled = fill.fill(body).await;
            assert_eq!(matches!(filled, Filled::Whole(_)), whole);
            assert_eq!(matches!(filled, Filled::Cut), !whole);
        }
    });
}

#[test]
fn one_who_reads_nothing_holds_up_nobody_and_goes_on_alone_when_he_is_too_far_behind() {
    run(async {
        const ROOM: u64 = 1 << 20;
        let budget = Budget::new(4 * ROOM);
        let again: Again = Box::new(|from| {
            let rest = Bytes::from(vec![b'y'; 5_000_000 - from as usize]);
            Box::pin(async { Ok(rest.into()) })
        });
        let fill = Fill::new(None, ROOM, budget.clone(), Some(again));
        let piece = Bytes::from(vec![b'x'; 100_000]);
        let (mut send, body) = piped();
        for _ in 0..50 {
            send.send_data(piece.clone()).await.unwrap();
        }
        drop(send);
        let (slow, quick) = (fill.read().unwrap(), fill.read().unwrap());
        let reading = async {
            let (mut slow, mut quick, mut bytes) = (slow, quick, 0);
            slow.frame().await.unwrap().unwrap();
            while let Some(frame) = quick.frame().await {
                bytes += frame.unwrap().into_data().unwrap().len();
                let state = fill.state();
                assert!(state.held <= ROOM + PASSING_BYTES_MAX, "{}", state.held);
                let left = budget.left.load(Relaxed);
                assert!(
                    4 * ROOM - left >= state.held.saturating_sub(PASSING_BYTES_MAX),
                    "what is held is counted"
                );
            }
            (slow, bytes)
        };
        let (filled, (slow, bytes)) = tokio::join!(fill.fill(body), reading);
        assert!(matches!(filled, Filled::Passed));
        assert_eq!(bytes, 5_000_000, "though the other one read nothing");
        let rest = text(slow).await.unwrap();
        assert_eq!(rest.len(), 4_900_000, "from where it was");
        assert!(
            rest.bytes().all(|byte| byte == b'y'),
            "by a trip of its own"
        );
        drop(fill);
        assert_eq!(budget.left.load(Relaxed), 4 * ROOM);
    });
}

#[test]
fn where_the_rest_cannot_be_asked_for_all_wait_for_the_slowest_and_nobody_is_cut() {
    run(async {
        let fill = Fill::new(None, 100, Budget::new(1 << 20), None);
        let (mut send, body) = piped();
        for _ in 0..50 {
            send.send_data(vec![b'x'; 100_000].into()).await.unwrap();
        }
        drop(send);
        let (slow, quick) = (fill.read().unwrap(), fill.read().unwrap());
        let (filled, quick, slow) = tokio::join!(fill.fill(body), text(quick), text(slow));
        assert!(matches!(filled, Filled::Passed));
        assert_eq!(
            (quick.unwrap().len(), slow.unwrap().len()),
            (5_000_000, 5_000_000)
        );
    });
}

#[test]
fn what_is_no_longer_kept_is_counted_until_every_reader_has_had_it() {
    run(async {
        let budget = Budget::new(1000);
        let fill = Fill::new(None, 100, budget.clone(), None);
        let (mut send, body) = piped();
        send.send_data(vec![b'x'; 80].into()).await.unwrap();
        send.send_data(vec![b'x'; 80].into()).await.unwrap();
        drop(send);
        let mut reader = fill.read().unwrap();
        assert!(matches!(fill.fill(body).await, Filled::Passed));
        for left in [1000 - 80, 1000] {
            reader.frame().await.unwrap().unwrap();
            assert_eq!(budget.left.load(Relaxed), left);
        }
    });
}

#[test]
fn readers_of_a_body_that_is_whole_read_from_what_is_kept() {
    run(async {
        let fill = Fill::new(None, 100, Budget::new(100), None);
        let (mut send, body) = piped();
        send.send_data("one ".into()).await.unwrap();
        send.send_data("two".into()).await.unwrap();
        drop(send);
        let mut reader = fill.read().unwrap();
        let Filled::Whole(whole) = fill.fill(body).await else {
            panic!("it is kept");
        };
        let piece = reader.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(piece.as_ptr(), whole.as_ptr());
        assert_eq!(text(reader).await.unwrap(), "two");
    });
}
