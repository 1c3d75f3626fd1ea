//! Child processes: started in a folder, listened to, signalled, and never left behind.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::deadline::{DEADLINE, within};

/// The program under test.
const GOLDGATE: &str = env!("CARGO_BIN_EXE_goldgate");

/// What a developer may have set, and what would change the program's mind.
const FOREIGN: [&str; 3] = ["GOLDGATE_CONFIG", "GOLDGATE_LOG", "GOLDGATE_ENGINE_KEY"];

/// The file of a folder with the certificates that goldgate trusts there, in place of the system's.
pub(crate) const TRUSTED: &str = "trusted.pem";

/// The file of a folder that strace writes.
pub(crate) const TRACE: &str = "calls.txt";

/// A process under way. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    /// Everything it wrote to stderr so far.
    said: watch::Receiver<String>,
    reading: JoinSet<()>,
}

/// A process that is over.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None`: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Process {
    /// Starts goldgate in `folder`.
    pub(crate) fn goldgate(folder: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(GOLDGATE);
        command.args(args).current_dir(folder);
        let trusted = folder.join(TRUSTED);
        if trusted.exists() {
            command.env("SSL_CERT_FILE", trusted);
        }
        Self::start(command)
    }

    /// Starts goldgate in `folder` under strace, whose count of `calls` is in [`TRACE`] there when it has ended.
    pub(crate) fn traced(folder: &Path, args: &[&str], calls: &str) -> Self {
        let mut command = Command::new("strace");
        command.args([
            "-f",
            "-c",
            "-U",
            "name,calls",
            "-e",
            &format!("trace={calls}"),
            "-o",
            TRACE,
            GOLDGATE,
        ]);
        command.args(args).current_dir(folder);
        Self::start(command)
    }

    /// Starts any program.
    pub(crate) fn program(program: impl AsRef<OsStr>, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(args);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program starts");
        let (say, said) = watch::channel(String::new());
        let mut reading = JoinSet::new();
        reading.spawn(listen(child.stderr.take().expect("a pipe"), say));
        Self { child, said, reading }
    }

    /// Waits for `text` on stderr and gives the line that holds it. A process that ends before it says so fails the test.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        let heard = within(text, self.said.wait_for(|said| said.contains(text))).await;
        let said = heard.map(|said| said.clone());
        let said = said.unwrap_or_else(|_| panic!("it ended without saying {text:?}:\n{}", self.so_far()));
        said.lines().find(|line| line.contains(text)).unwrap_or_default().to_owned()
    }

    /// What stderr holds so far.
    pub(crate) fn so_far(&self) -> String {
        self.said.borrow().clone()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> i32 {
        self.child.id().and_then(|id| id.try_into().ok()).expect("it runs")
    }

    /// Sends a signal by its name, `TERM` or `STOP`.
    pub(crate) async fn signal(&self, name: &str) {
        send(name, &self.id().to_string()).await;
    }

    /// The same to the program that this one has started.
    pub(crate) async fn signal_child(&self, name: &str) {
        let id = self.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        send(name, &children.expect("Linux")).await;
    }

    /// Kills it as a machine that loses power would: no handler runs.
    pub(crate) async fn kill(mut self) {
        within("its death", self.child.kill()).await.expect("it can be killed");
    }

    /// Waits for its end.
    pub(crate) async fn ends(mut self) -> Ended {
        let status = within("its end", self.child.wait()).await.expect("a status");
        while within("the rest of its words", self.reading.join_next()).await.is_some() {}
        Ended { code: status.code(), stdout: Vec::new(), stderr: self.so_far() }
    }
}

async fn send(name: &str, to: &str) {
    // `kill` is part of every shell, and not of every system.
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {to}")]).status();
    assert!(within("a signal", sent).await.expect("a shell").success(), "kill -{name} {to}");
}

async fn listen(stderr: impl AsyncRead + Unpin, say: watch::Sender<String>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        say.send_modify(|said| {
            said.push_str(&line);
            said.push('\n');
        });
    }
}

/// Runs goldgate in `folder` to its end.
pub(crate) async fn run(folder: &Path, args: &[&str]) -> Ended {
    run_within(DEADLINE, folder, args).await
}

/// The same for what may take longer than anything else.
pub(crate) async fn run_within(limit: Duration, folder: &Path, args: &[&str]) -> Ended {
    let mut command = Command::new(GOLDGATE);
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.args(args).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(limit, command.output()).await;
    let output = output
        .unwrap_or_else(|_| panic!("goldgate {args:?} runs for more than {limit:?}"))
        .expect("it starts");
    Ended {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
