//! Who leads, who reads along, and what they get.

use tokio::time::Instant;

use super::*;

const WINDOW: usize = 8;
const KEY: FlightKey = ([1; 32], 7);

fn head(shape: Shape) -> Option<Head> {
    Some(Head { headers: HeaderMap::new(), shape })
}

fn lead(flights: &Flights) -> Feed {
    let Turn::Lead(feed) = flights.turn(KEY, WINDOW) else { panic!("somebody else leads") };
    feed
}

fn follow(flights: &Flights) -> Follower {
    let Turn::Follow(follower) = flights.turn(KEY, WINDOW) else { panic!("nobody leads") };
    follower
}

fn push(feed: &Feed, text: &'static str) {
    feed.push(Bytes::from_static(text.as_bytes()));
}

async fn rest(mut follower: Follower) -> Result<String, Lost> {
    let mut text = String::new();
    while let Some(piece) = follower.next().await? {
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
    Ok(text)
}

#[tokio::test]
async fn whoever_joins_reads_the_same_bytes_from_the_beginning() {
    let flights = Flights::default();
    let feed = lead(&flights);
    assert!(matches!(flights.turn(([2; 32], 7), WINDOW), Turn::Lead(_)), "another answer");
    feed.begin(head(Shape::Stream));
    push(&feed, "ab");
    let (mut early, mut late) = (follow(&flights), follow(&flights));
    assert_eq!(early.join(Shape::Stream).await, Joined::Along(head(Shape::Stream).unwrap()));
    assert_eq!(early.next().await, Ok(Some(Bytes::from_static(b"ab"))));
    push(&feed, "cd");
    assert_eq!(late.join(Shape::Stream).await, Joined::Along(head(Shape::Stream).unwrap()));
    feed.end();
    assert_eq!(feed.whole().as_deref(), Some(&b"abcd"[..]));
    drop(feed);
    assert_eq!((rest(early).await, rest(late).await), (Ok("cd".to_owned()), Ok("abcd".to_owned())));
    assert!(matches!(flights.turn(KEY, WINDOW), Turn::Lead(_)), "it is over");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_lost_to_all() {
    let flights = Flights::default();
    let feed = lead(&flights);
    feed.begin(head(Shape::Stream));
    push(&feed, "ab");
    let follower = follow(&flights);
    drop(feed);
    assert_eq!(rest(follower).await, Err(Lost));
}

#[tokio::test]
async fn a_reader_behind_the_window_has_lost_it_and_a_newcomer_does_not_join() {
    let flights = Flights::default();
    let feed = lead(&flights);
    feed.begin(head(Shape::Stream));
    push(&feed, "abcd");
    let (mut quick, mut slow) = (follow(&flights), follow(&flights));
    assert!(matches!(slow.join(Shape::Stream).await, Joined::Along(_)));
    assert!(quick.next().await.unwrap().is_some());
    push(&feed, "efghi");
    assert_eq!((rest(slow).await, feed.whole()), (Err(Lost), None));
    assert_eq!(follow(&flights).join(Shape::Stream).await, Joined::Ended);
    feed.end();
    assert_eq!(rest(quick).await, Ok("efghi".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_another_shape_waits_for_the_end_and_not_for_ever() {
    let flights = Flights::default();
    let feed = lead(&flights);
    feed.begin(head(Shape::Stream));
    push(&feed, "ab");
    let begun = Instant::now();
    for wanted in [Shape::Body, Shape::StreamWithUsage] {
        assert_eq!(follow(&flights).join(wanted).await, Joined::Ended);
    }
    assert_eq!(begun.elapsed(), FOLLOW_MAX * 2);
    let mut waiting = follow(&flights);
    let end = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(feed);
    };
    let (joined, ()) = tokio::join!(waiting.join(Shape::Body), end);
    assert_eq!(joined, Joined::Ended);
}

#[tokio::test]
async fn who_leaves_before_an_answer_leaves_the_turn_to_another() {
    let flights = Flights::default();
    let (feed, mut first) = (lead(&flights), follow(&flights));
    drop(feed);
    assert_eq!(first.join(Shape::Stream).await, Joined::Abandoned);
    let feed = lead(&flights);
    let mut second = follow(&flights);
    feed.begin(None);
    drop(feed);
    assert_eq!(second.join(Shape::Stream).await, Joined::Ended, "it was answered, and not for others");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_along_any_more_is_deserted() {
    let flights = Flights::default();
    let feed = lead(&flights);
    let follower = follow(&flights);
    assert!(feed.is_followed());
    let leave = async { drop(follower) };
    tokio::join!(feed.deserted(), leave);
    assert!(!feed.is_followed());
}

#[tokio::test]
async fn nobody_joins_an_answer_that_is_being_given_up() {
    let flights = Flights::default();
    let (left, deserted) = (lead(&flights), lead(&Flights::default()));
    assert!(!left.is_followed());
    deserted.deserted().await;
    // The feed is still there, and its stream is about to be broken.
    let next = lead(&flights);
    drop(left);
    assert!(matches!(flights.turn(KEY, WINDOW), Turn::Follow(_)), "the next one is found after its end, too");
    drop(next);
    let feed = lead(&flights);
    feed.deserted().await;
    assert!(matches!(flights.turn(KEY, WINDOW), Turn::Lead(_)));
}

#[tokio::test]
async fn who_comes_back_before_the_last_one_left_is_not_deserted() {
    let flights = Flights::default();
    let (feed, first) = (lead(&flights), follow(&flights));
    let mut deserted = Box::pin(feed.deserted());
    assert!(futures_util::poll!(&mut deserted).is_pending());
    drop(first);
    let second = follow(&flights);
    assert!(futures_util::poll!(&mut deserted).is_pending());
    drop(second);
    deserted.await;
}

/// The change was acknowledged, and whoever asks after it must not read what was asked for before.
#[test]
fn after_a_change_nobody_joins_what_was_asked_for_before_it() {
    let flights = Flights::default();
    let before = lead(&flights);
    let (digest, sequence) = KEY;
    assert!(matches!(flights.turn((digest, sequence + 1), WINDOW), Turn::Lead(_)));
    drop(before);
}
