//! Pieces of the page.

use goldgate::simulation::{Rate, Times};

pub(crate) fn head(commit: &str, date: &str) -> String {
    format!(
        "# Operating characteristics\n\n\
         `cargo bench --bench operating-characteristics -- --record`, commit {commit} of {date}. Seeded: the same commit writes\n\
         the same figures. Rates are in percent with their 95 % Wilson intervals; the number of rollouts stands in each table.\n\n\
         Every rollout of goldgate's judge takes the shipped path: requests, pairing, collector, judge, rollout machine, a look every\n\
         50 records. Worlds are described in `src/simulation`.\n"
    )
}

/// A table with its heading; the first column is text, the others numbers.
pub(crate) fn table(title: &str, note: &str, header: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let rule = header.iter().enumerate().map(|(at, _)| if at == 0 { "---" } else { "--:" }).collect();
    let mut text = format!("\n## {title}\n\n{note}\n\n{}{}", line(header.to_vec()), line(rule));
    for row in rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    text
}

/// `0.5 (0.2–1.2)`, in percent.
pub(crate) fn percent(rate: Rate) -> String {
    let share = 100.0 * rate.share();
    rate.interval().map_or_else(
        |_| format!("{share:.1}"),
        |interval| format!("{share:.1} ({:.1}–{:.1})", 100.0 * interval.lower, 100.0 * interval.upper),
    )
}

/// Median and ninth decile.
pub(crate) fn records(times: Times) -> String {
    let said = |time: Option<u64>| time.map_or_else(|| "–".to_owned(), |time| time.to_string());
    format!("{} ({})", said(times.median), said(times.p90))
}

/// A bar of 20 letters for a share.
pub(crate) fn bar(share: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 20")]
    let letters = (share * 20.0).round() as usize;
    format!("{:<20} {:>3.0} %", "█".repeat(letters), 100.0 * share)
}
