"""What all runners do: read the command line and the inputs, take the times, write the results.

A runner is called as

    python -m benchmarks.speed.runners.on_X MODEL THREADS CALLS SECONDS OUT NAME=FILE...

with the inputs as .npy files in the order of the model's parameters. Results go to OUT/0.bin, ...
as 32-bit floats; times, memory and libraries to standard output as one JSON object. `plugin.cc`
does the same for a plugin.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Call = Callable[[], Sequence[Any]]
"""One call of the model on its inputs; returns its results as arrays."""

Open = Callable[[str, Mapping[str, Any]], Call]
"""Loads a model: its file and the inputs by name."""

FEWEST_CALLS = 3
WARM_UP_S = 0.3


def measure(load_runtime: Callable[[int], Open], *, package: str) -> None:
    """Measure one model.

    Args:
        load_runtime: Imports the runtime for so many threads; returns what opens a model.
        package: The Python package whose native libraries are the runtime.
    """
    model, threads, calls, seconds, out, *files = sys.argv[1:]
    # `benchmarks` asks for one thread when it is imported; libraries read these when loaded.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = threads
    import numpy as np  # noqa: PLC0415

    pairs = [text.partition("=")[::2] for text in files]
    inputs = {name: np.load(path) for name, path in pairs}
    before = _status("VmRSS")
    started = time.perf_counter()
    open_model = load_runtime(int(threads))
    imported = time.perf_counter()
    with_library = _reset_peak()
    reopened = time.perf_counter()
    call = open_model(model, inputs)
    opened = time.perf_counter()
    results = call()
    first_s = time.perf_counter() - opened
    latencies, cores = take_times(call, int(calls), float(seconds))
    peak, held = _status("VmHWM"), _status("VmRSS")
    for number, result in enumerate(results):
        np.asarray(result, dtype=np.float32).tofile(Path(out) / f"{number}.bin")
    told = {
        "library_s": imported - started,
        "open_s": opened - reopened,
        "first_s": first_s,
        "latencies_s": latencies,
        "cores": cores,
        "library_mb": (with_library - before) / 1000,
        "peak_mb": (peak - with_library) / 1000,
        "held_mb": (held - with_library) / 1000,
        "libraries": _libraries(package),
    }
    print(json.dumps(told))


def take_times(call: Call, calls: int, seconds: float) -> tuple[list[float], float]:
    """Call again and again.

    Args:
        call: What is measured.
        calls: At most so many calls.
        seconds: No further call after so much time, once there are FEWEST_CALLS.

    Returns:
        The seconds of each call, and how many cores were busy on average.
    """
    until = time.perf_counter() + min(WARM_UP_S, seconds)
    while time.perf_counter() < until:
        call()
    latencies: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    while len(latencies) < calls:
        started = time.perf_counter()
        call()
        ended = time.perf_counter()
        latencies.append(ended - started)
        if ended - began > seconds and len(latencies) >= FEWEST_CALLS:
            break
    busy = (time.process_time() - cpu) / (time.perf_counter() - began)
    return latencies, busy


def _reset_peak() -> int:
    """Forget the highest memory so far; returns what is resident now, in kB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise LookupError(field)


def _libraries(package: str) -> dict[str, int]:
    """The native libraries of a package that are loaded, with their sizes; not those for GPUs."""
    paths = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    native = [
        Path(path)
        for path in paths
        if ".so" in path and f"/{package}/" in path and "cuda" not in path
    ]
    return {path.name: path.stat().st_size for path in sorted(native) if path.is_file()}
