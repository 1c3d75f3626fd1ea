//! The leaks that LiteLLM, GPTCache and others were reported for, one test each: none of them is possible here. The reports are
//! named in the README of `cache`.
//!
//! Others stand where their part is tested: opposites that sound alike (`guard`), a life that hits prolong (`serving`), an
//! embedder changed under its index (`key`), answers cut short (`gate`), epochs that a restart forgets (`standing`).

use std::sync::Arc;

use super::rig::*;
use crate::domain::Share;
use crate::upstream::testing::{Engine, LAST_CHUNK, Step, chunk, chunked_head};

async fn cached(engine: &Engine) -> Rig {
    Rig::new(engine, None, |setup| setup.cache = true).await
}

async fn word(rig: &Rig, headers: &str, body: &str) -> String {
    let answer = rig.client().await.ask(CHAT, headers, body).await;
    answer.header("x-goldgate-cache").unwrap().to_owned()
}

/// A key that is made of a list of known parameters takes everything else for the same question.
#[tokio::test]
async fn a_parameter_that_nobody_listed_is_part_of_the_question() {
    let engine = Engine::always(body_of("x")).await;
    let rig = cached(&engine).await;
    assert_eq!(word(&rig, "", &chat("")).await, "miss");
    for fields in [
        r#","seed":1"#,
        r#","top_p":0.5"#,
        r#","max_tokens":5"#,
        r#","stop":["a"]"#,
        r#","logit_bias":{"1":1}"#,
        r#","response_format":{"type":"json_object"}"#,
        r#","tools":[]"#,
        r#","tool_choice":"none""#,
        r#","reasoning_effort":"high""#,
        r#","guided_regex":"a*""#,
        r#","chat_template_kwargs":{"enable_thinking":false}"#,
        r#","documents":[{"text":"a"}]"#,
        r#","user":"ann""#,
        r#","cache_salt":"s""#,
        r#","a_field_of_next_year":null"#,
    ] {
        assert_eq!(word(&rig, "", &chat(fields)).await, "miss", "{fields}");
    }
    assert_eq!(word(&rig, "", &chat("")).await, "hit");
}

/// A key that is the last message alone takes another conversation for the same.
#[tokio::test]
async fn the_same_last_message_of_another_conversation_is_another_question() {
    let engine = Engine::always(body_of("x")).await;
    let rig = cached(&engine).await;
    let asks = |before: &str| chat("").replace(r#"[{"role""#, &format!(r#"[{before}{{"role""#));
    for before in [
        "",
        r#"{"role":"system","content":"Answer in French."},"#,
        r#"{"role":"system","content":"Answer in German."},"#,
        r#"{"role":"user","content":"a"},{"role":"assistant","content":"b"},"#,
    ] {
        assert_eq!(word(&rig, "", &asks(before)).await, "miss", "{before}");
        assert_eq!(word(&rig, "", &asks(before)).await, "hit", "{before}");
    }
}

/// One store for all who ask, unless somebody remembers to set a namespace.
#[tokio::test]
async fn one_users_answer_is_never_anothers() {
    let engine = Engine::always(body_of("x")).await;
    let rig = cached(&engine).await;
    let keys = [
        "",
        "authorization: Bearer ann\r\n",
        "authorization: Bearer bob\r\n",
        "authorization: Basic ann\r\n",
        "api-key: ann\r\n",
        "api-key: bob\r\n",
        "x-api-key: ann\r\n",
        "x-api-key: bob\r\n",
        "cookie: session=ann\r\n",
        "cookie: session=bob\r\n",
        "openai-organization: ann\r\n",
        "openai-organization: bob\r\n",
        "openai-project: ann\r\n",
        "openai-project: bob\r\n",
        "proxy-authorization: Basic ann\r\n",
        "proxy-authorization: Basic bob\r\n",
        "authorization: Bearer ann\r\nopenai-project: ann\r\n",
        "authorization: Bearer ann\r\nopenai-project: bob\r\n",
    ];
    for headers in keys {
        assert_eq!(word(&rig, headers, &chat("")).await, "miss", "{headers}");
    }
    for headers in keys {
        assert_eq!(word(&rig, headers, &chat("")).await, "hit", "{headers}");
    }
}

/// A header or a body field that only claims to be a namespace moves nobody into another's room.
#[tokio::test]
async fn a_client_cannot_name_the_room_it_reads_from() {
    let engine = Engine::always(body_of("x")).await;
    let rig = cached(&engine).await;
    let (ann, bob) = ("authorization: Bearer ann\r\n", "authorization: Bearer bob\r\n");
    assert_eq!(word(&rig, ann, &chat("")).await, "miss");
    let claims = "x-goldgate-release: sem:blue\r\nx-goldgate-cache: hit\r\nx-goldgate-tenant: ann\r\n";
    assert_eq!(word(&rig, &format!("{bob}{claims}"), &chat("")).await, "miss");
    let space = chat(r#","cache":{"namespace":"ann"}"#);
    assert_eq!(word(&rig, bob, &space).await, "miss");
}

/// The name that clients send says nothing of what stands behind it.
#[tokio::test]
async fn one_alias_with_another_release_behind_it_is_another_room() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(body_of("g")).await);
    let rig = Rig::new(&blue, Some(&green), |setup| setup.cache = true).await;
    assert!(rig.ask(&chat("")).await.body.contains("\"b\""));
    rig.table.store(Arc::new(split(Share::FULL)));
    let answer = rig.ask(&chat("")).await;
    assert!(
        answer.header("x-goldgate-cache") == Some("miss") && answer.body.contains("\"g\""),
        "{}",
        answer.body
    );
}

/// Routes that take the same body answer in other forms.
#[tokio::test]
async fn one_body_on_another_route_or_with_another_query_is_another_question() {
    let engine = Engine::always(body_of("x")).await;
    let rig = cached(&engine).await;
    for path in [CHAT, "/v1/completions", "/v1/chat/completions?api-version=2"] {
        let answer = rig.client().await.ask(path, "", &chat("")).await;
        assert_eq!(answer.header("x-goldgate-cache"), Some("miss"), "{path}");
    }
}

/// What there is of it would be served as a whole answer.
#[tokio::test]
async fn a_stream_that_its_client_left_is_not_kept() {
    let begun =
        vec![Step::Send(chunked_head("text/event-stream")), Step::Send(chunk(&token("a"))), Step::Hang];
    let engine = Engine::always(begun).await;
    let rig = cached(&engine).await;
    for _ in 0..2 {
        let mut client = rig.client().await;
        client.post(CHAT, "", &chat(r#","stream":true"#)).await;
        client.sees("\"a\"").await;
        drop(client);
        engine.gone().await;
    }
    assert_eq!((engine.seen().len(), rig.counters.snapshot().requests.cache_writes), (2, 0));
}

/// A call of a tool, an error with status 200, an answer without an end and an empty one.
#[tokio::test]
async fn what_is_no_answer_is_not_replayed() {
    let events = |events: &[String]| {
        let mut steps = vec![Step::Send(chunked_head("text/event-stream"))];
        steps.extend(events.iter().map(|event| Step::Send(chunk(event))));
        steps.push(Step::Send(LAST_CHUNK.to_vec()));
        steps
    };
    let error = "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n".to_owned();
    let called = finish().replace("stop", "tool_calls");
    for steps in [
        events(&[error, done()]),
        events(&[token("a"), called, done()]),
        events(&[token("a"), done()]),
        events(&[finish(), done()]),
    ] {
        let engine = Engine::always(steps).await;
        let rig = cached(&engine).await;
        for _ in 0..2 {
            assert_eq!(word(&rig, "", &chat(r#","stream":true"#)).await, "miss");
        }
    }
}

/// A look-up before the split answers for whichever release wrote first, and nobody meets the candidate.
#[tokio::test]
async fn a_hit_never_hides_the_candidate() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(body_of("g")).await);
    let rig = Rig::new(&blue, Some(&green), |setup| setup.cache = true).await;
    rig.ask(&chat("")).await;
    rig.table.store(Arc::new(split(Share::FULL)));
    let answer = rig.ask(&chat("")).await;
    assert_eq!((answer.header("x-goldgate-arm"), green.seen().len()), (Some("candidate"), 1));
}

/// One record moves at a flip: who was admitted before it is answered by the release that admitted it, to the last byte.
#[tokio::test]
async fn an_answer_under_way_at_a_flip_ends_on_the_release_that_it_was_admitted_to() {
    let mut slow =
        vec![Step::Send(chunked_head("text/event-stream")), Step::Send(chunk(&token("b"))), Step::Gate];
    slow.extend([finish(), done()].map(|event| Step::Send(chunk(&event))));
    slow.push(Step::Send(LAST_CHUNK.to_vec()));
    let (blue, green) = (Engine::always(slow).await, Engine::always(stream_of("g")).await);
    let rig = Rig::new(&blue, Some(&green), |setup| setup.cache = true).await;
    let body = chat(r#","stream":true"#);
    let mut early = rig.client().await;
    early.post(CHAT, "", &body).await;
    early.sees("\"b\"").await;
    rig.table.store(Arc::new(split(Share::FULL)));
    let late = rig.ask(&body).await;
    assert_eq!((late.header("x-goldgate-release"), late.body.contains("\"g\"")), (Some("sem:green"), true));
    blue.open(1);
    let early = early.answer().await;
    assert_eq!((early.header("x-goldgate-release"), early.is_whole), (Some("sem:blue"), true));
    for (table, text) in [(split(Share::FULL), "\"g\""), (steady(), "\"b\"")] {
        rig.table.store(Arc::new(table));
        let hit = rig.ask(&body).await;
        assert_eq!((hit.header("x-goldgate-cache"), hit.body.contains(text)), (Some("hit"), true), "{text}");
    }
}
