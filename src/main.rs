//! The `goldgate` program: everything is in the library. Here a process begins and ends: the TLS provider, the
//! runtime, one place that prints an error, and the exit code.

use std::io::Write;
use std::process::ExitCode;

use goldgate::cli::{self, Exit, Failure};

/// Gives memory back by time, and not only what lies at the end of a heap.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let exit = match run() {
        Ok(exit) => exit,
        Err(failure) => {
            // A closed stderr leaves nobody to tell; the exit code still speaks.
            let _ = write!(std::io::stderr().lock(), "{}", failure.render());
            failure.exit()
        }
    };
    ExitCode::from(exit.code())
}

fn run() -> Result<Exit, Failure> {
    // An error means that a provider stands already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::bug)?;
    runtime.block_on(cli::run(std::env::args_os().collect()))
}
