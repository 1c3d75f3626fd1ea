//! `goldgate serve`, running.

use super::{Admin, Clients, Ended, Process, Workspace};

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
        let mut process = Process::goldgate(workspace.root(), &["serve"]);
        let greeting = process.says("goldgate serves http://").await;
        let urls: Vec<&str> =
            greeting.split_whitespace().filter(|word| word.starts_with("http://")).collect();
        let [data, admin] = urls[..] else { panic!("two addresses: {greeting}") };
        let (clients, admin) = (Clients::of(data), Admin::of(admin));
        Self { process, clients, admin, greeting }
    }

    /// Asks it to end, and waits.
    pub(crate) async fn stop(self) -> Ended {
        self.process.signal("TERM").await;
        self.process.ends().await
    }
}
