# Owned by you: written once, an update never touches it.
"""What is compiled: the ONNX files that the other ways get too, with PyTorch's results as cases."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tvmplug.export import Case, Component

NETWORKS = Path(__file__).parent / "networks"


def export() -> list[Component]:
    """Return every component; the toolkit compiles them in this order."""
    order = json.loads((NETWORKS / "order.json").read_text())
    return [component(NETWORKS / name) for name in order]


def component(folder: Path) -> Component:
    """One component from its folder: the model, an example call, and what PyTorch said to it."""
    told: dict[str, Any] = json.loads((folder / "network.json").read_text())
    inputs = {name: np.load(folder / "inputs" / f"{name}.npy") for name in told["inputs"]}
    outputs = {name: np.load(folder / f"{name}.reference.npy") for name in told["outputs"]}
    return Component(
        name=folder.name,
        module=folder / "model.onnx",
        ranges={name: (low, high) for name, (low, high) in told["ranges"].items()},
        cases=[Case(inputs, outputs)],
        rtol=1e-3,
        atol=1e-3,
    )
