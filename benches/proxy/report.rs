//! The table, as it is printed and kept.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::figures::{Figure, Figures, Spread};
use crate::memory::Used;
use crate::options::Options;
use crate::targets::Kind;

/// Figures of memory by name, with their decimals.
type MemoryFigure = (&'static str, usize, fn(&Used) -> f64);

const MEMORY: [MemoryFigure; 3] = [
    ("memory, idle (MiB)", 1, |used| used.idle_mib),
    ("memory per open stream (KiB)", 1, |used| used.stream_kib),
    ("descriptors per open stream", 2, |used| used.stream_descriptors),
];

/// The whole page, in markdown.
pub(crate) fn page(figures: &Figures, options: &Options) -> String {
    let mut page = String::from("# The data plane beside nginx\n\n");
    page.push_str(&circumstances(options));
    page.push_str(
        "\n| median of the rounds | nginx | goldgate | ÷ nginx (least–most) | goldgate, 1 % copied | ÷ nginx (least–most) |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for figure in Figure::ALL {
        let median = |kind| number(Spread::of(figures.values(kind, figure)), figure.decimals());
        let ratio = |kind| ratio(figures.ratio(kind, figure));
        line(
            &mut page,
            figure.name(),
            [
                median(Kind::Nginx),
                median(Kind::Goldgate),
                ratio(Kind::Goldgate),
                median(Kind::Copying),
                ratio(Kind::Copying),
            ],
        );
    }
    for (name, decimals, read) in MEMORY {
        let of = |kind| figures.memory(kind, read);
        let ours_over_theirs =
            of(Kind::Goldgate).zip(of(Kind::Nginx)).map(|(ours, theirs)| ours.median / theirs.median);
        let ratio = ours_over_theirs.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let none = || "–".to_owned();
        line(
            &mut page,
            name,
            [number(of(Kind::Nginx), decimals), number(of(Kind::Goldgate), decimals), ratio, none(), none()],
        );
    }
    page.push_str(&beside(figures));
    page
}

fn line(page: &mut String, name: &str, cells: [String; 5]) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "| {name} | {} |", cells.join(" | "));
}

fn number(spread: Option<Spread>, decimals: usize) -> String {
    spread.map_or_else(|| "–".to_owned(), |spread| format!("{:.decimals$}", spread.median))
}

fn ratio(spread: Option<Spread>) -> String {
    spread.map_or_else(
        || "–".to_owned(),
        |Spread { median, min, max }| format!("**{median:.2}** ({min:.2}–{max:.2})"),
    )
}

fn circumstances(options: &Options) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    format!(
        "`cargo bench --bench proxy -- --record`, commit {}, {} rounds, {} s of load each, {} fresh processes for memory.\n\
         Machine: two shared virtual cores ({}); the proxy had core {} to itself, load and engine core {} \
         (this process may use {cores}). {}\n",
        output("git", &["describe", "--always", "--dirty"]),
        options.rounds,
        options.throughput.as_secs(),
        options.memory_rounds,
        model.as_deref().unwrap_or("of an unknown kind"),
        options.cores.proxy,
        options.cores.load,
        output("nginx", &["-v"]),
    )
}

/// What a program says, or that it says nothing.
fn output(program: &str, arguments: &[&str]) -> String {
    let ran = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let said = ran.ok().map(|ran| [ran.stdout, ran.stderr].concat()).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if said.is_empty() { "unknown".to_owned() } else { said }
}

/// What is no comparison.
fn beside(figures: &Figures) -> String {
    let direct = |figure| number(Spread::of(figures.values(Kind::Direct, figure)), 0);
    let copies = &figures.copies;
    format!(
        "\nThe engine by itself answered {} requests/s. Of {} requests through the copying proxy {} were to be copied, \
         {} were paired; {} samples were dropped.\n",
        direct(Figure::RequestsPerS),
        copies.requests,
        copies.offered,
        copies.paired,
        copies.samples_dropped,
    )
}

/// Keeps the page.
pub(crate) fn record(page: &str) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/record");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("proxy.md"), page)
}
