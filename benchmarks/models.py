"""The example plugins against the models they came from.

Both run on one thread, the original in this process and the plugin in a host program of its
own. What is shown is the plugin's time as a share of the original's, of medians over
alternating rounds, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import wave
from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

from demo.plugins import CACHE
from demo.run import PLUGINS, build_host
from tvmplug import files
from tvmplug.output import progress, say, table
from tvmplug.process import run

ROOT = Path(__file__).resolve().parents[1]
SOUND = ROOT / "examples" / "vad" / "speech.wav"
RESULTS = ROOT / "build" / "bench.json"
WORDS = ("phonemizer", "flutterby", "kokoro", "tensorize", "anglosphere", "doomscrolling")
ROUNDS = 5
REPEATS = 20


def measure() -> None:
    """Measure, print the table, and keep the numbers in `build/bench.json`."""
    PLUGINS.prepare()
    host = build_host().with_name("bench")
    references = _module("references", ROOT / "tests" / "examples" / "references.py")
    predict = references.g2p_predict()
    silero = CACHE / "bench" / "silero-vad"
    _unpack_silero(silero)
    samples = _samples()
    onnx = silero / "silero_vad" / "data" / "silero_vad_16k_op15.onnx"
    original: dict[str, Callable[[], Any]] = {
        "g2p": lambda: [predict(word) for word in WORDS],
        "vad": lambda: references.silero_probabilities(onnx, samples),
    }
    rounds = []
    for number in range(ROUNDS):
        with progress(f"round {number + 1} of {ROUNDS}", every_line=False):
            command = [host, PLUGINS.bundle, " ".join(WORDS), SOUND, str(REPEATS)]
            plugins = json.loads(run(command, echo=False).stdout)
            rounds.append(
                {
                    name: {**plugins[name], "original_s": _median(work)}
                    for name, work in original.items()
                }
            )
    files.write_text(RESULTS, json.dumps(rounds, indent=2) + "\n")
    against = {"g2p": "g2p-en's own NumPy", "vad": "ONNX Runtime"}
    table(
        "The plugin's time as a share of the original's, one thread each",
        ["plugin", "against", "median", "range", "first call / median"],
        [[name, other, *_ratios(rounds, name)] for name, other in against.items()],
    )
    say(f"All numbers: {RESULTS.relative_to(ROOT)}")


def _ratios(rounds: list[dict[str, dict[str, float]]], name: str) -> tuple[str, str, str]:
    ratios = [found[name]["median_s"] / found[name]["original_s"] for found in rounds]
    first = [found[name]["first_s"] / found[name]["median_s"] for found in rounds]
    return (
        f"{statistics.median(ratios):.2f}",
        f"{min(ratios):.2f} to {max(ratios):.2f}",
        f"{statistics.median(first):.1f}",
    )


def _median(work: Callable[[], Any]) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _samples() -> Any:
    with wave.open(str(SOUND)) as sound:
        frames = sound.readframes(sound.getnframes())
    return np.frombuffer(frames, "<i2").astype(np.float32) / 32768


def _unpack_silero(folder: Path) -> None:
    """Install the wheel that the vad example pins, without the PyTorch it depends on."""
    if (folder / "silero_vad").is_dir():
        return
    lines = (ROOT / "examples" / "vad" / "model" / "requirements.txt").read_text()
    wanted = folder.with_suffix(".txt")
    start = lines.index("silero-vad==")
    files.write_text(wanted, lines[start:].split("\n\n")[0] + "\n")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    run([*pip, "--target", folder, "-r", wanted])


def _module(name: str, path: Path) -> Any:
    """Load a script of this repository that belongs to no package."""
    spec = util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
