//! SIGTERM with a stream under way: it ends whole when there is time, and is cut, and reported, when there is not.

use goldgate::mock_engine::Timing;

use crate::rig::{Ask, BLUE, Book, Ended, Serve, Workspace, until};

/// An engine that takes about `seconds` for the longest answers and sends something all along.
fn slow(seconds: f64) -> Timing {
    // The answers have about a hundred tokens.
    Timing { gap_ms: seconds * 10.0, tokens_per_chunk: 1, ..Timing::instant() }
}

/// Begins a stream, sends SIGTERM in the midst of it, and gives how both ended.
async fn terminate(drain: &str, timing: Timing) -> (Result<String, String>, String, Ended) {
    let (book, blue) = (Book::open(), Book::engine(BLUE, timing).await);
    let workspace = Workspace::rollout(&blue.url(), &blue.url());
    workspace.change("goldgate.toml", "drain = \"20s\"", &format!("drain = \"{drain}\""));
    let longest = (0..book.questions.len()).max_by_key(|&number| book.answer(BLUE, number).len()).unwrap();
    let mut serve = Serve::start(&workspace).await;
    let mut stream = serve.clients.begin(&Ask::streamed(&book.questions[longest])).await.unwrap();
    stream.reads("\"content\":").await;
    serve.process.signal("TERM").await;
    serve.process.says("draining: no new clients").await;
    until("a closed door", async || (!serve.clients.can_connect().await).then_some(())).await;
    let end = stream.finish().await;
    let content = end.and_then(|()| stream.answer(true)).map(|answer| answer.content);
    (content, book.answer(BLUE, longest).to_owned(), serve.process.ends().await)
}

#[tokio::test]
async fn a_stream_that_fits_the_drain_ends_whole() {
    let (content, expected, ended) = terminate("60s", slow(3.0)).await;
    assert_eq!(content, Ok(expected));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("stopped: every request was finished"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_stream_that_outlives_the_drain_is_cut_and_reported() {
    let (content, _, ended) = terminate("1s", slow(60.0)).await;
    let error = content.expect_err("a stream of a minute in a drain of a second");
    assert!(!error.contains("not a complete answer"), "the cut must not look like an end: {error}");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("one request outlived the drain and was cut"), "{}", ended.stderr);
}
