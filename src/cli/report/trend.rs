//! Several runs, or evidence without a verdict: a trend.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{decisive, write};
use crate::cli::{Blame, Context, Failure, Format};
use crate::report::{Trend, TrendRelease, trend_html};
use crate::store::evidence_totals;

/// Whether `run` is a directory of evidence alone.
pub(super) fn is_bare_evidence(run: &Path) -> bool {
    run.is_dir() && !run.join("run.json").exists() && !run.join("verdict.json").exists()
}

/// Reads every run, in order.
///
/// # Errors
/// The first that cannot be read: exit 2.
pub(super) fn read(runs: &[PathBuf]) -> Result<Trend, Failure> {
    let releases = runs.iter().map(|run| release(run)).collect::<Result<_, _>>()?;
    Ok(Trend { releases })
}

fn release(run: &Path) -> Result<TrendRelease, Failure> {
    let name = run.display().to_string();
    if !is_bare_evidence(run) {
        return Ok(TrendRelease::of_verdict(name, decisive(&super::read(run)?)?));
    }
    let totals = evidence_totals(run).blame_usage()?;
    let last = run.file_name().map(|last| last.to_string_lossy().trim_start_matches("rollout=").to_owned());
    Ok(TrendRelease::of_totals(name.clone(), last.unwrap_or(name), &totals))
}

/// Writes the trend where it is wanted, and in the form that is wanted.
///
/// # Errors
/// A file that cannot be written, or whose name does not say what it is to be.
pub(super) fn show(trend: &Trend, out: Option<&Path>, context: &Context) -> Result<(), Failure> {
    let Some(out) = out else {
        return match context.output.format() {
            Format::Json => context.output.json(&trend.json()),
            Format::Markdown => context.output.text(trend.markdown()),
            Format::Html => context.output.text(trend_html(trend).blame_bug()?),
            Format::Text | Format::Junit | Format::Sarif => context.output.text(trend.text()),
        };
    };
    let bytes = match out.extension().and_then(|kind| kind.to_str()) {
        Some("csv") => trend.csv().blame_bug()?,
        Some("parquet") => trend.parquet().map_err(|text| Failure::bug(anyhow!(text)))?,
        Some("json") => serde_json::to_vec_pretty(&trend.json()).blame_bug()?,
        Some("md") => trend.markdown().into_bytes(),
        Some("html") => trend_html(trend).blame_bug()?.into_bytes(),
        _ => {
            let text = format!("--out {}: .html, .md, .json, .csv or .parquet", out.display());
            return Err(Failure::usage(anyhow!(text)));
        }
    };
    write(out, &bytes, context)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::report::{Input, read_run, write_run};
    use crate::wire::{VerdictRecord, fixture};

    /// A folder of two runs and the paths of both.
    fn runs() -> (TempDir, Vec<PathBuf>) {
        let folder = TempDir::new().unwrap();
        let paths = ["v2", "v3"].map(|name| {
            let record =
                VerdictRecord { candidate: name.to_owned(), ..VerdictRecord::from(&fixture::judgment()) };
            let path = folder.path().join(name);
            write_run(&path, &Input::of_verdict(name, record)).unwrap();
            path
        });
        (folder, paths.to_vec())
    }

    #[test]
    fn releases_stand_in_the_order_in_which_they_were_named() {
        let (_folder, mut paths) = runs();
        let named = |paths: &[PathBuf]| {
            read(paths).unwrap().releases.into_iter().map(|release| release.candidate).collect::<Vec<_>>()
        };
        assert_eq!(named(&paths), ["v2", "v3"]);
        paths.reverse();
        assert_eq!(named(&paths), ["v3", "v2"]);
        assert!(read_run(&paths[0]).is_ok());
    }

    #[test]
    fn a_folder_without_verdict_or_evidence_is_refused_by_name() {
        let (folder, _) = runs();
        let empty = folder.path().join("empty");
        std::fs::create_dir(&empty).unwrap();
        assert!(is_bare_evidence(&empty));
        let failure = read(&[empty]).unwrap_err().to_string();
        assert!(failure.contains("empty: holds no evidence"), "{failure}");
    }
}
