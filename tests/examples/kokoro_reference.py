"""The same as kokoro_app.py by Kokoro's own modules in PyTorch; runs in the compile environment.

Each text is spoken twice: as it is, and with the harmonics that the plugin computed.

Usage: kokoro_reference.py MODEL_FOLDER NOISE.npy SPOKEN.npz WANTED.npz < texts as JSON
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np


def main(model: Path, noise: Path, spoken: Path, wanted: Path) -> None:
    """Write what PyTorch makes of the texts, and how exact the spelled-out modules are."""
    sys.path.insert(0, str(model))
    from network import load  # noqa: PLC0415 (the path is set above)
    from reference import speak  # noqa: PLC0415

    kokoro, drawn, heard = load(), np.load(noise), np.load(spoken)
    made = {}
    for number, (text, voice, speed) in enumerate(json.load(sys.stdin)):
        known = [kokoro.model.vocab[symbol] for symbol in text if symbol in kokoro.model.vocab]
        ids, row = [0, *known, 0], len(text) - 1
        style = kokoro.voices[voice][row : row + 1]
        alone = speak(kokoro.model, ids, style, speed=speed, noise=drawn)
        made |= {f"{number}_{name}": value for name, value in alone.items()}
        harmonics = heard[f"{number}_spectrum"].reshape(1, -1, 22)
        harmonics = np.concatenate([harmonics, alone["last"]], 1)
        told = speak(kokoro.model, ids, style, speed=speed, noise=drawn, spectrum=harmonics)
        made[f"{number}_speech_of_spectrum"] = told["speech"]
    np.savez(wanted, **made)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
