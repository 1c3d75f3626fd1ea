//! Rows of evidence as Parquet: the one file that names polars.

use std::fs::File;

use polars::prelude::{
    Column, DataFrame, NamedFrom, ParquetCompression, ParquetReader, ParquetWriter, PolarsResult, SerReader,
    Series,
};

use super::evidence_rows::Row;

/// Writes `rows` to `file`, compressed with zstd. The caller makes it durable.
pub(super) fn write(file: &File, rows: &[Row]) -> Result<(), String> {
    frame(rows)
        .and_then(|mut frame| {
            ParquetWriter::new(file).with_compression(ParquetCompression::Zstd(None)).finish(&mut frame)
        })
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Reads all rows of `file`.
pub(super) fn read(file: File) -> Result<Vec<Row>, String> {
    ParquetReader::new(file).finish().and_then(|frame| rows(&frame)).map_err(|error| error.to_string())
}

fn column<T, P: ?Sized>(name: &'static str, rows: &[Row], pick: impl Fn(&Row) -> T) -> Column
where
    Series: NamedFrom<Vec<T>, P>,
{
    Series::new(name.into(), rows.iter().map(pick).collect::<Vec<T>>()).into()
}

fn frame(rows: &[Row]) -> PolarsResult<DataFrame> {
    let columns = vec![
        column("seq", rows, |row| row.seq),
        column("id", rows, |row| row.id.clone()),
        column("kind", rows, |row| row.kind.clone()),
        column("metric", rows, |row| row.metric.clone()),
        column("baseline", rows, |row| row.baseline),
        column("candidate", rows, |row| row.candidate),
        column("arm", rows, |row| row.arm.clone()),
        column("share_ppm", rows, |row| row.share_ppm),
    ];
    DataFrame::new(rows.len(), columns)
}

fn rows(frame: &DataFrame) -> PolarsResult<Vec<Row>> {
    let text = |name: &str| {
        let values = frame.column(name)?.str()?;
        Ok::<_, polars::prelude::PolarsError>(
            values.iter().map(|value| value.map(str::to_owned)).collect::<Vec<_>>(),
        )
    };
    let (ids, kinds, metrics, arms) = (text("id")?, text("kind")?, text("metric")?, text("arm")?);
    let seqs = frame.column("seq")?.u64()?;
    let (baselines, candidates) = (frame.column("baseline")?.f64()?, frame.column("candidate")?.f64()?);
    let shares = frame.column("share_ppm")?.u32()?;
    let all = (0..frame.height()).map(|index| Row {
        seq: seqs.get(index).unwrap_or(0),
        id: ids[index].clone().unwrap_or_default(),
        kind: kinds[index].clone().unwrap_or_default(),
        metric: metrics[index].clone(),
        baseline: baselines.get(index),
        candidate: candidates.get(index),
        arm: arms[index].clone(),
        share_ppm: shares.get(index),
    });
    Ok(all.collect())
}
