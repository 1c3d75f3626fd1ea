//! Builds every part from the configuration and wires the channels.
//!
//! ```text
//! config ─▶ engines (pool + release of each slot) ─▶ proxy ──samples──▶ control task ◀── admin port
//!                                                      ▲                     │
//!                                                      └──── route table ◀───┘
//! ```
//!
//! [`Service::start`] gives a running proxy, controller and admin port; [`Service::stop`] ends them in the
//! order in which nothing is lost: clients first, then the evidence they left, then the store.
//!
//! Absent on purpose: decisions, and any rule of the parts it wires.

mod answers;
mod attesting;
mod engines;
mod error;
mod gate;
mod metrics;
mod time_limits;
mod warming;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Access, AdminParts, CacheParts, Role, Token};
use crate::config::{Config, JudgeConfig, LiveRule, TokenRole, policy_digest, read_tokens};
use crate::control::{Control, ControlParts, ControlTask, GateRunner, Handle, PrepareRunner};
use crate::domain::{Arm, Slot};
use crate::evals::GoldenRun;
use crate::evidence::Sample;
use crate::proxy::{self, Counters, DrainReport, ProxyOptions, ProxyParts};
use crate::routing::RouteTable;
use crate::store::Store;
use crate::telemetry::Clock;
use crate::wire::LiveGrader;

pub use error::ServiceError;

use engines::Engines;
use gate::GoldenGate;
use metrics::Measured;
use warming::Warming;

/// Samples that wait for the control task. Beyond it they are dropped and counted: judging falls behind, users
/// do not. At 1 % mirrored of 1,000 requests/s this is seven minutes of pairs.
const SAMPLES_MAX: usize = 4_096;

/// Time between ticks: how late a stage may end.
const TICK: Duration = Duration::from_secs(1);

/// The golden runs of the latest gate, suite by suite.
pub type GateRuns = Arc<Vec<GoldenRun>>;

/// Proxy, controller and admin port, running.
#[derive(Debug)]
pub struct Service {
    control: Handle,
    controller: ControlTask,
    proxy: proxy::Running,
    admin: SocketAddr,
    admin_tasks: JoinSet<std::io::Result<()>>,
    stop_admin: CancellationToken,
    gate_runs: Arc<ArcSwapOption<Vec<GoldenRun>>>,
    warnings: Vec<String>,
}

impl Service {
    /// Starts everything that `config` describes, on `clock`. A rollout that was under way goes on where it stood.
    ///
    /// # Errors
    /// What cannot be read, opened or listened on.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        let engines = Arc::new(Engines::open(config, &clock)?);
        let cache = answers::cache(config, &engines, &clock)?;
        let graders = graders(config)?;
        let gate_runs = Arc::new(ArcSwapOption::empty());
        let gate = GoldenGate::open(config, Arc::clone(&engines), &clock, Arc::clone(&gate_runs))?;
        let options = ProxyOptions {
            tenant_secret: answers::tenant_secret(config)?,
            ..engines::proxy_options(config)?
        };
        let warming = Warming::open(config, &options, cache.as_ref(), engines.slots())?;
        let listener = listen(config.server.listen).await?;
        let table = Arc::new(ArcSwap::from_pointee(RouteTable::steady(0, 0, Slot::Blue)));
        let (sender, samples) = mpsc::channel(SAMPLES_MAX);
        let store = Store::open(&format!("sqlite:{}", config.state.file.display())).await?;
        let rules = engines.judged_by(config.live_judge());
        let warnings = engines.warnings(config, &rules);
        let runners = (gate.runner(), prepare(&engines, warming.clone()));
        let parts =
            control_parts(config, rules, &engines, runners, &clock, (store, Arc::clone(&table), samples));
        let (control, controller) = Control::spawn(parts).await?;
        if let Some(warming) = &warming {
            warming.follow(control.clone());
        }

        let counters = Arc::new(Counters::default());
        let slots = engines.slots();
        let parts = ProxyParts {
            table,
            slots: Arc::clone(&slots),
            cache: cache.clone(),
            warm_up: warming.map(|warming| Arc::clone(&warming.warm_up)),
            samples: sender,
            graders,
            clock: Arc::clone(&clock),
            counters: Arc::clone(&counters),
        };
        let measured = Measured {
            counters: Arc::clone(&counters),
            cache: cache.clone(),
            cache_blind: config.cache.blind_share,
            control: control.clone(),
            engines: Arc::clone(&engines),
        };
        let (admin, stop_admin, mut admin_tasks) = open_admin(config, control.clone(), measured).await?;
        if let Some(cache) = cache.clone() {
            let stop = stop_admin.clone();
            admin_tasks.spawn(async move {
                stop.run_until_cancelled(cache.follow()).await;
                Ok(())
            });
        }
        let (asking, stop) =
            (attesting::run(engines, cache, control.clone(), Arc::clone(&clock)), stop_admin.clone());
        admin_tasks.spawn(async move {
            stop.run_until_cancelled(asking).await;
            Ok(())
        });
        let proxy = proxy::start(options, parts, listener)
            .map_err(|source| ServiceError::Bind { address: config.server.listen, source })?;
        Ok(Self { control, controller, proxy, admin, admin_tasks, stop_admin, gate_runs, warnings })
    }

    /// Speaks to the controller.
    #[must_use]
    pub const fn control(&self) -> &Handle {
        &self.control
    }

    /// Where clients connect.
    #[must_use]
    pub const fn data_addr(&self) -> SocketAddr {
        self.proxy.addr()
    }

    /// Where operators connect.
    #[must_use]
    pub const fn admin_addr(&self) -> SocketAddr {
        self.admin
    }

    /// What the latest golden gate ran, for pages that show it; `None` before the first.
    #[must_use]
    pub fn gate_runs(&self) -> Option<GateRuns> {
        self.gate_runs.load_full()
    }

    /// What works and should still be known: a slot without a release, a probe that was switched off.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Lets clients finish within the drain limit, takes in their evidence, writes it, and closes the store.
    pub async fn stop(mut self) -> DrainReport {
        let report = self.proxy.drain().await;
        self.stop_admin.cancel();
        while self.admin_tasks.join_next().await.is_some() {}
        self.controller.stop().await;
        report
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServiceError> {
    TcpListener::bind(address).await.map_err(|source| ServiceError::Bind { address, source })
}

/// Everything that is kept of the world the control task lives in.
type Channels = (Store, Arc<ArcSwap<RouteTable>>, mpsc::Receiver<Sample>);

fn control_parts(
    config: &Config,
    rules: JudgeConfig,
    engines: &Arc<Engines>,
    (gate, prepare): (GateRunner, PrepareRunner),
    clock: &Arc<dyn Clock>,
    (store, table, samples): Channels,
) -> ControlParts {
    let counted = Arc::clone(engines);
    ControlParts {
        store,
        clock: Arc::clone(clock),
        table,
        samples,
        scores: rules.graders.iter().map(|grader| grader.name.clone()).collect(),
        tenant_max: rules.tenant_max,
        policy_digest: policy_digest(&rules),
        policy: rules.policy,
        plan: config.rollout.plan.clone(),
        releases: engines.releases(),
        evidence_dir: config.evidence.dir.clone(),
        gate,
        prepare,
        in_flight: Arc::new(move |slot| counted.in_flight(slot)),
        tick: TICK,
    }
}

/// Makes a slot ready, and then asks it what clients ask most.
fn prepare(engines: &Arc<Engines>, warming: Option<Arc<Warming>>) -> PrepareRunner {
    let engines = Arc::clone(engines);
    Arc::new(move |slot| {
        let (engines, warming) = (Arc::clone(&engines), warming.clone());
        Box::pin(async move {
            engines.prepare(slot).await?;
            match warming {
                Some(warming) => Ok(warming.run(slot).await),
                None => Ok(None),
            }
        })
    })
}

fn graders(config: &Config) -> Result<Vec<LiveGrader>, ServiceError> {
    let build = |grader: &LiveRule| {
        let named = |source| ServiceError::Grader { metric: grader.name.clone(), source };
        LiveGrader::new(grader.name.clone(), &grader.rule).map_err(named)
    };
    config.judge.graders.iter().map(build).collect()
}

type OpenAdmin = (SocketAddr, CancellationToken, JoinSet<std::io::Result<()>>);

async fn open_admin(config: &Config, control: Handle, measured: Measured) -> Result<OpenAdmin, ServiceError> {
    let tenant_secret = answers::tenant_secret(config)?;
    let cache = measured.cache.clone().map(|cache| CacheParts { cache, tenant_secret });
    let metrics = Arc::new(move || measured.render());
    let parts = AdminParts { control, metrics, cache, access: access(config)? };
    let server = admin::bind(config.server.admin, parts).await?;
    let bound = |source| ServiceError::Bind { address: config.server.admin, source };
    let address = server.local_addr().map_err(bound)?;
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(server.serve(stop.clone()));
    Ok((address, stop, tasks))
}

/// Whoever has a token where there are any; else everybody on this machine.
fn access(config: &Config) -> Result<Access, ServiceError> {
    if config.server.tokens.is_empty() {
        return Ok(Access::Loopback);
    }
    let tokens = read_tokens(&config.server.tokens, |name| std::env::var(name).ok());
    let tokens = tokens.map_err(ServiceError::Tokens)?;
    let role = |role| match role {
        TokenRole::Viewer => Role::Viewer,
        TokenRole::Operator => Role::Operator,
        TokenRole::Approver => Role::Approver,
    };
    Ok(Access::Tokens(tokens.iter().map(|(secret, given)| Token::new(secret, role(*given))).collect()))
}

/// The arm that `slot` plays in `table`.
fn arm_of(table: &RouteTable, slot: Slot) -> Arm {
    if table.baseline == slot { Arm::Baseline } else { Arm::Candidate }
}
