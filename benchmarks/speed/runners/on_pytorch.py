"""PyTorch, eagerly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.speed.runners.timing import Call, Open, measure


def load_runtime(threads: int) -> Open:
    """Import PyTorch."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)

    def open_model(path: str, inputs: Mapping[str, Any]) -> Call:
        # The file was written by `networks/convert.py`, in this environment.
        module = torch.load(path, weights_only=False)
        tensors = [torch.from_numpy(array) for array in inputs.values()]

        def call() -> Sequence[Any]:
            with torch.inference_mode():
                results = module(*tensors)
            return results if isinstance(results, tuple) else (results,)

        return call

    return open_model


if __name__ == "__main__":
    measure(load_runtime, package="torch")
