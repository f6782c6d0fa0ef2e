"""What an app does: opens both plugins in one process and calls them through the C interface.

Run by conftest.py in a process of its own, so that it holds the libraries of one folder only.

Usage: app.py LIBRARY_FOLDER SOUND.npy < words as JSON > results as JSON
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "rust"))

from host import Model, Plugin, PluginError, Tensor  # noqa: E402 (the path is set above)

CHUNK = 512


def main(folder: Path, sound: Path) -> None:
    """Print what the plugins in `folder` answer."""
    g2p = Plugin(folder / "libg2p_flutter.so", "g2p_")
    vad = Plugin(folder / "libvad_flutter.so", "vad_")
    answers = {
        "g2p": speak(g2p.model(), json.load(sys.stdin)),
        "vad": listen(vad, np.load(sound)),
        "methods": {"g2p": g2p.json("methods"), "vad": vad.json("methods")},
        "prefixes": {"g2p": g2p.runtime()["prefixes"], "vad": vad.runtime()["prefixes"]},
        "libraries": mapped_libraries(),
    }
    json.dump(answers, sys.stdout)


def speak(model: Model, words: list[str]) -> dict[str, Any]:
    """The phonemes of each word, or the error."""
    return {word: attempt(model, "phonemes", word) for word in words}


def listen(plugin: Plugin, samples: npt.NDArray[np.float32]) -> dict[str, Any]:
    """The clip as a whole, as a stream, as a stream after another one, and in segments."""
    model = plugin.model()
    clip = plugin.tensor(samples)
    padded = np.pad(samples, (0, -len(samples) % CHUNK)).reshape(-1, CHUNK)
    chunks = [plugin.tensor(chunk) for chunk in padded]
    spoiled = samples.copy()
    spoiled[1000] = np.nan
    whole = model.call("probabilities", clip).tolist()
    first = [model.call("process", chunk) for chunk in chunks]
    without_reset = [model.call("process", chunk) for chunk in chunks]
    model.call("reset")
    return {
        "whole": whole,
        "stream": first,
        "without_reset": without_reset,
        "after_reset": [model.call("process", chunk) for chunk in chunks],
        "two_streams": two_streams(plugin, chunks),
        "whole_again": model.call("probabilities", clip).tolist(),
        "segments": model.call("segments", clip),
        "segments_with": [
            [options, model.call("segments_with", clip, *options.values())] for options in OPTIONS
        ],
        "empty": model.call("segments", plugin.tensor(samples[:0])),
        "errors": {
            "short chunk": attempt(model, "process", plugin.tensor(samples[:100])),
            "not a number": attempt(model, "probabilities", plugin.tensor(spoiled)),
            "float64": attempt(model, "probabilities", plugin.tensor(samples, "float64")),
            "threshold 2": attempt(model, "segments_with", clip, 2.0, 250.0, 100.0, 30.0),
            "negative padding": attempt(model, "segments_with", clip, 0.5, 250.0, 100.0, -1.0),
        },
    }


OPTIONS = [
    {
        "threshold": threshold,
        "min_speech_duration_ms": min_speech,
        "min_silence_duration_ms": min_silence,
        "speech_pad_ms": pad,
    }
    for threshold in (0.05, 0.3, 0.5, 0.9, 0.99)
    for min_speech, min_silence, pad in (
        (250.0, 100.0, 30.0),
        (0.0, 0.0, 0.0),
        (100.0, 50.0, 200.0),
        (500.0, 300.0, 12.5),
        (1500.0, 32.0, 60.0),
    )
]


def two_streams(plugin: Plugin, chunks: list[Tensor]) -> list[list[float]]:
    """Two models of one plugin, fed in turns, one of them with every second chunk left out."""
    models = plugin.model(), plugin.model()
    streams: list[list[float]] = [[], []]
    for number, chunk in enumerate(chunks):
        streams[0].append(models[0].call("process", chunk))
        if number % 2:
            streams[1].append(models[1].call("process", chunk))
    return streams


def attempt(model: Model, method: str, *arguments: Any) -> Any:
    """The result, or the error as a dictionary."""
    try:
        return model.call(method, *arguments)
    except PluginError as error:
        return {"code": error.code, "message": error.message, "mend": error.mend}


def mapped_libraries() -> list[str]:
    """The files of TVM's and the plugins' libraries in this process, as the kernel lists them."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    paths = {line.split(maxsplit=5)[5] for line in lines if line.count("/")}
    return sorted(path for path in paths if "tvm" in Path(path).name or "_flutter" in path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
