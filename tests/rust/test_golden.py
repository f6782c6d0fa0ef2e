"""The golden test of a generated plugin: what passes, what fails, and what it then says."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

NAMES = {"float32": "F32", "int64": "I64"}
X = np.arange(6, dtype="float32").reshape(2, 3)
IDS = np.array([3, 9], dtype="int64")
PAIR = np.array([[1, 2, 3]], dtype="float32")


def record(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write a safetensors file: length of the header, header, data."""
    header, data = {}, b""
    for key, array in arrays.items():
        end = len(data) + array.nbytes
        header[key] = {
            "dtype": NAMES[str(array.dtype)],
            "shape": array.shape,
            "data_offsets": [len(data), end],
        }
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def record_all(folder: Path, factor: float) -> None:
    """Two cases of `scale` and one of each other component of the fixture."""
    table = np.arange(40, dtype="float32").reshape(10, 4)
    for case, x in (("first", X), ("second", -X)):
        scaled = (x * factor).astype("float32")
        record(folder / f"scale/{case}.safetensors", {"in.x": x, "out.y": scaled})
    record(folder / "embed/only.safetensors", {"in.ids": IDS, "out.rows": table[IDS]})
    total = PAIR.sum(axis=1)
    record(
        folder / "join/only.safetensors",
        {"in.x": PAIR, "in.y": PAIR, "out.sum": PAIR + PAIR, "out.total": total},
    )
    record(
        folder / "view/only.safetensors",
        {"in.x": X, "out.flat": X.reshape(6), "out.twice": X + X},
    )


@pytest.fixture
def golden(workshop: Any, starter: Any) -> Iterator[Path]:
    workshop.build(starter)
    folder = workshop.crate(starter).parent / "model/golden"
    record_all(folder, starter.factor)
    yield folder
    record_all(folder, starter.factor)


def run_golden(workshop: Any, plugin: Any) -> Any:
    return workshop.cargo(workshop.crate(plugin), "test", "--test", "golden", plugin=plugin)


def test_recorded_cases_pass(workshop: Any, starter: Any, golden: Path) -> None:
    """As part of all the crate's tests, run without any option."""
    assert golden.is_dir()
    done = workshop.cargo(workshop.crate(starter), "test", plugin=starter).succeeded()
    assert "test every_component_reproduces_its_recorded_cases ... ok" in done.stdout
    assert "Running unittests src/lib.rs" in done.stderr


def test_a_changed_weight_fails_and_names_the_worst_element(
    workshop: Any, plugin_of: Any, starter: Any
) -> None:
    """The model is compiled again with another factor; the recorded outputs stay."""
    plugin = plugin_of("delta_flutter", "delta_", 5.5)
    workshop.build(plugin)
    record_all(workshop.crate(plugin).parent / "model/golden", starter.factor)
    done = run_golden(workshop, plugin)
    assert done.code != 0
    assert "component `scale`, case `first`, output `y`: 5 of 6 elements differ" in done.stdout
    assert "worst at [1, 2]: got 27.5, want 25 (rtol 0.00001, atol 0.000001)" in done.stdout
    assert "component `embed`" not in done.stdout


def test_a_component_without_a_case_fails(workshop: Any, starter: Any, golden: Path) -> None:
    (golden / "embed/only.safetensors").unlink()
    done = run_golden(workshop, starter)
    assert done.code != 0
    assert "component `embed` has no golden case" in done.stdout


def test_an_output_that_was_not_recorded_fails(workshop: Any, starter: Any, golden: Path) -> None:
    record(golden / "scale/first.safetensors", {"in.x": X})
    done = run_golden(workshop, starter)
    assert done.code != 0
    assert "component `scale`, case `first`, has no `out.y` in its file" in done.stdout


def test_a_truncated_file_fails(workshop: Any, starter: Any, golden: Path) -> None:
    case = golden / "scale/second.safetensors"
    case.write_bytes(case.read_bytes()[:-3])
    done = run_golden(workshop, starter)
    assert done.code != 0
    assert "component `scale`, case `second`, file:" in done.stdout
