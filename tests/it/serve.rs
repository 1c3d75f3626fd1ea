//! `goldgate serve` with clients in it: alone, through a whole rollout, and on the ways back.

use goldgate::mock_engine::Timing;
use serde_json::json;

use crate::rig::{Answer, Ask, BLUE, Book, GREEN, Heard, Metrics, Serve, Traffic, Workspace};

/// A configuration that names one engine and nothing else.
const ALONE: &str = r#"version = 1
[server]
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
[slots.blue]
endpoints = ["{{blue}}"]
"#;

#[tokio::test]
async fn one_slot_and_no_release_is_a_plain_proxy_that_says_so() {
    let (book, engine) = (Book::open(), Book::engine(BLUE, Timing::instant()).await);
    let workspace = Workspace::empty();
    workspace.write("goldgate.toml", &ALONE.replace("{{blue}}", &engine.url()));
    let mut serve = Serve::start(&workspace).await;
    assert!(serve.greeting.contains("from blue"), "{}", serve.greeting);
    assert!(serve.process.says("warning: slots.blue").await.contains("has no release"));
    for stream in [true, false] {
        // No model is configured, so the engine's own name passes.
        let ask = Ask { stream, fields: json!({"model": BLUE}), ..Ask::new(&book.questions[0]) };
        let answer = serve.clients.ask(&ask).await.unwrap();
        assert_eq!(answer.content, book.answer(BLUE, 0));
        assert_eq!((answer.arm.as_str(), answer.release.as_str()), ("baseline", "unlocked:blue"));
    }
    let metrics = serve.admin.metrics().await;
    let endpoint = engine.url().replace("http://", "");
    for name in ["requests_in_flight", "failures_total", "ejections_total", "ejected"] {
        let labels = format!("slot=\"blue\",arm=\"baseline\",endpoint=\"{endpoint}\"");
        assert_eq!(metrics.value(&format!("goldgate_endpoint_{name}{{{labels}}}")), 0.0, "{name}");
    }
    serve.admin.start("r1").await;
    let over = serve.admin.wait("end of a rollout without releases", |status| status["mode"] == "over").await;
    assert_eq!((&over["decided"]["ending"], &over["decided"]["exit_code"]), (&json!("invalid"), &json!(4)));
    assert!(over["decided"]["why"].as_str().unwrap().contains("has no release"), "{over:#}");
    assert_eq!(serve.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_good_candidate_is_promoted_and_no_client_notices() {
    let (world, workspace, serve) = World::serving(|_| ()).await;
    let traffic = Traffic::start(&serve.clients, &world.book.questions);
    serve.admin.start("r1").await;
    let half = serve.admin.wait("half of the clients on green", |status| status["share"] == "50%").await;
    assert_eq!(half["stage"], "ramp[1]");
    let metrics = serve.admin.metrics().await;
    check_half_way(&metrics);
    let promoted = serve.admin.wait_for_stage("keep_warm").await;
    assert_eq!(
        (&promoted["decided"]["ending"], &promoted["decided"]["exit_code"]),
        (&json!("promoted"), &json!(0))
    );
    let heard = traffic.stop().await;
    let [blue, green] = ["blue", "green"].map(|slot| workspace.short_id(slot));
    let mut candidates = 0;
    for answer in world.whole(&heard, &blue, &green) {
        // Green is the candidate until it is the baseline; blue is never asked as a candidate.
        match answer.arm.as_str() {
            "candidate" => candidates += usize::from(answer.release == green),
            arm => assert_eq!(arm, "baseline"),
        }
        assert!(answer.arm == "baseline" || answer.release == green, "{answer:?}");
        assert_eq!(answer.cache, "bypass");
    }
    assert!(candidates > 10, "only {candidates} answers came from the candidate");
    let last = serve.clients.ask(&Ask::new(&world.book.questions[3])).await.unwrap();
    assert_eq!((last.arm.as_str(), last.release), ("baseline", green));
    let history = serve.admin.history().await;
    for stage in ["ramp 25%", "ramp 50%", "ramp 100%", "keep warm"] {
        assert!(history.iter().any(|note| note.contains(&format!("→ {stage}"))), "{stage}: {history:#?}");
    }
    assert_eq!(serve.stop().await.code, Some(0));
}

/// The page of half-way: the share that is published, and copies that add up.
fn check_half_way(metrics: &Metrics) {
    for arm in ["baseline", "candidate"] {
        let share = metrics.value(&format!("goldgate_traffic_share{{arm=\"{arm}\"}}"));
        assert!((share - 0.5).abs() < 1e-9, "{arm}: {share}");
    }
    let fate =
        |fate: &str| metrics.value(&format!("goldgate_copies_total{{kind=\"mirror\",fate=\"{fate}\"}}"));
    assert!(fate("paired") > 0.0 && fate("offered") >= fate("sent"), "{metrics:#?}");
    assert!(metrics.value("goldgate_store_works") > 0.0);
    assert!(metrics.event("relayed_candidate") > 0.0);
}

#[tokio::test]
async fn an_abort_in_the_mirror_leaves_every_client_on_blue() {
    let (world, workspace, serve) = World::serving(|workspace| {
        workspace.change("goldgate.toml", "mirror = { min = \"1s\"", "mirror = { min = \"90s\"");
    })
    .await;
    let traffic = Traffic::start(&serve.clients, &world.book.questions);
    serve.admin.start("r1").await;
    serve.admin.wait("evidence in the mirror", |status| status["records"].as_u64() > Some(20)).await;
    let over = serve.admin.verb("abort").await;
    assert_eq!((&over["stage"], &over["mode"]), (&json!("rolled_back"), &json!("over")));
    assert_eq!((&over["decided"]["ending"], &over["decided"]["exit_code"]), (&json!("operator"), &json!(1)));
    let routes = serve.admin.routes().await;
    let shares =
        ["baseline", "candidate_share", "mirror_share"].map(|key| routes[key].as_str().unwrap_or_default());
    assert_eq!(shares, ["blue", "0%", "0%"]);
    let [blue, green] = ["blue", "green"].map(|slot| workspace.short_id(slot));
    for answer in world.whole(&traffic.stop().await, &blue, &green) {
        assert_eq!((answer.arm.as_str(), &answer.release), ("baseline", &blue));
    }
    assert_eq!(serve.stop().await.code, Some(0));
}

/// Two engines of this process and what they are known to answer.
pub(crate) struct World {
    pub(crate) book: Book,
    _engines: [goldgate::mock_engine::Running; 2],
}

impl World {
    /// A server from blue to green, its configuration changed by `change`.
    pub(crate) async fn serving(change: impl FnOnce(&Workspace)) -> (Self, Workspace, Serve) {
        let engines =
            [Book::engine(BLUE, Timing::instant()).await, Book::engine(GREEN, Timing::instant()).await];
        let workspace = Workspace::rollout(&engines[0].url(), &engines[1].url());
        change(&workspace);
        let serve = Serve::start(&workspace).await;
        (Self { book: Book::open(), _engines: engines }, workspace, serve)
    }

    /// Every answer, each of them whole and, to its last letter, what its release says to the question.
    fn whole<'h>(&self, heard: &'h [Heard], blue: &str, green: &str) -> Vec<&'h Answer> {
        assert!(heard.len() > 20, "only {} questions were asked", heard.len());
        let answers = heard.iter().map(|Heard { question, answer }| {
            let answer = answer.as_ref().unwrap_or_else(|error| panic!("question {question}: {error}"));
            assert!([blue, green].contains(&answer.release.as_str()), "{answer:?}");
            let model = if answer.release == blue { BLUE } else { GREEN };
            assert_eq!(
                answer.content,
                self.book.answer(model, *question),
                "question {question} from {model}"
            );
            answer
        });
        answers.collect()
    }
}
