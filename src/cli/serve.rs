//! `goldgate serve`: proxy, controller and admin port in one process.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::context::environment;
use super::{Blame, Context, Exit, Failure, descriptors, timeline};
use crate::config::Config;
use crate::proxy::DrainReport;
use crate::service::{Service, ServiceError};
use crate::telemetry::SystemClock;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The data port, in place of server.listen
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The admin port, in place of server.admin
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
}

/// Serves until interrupted or terminated, then lets clients finish.
///
/// # Errors
/// A configuration that cannot be used (2), and ports or files that cannot be had (4).
pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let mut config = Config::load(&context.config, environment()).blame_usage()?;
    config.server.listen = args.listen.unwrap_or(config.server.listen);
    config.server.admin = args.admin.unwrap_or(config.server.admin);
    let warning = descriptors::warning(descriptors::raise(), &config);
    // Before the ports open: whoever starts this may end it as soon as it answers.
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::world)?;
    let service = Service::start(&config, Arc::new(SystemClock::start())).await.map_err(blame)?;
    greet(&service, warning.as_ref(), context);
    let told = timeline::told_from_now(service.control()).blame_world()?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Failure::world)?,
        _ = terminate.recv() => {}
        // The timeline ends with the controller only: a proxy that nobody steers must not go on silently.
        () = timeline::tell(told, |line| context.output.note(line)) => {
            service.stop().await;
            return Err(Failure::bug(anyhow::anyhow!("the controller stopped by itself")));
        }
    }
    context.output.note(format_args!("draining: no new clients, at most {:?}", config.server.drain));
    let DrainReport { cut } = service.stop().await;
    context.output.note(match cut {
        0 => "stopped: every request was finished".to_owned(),
        1 => "stopped: one request outlived the drain and was cut (server.drain)".to_owned(),
        cut => format!("stopped: {cut} requests outlived the drain and were cut (server.drain)"),
    });
    Ok(Exit::Success)
}

fn greet(service: &Service, of_limits: Option<&String>, context: &Context) {
    for warning in service.warnings().iter().chain(of_limits) {
        context.output.note(format_args!("warning: {warning}"));
    }
    let status = service.control().status();
    let (data, admin) = (service.data_addr(), service.admin_addr());
    context.output.note(format_args!(
        "goldgate serves http://{data} from {}; dashboard and API: http://{admin}",
        status.table.baseline
    ));
    if let Some(rollout) = status.rollout.as_ref().filter(|rollout| rollout.stage().is_live()) {
        let parts = rollout.parts();
        let label = parts.plan.label(rollout.stage());
        context.output.note(format_args!("rollout {} goes on: {label}", parts.id));
    }
}

/// Whose fault it is that the service does not start.
pub(super) fn blame(error: ServiceError) -> Failure {
    if error.is_usage() { Failure::usage(error) } else { Failure::world(error) }
}
