//! A file of pairs: faults with their lines, or pairs that the judge takes; the verdict then says no more than it may.
#![no_main]

use goldgate_fuzz::domain::MetricName;
use goldgate_fuzz::evidence::{Collector, EvidenceError, Record};
use goldgate_fuzz::judgment::{Ask, Policy, Question, Subject, judge};
use goldgate_fuzz::wire::{VerdictRecord, read_pairs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let policy = Policy::default_live();
    let kind = |name: &str| policy.metric(&MetricName::from(name)).map(|rule| rule.kind);
    let pairs = match read_pairs(text, kind) {
        Ok(pairs) => pairs,
        Err(faults) => {
            assert!(!faults.is_empty());
            return;
        }
    };
    let mut collector = Collector::new(&policy.specs()).expect("the default policy");
    for pair in pairs {
        match collector.push(&Record::Pair(pair)) {
            Ok(()) => {}
            // What is no metric has rules of its own, which the fold knows.
            Err(EvidenceError::Stats(_)) => return,
            Err(error) => panic!("{error}"),
        }
    }
    let ask = Ask { question: Question::Mirror, subject: Subject::default(), must_pass: policy.required() };
    let judgment = judge(collector.snapshot(), &policy, &ask);
    if collector.snapshot().records() < policy.pairs_min {
        assert_ne!(judgment.verdict, goldgate_fuzz::judgment::Verdict::Pass);
    }
    serde_json::to_vec(&VerdictRecord::from(&judgment)).expect("a verdict is JSON");
});
