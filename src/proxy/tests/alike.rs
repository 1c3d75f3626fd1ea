//! Answers to something alike.

use super::rig::*;
use crate::upstream::testing::Engine;

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
