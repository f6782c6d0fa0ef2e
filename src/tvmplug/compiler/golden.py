"""Records the golden cases: the inputs and reference outputs that the Rust golden test replays."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from tvmplug import files
from tvmplug.export import Component, case_name


def record(components: Sequence[Component], folder: Path, *, update: bool) -> list[Path]:
    """Write cases as `COMPONENT/CASE.safetensors` with the keys `in.NAME` and `out.NAME`.

    What is recorded stays: a case that changed shows as a failing golden test, not as a silent
    new truth.

    Args:
        components: whose cases to record.
        folder: `model/golden`.
        update: record all anew, and remove cases that are no more.

    Returns:
        The files that were written.

    Raises:
        FileError: the folder is read-only or the disk is full.
    """
    written: list[Path] = []
    kept: set[Path] = set()
    for component in components:
        for index, case in enumerate(component.cases):
            path = folder / component.name / f"{case_name(case, index)}.safetensors"
            kept.add(path)
            if path.exists() and not update:
                continue
            # Not np.ascontiguousarray, which makes a scalar one-dimensional.
            tensors = {
                **{f"in.{name}": np.asarray(a, order="C") for name, a in case.inputs.items()},
                **{f"out.{name}": np.asarray(a, order="C") for name, a in case.outputs.items()},
            }
            files.write_bytes(path, save(tensors))
            written.append(path)
    if update:
        _remove_others(folder, kept)
    return written


def _remove_others(folder: Path, kept: set[Path]) -> None:
    with files.file_errors(folder):
        for component in folder.iterdir() if folder.is_dir() else ():
            if not any(path.parent == component for path in kept):
                shutil.rmtree(component) if component.is_dir() else component.unlink()
                continue
            for path in component.iterdir():
                if path not in kept:
                    path.unlink()
