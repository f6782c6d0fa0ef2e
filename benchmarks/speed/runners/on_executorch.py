"""ExecuTorch with XNNPACK's kernels, where they were taken when the model was exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.speed.runners.timing import Call, Open, measure


def load_runtime(threads: int) -> Open:
    """Import the runtime; its kernels share one pool of threads."""
    import torch  # noqa: PLC0415
    from executorch.extension.pybindings import portable_lib  # noqa: PLC0415
    from executorch.runtime import Runtime  # noqa: PLC0415

    torch.set_num_threads(threads)
    portable_lib._unsafe_reset_threadpool(threads)
    runtime = Runtime.get()

    def open_model(path: str, inputs: Mapping[str, Any]) -> Call:
        method = runtime.load_program(path).load_method("forward")
        tensors = [torch.from_numpy(array) for array in inputs.values()]

        def call() -> Sequence[Any]:
            results: Sequence[Any] = method.execute(tensors)
            return results

        return call

    return open_model


if __name__ == "__main__":
    measure(load_runtime, package="executorch")
