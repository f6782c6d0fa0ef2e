# Owned by you: written once, an update never touches it.
"""Kokoro's modules with what TVM cannot take written in another way: same weights, same results.

Sequences come one at a time and unpadded, so that no masks are needed. A reshape changes how many
dimensions there are: TVM 0.27's importer cannot compare two dynamic shapes of one rank.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from recurrence import Recurrent
from torch.nn import functional
from torch.nn.utils import remove_weight_norm

RATE = 24_000  # samples per second
FRAME = 600  # samples
HOP = 5  # of the Fourier transform, samples
WINDOW = 20  # of the Fourier transform, samples
BINS = WINDOW // 2 + 1
STEPS = FRAME // HOP  # of the Fourier transform, for each frame
HALF = 128  # of a style: the first half is the decoder's, the second prosody's


class Text(torch.nn.Module):
    """What is known of a text before its timing: PL-BERT, the duration predictor, the encoder."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.bert, self.bert_encoder = model.bert, model.bert_encoder
        self.durations, self.predictor = model.predictor.text_encoder, model.predictor
        self.encoder = model.text_encoder

    def forward(self, ids: torch.Tensor, style: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(1, symbols), (1, HALF) to frames (1, symbols) at speed 1, features, sounds."""
        positions = torch.arange(ids.shape[1]).unsqueeze(0)
        hidden = self.bert.embeddings(ids, torch.zeros_like(ids), positions)
        hidden = self.bert.encoder(hidden, None).last_hidden_state
        features = self._features(self.bert_encoder(hidden), style)
        scores = self.predictor.duration_proj(self.predictor.lstm(features))
        return torch.sigmoid(scores).sum(-1), features, self._sounds(ids)

    def _features(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        beside = style.unsqueeze(1).expand(1, x.shape[1], HALF)
        x = torch.cat([x, beside], -1)
        for lstm, norm in zip(self.durations.lstms[::2], self.durations.lstms[1::2], strict=True):
            scale, shift = norm.fc(style).unsqueeze(1).chunk(2, -1)
            x = functional.layer_norm(lstm(x), (norm.channels,), eps=norm.eps)
            x = torch.cat([(1 + scale) * x + shift, beside], -1)
        return x

    def _sounds(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.encoder.embedding(ids).transpose(1, 2)
        for layer in self.encoder.cnn:
            x = layer(x)
        return self.encoder.lstm(x.transpose(1, 2))


class Prosody(torch.nn.Module):
    """Pitch and loudness, two of each in a frame."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.predictor = model.predictor

    def forward(self, features: torch.Tensor, style: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(1, frames, 640), (1, HALF) to pitch (1, frames, 2) in Hz, and loudness."""
        shared = self.predictor.shared(features).transpose(1, 2)
        curves = []
        for blocks, last in (
            (self.predictor.F0, self.predictor.F0_proj),
            (self.predictor.N, self.predictor.N_proj),
        ):
            x = shared
            for block in blocks:
                x = block(x, style)
            curves.append(last(x).squeeze(1).reshape(1, features.shape[1], 2))
        return tuple(curves)


class Sound(torch.nn.Module):
    """The decoder and its vocoder, from the spectrum of the harmonics on."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.decoder, self.generator = model.decoder, model.decoder.generator
        self.inverse = Inverse()

    def forward(  # noqa: PLR0917 (torch.export passes them by position)
        self,
        sounds: torch.Tensor,
        pitch: torch.Tensor,
        loudness: torch.Tensor,
        style: torch.Tensor,
        spectrum: torch.Tensor,
        last: torch.Tensor,
    ) -> torch.Tensor:
        """Speech, (1, FRAME * frames).

        Args:
            sounds: (1, frames, 512): the encoder's, each as often as its symbol has frames.
            pitch: (1, frames, 2), Hz.
            loudness: (1, frames, 2).
            style: (1, HALF).
            spectrum: (1, frames, STEPS * 2 * BINS): magnitudes and angles of the harmonics.
            last: (1, 1, 2 * BINS): the step after the last frame.
        """
        frames = sounds.shape[1]
        sounds = sounds.transpose(1, 2)
        curves = [
            functional.conv1d(
                functional.pad(curve.flatten(1).unsqueeze(1), (1, 0)), conv.weight, conv.bias, 2
            )
            for curve, conv in (
                (pitch, self.decoder.F0_conv),
                (loudness, self.decoder.N_conv),
            )
        ]
        x = self.decoder.encode(torch.cat([sounds, *curves], 1), style)
        beside = self.decoder.asr_res(sounds)
        for block in self.decoder.decode:
            x = block(torch.cat([x, beside, *curves], 1), style)
        source = spectrum.reshape(1, frames, STEPS, 2 * BINS).flatten(1, 2)
        return self._voice(x, torch.cat([source, last], 1).transpose(1, 2), style)

    def _voice(self, x: torch.Tensor, source: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        generator = self.generator
        kernels = generator.num_kernels
        final = generator.num_upsamples - 1
        for stage in range(generator.num_upsamples):
            beside = _strided(generator.noise_convs[stage], source)
            beside = generator.noise_res[stage](beside, style)
            x = generator.ups[stage](functional.leaky_relu(x, 0.1))
            if stage == final:  # reflection of one sample, at the beginning
                x = torch.cat([x.select(2, 1).unsqueeze(2), x], 2)
            x = x + beside
            blocks = generator.resblocks[stage * kernels : (stage + 1) * kernels]
            x = sum(block(x, style) for block in blocks) / kernels
        x = generator.conv_post(functional.leaky_relu(x))
        return self.inverse(torch.exp(x[:, :BINS]), torch.sin(x[:, BINS:]))


class Inverse(torch.nn.Module):
    """`torch.istft` of Kokoro's window: two transposed convolutions, of windows and of weights."""

    def __init__(self) -> None:
        super().__init__()
        window = np.hanning(WINDOW + 1)[:-1]
        twice = np.where(np.arange(BINS) % (BINS - 1) == 0, 1, 2)[:, None] / WINDOW
        angles = 2 * np.pi * np.outer(np.arange(BINS), np.arange(WINDOW)) / WINDOW
        basis = np.concatenate([np.cos(angles) * twice, -np.sin(angles) * twice]) * window
        self.register_buffer("basis", torch.tensor(basis[:, None], dtype=torch.float32))
        self.register_buffer("squares", torch.tensor(window[None, None] ** 2, dtype=torch.float32))

    def forward(self, magnitude: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
        """(1, BINS, steps + 1) of both to (1, HOP * steps)."""
        parts = torch.cat([magnitude * torch.cos(angle), magnitude * torch.sin(angle)], 1)
        ones = torch.ones_like(parts.select(1, 0)).unsqueeze(1)
        total, weight = (
            functional.conv_transpose1d(values, kernel, stride=HOP, padding=WINDOW // 2)
            for values, kernel in ((parts, self.basis), (ones, self.squares))
        )
        return (total / weight).squeeze(1)


class InstanceNorm(torch.nn.Module):
    """`torch.nn.InstanceNorm1d`, spelled out: TVM's importer wants to know the length."""

    def __init__(self, norm: torch.nn.InstanceNorm1d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, channels, n) to the same shape."""
        centred = x - x.mean(-1, keepdim=True)
        variance = (centred * centred).mean(-1, keepdim=True)
        normal = centred * torch.rsqrt(variance + self.eps)
        return normal * self.weight[:, None] + self.bias[:, None]


class Block(torch.nn.Module):
    """`AdainResBlk1d`, with the upsampling of its shortcut as a view."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block
        self.doubles = block.upsample_type != "none"

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """(1, channels, n) to (1, other channels, n or 2 * n)."""
        beside = x
        if self.doubles:
            _, channels, size = x.shape
            beside = x.unsqueeze(3).expand(1, channels, size, 2).reshape(1, channels, 2 * size)
        if self.block.learned_sc:
            beside = self.block.conv1x1(beside)
        return (self.block._residual(x, style) + beside) * 0.5**0.5


def plain(module: torch.nn.Module) -> torch.nn.Module:
    """Replace, in place and all the way down, what has another form here."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.LSTM):
            setattr(module, name, Recurrent(child))
        elif isinstance(child, torch.nn.InstanceNorm1d):
            setattr(module, name, InstanceNorm(child))
        elif type(child).__name__ == "AdainResBlk1d":
            setattr(module, name, Block(plain(child)))
        else:
            plain(child)
    if hasattr(module, "weight_g"):
        remove_weight_norm(module)
    return module


def _strided(conv: torch.nn.Conv1d, x: torch.Tensor) -> torch.Tensor:
    """A convolution without the zeros that its last window does not reach."""
    if conv.stride == (1,):
        return conv(x)
    padded = functional.pad(x, (conv.padding[0], conv.padding[0] - 1))
    return functional.conv1d(padded, conv.weight, conv.bias, conv.stride)
