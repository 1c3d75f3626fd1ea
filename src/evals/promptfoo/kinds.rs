//! The types of assertions: those that are checked, and why the others are not.

use super::assertion::CHECKED;

const RUNS_CODE: &str = "runs code";
const ASKS_A_MODEL: &str = "asks another model";
const FOREIGN: &str = "is defined by a library that is not rebuilt";

/// Types by why they are not checked.
const UNCHECKED: [(&str, &[&str]); 3] = [
    (RUNS_CODE, &["javascript", "python", "ruby", "webhook"]),
    (
        ASKS_A_MODEL,
        &[
            "agent-rubric",
            "answer-relevance",
            "classifier",
            "context-faithfulness",
            "context-recall",
            "context-relevance",
            "conversation-relevance",
            "factuality",
            "g-eval",
            "llm-rubric",
            "max-score",
            "model-graded-closedqa",
            "model-graded-factuality",
            "moderation",
            "pi",
            "search-rubric",
            "select-best",
            "similar",
            "similar:cosine",
            "similar:dot",
            "similar:euclidean",
            "trajectory:goal-success",
        ],
    ),
    (
        FOREIGN,
        &[
            "contains-html",
            "contains-sql",
            "contains-xml",
            "cost",
            "guardrails",
            "human",
            "is-html",
            "is-sql",
            "is-valid-function-call",
            "is-valid-openai-function-call",
            "is-valid-openai-tools-call",
            "is-xml",
            "meteor",
            "perplexity",
            "perplexity-score",
            "rouge-l",
            "rouge-n",
            "rouge-s",
            "skill-used",
            "tool-call-f1",
            "trace-error-spans",
            "trace-span-count",
            "trace-span-duration",
            "trajectory:step-count",
            "trajectory:tool-args-match",
            "trajectory:tool-sequence",
            "trajectory:tool-used",
        ],
    ),
];

/// Why assertions of a type (without `not-`) are not checked; none when there is no such type, or it is checked.
pub(super) fn unchecked(kind: &str) -> Option<&'static str> {
    UNCHECKED.iter().find(|(_, kinds)| kinds.contains(&kind)).map(|(why, _)| *why)
}

/// Whether promptfoo has the type.
pub(super) fn is_known(kind: &str) -> bool {
    CHECKED.contains(&kind) || unchecked(kind).is_some()
}
