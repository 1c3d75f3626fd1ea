//! Runs the plain-text scenarios in `scenarios/`: commands, and below each what the machine asked for.
//!
//! A line that starts with `> ` is a command; the lines up to the next one are what it printed. With
//! `UPDATE_SCENARIOS=1` the files are written anew instead of compared; read the difference before
//! you keep it.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::domain::{RolloutId, Share, Slot, Timestamp};
use crate::judgment::{Reason, Verdict};
use crate::routing::{MirrorPlan, RouteTable};

struct World {
    plan: Plan,
    now: Timestamp,
    rollout: Option<Rollout>,
}

pub(super) fn percent(text: &str) -> Share {
    text.parse().unwrap()
}

pub(super) fn plan(on_inconclusive: OnInconclusive) -> Plan {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    Plan {
        mirror: Window::new(minutes(5), minutes(10)).unwrap(),
        copies: MirrorPlan { share: percent("1%"), null_share: percent("0.25%") },
        copies_max: percent("4%"),
        ramp: Ramp::new(["1%", "25%", "100%"].map(percent).to_vec()).unwrap(),
        dwell: Window::new(minutes(10), minutes(20)).unwrap(),
        drain: minutes(1),
        keep_warm: minutes(60),
        on_inconclusive,
    }
}

fn show_table(table: &RouteTable) -> String {
    let share = |arm| format!("{} {arm}", table.slot(arm));
    format!(
        "publish v{} epoch {}: {} {}, {} {}; mirror {} null {}",
        table.version,
        table.epoch,
        share(crate::domain::Arm::Baseline),
        Share::from_ppm(Share::FULL.ppm() - table.split.candidate().ppm()),
        share(crate::domain::Arm::Candidate),
        table.split.candidate(),
        table.mirror.share,
        table.mirror.null_share,
    )
}

fn show(effect: &Effect) -> String {
    let what = match &effect.kind {
        EffectKind::Publish(table) => show_table(table),
        EffectKind::Prepare { epoch } => format!("prepare (epoch {epoch})"),
        EffectKind::RunGate { epoch } => format!("run gate (epoch {epoch})"),
        EffectKind::OpenStage { stage } => format!("open stage {stage}"),
        EffectKind::ResetEvidence { epoch } => format!("reset evidence to epoch {epoch}"),
        EffectKind::Drain { limit } => format!("drain within {}s", limit.as_secs()),
        EffectKind::Notify { text, .. } => format!("say: {text}"),
    };
    format!("{} {what}", effect.id)
}

impl World {
    fn run(&mut self, command: &str) -> String {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        match verb {
            "plan" => {
                self.plan.on_inconclusive =
                    if rest.contains("rollback") { OnInconclusive::Rollback } else { OnInconclusive::Hold };
                String::new()
            }
            "start" => self.start(),
            "status" => self.status(),
            "wait" => {
                self.now = self.now.plus(humantime::parse_duration(rest).unwrap());
                self.hear(Event::Tick)
            }
            "restart" => self.restart(rest),
            "promote" | "pause" | "resume" | "abort" | "rollback" => self.operator(verb, rest),
            _ => self.hear(self.event(verb, rest)),
        }
    }

    fn start(&mut self) -> String {
        let start = Start {
            id: RolloutId::from("r1"),
            plan: self.plan.clone(),
            baseline: Slot::Blue,
            epoch: 7,
            table_version: 40,
        };
        let (rollout, effects) = Rollout::begin(start, self.now);
        self.rollout = Some(rollout);
        effects.iter().map(|effect| show(effect) + "\n").collect()
    }

    fn machine(&self) -> &Rollout {
        self.rollout.as_ref().expect("start comes first")
    }

    fn event(&self, verb: &str, rest: &str) -> Event {
        let epoch = self.machine().parts().epoch;
        match verb {
            "prepared" if rest.is_empty() => Event::Prepared { epoch, result: Ok(()) },
            "prepared" => Event::Prepared { epoch, result: Err(rest.to_owned()) },
            "stale-prepared" => Event::Prepared { epoch: epoch - 1, result: Ok(()) },
            "gate" => Event::GateFinished(self.verdict(rest)),
            "judge" => Event::Judged(self.verdict(rest)),
            "share" => {
                Event::MirrorShare { epoch, share: percent(rest), why: "80 more pairs are needed".to_owned() }
            }
            "drained" => Event::Drained,
            "changed" => Event::DigestChanged { what: format!("{rest} changed") },
            "store" if rest == "lost" => Event::StateUnreadable,
            "store" => Event::StateReadable,
            _ => panic!("no such command: {verb}"),
        }
    }

    /// `VERDICT [epoch=N] [stage=NAME] [text …]`
    fn verdict(&self, rest: &str) -> StageVerdict {
        let mut words = rest.split_whitespace().peekable();
        let verdict = match words.next().unwrap() {
            "pass" => Verdict::Pass,
            "fail" => Verdict::Fail,
            "inconclusive" => Verdict::Inconclusive,
            "invalid" => Verdict::Invalid,
            other => panic!("no such verdict: {other}"),
        };
        let mut said = StageVerdict {
            epoch: self.machine().parts().epoch,
            stage: self.machine().stage(),
            verdict,
            reasons: Vec::new(),
        };
        let mut text = Vec::new();
        for word in words {
            match word.split_once('=') {
                Some(("epoch", epoch)) => said.epoch = epoch.parse().unwrap(),
                Some(("stage", stage)) => said.stage = stage.parse().unwrap(),
                _ => text.push(word),
            }
        }
        if !text.is_empty() {
            said.reasons.push(Reason::Note(text.join(" ")));
        }
        said
    }

    fn operator(&mut self, verb: &str, rest: &str) -> String {
        let why = rest.to_owned();
        let command = match verb {
            "promote" => OperatorCommand::Promote,
            "pause" => OperatorCommand::Pause,
            "resume" => OperatorCommand::Resume,
            "abort" => OperatorCommand::Abort { why },
            _ => OperatorCommand::Rollback { why },
        };
        let refused = self.machine().permits(&command).err();
        let effects = self.hear(Event::Operator(command));
        match refused {
            Some(refusal) => {
                assert_eq!(effects, "nothing\n", "a refused verb changes nothing");
                format!("refused: {refusal}\n")
            }
            None => effects,
        }
    }

    fn restart(&mut self, rest: &str) -> String {
        let durable = self.now;
        self.now = self.now.plus(humantime::parse_duration(rest).unwrap());
        let stored = self.machine().parts().clone();
        self.rollout = Some(Rollout::from_parts(stored).unwrap());
        self.hear(Event::Restarted { durable })
    }

    fn hear(&mut self, event: Event) -> String {
        let now = self.now;
        let before = self.machine().stage();
        let rollout = self.rollout.as_mut().expect("start comes first");
        let effects = rollout.apply(event, now);
        if effects.is_empty() {
            assert_eq!(before, rollout.stage(), "no move without an effect");
            return "nothing\n".to_owned();
        }
        effects.iter().map(|effect| show(effect) + "\n").collect()
    }

    fn status(&self) -> String {
        let rollout = self.machine();
        let mut out = format!("{}", rollout.stage());
        if let State::Live(live) = &rollout.parts().state {
            write!(out, " {:?} after {}s", live.mode, live.clock.elapsed(self.now).as_secs()).unwrap();
        }
        if let Some(ending) = rollout.decided() {
            write!(out, ", {ending} (exit {})", ending.exit_code()).unwrap();
        }
        out.push('\n');
        for waiting in rollout.waiting(self.now) {
            writeln!(out, "waits for {waiting}").unwrap();
        }
        writeln!(out, "{}", show_table(&rollout.table())).unwrap();
        out
    }
}

fn replay(script: &str) -> String {
    let mut world = World { plan: plan(OnInconclusive::Hold), now: Timestamp::from_millis(0), rollout: None };
    let mut out = String::new();
    for line in script.lines() {
        if line.starts_with('#') || line.is_empty() {
            out.push_str(line);
            out.push('\n');
        } else if let Some(command) = line.strip_prefix("> ") {
            writeln!(out, "{line}").unwrap();
            out.push_str(&world.run(command));
        }
    }
    out
}

fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rollout/scenarios").join(name);
    let script = std::fs::read_to_string(&path).unwrap();
    let found = replay(&script);
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        std::fs::write(&path, found).unwrap();
        return;
    }
    let differing =
        found.lines().zip(script.lines()).zip(1..).find(|((found, expected), _)| found != expected);
    if let Some(((found, expected), line)) = differing {
        panic!("{name}:{line}: expected\n  {expected}\nfound\n  {found}\nUPDATE_SCENARIOS=1 writes it anew");
    }
    assert_eq!(found.lines().count(), script.lines().count(), "{name}: as many lines as expected");
}

#[test]
fn a_good_candidate_is_promoted() {
    check("promoted.txt");
}

#[test]
fn a_regression_goes_back_from_wherever_it_stands() {
    check("regression.txt");
}

#[test]
fn an_undecided_candidate_is_held_or_sent_back_but_never_promoted() {
    check("undecided.txt");
}

#[test]
fn the_mirror_stage_copies_what_the_plan_allows() {
    check("mirror_share.txt");
}

#[test]
fn what_operators_may_and_may_not_do() {
    check("operators.txt");
}

#[test]
fn evidence_of_the_old_revision_never_counts_for_the_new_one() {
    check("changed.txt");
}

#[test]
fn a_lost_store_freezes_and_a_restart_goes_on() {
    check("store.txt");
}
