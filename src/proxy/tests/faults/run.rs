//! Plays one fault to one role and compares everything that must come of it.

use tokio::time::timeout;

use super::super::copies::adds_up;
use super::super::rig::*;
use super::{Cell, Evidence, Fault, Line, Sees, good_body, good_stream, streams};
use crate::domain::{Arm, Finish, Outcome, Share};
use crate::evidence::{Halves, Pairing, PairingOptions, Record, Sample, StageSplit};
use crate::routing::{RouteTable, StickyKey, assign};
use crate::upstream::testing::{Engine, Step};

/// Far beyond every limit in the table: what has not come by then never does.
const NEVER: std::time::Duration = std::time::Duration::from_secs(60);

/// Whom the faulty engine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Baseline,
    Candidate,
    Mirror,
}

/// What the client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Stream,
    Plain,
}

/// The route that is asked, and what a good engine answers there.
pub(super) struct Route {
    pub(super) path: &'static str,
    /// A request with these fields.
    pub(super) asks: fn(&str) -> String,
    pub(super) good_stream: fn() -> String,
    pub(super) good_body: fn() -> String,
}

const ON_CHAT: Route = Route { path: CHAT, asks: chat, good_stream, good_body };

pub(super) const ROLES: [Role; 3] = [Role::Baseline, Role::Candidate, Role::Mirror];
pub(super) const MODES: [Mode; 2] = [Mode::Stream, Mode::Plain];

/// Plays a fault on the chat route to every role in both modes.
pub(super) async fn check(fault: Fault) {
    check_on(&ON_CHAT, fault).await;
}

/// The same on another route.
pub(super) async fn check_on(route: &Route, fault: Fault) {
    for mode in MODES {
        let [baseline, candidate, mirror] = ROLES.map(|role| cell_on(route, &fault, role, mode));
        tokio::join!(baseline, candidate, mirror);
    }
}

/// Plays a fault on the chat route to one role in one mode.
pub(super) async fn cell(fault: &Fault, role: Role, mode: Mode) {
    cell_on(&ON_CHAT, fault, role, mode).await;
}

async fn cell_on(route: &Route, fault: &Fault, role: Role, mode: Mode) {
    let name = format!("{} on {}, {role:?}, {mode:?}", fault.name, route.path);
    assert!(timeout(NEVER, play(&name, route, fault, (role, mode))).await.is_ok(), "{name}: hangs");
}

async fn play(name: &str, route: &Route, fault: &Fault, (role, mode): (Role, Mode)) {
    let (expected, fields, good) = match mode {
        Mode::Stream => (&fault.stream, r#","stream":true"#, streams(&(route.good_stream)())),
        Mode::Plain => (&fault.plain, "", plain(&(route.good_body)())),
    };
    let asked = (route.asks)(fields);
    let (good, faulty) = (Engine::always(good).await, Engine::always(expected.plays.clone()).await);
    let (blue, green) = if role == Role::Baseline { (&faulty, &good) } else { (&good, &faulty) };
    let mut rig = Rig::new(blue, Some(green), |setup| {
        setup.timeouts = fault.limits;
        setup.options.mirror.timeouts = fault.limits;
        setup.table = table(role);
    })
    .await;
    let faulty = Some(faulty).filter(|_| expected.line != Line::Refused);
    let headers = format!("x-request-id: r1\r\nx-session-id: {}\r\n", session(role));
    let answer = rig.client().await.ask(route.path, &headers, &asked).await;
    let sample = rig.sample().await;
    match role {
        Role::Mirror => unharmed(name, route, &answer, mode),
        Role::Baseline | Role::Candidate => {
            harmed(name, &answer, &expected.sees);
            assert_eq!(
                answer.header("retry-after"),
                fault.name.contains("Retry-After").then_some("7"),
                "{name}"
            );
        }
    }
    evidence(name, &sample, role, expected);
    if let Some(engine) = &faulty {
        line(name, &rig, engine, (route.path, &headers, &asked), expected.line).await;
    }
    books(name, rig, role, &expected.sees).await;
}

fn plain(body: &str) -> Vec<Step> {
    vec![Step::Send([super::sized("application/json", body.len()), body.to_owned()].concat().into_bytes())]
}

fn table(role: Role) -> RouteTable {
    match role {
        Role::Baseline | Role::Candidate => split(Share::from_ppm(500_000)),
        Role::Mirror => {
            let mut table = all_mirrored();
            table.mirror.null_share = Share::ZERO;
            table
        }
    }
}

/// A session that an even split puts on the role's arm.
fn session(role: Role) -> String {
    let table = table(role);
    let arm = if role == Role::Candidate { Arm::Candidate } else { Arm::Baseline };
    let lands = |name: &String| {
        let key = StickyKey(format!("header:x-session-id={name}").into_bytes());
        assign(&key, table.split, table.salt) == arm
    };
    (0..).map(|number| format!("s{number}")).find(lands).unwrap()
}

/// What the client of a faulty engine sees.
fn harmed(name: &str, answer: &Answer, sees: &Sees) {
    let (status, is_whole) = (answer.status, answer.is_whole);
    match sees {
        Sees::Whole(expected, body) => {
            assert_eq!((status, is_whole), (*expected, true), "{name}");
            same(name, &answer.body, body);
        }
        Sees::Cut(body) => {
            assert_eq!((status, is_whole), (200, false), "{name}");
            same(name, &answer.body, body);
        }
        Sees::Error(expected, code) => {
            assert_eq!((status, is_whole), (*expected, true), "{name}");
            let error: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(
                (&error["error"]["code"], &error["error"]["type"]),
                (&(*code).into(), &"server_error".into())
            );
            assert!(!answer.body.contains("127.0.0.1"), "{name}: {}", answer.body);
        }
    }
}

/// Equal, without printing 100 MB where they are not.
fn same(name: &str, body: &str, expected: &str) {
    let start = |text: &str| text.chars().take(400).collect::<String>();
    assert!(body == expected, "{name}: {} is not {}", start(body), start(expected));
}

/// What a client sees whose copy fails: the answer without any fault, to the byte and in every header.
fn unharmed(name: &str, route: &Route, answer: &Answer, mode: Mode) {
    let (body, kind) = match mode {
        Mode::Stream => ((route.good_stream)(), "text/event-stream"),
        Mode::Plain => ((route.good_body)(), "application/json"),
    };
    let length = (mode == Mode::Plain).then(|| body.len().to_string());
    assert_eq!((answer.status, answer.is_whole), (200, true), "{name}");
    same(name, &answer.body, &body);
    let expected = [
        ("content-type", Some(kind)),
        ("content-length", length.as_deref()),
        ("transfer-encoding", (mode == Mode::Stream).then_some("chunked")),
        ("x-goldgate-request-id", Some("r1")),
        ("x-goldgate-release", Some("sem:blue")),
        ("x-goldgate-arm", Some("baseline")),
        ("x-goldgate-cache", Some("bypass")),
    ];
    for (header, value) in expected {
        assert_eq!(answer.header(header), value, "{name}: {header}");
    }
    let present = expected.iter().filter(|(_, value)| value.is_some()).count();
    // The others are `date` and `server-timing`; the first line is the status.
    assert_eq!(answer.head.trim_end().lines().count(), 1 + present + 2, "{name}: {}", answer.head);
}

/// The outcome, and the record that pairing makes of the sample.
fn evidence(name: &str, sample: &Sample, role: Role, expected: &Cell) {
    let mut pairing = Pairing::new(PairingOptions::of(7));
    pairing.open_stage(StageSplit { candidate: sample.serving.share, mirrored: Share::ZERO });
    let records = pairing.records(sample);
    let lost = role == Role::Mirror && expected.evidence == Evidence::Lost;
    let outcome = match role {
        Role::Mirror => {
            assert_eq!(sample.serving.outcome, Outcome::Complete(Finish::Stop), "{name}");
            sample.copied.sent().unwrap().candidate.as_ref().map(|copy| copy.outcome)
        }
        Role::Baseline | Role::Candidate => Some(sample.serving.outcome),
    };
    assert_eq!(outcome, (!lost).then_some(expected.outcome), "{name}");
    let class = match records.as_slice() {
        [Record::Pair(pair)] if role == Role::Mirror => {
            let half = |metric: &str| half_of(&pair.metrics, metric);
            assert_eq!((half("error").baseline, half("broken").baseline), (Some(0.0), Some(0.0)), "{name}");
            class(half("error").candidate, half("broken").candidate)
        }
        [Record::Arrival(arrival)] if role != Role::Mirror => {
            assert_eq!(arrival.arm == Arm::Candidate, role == Role::Candidate, "{name}");
            let value = |metric: &str| arrival.metrics.iter().find(|(known, _)| known.as_str() == metric);
            class(value("error").map(|(_, value)| *value), value("broken").map(|(_, value)| *value))
        }
        other => panic!("{name}: {other:?}"),
    };
    let towards_client =
        if expected.evidence == Evidence::Lost { Evidence::Broken } else { expected.evidence };
    assert_eq!(class, if lost { Evidence::Lost } else { towards_client }, "{name}");
}

fn half_of(metrics: &[(crate::domain::MetricName, Halves)], name: &str) -> Halves {
    metrics.iter().find(|(known, _)| known.as_str() == name).unwrap().1
}

fn class(error: Option<f64>, broken: Option<f64>) -> Evidence {
    match (error, broken) {
        (Some(0.0), Some(0.0)) => Evidence::Sound,
        (Some(1.0), Some(0.0)) => Evidence::Error,
        (Some(0.0), Some(1.0)) => Evidence::Broken,
        (None, None) => Evidence::Lost,
        both => panic!("{both:?} is no class of evidence"),
    }
}

/// The connection to the engine: closed, or carrying the next request.
async fn line(name: &str, rig: &Rig, engine: &Engine, (path, headers, body): (&str, &str, &str), line: Line) {
    if line == Line::Closed {
        engine.gone().await;
        return;
    }
    rig.client().await.ask(path, &headers.replace("r1", "r2"), body).await;
    engine.arrived(2).await;
    assert_eq!(engine.connections(), 1, "{name}");
}

/// What the proxy counted; nothing is left behind.
async fn books(name: &str, rig: Rig, role: Role, sees: &Sees) {
    let before = rig.counters.snapshot().requests;
    if role == Role::Mirror {
        assert_eq!((before.broken, before.refused_server), (0, 0), "{name}");
    } else {
        assert_eq!(before.broken > 0, matches!(sees, Sees::Cut(_)), "{name}");
        assert_eq!(before.refused_server > 0, matches!(sees, Sees::Error(..)), "{name}");
    }
    assert_eq!(rig.proxy.drain().await.cut, 0, "{name}");
    let counts = rig.counters.snapshot();
    assert_eq!((counts.in_flight, counts.requests.client_gone), (0, 0), "{name}");
    adds_up(&counts.mirror);
}
