//! Rows of evidence, and tables of reports, as Parquet: the one file that names polars.

use std::io::Cursor;

use polars::prelude::{
    Column, DataFrame, KeyValueMetadata, NamedFrom, ParallelStrategy, ParquetCompression, ParquetReader,
    ParquetWriter, PolarsError, PolarsResult, SerReader, Series, StaticArray,
};

use super::evidence_rows::Row;

/// The bytes of a file of `rows` that carries `metadata` (key and value), compressed with zstd.
pub(super) fn bytes(rows: &[Row<'_>], metadata: Vec<(String, String)>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let metadata = KeyValueMetadata::from_static(metadata);
    frame(rows)
        .and_then(|mut frame| {
            let writer = ParquetWriter::new(&mut bytes).with_key_value_metadata(Some(metadata));
            writer.with_compression(ParquetCompression::Zstd(None)).finish(&mut frame)
        })
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// The columns of one file.
#[derive(Debug)]
pub(super) struct Columns {
    frame: DataFrame,
    /// What the file says of itself: keys and values.
    pub(super) metadata: Vec<(String, String)>,
}

impl Columns {
    /// Reads the bytes of a file, on this thread alone: its caller folds on the other one.
    pub(super) fn read(bytes: Vec<u8>) -> Result<Self, String> {
        let mut columns = Self::of(ParquetReader::new(Cursor::new(bytes)))?;
        columns.frame.rechunk_mut();
        Ok(columns)
    }

    /// Reads what totals are made of, and no other column.
    pub(super) fn halves(bytes: Vec<u8>) -> Result<Self, String> {
        let wanted = ["kind", "metric", "baseline", "candidate"].map(str::to_owned).to_vec();
        Self::of(ParquetReader::new(Cursor::new(bytes)).with_columns(Some(wanted)))
    }

    fn of(reader: ParquetReader<Cursor<Vec<u8>>>) -> Result<Self, String> {
        let mut reader = reader.read_parallel(ParallelStrategy::None);
        let said = reader.get_metadata().map_err(|error| error.to_string())?;
        let pairs = said.key_value_metadata().iter().flatten();
        let metadata = pairs.filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?))).collect();
        let frame = reader.finish().map_err(|error| error.to_string())?;
        Ok(Self { frame, metadata })
    }

    /// Hands every row of a pair to `each`: metric and both halves.
    pub(super) fn each_half(
        &self,
        mut each: impl FnMut(&str, Option<f64>, Option<f64>),
    ) -> Result<(), String> {
        let Self { frame, .. } = self;
        let column = |name: &str| frame.column(name).map_err(|error| error.to_string());
        let text = |name: &str| column(name)?.str().map_err(|error| error.to_string());
        let number = |name: &str| column(name)?.f64().map_err(|error| error.to_string());
        let names = text("kind")?.iter().zip(text("metric")?.iter());
        let halves = number("baseline")?.iter().zip(number("candidate")?.iter());
        for ((kind, metric), (baseline, candidate)) in names.zip(halves) {
            if let (Some("pair"), Some(metric)) = (kind, metric) {
                each(metric, baseline, candidate);
            }
        }
        Ok(())
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> usize {
        self.frame.height()
    }

    /// The row at a position, without a copy of its texts.
    pub(super) fn rows<'a>(&'a self) -> Result<impl Fn(usize) -> Result<Row<'a>, String>, String> {
        self.all().map_err(|error| error.to_string())
    }

    /// Row by row out of arrays, which costs a third of eight iterators side by side.
    fn all<'a>(&'a self) -> PolarsResult<impl Fn(usize) -> Result<Row<'a>, String>> {
        let Self { frame, .. } = self;
        let text = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.str()?.downcast_as_array());
        let number = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.f64()?.downcast_as_array());
        let seq = frame.column("seq")?.u64()?.downcast_as_array();
        let share_ppm = frame.column("share_ppm")?.u32()?.downcast_as_array();
        let [id, kind, metric, arm] = [text("id")?, text("kind")?, text("metric")?, text("arm")?];
        let [baseline, candidate] = [number("baseline")?, number("candidate")?];
        Ok(move |at| {
            let (Some(seq), Some(id), Some(kind)) = (seq.get(at), id.get(at), kind.get(at)) else {
                return Err(format!("row {}: without seq, id or kind", at + 1));
            };
            Ok(Row {
                seq,
                id,
                kind,
                metric: metric.get(at),
                baseline: baseline.get(at),
                candidate: candidate.get(at),
                arm: arm.get(at),
                share_ppm: share_ppm.get(at),
            })
        })
    }
}

fn column<'a, T, P: ?Sized>(
    name: &'static str,
    rows: &'a [Row<'a>],
    pick: impl Fn(&'a Row<'a>) -> T,
) -> Column
where
    Series: NamedFrom<Vec<T>, P>,
{
    Series::new(name.into(), rows.iter().map(pick).collect::<Vec<T>>()).into()
}

fn frame(rows: &[Row<'_>]) -> PolarsResult<DataFrame> {
    let columns = vec![
        column("seq", rows, |row| row.seq),
        column("id", rows, |row| row.id),
        column("kind", rows, |row| row.kind),
        column("metric", rows, |row| row.metric),
        column("baseline", rows, |row| row.baseline),
        column("candidate", rows, |row| row.candidate),
        column("arm", rows, |row| row.arm),
        column("share_ppm", rows, |row| row.share_ppm),
    ];
    DataFrame::new(rows.len(), columns)
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum TableColumn {
    /// Texts.
    Text(Vec<Option<String>>),
    /// Numbers.
    Number(Vec<Option<f64>>),
    /// Counts.
    Count(Vec<u64>),
}

/// A table with named columns of one length as Parquet, compressed with zstd.
///
/// # Errors
/// When the columns are of different lengths.
pub fn table_bytes(columns: Vec<(&'static str, TableColumn)>) -> Result<Vec<u8>, String> {
    let height = columns.first().map_or(0, |(_, column)| match column {
        TableColumn::Text(values) => values.len(),
        TableColumn::Number(values) => values.len(),
        TableColumn::Count(values) => values.len(),
    });
    let columns = columns.into_iter().map(|(name, column)| match column {
        TableColumn::Text(values) => Column::from(Series::new(name.into(), values)),
        TableColumn::Number(values) => Series::new(name.into(), values).into(),
        TableColumn::Count(values) => Series::new(name.into(), values).into(),
    });
    let mut bytes = Vec::new();
    let written = DataFrame::new(height, columns.collect()).and_then(|mut frame| {
        ParquetWriter::new(&mut bytes).with_compression(ParquetCompression::Zstd(None)).finish(&mut frame)
    });
    written.map_err(|error| error.to_string())?;
    Ok(bytes)
}
