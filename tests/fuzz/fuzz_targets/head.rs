//! A request's head: what is taken names one host, one length and one key, and no route of an engine's control.
#![no_main]

use goldgate_fuzz::proxy::takes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use libfuzzer_sys::fuzz_target;

/// A head as the HTTP server hands it over.
fn read(bytes: &[u8]) -> Option<(Method, Uri, Version, HeaderMap)> {
    let mut lines = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut lines);
    request.parse(bytes).ok().filter(httparse::Status::is_complete)?;
    let version = if request.version? == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    let mut headers = HeaderMap::new();
    for line in request.headers.iter() {
        headers.append(
            HeaderName::from_bytes(line.name.as_bytes()).ok()?,
            HeaderValue::from_bytes(line.value).ok()?,
        );
    }
    Some((request.method?.parse().ok()?, request.path?.parse().ok()?, version, headers))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((method, target, version, headers)) = read(bytes) else { return };
    let path = target.path().to_owned();
    // An operator who passes everything on.
    if !takes((&method, &target, version), &headers, &[path.clone()]) {
        return;
    }
    assert!(path.starts_with('/') && target.authority().is_none());
    for name in [HOST, AUTHORIZATION, CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING] {
        assert!(headers.get_all(&name).iter().count() <= 1, "{name}");
    }
    assert!(version == Version::HTTP_10 || headers.contains_key(HOST));
    assert!(!headers.contains_key(UPGRADE) && headers.keys().all(|name| !name.as_str().contains('_')));
    let bare = path.trim_end_matches('/');
    assert!(!["/sleep", "/wake_up", "/collective_rpc", "/flush_cache", "/update_weights"].contains(&bare));
    assert!(!["/reset_", "/start_", "/stop_"].iter().any(|begin| path.starts_with(begin)));
});
