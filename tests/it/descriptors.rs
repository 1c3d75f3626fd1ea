//! A process that runs out of descriptors: it says so, and blames no engine.

use std::collections::BTreeSet;
use std::time::Duration;

use goldgate::mock_engine::Timing;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::rig::{Ask, BLUE, Book, Serve, Workspace};

/// Kept connections to an engine are closed after four seconds, and looked through every five.
const NONE_KEPT_AFTER: Duration = Duration::from_secs(10);

/// The first number that no descriptor of the process has; what it opens next would get it.
fn next_descriptor(pid: i32) -> u64 {
    let names = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let held: BTreeSet<u64> =
        names.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok()).collect();
    (0..).find(|number| !held.contains(number)).unwrap()
}

#[tokio::test]
async fn want_of_descriptors_is_a_503_and_no_fault_of_an_engine() {
    let (book, blue) = (Book::open(), Book::engine(BLUE, Timing::instant()).await);
    let workspace = Workspace::rollout(&blue.url(), &blue.url());
    let serve = Serve::start(&workspace).await;
    let ask = Ask::new(&book.questions[0]);
    assert!(serve.clients.finds("/v1/models").await, "a connection to the proxy stands");
    tokio::time::sleep(NONE_KEPT_AFTER).await;

    let pid = serve.process.id();
    let id = Pid::from_raw(pid);
    // It was raised to the hard limit when it started, which is this one's as well.
    let hard = getrlimit(Resource::Nofile).maximum;
    let before =
        prlimit(id, Resource::Nofile, Rlimit { current: Some(next_descriptor(pid)), maximum: hard }).unwrap();
    assert_eq!(before.current, hard, "the soft limit was raised");
    let refused = serve.clients.ask(&ask).await;
    prlimit(id, Resource::Nofile, before).unwrap();

    let error = refused.err().expect("no descriptor is left for a connection to the engine");
    assert!(error.contains("503") && error.contains("overloaded"), "{error}");
    let metrics = serve.admin.metrics().await;
    assert_eq!(metrics.event("exhausted"), 1.0);
    let endpoint = blue.url().replace("http://", "");
    let labels = format!("slot=\"blue\",arm=\"baseline\",endpoint=\"{endpoint}\"");
    assert_eq!(metrics.value(&format!("goldgate_endpoint_failures_total{{{labels}}}")), 0.0);
    assert!(serve.clients.ask(&ask).await.is_ok(), "and all is well again");
}
