"""A vocoder of HiFi-GAN's shape (its generator V2), with random weights: spectrograms to sound.

Kong, Kim and Bae, 2020: four upsampling layers, each followed by three residual blocks with kernels
of 3, 7 and 11 and dilations of 1, 3 and 5. V2 is the size that its authors made for small devices.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from benchmarks.speed.networks.network import Network, random_weights

MELS, CHANNELS = 80, 128
RATES, WIDTHS = (8, 8, 2, 2), (16, 16, 4, 4)
KERNELS, DILATIONS = (3, 7, 11), (1, 3, 5)
SLOPE = 0.1
FRAMES = 64  # three quarters of a second at 22 kHz


class Residual(torch.nn.Module):
    """Dilated and plain convolutions in turn, each pair added to its input."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.dilated = torch.nn.ModuleList(
            torch.nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel // 2))
            for d in DILATIONS
        )
        self.plain = torch.nn.ModuleList(
            torch.nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in DILATIONS
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, channels, n) to the same shape."""
        for dilated, plain in zip(self.dilated, self.plain, strict=True):
            inner = dilated(functional.leaky_relu(x, SLOPE))
            x = x + plain(functional.leaky_relu(inner, SLOPE))
        return x


class Generator(torch.nn.Module):
    """Mel spectrogram to samples."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv1d(MELS, CHANNELS, 7, padding=3)
        self.up, self.blocks = torch.nn.ModuleList(), torch.nn.ModuleList()
        channels = CHANNELS
        for rate, width in zip(RATES, WIDTHS, strict=True):
            self.up.append(
                torch.nn.ConvTranspose1d(
                    channels, channels // 2, width, rate, padding=(width - rate) // 2
                )
            )
            channels //= 2
            self.blocks.append(torch.nn.ModuleList(Residual(channels, k) for k in KERNELS))
        self.last = torch.nn.Conv1d(channels, 1, 7, padding=3)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """(1, MELS, frames) to (1, 1, 256 * frames)."""
        x = self.first(mel)
        for up, blocks in zip(self.up, self.blocks, strict=True):
            x = up(functional.leaky_relu(x, SLOPE))
            x = sum(block(x) for block in blocks) / len(KERNELS)
        return torch.tanh(self.last(functional.leaky_relu(x)))


def networks() -> dict[str, Network]:
    """The generator for FRAMES frames."""
    torch.manual_seed(0)
    module = random_weights(Generator(), gain=0.8)
    return {"generate": Network(module, {"mel": torch.randn(1, MELS, FRAMES)}, ("sound",))}
