//! The head decides how a body is read.

use super::*;

const STREAM: &str =
    "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
const BODY: &str = r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#;

fn check(status: u16, content_type: Option<&str>, body: &str, expected: &str) -> Answer {
    let mut observer = ResponseObserver::new(1.0);
    observer.headers(status, content_type, 2.0);
    for piece in body.as_bytes().chunks(7) {
        observer.push(piece, 3.0);
    }
    let answer = observer.finish(End::Clean, 4.0);
    assert_eq!(answer.outcome.to_string(), expected, "{status} {content_type:?}");
    assert_eq!(
        (answer.clocks.sent_ms, answer.clocks.headers_ms, answer.clocks.end_ms),
        (1.0, Some(2.0), 4.0)
    );
    answer
}

#[test]
fn a_stream_is_what_says_so() {
    let streamed = check(200, Some("text/event-stream; charset=utf-8"), STREAM, "complete(stop)");
    assert_eq!(streamed.clocks.first_token_ms, Some(3.0));
    check(200, Some("Text/Event-Stream"), STREAM, "complete(stop)");
    check(500, Some("text/event-stream"), STREAM, "errored(500)");
}

#[test]
fn a_server_that_ignores_stream_and_answers_json_is_read_as_json() {
    let answer = check(200, Some("application/json"), BODY, "complete(stop)");
    assert_eq!(
        (answer.text.as_str(), answer.clocks.first_token_ms, answer.clocks.first_byte_ms),
        ("a", None, Some(3.0))
    );
    check(200, None, BODY, "complete(stop)");
    check(200, Some("text/html"), "<html>", "errored(502)");
}

#[test]
fn no_head_is_no_engine() {
    assert_eq!(ResponseObserver::new(0.0).finish(End::Broken, 1.0).outcome, Outcome::Errored(502));
    assert_eq!(ResponseObserver::new(0.0).finish(End::Stalled, 1.0).outcome, Outcome::Stalled);
}

#[test]
fn a_body_beyond_the_bound_is_given_up_and_not_kept() {
    let mut observer = ResponseObserver::new(0.0);
    observer.headers(200, Some("application/json"), 1.0);
    let piece = vec![b' '; 1024 * 1024];
    (0..17).for_each(|_| observer.push(&piece, 2.0));
    observer.push(BODY.as_bytes(), 3.0);
    let answer = observer.finish(End::Clean, 4.0);
    assert_eq!(answer.outcome, Outcome::Truncated(Missing::Terminator));
    assert!(answer.error.unwrap().contains("larger than 16777216 bytes"));
}

#[test]
fn an_observer_with_a_bound_of_its_own_tells_that_it_gave_up() {
    for (content_type, is_stream) in [("text/event-stream", true), ("application/json", false)] {
        let mut observer = ResponseObserver::within(100, 0.0);
        observer.headers(200, Some(content_type), 1.0);
        observer.push(&[b'x'; 100], 2.0);
        assert!(!observer.is_too_large(), "{content_type}");
        observer.push(b"x", 2.0);
        assert_eq!((observer.is_too_large(), observer.is_streamed()), (true, is_stream), "{content_type}");
        assert!(observer.finish(End::Clean, 3.0).error.unwrap().contains("larger than 100 bytes"));
    }
}
