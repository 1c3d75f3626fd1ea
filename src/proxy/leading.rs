//! A request for which others wait: it goes on without its client.

use std::sync::Arc;

use http::Response;
use tokio_util::sync::CancellationToken;

use super::handler::{Going, Shared};
use super::refusal::Refusal;
use super::relay::RelayBody;

/// Asks the engine in a task of its own. A client that leaves before the engine answered ends it at once where nobody waits for the
/// same answer, and when the last of those has left otherwise. What came by then goes on as [`RelayBody`] does when it is dropped.
pub(super) async fn lead(shared: &Arc<Shared>, going: Going) -> Result<Response<RelayBody>, Refusal> {
    let deserted = going.keeping.as_ref().map(|keeping| keeping.feed.deserted());
    let (gone, its) = (CancellationToken::new(), Arc::clone(shared));
    let _client = gone.clone().drop_guard();
    let work = async move {
        let given_up = async {
            gone.cancelled().await;
            tokio::select! {
                () = async { if let Some(deserted) = deserted { deserted.await } } => {}
                () = its.cut.cancelled() => {}
            }
        };
        tokio::select! {
            answer = going.send(&its) => answer,
            // Nobody is there to read it.
            () = given_up => Err(Refusal::Broken),
        }
    };
    let task = shared.tracker.spawn_on(work, &shared.runtime);
    task.await.unwrap_or(Err(Refusal::Broken))
}
