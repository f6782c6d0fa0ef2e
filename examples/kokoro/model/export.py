# Owned by you: written once, an update never touches it.
"""Kokoro's network as four TVM components: its voices, the text, its prosody, and the sound."""

from __future__ import annotations

import copy
import sys
from typing import Any

import numpy as np
import torch
from network import CHECKPOINT_VARIABLE, LONGEST, Kokoro, load
from parts import Prosody, Sound, Text, plain
from recurrence import convert
from reference import speak
from torch.export import Dim as Size
from tvm.relax.frontend.torch import from_exported_program

from tvmplug.export import Case, Component, Dim

TEXTS = ("həlˈO", "ðɪs ɪz ɐ mˈɑdᵊl, sˈɛd ðə mˈɑdᵊl.")  # noqa: RUF001 (phonetic letters)
MOST_SYMBOLS = LONGEST + 2  # with the pauses around a text
MOST_FRAMES = 2400  # a minute
NAME = 32  # bytes of a voice's name
# Products and convolutions hold 98 % of the model: "float16" halves its size.
WEIGHTS = "float32"


def export() -> list[Component]:
    """Return the four components with the cases of the golden test."""
    kokoro = load()
    if kokoro.random:
        note = "the weights are RANDOM, this plugin makes noise instead of speech"
        print(
            f"kokoro: {note}; name a checkpoint's folder in {CHECKPOINT_VARIABLE}", file=sys.stderr
        )
    style = next(iter(kokoro.voices.values()))
    heard = [_heard(kokoro, text, style[len(text) - 1 : len(text)]) for text in TEXTS]
    model = copy.deepcopy(kokoro.model)
    # PyTorch's one operator for attention would be one in TVM, too: apart, they are kernels.
    model.bert.config._attn_implementation = "eager"
    plain(model)
    symbols, frames = ("n", Dim(3, MOST_SYMBOLS)), ("f", Dim(2, MOST_FRAMES))
    return [
        _voices(kokoro),
        _part("text", Text(model), symbols, heard, _TEXT, ranges={"ids": (0, _known(kokoro))}),
        # Hertz: PyTorch's own results move by a thousandth when its modules are spelled out.
        _part("prosody", Prosody(model), frames, heard, _PROSODY, atol=5e-3),
        _part("sound", Sound(model), frames, heard, _SOUND, atol=1e-3),
    ]


# Of a component, what its inputs and its outputs are called in what `reference.speak` returns;
# those with a dynamic size come with True.
_TEXT = (
    {"ids": ("ids", True), "style": ("speaking", False)},
    {"frames": "frames", "features": "features", "sounds": "sounds"},
)
_PROSODY = (
    {"features": ("features_spread", True), "style": ("speaking", False)},
    {"pitch": "pitch", "loudness": "loudness"},
)
_SOUND = (
    {
        "sounds": ("sounds_spread", True),
        "pitch": ("pitch", True),
        "loudness": ("loudness", True),
        "style": ("sounding", False),
        "spectrum": ("spectrum", True),
        "last": ("last", False),
    },
    {"speech": "speech"},
)
Names = tuple[dict[str, tuple[str, bool]], dict[str, str]]


def _part(
    name: str,
    module: torch.nn.Module,
    size: tuple[str, Dim],
    heard: list[dict[str, Any]],
    names: Names,
    *,
    atol: float = 1e-4,
    ranges: dict[str, tuple[int, int]] | None = None,
) -> Component:
    """A part of the network with sequences of any length as their second dimension."""
    inputs, outputs = names
    cases = [
        Case(
            inputs={own: each[known] for own, (known, _) in inputs.items()},
            outputs={own: each[known] for own, known in outputs.items()},
            name=f"{each['ids'].size - 2:03d}_symbols",
        )
        for each in heard
    ]
    letter, bounds = size
    dynamic = Size(letter, min=bounds.min, max=bounds.max)
    shapes = {own: {1: dynamic} if varies else None for own, (_, varies) in inputs.items()}
    examples = tuple(torch.from_numpy(value) for value in cases[0].inputs.values())
    with torch.no_grad():
        program = torch.export.export(
            module.eval(), examples, dynamic_shapes=tuple(shapes.values()), strict=False
        )
    return Component(
        name=name,
        module=from_exported_program(
            program,
            unwrap_unit_return_tuple=True,
            custom_convert_map={"recurrence.default": convert},
        ),
        shapes={
            own: (1, letter, *cases[0].inputs[own].shape[2:])
            for own, (_, varies) in inputs.items()
            if varies
        },
        dims={letter: bounds},
        ranges=ranges or {},
        cases=cases,
        atol=atol,
        weight_dtype=WEIGHTS,
    )


class _Voices(torch.nn.Module):
    """A voice's row for a text's length, and what Rust has to know of the network."""

    def __init__(self, kokoro: Kokoro) -> None:
        super().__init__()
        mixed = kokoro.model.decoder.generator.m_source.l_linear
        mix = torch.cat([mixed.weight[0], mixed.bias]).detach()
        names = [list(name.encode("ascii")[:NAME].ljust(NAME, b"\0")) for name in kokoro.voices]
        count = len(kokoro.voices)
        self.register_buffer("styles", torch.cat(list(kokoro.voices.values())))
        self.register_buffer("names", torch.tensor(names))
        self.register_buffer("mixes", mix.repeat(count, 1))
        self.register_buffer("randoms", torch.full((count, 1), int(kokoro.random)))

    def forward(self, voice: torch.Tensor, row: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(1,), (1,) to style (1, STYLE), name (1, NAME), mix (1, 10), random (1, 1)."""
        style = self.styles.index_select(0, voice * LONGEST + row)
        tables = (self.names, self.mixes, self.randoms)
        return (style, *(table.index_select(0, voice) for table in tables))


def _voices(kokoro: Kokoro) -> Component:
    module = _Voices(kokoro).eval()
    cases = []
    for voice, row in ((0, 0), (len(kokoro.voices) - 1, LONGEST - 1)):
        inputs = {"voice": np.array([voice]), "row": np.array([row])}
        values = module(*map(torch.from_numpy, inputs.values()))
        outputs = dict(zip(("style", "name", "mix", "random"), values, strict=True))
        cases.append(Case(inputs, {name: value.numpy() for name, value in outputs.items()}))
    examples = tuple(torch.from_numpy(value) for value in cases[0].inputs.values())
    program = torch.export.export(module, examples, strict=False)
    return Component(
        name="voice",
        module=program,
        ranges={"voice": (0, len(kokoro.voices)), "row": (0, LONGEST)},
        cases=cases,
    )


def _heard(kokoro: Kokoro, text: str, style: torch.Tensor) -> dict[str, Any]:
    vocabulary = kokoro.model.vocab
    torch.manual_seed(len(text))  # the harmonics' noise
    return speak(kokoro.model, [0, *(vocabulary[symbol] for symbol in text), 0], style)


def _known(kokoro: Kokoro) -> int:
    """How many symbols PL-BERT has a vector for."""
    return int(kokoro.model.bert.config.vocab_size)
