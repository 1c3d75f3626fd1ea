//! Packed logs of inspect (`.eval`): a zip archive with a head, and a file for every sample and epoch.
//!
//! They are put together to the log that inspect writes as JSON, and read as such.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use serde_json::value::{RawValue, to_raw_value};
use zip::ZipArchive;

const HEAD: &str = "header.json";
const SAMPLES: &str = "samples/";

/// A file that grows beyond this when it is unpacked was made to.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;

/// The log in `bytes` as JSON; none when they are no archive.
///
/// # Errors
/// An archive that is broken or holds no log.
pub(super) fn unpacked(bytes: &[u8]) -> Option<anyhow::Result<Vec<u8>>> {
    bytes.starts_with(b"PK\x03\x04").then(|| log(bytes))
}

fn log(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let mut log: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&file(&mut archive, HEAD)?)?;
    let mut names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    names.retain(|name| name.starts_with(SAMPLES) && name.ends_with(".json"));
    names.sort();
    let samples = names.iter().map(|name| Ok(serde_json::from_slice(&file(&mut archive, name)?)?));
    let samples: Vec<Box<RawValue>> = samples.collect::<anyhow::Result<_>>()?;
    log.insert("samples".to_owned(), to_raw_value(&samples)?);
    Ok(serde_json::to_vec(&log)?)
}

fn file(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = archive.by_name(name)?.take(UNPACKED_BYTES_MAX).read_to_end(&mut bytes)? as u64;
    anyhow::ensure!(read < UNPACKED_BYTES_MAX, "{name} is larger than 1 GiB");
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::{Value, json};
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;
    use crate::wire::{ResultsAsk, ScoreRow, read_results};

    fn rows(bytes: &[u8]) -> Vec<ScoreRow> {
        let mut rows = read_results(bytes, &ResultsAsk::default()).unwrap();
        rows.sort_by(|one, other| one.id.cmp(&other.id));
        rows
    }

    /// A log as inspect packs it.
    fn packed(log: &str, method: CompressionMethod) -> Vec<u8> {
        let mut log: Value = serde_json::from_str(log).unwrap();
        let samples = log.as_object_mut().unwrap().remove("samples").unwrap();
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        let mut write = |name: &str, value: &Value| {
            archive.start_file(name, options).unwrap();
            archive.write_all(value.to_string().as_bytes()).unwrap();
        };
        write("_journal/start.json", &json!({}));
        for sample in samples.as_array().unwrap() {
            write(
                &format!("samples/{}_epoch_{}.json", sample["id"].as_str().unwrap(), sample["epoch"]),
                sample,
            );
        }
        write("summaries.json", &json!([]));
        write("header.json", &log);
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn packed_logs_of_inspect_say_the_same_as_those_in_json() {
        for name in ["inspect-blue.json", "inspect-epochs.json"] {
            let log = std::fs::read_to_string(format!("tests/data/results/{name}")).unwrap();
            for method in [CompressionMethod::Deflated, CompressionMethod::Zstd] {
                let unpacked = unpacked(&packed(&log, method)).unwrap().unwrap();
                assert_eq!(rows(&unpacked), rows(log.as_bytes()), "{name} {method:?}");
            }
        }
    }

    #[test]
    fn a_log_as_inspect_packed_it_is_read() {
        let bytes = std::fs::read("tests/data/results/inspect-green.eval").unwrap();
        let rows = rows(&unpacked(&bytes).unwrap().unwrap());
        let scores: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.score("match"))).collect();
        assert_eq!(scores, [("product", Some(1.0)), ("rest", Some(0.0)), ("sum", Some(1.0))]);
        assert!(unpacked(&bytes[..bytes.len() / 2]).unwrap().is_err());
        assert!(unpacked(b"PK\x03\x04 and nothing").unwrap().is_err());
        assert!(unpacked(b"{}").is_none());
    }
}
