// Owned by you: written once, an update never touches it.

//! The vocoder's source: a wave of harmonics and noise, and its short-time Fourier transform.
//!
//! Arithmetic is in the order, and where it matters in the width, of `SineGen` in
//! kokoro/istftnet.py: phases grow to 100,000 and more, where the last bit of float32 is heard.

use std::f32::consts::PI;
use std::f64::consts::TAU;

use super::RATE;

/// The pitch and its overtones.
pub const HARMONICS: usize = 9;
/// Samples of a value of the pitch.
const HOLD: usize = 300;
/// Where there is voice: above this pitch, in Hz.
const VOICED: f32 = 10.0;
const LOUD: f32 = 0.1;
const HISS: f32 = 0.003;

/// Samples of the transform's window, and between two of them.
const WINDOW: usize = 20;
const HOP: usize = 5;
const BINS: usize = WINDOW / 2 + 1;
/// An imaginary part below this share of the window's loudness is rounding.
const NOTHING: f64 = 1e-6;

/// How harmonics are added up: `m_source.l_linear`, a weight each, and a bias.
#[derive(Clone, Copy, Default)]
pub struct Mix {
    weights: [f32; HARMONICS],
    bias: f32,
}

impl Mix {
    /// Takes weights and then the bias.
    pub fn new(values: &[f32]) -> Self {
        let mut mix = Self { bias: values[HARMONICS], ..Self::default() };
        mix.weights.copy_from_slice(&values[..HARMONICS]);
        mix
    }
}

/// What the network sees of the wave: for each step magnitudes and then angles.
pub struct Spectrum {
    /// All steps but the last.
    pub steps: Vec<f32>,
    /// The step after the last frame.
    pub last: Vec<f32>,
}

/// The wave, [`HOLD`] samples for each value of the pitch.
///
/// `pitch` is in Hz, `noise` holds [`HARMONICS`] numbers for each sample.
pub fn wave(pitch: &[f32], noise: &[f32], mix: &Mix) -> Vec<f32> {
    let phases: Vec<Vec<f32>> = (1..=HARMONICS).map(|n| phases(pitch, n as f32)).collect();
    let samples = noise.chunks_exact(HARMONICS).take(pitch.len() * HOLD);
    let wave = samples.enumerate().map(|(sample, noise)| {
        let (before, after, share) = between(sample, pitch.len());
        let voiced = pitch[sample / HOLD] > VOICED;
        let hiss = if voiced { HISS } else { LOUD / 3.0 };
        let mut sum = mix.bias;
        for ((phases, noise), weight) in phases.iter().zip(noise).zip(mix.weights) {
            let phase = (1.0 - share) * phases[before] + share * phases[after];
            let sine = if voiced { phase.sin() * LOUD } else { 0.0 };
            sum += (sine + hiss * noise) * weight;
        }
        sum.tanh()
    });
    wave.collect()
}

/// The phase at each value of the pitch, in radians from the beginning.
fn phases(pitch: &[f32], harmonic: f32) -> Vec<f32> {
    let mut turns = 0.0_f64;
    let phases = pitch.iter().map(|hertz| {
        let step = (hertz * harmonic / RATE as f32).rem_euclid(1.0);
        turns += f64::from(step);
        turns as f32 * 2.0 * PI * HOLD as f32
    });
    phases.collect()
}

/// The two values that a sample lies between, and the share of the second.
fn between(sample: usize, count: usize) -> (usize, usize, f32) {
    let place = ((sample as f32 + 0.5) * (1.0 / HOLD as f32) - 0.5).max(0.0);
    let before = (place as usize).min(count - 1);
    (before, (before + 1).min(count - 1), (place - before as f32).clamp(0.0, 1.0))
}

/// Magnitudes and angles of Hann windows around every fifth sample; the ends are reflected.
///
/// Where the transform is real, as in a window around the first sample, the sign of an imaginary
/// part that is all rounding would decide between two angles. It counts as 0 there, the angle of
/// a negative number is half a turn.
pub fn spectrum(wave: &[f32]) -> Spectrum {
    let table = Table::new();
    let mut steps = Vec::with_capacity((wave.len() / HOP + 1) * 2 * BINS);
    for centre in (0..=wave.len()).step_by(HOP) {
        steps.extend(table.transform(&window(wave, centre as isize)));
    }
    let last = steps.split_off(steps.len() - 2 * BINS);
    Spectrum { steps, last }
}

fn window(wave: &[f32], centre: isize) -> [f64; WINDOW] {
    let end = wave.len() as isize - 1;
    std::array::from_fn(|offset| {
        let place = (centre - WINDOW as isize / 2 + offset as isize).abs();
        f64::from(wave[if place > end { 2 * end - place } else { place } as usize])
    })
}

/// The Fourier transform's rows, with the window in them.
struct Table {
    hann: [f64; WINDOW],
    turns: [(f64, f64); WINDOW],
}

impl Table {
    fn new() -> Self {
        let angle = |n: usize| TAU * n as f64 / WINDOW as f64;
        Self {
            hann: std::array::from_fn(|n| 0.5 - 0.5 * angle(n).cos()),
            turns: std::array::from_fn(|n| angle(n).sin_cos()),
        }
    }

    fn transform(&self, samples: &[f64; WINDOW]) -> [f32; 2 * BINS] {
        let seen: [f64; WINDOW] = std::array::from_fn(|n| samples[n] * self.hann[n]);
        let loudness: f64 = seen.iter().map(|value| value.abs()).sum();
        let mut found = [0.0; 2 * BINS];
        for bin in 0..BINS {
            let (mut real, mut imaginary) = (0.0, 0.0);
            for (n, value) in seen.iter().enumerate() {
                let (sin, cos) = self.turns[n * bin % WINDOW];
                real += value * cos;
                imaginary -= value * sin;
            }
            if imaginary.abs() <= NOTHING * loudness {
                imaginary = 0.0;
            }
            found[bin] = real.hypot(imaginary) as f32;
            found[BINS + bin] = imaginary.atan2(real) as f32;
        }
        found
    }
}
