//! One demo from its first file to its ending.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::page;
use super::scenario::{Recorded, Scenario};
use super::traffic::{self, Seen};
use super::workspace::{self, Engines, Workspace};
use crate::cli::progress::StatusLine;
use crate::cli::{Blame, Exit, Failure, Output, serve, timeline};
use crate::config::Config;
use crate::control::{Handle, StartRequest, Status};
use crate::domain::RolloutId;
use crate::mock_engine::{self, Options, Timing};
use crate::release::Lock;
use crate::report::Input;
use crate::rollout::{Ending, Rollout};
use crate::service::Service;
use crate::telemetry::{Clock, RuntimeClock, SystemClock};

/// Users are there before the rollout begins.
const BEFORE: Duration = Duration::from_secs(2);

/// How often the ending is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The longest rollout of any scenario, with room: a demo that hangs should say so.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Two small GPUs' worth of a 7B model: at the demo's rate a hundred requests are in flight, and each feels it.
const TIMING: Timing = Timing {
    prefill_ms: 25.0,
    prefill_ms_per_token: 0.15,
    gap_ms: 9.0,
    gap_ms_per_neighbour: 0.05,
    noise: 0.15,
    cold_requests: 32,
    speed: 2.0,
    tokens_per_chunk: 8,
};

/// What is to be told.
pub(super) struct Story {
    pub(super) scenario: Scenario,
    pub(super) seed: u64,
    pub(super) out: PathBuf,
    pub(super) output: Output,
}

/// What was told.
pub(super) struct Told {
    /// The run, for the report.
    pub(super) input: Input,
    /// How the rollout ended.
    pub(super) ending: Ending,
    /// The exit that stands for it.
    pub(super) exit: Exit,
    /// What the users saw.
    pub(super) seen: Arc<Seen>,
}

impl Story {
    /// Tells it, on the runtime whose clock it uses.
    pub(super) async fn tell(self) -> Result<Told, Failure> {
        self.output.note(format_args!("goldgate demo: {}, seed {}", self.scenario.name(), self.seed));
        self.output.note(format_args!("{}\n", self.scenario.story()));
        let workspace = Workspace::create(&self.out, self.scenario).blame_world()?;
        let (blue, green) = self.engines(&workspace).await?;
        let engines = Engines { blue: blue.addr(), green: green.addr() };
        let config = workspace.write_config(self.scenario, engines).blame_world()?;
        let config = Config::load(&config, []).blame_bug()?;
        let clock = Arc::new(RuntimeClock::start(SystemClock::start().wall()));
        let service = Service::start(&config, clock).await.map_err(serve::blame)?;
        self.output.note(format_args!(
            "users on http://{}, dashboard on http://{}\n",
            service.data_addr(),
            service.admin_addr()
        ));
        let seen = Arc::new(Seen::default());
        let (stop, mut users) = (CancellationToken::new(), JoinSet::new());
        users.spawn(traffic::run(self.users(&service)?, Arc::clone(&seen), stop.clone()));
        let ended = self.roll_out(service.control()).await;
        stop.cancel();
        while users.join_next().await.is_some() {}
        let ending = ended?;
        let input = page::input(&service, &config, self.scenario, ending).await?;
        service.stop().await;
        blue.stop().await;
        green.stop().await;
        Ok(Told { input, ending, exit: Exit::of_decision(ending.exit_code()), seen })
    }

    async fn engines(
        &self,
        workspace: &Workspace,
    ) -> Result<(mock_engine::Running, mock_engine::Running), Failure> {
        for slot in ["blue", "green"] {
            let lock =
                Lock::resolve(&workspace.path(&format!("releases/{slot}/release.toml"))).blame_bug()?;
            workspace.write(&format!("releases/{slot}/release.lock.json"), &lock.to_json()).blame_world()?;
        }
        let blue = self.engine(workspace, self.scenario.blue(), 0).await?;
        let green = self.engine(workspace, self.scenario.green(), 1).await?;
        Ok((blue, green))
    }

    /// The engine that replays `model`; number 1 is the candidate's, and has the scenario's faults.
    async fn engine(
        &self,
        workspace: &Workspace,
        model: Recorded,
        number: u64,
    ) -> Result<mock_engine::Running, Failure> {
        let cases = workspace.path("datasets/gsm8k/cases.jsonl");
        let recorded =
            mock_engine::Recorded::read(&workspace.path(model.answers()), Some(&cases)).blame_bug()?;
        let faults = if number == 1 { self.scenario.faults() } else { &[] };
        let faults = faults.iter().map(|fault| fault.parse()).collect::<Result<_, _>>().blame_bug()?;
        let options = Options {
            recorded: Arc::new(recorded),
            seed: self.seed * 2 + number,
            timing: TIMING,
            faults,
            ..Options::new(model.model_id())
        };
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("no free port for an engine").blame_world()?;
        mock_engine::start(options, listener).blame_world()
    }

    fn users(&self, service: &Service) -> Result<traffic::Plan, Failure> {
        Ok(traffic::Plan {
            url: format!("http://{}", service.data_addr()),
            arrivals: workspace::arrivals(self.scenario.requests_per_s()).blame_bug()?.into(),
            questions: workspace::questions().blame_bug()?.into(),
            seed: self.seed,
        })
    }

    /// Starts the rollout and tells what happens until it is over.
    async fn roll_out(&self, control: &Handle) -> Result<Ending, Failure> {
        tokio::time::sleep(BEFORE).await;
        let told = timeline::told_from_now(control).blame_bug()?;
        let id = Some(RolloutId::from("demo"));
        control.start(StartRequest { id, plan: None }).await.blame_bug()?;
        let line = StatusLine::new(self.output);
        let over = async {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let status = control.status();
                line.show(standing(&status));
                if let Some(ending) = status.rollout.as_ref().and_then(over) {
                    return ending;
                }
            }
        };
        tokio::select! {
            biased;
            () = timeline::tell(told, |event| line.note(event)) => Err(ended_early()),
            ending = tokio::time::timeout(LONGEST, over) => ending.map_err(Failure::bug),
        }
    }
}

/// How it stands, in one line.
fn standing(status: &Status) -> String {
    let Some(rollout) = &status.rollout else { return String::new() };
    let stage = rollout.parts().plan.label(rollout.stage());
    let waits: Vec<_> = status.waiting.iter().map(ToString::to_string).collect();
    format!("{stage}: {} records of evidence; waits for {}", status.records, waits.join(", "))
}

fn ended_early() -> Failure {
    Failure::bug(anyhow!("the controller stopped by itself"))
}

/// The ending, once nothing more will happen.
fn over(rollout: &Rollout) -> Option<Ending> {
    rollout.decided().filter(|_| !rollout.stage().is_live())
}
