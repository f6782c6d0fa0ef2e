"""What an app does with kokoro_flutter, through the C interface, in a process of its own.

Usage: kokoro_app.py LIBRARY_FOLDER NOISE.npy SPOKEN.npz < questions as JSON > answers as JSON
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "rust"))

from host import Model, Plugin, PluginError  # noqa: E402 (the path is set above)

PARTS = ("speech", "durations", "pitch", "loudness", "spectrum")


def main(folder: Path, noise: Path, spoken: Path) -> None:
    """Speak every text, and ask what a plugin should refuse."""
    plugin = Plugin(folder / "libkokoro_flutter.so", "kokoro_")
    model = plugin.model()
    questions = json.load(sys.stdin)
    random = plugin.tensor(np.load(noise))
    found = {}
    for number, (text, voice, speed) in enumerate(questions["speak"]):
        parts = model.call("speak_with", text, voice, speed, random)
        found |= {f"{number}_{name}": part for name, part in zip(PARTS, parts, strict=True)}
    text, voice, speed = questions["speak"][0]
    found["twice"] = np.stack([model.call("speak", text, voice, speed) for _ in range(2)])
    np.savez(spoken, **found)
    answers = {
        "voices": model.call("voices"),
        "random": model.call("weights_are_random"),
        "skipped": model.call("skipped", questions["skip"]),
        "refused": [attempt(model, "speak", *each) for each in questions["refuse"]],
        "little noise": attempt(model, "speak_with", *questions["speak"][0], plugin.tensor([0.0])),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    json.dump(answers, sys.stdout)


def attempt(model: Model, method: str, *arguments: Any) -> str:
    """The message of the refusal; empty where there is none."""
    try:
        model.call(method, *arguments)
    except PluginError as error:
        return error.message
    return ""


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
