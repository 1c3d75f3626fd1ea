//! The polarity set: pairs of questions that sound alike and must never share an answer. `datasets/README.md` says what they are.

use std::fmt::Write;
use std::fs;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};

use super::Signs;

const RULE: &str = "datasets/polarity/rule.jsonl";
const HAND: &str = "datasets/polarity/hand.jsonl";
const SAME: &str = "datasets/polarity/same.jsonl";
const SEED: u64 = 20_260_901;

/// Frames with one gap, and pairs of words that fill it.
type Filling = (&'static [&'static str], &'static [(&'static str, &'static str)]);

const FRAMES: [Filling; 3] = [
    (
        &[
            "How do I turn {} the notifications on my phone?",
            "Please explain how to switch {} the backup service for our billing database.",
            "What happens to the alarm when somebody leaves the valve {} over the weekend in the laboratory?",
        ],
        &[
            ("on", "off"),
            ("open", "closed"),
            ("up", "down"),
            ("left", "right"),
            ("high", "low"),
            ("in", "out"),
        ],
    ),
    (
        &[
            "Which command do I use to {} a package on this computer?",
            "Write a short note to the customer about how to {} the subscription in the portal.",
            "Is it a good idea to {} the settings of the firewall from the office network?",
            "List the steps that an administrator takes to {} a user in the directory.",
        ],
        &[
            ("enable", "disable"),
            ("install", "uninstall"),
            ("allow", "deny"),
            ("encrypt", "decrypt"),
            ("upload", "download"),
            ("lock", "unlock"),
            ("add", "remove"),
            ("create", "delete"),
            ("increase", "decrease"),
            ("start", "stop"),
            ("show", "hide"),
            ("connect", "disconnect"),
            ("import", "export"),
            ("upgrade", "downgrade"),
            ("include", "exclude"),
            ("push", "pull"),
            ("mute", "unmute"),
            ("accept", "reject"),
            ("compress", "decompress"),
            ("buy", "sell"),
        ],
    ),
    (
        &[
            "What are the {} symptoms that a doctor should look for in this case?",
            "Give me the {} temperature that the sensor in the warehouse reported.",
            "Sort the list of invoices so that the {} ones come to the top.",
            "Why do people prefer the {} option when they choose an insurance?",
        ],
        &[
            ("early", "late"),
            ("maximum", "minimum"),
            ("oldest", "newest"),
            ("cheap", "expensive"),
            ("hot", "cold"),
            ("first", "last"),
            ("best", "worst"),
            ("larger", "smaller"),
            ("positive", "negative"),
            ("public", "private"),
            ("safe", "unsafe"),
            ("fast", "slow"),
            ("previous", "next"),
            ("internal", "external"),
        ],
    ),
];

/// Frames for a number with its unit, and what else the unit could be.
const NUMBERS: [(&str, &str, &str); 6] = [
    ("How long does a train need for {} at full speed between two stations?", "km", "miles"),
    ("How many tablets may a patient of {} take in one day?", "kg", "pounds"),
    ("What does a parcel of {} cost when it is sent to another country?", "kg", "grams"),
    ("Is {} too warm for a server room during a normal working day?", "celsius", "fahrenheit"),
    ("How do I save money every month to have {} for a house?", "dollars", "euros"),
    ("Remind me of the meeting with the auditors in {} from this moment.", "minutes", "hours"),
];

/// Sentences with a place for a negation.
const NEGATIONS: [&str; 10] = [
    "Which of these plants should {}be kept in direct sunlight?",
    "Which foods does a person with diabetes {}have to avoid?",
    "Name three animals that can {}live in salt water.",
    "Why would a bank {}approve a loan for a young company?",
    "What kinds of waste do {}belong into the yellow bin?",
    "Which licences do {}permit the use in a commercial product?",
    "When is an employer {}obliged to pay for overtime?",
    "Which vaccines are {}recommended for travellers to this region?",
    "List the parts of the contract that are {}binding after the end of the term.",
    "Explain to a visitor which doors may {}be used after midnight.",
];

/// Frames for when and whether something is so, and what fills them.
const GRAMMAR: [Filling; 3] = [
    (
        &[
            "{} the bridge across the river closed to heavy lorries during the winter months?",
            "What {} the price of a litre of diesel at the filling station next to the airport?",
            "Why {} the data centre in the north without power for several hours?",
            "How long {} the queue in front of the museum on a public holiday?",
        ],
        &[("is", "was"), ("was", "has been"), ("are", "were"), ("is", "had been")],
    ),
    (
        &[
            "{} a patient with kidney disease take the medicine together with alcohol?",
            "The lawyer explains whether the contractor {} cancel the agreement about the renovation of the kitchen.",
            "In which cases {} the tenant paint the walls of the flat in another colour?",
        ],
        &[
            ("can", "should"),
            ("will", "can"),
            ("might", "would"),
            ("could", "should"),
            ("shall", "might"),
            ("does", "did"),
            ("does", "should"),
            ("can", "can't"),
            ("will", "won't"),
        ],
    ),
    (
        &[
            "What follows from {} for the insurance of a flat in the old town?",
            "Explain to a beginner how {} came to be written down at all.",
            "Is {} reason enough to end the contract before its term?",
        ],
        &[("this clause", "that clause"), ("these rules", "those rules"), ("this rule", "that rule")],
    ),
];

/// Who does what to whom, both ways.
const PERSONS: [(&str, &str); 10] = [
    ("Write down how much I owe you after the trip.", "Write down how much you owe me after the trip."),
    ("Does my doctor have to accept your insurance?", "Does your doctor have to accept my insurance?"),
    ("May I record the call without telling you?", "May you record the call without telling me?"),
    ("What do I get when you cancel the order?", "What do you get when I cancel the order?"),
    ("Is my car allowed on your parking space?", "Is your car allowed on my parking space?"),
    ("Do we have to pay you for the delivery?", "Do you have to pay us for the delivery?"),
    ("When must I return the deposit to you?", "When must you return the deposit to me?"),
    ("Is my password stored on the server?", "Is your password stored on the server?"),
    ("Who reads our messages in this chat?", "Who reads your messages in this chat?"),
    ("Explain why I should trust you with the keys.", "Explain why you should trust me with the keys."),
];

const NAMES: [&str; 8] = ["France", "Spain", "Kenya", "Peru", "Norway", "Japan", "Canada", "Egypt"];

/// The rows of the rule, made anew.
fn rule() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut rows = Vec::new();
    for (frames, pairs) in FRAMES {
        for (frame, (a, b)) in frames.iter().flat_map(|frame| pairs.iter().map(move |pair| (frame, pair))) {
            rows.push(("opposite", frame.replace("{}", a), frame.replace("{}", b)));
        }
    }
    for (frame, unit, other) in NUMBERS {
        for _ in 0..25 {
            let number: u32 = rng.random_range(2..900);
            let near = number + rng.random_range(1..90);
            let said = frame.replace("{}", &format!("{number} {unit}"));
            rows.push(("number", said.clone(), frame.replace("{}", &format!("{near} {unit}"))));
            rows.push(("unit", said, frame.replace("{}", &format!("{number} {other}"))));
        }
    }
    for frame in NEGATIONS {
        for no in ["not ", "never "] {
            rows.push(("negation", frame.replace("{}", ""), frame.replace("{}", no)));
        }
    }
    for (at, one) in NAMES.iter().enumerate() {
        for other in &NAMES[at + 1..] {
            let frame = |name: &str| format!("What documents does a tourist need to enter {name} by car?");
            rows.push(("name", frame(one), frame(other)));
            let way =
                |from: &str, to: &str| format!("How do I ship furniture from {from} to {to} before winter?");
            rows.push(("direction", way(one, other), way(other, one)));
        }
    }
    for (frames, pairs) in GRAMMAR {
        for (frame, (a, b)) in frames.iter().flat_map(|frame| pairs.iter().map(move |pair| (frame, pair))) {
            rows.push(("grammar", frame.replace("{}", a), frame.replace("{}", b)));
        }
    }
    rows.extend(PERSONS.map(|(a, b)| ("person", a.to_owned(), b.to_owned())));
    let mut text = String::new();
    for (number, (kind, a, b)) in rows.iter().enumerate() {
        let row = json!({"id": format!("rule-{number:03}"), "kind": kind, "a": a, "b": b});
        writeln!(text, "{row}").unwrap();
    }
    text
}

/// The pairs of a file.
pub(in crate::cache) fn pairs(path: &str) -> Vec<(String, String, String)> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let file = fs::read_to_string(path).unwrap();
    let rows = file.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| (text(&row, "id"), text(&row, "a"), text(&row, "b"))).collect()
}

/// All pairs that must not share an answer.
pub(in crate::cache) fn opposed() -> Vec<(String, String, String)> {
    pairs(RULE).into_iter().chain(pairs(HAND)).collect()
}

/// Pairs that may.
pub(in crate::cache) fn alike() -> Vec<(String, String, String)> {
    pairs(SAME)
}

#[test]
fn the_rules_part_of_the_set_is_what_the_rule_gives() {
    let (made, kept) = (rule(), fs::read_to_string(RULE).unwrap_or_default());
    assert!(made == kept, "write this to {RULE}:\n{made}");
}

#[test]
fn no_pair_of_the_polarity_set_passes_the_guard() {
    let all = opposed();
    assert!(all.len() >= 500, "{} pairs", all.len());
    let passed: Vec<_> = all.iter().filter(|(_, a, b)| Signs::of(a).permits(&Signs::of(b))).collect();
    assert!(passed.is_empty(), "{} of {}: {passed:#?}", passed.len(), all.len());
}

/// A guard that refuses everything would pass the tests above.
#[test]
fn nine_of_ten_questions_that_mean_the_same_pass_the_guard() {
    let all = alike();
    let kept: Vec<_> = all.iter().filter(|(_, a, b)| !Signs::of(a).permits(&Signs::of(b))).collect();
    assert!(kept.len() * 10 <= all.len() && all.len() >= 30, "{} of {}: {kept:#?}", kept.len(), all.len());
}
