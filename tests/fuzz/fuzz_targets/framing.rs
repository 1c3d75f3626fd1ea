//! The bytes of a connection: however they are cut, the same is refused, and what went on is well-formed.
#![no_main]

use goldgate_fuzz::proxy::passed;
use libfuzzer_sys::fuzz_target;

/// Whether a head tells the length of its body in two ways.
fn is_doubtful(head: &[u8]) -> bool {
    let mut lines = [httparse::EMPTY_HEADER; 256];
    let mut request = httparse::Request::new(&mut lines);
    if !matches!(request.parse(head), Ok(httparse::Status::Complete(_))) {
        return false;
    }
    let named =
        |name: &str| request.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name)).count();
    let lengths = named("content-length");
    lengths > 1 || lengths == 1 && named("transfer-encoding") > 0
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let (whole, is_refused) = passed([bytes]);
    for size in [usize::from(size).max(1), 1] {
        let (cut, is_refused_too) = passed(bytes.chunks(size));
        // Of what is refused, earlier pieces may have gone on, but not the last one.
        assert_eq!(is_refused, is_refused_too);
        assert!(if is_refused {
            whole <= cut && cut < bytes.len()
        } else {
            whole == bytes.len() && cut == whole
        });
    }
    assert_eq!(passed([&bytes[..whole]]), (whole, false));
    assert!(!is_doubtful(&bytes[..whole]));
});
