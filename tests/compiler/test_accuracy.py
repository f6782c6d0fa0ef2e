"""Components with narrow weights, from the export script to the archive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.compiler.conftest import SCRIPT
from tvmplug.compiler.accuracy import error_of
from tvmplug.export import Case
from tvmplug.metadata import METADATA_NAME, ComponentSpec, TensorSpec, read_metadata

# Large enough that weights are worth rounding, and where tanh is nearly a straight line.
LARGE = SCRIPT.replace("(29, 4)", "(29, 200)").replace("(4, 3)", "(200, 300)")
LARGE = LARGE.replace("SCALE = 1.0", "SCALE = 0.01")


def script(weight_dtype: str, max_error: float = 0.5) -> str:
    return LARGE.replace(
        "ranges=", f"weight_dtype={weight_dtype!r}, max_error={max_error}, ranges="
    )


@pytest.mark.slow
def test_the_metadata_says_what_narrow_weights_cost(plugin: Callable[..., Any]) -> None:
    errors, sizes = [], []
    for weight_dtype in ("float32", "float16", "int8", "int4"):
        made = plugin(name=f"{weight_dtype}_flutter", prefix=f"{weight_dtype}_",
                      components=("encoder",), script=script(weight_dtype))  # fmt: skip
        assert made.compile().code == 0
        metadata = read_metadata(made.out() / METADATA_NAME)
        (encoder,) = metadata.components
        assert encoder.weight_dtype == weight_dtype
        errors.append(encoder.error)
        sizes.append((made.out() / metadata.archive).stat().st_size)
        # The golden test allows what the limit allows, half of the largest output.
        assert (encoder.atol == 1e-5) == (weight_dtype == "float32")
        assert encoder.atol < 0.5
    assert errors[0] is None
    assert 0 < errors[1] < errors[2] < errors[3] < 0.5
    # 260 kB of weights, of which the table of 29 rows keeps a part.
    saved = [sizes[0] - size for size in sizes]
    assert saved[1] > 110_000
    assert saved[2] > 165_000
    assert saved[3] > 190_000


@pytest.mark.slow
@pytest.mark.parametrize("target", ["linux-x64", "ios"])
def test_an_error_above_the_limit_fails_the_build(plugin: Callable[..., Any], target: str) -> None:
    made = plugin(components=("encoder",), script=script("int4", 0.001))
    run = made.compile(target)
    assert run.code == 7
    assert run.answer["error"] == "CompileError"
    message = run.answer["message"]
    assert message.startswith("component 'encoder': int4 weights change output '")
    assert "max_error is 0.001" in message
    assert "wider weight_dtype" in run.answer["mend"]
    assert not made.out(target).exists()


@pytest.mark.slow
def test_plain_loops_keep_their_float32_weights(plugin: Callable[..., Any]) -> None:
    made = plugin(components=("encoder",), script=script("int8"))
    assert made.compile("linux-x64", "--plain").code == 0
    (encoder,) = read_metadata(made.out() / METADATA_NAME).components
    assert (encoder.weight_dtype, encoder.error) == ("float32", None)


def spec(*names: str) -> ComponentSpec:
    outputs = tuple(TensorSpec(name, "float32", (2,)) for name in names)
    return ComponentSpec("one", "g2p_one_", "main", (), outputs, {}, 1e-4, 1e-5)


def test_the_worst_output_counts_by_its_own_size() -> None:
    case = Case({}, {"a": np.array([100.0, 0.0]), "b": np.array([0.5, 1.0])})
    error = error_of(case, "00", [np.array([101.0, 0.0]), np.array([0.5, 0.9])], spec("a", "b"))
    assert error.share == pytest.approx(0.1)
    assert error.where == "output 'b' of case 00"


def test_nan_is_the_worst_and_indices_do_not_count() -> None:
    case = Case({}, {"a": np.array([1.0, 2.0]), "n": np.array([3, 4])})
    found = [np.array([1.0, np.nan]), np.array([0, 0])]
    assert np.isnan(error_of(case, "00", found, spec("a", "n")).share)
    assert error_of(case, "00", [np.array([1.0, 2.0]), found[1]], spec("a", "n")).share == 0
