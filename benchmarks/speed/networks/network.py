"""What a measured network is: a PyTorch module with one example call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Network:
    """One component of a measured model.

    Attributes:
        module: The network, in evaluation mode.
        inputs: An example call, by name, in the order of the module's parameters.
        outputs: The names of the results.
        ranges: `[lowest, highest)` of inputs that are used as indices.
        original: The ONNX file that the model's authors ship; None to export one.
        original_inputs: That file's own names of the inputs, and inputs that only it has.
    """

    module: torch.nn.Module
    inputs: Mapping[str, torch.Tensor]
    outputs: tuple[str, ...]
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    original: Path | None = None
    original_inputs: Mapping[str, str | Any] = field(default_factory=dict)


def random_weights(module: torch.nn.Module, gain: float) -> torch.nn.Module:
    """Draw the weights of all convolutions so that signals keep their size through the network.

    PyTorch's own initial values let them fade, and then an error would fade as well.

    Args:
        module: The network; its convolutions are changed in place.
        gain: What a weight's standard deviation is multiplied with, against the activations.

    Returns:
        The same module, in evaluation mode.
    """
    generator = torch.Generator().manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.ConvTranspose1d):
            fan_in = layer.weight[0].numel()
            if isinstance(layer, torch.nn.ConvTranspose1d):
                # Each output takes kernel / stride taps of every input channel.
                fan_in = layer.in_channels * layer.kernel_size[0] // layer.stride[0]
            with torch.no_grad():
                layer.weight.normal_(0.0, gain / fan_in**0.5, generator=generator)
    return module.eval()
