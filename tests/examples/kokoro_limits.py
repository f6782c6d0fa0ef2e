"""How far Kokoro's speech in PyTorch moves by itself: what no plugin can be closer to.

Usage: kokoro_limits.py MODEL_FOLDER < TEXTS

Runs in the plugin's own environment, which has PyTorch. TEXTS is a JSON list of phonemes; the
differences by text are printed as JSON.
"""

from __future__ import annotations

import copy
import json
import sys
from typing import Any

import numpy as np

sys.path.insert(0, sys.argv[1])

import torch
from network import load
from parts import Prosody, Sound, plain
from reference import speak

SOUND = ("sounds_spread", "pitch", "loudness", "sounding", "spectrum", "last")
ALIKE = ("sounding", "last")  # what has no length
SAMPLES, HARMONICS = 400_000, 9


@torch.no_grad()
def limits(kokoro: Any, text: str) -> dict[str, float]:
    """Largest differences of samples (their standard deviation is `deviation`) and of Hertz."""
    model = kokoro.model
    ids = [0, *(model.vocab[symbol] for symbol in text), 0]
    style = next(iter(kokoro.voices.values()))[len(text) - 1 : len(text)]
    noise = np.random.default_rng(0).standard_normal((SAMPLES, HARMONICS), "float32")
    known = speak(model, ids, style, noise=noise)
    precise, moved = _with_precise_pitch(copy.deepcopy(model))
    other = speak(precise, ids, style, noise=noise)
    longer = _padded(plain(copy.deepcopy(model)), known)
    return {
        "deviation": float(known["speech"].std()),
        "precise_pitch_hz": moved[0],
        "precise_pitch": _most(other["speech"], known["speech"]),
        "padded_pitch_hz": _most(longer["pitch"], known["pitch"]),
        "padded": _most(longer["speech"], known["speech"]),
    }


def _with_precise_pitch(model: Any) -> tuple[Any, list[float]]:
    """The model with its pitch computed in float64, and by how many Hertz that moves it."""
    moved: list[float] = []
    whole = copy.deepcopy(model.predictor).double()
    usual = model.predictor.F0Ntrain

    def curves(x: torch.Tensor, style: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        pitch, loudness = usual(x, style)
        precise, _ = whole.F0Ntrain(x.double(), style.double())
        moved.append((precise.float() - pitch).abs().max().item())
        return precise.float(), loudness

    model.predictor.F0Ntrain = curves
    return model, moved


def _padded(model: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Pitch and speech of the same frames in a sequence that has one more, of zeros."""

    def longer(name: str) -> torch.Tensor:
        array = known[name]
        more = np.zeros((1, 1, *array.shape[2:]), array.dtype)
        return torch.from_numpy(array if name in ALIKE else np.concatenate([array, more], 1))

    frames = known["sounds_spread"].shape[1]
    pitch, _ = Prosody(model)(longer("features_spread"), torch.from_numpy(known["speaking"]))
    speech = Sound(model)(*map(longer, SOUND))
    return {
        "pitch": pitch.numpy()[:, :frames],
        "speech": speech.numpy()[:, : known["speech"].shape[1]],
    }


def _most(one: Any, other: Any) -> float:
    return float(np.abs(one - other).max())


if __name__ == "__main__":
    loaded = load()
    print(json.dumps({text: limits(loaded, text) for text in json.load(sys.stdin)}))
