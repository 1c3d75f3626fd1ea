//! The one table of legal moves.

use super::Stage;

/// Whether a rollout may go from `from` to `to` in one move. Any other move is a bug.
///
/// Only the last ramp step may drain; which one that is stands in the plan, so the table allows
/// `Drain` from any and the machine asks the plan.
#[must_use]
pub const fn legal(from: Stage, to: Stage) -> bool {
    use Stage::{Done, Drain, Gate, KeepWarm, Mirror, Prepare, Ramp, RolledBack};
    match (from, to) {
        (Ramp { index: a }, Ramp { index: b }) => b == a + 1,
        (Prepare, Gate)
        | (Gate, Mirror)
        | (Mirror, Ramp { index: 0 })
        | (Ramp { .. }, Drain)
        | (Drain, KeepWarm)
        | (KeepWarm, Done) => true,
        // What is judged has changed: nothing that was proven speaks for it.
        (Prepare | Gate | Mirror | Ramp { .. }, Prepare) => true,
        (from, RolledBack) => from.is_live(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Stage; 9] = [
        Stage::Prepare,
        Stage::Gate,
        Stage::Mirror,
        Stage::Ramp { index: 0 },
        Stage::Ramp { index: 1 },
        Stage::Drain,
        Stage::KeepWarm,
        Stage::Done,
        Stage::RolledBack,
    ];

    fn check(from: Stage, expected: &str) {
        let found: Vec<_> = ALL.into_iter().filter(|to| legal(from, *to)).map(|to| to.to_string()).collect();
        assert_eq!(found.join(" "), expected, "from {from}");
    }

    #[test]
    fn the_table() {
        check(Stage::Prepare, "prepare gate rolled_back");
        check(Stage::Gate, "prepare mirror rolled_back");
        check(Stage::Mirror, "prepare ramp[0] rolled_back");
        check(Stage::Ramp { index: 0 }, "prepare ramp[1] drain rolled_back");
        check(Stage::Ramp { index: 1 }, "prepare drain rolled_back");
        check(Stage::Drain, "keep_warm rolled_back");
        check(Stage::KeepWarm, "done rolled_back");
        check(Stage::Done, "");
        check(Stage::RolledBack, "");
    }
}
