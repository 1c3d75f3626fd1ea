//! Child processes on a core of their own, and what the kernel says of them.

use std::ffi::OsStr;
use std::fs;
use std::process::{Child, Command};

use anyhow::{Context as _, ensure};

/// Ticks of a second in `/proc/PID/stat`; fixed on every Linux that has one.
const TICKS_PER_S: f64 = 100.0;

/// A child that is killed when it is no longer needed.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub(crate) child: Child,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // nginx passes a TERM on to its worker; a KILL would leave that behind.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Puts this process on `core`.
pub(crate) fn pin_self(core: usize) -> anyhow::Result<()> {
    let pid = std::process::id().to_string();
    let set = Command::new("taskset").args(["-pc", &core.to_string(), &pid]).output();
    ensure!(
        set.context("taskset is needed (util-linux)")?.status.success(),
        "core {core} cannot be had: the measurement needs two"
    );
    Ok(())
}

/// File descriptors that this process and its children may have, after it has asked for all that it may ask for.
pub(crate) fn descriptors_max() -> anyhow::Result<usize> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find(|line| line.starts_with("Max open files")).context("no limit of files")?;
    let hard = line.split_whitespace().nth(4).context("an unreadable limit of files")?;
    let pid = std::process::id().to_string();
    let raised = Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={hard}:{hard}")]).status();
    ensure!(
        raised.context("prlimit is needed (util-linux)")?.success(),
        "the limit of files cannot be raised"
    );
    hard.parse().context("an unreadable limit of files")
}

/// A command that will run on `core`.
pub(crate) fn on_core(core: usize, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// Seconds of processor that a process has used, in user and kernel.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the name in parentheses, which may hold spaces; times are fields 14 and 15.
    let (_, rest) = stat.rsplit_once(')').context("an unreadable /proc/PID/stat")?;
    let ticks: Vec<f64> =
        rest.split_whitespace().skip(11).take(2).map_while(|text| text.parse().ok()).collect();
    ensure!(ticks.len() == 2, "an unreadable /proc/PID/stat");
    Ok((ticks[0] + ticks[1]) / TICKS_PER_S)
}

/// KiB of memory that a process holds.
pub(crate) fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    line.split_whitespace().next().and_then(|text| text.parse().ok()).context("an unreadable VmRSS")
}

/// Open file descriptors of a process.
pub(crate) fn descriptors(pid: u32) -> anyhow::Result<u64> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64)
}

/// The one child of `parent`.
pub(crate) fn child_of(parent: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?;
    processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).find(|pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1) == Some(&parent.to_string())
    })
}
