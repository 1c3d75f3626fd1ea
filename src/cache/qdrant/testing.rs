//! Qdrant for tests: a real server where `QDRANT_URL` names one, or else an HTTP face over the local mode of the official client
//! (`tests/qdrant/face.py`), whose filters, searches and conditional updates are Qdrant's own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

/// A face; it ends with the process, whose end closes its standard input.
pub(crate) struct Face {
    child: Child,
    port: u16,
}

impl Face {
    /// Starts one that keeps its points in `folder`, or in memory.
    pub(crate) fn start(port: u16, folder: Option<&Path>) -> Self {
        let mut command = Command::new(python());
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/qdrant/face.py"));
        command.arg(port.to_string()).args(folder);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let port = port_of(child.stdout.take().unwrap());
        Self { child, port }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Stops the process, so that it hangs, and waits until it does.
    pub(crate) fn hang(&self) {
        self.signal("STOP");
        while !self.state().starts_with('T') {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success(), "{signal}");
    }

    fn state(&self) -> String {
        let ps = Command::new("ps").args(["-o", "stat=", "-p", &self.child.id().to_string()]).output();
        String::from_utf8(ps.unwrap().stdout).unwrap()
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        // Ended already, where the test did it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn port_of(stdout: ChildStdout) -> u16 {
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    line.trim().parse().expect("the face says its port")
}

/// The Python that tests/run installs the client for.
fn python() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let found =
        program.ancestors().map(|folder| folder.join("clients/bin/python")).find(|path| path.exists());
    found.expect("qdrant-client is missing: tests/run installs it")
}

/// The address of a server that all tests share.
fn shared() -> String {
    static FACE: OnceLock<Face> = OnceLock::new();
    std::env::var("QDRANT_URL").unwrap_or_else(|_| FACE.get_or_init(|| Face::start(0, None)).url())
}

/// For a server to delete a collection.
const DELETE_MAX: Duration = Duration::from_secs(5);

/// A collection of one test.
pub(crate) struct Collection {
    server: String,
    alias: String,
}

impl Collection {
    /// A name that no other test has, of a collection that nobody has made yet.
    pub(crate) fn new() -> Self {
        Self::on(shared())
    }

    pub(crate) fn on(server: String) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Self { server, alias: format!("test-{}-{number}", std::process::id()) }
    }

    pub(crate) fn url(&self) -> String {
        format!("qdrant+{}/{}", self.server, self.alias)
    }

    fn address(&self, path: &str) -> String {
        format!("{}/collections/{}{path}", self.server, self.alias)
    }

    /// What the server answers; `path` follows the collection's own.
    pub(crate) async fn say(&self, method: &str, path: &str, body: Value) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method.parse().unwrap(), self.address(path)).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Deletes what stands under its name, and what a cache made behind it.
    #[tokio::main(flavor = "current_thread")]
    async fn delete(&self) -> reqwest::Result<()> {
        let client = reqwest::Client::builder().no_proxy().timeout(DELETE_MAX).build()?;
        for path in ["-1", ""] {
            client.delete(self.address(path)).send().await?;
        }
        Ok(())
    }
}

impl Drop for Collection {
    /// A face goes with its process; on a server that stays nothing is left behind.
    fn drop(&mut self) {
        if std::env::var("QDRANT_URL").is_ok_and(|server| server == self.server) {
            // On a thread of its own: this one may have a runtime already.
            let deleted = std::thread::scope(|scope| scope.spawn(|| self.delete()).join());
            if !matches!(deleted, Ok(Ok(()))) {
                eprintln!("{} is left behind on {}", self.alias, self.server);
            }
        }
    }
}
