"""LiteRT's interpreter, whose default is XNNPACK's kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.speed.runners.timing import Call, Open, measure


def load_runtime(threads: int) -> Open:
    """Import the runtime."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    def open_model(path: str, inputs: Mapping[str, Any]) -> Call:
        interpreter = Interpreter(model_path=path, num_threads=threads)
        interpreter.allocate_tensors()
        # The converter names them args_0, args_1, ... and output_0, ...
        targets = sorted(interpreter.get_input_details(), key=lambda each: str(each["name"]))
        # It makes 32-bit integers of 64-bit ones.
        arrays = [
            array.astype(target["dtype"])
            for target, array in zip(targets, inputs.values(), strict=True)
        ]
        pairs = list(zip(targets, arrays, strict=True))
        (signature,) = interpreter.get_signature_list().values()
        runner = interpreter.get_signature_runner()
        details = runner.get_output_details()
        sources = [details[name]["index"] for name in sorted(signature["outputs"])]

        def call() -> Sequence[Any]:
            for target, array in pairs:
                interpreter.set_tensor(target["index"], array)
            interpreter.invoke()
            return [interpreter.get_tensor(index) for index in sources]

        return call

    return open_model


if __name__ == "__main__":
    measure(load_runtime, package="ai_edge_litert")
