//! An engine's answer, streamed or not: however it is cut, what was seen of it is the same.
#![no_main]

use goldgate_fuzz::wire::{Answer, End, Form, ResponseObserver};
use libfuzzer_sys::fuzz_target;

const STATUS: [u16; 4] = [200, 206, 429, 500];
const CONTENT_TYPE: [Option<&str>; 4] =
    [Some("text/event-stream"), Some("application/json"), Some("text/html; charset=utf-8"), None];

fn observed<'a>(kind: u8, pieces: impl Iterator<Item = &'a [u8]>) -> Answer {
    let (status, content_type) = (usize::from(kind & 3), usize::from(kind >> 2 & 3));
    let form = if kind & 32 == 0 { Form::Choices } else { Form::Items };
    let mut observer = ResponseObserver::new(0.0).in_form(form);
    observer.headers(STATUS[status], CONTENT_TYPE[content_type], 1.0);
    pieces.for_each(|piece| observer.push(piece, 2.0));
    observer.finish(if kind & 16 == 0 { End::Clean } else { End::Broken }, 3.0)
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (kind, size, bytes) = input;
    let whole = observed(kind, [bytes].into_iter());
    assert_eq!(whole, observed(kind, bytes.chunks(usize::from(size).max(1))));
    assert!(whole.text.len() <= Answer::TEXT_BYTES_MAX);
});
