//! Every story of `goldgate demo` ends as it is told, leaves a page, and can be judged again to the same bytes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::rig::{Ended, Workspace, run, run_within};

/// A story takes under two minutes where the program is optimised, and several where it is not.
const LONGEST: Duration = Duration::from_secs(1_800);

/// Who ended a story.
#[derive(Clone, Copy)]
enum Decided {
    /// By the golden gate, whose answers the run does not keep.
    AtTheGate,
    /// By users' requests, which lie in the evidence.
    OnTraffic,
}

/// Tells a story in a folder of its own.
async fn tell(scenario: &str) -> (Workspace, Ended) {
    let workspace = Workspace::empty();
    let args = ["demo", "--scenario", scenario, "--seed", "1", "--out", "run"];
    let ended = run_within(LONGEST, workspace.root(), &args).await;
    (workspace, ended)
}

fn verdict(workspace: &Workspace) -> Vec<u8> {
    fs::read(workspace.path("run/verdict.json")).expect("a verdict")
}

async fn check(scenario: &str, code: i32, decided: Decided) {
    let (workspace, ended) = tell(scenario).await;
    assert_eq!(ended.code, Some(code), "{scenario}:\n{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("exit code {code}")), "{}", ended.stderr);
    let page = fs::read_to_string(workspace.path("run/report.html")).expect("a page");
    assert!(page.contains("<svg") && page.contains(scenario), "{scenario}: a page without a drawing");
    check_judged_again(workspace.root(), code, decided, &verdict(&workspace)).await;
}

async fn check_judged_again(folder: &Path, code: i32, decided: Decided, verdict: &[u8]) {
    let judged = run(folder, &["judge", "run", "--format", "json"]).await;
    match decided {
        Decided::AtTheGate => {
            assert_eq!(judged.code, Some(2), "{}", judged.stderr);
            assert!(judged.stderr.contains("the golden gate gave this verdict"), "{}", judged.stderr);
        }
        Decided::OnTraffic => {
            assert_eq!(judged.code, Some(code), "{}", judged.stderr);
            let [again, then] = [&judged.stdout, verdict].map(String::from_utf8_lossy);
            assert_eq!(again, then, "judged again, and not the same");
        }
    }
}

#[tokio::test]
async fn a_better_model_is_promoted() {
    check("good", 0, Decided::OnTraffic).await;
}

#[tokio::test]
async fn a_worse_model_does_not_pass_the_gate() {
    check("worse-answers", 1, Decided::AtTheGate).await;
}

#[tokio::test]
async fn a_slow_tail_is_found_in_the_mirror() {
    check("slow-tail", 1, Decided::OnTraffic).await;
}

#[tokio::test]
async fn errors_are_found_in_the_mirror() {
    check("errors", 1, Decided::OnTraffic).await;
}

#[tokio::test]
async fn a_lost_question_is_found_in_the_mirror() {
    check("broken-template", 1, Decided::OnTraffic).await;
}

#[tokio::test]
async fn too_little_traffic_promotes_nothing() {
    check("too-little-traffic", 3, Decided::OnTraffic).await;
}

#[tokio::test]
async fn one_seed_is_one_verdict_byte_for_byte() {
    let ((first, _), (second, _)) = tokio::join!(tell("errors"), tell("errors"));
    let [first, second] =
        [first, second].map(|workspace| String::from_utf8(verdict(&workspace)).expect("a text"));
    assert_eq!(first, second);
}
