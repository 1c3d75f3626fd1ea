//! Clients that come and go while something else is tested, and remember everything they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Answer, Ask, Clients};

/// Clients that ask at once.
const CLIENTS: usize = 3;

/// Between two questions of one client: unoptimised builds on a shared machine need the time.
const PAUSE: Duration = Duration::from_millis(15);

/// Users in whose names they ask.
const USERS: usize = 400;

/// One question and what came of it.
pub(crate) struct Heard {
    /// The question's number.
    pub(crate) question: usize,
    pub(crate) answer: Result<Answer, String>,
}

/// Clients under way. Dropping it sends them home.
pub(crate) struct Traffic {
    stop: CancellationToken,
    clients: JoinSet<Vec<Heard>>,
}

impl Traffic {
    /// Sends clients who ask `questions` in turn; every other answer is streamed.
    pub(crate) fn start(address: &Clients, questions: &[String]) -> Self {
        let (stop, next) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (address, stop, next, questions) =
                (address.clone(), stop.clone(), Arc::clone(&next), questions.to_vec());
            clients.spawn(async move {
                let mut heard = Vec::new();
                while !stop.is_cancelled() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let question = number % questions.len();
                    let ask = Ask {
                        stream: number.is_multiple_of(2),
                        user: format!("user-{}", number * 7 % USERS),
                        ..Ask::new(&questions[question])
                    };
                    heard.push(Heard { question, answer: address.ask(&ask).await });
                    tokio::time::sleep(PAUSE).await;
                }
                heard
            });
        }
        Self { stop, clients }
    }

    /// Lets them finish, and asks what they heard.
    pub(crate) async fn stop(self) -> Vec<Heard> {
        self.stop.cancel();
        self.clients.join_all().await.into_iter().flatten().collect()
    }
}
