# Owned by you: written once, an update never touches it.
"""What goes through Kokoro's own modules when they speak, for golden cases and tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from parts import HALF

Array = npt.NDArray[Any]
ANGLES = 1e-6  # share of the window's loudness below which an imaginary part is rounding


def speak(
    model: Any,
    ids: list[int],
    style: torch.Tensor,
    *,
    speed: float = 1.0,
    noise: Array | None = None,
    spectrum: Array | None = None,
) -> dict[str, Array]:
    """Run `KModel.forward_with_tokens` and note what its parts take and give.

    Args:
        model: `KModel`.
        ids: The symbols with the pauses around them.
        style: (1, STYLE).
        speed: Of speaking.
        noise: Standard normal numbers instead of PyTorch's, (samples or more, harmonics).
        spectrum: The harmonics, (1, steps + 1, 2 * bins), instead of those of the pitch.

    Returns:
        Inputs and outputs of the compiled components by their names there, in their layouts;
        `durations` are whole frames at `speed`, `frames` are not, at speed 1.
    """
    seen: dict[str, torch.Tensor] = {}
    with contextlib.ExitStack() as stack:
        for note in _notes(model, seen):
            stack.callback(note.remove)
        stack.enter_context(_harmonics(model.decoder.generator.stft, seen, spectrum))
        stack.enter_context(_noise(noise))
        speech, durations = model.forward_with_tokens(torch.tensor([ids]), style, speed)
    frames = seen["sounds_spread"].shape[2]
    columns = seen["spectrum"]
    found = {
        "ids": torch.tensor([ids]),
        "speaking": style[:, HALF:],
        "sounding": style[:, :HALF],
        "frames": torch.sigmoid(seen["scores"]).sum(-1),
        "features": seen["features"],
        "sounds": seen["sounds"].transpose(1, 2),
        "durations": durations.reshape(-1),
        "features_spread": seen["features_spread"],
        "sounds_spread": seen["sounds_spread"].transpose(1, 2),
        "pitch": seen["pitch"].reshape(1, frames, 2),
        "loudness": seen["loudness"].reshape(1, frames, 2),
        "spectrum": columns[:, :-1].reshape(1, frames, -1),
        "last": columns[:, -1:],
        "speech": speech.reshape(1, -1),
    }
    return {name: np.ascontiguousarray(value.detach().numpy()) for name, value in found.items()}


def _notes(model: Any, seen: dict[str, torch.Tensor]) -> list[Any]:
    """Hooks on the modules between the parts."""

    def output(name: str) -> Callable[..., None]:
        def note(_module: Any, _inputs: Any, value: torch.Tensor) -> None:
            seen[name] = value

        return note

    def first_input(name: str) -> Callable[..., None]:
        def note(_module: Any, inputs: tuple[torch.Tensor, ...]) -> None:
            seen[name] = inputs[0]

        return note

    predictor = model.predictor
    return [
        predictor.text_encoder.register_forward_hook(output("features")),
        predictor.duration_proj.register_forward_hook(output("scores")),
        predictor.shared.register_forward_pre_hook(first_input("features_spread")),
        predictor.F0_proj.register_forward_hook(output("pitch")),
        predictor.N_proj.register_forward_hook(output("loudness")),
        model.text_encoder.register_forward_hook(output("sounds")),
        model.decoder.register_forward_pre_hook(first_input("sounds_spread")),
    ]


@contextlib.contextmanager
def _harmonics(stft: Any, seen: dict[str, torch.Tensor], given: Array | None) -> Iterator[None]:
    """Note the transform of the harmonics, or put another one in its place.

    Where an imaginary part is all rounding its sign decides between two angles, half a turn either
    way, and differs from one Fourier library to the next: it counts as 0 here, as in the plugin.
    """

    def transform(wave: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if given is None:
            window = stft.window.double()
            found = torch.stft(
                wave.double(), stft.filter_length, stft.hop_length, stft.win_length, window,
                return_complex=True,
            )  # fmt: skip
            loudness = torch.stft(
                wave.abs().double(), stft.filter_length, stft.hop_length, stft.win_length, window,
                return_complex=True,
            )[:, :1].abs()  # fmt: skip
            imaginary = torch.where(found.imag.abs() <= ANGLES * loudness, 0.0, found.imag)
            angle = torch.atan2(imaginary, found.real).float()
            magnitude = torch.hypot(found.real, imaginary).float()
        else:
            both = torch.from_numpy(given).transpose(1, 2)
            magnitude, angle = both.chunk(2, 1)
        seen["spectrum"] = torch.cat([magnitude, angle], 1).transpose(1, 2)
        return magnitude, angle

    stft.transform = transform
    try:
        yield
    finally:
        del stft.transform


@contextlib.contextmanager
def _noise(given: Array | None) -> Iterator[None]:
    """Have PyTorch draw the given numbers."""
    if given is None:
        yield
        return
    drawn = torch.randn_like

    def randn_like(like: torch.Tensor) -> torch.Tensor:
        if like.shape[-1] != given.shape[1]:  # noise that the vocoder does not use
            return torch.zeros_like(like)
        return torch.from_numpy(given[: like.shape[1]])[None]

    torch.randn_like = randn_like
    try:
        yield
    finally:
        torch.randn_like = drawn
