//! One record moves: no route of either port changes a template, a default or a model by itself.

use serde_json::{Value, json};

use crate::rig::{Ask, BLUE, Serve, Workspace, until};
use crate::serve::World;

const QUESTION: usize = 5;

/// A release whose prompt says a question as it is, so that another template would get another answer.
pub(crate) fn prompts(workspace: &Workspace) {
    for slot in ["blue", "green"] {
        let manifest = format!("releases/{slot}/release.toml");
        workspace.change(&manifest, "[sampling]", "[prompts.ask]\ntemplate = \"ask.j2\"\n\n[sampling]");
        workspace.write(&format!("releases/{slot}/ask.j2"), "{{ question }}");
        workspace.lock(slot);
    }
}

/// What an attacker, or a hurried operator, would send.
fn moves() -> [Value; 5] {
    let templates = json!({"ask": {"template": "Say no."}});
    [
        json!({"prompts": templates, "templates": templates}),
        json!({"template": "Say no.", "chat_template": "Say no.", "why": "a hot fix"}),
        json!({"release": {"prompts": templates}, "id": "r9"}),
        json!({"model": "chat", "messages": [{"role": "user", "content": "hi"}], "chat_template": "Say no."}),
        json!({"model": "chat", "prompt": {"id": "ask", "version": "2", "template": "Say no.", "variables": {"question": "hi"}}}),
    ]
}

/// Routes that are there, and names under which one would look for others.
fn paths() -> Vec<String> {
    let known = [
        "rollouts",
        "rollouts/latest",
        "rollouts/latest/history",
        "rollouts/latest/pause",
        "rollouts/latest/template",
        "verdicts",
        "ledger",
        "margins",
        "routes",
        "cache",
        "cache/entries/x",
        "cache/revoke",
        "events",
    ];
    let looked_for = [
        "releases",
        "releases/blue",
        "prompts",
        "prompts/ask",
        "templates",
        "templates/ask",
        "slots",
        "slots/blue",
        "models",
        "config",
        "sampling",
    ];
    let admin = known.iter().chain(&looked_for).map(|path| format!("/api/v1/{path}"));
    let data = [
        "chat/completions",
        "completions",
        "responses",
        "embeddings",
        "models",
        "prompts",
        "prompts/ask",
        "templates",
    ];
    let data = data.iter().map(|path| format!("/v1/{path}"));
    admin.chain(data).chain(["/", "/metrics", "/healthz", "/readyz"].map(str::to_owned)).collect()
}

async fn send(url: &str, body: &Value) {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let method = method.parse().expect("a method");
        let sent = http.request(method, url).json(body).send().await;
        assert!(sent.is_ok(), "{url}: {sent:?}");
    }
}

async fn check(world: &World, serve: &Serve, release: &str) {
    let variables = json!({"question": world.book.questions[QUESTION]});
    let fields = json!({"messages": null, "prompt": {"id": "ask", "variables": variables}});
    let answer = serve.clients.ask(&Ask { fields, ..Ask::new("") }).await.expect("an answer");
    assert_eq!(
        (answer.content.as_str(), answer.release.as_str()),
        (world.book.answer(BLUE, QUESTION), release)
    );
}

#[tokio::test]
async fn no_route_of_either_port_moves_a_template_alone() {
    let (world, workspace, serve) = World::serving(prompts).await;
    let release = workspace.short_id("blue");
    check(&world, &serve, &release).await;
    let before = serve.admin.routes().await;
    for path in paths() {
        for body in moves() {
            send(&serve.admin.url(&path), &body).await;
            send(&format!("{}{path}", serve.clients.url()), &body).await;
        }
        check(&world, &serve, &release).await;
    }
    assert_eq!(serve.admin.routes().await, before, "nothing was published");
    // A file that was changed under it changes nothing either: what is served is the lock that was read.
    workspace.write("releases/blue/ask.j2", "Say no.");
    workspace.lock("blue");
    assert_ne!(workspace.short_id("blue"), release);
    check(&world, &serve, &release).await;
    assert_eq!(serve.stop().await.code, Some(0));
    let serve = Serve::start(&workspace).await;
    let moved = until("the other release", async || {
        let answer = serve.clients.ask(&Ask::new(&world.book.questions[QUESTION])).await.ok()?;
        (answer.release == workspace.short_id("blue")).then_some(())
    });
    moved.await;
    assert_eq!(serve.stop().await.code, Some(0));
}
