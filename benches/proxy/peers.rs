//! What stands beside goldgate: proxies of other makers, by package name, and the least relay.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::client::Line;
use crate::options::Options;
use crate::process::{Pinned, child_of, on_core};
use crate::targets::{Kind, Ports, START_PAUSE, START_TRIES, first_line, loopback};

/// A running peer.
pub(crate) struct Peer {
    pub(crate) addr: SocketAddr,
    /// Whose processor time and memory count.
    pub(crate) pid: u32,
    pub(crate) process: Pinned,
    pub(crate) folder: Option<TempDir>,
}

/// Where packages of Python are installed, a folder for each: see `benches/side-by-side`.
const PYTHON_PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers");

/// Starts `kind` on the proxy's core before the engine; `None` when it is not installed.
pub(crate) async fn start(kind: Kind, options: &Options, ports: Ports) -> anyhow::Result<Option<Peer>> {
    let (program, config, arguments): (_, _, fn(&mut Command, &Path, u16)) = match kind {
        Kind::Relay => return relay(options, ports.blue).map(Some),
        Kind::Nginx => {
            (found("nginx"), Config { name: "nginx.conf", text: include_str!("nginx.conf") }, of_nginx)
        }
        Kind::NginxMirror => {
            let text = include_str!("nginx-mirror.conf");
            (found("nginx"), Config { name: "nginx-mirror.conf", text }, of_nginx)
        }
        Kind::Haproxy => {
            (found("haproxy"), Config { name: "haproxy.cfg", text: include_str!("haproxy.cfg") }, of_haproxy)
        }
        Kind::Envoy => {
            (python("envoy"), Config { name: "envoy.yaml", text: include_str!("envoy.yaml") }, of_envoy)
        }
        Kind::Litellm => (
            python("litellm"),
            Config { name: "litellm.yaml", text: include_str!("litellm.yaml") },
            of_litellm,
        ),
        Kind::LitellmMirror => {
            let text = include_str!("litellm-mirror.yaml");
            (python("litellm"), Config { name: "litellm-mirror.yaml", text }, of_litellm)
        }
        Kind::Direct | Kind::Goldgate | Kind::Copying | Kind::Enduring | Kind::EnduringAll => {
            return Ok(None);
        }
    };
    match program {
        Some(program) => configured(options, ports, program, config, arguments).await.map(Some),
        None => Ok(None),
    }
}

fn of_nginx(command: &mut Command, config: &Path, _: u16) {
    command.arg("-p").arg(config.with_file_name("")).arg("-c").arg(config);
}

fn of_haproxy(command: &mut Command, config: &Path, _: u16) {
    command.arg("-db").arg("-f").arg(config);
}

fn of_envoy(command: &mut Command, config: &Path, _: u16) {
    command.args(["--concurrency", "1", "--base-id", "7", "-l", "error", "-c"]).arg(config);
}

/// The port is no part of its configuration.
fn of_litellm(command: &mut Command, config: &Path, port: u16) {
    command
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        // Else it ends a stream whose tokens are alike, and those of the engine here are.
        .env("REPEATED_STREAMING_CHUNK_LIMIT", "1000000")
        .args(["--telemetry", "False", "--host", "127.0.0.1", "--port", &port.to_string(), "--config"])
        .arg(config);
}

/// A program of the system.
fn found(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
        .into_iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
}

/// A program of a Python package.
fn python(name: &str) -> Option<PathBuf> {
    Some(Path::new(PYTHON_PEERS).join(name).join("bin").join(name)).filter(|path| path.exists())
}

/// A peer's configuration, with `{{port}}`, `{{engine}}` and `{{green}}` in it.
struct Config {
    name: &'static str,
    text: &'static str,
}

async fn configured(
    options: &Options,
    ports: Ports,
    program: PathBuf,
    config: Config,
    arguments: fn(&mut Command, &Path, u16),
) -> anyhow::Result<Peer> {
    let folder = TempDir::new()?;
    let port = free_port()?;
    let text = config
        .text
        .replace("{{port}}", &port.to_string())
        .replace("{{engine}}", &ports.blue.to_string())
        .replace("{{green}}", &ports.green.to_string());
    let path = folder.path().join(config.name);
    fs::write(&path, text)?;
    let mut command = on_core(options.cores.proxy, program);
    arguments(&mut command, &path, port);
    command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let process = Pinned { child: command.spawn()? };
    for _ in 0..START_TRIES {
        sleep(START_PAUSE).await;
        // nginx serves in a worker, all others in the process that was started.
        let serving = match config.name {
            "nginx.conf" | "nginx-mirror.conf" => child_of(process.child.id()),
            _ => Some(process.child.id()),
        };
        if let (Ok(_), Some(pid)) = (Line::open(loopback(port)).await, serving) {
            return Ok(Peer { addr: loopback(port), pid, process, folder: Some(folder) });
        }
    }
    bail!("it does not listen")
}

fn relay(options: &Options, engine: u16) -> anyhow::Result<Peer> {
    let mut child = on_core(options.cores.proxy, std::env::current_exe()?)
        .args(["relay", &engine.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let said = child.stdout.take().map(first_line).transpose()?.unwrap_or_default();
    let port = said.trim().parse().with_context(|| format!("it said {said:?}"))?;
    let process = Pinned { child };
    Ok(Peer { addr: loopback(port), pid: process.child.id(), process, folder: None })
}

/// A port that was free a moment ago, for programs that cannot say which one they took.
fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
