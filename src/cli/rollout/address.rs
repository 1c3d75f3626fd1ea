//! Where the admin API is, and who asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use anyhow::anyhow;

use crate::cli::{Context, Failure};
use crate::config::Config;

/// A token in an argument would stand in the process list.
const TOKEN_VARIABLE: &str = "GOLDGATE_TOKEN";

/// Where `goldgate serve` listens when nobody says otherwise.
const DEFAULT: &str = "http://127.0.0.1:8081";

/// The configuration that is read when it is there, and not missed when it is not.
const DEFAULT_CONFIG: &str = "goldgate.toml";

/// What was typed, else what the configuration says, else the default.
///
/// # Errors
/// A configuration that cannot be read: exit 2.
pub(super) fn resolve(typed: Option<String>, context: &Context) -> Result<String, Failure> {
    if let Some(typed) = typed {
        return Ok(typed);
    }
    if context.config == Path::new(DEFAULT_CONFIG) && !context.config.exists() {
        return Ok(DEFAULT.to_owned());
    }
    let environment = std::env::vars_os();
    let environment =
        environment.filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
    let config = Config::load(&context.config, environment).map_err(|faults| {
        Failure::usage(anyhow!("{faults}\n  hint: or name the admin port: --admin http://127.0.0.1:8081"))
    })?;
    Ok(format!("http://{}", reachable(config.server.admin)))
}

/// The token that is sent, when one is set.
pub(super) fn token() -> Option<String> {
    std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty())
}

/// Who listens on every address is reached on this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{ColorChoice, Format, GlobalArgs};

    fn context(config: &Path) -> Context {
        let (config, log) = (config.to_owned(), String::new());
        Context::new(GlobalArgs { config, color: ColorChoice::Never, format: Format::Text, log })
    }

    #[test]
    fn the_flag_wins_over_the_configuration_and_that_over_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("goldgate.toml");
        let text = "version = 1\n[server]\nadmin = \"0.0.0.0:9\"\n[slots.blue]\nendpoints = [\"http://127.0.0.1:1\"]\n";
        std::fs::write(&config, text).unwrap();
        assert_eq!(resolve(Some("http://x".to_owned()), &context(&config)).unwrap(), "http://x");
        assert_eq!(resolve(None, &context(&config)).unwrap(), "http://127.0.0.1:9");
        assert_eq!(resolve(None, &context(DEFAULT_CONFIG.as_ref())).unwrap(), DEFAULT);
        let missing = resolve(None, &context("named/other.toml".as_ref())).unwrap_err();
        assert!(missing.to_string().contains("--admin http://127.0.0.1:8081"), "{missing}");
    }
}
