use http_body_util::channel::Channel;

use super::super::response::next;
use super::super::tests::run;
use super::*;

/// A body of these pieces, none of them at hand.
fn body(pieces: Vec<Bytes>) -> Body {
    struct Pieces(VecDeque<Bytes>);
    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = BodyError;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
        }
    }
    Body::stream(Pieces(pieces.into()))
}

async fn read(mut body: Body) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(piece) = next(&mut body).await {
        all.extend_from_slice(&piece.expect("no error"));
    }
    all
}

/// `count` pieces of 100 kB, all different.
fn pieces(count: usize) -> Vec<Bytes> {
    let piece = |n: usize| (0..100_000).map(|at| (at * 7 + n * 13) as u8).collect();
    (0..count).map(piece).collect()
}

#[test]
fn each_branch_gets_the_whole_in_whatever_order_they_are_read() {
    run(async {
        // 500 kB stay in memory, 3 MB do not.
        for count in [0, 1, 5, 30] {
            let whole = pieces(count).concat();
            let (one, other) = tee(body(pieces(count)));
            assert!(read(one).await == whole, "{count} first");
            assert!(read(other).await == whole, "{count} second");
            let (mut one, mut other) = tee(body(pieces(count)));
            let (mut first, mut second) = (Vec::new(), Vec::new());
            // one by one, now this, now that is ahead
            for turn in 0.. {
                let (ahead, all) = match turn % 7 < 4 {
                    true => (&mut one, &mut first),
                    false => (&mut other, &mut second),
                };
                let Some(piece) = next(ahead).await else {
                    break;
                };
                all.extend_from_slice(&piece.expect("no error"));
            }
            first.extend(read(one).await);
            second.extend(read(other).await);
            assert!(first == whole && second == whole, "{count} by turns");
        }
    });
}

#[test]
fn what_waits_beyond_the_bound_waits_in_a_file() {
    run(async {
        let (mut one, other) = tee(body(pieces(30)));
        let Some(Ok(_)) = next(&mut one).await else {
            panic!("a piece");
        };
        let whole = pieces(30).concat();
        assert!(read(one).await == whole[100_000..]);
        assert!(read(other).await == whole);
    });
    let mut waiting = Waiting::default();
    let piece = Bytes::from(vec![0; MEMORY_BYTES_MAX / 4]);
    for _ in 0..4 {
        waiting.push(&piece);
    }
    assert!(waiting.file.is_none());
    waiting.push(&piece);
    assert_eq!(waiting.memory_bytes, MEMORY_BYTES_MAX);
    assert!(waiting.file.is_some());
}

#[test]
fn nothing_is_kept_for_a_branch_that_is_gone() {
    run(async {
        let (one, other) = tee(body(pieces(30)));
        drop(other);
        assert!(read(one).await == pieces(30).concat());
    });
    let mut waiting = Waiting {
        gone: true,
        ..Waiting::default()
    };
    waiting.push(&Bytes::from_static(b"x"));
    assert!(waiting.memory.is_empty());
}

#[test]
fn a_branch_that_waits_is_woken_though_the_other_asked_last() {
    run(async {
        let (mut sender, receiver) = Channel::<Bytes, BodyError>::new(1);
        let (one, other) = tee(Body::stream(receiver));
        let readers = [tokio::spawn(read(one)), tokio::spawn(read(other))];
        for _ in 0..3 {
            tokio::task::yield_now().await;
            let sent = sender.send_data(Bytes::from_static(b"ab")).await;
            sent.expect("somebody reads");
        }
        drop(sender);
        for reader in readers {
            assert_eq!(reader.await.expect("no panic"), b"ababab");
        }
    });
}

#[test]
fn an_error_reaches_both_after_what_came_before_it() {
    run(async {
        for aborted in [false, true] {
            let (mut sender, receiver) = Channel::<Bytes, BodyError>::new(2);
            let (one, other) = tee(Body::stream(receiver));
            let sent = sender.send_data(Bytes::from_static(b"ab")).await;
            sent.expect("there is room");
            sender.abort(match aborted {
                true => Aborted.into(),
                false => "cut off".into(),
            });
            for mut body in [one, other] {
                let first = next(&mut body).await.and_then(Result::ok);
                assert_eq!(first, Some(Bytes::from_static(b"ab")));
                let error = next(&mut body).await.and_then(Result::err);
                let error = error.expect("it was aborted");
                assert_eq!(error.is::<Aborted>(), aborted, "{error}");
            }
        }
    });
}
