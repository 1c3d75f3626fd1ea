//! Checks, stripping and naming.

use super::*;

fn map(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(HeaderName::as_str).collect()
}

#[test]
fn headers_of_one_hop_end_here_and_end_to_end_ones_go_on() {
    let request = map(&[
        ("host", "gateway"),
        ("connection", "keep-alive, x-hop, authorization"),
        ("keep-alive", "5"),
        ("x-hop", "1"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
        ("accept-encoding", "gzip"),
        ("content-length", "7"),
        ("authorization", "Bearer k"),
        ("x-goldgate-mirror", "1"),
        ("traceparent", "00-1"),
    ]);
    assert_eq!(names(&towards_engine(request)), ["authorization", "traceparent"]);
    let mut answer = map(&[("connection", "close"), ("x-goldgate-arm", "forged"), ("x-other", "1")]);
    towards_client(&mut answer);
    assert_eq!(names(&answer), ["x-other"]);
}

#[test]
fn only_an_id_of_visible_characters_is_taken_from_the_client() {
    let check = |value: &str, expected: Option<&str>| {
        let id = client_request_id(&map(&[("x-request-id", value)]));
        assert_eq!(id.as_ref().map(RequestId::as_str), expected, "{value:?}");
    };
    check("abc-1", Some("abc-1"));
    check("", None);
    check("a b", None);
    check("é", None);
    check(&"x".repeat(129), None);
}

#[test]
fn cache_control_is_read_word_by_word() {
    let check = |value: &str, bypass, no_store| {
        assert_eq!(CacheAsk::of(&map(&[("cache-control", value)])), CacheAsk { bypass, no_store }, "{value}");
    };
    check("max-age=0", false, false);
    check("max-age=0, No-Cache", true, false);
    check("no-store", true, true);
    check("x-no-store", false, false);
}

#[test]
fn an_answer_names_its_release_arm_and_time() {
    let mut headers = HeaderMap::new();
    name_request(&mut headers, &RequestId::from("r-1"));
    let release = ReleaseId::from("sem:0123456789abcdef");
    let (total, engine) = (Duration::from_micros(2_500), Some(Duration::from_millis(2)));
    name_answer(
        &mut headers,
        &Answered { release: &release, arm: Arm::Candidate, cache: CacheWord::Miss, total, engine },
    );
    let value = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(value("x-goldgate-request-id"), "r-1");
    assert_eq!(value("x-goldgate-release"), "sem:0123456789ab");
    assert_eq!(value("x-goldgate-arm"), "candidate");
    assert_eq!(value("x-goldgate-cache"), "miss");
    assert_eq!(value("server-timing"), "proxy;dur=0.500, engine;dur=2.000");
    assert_eq!(short("plain"), "plain");
}
