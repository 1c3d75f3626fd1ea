//! `kill -9` in mid-ramp: what is not durable has not happened, and what is goes on.

use std::path::PathBuf;
use std::time::Duration;

use goldgate::mock_engine::Timing;
use goldgate::store::read_evidence;
use serde_json::json;

use crate::rig::{BLUE, Book, GREEN, Heard, Serve, Traffic, Workspace, until};

/// Shares of the ramp in hundredths, in their order. The kill comes at the first.
const FIRST_SHARE: f64 = 25.0;

fn per_cent(share: &serde_json::Value) -> f64 {
    share
        .as_str()
        .and_then(|share| share.strip_suffix('%')?.parse().ok())
        .unwrap_or_else(|| panic!("a share: {share}"))
}

#[tokio::test]
async fn a_killed_server_resumes_its_stage_and_never_shows_green_to_more_clients() {
    let engines = [Book::engine(BLUE, Timing::instant()).await, Book::engine(GREEN, Timing::instant()).await];
    let workspace = Workspace::rollout(&engines[0].url(), &engines[1].url());
    // Long enough that the kill falls into the first step on any machine.
    workspace.change("goldgate.toml", "dwell = { min = \"1s\"", "dwell = { min = \"4s\"");
    let questions = Book::open().questions;

    let serve = Serve::start(&workspace).await;
    let traffic = Traffic::start(&serve.clients, &questions);
    serve.admin.start("r1").await;
    serve.admin.wait_for_stage("ramp[0]").await;
    let epoch = serve.admin.status().await["epoch"].clone();
    serve.process.kill().await;
    let heard = traffic.stop().await;
    assert!(heard.iter().any(|Heard { answer, .. }| answer.is_ok()), "clients were served before the kill");

    let evidence = workspace.path("evidence/rollout=r1");
    let kept = read_evidence(&evidence).expect("the mirror's evidence is on disk").len() as u64;
    let mut serve = Serve::start(&workspace).await;
    let first = serve.admin.routes().await;
    let share = per_cent(&first["candidate_share"]);
    assert!(share <= FIRST_SHARE, "{share} % after the restart, and {FIRST_SHARE} % was stored: {first}");
    assert_eq!(first["baseline"], "blue");
    let status = serve.admin.status().await;
    assert_eq!((&status["stage"], &status["epoch"]), (&json!("ramp[0]"), &epoch), "{status:#}");
    assert!(status["records"].as_u64() >= Some(kept), "{kept} records were on disk, and it says {status:#}");
    assert!(serve.process.says("rollout r1 goes on").await.contains("ramp 25%"));

    let traffic = Traffic::start(&serve.clients, &questions);
    let shares = shares_until_promoted(&serve).await;
    assert!(shares.windows(2).all(|pair| pair[0] <= pair[1]), "shares of green went {shares:?}");
    assert!(shares.first().is_some_and(|first| *first <= FIRST_SHARE), "{shares:?}");
    for Heard { question, answer } in traffic.stop().await {
        answer.unwrap_or_else(|error| panic!("question {question} after the restart: {error}"));
    }
    assert_eq!(serve.stop().await.code, Some(0));
    check_whole(evidence, kept);
}

/// The shares that were published, each once, from the restart until everything is green's.
async fn shares_until_promoted(serve: &Serve) -> Vec<f64> {
    let mut shares: Vec<f64> = Vec::new();
    let promoted = until("a promotion after the restart", async || {
        let routes = serve.admin.routes().await;
        let green_serves_all = routes["baseline"] == "green";
        let share = if green_serves_all { 100.0 } else { per_cent(&routes["candidate_share"]) };
        if shares.last() != Some(&share) {
            shares.push(share);
        }
        green_serves_all.then_some(())
    });
    tokio::time::timeout(Duration::from_secs(100), promoted).await.expect("a promotion after the restart");
    shares
}

/// The evidence of both lives is one body without a gap, read as anyone would who judges it again.
fn check_whole(evidence: PathBuf, kept: u64) {
    let records = read_evidence(&evidence).expect("evidence without a gap");
    assert!(records.len() as u64 > kept, "nothing was added to {kept} records after the restart");
    let mut ids: Vec<_> = records.iter().map(|record| record.id().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), records.len(), "a request entered the evidence twice");
}
