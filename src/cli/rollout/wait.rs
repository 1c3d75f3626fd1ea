//! `rollout status --wait`: until it is decided, or patience is over.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::api::{self, Api, ApiError};
use super::text;
use crate::cli::progress::StatusLine;
use crate::cli::{Context, Exit, Failure};

/// Between two looks. Nobody notices a second at the end of a rollout that takes minutes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long the port may be away: a restart takes up the rollout where it stood, and is no reason to give up.
const AWAY_MAX: Duration = Duration::from_secs(60);

/// Waits from `now` on. Gives the rollout as it stands then, and the decision's exit; where `limit` is over
/// without a decision, that it is inconclusive.
///
/// # Errors
/// When the port refuses, or is away for too long.
pub(super) async fn until_decided(
    api: &Api,
    now: Value,
    limit: Option<Duration>,
    context: &Context,
) -> Result<(Value, Exit), Failure> {
    let mut latest = now;
    let looking = look(api, &mut latest, context);
    let exit = match limit {
        None => looking.await?,
        Some(limit) => match timeout(limit, looking).await {
            Ok(decided) => decided?,
            Err(_) => {
                let limit = humantime::format_duration(limit);
                context
                    .output
                    .note(format_args!("not decided within {limit}: the rollout goes on without us"));
                Exit::Inconclusive
            }
        },
    };
    Ok((latest, exit))
}

/// Looks until there is a decision; `latest` is always what was seen last.
async fn look(api: &Api, latest: &mut Value, context: &Context) -> Result<Exit, Failure> {
    let line = StatusLine::new(context.output);
    let (mut patience, mut told) = (Patience::default(), String::new());
    loop {
        let record = api::record(latest)?;
        if let Some(decision) = &record.decided {
            return Ok(Exit::of_decision(decision.exit_code));
        }
        let here = format!("{} at {}", record.mode, record.label);
        if told != here {
            line.note(text::headline(&record));
            told = here;
        }
        line.show(text::brief(&record));
        sleep(LOOK_EVERY).await;
        // By its name: the latest rollout may soon be another one.
        match api.get(&["rollouts", &record.id]).await {
            Ok(seen) => {
                *latest = seen;
                patience = Patience::default();
            }
            Err(error) => patience.lose(error)?,
        }
    }
}

/// What is left of it while the port is away.
#[derive(Debug, Default)]
pub(super) struct Patience {
    away_since: Option<Instant>,
}

impl Patience {
    /// Bears `error`, or gives it back: when asking again cannot help, or was tried for long enough.
    ///
    /// # Errors
    /// `error` itself.
    pub(super) fn lose(&mut self, error: ApiError) -> Result<(), ApiError> {
        let since = *self.away_since.get_or_insert_with(Instant::now);
        if error.is_passing() && since.elapsed() < AWAY_MAX { Ok(()) } else { Err(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_port_that_is_away_is_waited_for_and_a_refusal_is_not() {
        let away = || ApiError::Unreachable { url: String::new(), text: String::new() };
        let mut patience = Patience::default();
        assert!(patience.lose(away()).is_ok());
        tokio::time::advance(AWAY_MAX / 2).await;
        assert!(patience.lose(away()).is_ok());
        assert!(patience.lose(ApiError::Problem { status: 401, detail: String::new() }).is_err());
        assert!(patience.lose(ApiError::Problem { status: 503, detail: String::new() }).is_ok());
        tokio::time::advance(AWAY_MAX / 2).await;
        assert!(patience.lose(away()).is_err());
    }
}
