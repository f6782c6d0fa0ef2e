# Owned by you: written once, an update never touches it.
"""Kokoro's own network, `KModel` of the kokoro wheel, with its weights and voices."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import types
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import torch

CHECKPOINT_VARIABLE = "KOKORO_CHECKPOINT"
REPOSITORY = "hexgrad/Kokoro-82M"
WEIGHTS = "kokoro-v1_0.pth"
CONFIG = Path(__file__).with_name("config.json")
LONGEST = 510  # symbols of a text, and rows of a voice
STYLE = 256  # of a voice's row: half for the decoder, half for prosody
RANDOM_VOICES = ("random_a", "random_b")
SEED = 82


@dataclass(frozen=True)
class Kokoro:
    """The network and what belongs to it.

    Attributes:
        model: `KModel`, in evaluation mode.
        voices: Styles by name, (LONGEST, STYLE): a row for each number of symbols.
        random: Whether weights and voices are random numbers.
    """

    model: Any
    voices: dict[str, torch.Tensor]
    random: bool


def load() -> Kokoro:
    """Read the checkpoint that KOKORO_CHECKPOINT names, or draw random weights, always the same."""
    if folder := os.environ.get(CHECKPOINT_VARIABLE):
        return _trained(Path(folder).expanduser())
    return _random()


def _trained(folder: Path) -> Kokoro:
    model = _package().KModel(REPOSITORY, str(folder / "config.json"), str(folder / WEIGHTS))
    voices = {
        path.stem: torch.load(path, map_location="cpu", weights_only=True).reshape(LONGEST, STYLE)
        for path in sorted((folder / "voices").glob("*.pt"))
    }
    if not voices:
        raise FileNotFoundError(f"{folder} has no voices/*.pt")
    return Kokoro(model.eval(), voices, random=False)


def _random() -> Kokoro:
    torch.manual_seed(SEED)
    with tempfile.TemporaryDirectory() as folder:
        nothing = Path(folder) / WEIGHTS
        torch.save({}, nothing)
        model = _package().KModel(REPOSITORY, json.loads(CONFIG.read_text()), str(nothing))
    _speaking(model.predictor)
    voices = {name: 0.15 * torch.randn(LONGEST, STYLE) for name in RANDOM_VOICES}
    return Kokoro(model.eval(), voices, random=True)


def _speaking(predictor: Any) -> None:
    """Bring random prosody to the scale of speech: 1 to 10 frames a symbol, 0 to 300 Hz.

    As drawn, every symbol lasts 24 of its 50 frames and nothing is voiced, so that neither
    durations nor harmonics would be compared with anything.
    """
    with torch.no_grad():
        durations, pitch = predictor.duration_proj.linear_layer, predictor.F0_proj
        durations.weight *= 4
        durations.bias -= 3
        pitch.weight *= 400
        pitch.bias += 90


def _package() -> Any:
    """`kokoro.model`, without what `import kokoro` runs: its text processing needs spaCy."""
    if "kokoro" not in sys.modules:
        package = types.ModuleType("kokoro")
        package.__path__ = [str(distribution("kokoro").locate_file("kokoro"))]
        sys.modules["kokoro"] = package
    return importlib.import_module("kokoro.model")
