//! Reads a WAV file as the mono samples that a model wants.

use std::path::Path;

use hound::{SampleFormat, WavReader};
use rubato::{FftFixedIn, Resampler};

/// Reads a sound file and converts it to one channel at `rate` samples per second.
///
/// # Errors
///
/// A sentence for the user when the file is no WAV file, or holds no sound.
pub fn read(path: &Path, rate: u32) -> Result<Vec<f32>, String> {
    let explain = |error: hound::Error| match error {
        hound::Error::FormatError(_) | hound::Error::Unsupported => format!(
            "{} is no WAV file of whole numbers or 32-bit floats ({error}). \
             Convert it first, for example: ffmpeg -i {} sound.wav",
            path.display(),
            path.display()
        ),
        error => format!("{} cannot be read: {error}", path.display()),
    };
    let mut reader = WavReader::open(path).map_err(explain)?;
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>(),
        SampleFormat::Int => {
            let scale = 1.0 / (1_i64 << (spec.bits_per_sample - 1)) as f32;
            reader.samples::<i32>().map(|sample| sample.map(|value| value as f32 * scale)).collect()
        }
    }
    .map_err(explain)?;
    let channels = usize::from(spec.channels);
    let mono: Vec<f32> = samples
        .chunks_exact(channels)
        .map(|frame| frame.iter().sum::<f32>() / channels as f32)
        .collect();
    if mono.is_empty() {
        return Err(format!("{} holds no sound", path.display()));
    }
    if spec.sample_rate == rate { Ok(mono) } else { resample(&mono, spec.sample_rate, rate) }
}

fn resample(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>, String> {
    const CHUNK: usize = 1024;
    let explain =
        |error: &dyn std::fmt::Display| format!("cannot convert {from} Hz to {to} Hz: {error}");
    let mut resampler = FftFixedIn::<f32>::new(from as usize, to as usize, CHUNK, 2, 1)
        .map_err(|error| explain(&error))?;
    let delay = resampler.output_delay();
    let wanted = samples.len() * to as usize / from as usize;
    let mut converted = Vec::with_capacity(wanted + delay + CHUNK);
    let mut rest = samples;
    while converted.len() < wanted + delay {
        let (chunk, after) = rest.split_at(rest.len().min(resampler.input_frames_next()));
        rest = after;
        // An empty chunk pushes the last samples out of the filter.
        let made = if chunk.is_empty() {
            resampler.process_partial(None::<&[&[f32]]>, None)
        } else if chunk.len() < resampler.input_frames_next() {
            resampler.process_partial(Some(&[chunk]), None)
        } else {
            resampler.process(&[chunk], None)
        };
        converted.extend_from_slice(&made.map_err(|error| explain(&error))?[0]);
    }
    Ok(converted[delay..delay + wanted].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f32, seconds: f32) -> Vec<f32> {
        (0..(rate as f32 * seconds) as usize)
            .map(|n| (std::f32::consts::TAU * hertz * n as f32 / rate as f32).sin())
            .collect()
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_place_at_another_rate() {
        for from in [8_000, 22_050, 44_100, 48_000] {
            let converted = resample(&tone(from, 440.0, 1.0), from, 16_000).unwrap();
            let wanted = tone(16_000, 440.0, 1.0);
            assert_eq!(converted.len(), wanted.len());
            let worst = converted[2_000..14_000]
                .iter()
                .zip(&wanted[2_000..14_000])
                .map(|(got, want)| (got - want).abs())
                .fold(0.0, f32::max);
            // Half a sample of delay, which the filter may round away, is this much of the tone.
            let half_a_sample = 0.5 * std::f32::consts::TAU * 440.0 / 16_000.0;
            assert!(worst < half_a_sample, "from {from} Hz: off by {worst}");
        }
    }
}
