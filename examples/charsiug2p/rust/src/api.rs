// Owned by you: written once, an update never touches it.

//! Words of 100 languages to phonemes, as CharsiuG2P speaks them: byte by byte, greedily.

mod languages;
mod tokenizer;

use tvm_runtime_flutter::{Error, Library, Result, Session, Tensor, methods};

use languages::LANGUAGES;

/// Longest input in bytes, the language's mark included: the encoder's bound.
pub const MAX_INPUT: usize = 128;
/// Most tokens of a pronunciation, the end mark included: the places of the decoder's cache.
pub const MAX_OUTPUT: usize = 128;

/// The opened network.
pub struct Model {
    encoder: Session,
    decoder_prefill: Session,
    decoder_step: Session,
    weights: &'static str,
}

impl tvm_runtime_flutter::Model for Model {
    fn open(library: &'static Library) -> Result<Self> {
        let encoder = library.session("encoder")?;
        Ok(Self {
            weights: encoder.component().notes.get("weights").map_or("unknown", String::as_str),
            encoder,
            decoder_prefill: library.session("decoder_prefill")?,
            decoder_step: library.session("decoder_step")?,
        })
    }
}

methods! {
    impl Model {
        fn phonemize(&mut self, language: &str, word: &str) -> Result<String>;
        fn tokens(&mut self, language: &str, word: &str) -> Result<Vec<i64>>;
        fn languages(&mut self) -> Result<Vec<String>>;
        fn weights(&mut self) -> Result<String>;
    }
}

impl Model {
    /// The phonemes of one word in IPA.
    ///
    /// # Errors
    /// As [`Model::tokens`].
    pub fn phonemize(&mut self, language: &str, word: &str) -> Result<String> {
        self.tokens(language, word).map(|tokens| tokenizer::decode(&tokens))
    }

    /// The tokens of one word's pronunciation, up to the end mark or to [`MAX_OUTPUT`] of them.
    ///
    /// # Errors
    /// [`Error::Model`] for a language that the model does not know, and for a word that is empty or
    /// longer than the encoder takes.
    pub fn tokens(&mut self, language: &str, word: &str) -> Result<Vec<i64>> {
        let ids = input(language, word)?;
        let ids = Tensor::from_slice(&[1, ids.len() as i64], &ids)?;
        let hidden = self.encoder.run(&[("ids", &ids)])?.keep("hidden")?;
        let first = Tensor::from_slice(&[1, 1], &[tokenizer::PAD])?;
        let mut outputs = self.decoder_prefill.run(&[("first", &first), ("hidden", &hidden)])?;
        let (cross_keys, cross_values) =
            (outputs.keep("cross_keys")?, outputs.keep("cross_values")?);
        let mut tokens = Vec::new();
        loop {
            let next = position_of_largest(outputs.get("scores")?.as_slice()?) as i64;
            tokens.push(next);
            if next == tokenizer::END || tokens.len() == MAX_OUTPUT {
                return Ok(tokens);
            }
            outputs = self.decoder_step.run(&[
                ("previous", &Tensor::from_slice(&[1, 1], &[next])?),
                ("position", &Tensor::from_slice(&[1], &[tokens.len() as i64])?),
                ("keys", outputs.get("keys")?),
                ("values", outputs.get("values")?),
                ("cross_keys", &cross_keys),
                ("cross_values", &cross_values),
            ])?;
        }
    }

    /// The languages that the model knows, by CharsiuG2P's codes.
    ///
    /// # Errors
    /// None.
    pub fn languages(&mut self) -> Result<Vec<String>> {
        Ok(LANGUAGES.iter().map(ToString::to_string).collect())
    }

    /// Where the weights come from, as `model/export.py` noted it; random ones start with `random`.
    ///
    /// # Errors
    /// None.
    pub fn weights(&mut self) -> Result<String> {
        Ok(self.weights.into())
    }
}

/// A word as the encoder reads it: `<eng-us>: word`, in bytes, without an end mark.
fn input(language: &str, word: &str) -> Result<Vec<i64>> {
    if LANGUAGES.binary_search(&language).is_err() {
        return Err(Error::model(
            format!("{language:?} is no language that the model knows"),
            "Pass one of CharsiuG2P's codes, such as eng-us or ger",
        ));
    }
    if word.trim().is_empty() {
        return Err(Error::model("the word is empty", "Pass a word"));
    }
    let mut ids = tokenizer::language_mark(language);
    let longest = MAX_INPUT - ids.len();
    if word.len() > longest {
        return Err(Error::model(
            format!("the word has {} bytes", word.len()),
            format!("Pass one word of at most {longest} bytes in UTF-8"),
        ));
    }
    ids.extend(tokenizer::encode(word));
    Ok(ids)
}

/// The first of them, if several are equal.
fn position_of_largest(scores: &[f32]) -> usize {
    let mut largest = 0;
    for (position, score) in scores.iter().enumerate() {
        if *score > scores[largest] {
            largest = position;
        }
    }
    largest
}
