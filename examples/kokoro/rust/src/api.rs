// Owned by you: written once, an update never touches it.

//! Phonemes to speech, as `KModel.forward` of the kokoro wheel does it.

mod noise;
mod source;
mod symbols;
mod timing;

use std::iter::once;

use tvm_runtime_flutter::{Error, Library, Result, Session, Tensor, methods};

use noise::Noise;
use source::{HARMONICS, Mix, Spectrum};

/// Samples per second.
pub const RATE: usize = 24_000;
/// Samples of a frame, the unit of durations: 25 ms.
pub const FRAME: usize = 600;
/// Symbols that a text may have at most.
pub const MAX_SYMBOLS: usize = 510;
/// Frames that fit into memory at once: a minute.
pub const MAX_FRAMES: usize = 2_400;
/// Half of a style: the first is the decoder's, the second prosody's.
const HALF: usize = 128;

/// The opened network.
pub struct Model {
    voice: Session,
    text: Session,
    prosody: Session,
    sound: Session,
    voices: Vec<String>,
    mix: Mix,
    random: bool,
}

impl tvm_runtime_flutter::Model for Model {
    fn open(library: &'static Library) -> Result<Self> {
        let mut voice = library.session("voice")?;
        let count = voice.component().inputs[0].range.map_or(0, |(_, end)| end);
        let mut voices = Vec::new();
        let (mut mix, mut random) = (Mix::default(), false);
        for number in 0..count {
            let row = look_up(&mut voice, number, 0)?;
            voices.push(row.name);
            (mix, random) = (row.mix, row.random);
        }
        Ok(Self {
            voice,
            text: library.session("text")?,
            prosody: library.session("prosody")?,
            sound: library.session("sound")?,
            voices,
            mix,
            random,
        })
    }
}

methods! {
    impl Model {
        fn voices(&mut self) -> Result<Vec<String>>;
        fn weights_are_random(&mut self) -> Result<bool>;
        fn skipped(&mut self, phonemes: &str) -> Result<String>;
        fn speak(&mut self, phonemes: &str, voice: &str, speed: f64) -> Result<Tensor>;
        fn speak_with(
            &mut self,
            phonemes: &str,
            voice: &str,
            speed: f64,
            noise: &Tensor,
        ) -> Result<Vec<Tensor>>;
    }
}

impl Model {
    /// The names of the voices.
    ///
    /// # Errors
    /// None in practice.
    pub fn voices(&mut self) -> Result<Vec<String>> {
        Ok(self.voices.clone())
    }

    /// Whether weights and voices are random numbers, so that no speech is to be expected.
    ///
    /// # Errors
    /// None in practice.
    pub fn weights_are_random(&mut self) -> Result<bool> {
        Ok(self.random)
    }

    /// The symbols of a text that the network does not know, in their order; speech skips them.
    ///
    /// # Errors
    /// None in practice.
    pub fn skipped(&mut self, phonemes: &str) -> Result<String> {
        Ok(phonemes.chars().filter(|symbol| symbols::id(*symbol).is_none()).collect())
    }

    /// Speech at [`RATE`], float32. The same text, voice and speed give the same samples.
    ///
    /// # Errors
    /// [`Error::Model`] for a text without known symbols or with too many of them, a voice that
    /// there is not, a speed that is no positive number, or speech of more than a minute.
    pub fn speak(&mut self, phonemes: &str, voice: &str, speed: f64) -> Result<Tensor> {
        let prepared = self.prepare(phonemes, voice, speed)?;
        let noise = Noise::new().take(prepared.frames() * FRAME * HARMONICS);
        self.synthesise(&prepared, &noise).map(|(sound, _)| sound)
    }

    /// As [`speak`](Self::speak), with noise of the caller's, and with what lies between.
    ///
    /// `noise` holds standard normal numbers, float32: [`HARMONICS`] for each sample, as many
    /// samples as there may be. Returns the speech; the frames of each symbol with the pause before
    /// and after the text (int64); pitch in Hz, loudness, two of each in a frame; and magnitudes
    /// and angles of the harmonics.
    ///
    /// # Errors
    /// As [`speak`](Self::speak), and if there is too little noise.
    pub fn speak_with(
        &mut self,
        phonemes: &str,
        voice: &str,
        speed: f64,
        noise: &Tensor,
    ) -> Result<Vec<Tensor>> {
        let prepared = self.prepare(phonemes, voice, speed)?;
        let (given, needed) = (noise.len(), prepared.frames() * FRAME * HARMONICS);
        let noise: &[f32] = noise.as_slice()?;
        let Some(noise) = noise.get(..needed) else {
            return Err(Error::model(
                format!("there are {given} numbers of noise"),
                format!("Pass at least {needed}: {HARMONICS} for each sample"),
            ));
        };
        let (sound, spectrum) = self.synthesise(&prepared, noise)?;
        let durations: Vec<i64> = prepared.durations.iter().map(|frames| *frames as i64).collect();
        let durations = Tensor::from_slice(&[durations.len() as i64], &durations)?;
        Ok(vec![sound, durations, prepared.pitch, prepared.loudness, spectrum])
    }

    /// All that comes before the sound: timing, pitch and loudness.
    fn prepare(&mut self, phonemes: &str, voice: &str, speed: f64) -> Result<Prepared> {
        let ids = ids_of(phonemes)?;
        check_speed(speed)?;
        // As in kokoro's pipeline, symbols that are skipped count for the style.
        let row = phonemes.chars().count().min(MAX_SYMBOLS) - 1;
        let number = self.number_of(voice)?;
        let style = look_up(&mut self.voice, number, row as i64)?.style;
        let (sounding, speaking) = style.split_at(HALF);
        let style = Tensor::from_slice(&[1, HALF as i64], speaking)?;

        let ids = Tensor::from_slice(&[1, ids.len() as i64], &ids)?;
        let text = self.text.run(&[("ids", &ids), ("style", &style)])?;
        let durations = timing::durations(text.get("frames")?.as_slice()?, speed as f32);
        let frames: usize = durations.iter().sum();
        if frames > MAX_FRAMES {
            return Err(Error::model(
                format!("the speech would last {} s", frames * FRAME / RATE),
                format!("Pass a shorter text: a minute is the most ({MAX_FRAMES} frames)"),
            ));
        }
        let features = timing::spread(text.get("features")?, &durations)?;
        let sounds = timing::spread(text.get("sounds")?, &durations)?;
        let curves = self.prosody.run(&[("features", &features), ("style", &style)])?;
        Ok(Prepared {
            durations,
            sounds,
            pitch: curves.keep("pitch")?,
            loudness: curves.keep("loudness")?,
            style: Tensor::from_slice(&[1, HALF as i64], sounding)?,
        })
    }

    /// The sound, and the spectrum of its harmonics.
    fn synthesise(&mut self, prepared: &Prepared, noise: &[f32]) -> Result<(Tensor, Tensor)> {
        let pitch: &[f32] = prepared.pitch.as_slice()?;
        let Spectrum { steps, last } = source::spectrum(&source::wave(pitch, noise, &self.mix));
        let frames = prepared.frames() as i64;
        let spectrum = Tensor::from_slice(&[1, frames, steps.len() as i64 / frames], &steps)?;
        let last = Tensor::from_slice(&[1, 1, last.len() as i64], &last)?;
        let outputs = self.sound.run(&[
            ("sounds", &prepared.sounds),
            ("pitch", &prepared.pitch),
            ("loudness", &prepared.loudness),
            ("style", &prepared.style),
            ("spectrum", &spectrum),
            ("last", &last),
        ])?;
        Ok((outputs.keep("speech")?, spectrum))
    }

    fn number_of(&self, voice: &str) -> Result<i64> {
        match self.voices.iter().position(|name| name == voice) {
            Some(number) => Ok(number as i64),
            None => Err(Error::model(
                format!("there is no voice {voice:?}"),
                format!("Choose one of {}", self.voices.join(", ")),
            )),
        }
    }
}

/// A text with its timing.
struct Prepared {
    durations: Vec<usize>,
    sounds: Tensor,
    pitch: Tensor,
    loudness: Tensor,
    style: Tensor,
}

impl Prepared {
    fn frames(&self) -> usize {
        self.durations.iter().sum()
    }
}

/// What the component `voice` holds of a voice.
struct Row {
    name: String,
    style: Vec<f32>,
    mix: Mix,
    random: bool,
}

fn look_up(voice: &mut Session, number: i64, row: i64) -> Result<Row> {
    let number = Tensor::from_slice(&[1], &[number])?;
    let row = Tensor::from_slice(&[1], &[row])?;
    let found = voice.run(&[("voice", &number), ("row", &row)])?;
    let name: &[i64] = found.get("name")?.as_slice()?;
    Ok(Row {
        name: name.iter().filter(|byte| **byte > 0).map(|byte| *byte as u8 as char).collect(),
        style: found.get("style")?.as_slice()?.to_vec(),
        mix: Mix::new(found.get("mix")?.as_slice()?),
        random: found.get("random")?.as_slice::<i64>()?[0] != 0,
    })
}

/// The symbols as the network reads them, between two pauses.
fn ids_of(phonemes: &str) -> Result<Vec<i64>> {
    let known: Vec<i64> = phonemes.chars().filter_map(symbols::id).collect();
    match known.len() {
        0 => Err(Error::model(
            "the text has no symbol that the network knows",
            "Pass phonemes in the International Phonetic Alphabet",
        )),
        1..=MAX_SYMBOLS => Ok(once(symbols::PAUSE).chain(known).chain([symbols::PAUSE]).collect()),
        count => Err(Error::model(
            format!("the text has {count} symbols"),
            format!("Pass at most {MAX_SYMBOLS} at a time, a sentence or two"),
        )),
    }
}

fn check_speed(speed: f64) -> Result<()> {
    if speed.is_finite() && speed > 0.0 {
        return Ok(());
    }
    Err(Error::model(format!("the speed is {speed}"), "Pass a number above 0; 1 is normal speed"))
}
