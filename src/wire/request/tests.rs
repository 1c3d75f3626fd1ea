//! Requests as clients send them, and those that are refused.

use super::*;

fn check(body: &str, expected: Result<&str, &str>) {
    match (RequestHead::parse(body.as_bytes()), expected) {
        (Ok(head), Ok(expected)) => assert_eq!(summary(&head, body), expected, "{body}"),
        (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{body}: {error}"),
        (got, expected) => panic!("{body}: {got:?}, not {expected:?}"),
    }
}

fn summary(head: &RequestHead, body: &str) -> String {
    let asked = match &head.asked {
        Asked::Nothing => "nothing".to_owned(),
        Asked::Messages(range) => format!("messages {}", &body[range.clone()]),
        Asked::Text(range) => format!("text {}", &body[range.clone()]),
        Asked::Input { input, instructions } => {
            format!("input {} {:?}", &body[input.clone()], instructions.clone().map(|range| &body[range]))
        }
        Asked::Template { id, variables } => {
            format!("template {id} {:?}", variables.clone().map(|range| &body[range]))
        }
    };
    let stream = if head.stream { " stream" } else { "" };
    let usage = if head.include_usage { " usage" } else { "" };
    format!("{}{stream}{usage} {:?} {asked}", head.model, head.user)
}

#[test]
fn what_decides_is_read_and_the_rest_is_not_looked_at() {
    check(
        r#"{"model":"m","messages":[ {"role":"user"} ],"stream":true,"stream_options":{"include_usage":true},"user":"u","n":{}}"#,
        Ok(r#"m stream usage Some("u") messages [ {"role":"user"} ]"#),
    );
    check(r#"{"prompt":["a","b"],"model":"m","stream":null}"#, Ok(r#"m None text ["a","b"]"#));
    check(r#"{"model":"m","inputs":"x"}"#, Ok("m None nothing"));
    check(r#"{"model":"m","input":"x","instructions":null}"#, Ok("m None input \"x\" None"));
    check(
        r#"{"model":"m","input":[{"role": "user"}],"instructions":"i"}"#,
        Ok(r#"m None input [{"role": "user"}] Some("\"i\"")"#),
    );
    check(r#"{"model":"m","prompt":{"id":"answer"}}"#, Ok("m None template answer None"));
    check(
        r#"{"model":"m","prompt":{"id":"answer","variables":{"q": 1}}}"#,
        Ok(r#"m None template answer Some("{\"q\": 1}")"#),
    );
}

#[test]
fn refusals_name_the_rule() {
    check("", Err("not a valid request"));
    check("[]", Err("not a valid request"));
    check("<html>", Err("line 1 column 1"));
    check(r#"{"model":"m","model":"n"}"#, Err("duplicate field"));
    check(r#"{"model":1}"#, Err("expected a string"));
    check(r#"{"messages":[]}"#, Err("names no model"));
    check(r#"{"model":""}"#, Err("names no model"));
    check(r#"{"model":"m","prompt":{"id":"a","version":"2"}}"#, Err("prompt.version"));
    check(r#"{"model":"m","prompt":{"variables":{}}}"#, Err("prompt.id"));
    check(r#"{"model":"m","prompt":{"id":"a","variables":[]}}"#, Err("must be an object"));
    check(r#"{"model":"m","prompt":{"id":"a"},"messages":[]}"#, Err("both given"));
    check(r#"{"model":"m","chat_template":"{{x}}","messages":[]}"#, Err("chat_template"));
}
