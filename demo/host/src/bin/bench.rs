//! Times both plugins and prints one JSON object; `make bench` compares it with the originals.
//!
//! Usage: `bench LIBRARY_FOLDER WORDS SOUND_FILE REPEATS`

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, process};

use host::plugin::{Error, Plugin};
use host::sound;
use serde_json::json;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, words, file, repeats] = arguments.as_slice() else {
        eprintln!("usage: bench LIBRARY_FOLDER WORDS SOUND_FILE REPEATS");
        process::exit(2);
    };
    let repeats = repeats.parse().expect("REPEATS is a whole number");
    let words: Vec<&str> = words.split_whitespace().collect();
    let samples = sound::read(Path::new(file), 16_000).expect("a sound file");
    match measure(Path::new(folder), &words, &samples, repeats) {
        Ok(json) => println!("{json}"),
        Err(error) => {
            eprintln!("error: {error}");
            process::exit(1);
        }
    }
}

fn measure(
    folder: &Path,
    words: &[&str],
    samples: &[f32],
    repeats: usize,
) -> Result<serde_json::Value, Error> {
    let (g2p, g2p_open) = timed(|| Plugin::open(&folder.join("libg2p_flutter.so"), "g2p_"))?;
    let (vad, vad_open) = timed(|| Plugin::open(&folder.join("libvad_flutter.so"), "vad_"))?;
    let all_words =
        || words.iter().try_for_each(|word| g2p.call_with_text("phonemes", word).map(drop));
    let clip = || vad.call_with_samples("probabilities", samples).map(drop);
    Ok(json!({
        "g2p": { "open_s": g2p_open, "first_s": timed(all_words)?.1, "median_s": median(repeats, all_words)? },
        "vad": { "open_s": vad_open, "first_s": timed(clip)?.1, "median_s": median(repeats, clip)? },
    }))
}

fn timed<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<(T, f64), Error> {
    let start = Instant::now();
    let value = work()?;
    Ok((value, start.elapsed().as_secs_f64()))
}

fn median(repeats: usize, work: impl Fn() -> Result<(), Error>) -> Result<f64, Error> {
    let mut times: Vec<Duration> = Vec::with_capacity(repeats);
    for _ in 0..repeats {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times[repeats / 2].as_secs_f64())
}
