//! `goldgate serve`, running.

use super::process::TRACE;
use super::{Admin, Clients, Ended, Process, Workspace};

/// The calls that read and write sockets.
const COUNTED: &str = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg";

/// A server with its two addresses.
pub(crate) struct Serve {
    pub(crate) process: Process,
    pub(crate) clients: Clients,
    pub(crate) admin: Admin,
    /// What it said when it was ready: who serves, and where.
    pub(crate) greeting: String,
}

impl Serve {
    /// Starts it on free ports and waits until it serves.
    pub(crate) async fn start(workspace: &Workspace) -> Self {
        Self::of(Process::goldgate(workspace.root(), &["serve"])).await
    }

    /// Starts it under strace, which counts the calls that read and write.
    pub(crate) async fn traced(workspace: &Workspace) -> Self {
        Self::of(Process::traced(workspace.root(), &["serve"], COUNTED)).await
    }

    async fn of(mut process: Process) -> Self {
        let greeting = process.says("goldgate serves http://").await;
        let urls: Vec<&str> =
            greeting.split_whitespace().filter(|word| word.starts_with("http://")).collect();
        let [data, admin] = urls[..] else { panic!("two addresses: {greeting}") };
        let (clients, admin) = (Clients::of(data), Admin::of(admin));
        Self { process, clients, admin, greeting }
    }

    /// Asks what was traced to end, and gives what strace counted.
    pub(crate) async fn stop_traced(self, workspace: &Workspace) -> String {
        self.process.signal_child("TERM").await;
        let ended = self.process.ends().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        std::fs::read_to_string(workspace.path(TRACE)).expect("strace writes a summary")
    }

    /// Asks it to end, and waits.
    pub(crate) async fn stop(self) -> Ended {
        self.process.signal("TERM").await;
        self.process.ends().await
    }
}
