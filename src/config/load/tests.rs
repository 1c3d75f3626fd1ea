//! What is accepted, and what is said of what is not.

use std::time::Duration;

use super::*;
use crate::domain::{AnswerRule, LengthRange, Share};

const SLOT: &str = "version = 1\n[slots.blue]\nendpoints = [\"http://127.0.0.1:1\"]\n";

fn parse(text: &str) -> Result<Config, Faults> {
    Config::parse("goldgate.toml", text, Path::new("conf"), [])
}

/// The faults of `SLOT` followed by `text`, one line each, without hints.
fn check(text: &str, expected: &[&str]) {
    let faults = parse(&format!("{SLOT}{text}")).expect_err(text).to_string();
    let lines: Vec<_> = faults.lines().filter(|line| !line.starts_with("  hint")).collect();
    assert_eq!(lines, expected, "{faults}");
}

#[test]
fn what_is_never_otherwise_can_be_written_down() {
    assert!(
        parse(&format!("{SLOT}[server]\non_client_gone = \"cancel\"\n[evidence]\ncontent = \"hash\"\n"))
            .is_ok()
    );
    check(
        "[server]\non_client_gone = \"keep\"\n",
        &["goldgate.toml:5:18: server.on_client_gone: \"keep\" is not one of: cancel"],
    );
    check(
        "[evidence]\ncontent = \"text\"\n",
        &["goldgate.toml:5:11: evidence.content: \"text\" is not one of: hash"],
    );
}

#[test]
fn a_warm_up_spends_its_part_of_the_budget_before_live_evidence_does() {
    let alpha =
        |cache: &str| parse(&format!("{SLOT}[cache]\n{cache}")).unwrap().live_judge().policy.abort_alpha;
    let warm_up = "warm_up = { anonymous = true }";
    assert_eq!(
        (alpha("tier = \"exact\""), alpha(warm_up)),
        (0.01, 0.01),
        "without a cache nothing is warmed"
    );
    assert!((alpha(&format!("tier = \"exact\"\n{warm_up}")) - 0.009).abs() < 1e-12);
}

#[test]
fn live_graders_are_named_as_suites_name_them() {
    let graded = |lines: &str| {
        let metric = "[[judge.metrics]]\nname = \"error\"\nmargin = 0.01\nrequired = true\n[[judge.metrics]]\nname = \"x\"\nmargin = 0.02\n";
        parse(&format!("{SLOT}{metric}{lines}"))
            .map(|config| config.judge.graders.into_iter().map(|grader| grader.rule).collect::<Vec<_>>())
    };
    let not_refused = AnswerRule::Not(Box::new(AnswerRule::Refusal));
    for (lines, expected) in [
        ("regex = \"a\"", AnswerRule::Pattern("a".to_owned())),
        ("grader = \"regex@1\"\npattern = \"a\"", AnswerRule::Pattern("a".to_owned())),
        ("grader = \"json_valid@1\"", AnswerRule::JsonValid),
        (
            "grader = \"json_schema@2020-12\"\nschema = {type = \"object\"}",
            AnswerRule::JsonSchema("{\"type\":\"object\"}".to_owned()),
        ),
        ("grader = \"not-refusal@1\"", not_refused),
        ("grader = \"language@whatlang-0.18\"\nlanguage = \"eng\"", AnswerRule::Language("eng".to_owned())),
        (
            "grader = \"length@1\"\nwords_max = 9",
            AnswerRule::Length(LengthRange { words_max: Some(9), ..LengthRange::default() }),
        ),
    ] {
        assert_eq!(graded(lines), Ok(vec![expected]), "{lines}");
    }
    for (lines, expected) in [
        (
            "grader = \"f1@squad\"",
            "goldgate.toml:11:10: judge.metrics[1].grader: there is no grader \"f1@squad\" that needs no reference",
        ),
        (
            "grader = \"regex@1\"\npattern = \"(a\"",
            "goldgate.toml:12:11: judge.metrics[1].pattern: no usable pattern: error: unclosed group",
        ),
        (
            "grader = \"refusal@1\"\nregex = \"a\"",
            "goldgate.toml:12:9: judge.metrics[1].regex: stands beside `grader`",
        ),
        (
            "grader = \"refusal@1\"\nlanguage = \"eng\"",
            "goldgate.toml:12:1: judge.metrics[1].language: no such key",
        ),
    ] {
        let faults = graded(lines).unwrap_err().to_string();
        assert!(faults.starts_with(expected), "{faults}\nis not\n{expected}");
    }
}

#[test]
fn one_slot_is_enough_and_everything_else_has_a_default() {
    let config = parse(SLOT).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.green, None);
    assert_eq!(config.mirror.share, Share::from_ppm(10_000));
    assert_eq!(config.state.file, Path::new("conf/goldgate.db"));
    assert_eq!(config.judge.policy, crate::judgment::Policy::default_live());
    assert_eq!(config.rollout.plan.mirror.max(), Duration::from_secs(600));
}

#[test]
fn the_mirror_share_never_changes_unless_it_may() {
    let range = |lines: &str| parse(&format!("{SLOT}[mirror]\n{lines}")).unwrap().rollout.plan.mirror_range();
    assert!(range("share = \"3%\"\n").is_fixed());
    let range = range("share = \"2%\"\nshare_max = \"10%\"\n");
    assert_eq!((range.least, range.most), (Share::from_ppm(20_000), Share::from_ppm(100_000)));
}

#[test]
fn faults_name_place_rule_and_remedy_all_at_once() {
    check("[mirorr]\nshare = \"1%\"\n", &["goldgate.toml:4:2: mirorr: no such key"]);
    check(
        "[rollout]\nramp = [\"1%\", \"50%\", \"25%\", \"100%\"]\ndrain = \"-5s\"\n[mirror]\nshare = \"1\"\n",
        &[
            "goldgate.toml:5:22: rollout.ramp[2]: ramp shares must increase, but 25% follows 50%",
            "goldgate.toml:6:9: rollout.drain: a duration, not \"-5s\": expected number at 0",
            "goldgate.toml:8:9: mirror.share: a share is written as a percentage such as \"1%\" or \"0.25%\", not \"1\"",
        ],
    );
    check(
        "[mirror]\nshare = \"2%\"\nshare_max = \"1%\"\n",
        &["goldgate.toml:6:13: mirror.share_max: must not be below mirror.share, but 1% is below 2%"],
    );
    check(
        "[mirror]\nshare = \"0%\"\nshare_max = \"1%\"\n",
        &["goldgate.toml:6:13: mirror.share_max: grows from mirror.share, which is 0%"],
    );
    check(
        "[[judge.metrics]]\nname = \"error\"\nmargin = 3\nrequired = true\n",
        &["goldgate.toml:6:10: judge.metrics[0].margin: a share between 0 and 1, not 3"],
    );
    check(
        "[[judge.metrics]]\nname = \"helpful\"\nmargin = 0.02\n",
        &["goldgate.toml:5:8: judge.metrics[0].name: helpful is not a built-in metric"],
    );
    check(
        "[[judge.metrics]]\nname = \"sameness\"\nmargin = 0.02\n",
        &["goldgate.toml:4:1: judge.metrics: no metric is required: such a policy could never pass anything"],
    );
    check(
        "[[judge.metrics]]\nname = \"error\"\nmargin = 0.01\nrequired = true\nresolution = \"1ms\"\nmax = \"p9 1s\"\n",
        &[
            "goldgate.toml:8:14: judge.metrics[0].resolution: a metric of kind event has no resolution",
            "goldgate.toml:9:7: judge.metrics[0].max: a metric of kind event has no max",
            "goldgate.toml:9:7: judge.metrics[0].max: a limit, not \"p9 1s\"",
        ],
    );
    check("[server]\nlisten = 8080\n", &["goldgate.toml:5:10: server.listen: a text, not an integer"]);
    check(
        "[cache]\ntier = \"exakt\"\n",
        &["goldgate.toml:5:8: cache.tier: \"exakt\" is not one of: off, exact, semantic"],
    );
}

#[test]
fn broken_syntax_and_missing_files_are_told_like_everything_else() {
    let faults = parse("version = \n").unwrap_err().to_string();
    assert!(faults.starts_with("goldgate.toml:1:11: "), "{faults}");
    let missing = Config::load(Path::new("nowhere/goldgate.toml"), []).unwrap_err().to_string();
    assert!(missing.starts_with("nowhere/goldgate.toml: cannot be read"), "{missing}");
    assert!(missing.contains("goldgate init"), "{missing}");
    assert!(parse("version = 1\n").unwrap_err().to_string().contains("slots.blue: is required"));
}

#[test]
fn the_environment_wins_and_its_slips_are_told() {
    let load = |name: &str, value: &str| {
        Config::parse("goldgate.toml", SLOT, Path::new(""), [(name.to_owned(), value.to_owned())])
    };
    assert_eq!(load("GOLDGATE_SERVER__LISTEN", "127.0.0.1:9").unwrap().server.listen.port(), 9);
    assert_eq!(
        load("GOLDGATE_CONFIG", "x").unwrap(),
        parse(SLOT)
            .map(|mut config| {
                config.state.file = "goldgate.db".into();
                config.evidence.dir = "evidence".into();
                config
            })
            .unwrap()
    );
    let slip = load("GOLDGATE_SERVER__LISTNE", "127.0.0.1:9").unwrap_err().to_string();
    assert!(slip.starts_with("GOLDGATE_SERVER__LISTNE: server.listne cannot be set"), "{slip}");
}

#[test]
fn a_policy_digest_changes_with_every_rule() {
    use crate::config::policy_digest;
    let digest = |text: &str| policy_digest(&parse(&format!("{SLOT}{text}")).unwrap().judge);
    let metric = "[[judge.metrics]]\nname = \"error\"\nmargin = 0.01\nrequired = true\n";
    let latency = "[[judge.metrics]]\nname = \"ttft_ms\"\nmargin = \"5%\"\nrequired = true\n";
    let all = [
        digest(""),
        digest("[judge]\nabort_alpha = 0.02\n"),
        digest("[judge]\npairs_min = 7\n"),
        digest("[judge]\ntenant_max = \"25%\"\n"),
        digest(metric),
        digest(&metric.replace("0.01", "0.02")),
        digest(&format!("{metric}abort_margin = 0.03\n")),
        digest(latency),
        digest(&format!("{latency}max = \"p99 1s\"\n")),
        digest(&format!("{latency}resolution = \"5ms\"\n")),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[..at].contains(one), "{at}");
    }
    assert_eq!(digest(metric), digest(metric));
}

#[test]
fn limits_on_clients_that_are_none_are_told() {
    check(
        "[server]\nnode = \"a b\"\n",
        &["goldgate.toml:5:8: server.node: at most 32 letters, digits and signs without a space"],
    );
    check(
        "[server]\npass_through = [\"/v1/*\"]\n",
        &["goldgate.toml:5:17: server.pass_through[0]: a path, without wildcards"],
    );
    check(
        "[server.limits]\nrequests_max = 0\n",
        &["goldgate.toml:5:16: server.limits.requests_max: a whole number from 1 to 1048575, not 0"],
    );
    check(
        "[server.limits]\nstreams_max = 5\n",
        &["goldgate.toml:5:1: server.limits.streams_max: no such key"],
    );
}
