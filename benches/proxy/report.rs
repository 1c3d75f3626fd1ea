//! The table, as it is printed and kept.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::figures::{Figure, Figures, Spread};
use crate::green::{P50, P99, Seen, Turn};
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
    let mut page = String::from("# The data plane beside its peers\n\n");
    page.push_str(&circumstances(options));
    let kinds = || Kind::ALL.into_iter().filter(|kind| *kind != Kind::Direct && figures.has(*kind));
    table(&mut page, "median of the rounds", kinds().map(Kind::name));
    for figure in Figure::ALL {
        let median = |kind| number(Spread::of(figures.values(kind, figure)), figure.decimals());
        line(&mut page, figure.name(), kinds().map(median));
    }
    for (name, decimals, read) in MEMORY {
        line(&mut page, name, kinds().map(|kind| number(figures.memory(kind, read), decimals)));
    }
    page.push_str("\nGoldgate over the peer, round by round: median (least–most). The bare relay is `relay.rs` beside this bench.\n");
    let peers = || Kind::PEERS.into_iter().filter(|kind| figures.has(*kind));
    let copied = [COPYING, COPYING_OVER_RELAY].map(str::to_owned);
    let headings = peers().map(|peer| format!("÷ {}", peer.name())).chain(copied);
    table(&mut page, "goldgate", headings);
    for figure in Figure::ALL {
        let beside = peers().map(|peer| ratio(figures.ratio(Kind::Goldgate, peer, figure)));
        let copying =
            [Kind::Goldgate, Kind::Relay].map(|over| ratio(figures.ratio(Kind::Copying, over, figure)));
        line(&mut page, figure.name(), beside.chain(copying));
    }
    page.push_str(&beside(figures));
    broken_candidates(&mut page, figures);
    page
}

/// What broken candidates did to the baseline's users.
fn broken_candidates(page: &mut String, figures: &Figures) {
    page.push_str(
        "\n## While the candidate is broken\n\nOne connection asks one request after the other, or 32 do, and every answer's bytes are compared (LiteLLM's \
         texts). Over a healthy turn of the same round: median (least–most); the longest that any request took. Below 1: copies that find no room \
         cost less than copies that are answered.\n",
    );
    table(page, "candidate", ["p50", "p99", "longest (ms)"].into_iter());
    for seen in &figures.green {
        let mut row = |name: &str, turns: &[Turn]| {
            let longest = format!("{:.1}", Seen::longest_ms(turns));
            let cells = [ratio(seen.ratio(turns, P50)), ratio(seen.ratio(turns, P99)), longest];
            line(page, &format!("{}: {name}", seen.kind.name()), cells.into_iter());
        };
        row("healthy again (noise)", &seen.noise);
        seen.turns.iter().skip(1).for_each(|(green, turns)| row(green.name(), turns));
    }
}

/// What copying costs.
const COPYING: &str = "1 % copied ÷ none";

/// What everything costs that a bare relay does not do.
const COPYING_OVER_RELAY: &str = "1 % copied ÷ bare relay";

/// The table that README shows, of the same figures.
pub(crate) fn short(figures: &Figures) -> String {
    let rows = [
        ("requests per CPU second", Figure::RequestsPerCpuS),
        ("added latency, p50", Figure::AddedP50),
        ("CPU per streamed event", Figure::FrameCpu),
    ];
    let peers = || Kind::PEERS.into_iter().filter(|kind| figures.has(*kind));
    let mut text = String::new();
    table(&mut text, "goldgate, over", peers().map(Kind::name));
    for (name, figure) in rows {
        let cell = |peer| figures.ratio(Kind::Goldgate, peer, figure).map_or("–".to_owned(), short_number);
        line(&mut text, name, peers().map(cell));
    }
    text
}

fn short_number(Spread { median, .. }: Spread) -> String {
    if median < 10.0 { format!("{median:.2}") } else { format!("{median:.0}") }
}

/// The lines of README that the table stands between.
const README_MARKS: [&str; 2] = ["<!-- made by benches/side-by-side -->\n", "\n<!-- until here -->"];

/// Puts `table` into README, in place of the one that is there.
pub(crate) fn record_in_readme(table: &str) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&path)?;
    let [from, to] = README_MARKS;
    let (before, rest) = text.split_once(from).context("README.md has no place for the table")?;
    let (_, after) = rest.split_once(to).context("README.md has no end of the table's place")?;
    Ok(fs::write(path, [before, from, table.trim_start(), &to[1..], after].concat())?)
}

fn table(page: &mut String, first: &str, columns: impl Iterator<Item = impl AsRef<str>>) {
    let mut rule = String::from("|---|");
    let _ = write!(page, "\n| {first} |");
    for column in columns {
        let _ = write!(page, " {} |", column.as_ref());
        rule.push_str("--:|");
    }
    let _ = writeln!(page, "\n{rule}");
}

fn line(page: &mut String, name: &str, cells: impl Iterator<Item = String>) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
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
    format!(
        "`cargo bench --bench proxy -- --record`, commit {}, {} rounds, {} s of load each, {} fresh processes for memory.\n{} {}\n",
        commit(),
        options.rounds,
        options.throughput.as_secs(),
        options.memory_rounds,
        machine(options),
        output("nginx", &["-v"]),
    )
}

/// What was measured.
pub(crate) fn commit() -> String {
    output("git", &["describe", "--always", "--dirty"])
}

/// What it was measured on.
pub(crate) fn machine(options: &Options) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    format!(
        "Machine: two shared virtual cores ({}); the proxy had core {} to itself, load and engine core {} \
         (this process may use {cores}).",
        model.as_deref().unwrap_or("of an unknown kind"),
        options.cores.proxy,
        options.cores.load,
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
    let more = |peer| {
        let pairs = figures
            .values(Kind::Goldgate, Figure::FrameCpu)
            .into_iter()
            .zip(figures.values(peer, Figure::FrameCpu));
        number(Spread::of(pairs.map(|(ours, theirs)| ours - theirs)), 1)
    };
    let (over_relay, over_nginx) = (more(Kind::Relay), more(Kind::Nginx));
    format!(
        "\nA streamed event takes {over_relay} µs of CPU more than through the bare relay, and {over_nginx} µs more than through nginx. \
         The engine by itself answered {} requests/s. Of {} requests through the copying proxy {} were to be copied, \
         {} were paired; {} samples were dropped.\n",
        direct(Figure::RequestsPerS),
        copies.requests,
        copies.offered,
        copies.paired,
        copies.samples_dropped,
    )
}

/// Keeps the page.
pub(crate) fn record(name: &str, page: &str) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/record");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), page)
}
