//! The six stories the demo can tell, each as data.

/// What happens to the candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scenario {
    /// A better model: promoted
    #[default]
    Good,
    /// The models swapped: stopped by the golden gate
    WorseAnswers,
    /// 3 % of answers ten times slower: rolled back from the mirror
    SlowTail,
    /// Four points more errors: rolled back from the mirror
    Errors,
    /// The template lost the question: rolled back from the mirror
    BrokenTemplate,
    /// Too few requests to decide: ends inconclusive
    TooLittleTraffic,
}

/// A model whose recorded answers the demo replays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// 6 billion parameters, fine-tuned.
    Small,
    /// 175 billion parameters, fine-tuned.
    Large,
}

impl Recorded {
    /// The name the engine serves it under.
    pub(super) const fn model_id(self) -> &'static str {
        match self {
            Self::Small => "gpt3-6b-finetuned",
            Self::Large => "gpt3-175b-finetuned",
        }
    }

    /// Its answers, relative to the workspace.
    pub(super) const fn answers(self) -> &'static str {
        match self {
            Self::Small => "datasets/gsm8k/answers/6b-finetuning.jsonl",
            Self::Large => "datasets/gsm8k/answers/175b-finetuning.jsonl",
        }
    }
}

impl Scenario {
    /// The word used on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::WorseAnswers => "worse-answers",
            Self::SlowTail => "slow-tail",
            Self::Errors => "errors",
            Self::BrokenTemplate => "broken-template",
            Self::TooLittleTraffic => "too-little-traffic",
        }
    }

    /// One sentence for whoever watches.
    pub(super) const fn story(self) -> &'static str {
        match self {
            Self::Good => "green is the larger model and should be promoted",
            Self::WorseAnswers => "green is the smaller model and should not get past the golden gate",
            Self::SlowTail => "3 % of green's answers are ten times slower; the mirror should find it",
            Self::Errors => "green fails 4 % of requests; the mirror should find it",
            Self::BrokenTemplate => "green's template lost the question; the mirror should find it",
            Self::TooLittleTraffic => "one request in two seconds cannot decide, and should not promote",
        }
    }

    /// What blue serves.
    pub(super) const fn blue(self) -> Recorded {
        match self {
            Self::WorseAnswers => Recorded::Large,
            _ => Recorded::Small,
        }
    }

    /// What green serves.
    pub(super) const fn green(self) -> Recorded {
        match self.blue() {
            Recorded::Small => Recorded::Large,
            Recorded::Large => Recorded::Small,
        }
    }

    /// What is wrong with green's engine, in the words of `mock-engine --fault`.
    pub(super) const fn faults(self) -> &'static [&'static str] {
        match self {
            Self::SlowTail => &["slow:share=0.03,factor=10"],
            Self::Errors => &["error:rate=0.04"],
            _ => &[],
        }
    }

    /// The suites of the gate: the stories of the mirror pass a smoke-only gate, as they do in real life.
    pub(super) const fn suites(self) -> &'static [&'static str] {
        match self {
            Self::Good | Self::WorseAnswers => &["eval-suites/smoke.toml", "eval-suites/gsm8k.toml"],
            _ => &["eval-suites/smoke.toml"],
        }
    }

    /// Green's prompt template. Blue's always holds the question.
    pub(super) const fn green_template(self) -> &'static str {
        match self {
            Self::BrokenTemplate => include_str!("files/answer-without-question.j2"),
            _ => include_str!("files/answer.j2"),
        }
    }

    /// Client requests a second, in the demo's time.
    pub(super) const fn requests_per_s(self) -> f64 {
        match self {
            Self::TooLittleTraffic => 0.5,
            _ => 100.0,
        }
    }
}
