//! A plan as a picture: how long each metric needs beside the window it has.

use std::fmt::Write;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use super::{Plan, Question, Remedy};
use crate::judgment::{Finding, LimitForecast, MetricForecast, RampForecast, Spread, short_time};
use crate::routing::MirrorRange;
use crate::stats::WalletPairs;

/// Letters of the window in the picture; what needs twice as long runs off its end.
const WINDOW_WIDTH: f64 = 24.0;
const WIDTH_MAX: usize = 48;

const LINES: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The plan for people.
pub(super) fn text(plan: &Plan) -> String {
    let mut text = heading(&plan.question);
    text += &format!("{}\n\n", table(plan));
    text += &rests_on(plan);
    text += &picture(plan);
    text += &price(plan);
    text += &ramp(plan);
    for remedy in &plan.remedies {
        text += &advice(remedy, &plan.question);
    }
    if plan.remedies.is_empty() {
        text += "every required metric of an identical release is decided within the mirror window (nine in ten rollouts)\n";
    }
    text
}

fn heading(question: &Question) -> String {
    let Question { rate, share, window, .. } = question;
    let most = if share.is_fixed() { String::new() } else { format!(", up to {} if needed", share.most) };
    format!(
        "{rate} requests/s, {} mirrored{most}: {:.2} pairs/s; the mirror stage decides within {}\n\n",
        share.least,
        question.pair_rate(),
        humantime::format_duration(*window)
    )
}

fn table(plan: &Plan) -> Table {
    let mut table = Table::new();
    table.load_style(LINES).force_no_tty();
    table.set_header([
        "metric",
        "margin",
        "assumed",
        "identical passes",
        "",
        "found: smallest",
        "",
        "largest",
        "",
    ]);
    for metric in plan.metrics.iter().chain(&plan.tails) {
        let name = if metric.required { metric.name.to_string() } else { format!("{} (guard)", metric.name) };
        let mut row = vec![name, margin(metric), assumed(metric.spread)];
        row.extend(needs(&plan.question, metric.pass));
        let mut found = metric.find.iter().filter(|finding| finding.pairs.is_some());
        for finding in found.clone().next().into_iter().chain(found.next_back()) {
            let [pairs, time] = needs(&plan.question, finding.pairs);
            row.extend([format!("+{}: {pairs}", effect(metric, finding)), time]);
        }
        table.add_row(row);
    }
    for at in [1, 3, 4, 6, 8] {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// What the assumptions of the table rest on.
fn rests_on(plan: &Plan) -> String {
    let seen = plan.metrics.iter().zip(&plan.seen).filter(|(_, seen)| **seen > 0);
    let seen: Vec<_> = seen.map(|(metric, seen)| format!("{} {seen}", metric.name)).collect();
    if seen.is_empty() {
        return "nothing was seen yet: what is assumed is a guess (--evidence DIR of an earlier rollout corrects it)\n\n".to_owned();
    }
    format!("corrected by pairs of earlier rollouts, where the guess counts for 100: {}\n\n", seen.join(", "))
}

/// What the candidate's own users can tell: by the split of a ramp step, and against absolute limits.
fn ramp(plan: &Plan) -> String {
    let mut text = String::new();
    let keys = |keys: Option<WalletPairs>| {
        keys.map_or_else(|| "never".to_owned(), |keys| format!("{:.0}", keys.median.ceil()))
    };
    // Writing to a String cannot fail; so below.
    if !plan.ramp.is_empty() {
        text +=
            "users (sticky keys) that a ramp step needs by itself; the mirrored pairs before it count too\n";
    }
    for RampForecast { share, name, base, pass, find } in &plan.ramp {
        let (share, harm) = (share.to_string(), percent(base.0));
        let (pass, find) = (keys(*pass), keys(*find));
        let _ = writeln!(
            text,
            "  {share:>5}  {:<14} identical passes: {pass}, +5 points found: {find} ({harm} % of the baseline's answers harm)",
            name.as_str()
        );
    }
    if !plan.limits.is_empty() {
        text += "the candidate's own users that an absolute limit needs\n";
    }
    for LimitForecast { name, limit, pass, find } in &plan.limits {
        let (pass, find) = (keys(*pass), keys(*find));
        let _ = writeln!(
            text,
            "  {name}: {limit} is proven kept where half as many as may be are over it: {pass}, broken by 5 points: {find}"
        );
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn margin(metric: &MetricForecast) -> String {
    if metric.kind.is_ratio() {
        format!("{} %", percent(metric.margin))
    } else {
        format!("{} points", percent(metric.margin))
    }
}

fn effect(metric: &MetricForecast, finding: &Finding) -> String {
    let unit = if metric.kind.is_ratio() { " %" } else { " points" };
    format!("{}{unit}", percent(finding.effect))
}

fn percent(fraction: f64) -> f64 {
    (fraction * 10_000.0).round() / 100.0
}

fn assumed(spread: Spread) -> String {
    match spread {
        Spread::Discordance(share) => format!("{} % of pairs differ", percent(share)),
        Spread::LogNoise(deviation) => format!("ratios vary by {:.2}", deviation),
    }
}

/// Pairs and time, by the median.
fn needs(question: &Question, pairs: Option<WalletPairs>) -> [String; 2] {
    let Some(pairs) = pairs else { return ["never".to_owned(), String::new()] };
    let time = question.time(pairs.median).map_or_else(|| "no copies".to_owned(), short_time);
    [format!("{:.0} pairs", pairs.median.ceil()), time]
}

/// A bar a required metric: full letters to the median, light ones to the ninth decile, `│` where the window ends.
fn picture(plan: &Plan) -> String {
    let mut text = String::from(
        "time until an identical release passes (█ median, ░ nine in ten, │ the window's end)\n",
    );
    for metric in plan.metrics.iter().filter(|metric| metric.required) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:<20} {}", metric.name.as_str(), bar(&plan.question, metric.pass));
    }
    text + "\n"
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "letters, from positive numbers")]
fn bar(question: &Question, pairs: Option<WalletPairs>) -> String {
    let letters = |pairs: f64| {
        let time = question.time(pairs).map_or(f64::INFINITY, |time| time.as_secs_f64());
        (time / question.window.as_secs_f64() * WINDOW_WIDTH).ceil().min(WIDTH_MAX as f64) as usize
    };
    let (median, p90) =
        pairs.map_or((WIDTH_MAX, WIDTH_MAX), |pairs| (letters(pairs.median), letters(pairs.p90)));
    let mut cells: Vec<char> = vec!['█'; median];
    cells.resize(p90, '░');
    let end = WINDOW_WIDTH as usize;
    cells.resize(cells.len().max(end + 1), ' ');
    cells[end] = '│';
    let cut = if p90 >= WIDTH_MAX { "…" } else { "" };
    cells.into_iter().collect::<String>().trim_end().to_owned() + cut
}

/// What the copies of the slowest required metric cost.
fn price(plan: &Plan) -> String {
    let Some(gpu_ms) = plan.question.gpu_ms else { return String::new() };
    let required = plan.metrics.iter().filter(|metric| metric.required);
    let pairs = required.filter_map(|metric| metric.pass).map(|pairs| pairs.p90).fold(0.0, f64::max);
    let hours = pairs * gpu_ms / 3.6e6;
    format!("copies cost {hours:.2} GPU hours for {pairs:.0} pairs (nine in ten)\n\n")
}

fn advice(remedy: &Remedy, question: &Question) -> String {
    let Remedy { metric, share, margin, adapts } = remedy;
    if *adapts && let Some(share) = share {
        let Question { share: MirrorRange { least, most }, .. } = question;
        return format!(
            "{metric}: {least} is too little; the mirror stage copies about {}% by itself, of the {most} that it may\n",
            tenths(*share)
        );
    }
    let mut text = format!(
        "warning: {metric}: nine in ten identical releases are not decided within {}",
        humantime::format_duration(question.window)
    );
    let mut ways = Vec::new();
    if let Some(share) = share {
        let key = if question.share.is_fixed() { "mirror.share =" } else { "mirror.share_max well above" };
        ways.push(format!("{key} \"{}%\"", tenths(*share)));
    }
    if let Some(margin) = margin {
        ways.push(format!("margin = {}", (margin * 10_000.0).round() / 10_000.0));
    }
    text += &match &ways[..] {
        [] => "; neither a larger share nor a wider margin would: mirror for longer (rollout.mirror.max)"
            .to_owned(),
        ways => format!("; {} would", ways.join(" or ")),
    };
    text + "\n"
}

/// A share in percent, rounded up to a tenth.
fn tenths(share: f64) -> f64 {
    (share * 1_000.0).ceil() / 10.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Share;

    fn fixed(share: Share) -> MirrorRange {
        MirrorRange { least: share, most: share }
    }

    fn question(rate: f64) -> Question {
        let (share, window) = (fixed(Share::from_ppm(10_000)), Duration::from_secs(600));
        Question { rate, share, window, gpu_ms: None }
    }

    #[test]
    fn a_bar_shows_where_the_window_ends() {
        let pairs = |median, p90| Some(WalletPairs { median, p90 });
        let check = |pairs, expected: &str| assert_eq!(bar(&question(100.0), pairs), expected);
        check(pairs(300.0, 450.0), "████████████░░░░░░      │");
        check(pairs(500.0, 700.0), "████████████████████░░░░│░░░");
        check(None, "████████████████████████│███████████████████████…");
    }

    #[test]
    fn a_share_that_grows_by_itself_is_told_with_what_it_reaches() {
        let most = |most| MirrorRange { most: Share::from_ppm(most), ..fixed(Share::from_ppm(10_000)) };
        let told = |most_ppm| {
            let question = Question { share: most(most_ppm), ..question(10.0) };
            // 270 pairs in ten minutes of ten requests a second: 4.5 % all the time.
            let adapts = question.reaches(270.0);
            advice(
                &Remedy { metric: "error".to_owned(), share: Some(0.045), margin: None, adapts },
                &question,
            )
        };
        let by_itself =
            "error: 1% is too little; the mirror stage copies about 4.5% by itself, of the 10% that it may\n";
        assert_eq!(told(100_000), by_itself);
        assert!(told(20_000).ends_with("; mirror.share_max well above \"4.5%\" would\n"), "{}", told(20_000));
        assert!(told(10_000).ends_with("; mirror.share = \"4.5%\" would\n"), "{}", told(10_000));
    }

    #[test]
    fn a_plan_says_what_it_rests_on_what_the_tails_need_and_what_a_ramp_step_needs() {
        use crate::evidence::{Collector, Halves, Pair, Record};
        use crate::judgment::Policy;
        let policy = Policy::default_live();
        let mut collector = Collector::new(&policy.specs()).unwrap();
        for seq in 1..=10 {
            let metrics = vec![("error".into(), Halves { baseline: Some(0.0), candidate: Some(0.0) })];
            collector.push(&Record::Pair(Pair { seq, id: format!("r{seq}"), metrics })).unwrap();
        }
        let shares = [Share::from_ppm(250_000), Share::FULL];
        let told =
            |earlier: &[_]| text(&super::super::plan(question(100.0), &policy, &shares, earlier).unwrap());
        let guessed = told(&[]);
        for part in
            ["what is assumed is a guess", "ttft_ms:p99 (guard)", "ttft_ms:threefold (guard)", "  25%  error"]
        {
            assert!(guessed.contains(part), "{part:?} is not in\n{guessed}");
        }
        assert!(!guessed.contains("100%"), "where everybody is on the candidate there is no split");
        let corrected = told(&[collector.snapshot().clone(), collector.snapshot().clone()]);
        assert!(corrected.contains("where the guess counts for 100: error 20\n"), "{corrected}");
        assert!(corrected.contains("0.83 % of pairs differ"), "{corrected}");
    }

    #[test]
    fn without_copies_nothing_is_ever_decided() {
        let nothing = Question { share: fixed(Share::ZERO), ..question(100.0) };
        let pairs = WalletPairs { median: 1.0, p90: 2.0 };
        assert!(!nothing.decides(Some(pairs)) && nothing.time(1.0).is_none());
    }
}
