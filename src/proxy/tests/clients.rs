//! Clients: who is refused, who stays where, who leaves.

use super::rig::*;
use crate::domain::{Arm, Outcome, Share};
use crate::upstream::testing::{Engine, LAST_CHUNK, Step, chunk, chunked_head};

#[tokio::test]
async fn what_cannot_be_served_is_refused_in_openais_shape() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::new(&engine, None, |setup| {
        setup.options.model = Some("chat".to_owned());
        setup.options.limits.body_bytes_max = 200;
        setup.options.limits.header_bytes_max = 300;
    })
    .await;
    let chat_line = "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\n";
    let posted = |headers: &str, body: &str| {
        format!("{chat_line}content-length: {}\r\n{headers}\r\n{body}", body.len())
    };
    let long = "v".repeat(400);
    let cases = [
        (posted("", "{"), 400, "not a valid request"),
        (posted("", r#"{"model":""}"#), 400, "names no model"),
        (posted("", r#"{"model":"other"}"#), 404, "does not exist"),
        (posted("", &chat(&format!(r#","x":"{long}""#))), 413, "larger than 200 bytes"),
        (
            format!("{chat_line}transfer-encoding: chunked\r\n\r\n190\r\n{long}\r\n0\r\n\r\n"),
            413,
            "larger than 200",
        ),
        (posted(&format!("x-long: {long}\r\n"), "{}"), 431, "above the limit"),
        (posted("authorization: a\r\nauthorization: b\r\n", "{}"), 400, "authorization"),
        (posted("content-encoding: gzip\r\n", "{}"), 415, "gzip"),
        (format!("{chat_line}host: h\r\n\r\n"), 400, "host"),
        ("POST /sleep HTTP/1.1\r\nhost: g\r\n\r\n".to_owned(), 404, "no route POST /sleep"),
        ("GET /v1/completions HTTP/1.1\r\nhost: g\r\n\r\n".to_owned(), 405, "does not answer GET"),
    ];
    for (request, status, words) in cases {
        let mut client = rig.client().await;
        client.send(request.as_bytes()).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, status, "{request}");
        let error: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert!(error["error"]["message"].as_str().unwrap().contains(words), "{}", answer.body);
        assert_eq!(error["error"]["type"], "invalid_request_error");
        assert!(answer.header("x-goldgate-request-id").is_some());
    }
    assert!(engine.seen().is_empty());
    assert_eq!(rig.counters.snapshot().requests.refused_client, 11);
}

#[tokio::test]
async fn the_configured_model_is_listed_without_asking_an_engine() {
    let engine = Engine::always(Vec::new()).await;
    let rig = Rig::new(&engine, None, |setup| setup.options.model = Some("chat".to_owned())).await;
    let mut client = rig.client().await;
    client.send(b"GET /v1/models HTTP/1.1\r\nhost: g\r\n\r\n").await;
    assert!(client.answer().await.body.contains(r#""id":"chat""#));
}

#[tokio::test]
async fn one_request_too_many_is_told_when_to_come_back() {
    let engine = Engine::always(vec![Step::Hang]).await;
    let rig = Rig::new(&engine, None, |setup| setup.options.limits.requests_max = 1).await;
    let mut first = rig.client().await;
    first.post(CHAT, "", &chat("")).await;
    engine.arrived(1).await;
    let answer = rig.ask(&chat("")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert!(answer.body.contains("overloaded"));
    // It waits for nothing, not for its own body either.
    let mut second = rig.client().await;
    second.send(format!("POST {CHAT} HTTP/1.1\r\nhost: g\r\ncontent-length: 1000\r\n\r\n").as_bytes()).await;
    assert_eq!(second.answer().await.status, 503);
    assert_eq!(rig.counters.snapshot().in_flight, 1, "the first one is still there");
}

#[tokio::test]
async fn connections_of_another_process_are_other_keys() {
    let engine = Engine::always(body_of("x")).await;
    let mut keys = std::collections::BTreeSet::new();
    for node in ["a", "b"] {
        let mut rig = Rig::new(&engine, None, |setup| setup.options.node = node.to_owned()).await;
        for _ in 0..2 {
            rig.ask(&chat("")).await;
            keys.insert(rig.sample().await.serving.sticky);
        }
    }
    assert_eq!(keys.len(), 4, "two connections of two replicas");
}

#[tokio::test]
async fn a_vacant_slot_is_never_replaced_by_the_other_arm() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::new(&engine, None, |setup| setup.table = split(Share::FULL)).await;
    assert_eq!(rig.ask(&chat("")).await.status, 503);
    assert!(engine.seen().is_empty());
}

#[tokio::test]
async fn a_conversation_stays_on_its_arm_and_a_rollback_is_one_table() {
    let (blue, green) = (Engine::always(body_of("b")).await, Engine::always(body_of("g")).await);
    let mut rig = Rig::new(&blue, Some(&green), |setup| setup.table = split(Share::from_ppm(500_000))).await;
    let mut arms = Vec::new();
    for user in 0..12 {
        let asked = format!("x-session-id: user-{user}\r\n");
        let mut seen = Vec::new();
        for _ in 0..3 {
            let answer = rig.client().await.ask(CHAT, &asked, &chat("")).await;
            seen.push((
                answer.header("x-goldgate-arm").unwrap().to_owned(),
                rig.sample().await.serving.sticky,
            ));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
        arms.push(seen[0].0.clone());
    }
    assert!(arms.contains(&"baseline".to_owned()) && arms.contains(&"candidate".to_owned()), "{arms:?}");
    rig.table.store(std::sync::Arc::new(steady()));
    let before = green.seen().len();
    for user in 0..12 {
        rig.client().await.ask(CHAT, &format!("x-session-id: user-{user}\r\n"), &chat("")).await;
        assert_eq!(rig.sample().await.serving.arm, Arm::Baseline);
    }
    assert_eq!(green.seen().len(), before);
    assert!(green.seen()[0].text().contains("green-model"));
}

#[tokio::test]
async fn a_client_that_leaves_stops_the_engine_in_every_window() {
    let head = Step::Send(chunked_head("text/event-stream"));
    let events = Step::Send(chunk(&[token("a"), finish(), done()].concat()));
    let windows = [
        (vec![Step::Hang], "", Outcome::ClientGone),
        (vec![head.clone(), Step::Hang], "HTTP/1.1 200", Outcome::ClientGone),
        (vec![head.clone(), Step::Send(chunk(&token("a"))), Step::Hang], "content", Outcome::ClientGone),
        // Between the last event and the end: the client has had all of its answer.
        (vec![head, events, Step::Hang], "[DONE]", Outcome::Complete(crate::domain::Finish::Stop)),
    ];
    for (steps, sees, outcome) in windows {
        let engine = Engine::always(steps).await;
        let mut rig = Rig::plain(&engine).await;
        let mut client = rig.client().await;
        client.post(CHAT, "", &chat(r#","stream":true"#)).await;
        engine.arrived(1).await;
        client.sees(sees).await;
        drop(client);
        engine.gone().await;
        assert_eq!(rig.sample().await.serving.outcome, outcome, "{sees}");
        assert_eq!(rig.counters.snapshot().in_flight, 0);
    }
}

#[tokio::test]
async fn a_drain_lets_answers_end_and_reports_what_it_cut() {
    let steps = vec![Step::Send(chunked_head("text/event-stream")), Step::Gate];
    let engine = Engine::always(steps.into_iter().chain(stream_of("late").split_off(1)).collect()).await;
    let rig = Rig::plain(&engine).await;
    let mut client = rig.client().await;
    client.post(CHAT, "", &chat(r#","stream":true"#)).await;
    engine.arrived(1).await;
    let (report, answer) = tokio::join!(rig.proxy.drain(), async {
        client.sees("200 OK").await;
        engine.open(1);
        client.answer().await
    });
    assert_eq!((report.cut, answer.is_whole), (0, true));

    let rig = Rig::new(&engine, None, |setup| setup.options.drain = std::time::Duration::ZERO).await;
    let mut client = rig.client().await;
    client.post(CHAT, "", &chat(r#","stream":true"#)).await;
    client.sees("200 OK").await;
    assert_eq!(rig.proxy.drain().await.cut, 1);
    assert!(!client.answer().await.is_whole);
}

/// On a paused clock, where a minute takes no time: the stream brings a token each second, and the drain begins five
/// seconds after it. The default drain is a minute.
#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_a_stream_of_a_minute_and_cuts_one_that_lasts_longer() {
    for (seconds, cut) in [(60, 0), (70, 1)] {
        let tokens = (0..seconds).flat_map(|_| [Step::Gate, Step::Send(chunk(&token("a")))]);
        let ending = [finish(), done()].map(|event| Step::Send(chunk(&event)));
        let head = std::iter::once(Step::Send(chunked_head("text/event-stream")));
        let steps = head.chain(tokens).chain(ending).chain([Step::Send(LAST_CHUNK.to_vec())]);
        let engine = Engine::always(steps.collect()).await;
        let rig = Rig::plain(&engine).await;
        let mut client = rig.client().await;
        client.post(CHAT, "", &chat(r#","stream":true"#)).await;
        engine.arrived(1).await;
        let second = async || {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            engine.open(1);
        };
        for _ in 0..5 {
            second().await;
        }
        let (report, answer) = tokio::join!(rig.proxy.drain(), async {
            for _ in 5..seconds {
                second().await;
            }
            client.answer().await
        });
        assert_eq!((report.cut, answer.is_whole), (cut, cut == 0), "{seconds} s");
        let tokens = answer.body.matches("content").count();
        assert!(
            if cut == 0 { tokens == seconds } else { (55..70).contains(&tokens) },
            "{tokens} of {seconds}"
        );
    }
}

#[tokio::test]
async fn samples_that_nobody_takes_are_dropped_and_counted() {
    let engine = Engine::always(body_of("x")).await;
    let rig = Rig::new(&engine, None, |setup| setup.samples_max = 1).await;
    let mut client = rig.client().await;
    for _ in 0..3 {
        assert_eq!(client.ask(CHAT, "", &chat("")).await.status, 200);
    }
    drop(client);
    rig.proxy.drain().await;
    let counts = rig.counters.snapshot().requests;
    assert_eq!((counts.samples, counts.samples_dropped), (1, 2));
}
