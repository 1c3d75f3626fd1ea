//! Answers to something alike.

use super::rig::*;
use crate::upstream::testing::{Engine, Step, chunk, chunked_head, whole};

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

/// Left out, they would make the bound one on the hits that can be compared.
#[tokio::test]
async fn an_audit_whose_answer_ended_otherwise_is_a_false_hit_and_one_that_broke_is_none() {
    let ended = |finish: &str, head: &str| {
        let body = serde_json::json!({"choices": [{"index": 0, "message": {"content": "Press"}, "finish_reason": finish}]});
        vec![Step::Send(whole("200 OK", &format!("application/json{head}"), &body.to_string()))]
    };
    let long = "x".repeat(crate::cache::CacheOptions::default().entry_bytes_max + 1);
    let engine = Engine::start(move |seen| match seen.text().matches('?').count() {
        0 => body_of("Press the button."),
        1 => ended("length", ""),
        2 => ended("tool_calls", ""),
        3 => body_of(""),
        4 => body_of(&long),
        5 => ended("stop", "\r\ncache-control: no-store"),
        6 => vec![Step::Send(chunked_head("text/event-stream")), Step::Send(chunk(&token("a"))), Step::Reset],
        _ => vec![Step::Send(whole("500 Internal Server Error", "application/json", "{}"))],
    })
    .await;
    let rig = Rig::new(&engine, None, |setup| (setup.cache, setup.semantic) = (true, true)).await;
    let mut audits = Vec::new();
    for number in 0..8 {
        let text = format!("how do I reset my password{}", "?".repeat(number));
        rig.client().await.ask(CHAT, "", &asks(&text, "")).await;
        let stats = rig.cache.as_ref().unwrap().semantic_stats();
        audits.push(stats.first().map_or((0, 0), |stats| (stats.audits, stats.false_hits)));
    }
    assert_eq!(audits, [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (5, 5), (5, 5)]);
}
