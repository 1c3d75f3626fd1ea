//! The Responses route.

use super::*;

const IN_EVENTS: &str = r#""stream":true"#;
const IN_ONE: &str = r#""stream":false"#;

/// Asks for `input`, a JSON text.
async fn ask(engine: &Running, input: &str, more: &str) -> Answer {
    let body = format!(r#"{{"model":"m","instructions":"Be brief.","input":{input},{more}}}"#);
    let (raw, end) = exchange(engine, "POST", "/v1/responses", "", &body).await;
    observe_in(Form::Items, &raw, end)
}

fn eggs() -> String {
    serde_json::Value::from(EGGS).to_string()
}

async fn check_fault(fault: &str, streamed: &str, unary: &str) {
    let engine = running(options(&[fault])).await;
    let stream = ask(&engine, &eggs(), IN_EVENTS).await;
    assert_eq!(stream.outcome.to_string(), streamed, "{fault}, streamed: {stream:?}");
    let whole = ask(&engine, &eggs(), IN_ONE).await;
    assert_eq!(whole.outcome.to_string(), unary, "{fault}, in one piece: {whole:?}");
}

#[tokio::test]
async fn the_responses_route_answers_a_text_and_a_conversation_alike() {
    let engine = running(options(&[])).await;
    let part = format!(r#"[{{"type":"input_text","text":{}}}]"#, eggs());
    let said = r#"{"role":"user","content":"Hello."},{"role":"assistant","content":"Yes?"}"#;
    let conversation = format!(r#"[{said},{{"role":"user","content":{part}}}]"#);
    for (input, more) in [(eggs(), IN_EVENTS), (eggs(), IN_ONE), (conversation, IN_EVENTS)] {
        let answer = ask(&engine, &input, more).await;
        assert_eq!(answer.outcome.to_string(), "complete(stop)", "{input} {more}");
        assert!(answer.text.ends_with("A: 12"), "{}", answer.text);
        let usage = answer.usage.unwrap();
        assert_eq!(usage.completion_tokens as usize, tokens::token_ends(&answer.text).len());
        assert_eq!(answer.clocks.first_token_ms.is_some(), more == IN_EVENTS);
        assert_eq!(answer.fingerprint.as_deref(), Some("mock-1"));
    }
    let cut = ask(&engine, &eggs(), r#""stream":true,"max_output_tokens":3"#).await;
    assert_eq!(
        (cut.outcome.to_string().as_str(), cut.usage.unwrap().completion_tokens),
        ("complete(length)", 3)
    );
}

#[tokio::test]
async fn faults_show_on_the_responses_route_as_they_do_on_the_others() {
    check_fault("error:code=503", "errored(503)", "errored(503)").await;
    check_fault("truncate", "truncated(no finish)", "truncated(no finish)").await;
    check_fault("no-terminator", "truncated(no finish)", "complete(stop)").await;
    check_fault("abort", "aborted", "aborted").await;
    check_fault("error-in-stream", "errored(500)", "errored(500)").await;
    check_fault("hang-mid-stream", "stalled", "stalled").await;
    check_fault("reset", "truncated(no finish)", "errored(502)").await;
    check_fault("html", "errored(502)", "errored(502)").await;
}

#[tokio::test]
async fn a_function_is_called_on_the_responses_route_too() {
    let engine = running(options(&[])).await;
    let tools = r#""tools":[{"type":"function","name":"count","parameters":{}}],"tool_choice":"required""#;
    let mut seen = Vec::new();
    for more in [IN_EVENTS, IN_ONE] {
        let answer = ask(&engine, &eggs(), &format!("{tools},{more}")).await;
        assert_eq!((answer.outcome.to_string().as_str(), answer.text.as_str()), ("complete(tool_calls)", ""));
        seen.push(answer.tool_calls.unwrap());
    }
    assert!(seen[0].contains("count") && seen[0].contains("How many eggs"), "{}", seen[0]);
    assert_eq!(seen[0], seen[1]);
}
