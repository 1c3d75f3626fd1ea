//! The shipped tokenizer is what training gives, and likeness of wording is what it measures.

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{
    DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerBuilder,
};

use super::*;
use crate::evals::{Ask, read_cases};

/// Trains the shipped tokenizer anew: byte-level BPE, 2,000 entries, on the questions of the dataset.
fn train() -> String {
    let cases = read_cases("datasets/gsm8k/cases.jsonl".as_ref()).unwrap();
    let questions = cases.into_iter().map(|case| match case.ask {
        Ask::Prompt(prompt) => prompt,
        other => panic!("{other:?}"),
    });
    let byte_level = ByteLevel::default().add_prefix_space(false);
    let mut tokenizer = TokenizerBuilder::<
        BPE,
        NormalizerWrapper,
        PreTokenizerWrapper,
        PostProcessorWrapper,
        DecoderWrapper,
    >::new()
    .with_model(BPE::default())
    .with_pre_tokenizer(Some(byte_level.into()))
    .with_decoder(Some(byte_level.into()))
    .build()
    .unwrap();
    let mut trainer = BpeTrainer::builder()
        .vocab_size(2_000)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .show_progress(false)
        .build();
    tokenizer.train(&mut trainer, questions).unwrap();
    tokenizer.to_string(false).unwrap()
}

#[test]
fn the_shipped_tokenizer_is_what_training_gives() {
    assert!(TOKENIZER == train(), "tokenizer.json is not what this dataset and this crate give");
}

fn check(left: &str, right: &str, expected: std::ops::RangeInclusive<f64>) {
    let embedder = Embedder::built_in().unwrap();
    let cosine = embedder.embed(left).cosine(&embedder.embed(right));
    assert!(expected.contains(&cosine), "{cosine} of {left:?} and {right:?} is not in {expected:?}");
    assert_eq!(cosine, embedder.embed(right).cosine(&embedder.embed(left)), "{left:?} and {right:?}");
}

#[test]
fn likeness_of_wording_is_measured() {
    let text = "She sells the remainder at the farmers' market for $2 per egg.";
    check(text, text, 0.999_999..=1.0);
    check(text, "She sells the rest at the farmers' market for $2 per egg.", 0.6..=0.95);
    check(text, "Die Straße war naß und leer, 東京も同じ。", 0.0..=0.2);
}

#[test]
fn shorter_vectors_have_their_own_name_and_measure_the_same() {
    let (long, short) = (Embedder::built_in().unwrap(), Embedder::built_in().unwrap().with_dimensions(256));
    let cosine = |embedder: &Embedder| {
        embedder
            .embed("She sells eggs at the market.")
            .cosine(&embedder.embed("She sells eggs at the markets."))
    };
    assert!((cosine(&long) - cosine(&short)).abs() < 0.1);
    assert_eq!(short.embed("eggs").values().len(), 256);
    assert_ne!(long.id(), short.id());
}

#[test]
fn a_text_without_tokens_is_like_nothing() {
    check("", "", 0.0..=0.0);
    check("", "eggs", 0.0..=0.0);
}

/// The values come from a second implementation, in Python.
#[test]
fn scores_are_the_same_on_every_machine() {
    assert_eq!(hash(&[1, 2, 3]), 0x20817db3ff7101d3);
    assert_eq!(hash(&[]), 0xf52a15e9a9b5e89b);
}

/// Vectors of most models hold what they say in all of their numbers. Cut to the first 256 these would all be one.
#[test]
fn long_vectors_keep_their_cosines_wherever_their_numbers_stand() {
    let values = |seed: u32, shared: f32| {
        let number = |at: u32, seed: u32| (hash(&[at, seed + 100]) >> 40) as f32 / 16_777_216.0 - 0.5;
        let own = (0..1_536_u32).map(|at| shared * number(at, 0) + (1.0 - shared) * number(at, seed));
        own.enumerate().map(|(at, value)| if at < 256 { 1.0 } else { 20.0 * value }).collect::<Vec<f32>>()
    };
    let cosine = |one: &[f32], other: &[f32]| {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
    };
    for (number, shared) in [0.0, 0.3, 0.6, 0.8, 0.9, 1.0].into_iter().enumerate() {
        let seed = u32::try_from(number).unwrap() * 2 + 1;
        let (one, other) = (values(seed, shared), values(seed + 1, shared));
        let (full, kept) =
            (cosine(&one, &other), [one, other].map(|v| Embedding::of_values(&v, 256).unwrap()));
        let error = kept[0].cosine(&kept[1]) - full;
        // Four standard deviations.
        assert!(error.abs() <= 4.0 * (1.0 - full * full) / 16.0 + 1e-6, "{shared}: {full} {error}");
    }
    assert_eq!(Embedding::of_values(&[3.0, 4.0], 4).unwrap().values(), [0.6, 0.8, 0.0, 0.0]);
}
