//! A real engine that is not what its release was locked to: each thing that it may have otherwise, and the whole rollout
//! that stops at it.

use serde_json::Value;

use super::{Installed, workspace};
use crate::rig::{Ask, Ended, Serve, Workspace, run};

const LOCK: &str = "releases/green/release.lock.json";

/// `release` on the command line, about the release of green.
async fn release(workspace: &Workspace, words: &[&str]) -> Ended {
    run(workspace.root(), &[&["--format", "json", "release"], words].concat()).await
}

/// A workspace whose green release is locked to what `llama-server` with tiny-a is.
async fn locked(installed: &Installed) -> Workspace {
    let engine = installed.start("tiny-a", &[]).await;
    let workspace = workspace(&engine.url, "tiny-a", &engine.url, "tiny-a");
    lock(&workspace, &engine.url).await;
    let same = release(&workspace, &["verify", LOCK, "--engine", &engine.url]).await;
    assert_eq!(same.code, Some(0), "{}", String::from_utf8_lossy(&same.stdout));
    workspace
}

/// Locks green's release to what the engine at `url` is.
async fn lock(workspace: &Workspace, url: &str) {
    let ended = release(workspace, &["lock", "releases/green/release.toml", "--engine", url]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// A server with the arguments `now` has `what` otherwise than it was locked.
async fn check(model: &str, now: &[&str], what: &[&str]) {
    let Some(installed) = Installed::find() else { return };
    let workspace = locked(&installed).await;
    let engine = installed.start(model, &[now, &["--alias", "tiny-a"]].concat()).await;
    let ended = release(&workspace, &["verify", LOCK, "--engine", &engine.url]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let said: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    let differences = said["engines"][0]["differences"].as_array().expect("differences");
    let found: Vec<_> = differences.iter().filter_map(|difference| difference["what"].as_str()).collect();
    assert_eq!(found, what, "{said}");
}

#[tokio::test]
async fn another_chat_template_is_no_engine_of_the_release() {
    let template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}";
    check("tiny-a", &["--chat-template", template], &["chat template", "tokens of fixed conversations"])
        .await;
}

#[tokio::test]
async fn a_tokenizer_that_reads_otherwise_is_no_engine_of_the_release() {
    let kv = "tokenizer.ggml.add_bos_token=bool:true";
    check("tiny-a", &["--override-kv", kv], &["tokens of fixed conversations"]).await;
}

#[tokio::test]
async fn another_sampling_default_is_no_engine_of_the_release() {
    check("tiny-a", &["--temp", "0.3"], &["sampling default temperature"]).await;
}

#[tokio::test]
async fn other_weights_under_the_same_name_are_no_engine_of_the_release() {
    check("tiny-b", &[], &["weights"]).await;
}

#[tokio::test]
async fn a_rollout_to_an_engine_that_is_not_its_release_ends_before_any_user_sees_it() {
    let Some(installed) = Installed::find() else { return };
    let blue = installed.start("tiny-a", &[]).await;
    let green = installed.start("tiny-a", &["--temp", "0.3"]).await;
    let workspace = workspace(&blue.url, "tiny-a", &green.url, "tiny-a");
    lock(&workspace, &blue.url).await;
    let serve = Serve::start(&workspace).await;
    serve.admin.start("r1").await;
    let ended = serve.admin.wait_for_stage("rolled_back").await;
    let said = ended.to_string();
    assert!(said.contains("sampling default temperature: 0.8 was locked"), "{said}");
    assert_eq!(serve.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_candidate_that_is_exchanged_in_the_mirror_is_taken_back() {
    let Some(installed) = Installed::find() else { return };
    let blue = installed.start("tiny-a", &[]).await;
    let green = installed.start("tiny-a", &[]).await;
    let workspace = workspace(&blue.url, "tiny-a", &green.url, "tiny-a");
    lock(&workspace, &green.url).await;
    workspace.change("goldgate.toml", "mirror = { min = \"1s\"", "mirror = { min = \"100s\"");
    let serve = Serve::start(&workspace).await;
    serve.admin.start("r1").await;
    serve.admin.wait_for_stage("mirror").await;
    let ask = async |times| {
        for _ in 0..times {
            serve.clients.ask(&Ask::new("What is two and two?")).await.expect("blue answers");
        }
    };
    ask(3).await;
    let port = green.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    green.process.kill().await;
    // One copy finds nobody, and the next ones another server.
    ask(1).await;
    let _other = installed.start_at(port, "tiny-a", &["--temp", "0.3"]).await;
    ask(3).await;
    let ended = serve.admin.wait_for_stage("rolled_back").await;
    assert!(ended.to_string().contains("sampling default temperature: 0.8 was locked"), "{ended}");
    ask(3).await;
    assert_eq!(serve.stop().await.code, Some(0));
}

/// llama.cpp takes one such token out of what a template wrote, and so only the second one is too many.
#[tokio::test]
async fn a_first_token_that_is_read_twice_is_told_when_a_release_is_locked() {
    let Some(installed) = Installed::find() else { return };
    for (begin, told) in [("", false), ("{{ bos_token }}", false), ("{{ bos_token }}{{ bos_token }}", true)] {
        let template =
            format!("{begin}{{% for m in messages %}}[{{{{ m.role }}}}] {{{{ m.content }}}}{{% endfor %}}");
        let kv = "tokenizer.ggml.add_bos_token=bool:true";
        let engine = installed.start("tiny-a", &["--override-kv", kv, "--chat-template", &template]).await;
        let workspace = workspace(&engine.url, "tiny-a", &engine.url, "tiny-a");
        let ended =
            release(&workspace, &["lock", "releases/green/release.toml", "--engine", &engine.url]).await;
        let says = ended.stderr.contains("the first token of every conversation twice");
        assert_eq!((ended.code, says), (Some(0), told), "{begin}: {}", ended.stderr);
    }
}
