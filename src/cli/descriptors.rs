//! How many sockets and files this process may hold.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;

/// What is held beside connections: the store, the evidence, the log, kept connections to engines.
const BESIDE: u64 = 512;

/// Raises the soft limit to the hard one; gives what it is then. Programs are started with 1,024 for the sake of others
/// that cannot count further, and a proxy that runs out of them fails clients.
pub(super) fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // Where it is refused, what there was stays.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// What is worth saying of `limit` where it lies below what the limits on clients allow: a request holds two sockets, a
/// copy one.
pub(super) fn warning(limit: u64, config: &Config) -> Option<String> {
    let (requests, copies) = (config.server.limits.requests_max as u64, config.mirror.in_flight_max as u64);
    let needed = 2 * requests + copies + BESIDE;
    (limit < needed).then(|| {
        format!(
            "this process may hold {limit} descriptors, and server.limits.requests_max = {requests} may need {needed}: \
             raise the limit (LimitNOFILE=, ulimit -n), or lower requests_max"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_soft_limit_of_descriptors_is_raised_to_the_hard_one() {
        let raised = raise();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!((limit.current, raised), (limit.maximum, limit.maximum.unwrap_or(u64::MAX)));
    }

    #[test]
    fn too_few_descriptors_for_the_requests_that_are_let_in_are_told() {
        let slot = "version = 1\n[slots.blue]\nendpoints = [\"http://127.0.0.1:1\"]\n";
        let config = Config::parse("goldgate.toml", slot, Path::new("conf"), []).unwrap();
        let told = warning(1_024, &config).unwrap();
        assert!(told.contains("1024 descriptors") && told.contains("requests_max = 12288"), "{told}");
        assert_eq!(warning(1 << 20, &config), None);
    }
}
