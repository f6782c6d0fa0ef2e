"""ONNX Runtime on the CPU, with its own thread pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.speed.runners.timing import Call, Open, measure


def load_runtime(threads: int) -> Open:
    """Import the runtime."""
    import onnxruntime  # noqa: PLC0415

    def open_model(path: str, inputs: Mapping[str, Any]) -> Call:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        feed = dict(inputs)

        def call() -> Sequence[Any]:
            results: Sequence[Any] = session.run(None, feed)
            return results

        return call

    return open_model


if __name__ == "__main__":
    measure(load_runtime, package="onnxruntime")
