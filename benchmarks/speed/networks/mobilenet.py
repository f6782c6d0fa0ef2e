"""MobileNet v2 as torchvision has it, with random weights: images to scores."""

from __future__ import annotations

import torch
from torchvision.models import mobilenet_v2

from benchmarks.speed.networks.network import Network, random_weights


def networks() -> dict[str, Network]:
    """The network for one image of 224 by 224 points."""
    torch.manual_seed(0)
    # The gain of a ReLU; the layers without one let the signal grow, batch norms are the identity.
    module = random_weights(mobilenet_v2(weights=None), gain=1.2)
    image = torch.randn(1, 3, 224, 224)
    return {"classify": Network(module, {"image": image}, ("scores",))}
