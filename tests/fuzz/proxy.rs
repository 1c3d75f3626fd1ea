//! What of the data plane reads heads and framing.

#[path = "../../src/proxy/head.rs"]
mod head;
#[path = "../../src/proxy/route.rs"]
mod route;
#[path = "../../src/proxy/strict.rs"]
mod strict;

use http::{HeaderMap, Method, Uri, Version};

/// How many bytes of these pieces go on to the HTTP server, and whether something was refused.
pub fn passed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (usize, bool) {
    let mut framing = strict::Framing::default();
    let mut total = 0;
    for piece in pieces {
        let passed = framing.pass(piece);
        total += passed;
        if passed < piece.len() {
            break;
        }
    }
    (total, framing.fault().is_some())
}

/// Whether a head is taken, where the operator passes `pass_through` on.
pub fn takes(
    (method, target, version): (&Method, &Uri, Version),
    headers: &HeaderMap,
    pass_through: &[String],
) -> bool {
    let max = head::HeadersMax { count: 96, bytes: 32 << 10 };
    head::check_target(target).is_ok()
        && head::check(headers, version, max).is_ok()
        && route::Route::find(method, target.path(), pass_through).is_ok()
}
