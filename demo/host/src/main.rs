//! Opens two model plugins in one process and shows that they share one TVM runtime.
//!
//! Usage: `host LIBRARY_FOLDER WORDS SOUND_FILE`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use host::plugin::{Plugin, Value};
use host::{loaded, sound};

/// Samples per second that the voice activity model listens to.
const RATE: u32 = 16_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, words, file] = arguments.as_slice() else {
        eprintln!("usage: host LIBRARY_FOLDER WORDS SOUND_FILE");
        return ExitCode::from(2);
    };
    match show(Path::new(folder), words, Path::new(file)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn show(folder: &Path, words: &str, file: &Path) -> Result<(), String> {
    let open = |library, prefix| {
        Plugin::open(&folder.join(library), prefix).map_err(|error| error.to_string())
    };
    let g2p = open("libg2p_flutter.so", "g2p_")?;
    let vad = open("libvad_flutter.so", "vad_")?;
    show_phonemes(&g2p, words)?;
    show_speech(&vad, file)?;
    show_runtime(&g2p, folder)
}

fn show_phonemes(g2p: &Plugin, words: &str) -> Result<(), String> {
    println!("\nPhonemes (g2p_flutter)");
    let width = words.split_whitespace().map(str::len).max().unwrap_or_default();
    for word in words.split_whitespace() {
        match g2p.call_with_text("phonemes", word) {
            Ok(Value::Text(phonemes)) => println!("  {word:width$}  {phonemes}"),
            Ok(other) => return Err(format!("phonemes({word}) returned {other:?}")),
            Err(error) => println!("  {word:width$}  {error}"),
        }
    }
    Ok(())
}

fn show_speech(vad: &Plugin, file: &Path) -> Result<(), String> {
    let samples = sound::read(file, RATE)?;
    let seconds = |samples: i64| samples as f64 / f64::from(RATE);
    println!(
        "\nSpeech in {} (vad_flutter; {:.1} s of sound)",
        file.display(),
        seconds(samples.len() as i64)
    );
    let segments =
        vad.call_with_samples("segments", &samples).map_err(|error| error.to_string())?;
    let Value::List(segments) = segments else {
        return Err(format!("segments() returned {segments:?}"));
    };
    if segments.is_empty() {
        println!("  none");
    }
    for segment in segments {
        match segment {
            Value::List(pair) => match pair.as_slice() {
                [Value::Int(start), Value::Int(end)] => {
                    println!("  {:6.2} s to {:6.2} s", seconds(*start), seconds(*end));
                }
                other => return Err(format!("a segment is {other:?}")),
            },
            other => return Err(format!("a segment is {other:?}")),
        }
    }
    Ok(())
}

fn show_runtime(plugin: &Plugin, folder: &Path) -> Result<(), String> {
    let Value::Text(json) = plugin.runtime().map_err(|error| error.to_string())? else {
        return Err("the runtime described itself in no text".into());
    };
    let runtime: serde_json::Value = serde_json::from_str(&json).map_err(|e| e.to_string())?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();

    println!("\nPrefixes in this process");
    for owner in runtime["prefixes"].as_array().into_iter().flatten() {
        println!("  {:8} {}", text(&owner["prefix"]), text(&owner["plugin"]));
    }

    println!("\nLoaded libraries");
    let mut runtimes = 0;
    let libraries = loaded::libraries(&["tvm", "_flutter"]).map_err(|error| error.to_string())?;
    for (path, size) in &libraries {
        println!("  {:>8}  {}", megabytes(*size), shown(path, folder));
        runtimes += usize::from(path.file_name().is_some_and(|name| name == "libtvm_runtime.so"));
    }
    println!("  {:>8}  together", megabytes(libraries.values().sum()));

    let versions = &runtime["versions"];
    println!("\nTVM runtimes in this process: {runtimes} (TVM {})", text(&versions["tvm"]));
    match runtimes {
        1 => Ok(()),
        count => Err(format!("the process holds {count} TVM runtimes instead of one")),
    }
}

/// The path as a person wants to read it: below `folder` without the folder.
fn shown(path: &Path, folder: &Path) -> String {
    let folder: PathBuf = fs::canonicalize(folder).unwrap_or_else(|_| folder.into());
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
