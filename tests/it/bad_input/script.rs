//! The little language of the scenario files.

/// A good folder, what is done to it, and what comes of that.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) title: String,
    pub(super) steps: Vec<Step>,
}

/// One line of a block, or a file with its lines.
#[derive(Debug)]
pub(super) enum Step {
    File { name: String, text: String },
    Swap { name: String, from: String, to: String },
    Cut { name: String, bytes: u64 },
    Run(Row),
}

/// One command, and how it must end.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) args: Vec<String>,
    pub(super) code: i32,
    pub(super) says: Vec<String>,
}

/// Reads a whole script. A line that is none fails the test: a typo must not be a row that passes.
pub(super) fn parse(script: &str) -> Vec<Block> {
    let blocks: Vec<_> = script.split("\n\n").filter(|text| !text.trim().is_empty()).map(block).collect();
    let runs = |block: &Block| block.steps.iter().any(|step| matches!(step, Step::Run(_)));
    for block in &blocks {
        assert!(runs(block), "nothing is run in {:?}", block.title);
    }
    blocks
}

fn block(text: &str) -> Block {
    let (mut title, mut steps) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "#" => title.push(rest),
            "|" => match steps.last_mut() {
                Some(Step::File { text, .. }) => *text += &format!("{rest}\n"),
                _ => panic!("a line of no file: {line:?}"),
            },
            "file" => steps.push(Step::File { name: rest.to_owned(), text: String::new() }),
            "swap" => steps.push(swap(rest)),
            "cut" => steps.push(cut(rest)),
            "$" => steps.push(Step::Run(row(rest))),
            _ => panic!("no step: {line:?}"),
        }
    }
    Block { title: title.join(" "), steps }
}

fn halves<'t>(text: &'t str, between: &str) -> (&'t str, &'t str) {
    text.split_once(between).unwrap_or_else(|| panic!("no {between:?} in {text:?}"))
}

fn swap(text: &str) -> Step {
    let (name, change) = halves(text, " ");
    let (from, to) = halves(change, " => ");
    Step::Swap { name: name.to_owned(), from: from.to_owned(), to: to.to_owned() }
}

fn cut(text: &str) -> Step {
    let (name, bytes) = halves(text, " ");
    Step::Cut { name: name.to_owned(), bytes: bytes.parse().expect("a number of bytes") }
}

fn row(text: &str) -> Row {
    let (args, expected) = halves(text, " => ");
    let (code, says) = expected.split_once(' ').unwrap_or((expected, ""));
    Row {
        args: args.split_whitespace().map(str::to_owned).collect(),
        code: code.parse().unwrap_or_else(|_| panic!("no exit code: {text:?}")),
        says: says.split(" | ").map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect(),
    }
}
