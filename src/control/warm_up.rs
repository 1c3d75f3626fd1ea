//! The evidence of a warm-up: kept beside the rollout's own, judged once, and part of nothing that comes after.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::Control;
use crate::evidence::{Collector, EvidenceDigest, Record, Replays};
use crate::judgment::{Ask, Judgment, Question, Reason, Subject, Verdict, judge};
use crate::rollout::{Event, Rollout, Stage, StageVerdict};
use crate::store::{Digests, EvidenceError, EvidencePlace, EvidenceWriter};

impl Control {
    /// Judges what the candidate answered before anybody is exposed to it. A failure that is proven ends the rollout; whatever
    /// else is said is told, and the stages that follow decide.
    pub(super) async fn hear_warm_up(&mut self, epoch: u64, replays: &Replays) {
        let Some(rollout) = &self.rollout else { return };
        if (rollout.stage(), rollout.parts().epoch) != (Stage::Prepare, epoch) {
            return;
        }
        let pairs = replays.samples.len() as u64;
        let judged = if pairs > 0 { self.judge_warm_up(rollout, replays).await.map(Some) } else { Ok(None) };
        let (verdict, reasons) = match &judged {
            Ok(Some(judgment)) if judgment.verdict != Verdict::Inconclusive => {
                (judgment.verdict, judgment.reasons.clone())
            }
            Ok(_) => (Verdict::Inconclusive, vec![Reason::Note(undecided(pairs))]),
            Err(why) => (Verdict::Invalid, vec![Reason::Note(why.clone())]),
        };
        let said = StageVerdict { epoch, stage: Stage::Prepare, verdict, reasons };
        if let Ok(Some(judgment)) = &judged {
            self.keep_verdict(&said, judgment, pairs).await;
        }
        self.hear(Event::Judged(said)).await;
    }

    /// Its rules are made of the rollout's, and so the rollout's policy names them.
    async fn judge_warm_up(&self, rollout: &Rollout, replays: &Replays) -> Result<Judgment, String> {
        let policy = self.parts.policy.of_warm_up();
        let records = replays.records(self.parts.scores.clone(), policy.abort_alpha);
        let records = records.map_err(|error| error.to_string())?;
        let mut collector = Collector::new(&policy.specs()).map_err(|error| error.to_string())?;
        let mut digest = EvidenceDigest::default();
        for record in &records {
            collector.push(record).map_err(|error| error.to_string())?;
            digest.push(record);
        }
        let digests = self.current_digests(rollout.parts().origin);
        let (root, place) =
            (self.parts.evidence_dir.clone(), Self::place(rollout, Stage::Prepare).of_warm_up());
        let of = digests.clone();
        // What is not kept could not be judged again, and so decides nothing.
        let kept = tokio::task::spawn_blocking(move || keep(root, place, of, records)).await;
        kept.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let subject = Subject {
            baseline: digests.baseline,
            candidate: digests.candidate,
            policy: digests.policy,
            evidence: digest.text_so_far(),
        };
        let ask = Ask { question: Question::WarmUp, subject, must_pass: Vec::new() };
        Ok(judge(collector.snapshot(), &policy, &ask))
    }
}

fn undecided(pairs: u64) -> String {
    match pairs {
        0 => "nothing was asked that the baseline had answered from its cache".to_owned(),
        _ => format!("{pairs} of the requests that hit most prove no regression"),
    }
}

/// Writes the evidence in place of that of an earlier try, from which nothing followed.
fn keep(root: PathBuf, place: EvidencePlace, of: Digests, records: Vec<Record>) -> Result<(), EvidenceError> {
    let dir = place.rollout_dir(&root);
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(EvidenceError::Write { file: dir, why: error.to_string() });
        }
        _ => {}
    }
    let mut writer = EvidenceWriter::new(root, place).of(of);
    records.into_iter().for_each(|record| writer.push(record));
    writer.flush()
}
