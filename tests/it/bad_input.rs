//! What is wrong in the user's world: every row has the exit code that CI reads and a sentence that helps.
//!
//! The rows stand in `scenarios/*.txt`, grouped in blocks that an empty line ends. A block starts from a good
//! folder (see [`Folder`]), spoils it, and runs commands in it:
//!
//! ```text
//! # what is wrong
//! file NAME            writes a file; its lines follow, each behind "| "
//! swap NAME FROM => TO puts a text in the place of another
//! cut NAME BYTES       keeps the beginning of a file
//! $ ARGS => CODE text | text
//! ```
//!
//! A `$` row is one command of the program with its exit code and what stderr must say. Names in braces stand for
//! addresses: `{good}` is an engine, `{html}` a web page, `{dead}` nobody, `{busy}` a port that is taken.

mod folder;
mod script;

use goldgate::mock_engine::{self, Options, Timing};
use tokio::net::TcpListener;

use crate::rig::run;
use folder::Folder;
use script::{Block, Row, Step};

/// What the names in braces stand for, and who is there.
struct Addresses {
    names: Vec<(&'static str, String)>,
    _engines: [mock_engine::Running; 2],
    _busy: TcpListener,
}

impl Addresses {
    async fn open() -> Self {
        let listener = async || TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let engine = async |faults: &[&str]| {
            let faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
            let options = Options { faults, timing: Timing::instant(), ..Options::new("mock") };
            mock_engine::start(options, listener().await).expect("an engine")
        };
        let (good, html, busy) = (engine(&[]).await, engine(&["html"]).await, listener().await);
        let dead = listener().await.local_addr().expect("an address");
        let names = vec![
            ("{good}", good.url()),
            ("{html}", html.url()),
            ("{dead}", format!("http://{dead}")),
            ("{busy}", busy.local_addr().expect("an address").to_string()),
        ];
        Self { names, _engines: [good, html], _busy: busy }
    }

    fn fill(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, address)| text.replace(name, address))
    }
}

/// Runs every row of a script, and tells all that went otherwise than it says.
async fn check(script: &str) {
    let addresses = Addresses::open().await;
    let mut wrong = Vec::new();
    for Block { title, steps } in script::parse(script) {
        let folder = Folder::good(&addresses);
        for step in steps {
            match step {
                Step::File { name, text } => folder.workspace.write(&name, &addresses.fill(&text)),
                Step::Swap { name, from, to } => folder.workspace.change(&name, &from, &addresses.fill(&to)),
                Step::Cut { name, bytes } => folder.cut(&name, bytes),
                Step::Run(row) => wrong.extend(
                    otherwise(&folder, &row, &addresses).await.map(|said| format!("{title}\n{said}")),
                ),
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows ended otherwise:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// What was otherwise than `row` says.
async fn otherwise(folder: &Folder, row: &Row, addresses: &Addresses) -> Option<String> {
    let args: Vec<_> = row.args.iter().map(|arg| addresses.fill(arg)).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let ended = run(folder.workspace.root(), &args).await;
    let lacks: Vec<_> =
        row.says.iter().filter(|text| !ended.stderr.contains(&addresses.fill(text))).collect();
    let panicked = ended.stderr.contains("panicked");
    if ended.code == Some(row.code) && lacks.is_empty() && !panicked {
        return None;
    }
    let stdout = String::from_utf8_lossy(&ended.stdout);
    Some(format!(
        "$ {}\nexit {:?}, not {}; lacks {lacks:?}\n{stdout}{}",
        args.join(" "),
        ended.code,
        row.code,
        ended.stderr
    ))
}

#[tokio::test]
async fn configurations_that_cannot_be_used() {
    check(include_str!("scenarios/config.txt")).await;
}

#[tokio::test]
async fn releases_that_cannot_be_deployed() {
    check(include_str!("scenarios/release.txt")).await;
}

#[tokio::test]
async fn suites_datasets_and_answers_that_cannot_be_used() {
    check(include_str!("scenarios/golden.txt")).await;
}

#[tokio::test]
async fn engines_that_are_none() {
    check(include_str!("scenarios/engines.txt")).await;
}

#[tokio::test]
async fn evidence_that_cannot_be_judged() {
    check(include_str!("scenarios/evidence.txt")).await;
}
