//! Porter's stemmer, as NLTK applies it by default and `rouge_score` with `use_stemmer`.
//!
//! Porter (1980), "An algorithm for suffix stripping", Program 14:3, with NLTK's extensions: a list of irregular forms, short
//! words in `ies`, `ied` and `y`, `alli` before `bli`, and the endings `fulli` and `logi`. Words are lower-case ASCII letters and digits.

/// Forms that no rule reaches, with their stems.
const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// Steps 2 and 3: an ending and what takes its place behind a stem with a measure above 0.
const STEP_2: [(&str, &str); 21] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];

const STEP_3: [(&str, &str); 7] = [
    ("icate", "ic"),
    ("ative", ""),
    ("alize", "al"),
    ("iciti", "ic"),
    ("ical", "ic"),
    ("ful", ""),
    ("ness", ""),
];

/// Step 4: endings that go behind a stem with a measure above 1.
const STEP_4: [&str; 19] = [
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism",
    "ate", "iti", "ous", "ive", "ize",
];

/// The stem of a word.
pub(super) fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 {
        return word.to_owned();
    }
    let word = past(plural(word));
    let word = with_i(word);
    let word = derived(&word);
    let word = replaced(&word, &STEP_3);
    let word = stripped(&word);
    shortened(word)
}

/// Step 1a.
fn plural(word: &str) -> String {
    match () {
        () if word.ends_with("ies") => cut(word, if word.len() == 4 { 1 } else { 2 }),
        () if word.ends_with("sses") => cut(word, 2),
        () if word.ends_with("ss") => word.to_owned(),
        () if word.ends_with('s') => cut(word, 1),
        () => word.to_owned(),
    }
}

/// Step 1b.
fn past(word: String) -> String {
    if word.ends_with("ied") {
        return cut(&word, if word.len() == 4 { 1 } else { 2 });
    }
    if let Some(stem) = word.strip_suffix("eed") {
        return if measure(stem) > 0 { cut(&word, 1) } else { word };
    }
    let stem =
        ["ed", "ing"].iter().filter_map(|ending| word.strip_suffix(ending)).find(|stem| has_vowel(stem));
    let Some(stem) = stem else { return word };
    let is_double = ends_double(stem);
    match () {
        () if ["at", "bl", "iz"].iter().any(|end| stem.ends_with(end)) => format!("{stem}e"),
        () if is_double && stem.ends_with(['l', 's', 'z']) => stem.to_owned(),
        () if is_double => cut(stem, 1),
        () if measure(stem) == 1 && ends_cvc(stem) => format!("{stem}e"),
        () => stem.to_owned(),
    }
}

/// Step 1c.
fn with_i(word: String) -> String {
    match word.strip_suffix('y') {
        Some(stem) if stem.len() > 1 && consonants(stem).last() == Some(&true) => format!("{stem}i"),
        _ => word,
    }
}

/// Step 2.
fn derived(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("alli").filter(|stem| measure(stem) > 0) {
        return derived(&format!("{stem}al"));
    }
    let ends = STEP_2.iter().any(|(ending, _)| word.ends_with(ending));
    match word.strip_suffix("logi") {
        // The `l` counts with the stem, so that `geologi` is long enough.
        Some(stem) if !ends && measure(&format!("{stem}l")) > 0 => format!("{stem}log"),
        _ => replaced(word, &STEP_2),
    }
}

/// The first rule whose ending is there decides, whether or not it applies.
fn replaced(word: &str, rules: &[(&str, &str)]) -> String {
    let found = rules.iter().find_map(|(ending, to)| Some((word.strip_suffix(ending)?, to)));
    match found {
        Some((stem, to)) if measure(stem) > 0 => format!("{stem}{to}"),
        _ => word.to_owned(),
    }
}

/// Step 4.
fn stripped(word: &str) -> String {
    let found = STEP_4.iter().find_map(|ending| Some((word.strip_suffix(ending)?, *ending)));
    match found {
        Some((stem, ending)) if measure(stem) > 1 && (ending != "ion" || stem.ends_with(['s', 't'])) => {
            stem.to_owned()
        }
        _ => word.to_owned(),
    }
}

/// Step 5.
fn shortened(mut word: String) -> String {
    if let Some(stem) = word.strip_suffix('e') {
        let long = measure(stem);
        if long > 1 || long == 1 && !ends_cvc(stem) {
            word = stem.to_owned();
        }
    }
    if word.ends_with("ll") && measure(&word[..word.len() - 1]) > 1 { cut(&word, 1) } else { word }
}

/// The word without so many letters at its end. They are ASCII, as all that has an ending of these is there.
fn cut(word: &str, letters: usize) -> String {
    word[..word.len() - letters].to_owned()
}

/// Letter by letter, whether it is a consonant: not a vowel, and a `y` where none stands before it.
fn consonants(word: &str) -> Vec<bool> {
    let mut flags: Vec<bool> = Vec::with_capacity(word.len());
    for letter in word.bytes() {
        let flag = match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => flags.last().is_none_or(|before| !before),
            _ => true,
        };
        flags.push(flag);
    }
    flags
}

/// m of `[C](VC)^m[V]`: how often a consonant follows a vowel.
fn measure(word: &str) -> usize {
    consonants(word).windows(2).filter(|two| !two[0] && two[1]).count()
}

fn has_vowel(word: &str) -> bool {
    consonants(word).contains(&false)
}

/// `*d`.
fn ends_double(word: &str) -> bool {
    let bytes = word.as_bytes();
    let same = bytes.len() >= 2 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
    same && consonants(word).last() == Some(&true)
}

/// `*o`: consonant, vowel, consonant, the last none of w, x, y; of two letters, a vowel and a consonant.
fn ends_cvc(word: &str) -> bool {
    match consonants(word).as_slice() {
        [.., true, false, true] => !word.ends_with(['w', 'x', 'y']),
        [false, true] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stems that NLTK 3.10.4 gives, word by word.
    const WORDS: &str = include_str!("porter/words.txt");

    #[test]
    fn words_have_the_stems_that_the_oracle_gives() {
        let mut words = 0;
        for line in WORDS.lines() {
            let (word, expected) = line.split_once(' ').unwrap();
            assert_eq!(stem(word), expected, "{word}");
            words += 1;
        }
        assert!(words > 300, "{words}");
    }
}
