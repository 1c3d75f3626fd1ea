//! Why a suite could not be run.

use std::fmt;

use crate::document::Faults;
use crate::domain::Arm;

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The engine of an arm.
    Arm(Arm),
    /// The model that compares the answers of both arms.
    GraderModel,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arm(arm) => arm.fmt(f),
            Self::GraderModel => f.write_str("grader model"),
        }
    }
}

/// Why a suite could not be run. The texts name the place, the rule and a hint.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// Files are wrong.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// An endpoint's URL cannot be used.
    #[error(
        "{url:?}: an endpoint is an http or https URL: {text}\n  hint: write http://127.0.0.1:8101, or file:ANSWERS for recorded answers"
    )]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        text: String,
    },
    /// The engine cannot be reached.
    #[error(
        "{url}: {role}: the engine cannot be reached: {text}\n  hint: is it running, and is this its address? try `curl {url}/v1/models`"
    )]
    Unreachable {
        /// Who it was to be.
        role: Role,
        /// Its endpoint.
        url: String,
        /// What the network said.
        text: String,
    },
    /// The engine is there and does not serve.
    #[error("{url}/v1/models: {role}: the engine answered with status {status}\n  hint: {}", status_hint(*role, *status))]
    NotServing {
        /// Who it was to be.
        role: Role,
        /// Its endpoint.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// Something answers that is no engine.
    #[error(
        "{url}: {role}: expected an OpenAI-shaped answer, and got {found}\n  hint: the URL names a web page or another service; give the engine's base URL, without a path behind /v1"
    )]
    NotAnEngine {
        /// Who it was to be.
        role: Role,
        /// What was asked.
        url: String,
        /// What came, in a few words.
        found: String,
    },
    /// No model's name is known.
    #[error(
        "{url}/v1/models: {role}: the engine lists no model\n  hint: set model under [request] in the suite"
    )]
    NoModel {
        /// Who it was to be.
        role: Role,
        /// Its endpoint.
        url: String,
    },
    /// The engine refuses one request after the other.
    #[error(
        "{url}: {role}: the engine refuses every request (429 or 503), however long it is given\n  hint: what was answered is kept by --out; ask with a lower --concurrency or --rate, and go on with --resume"
    )]
    Refuses {
        /// Who it was to be.
        role: Role,
        /// Its endpoint.
        url: String,
    },
    /// Answers cannot be kept.
    #[error(
        "{file}: answers cannot be kept: {source}\n  hint: nothing further was asked; make room and go on with --resume"
    )]
    Keep {
        /// The file of samples.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The model that grades is one of those that are graded.
    #[error(
        "{file}: grader_model: {rule}, and no arm grades itself\n  hint: name another model at another address; models prefer their own answers"
    )]
    GradesItself {
        /// The suite's file.
        file: String,
        /// What they share.
        rule: String,
    },
    /// The model that grades does not answer.
    #[error(
        "{url}: grader model: {text}\n  hint: what was answered and compared is kept by --out; go on with --resume"
    )]
    GraderModel {
        /// Its endpoint.
        url: String,
        /// What came, in a few words.
        text: String,
    },
    /// Answers are to be compared, and there is one arm.
    #[error("{file}: {metric} compares the answers of two arms\n  hint: give both to `goldgate gate`")]
    OneArm {
        /// The suite's file.
        file: String,
        /// The metric.
        metric: String,
    },
    /// Cases depend on each other, and are to be judged as they come.
    #[error(
        "{file}: --sequential: the dataset puts cases into clusters\n  hint: cases that stand or fall together are counted over a whole sample: leave --sequential out"
    )]
    Clustered {
        /// The suite's file.
        file: String,
    },
    /// Slices are to fail the verdict, and cases to be judged as they come.
    #[error(
        "{file}: --sequential: slices = \"gate\" fails the verdict by tests of a whole sample\n  hint: leave --sequential out, or write slices = \"show\""
    )]
    SlicesGate {
        /// The suite's file.
        file: String,
    },
    /// A case cannot be judged as it comes.
    #[error(transparent)]
    Evidence(#[from] crate::evidence::EvidenceError),
    /// A case cannot be made into a request.
    #[error("{file}: case {case:?}: {text}\n  hint: {hint}")]
    Request {
        /// The suite's file.
        file: String,
        /// The case.
        case: String,
        /// What is wrong.
        text: String,
        /// What to do.
        hint: &'static str,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made: {0}")]
    Client(String),
}

impl EvalError {
    /// Whether the command line or a file is to be mended; else it is the world that the run depends on.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Faults(_)
                | Self::Url { .. }
                | Self::Request { .. }
                | Self::Clustered { .. }
                | Self::GradesItself { .. }
                | Self::OneArm { .. }
                | Self::SlicesGate { .. }
        )
    }
}

const fn status_hint(role: Role, status: u16) -> &'static str {
    match (role, status) {
        (Role::Arm(_), 401 | 403) => "the engine wants a key: set GOLDGATE_ENGINE_KEY",
        (Role::GraderModel, 401 | 403) => "it wants a key: name it by key under [grader_model] in the suite",
        (_, 503) => "the engine is still starting: wait until /health answers 200",
        _ => "give the engine's base URL, or look at its log",
    }
}
