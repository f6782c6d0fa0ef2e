from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvmplug.compiler.validation import validate
from tvmplug.errors import ExportError
from tvmplug.export import Case, Component, Dim

IDS = np.array([[3, 7, 1]])
HIDDEN = np.zeros((1, 256), "float32")
GOOD = Case({"ids": IDS}, {"h": HIDDEN})
ENCODER = Component(
    name="encoder",
    module=object(),
    cases=[GOOD],
    shapes={"ids": (1, "n")},
    dims={"n": Dim(1, 64)},
    ranges={"ids": (0, 29)},
)


def check(*components: Component, expected: tuple[str, ...] = ("encoder",)) -> None:
    validate(components, expected, Path("model/export.py"))


def test_a_whole_component_passes() -> None:
    check(ENCODER)


@pytest.mark.parametrize(
    ("components", "reason"),
    [
        ([], r"did not return the component 'encoder'"),
        ([ENCODER, ENCODER], r"returned the component 'encoder' twice"),
        (
            [ENCODER, dataclasses.replace(ENCODER, name="vocoder")],
            r"the component 'vocoder', which the plugin does not list \(encoder\)",
        ),
    ],
)
def test_components_are_those_of_the_manifest(components: list[Component], reason: str) -> None:
    with pytest.raises(ExportError, match=reason):
        check(*components)


def case(inputs: dict[str, Any] | None = None, outputs: dict[str, Any] | None = None) -> Case:
    return Case({"ids": IDS} if inputs is None else inputs, {"h": HIDDEN, **(outputs or {})})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"module": None}, "has no module"),
        ({"cases": []}, "has no cases"),
        ({"cases": [case({})]}, "case 00 has no inputs"),
        ({"cases": [Case({"ids": IDS}, {})]}, "case 00 has no reference output"),
        ({"cases": [GOOD, case({"idx": IDS})]}, "case 01 lacks the input 'ids'"),
        ({"cases": [GOOD, case({"ids": IDS, "x": IDS})]}, "case 01 has an extra input 'x'"),
        (
            {"cases": [case(outputs={"c": HIDDEN}), GOOD]},
            "case 01 lacks the reference output 'c'",
        ),
        ({"cases": [case({"ids": [[1]]})]}, "input 'ids' is list, no NumPy array"),
        (
            {"cases": [case({"ids": IDS.astype("complex64")})]},
            "'ids' has the unsupported dtype complex64",
        ),
        (
            {"cases": [GOOD, case({"ids": IDS.astype("int32")})]},
            "'ids' is int32, in the first case it is int64",
        ),
        (
            {"cases": [case(outputs={"h": np.full((1, 256), np.nan, "float32")})]},
            "reference output 'h' holds NaN",
        ),
        ({"cases": [case({"ids": IDS[0]})]}, r"the shape \(3,\), declared is \(1, 'n'\)"),
        (
            {"cases": [case({"ids": np.ones((2, 3), int)})]},
            r"the shape \(2, 3\), declared is \(1, 'n'\)",
        ),
        (
            {"cases": [case({"ids": np.ones((1, 65), int)})]},
            "has n = 65, outside its bounds 1 to 64",
        ),
        (
            {
                "cases": [case({"ids": IDS, "mask": np.ones((1, 4), int)})],
                "shapes": {"ids": (1, "n"), "mask": (1, "n")},
            },
            "'mask' has n = 4, another input has 3",
        ),
        ({"dims": {}}, "has the dynamic dimension 'n' without bounds"),
        ({"dims": {"n": Dim(5, 2)}}, r"has bounds Dim\(min=5, max=2\)"),
        ({"dims": {"n": Dim(0, 2)}}, r"has bounds Dim\(min=0, max=2\)"),
        ({"dims": {"n": (1, 64)}}, r"has bounds \(1, 64\)"),
        ({"dims": {"n": Dim(1, 64), "2n": Dim(1, 2)}}, "has a dynamic dimension '2n'"),
        ({"shapes": {"idx": (1, "n")}}, "shapes names 'idx', which is no input"),
        ({"ranges": {"idx": (0, 29)}}, "ranges names 'idx', which is no input"),
        ({"ranges": {"ids": (29, 0)}}, r"has the range \(29, 0\)"),
        ({"ranges": {"ids": (0, 7)}}, r"holds values 1 to 7, outside its range \[0, 7\)"),
        (
            {
                "cases": [case({"ids": IDS.astype("float32")})],
            },
            "has a range for 'ids', which is float32",
        ),
        ({"rtol": -1.0}, r"has rtol=-1\.0"),
        ({"atol": float("nan")}, "has atol=nan"),
        ({"weight_dtype": "int7"}, "has weight_dtype='int7'"),
        ({"max_error": 0}, "has max_error=0"),
        ({"max_error": float("nan")}, "has max_error=nan"),
        ({"notes": {"weights": "two\nlines"}}, "has the note 'weights': 'two"),
        ({"notes": {"weights": 7}}, "has the note 'weights': 7"),
        ({"notes": "random weights"}, "has an argument of a wrong type"),
        ({"cases": [dataclasses.replace(GOOD, name="../x")]}, r"repeated name '\.\./x'"),
        (
            {"cases": [dataclasses.replace(GOOD, name="a"), dataclasses.replace(GOOD, name="a")]},
            "repeated name 'a'",
        ),
        ({"cases": [GOOD, "x"]}, "has str among its cases"),
        ({"ranges": {"ids": 29}}, "has an argument of a wrong type"),
        ({"dims": [Dim(1, 2)]}, "has an argument of a wrong type"),
        ({"cases": [Case([IDS], {"h": HIDDEN})]}, "has an argument of a wrong type"),  # type: ignore[arg-type]
    ],
)
def test_a_fault_is_one_line_that_names_it(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ExportError, match=reason) as caught:
        check(dataclasses.replace(ENCODER, **change))
    assert str(caught.value).startswith("model/export.py: component 'encoder' ")
    assert caught.value.mend
    assert "\n" not in str(caught.value)
