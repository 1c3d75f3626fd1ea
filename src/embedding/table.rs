//! An embedder from a folder: a static table of token vectors, in the format of model2vec (`tokenizer.json`, `model.safetensors`).
//!
//! A text's vector is the mean of its tokens' rows. Unlike the built-in embedder it knows that two words mean much the same.

use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use tokenizers::Tokenizer;

use super::{EmbedderError, Embedding};

/// The tensor that holds the rows.
const TENSOR: &str = "embeddings";

/// Bytes of the header's length at the file's head.
const LENGTH_BYTES: usize = 8;

/// The table.
#[derive(Clone)]
pub struct Table {
    tokenizer: Tokenizer,
    /// One row after the other.
    rows: Vec<f32>,
    width: usize,
    id: String,
}

/// What the header says of one tensor.
#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("id", &self.id).field("width", &self.width).finish_non_exhaustive()
    }
}

fn wrong(what: impl fmt::Display) -> EmbedderError {
    EmbedderError::new(what.to_string())
}

fn read(path: &Path) -> Result<Vec<u8>, EmbedderError> {
    fs::read(path).map_err(|error| wrong(format_args!("{}: {error}", path.display())))
}

impl Table {
    /// Reads the folder.
    ///
    /// # Errors
    /// A file that is missing, cut, or holds another table than this format's; rows that are no numbers.
    pub fn open(folder: &Path) -> Result<Self, EmbedderError> {
        let (vocabulary, weights) =
            (read(&folder.join("tokenizer.json"))?, read(&folder.join("model.safetensors"))?);
        let tokenizer = Tokenizer::from_bytes(&vocabulary).map_err(wrong)?;
        let (width, rows) = rows(&weights)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(blake3::hash(&vocabulary).as_bytes()).update(blake3::hash(&weights).as_bytes());
        Ok(Self { tokenizer, rows, width, id: format!("table:{}", hasher.finalize().to_hex()) })
    }

    /// The digest of both files.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The vector of `text` with `dimensions` coordinates. Narrower tables are filled up with zeros; of wider ones the first
    /// coordinates are taken, which in these tables hold the most (they are ordered by variance).
    #[must_use]
    pub fn embed(&self, text: &str, dimensions: usize) -> Embedding {
        let encoding = self.tokenizer.encode_fast(text, false);
        let tokens = encoding.map(|encoding| encoding.get_ids().to_vec()).unwrap_or_default();
        let mut sum = vec![0.0_f32; dimensions];
        for row in tokens.iter().filter_map(|token| self.rows.get(self.row(*token)?)) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        Embedding::normalised(sum)
    }

    fn row(&self, token: u32) -> Option<Range<usize>> {
        let start = usize::try_from(token).ok()?.checked_mul(self.width)?;
        Some(start..start + self.width)
    }
}

/// Width and rows of the table in a safetensors file: eight bytes of length, a JSON header, then the data.
fn rows(bytes: &[u8]) -> Result<(usize, Vec<f32>), EmbedderError> {
    let cut = || wrong("model.safetensors is cut or no such file");
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>().ok_or_else(cut)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(wrong)?;
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(header).map_err(wrong)?;
    let tensor = header.get(TENSOR).ok_or_else(|| wrong("model.safetensors has no tensor \"embeddings\""))?;
    let Tensor { dtype, shape, data_offsets: [start, end] } = Tensor::deserialize(tensor).map_err(wrong)?;
    let data = data.get(start..end).ok_or_else(cut)?;
    let rows: Vec<f32> = match dtype.as_str() {
        "F32" => data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        "F16" => data.as_chunks::<2>().0.iter().map(|bytes| half(u16::from_le_bytes(*bytes))).collect(),
        other => return Err(wrong(format_args!("\"embeddings\" is {other}, not F32 or F16"))),
    };
    match shape[..] {
        [count, width] if width > 0 && count.checked_mul(width) == Some(rows.len()) => {
            let is_sound = rows.iter().all(|value| value.is_finite());
            is_sound.then_some((width, rows)).ok_or_else(|| wrong("\"embeddings\" holds what is no number"))
        }
        _ => Err(wrong(format_args!("\"embeddings\" has the shape {shape:?} and {} numbers", rows.len()))),
    }
}

/// A half-precision number (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        0x1f => f32::NAN,
        _ => (1024.0 + fraction) * 2.0_f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENIZER: &str = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,"model":{"type":"WordLevel","vocab":{"[UNK]":0,"car":1,"automobile":2,"banana":3},"unk_token":"[UNK]"}}"#;
    const ROWS: [[f32; 2]; 4] = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.125], [0.0, 1.0]];

    fn file(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!(
            "{{\"embeddings\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[0,{}]}}}}",
            data.len()
        );
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    fn f32s() -> Vec<u8> {
        ROWS.as_flattened().iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn open(weights: &[u8]) -> Result<Table, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tokenizer.json"), TOKENIZER).unwrap();
        fs::write(folder.path().join("model.safetensors"), weights).unwrap();
        Table::open(folder.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn words_that_mean_the_same_are_near_in_both_precisions() {
        let halves: Vec<u8> = [0, 0, 0x3c00_u16, 0, 0x3c00, 0x3000, 0, 0x3c00]
            .iter()
            .flat_map(|bits| bits.to_le_bytes())
            .collect();
        let tables =
            [open(&file("F32", "[4,2]", &f32s())).unwrap(), open(&file("F16", "[4,2]", &halves)).unwrap()];
        for table in &tables {
            let cosine = |a: &str, b: &str| table.embed(a, 8).cosine(&table.embed(b, 8));
            assert!(cosine("car", "automobile") > 0.99 && cosine("car", "banana") < 0.01);
            assert_eq!(table.embed("car", 8).values().len(), 8);
            assert_eq!(table.embed("car banana", 1).values(), [1.0]);
            assert_eq!(cosine("unheard", "car"), 0.0);
        }
        assert_ne!(tables[0].id(), tables[1].id());
    }

    #[test]
    fn halves_are_read_as_the_standard_says() {
        let known = [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8)];
        for (bits, value) in known {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert!(half(0x7c00).is_nan());
    }

    #[test]
    fn what_is_no_table_is_said_to_be_none() {
        let good = file("F32", "[4,2]", &f32s());
        let mut broken = f32s();
        broken[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        for (weights, text) in [
            (&b""[..], "cut"),
            (&good[..good.len() - 1], "cut"),
            (&good[..12], "cut"),
            (&file("F32", "[4,3]", &f32s()), "shape [4, 3] and 8 numbers"),
            (&file("I8", "[4,2]", &f32s()), "I8, not F32 or F16"),
            (&file("F32", "[4,2]", &broken), "no number"),
        ] {
            let said = open(weights).unwrap_err();
            assert!(said.contains(text), "{said}");
        }
        assert!(
            Table::open(Path::new("nowhere")).unwrap_err().to_string().contains("nowhere/tokenizer.json")
        );
    }
}
