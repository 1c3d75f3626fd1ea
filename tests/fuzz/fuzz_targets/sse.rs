//! The event-stream parser: however the bytes are cut, the events are the same.
#![no_main]

use goldgate_fuzz::wire::EventParser;
use libfuzzer_sys::fuzz_target;

fn events<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut parser = EventParser::new();
    let mut events = Vec::new();
    for piece in pieces {
        let took = |event: goldgate_fuzz::wire::Event<'_>| events.push((event.name.to_vec(), event.data.to_vec()));
        parser.push(piece, took).expect("smaller than an event may be");
    }
    events
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = events([bytes].into_iter());
    assert_eq!(whole, events(bytes.chunks(usize::from(size).max(1))));
    assert_eq!(whole, events(bytes.chunks(1)));
});
