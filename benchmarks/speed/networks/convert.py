"""Turns a model's networks into the files that each way runs. Called by `benchmarks.speed.files`.

Runs in the environment with PyTorch and the converters. Usage:

    python -m benchmarks.speed.networks.convert FORMAT MODEL FOLDER PACKAGES

Every component gets a folder with its inputs, its reference results, `network.json`, and for each
format a file and `FORMAT.json`: seconds, bytes, or the first line of the error.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.speed.networks.load import load
from benchmarks.speed.networks.network import Network
from benchmarks.speed.networks.work import count


def reference(network: Network, folder: Path) -> None:
    """Write inputs and results, and count the work."""
    inputs = folder / "inputs"
    inputs.mkdir(exist_ok=True)
    for name, tensor in network.inputs.items():
        np.save(inputs / f"{name}.npy", tensor.contiguous().numpy())
    feeds = {name: name for name in network.inputs}
    if network.original:
        feeds = {}
        for ours, theirs in network.original_inputs.items():
            if isinstance(theirs, str):
                feeds[theirs] = ours
            else:
                np.save(inputs / f"{ours}.npy", theirs)
                feeds[ours] = ours
    results = _results(network)
    for name, result in zip(network.outputs, results, strict=True):
        np.save(folder / f"{name}.reference.npy", result.numpy())
    flops, weight_bytes = count(network.module, list(network.inputs.values()))
    told = {
        "inputs": list(network.inputs),
        "onnx_inputs": feeds,
        "outputs": list(network.outputs),
        "ranges": {name: list(bounds) for name, bounds in network.ranges.items()},
        "flops": flops,
        "weight_bytes": weight_bytes,
    }
    (folder / "network.json").write_text(json.dumps(told, indent=2) + "\n")


def to_pytorch(network: Network, path: Path) -> None:
    """Keep the module itself, as PyTorch runs it eagerly."""
    torch.save(network.module, path)


def to_onnx(network: Network, path: Path) -> None:
    """Export, or take the file that the model's authors ship."""
    if network.original:
        shutil.copyfile(network.original, path)
        return
    torch.onnx.export(
        network.module,
        tuple(network.inputs.values()),
        str(path),
        input_names=list(network.inputs),
        output_names=list(network.outputs),
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def to_executorch(network: Network, path: Path) -> None:
    """Export for ExecuTorch; XNNPACK takes what it can."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import (  # noqa: PLC0415
        XnnpackPartitioner,
    )
    from executorch.exir import to_edge_transform_and_lower  # noqa: PLC0415

    program = torch.export.export(network.module, tuple(network.inputs.values()))
    edge = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    path.write_bytes(edge.to_executorch().buffer)


def to_litert(network: Network, path: Path) -> None:
    """Convert for LiteRT."""
    import litert_torch  # noqa: PLC0415

    litert_torch.convert(network.module, tuple(network.inputs.values())).export(str(path))


FORMATS: dict[str, tuple[str, Callable[[Network, Path], None]]] = {
    "pytorch": ("model.pt", to_pytorch),
    "onnx": ("model.onnx", to_onnx),
    "executorch": ("model.pte", to_executorch),
    "litert": ("model.tflite", to_litert),
}


def main(argv: list[str]) -> int:
    """Convert all components of a model."""
    wanted, model, folder, packages = argv
    for component, network in load(model, Path(packages)).items():
        inner = Path(folder) / component
        inner.mkdir(parents=True, exist_ok=True)
        if wanted == "reference":
            reference(network, inner)
            continue
        name, convert = FORMATS[wanted]
        told = _convert(convert, network, inner / name)
        (inner / f"{wanted}.json").write_text(json.dumps(told, indent=2) + "\n")
    return 0


def _results(network: Network) -> tuple[torch.Tensor, ...]:
    with torch.no_grad():
        results = network.module(*network.inputs.values())
    return results if isinstance(results, tuple) else (results,)


def _convert(
    convert: Callable[[Network, Path], None], network: Network, path: Path
) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        with torch.no_grad():
            convert(network, path)
    except Exception as error:  # whatever a converter raises is what the table tells
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return {"error": f"{type(error).__name__}: {lines[0] if lines else ''}"}
    return {"seconds": time.perf_counter() - started, "bytes": path.stat().st_size}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
