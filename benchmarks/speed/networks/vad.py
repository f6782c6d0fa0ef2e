"""The Silero voice activity detector of examples/vad (16 kHz): one chunk and the state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from benchmarks.speed.networks.network import Network

MODEL = Path("silero_vad") / "data" / "silero_vad_16k_op15.onnx"
SAMPLES = 576  # the end of the previous chunk and a chunk
REFLECTED = 64
UNITS, BINS, HOP = 128, 129, 128
STRIDES = (1, 2, 2, 1)
RATE_HZ = 16000


class Detector(torch.nn.Module):
    """Samples and state to the probability of speech and the new state."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.register_buffer("stft", weights["model.stft.forward_basis_buffer"])
        layers = []
        for number, stride in enumerate(STRIDES):
            name = f"model.encoder.{number}.reparam_conv"
            weight = weights[f"{name}.weight"]
            layer = torch.nn.Conv1d(weight.shape[1], weight.shape[0], 3, stride, padding=1)
            layer.load_state_dict({"weight": weight, "bias": weights[f"{name}.bias"]})
            layers += [layer, torch.nn.ReLU()]
        self.encoder = torch.nn.Sequential(*layers)
        self.cell = torch.nn.LSTMCell(UNITS, UNITS)
        parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        self.cell.load_state_dict({part: weights[f"model.decoder.rnn.{part}"] for part in parts})
        self.head = torch.nn.Linear(UNITS, 1)
        head = "model.decoder.decoder.2"
        weight = weights[f"{head}.weight"].reshape(1, UNITS)
        self.head.load_state_dict({"weight": weight, "bias": weights[f"{head}.bias"].reshape(1)})

    def forward(
        self, samples: torch.Tensor, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Samples, (1, SAMPLES), and state, (2, 1, UNITS), to probability and state."""
        tail = samples[:, -1 - REFLECTED : -1].flip(1)
        padded = torch.cat([samples, tail], dim=1)[:, None]
        spectrum = torch.nn.functional.conv1d(padded, self.stft, stride=HOP)
        real, imaginary = spectrum[:, :BINS], spectrum[:, BINS:]
        features = self.encoder(torch.sqrt(real * real + imaginary * imaginary))
        hidden, cell = self.cell(features.reshape(1, UNITS), (state[0], state[1]))
        probability = torch.sigmoid(self.head(torch.relu(hidden)))
        return probability, torch.stack([hidden, cell])


def networks(packages: Path) -> dict[str, Network]:
    """The detector with the weights of the silero-vad wheel, whose ONNX file is the original."""
    path = packages / MODEL
    weights = {
        item.name: torch.from_numpy(numpy_helper.to_array(item).copy())
        for item in onnx.load(path).graph.initializer
    }
    time = np.arange(SAMPLES) / RATE_HZ
    buzz = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20)) * 0.2
    inputs = {
        "samples": torch.from_numpy(np.asarray(buzz)[None].astype("float32")),
        "state": torch.zeros(2, 1, UNITS),
    }
    return {
        "step": Network(
            Detector(weights).eval(),
            inputs,
            ("probability", "next_state"),
            original=path,
            original_inputs={"samples": "input", "state": "state", "sr": np.array(RATE_HZ)},
        )
    }
