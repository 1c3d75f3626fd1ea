//! Answers to something alike, and to the same question asked at once.

use super::rig::*;
use crate::upstream::testing::{Engine, LAST_CHUNK, Step, chunk, chunked_head};

/// Clean audits after which a bound of 5 % is reached, and some more.
const EARNING: usize = 150;

/// A question in its own words.
fn asks(text: &str, fields: &str) -> String {
    chat(fields).replace("hi", text)
}

async fn word(rig: &Rig, headers: &str, body: &str) -> String {
    let answer = rig.client().await.ask(CHAT, headers, body).await;
    assert_eq!(answer.status, 200);
    let similarity = answer.header("x-goldgate-cache-similarity").is_some();
    let word = answer.header("x-goldgate-cache").unwrap();
    assert_eq!(word == "semantic", similarity, "{}", answer.head);
    word.to_owned()
}

/// Asks the same in many ways, each of them another request.
async fn ask_in_many_ways(rig: &Rig) -> Vec<String> {
    let mut words = Vec::new();
    for number in 0..EARNING {
        let text = format!("how do I reset my password{}", "?".repeat(number));
        words.push(word(rig, "", &asks(&text, "")).await);
    }
    words
}

#[tokio::test]
async fn something_alike_is_served_once_audits_have_earned_it_and_not_across_tenants_or_to_tools() {
    let engine = Engine::always(body_of("Press the button.")).await;
    let mut rig = Rig::new(&engine, None, |setup| {
        (setup.cache, setup.semantic) = (true, true);
        setup.samples_max = 4 * EARNING;
    })
    .await;
    let words = ask_in_many_ways(&rig).await;
    let first = words.iter().position(|word| word == "semantic").unwrap();
    assert!(first > 100 && words[first..].iter().all(|word| word == "semantic"), "{first}");
    assert_eq!(engine.seen().len(), first);
    for (headers, text, fields) in [
        ("", "how do I not reset my password", ""),
        ("", "how do I reset my 2 passwords", ""),
        ("authorization: Bearer bob\r\n", "please, how do I reset my password", ""),
        ("", "please, how do I reset my password", r#","tools":[]"#),
        ("", "please, how do I reset my password", r#","seed":1"#),
        ("", "please, how do I reset my password", r#","temperature":1"#),
    ] {
        assert_eq!(word(&rig, headers, &asks(text, fields)).await, "miss", "{headers}{text}{fields}");
    }
    let no_cache =
        word(&rig, "cache-control: no-cache\r\n", &asks("please, how do I reset my password", "")).await;
    assert_eq!(no_cache, "bypass");
    let asked = engine.seen().len();
    rig.proxy.drain().await;
    let mut samples = 0;
    while rig.samples.recv().await.is_some() {
        samples += 1;
    }
    assert_eq!(samples, asked, "a cached answer is no evidence");
}

#[tokio::test]
async fn answers_that_differ_keep_the_tier_from_serving() {
    let engine = Engine::start(|seen| body_of(&format!("It takes {} days.", seen.text().len()))).await;
    let rig = Rig::new(&engine, None, |setup| (setup.cache, setup.semantic) = (true, true)).await;
    assert!(ask_in_many_ways(&rig).await.iter().all(|word| word == "miss"));
    let stats = rig.cache.as_ref().unwrap().semantic_stats();
    assert!(stats[0].false_hits > 100 && !stats[0].serves, "{stats:?}");
}

fn slow_stream() -> Vec<Step> {
    let mut steps =
        vec![Step::Send(chunked_head("text/event-stream")), Step::Send(chunk(&token("a"))), Step::Gate];
    steps.extend([finish(), done()].iter().map(|event| Step::Send(chunk(event))));
    steps.push(Step::Send(LAST_CHUNK.to_vec()));
    steps
}

/// Waits until so many look-ups found nothing, and the last of them has had time to wait.
async fn missed(rig: &Rig, count: u64) {
    while rig.counters.snapshot().requests.cache_misses < count {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}

#[tokio::test]
async fn the_same_question_at_once_is_asked_once_even_if_the_first_client_leaves() {
    let engine = Engine::always(slow_stream()).await;
    let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
    let body = chat(r#","stream":true"#);
    let (mut first, mut second) = (rig.client().await, rig.client().await);
    first.post(CHAT, "", &body).await;
    first.sees("content").await;
    second.post(CHAT, "", &body).await;
    missed(&rig, 2).await;
    drop(first);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    engine.open(1);
    let answer = second.answer().await;
    assert_eq!(answer.header("x-goldgate-cache"), Some("hit"));
    assert!(answer.is_whole && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
    assert_eq!(engine.seen().len(), 1);
}

#[tokio::test]
async fn who_waited_for_an_answer_that_broke_asks_by_themselves() {
    let breaks = vec![
        Step::Send(chunked_head("text/event-stream")),
        Step::Send(chunk(&token("a"))),
        Step::Gate,
        Step::Reset,
    ];
    let script = move |seen: &crate::upstream::testing::Seen| match seen.header("x-session-id") {
        Some(_) => breaks.clone(),
        None => stream_of("b"),
    };
    let engine = Engine::start(script).await;
    let rig = Rig::new(&engine, None, |setup| setup.cache = true).await;
    let body = chat(r#","stream":true"#);
    let (mut first, mut second) = (rig.client().await, rig.client().await);
    first.post(CHAT, "x-session-id: first\r\n", &body).await;
    first.sees("content").await;
    second.post(CHAT, "", &body).await;
    missed(&rig, 2).await;
    engine.open(1);
    assert!(!first.answer().await.is_whole);
    let answer = second.answer().await;
    assert_eq!(answer.header("x-goldgate-cache"), Some("miss"));
    assert!(answer.is_whole && engine.seen().len() == 2);
}
