//! How many system calls read and write a request, and a frame of a stream: counted by strace, and held, because they
//! grow unseen. Waiting for events is not counted: how often that wakes up depends on the machine.

use goldgate::mock_engine::Timing;

use crate::rig::{Ask, BLUE, Book, Serve, Workspace};

/// Four are the least: the request in and out, the answer in and out. Measured: 5.1.
const PER_REQUEST_MAX: f64 = 6.0;

/// Two are the least. Measured: 2.6, the stream's own request among them.
const PER_FRAME_MAX: f64 = 3.2;

/// Reading and writing calls in the life of a program that is asked so often, one after the other; and the events that an
/// answer came in.
async fn calls(timing: Timing, stream: bool, times: usize) -> (u64, usize) {
    let (book, blue) = (Book::open(), Book::engine(BLUE, timing).await);
    let workspace = Workspace::rollout(&blue.url(), &blue.url());
    let serve = Serve::traced(&workspace).await;
    let ask = Ask { stream, ..Ask::new(&book.questions[0]) };
    let mut events = 0;
    for _ in 0..times {
        let mut reading = serve.clients.begin(&ask).await.expect("an answer");
        reading.finish().await.expect("all of it");
        events = memchr::memmem::find_iter(&reading.body, b"data: ").count();
    }
    (summed(&serve.stop_traced(&workspace).await), events)
}

/// The calls in a summary of strace: rows of a name and a count.
fn summed(summary: &str) -> u64 {
    let count = |line: &str| {
        let (name, calls) = line.trim().split_once(' ')?;
        if name == "total" { None } else { calls.trim().parse::<u64>().ok() }
    };
    let sum = summary.lines().filter_map(count).sum();
    assert!(sum > 0, "nothing was counted:\n{summary}");
    sum
}

/// Calls for one more, of which `few` and `many` were asked for.
async fn each(timing: Timing, stream: bool, (few, many): (usize, usize)) -> (f64, usize) {
    let (before, _) = calls(timing, stream, few).await;
    let (after, events) = calls(timing, stream, many).await;
    (after.saturating_sub(before) as f64 / (many - few) as f64, events)
}

#[tokio::test]
async fn a_request_is_read_and_written_with_no_more_calls_than_it_was() {
    let (calls, _) = each(Timing::instant(), false, (20, 220)).await;
    println!("{calls:.2} calls a request");
    assert!((3.0..=PER_REQUEST_MAX).contains(&calls), "{calls} calls a request");
}

#[tokio::test]
async fn a_frame_is_read_and_written_with_no_more_calls_than_it_was() {
    let paced = Timing { gap_ms: 5.0, tokens_per_chunk: 1, ..Timing::instant() };
    let (calls, frames) = each(paced, true, (2, 12)).await;
    let calls = calls / frames as f64;
    println!("{calls:.2} calls a frame, of {frames}");
    assert!((1.0..=PER_FRAME_MAX).contains(&calls), "{calls} calls a frame of {frames}");
}
