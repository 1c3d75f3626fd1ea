//! The dashboard in a real browser: what a person sees while a rollout is under way.

use goldgate::mock_engine::Timing;
use tokio::process::Command;

use crate::rig::{BLUE, Book, GREEN, Serve, Traffic, Workspace, within};

/// The page as headless Chromium has it once its script ran; its clock is virtual, so that an event stream that never
/// ends does not hold it up.
async fn page(url: &str) -> String {
    let profile = tempfile::tempdir().expect("a folder for the browser");
    let mut browser = Command::new("chromium");
    browser.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
    ]);
    browser.args([
        "--disable-component-update",
        "--disable-sync",
        "--virtual-time-budget=4000",
        "--dump-dom",
    ]);
    browser.arg(format!("--user-data-dir={}", profile.path().display())).arg(url).kill_on_drop(true);
    let shown = within("the browser", browser.output()).await.expect("chromium: tests/run installs it");
    String::from_utf8(shown.stdout).expect("a page is text")
}

#[tokio::test]
async fn a_person_sees_the_stage_the_split_and_the_verdict() {
    let book = Book::open();
    let (blue, green) =
        (Book::engine(BLUE, Timing::instant()).await, Book::engine(GREEN, Timing::instant()).await);
    let workspace = Workspace::rollout(&blue.url(), &green.url());
    let serve = Serve::start(&workspace).await;
    let traffic = Traffic::start(&serve.clients, &book.questions);
    serve.admin.start("seen-by-people").await;
    serve.admin.wait_for_stage("keep_warm").await;
    let page = page(&serve.admin.url("/")).await;
    traffic.stop().await;
    for text in [
        "goldgate · seen-by-people",
        "class=\"now\">keep warm",
        "promoted",
        "→ ramp 100%",
        "rollback</button>",
    ] {
        assert!(page.contains(text), "{text} is not on the page:\n{page}");
    }
    assert_eq!(serve.stop().await.code, Some(0));
}
