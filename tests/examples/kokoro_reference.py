"""The same as kokoro_app.py by Kokoro's own modules in PyTorch; runs in the compile environment.

Each text is spoken three times: as it is, with the pitch that the plugin computed, which gives
harmonics, and with the harmonics that the plugin computed.

Usage: kokoro_reference.py MODEL_FOLDER NOISE.npy SPOKEN.npz WANTED.npz < texts as JSON
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        with _pitched(kokoro.model.predictor.F0_proj, heard[f"{number}_pitch"]):
            hummed = speak(kokoro.model, ids, style, speed=speed, noise=drawn)
        made[f"{number}_spectrum_of_pitch"] = hummed["spectrum"]
        harmonics = heard[f"{number}_spectrum"].reshape(1, -1, 22)
        harmonics = np.concatenate([harmonics, hummed["last"]], 1)
        told = speak(kokoro.model, ids, style, speed=speed, noise=drawn, spectrum=harmonics)
        made[f"{number}_speech_of_spectrum"] = told["speech"]
    np.savez(wanted, **made)


@contextlib.contextmanager
def _pitched(projection: Any, pitch: np.ndarray[Any, Any]) -> Iterator[None]:
    """Have a module return a pitch instead of its own."""
    import torch  # noqa: PLC0415

    given = torch.from_numpy(pitch)
    hook = projection.register_forward_hook(lambda _module, _inputs, own: given.reshape(own.shape))
    try:
        yield
    finally:
        hook.remove()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
