//! A real redis-server of one test, on a port and in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// The server; it goes when the test ends.
pub(crate) struct Server {
    program: PathBuf,
    child: Child,
    port: u16,
    folder: TempDir,
    args: Vec<String>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With further settings, such as `--maxmemory 2mb`.
    pub(crate) async fn with(args: &[&str]) -> Self {
        Self::of(PathBuf::from("redis-server"), args).await
    }

    /// The same of version 8, which tests/run installs where it can be had; `None`: it is not there.
    pub(crate) async fn newer(args: &[&str]) -> Option<Self> {
        let tests = std::env::current_exe().unwrap();
        let mut programs = tests.ancestors().map(|folder| folder.join("clients/redis-server"));
        Some(Self::of(programs.find(|path| path.exists())?, args).await)
    }

    async fn of(program: PathBuf, args: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let child = spawn(&program, port, &folder, &args);
        let mut server = Self { program, child, port, folder, args };
        server.answers().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again on the same port and in the same folder.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(&self.program, self.port, &self.folder, &self.args);
        self.answers().await;
    }

    /// What it answers to one command.
    pub(crate) async fn say<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await
    }

    async fn answers(&mut self) {
        while self.say::<String>(&["PING"]).await.is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "redis-server has ended");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn spawn(program: &Path, port: u16, folder: &TempDir, args: &[String]) -> Child {
    Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(args)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("redis-server is installed (`bash tests/run` installs it)")
}
