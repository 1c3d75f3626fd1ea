//! A stored answer: told in the other shape, it says the same and ends alike.
#![no_main]

use goldgate_fuzz::domain::Shape;
use goldgate_fuzz::wire::{
    Answer, End, EventParser, ResponseObserver, tells_usage, told_as_body, told_as_stream,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The same object with each of its fields once: of a field that stands twice two readers may take either.
fn once(json: &[u8]) -> Option<Vec<u8>> {
    Some(serde_json::from_slice::<Value>(json).ok()?.to_string().into_bytes())
}

/// The same for each event of a stream.
fn each_once(stream: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Some(Vec::new());
    let read = EventParser::new().push(stream, |event| {
        let data = if event.data == b"[DONE]" { Some(event.data.to_vec()) } else { once(event.data) };
        plain = plain.take().zip(data).map(|(plain, data)| [&plain[..], b"data: ", &data, b"\n\n"].concat());
    });
    plain.filter(|_| read.is_ok())
}

fn observed(content_type: &str, bytes: &[u8]) -> Answer {
    let mut observer = ResponseObserver::new(0.0);
    observer.headers(200, Some(content_type), 1.0);
    observer.push(bytes, 2.0);
    observer.finish(End::Clean, 3.0)
}

fn assert_alike(one: &Answer, other: &Answer) {
    assert_eq!((&one.text, &one.tool_calls, one.outcome), (&other.text, &other.tool_calls, other.outcome));
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(bytes) = once(bytes) {
        check_body(&bytes);
    }
    if let Some(bytes) = each_once(bytes) {
        check_stream(&bytes);
    }
});

fn check_body(bytes: &[u8]) {
    let body = observed("application/json", bytes);
    // Only whole answers are stored.
    if body.outcome.is_complete() {
        for shape in [Shape::Stream, Shape::StreamWithUsage] {
            let Some(stream) = told_as_stream(bytes, shape) else { continue };
            let told = observed("text/event-stream", &stream);
            assert_alike(&body, &told);
            assert_eq!(tells_usage(&stream), shape == Shape::StreamWithUsage);
            if let Some(again) = told_as_body(&stream) {
                assert_alike(&body, &observed("application/json", &again));
            }
        }
    }
}

fn check_stream(bytes: &[u8]) {
    let stream = observed("text/event-stream", bytes);
    if stream.outcome.is_complete()
        && let Some(told) = told_as_body(bytes)
    {
        assert_alike(&stream, &observed("application/json", &told));
    }
}
