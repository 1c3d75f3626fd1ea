//! What is measured: the engine by itself, its peers, the least relay, goldgate, and goldgate that copies 1 % of its
//! requests.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::client::{Line, get, post};
use crate::options::Options;
use crate::peers;
use crate::process::{Pinned, on_core};

/// The program under test: the one that users run.
const GOLDGATE: &str = env!("CARGO_BIN_EXE_goldgate");

/// How long a process may take until it serves.
pub(crate) const START_TRIES: usize = 1_200;
pub(crate) const START_PAUSE: Duration = Duration::from_millis(50);

/// What stands between client and engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Direct,
    Nginx,
    /// nginx that copies 1 % of its requests; not one of [`Kind::ALL`].
    NginxMirror,
    Haproxy,
    Envoy,
    Litellm,
    /// LiteLLM that copies its requests to a silent model, all of them: it knows no share. Not one of [`Kind::ALL`].
    LitellmMirror,
    Relay,
    Goldgate,
    Copying,
    /// As [`Kind::Copying`], with a policy that lets no broken candidate end it; not one of [`Kind::ALL`].
    Enduring,
    /// The same, all requests copied.
    EnduringAll,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Direct,
        Self::Nginx,
        Self::Haproxy,
        Self::Envoy,
        Self::Litellm,
        Self::Relay,
        Self::Goldgate,
        Self::Copying,
    ];

    /// What stands beside goldgate.
    pub(crate) const PEERS: [Self; 5] = [Self::Nginx, Self::Haproxy, Self::Envoy, Self::Litellm, Self::Relay];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::NginxMirror => "nginx, 1 % mirrored",
            Self::Haproxy => "HAProxy",
            Self::Envoy => "Envoy",
            Self::Litellm => "LiteLLM",
            Self::LitellmMirror => "LiteLLM, all mirrored",
            Self::Relay => "bare relay",
            Self::Goldgate => "goldgate",
            Self::Copying | Self::Enduring => "goldgate, 1 % copied",
            Self::EnduringAll => "goldgate, all copied, 32 connections",
        }
    }

    /// Connections that ask at once while the candidate is broken.
    pub(crate) const fn connections(self) -> usize {
        if matches!(self, Self::EnduringAll) { 32 } else { 1 }
    }
}

/// The engine's two ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) blue: u16,
    pub(crate) green: u16,
}

/// The running engine.
pub(crate) struct Engine {
    _process: Pinned,
    pub(crate) ports: Ports,
}

/// Starts the engine on this process's core.
pub(crate) async fn start_engine() -> anyhow::Result<Engine> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("engine")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let said = child.stdout.take().map(first_line).transpose()?.unwrap_or_default();
    let ports: Vec<u16> = said.split_whitespace().filter_map(|port| port.parse().ok()).collect();
    let [blue, green] = ports[..] else { bail!("the engine said {said:?}") };
    Ok(Engine { _process: Pinned { child }, ports: Ports { blue, green } })
}

pub(crate) fn first_line(pipe: impl Read) -> std::io::Result<String> {
    let mut line = String::new();
    BufReader::new(pipe).read_line(&mut line)?;
    Ok(line)
}

/// Something that answers.
pub(crate) struct Target {
    pub(crate) kind: Kind,
    pub(crate) addr: SocketAddr,
    /// Whose processor time and memory count; `None` for the engine by itself.
    pub(crate) pid: Option<u32>,
    admin: Option<SocketAddr>,
    _process: Option<Pinned>,
    _folder: Option<TempDir>,
}

impl Target {
    /// Starts `kind`; `None` when it is not installed.
    pub(crate) async fn start(kind: Kind, options: &Options, ports: Ports) -> anyhow::Result<Option<Self>> {
        match kind {
            Kind::Direct => Ok(Some(Self {
                kind,
                addr: loopback(ports.blue),
                pid: None,
                admin: None,
                _process: None,
                _folder: None,
            })),
            Kind::Nginx
            | Kind::NginxMirror
            | Kind::Haproxy
            | Kind::Envoy
            | Kind::Litellm
            | Kind::LitellmMirror
            | Kind::Relay => {
                let Some(peer) = peers::start(kind, options, ports).await.with_context(|| kind.name())?
                else {
                    return Ok(None);
                };
                Ok(Some(Self {
                    kind,
                    addr: peer.addr,
                    pid: Some(peer.pid),
                    admin: None,
                    _process: Some(peer.process),
                    _folder: peer.folder,
                }))
            }
            Kind::Goldgate | Kind::Copying | Kind::Enduring | Kind::EnduringAll => {
                goldgate(kind, options, ports).await.map(Some).with_context(|| kind.name())
            }
        }
    }
}

impl Target {
    /// Fails when copies were to be made and are not made any more.
    pub(crate) async fn check(&self) -> anyhow::Result<()> {
        match self.admin {
            Some(admin) => still_copies(admin).await,
            None => Ok(()),
        }
    }
}

/// Everything that is measured in turn.
pub(crate) struct Fleet(Vec<Target>);

impl Fleet {
    pub(crate) async fn start(options: &Options, ports: Ports) -> anyhow::Result<Self> {
        let mut targets = Vec::new();
        for kind in Kind::ALL {
            targets.extend(Target::start(kind, options, ports).await?);
        }
        Ok(Self(targets))
    }

    pub(crate) fn target(&self, kind: Kind) -> Option<&Target> {
        self.0.iter().find(|target| target.kind == kind)
    }

    pub(crate) fn missing(&self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(|kind| self.target(*kind).is_none())
    }

    /// What became of the copies, as the proxy counted them.
    pub(crate) async fn copies(&self) -> anyhow::Result<Copies> {
        let admin = self.target(Kind::Copying).and_then(|target| target.admin).context("no copies")?;
        still_copies(admin).await?;
        let metrics = get(admin, "/metrics").await?;
        let count = |series: &str| -> u64 {
            let line = metrics.lines().find_map(|line| line.strip_prefix(series));
            line.and_then(|rest| rest.trim().parse().ok()).unwrap_or_default()
        };
        Ok(Copies {
            requests: count(r#"goldgate_proxy_events_total{event="requests"}"#),
            offered: count(r#"goldgate_copies_total{kind="mirror",fate="offered"}"#),
            paired: count(r#"goldgate_copies_total{kind="mirror",fate="paired"}"#),
            samples_dropped: count(r#"goldgate_proxy_events_total{event="samples_dropped"}"#),
        })
    }
}

/// See [`Fleet::copies`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Copies {
    pub(crate) requests: u64,
    pub(crate) offered: u64,
    pub(crate) paired: u64,
    pub(crate) samples_dropped: u64,
}

pub(crate) const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// What the shipped metrics of the configuration begin with.
const SHIPPED: &str = "# The shipped metrics.";

/// A policy under which a candidate that always fails takes more pairs to be found than any run makes.
const ENDURING: &str = "[[judge.metrics]]\nname = \"error\"\nmargin = 0.99\nrequired = true\n";

async fn goldgate(kind: Kind, options: &Options, ports: Ports) -> anyhow::Result<Target> {
    let folder = TempDir::new()?;
    let config = include_str!("goldgate.toml")
        .replace("{{blue}}", &ports.blue.to_string())
        .replace("{{green}}", &ports.green.to_string())
        .replace("{{share}}", if kind == Kind::EnduringAll { "100%" } else { "1%" })
        .replace("{{suites}}", concat!(env!("CARGO_MANIFEST_DIR"), "/eval-suites"));
    let endures = matches!(kind, Kind::Enduring | Kind::EnduringAll);
    let (settings, shipped) = config.split_once(SHIPPED).context("no shipped metrics")?;
    let metrics = if endures { ENDURING } else { shipped };
    fs::write(folder.path().join("goldgate.toml"), format!("{settings}{metrics}"))?;
    for slot in ["blue", "green"] {
        let manifest = folder.path().join(format!("{slot}.toml"));
        fs::write(&manifest, include_str!("release.toml").replace("{{name}}", slot))?;
        let lock = folder.path().join(format!("{slot}.lock.json"));
        let locked =
            Command::new(GOLDGATE).args(["release", "lock"]).arg(manifest).arg("--out").arg(lock).output()?;
        ensure!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
    }
    let mut child = on_core(options.cores.proxy, GOLDGATE)
        .args(["-c", "goldgate.toml", "serve"])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().context("no stderr")?;
    let process = Pinned { child };
    let (addr, admin) = addresses(stderr)?;
    if kind != Kind::Goldgate {
        begin_copies(admin).await?;
    }
    // `taskset` becomes the program it starts, so that the pid is the proxy's.
    let pid = Some(process.child.id());
    Ok(Target { kind, addr, pid, admin: Some(admin), _process: Some(process), _folder: Some(folder) })
}

/// Where the program says that it listens. What it says later is read and forgotten, so that it never waits.
fn addresses(stderr: impl Read + Send + 'static) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let mut lines = BufReader::new(stderr).lines();
    let mut said = String::new();
    while let Some(line) = lines.next().transpose()? {
        let urls: Vec<SocketAddr> = line
            .split("http://")
            .skip(1)
            .filter_map(|rest| rest.split_whitespace().next()?.parse().ok())
            .collect();
        if let [data, admin] = urls[..] {
            std::thread::spawn(move || lines.for_each(drop));
            return Ok((data, admin));
        }
        said.push_str(&line);
    }
    bail!("it did not start: {said}")
}

/// Starts a rollout, whose first stage of live evidence copies requests for longer than any run.
async fn begin_copies(admin: SocketAddr) -> anyhow::Result<()> {
    Line::open(admin).await?.whole(&post("/api/v1/rollouts", "", "{}")).await?;
    for _ in 0..START_TRIES {
        sleep(START_PAUSE).await;
        if stage(admin).await? == "mirror" {
            return Ok(());
        }
    }
    bail!("the rollout does not reach its mirror stage")
}

async fn still_copies(admin: SocketAddr) -> anyhow::Result<()> {
    if stage(admin).await? != "mirror" {
        bail!("the copies stopped meanwhile: {}", get(admin, "/api/v1/rollouts/r1/history").await?);
    }
    Ok(())
}

/// The stage of the latest rollout.
async fn stage(admin: SocketAddr) -> anyhow::Result<String> {
    let rollout: serde_json::Value = serde_json::from_str(&get(admin, "/api/v1/rollouts/latest").await?)?;
    Ok(rollout["stage"].as_str().unwrap_or_default().to_owned())
}
