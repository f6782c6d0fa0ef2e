// Owned by you: written once, an update never touches it.

//! English words to phonemes, as g2p-en's own `G2p.predict` does it.

use tvm_runtime_flutter::{Error, Library, Result, Session, Tensor, methods};

/// Longest word, in letters: the encoder's bound less the end mark.
pub const MAX_LETTERS: usize = 63;
/// As in g2p-en: a word that has not ended by then is cut.
const MAX_PHONEMES: usize = 20;

const UNKNOWN_LETTER: i64 = 1;
const END_OF_WORD: i64 = 2;
const LETTER_A: i64 = 3;

const START: usize = 2;
const END: usize = 3;
/// ARPAbet with stress marks, in the order of the network's outputs.
#[rustfmt::skip]
const PHONEMES: [&str; 74] = [
    "<pad>", "<unk>", "<s>", "</s>",
    "AA0", "AA1", "AA2", "AE0", "AE1", "AE2", "AH0", "AH1", "AH2", "AO0", "AO1", "AO2",
    "AW0", "AW1", "AW2", "AY0", "AY1", "AY2", "B", "CH", "D", "DH", "EH0", "EH1", "EH2",
    "ER0", "ER1", "ER2", "EY0", "EY1", "EY2", "F", "G", "HH", "IH0", "IH1", "IH2",
    "IY0", "IY1", "IY2", "JH", "K", "L", "M", "N", "NG", "OW0", "OW1", "OW2",
    "OY0", "OY1", "OY2", "P", "R", "S", "SH", "T", "TH", "UH0", "UH1", "UH2",
    "UW", "UW0", "UW1", "UW2", "V", "W", "Y", "Z", "ZH",
];

/// The opened network.
pub struct Model {
    encoder: Session,
    decoder_step: Session,
}

impl tvm_runtime_flutter::Model for Model {
    fn open(library: &'static Library) -> Result<Self> {
        Ok(Self {
            encoder: library.session("encoder")?,
            decoder_step: library.session("decoder_step")?,
        })
    }
}

methods! {
    impl Model {
        fn phonemes(&mut self, word: &str) -> Result<String>;
    }
}

impl Model {
    /// The phonemes of one English word, separated by spaces: `cat` is `K AE1 T`.
    ///
    /// Upper case counts as lower case. An apostrophe or a hyphen is, as in g2p-en, a letter that
    /// the network does not know.
    ///
    /// # Errors
    /// [`Error::Model`] for an empty word, one of more than [`MAX_LETTERS`] letters, or one with
    /// any other character.
    pub fn phonemes(&mut self, word: &str) -> Result<String> {
        let ids = letter_ids(word)?;
        let ids = Tensor::from_slice(&[1, ids.len() as i64], &ids)?;
        let mut hidden = self.encoder.run(&[("ids", &ids)])?.keep("hidden")?;
        let mut previous = START;
        let mut phonemes = Vec::new();
        while phonemes.len() < MAX_PHONEMES {
            let last = Tensor::from_slice(&[1, 1], &[previous as i64])?;
            let outputs = self.decoder_step.run(&[("previous", &last), ("hidden", &hidden)])?;
            previous = position_of_largest(outputs.get("scores")?.as_slice()?);
            if previous == END {
                break;
            }
            phonemes.push(PHONEMES[previous]);
            hidden = outputs.keep("state")?;
        }
        Ok(phonemes.join(" "))
    }
}

/// The word as the encoder reads it, with the end mark.
fn letter_ids(word: &str) -> Result<Vec<i64>> {
    let ids: Vec<i64> =
        word.chars().map(letter_id).chain([Ok(END_OF_WORD)]).collect::<Result<_>>()?;
    match ids.len() - 1 {
        0 => Err(Error::model("the word is empty", "Pass a word of the letters a to z")),
        1..=MAX_LETTERS => Ok(ids),
        letters => Err(Error::model(
            format!("the word has {letters} letters"),
            format!("Pass one word of at most {MAX_LETTERS} letters"),
        )),
    }
}

fn letter_id(character: char) -> Result<i64> {
    match character.to_ascii_lowercase() {
        letter @ 'a'..='z' => Ok(letter as i64 - 'a' as i64 + LETTER_A),
        '\'' | '-' => Ok(UNKNOWN_LETTER),
        _ => Err(Error::model(
            format!("{character:?} is not a letter that the model knows"),
            "Pass one word at a time, spelled with the letters a to z",
        )),
    }
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
