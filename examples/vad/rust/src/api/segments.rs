// Owned by you: written once, an update never touches it.

//! From probabilities to stretches of speech.
//!
//! The algorithm of `get_speech_timestamps_from_probs` in silero-vad 6.2.3 (MIT), without its
//! limit on the length of a segment.

use tvm_runtime_flutter::{Error, Result};

use super::{CHUNK, RATE};

/// A stretch of speech, in samples; `end` is the first sample after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First sample.
    pub start: i64,
    /// First sample after it.
    pub end: i64,
}

/// What counts as a stretch of speech. The defaults are silero-vad's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Speech starts at this probability, and ends 0.15 below it.
    pub threshold: f64,
    /// Shorter speech is dropped, in milliseconds.
    pub min_speech_ms: f64,
    /// Shorter pauses are bridged, in milliseconds.
    pub min_silence_ms: f64,
    /// Added before and after each segment, in milliseconds.
    pub pad_ms: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { threshold: 0.5, min_speech_ms: 250.0, min_silence_ms: 100.0, pad_ms: 30.0 }
    }
}

impl Options {
    /// Whether each option makes sense.
    ///
    /// # Errors
    /// [`Error::Model`] if one does not.
    pub fn check(&self) -> Result<()> {
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            return Err(Error::model(
                format!("the threshold is {}", self.threshold),
                "Pass a threshold above 0 and up to 1",
            ));
        }
        for (name, value) in [
            ("min_speech_ms", self.min_speech_ms),
            ("min_silence_ms", self.min_silence_ms),
            ("pad_ms", self.pad_ms),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::model(
                    format!("{name} is {value}"),
                    format!("Pass {name} in milliseconds, 0 or more"),
                ));
            }
        }
        Ok(())
    }
}

/// The stretches of speech in a recording of `length` samples with these probabilities by chunk.
#[must_use]
pub fn segments(probabilities: &[f32], length: i64, options: &Options) -> Vec<Segment> {
    let mut found = detect(probabilities, length, options);
    pad(&mut found, length, samples(options.pad_ms));
    found
}

fn detect(probabilities: &[f32], length: i64, options: &Options) -> Vec<Segment> {
    let speech_ends_below = (options.threshold - 0.15).max(0.01);
    let long_enough = |start: i64, end: i64| (end - start) as f64 > samples(options.min_speech_ms);
    let mut found = Vec::new();
    let mut speech: Option<i64> = None;
    let mut pause: Option<i64> = None;
    for (chunk, probability) in probabilities.iter().map(|value| f64::from(*value)).enumerate() {
        let now = (chunk * CHUNK) as i64;
        if probability >= options.threshold {
            pause = None;
            speech = speech.or(Some(now));
            continue;
        }
        let Some(start) = speech else { continue };
        if probability >= speech_ends_below {
            continue;
        }
        let end = *pause.get_or_insert(now);
        if (now - end) as f64 >= samples(options.min_silence_ms) {
            if long_enough(start, end) {
                found.push(Segment { start, end });
            }
            (speech, pause) = (None, None);
        }
    }
    if let Some(start) = speech.filter(|start| long_enough(*start, length)) {
        found.push(Segment { start, end: length });
    }
    found
}

/// Widens each segment by `padding` samples; two neighbours share a pause that is too short.
fn pad(found: &mut [Segment], length: i64, padding: f64) {
    let earlier = |start: i64| (start as f64 - padding).max(0.0) as i64;
    let later = |end: i64| (end as f64 + padding).min(length as f64) as i64;
    if let Some(first) = found.first_mut() {
        first.start = earlier(first.start);
    }
    for next in 1..found.len() {
        let pause = found[next].start - found[next - 1].end;
        if (pause as f64) < 2.0 * padding {
            found[next - 1].end += pause / 2;
            found[next].start = (found[next].start - pause / 2).max(0);
        } else {
            found[next - 1].end = later(found[next - 1].end);
            found[next].start = earlier(found[next].start);
        }
    }
    if let Some(last) = found.last_mut() {
        last.end = later(last.end);
    }
}

fn samples(milliseconds: f64) -> f64 {
    milliseconds * RATE as f64 / 1000.0
}
