//! Cases of the standard, every line ending, every cut.

use super::*;

fn events(pieces: &[&[u8]]) -> Vec<String> {
    let (mut parser, mut seen) = (EventParser::new(), Vec::new());
    for piece in pieces {
        let keep = |event: Event<'_>| {
            seen.push(format!(
                "{}|{}",
                String::from_utf8_lossy(event.name),
                String::from_utf8_lossy(event.data)
            ));
        };
        parser.push(piece, keep).unwrap();
    }
    seen
}

/// The events of a text written with LF must come out with every line ending and however it is cut.
fn check(text: &str, expected: &[&str]) {
    for ending in ["\n", "\r", "\r\n"] {
        for mark in ["", "\u{FEFF}"] {
            let bytes = format!("{mark}{}", text.replace('\n', ending)).into_bytes();
            assert_eq!(events(&[&bytes]), expected, "whole, {ending:?}, {text:?}");
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(events(&single), expected, "byte by byte, {ending:?}, {text:?}");
            for cut in 0..=bytes.len() {
                assert_eq!(
                    events(&[&bytes[..cut], &[], &bytes[cut..]]),
                    expected,
                    "cut at {cut}, {ending:?}, {text:?}"
                );
            }
        }
    }
}

#[test]
fn events_are_read_as_the_standard_says() {
    check("", &[]);
    check("data: a\n\n", &["|a"]);
    check("data:a\n\n", &["|a"]);
    check("data:  a\n\n", &["| a"]);
    check("data: YHOO\ndata: +2\ndata: 10\n\n", &["|YHOO\n+2\n10"]);
    check("event: error\ndata: {}\n\ndata: x\n\n", &["error|{}", "|x"]);
    check(": test stream\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n", &["|first", "|second"]);
    check("data\n\ndata\ndata\n\ndata:", &["|", "|\n"]);
    check("data:test\n\ndata: test\n\n", &["|test", "|test"]);
    check("event: ping\n\ndata: a\n\n", &["|a"]);
    check("\n\n\ndata: a\n\n\n\n", &["|a"]);
    check("nonsense\ndatabase: 1\n:data: no\ndata: yes\n\n", &["|yes"]);
    check("data: zwölf – 十二 🦆\n\n", &["|zwölf – 十二 🦆"]);
}

#[test]
fn an_event_without_its_blank_line_never_was() {
    check("data: a\n\ndata: b\n", &["|a"]);
    check("data: a\n\ndata: b", &["|a"]);
}

#[test]
fn a_mark_inside_the_stream_is_a_character() {
    assert_eq!(events(&["data: a\n\n\u{FEFF}data: b\n\ndata: c\n\n".as_bytes()]), ["|a", "|c"]);
}

#[test]
fn line_endings_may_be_mixed() {
    assert_eq!(events(&[b"data: a\r\n\ndata: b\r\rdata: c\n\r\n"]), ["|a", "|b", "|c"]);
}

#[test]
fn bytes_that_are_not_utf8_are_handed_on() {
    let mut seen = Vec::new();
    EventParser::new().push(b"data: a\xFFb\n\n", |event| seen = event.data.to_vec()).unwrap();
    assert_eq!(seen, b"a\xFFb");
}

#[test]
fn a_line_without_end_stops_at_the_bound() {
    let mut parser = EventParser::new();
    let mut seen = 0;
    let piece = vec![b'x'; 1024 * 1024];
    let mut push = |bytes: &[u8]| parser.push(bytes, |_| seen += 1);
    assert_eq!(push(b"data: whole\n\ndata: "), Ok(()));
    let fitted = (0..17).take_while(|_| push(&piece).is_ok()).count();
    assert_eq!(fitted, 15);
    assert_eq!(push(b"\n\ndata: later\n\n"), Err(EventTooLarge { bytes_max: EventParser::EVENT_BYTES_MAX }));
    assert_eq!(seen, 1);
    assert_eq!(held(&parser), 0);
}

#[test]
fn many_short_lines_of_one_event_stop_at_the_bound() {
    let mut parser = EventParser::new();
    let line = [&b"data: "[..], &vec![b'x'; 64 * 1024], b"\n"].concat();
    assert_eq!((0..300).take_while(|_| parser.push(&line, |_| ()).is_ok()).count(), 255);
}

fn held(parser: &EventParser) -> usize {
    parser.line.capacity() + parser.data.capacity() + parser.name.capacity()
}

#[test]
fn one_large_event_does_not_hold_its_memory_to_the_end_of_the_stream() {
    for pieces in [1, 7] {
        let mut parser = EventParser::new();
        let event = [b"event: ", &[b'n'; 1 << 20][..], b"\ndata: ", &[b'x'; 1 << 20], b"\n\n"].concat();
        let mut seen = 0;
        for piece in event.chunks(event.len() / pieces + 1) {
            parser.push(piece, |event| seen += event.data.len()).unwrap();
        }
        assert_eq!(seen, 1 << 20);
        assert!(held(&parser) <= 3 * BUFFER_KEPT_BYTES_MAX, "{}", held(&parser));
        parser.push(b"data: next\n\n", |event| assert_eq!(event.data, b"next")).unwrap();
    }
}

#[test]
fn a_parser_with_a_bound_of_its_own_gives_up_there() {
    let mut parser = EventParser::within(100);
    assert_eq!(parser.push(&[b'x'; 101], |_| ()), Err(EventTooLarge { bytes_max: 100 }));
    assert!(parser.gave_up() && held(&parser) == 0);
}
