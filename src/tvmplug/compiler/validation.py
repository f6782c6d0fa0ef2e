"""Checks what the author's script returned, before any of it is compiled. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvmplug.errors import ExportError
from tvmplug.export import DTYPES, WEIGHT_DTYPES, Array, Case, Component, Dim, case_name, dtype_of

_CASE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_DIM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def validate(components: Sequence[Component], expected: Sequence[str], script: Path) -> None:
    """Check components against each other, their cases and the manifest.

    Args:
        components: what `export()` returned.
        expected: the component names of the plugin's manifest.
        script: the author's script, for messages.

    Raises:
        ExportError: the first thing that is wrong; its message names component, case and tensor.
    """
    names = [component.name for component in components]
    for name in names:
        if names.count(name) > 1:
            raise ExportError(
                f"{script}: export() returned the component '{name}' twice",
                mend="Give every component a name of its own",
            )
    for name in names:
        if name not in expected:
            raise ExportError(
                f"{script}: export() returned the component '{name}', which the plugin does not"
                f" list ({', '.join(expected)})",
                mend="Rename it, or add it by `copier update --data components=...`",
            )
    if missing := [name for name in expected if name not in names]:
        raise ExportError(
            f"{script}: export() did not return the component '{missing[0]}'",
            mend="Return one Component for each name under `components` in tvm_plugin.yaml",
        )
    for component in components:
        try:
            _Checked(component, script).check()
        except (TypeError, AttributeError, ValueError) as error:  # such as a list for a mapping
            raise ExportError(
                f"{script}: component '{component.name}' has an argument of a wrong type: {error}",
                mend="Compare it with `tvmplug.export.Component`",
            ) from error


@dataclass(frozen=True)
class _Checked:
    """The checks of one component; every method raises ExportError at the first fault."""

    component: Component
    script: Path

    def check(self) -> None:
        component = self.component
        if component.module is None:
            raise self._wrong("has no module", "Pass a Relax, PyTorch or ONNX model as `module`")
        if not component.cases:
            raise self._wrong("has no cases", "Pass at least one Case with inputs and outputs")
        self._tolerances()
        self._precision()
        self._notes()
        self._dims()
        names: list[str] = []
        for index, case in enumerate(component.cases):
            if not isinstance(case, Case):
                raise self._wrong(f"has {type(case).__name__} among its cases", "Use Case(...)")
            name = case_name(case, index)
            if not _CASE_NAME.fullmatch(name) or name in names:
                raise self._wrong(
                    f"has a case with the unusable or repeated name '{name}'",
                    "Name each case by its own letters, digits, - and _",
                )
            names.append(name)
            self._case(f"case {name}", case)
        self._declared(component.shapes, "shapes")
        self._declared(component.ranges, "ranges")
        for name, shape in component.shapes.items():
            self._shape(name, shape)
        for name, low_high in component.ranges.items():
            self._range(name, low_high)
        self._same_shapes()

    def _tolerances(self) -> None:
        for name in ("rtol", "atol"):
            value = getattr(self.component, name)
            if not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise self._wrong(f"has {name}={value!r}", "Use a number of at least 0")

    def _precision(self) -> None:
        component = self.component
        if component.weight_dtype not in WEIGHT_DTYPES:
            raise self._wrong(
                f"has weight_dtype={component.weight_dtype!r}",
                f"Use one of {', '.join(WEIGHT_DTYPES)}",
            )
        if not isinstance(component.max_error, int | float) or not 0 < component.max_error <= 1:
            raise self._wrong(
                f"has max_error={component.max_error!r}", "Use a share above 0 and up to 1"
            )

    def _notes(self) -> None:
        for topic, text in self.component.notes.items():
            lines = isinstance(topic, str) and isinstance(text, str) and len(text.splitlines())
            if lines != 1:
                raise self._wrong(
                    f"has the note {topic!r}: {text!r}", "Use one line of text for each topic"
                )

    def _dims(self) -> None:
        for name, dim in self.component.dims.items():
            if not _DIM_NAME.fullmatch(name):
                raise self._wrong(f"has a dynamic dimension '{name}'", "Use a word such as n")
            whole = isinstance(dim, Dim) and all(type(v) is int for v in (dim.min, dim.max))
            if not whole or not 1 <= dim.min <= dim.max:
                raise self._wrong(
                    f"has bounds {dim!r} for the dynamic dimension '{name}'",
                    "Use Dim(min, max) with 1 <= min <= max",
                )

    def _case(self, where: str, case: Case) -> None:
        first = self.component.cases[0]
        if not case.inputs:
            raise self._wrong(f"{where} has no inputs", "Give every input by name")
        if not case.outputs:
            raise self._wrong(
                f"{where} has no reference output",
                "Compute the outputs with the original model and pass them as `outputs`",
            )
        for what, got, asked in (
            ("input", case.inputs, first.inputs),
            ("reference output", case.outputs, first.outputs),
        ):
            if missing := [name for name in asked if name not in got]:
                raise self._wrong(
                    f"{where} lacks the {what} '{missing[0]}'", "Give all cases the same names"
                )
            if extra := [name for name in got if name not in asked]:
                raise self._wrong(
                    f"{where} has an extra {what} '{extra[0]}'", "Give all cases the same names"
                )
            for name, array in got.items():
                self._array(f"{where}, {what} '{name}'", array, asked[name])
        for name, array in case.outputs.items():
            if array.dtype.kind == "f" and bool(np.isnan(array).any()):
                raise self._wrong(
                    f"{where}, reference output '{name}' holds NaN",
                    "Choose inputs for which the original model gives numbers",
                )

    def _array(self, where: str, array: Array, first: Array) -> None:
        if not isinstance(array, np.ndarray):
            raise self._wrong(
                f"{where} is {type(array).__name__}, no NumPy array",
                "Convert it, for example with tensor.detach().numpy()",
            )
        if dtype_of(array) not in DTYPES:
            raise self._wrong(
                f"{where} has the unsupported dtype {array.dtype}",
                f"Use one of {', '.join(DTYPES)}",
            )
        if array.dtype != np.asarray(first).dtype:
            raise self._wrong(
                f"{where} is {array.dtype}, in the first case it is {np.asarray(first).dtype}",
                "Give all cases the same dtypes",
            )

    def _declared(self, declared: Mapping[str, object], keyword: str) -> None:
        for name in declared:
            if name not in self.component.cases[0].inputs:
                raise self._wrong(
                    f"{keyword} names '{name}', which is no input", "Use the names of the cases"
                )

    def _shape(self, name: str, shape: Sequence[int | str]) -> None:
        for size in shape:
            if isinstance(size, str) and size not in self.component.dims:
                raise self._wrong(
                    f"input '{name}' has the dynamic dimension '{size}' without bounds",
                    f'Add dims={{"{size}": Dim(min, max)}}',
                )

    def _range(self, name: str, low_high: tuple[int, int]) -> None:
        pair = tuple(low_high)
        if len(pair) != 2 or not all(type(v) is int for v in pair) or not pair[0] < pair[1]:
            raise self._wrong(f"has the range {low_high!r} for '{name}'", "Use (low, high)")
        for index, case in enumerate(self.component.cases):
            array = case.inputs[name]
            if array.dtype.kind not in "iu":
                raise self._wrong(
                    f"has a range for '{name}', which is {array.dtype}",
                    "Ranges are for integer inputs that are used as indices",
                )
            if array.size and not (pair[0] <= array.min() and array.max() < pair[1]):
                raise self._wrong(
                    f"case {case_name(case, index)}, input '{name}' holds values"
                    f" {array.min()} to {array.max()}, outside its range [{pair[0]}, {pair[1]})",
                    "Correct the case or the range",
                )

    def _same_shapes(self) -> None:
        """Fixed sizes agree with the declaration; a dynamic one is the same all over a case."""
        for index, case in enumerate(self.component.cases):
            sizes: dict[str, int] = {}
            for name, shape in self.component.shapes.items():
                where = f"case {case_name(case, index)}, input '{name}'"
                got = case.inputs[name].shape
                if len(got) != len(shape) or any(
                    isinstance(want, int) and want != size
                    for want, size in zip(shape, got, strict=True)
                ):
                    raise self._wrong(
                        f"{where} has the shape {got}, declared is {tuple(shape)}",
                        "Correct the case or `shapes`",
                    )
                for want, size in zip(shape, got, strict=True):
                    if isinstance(want, int):
                        continue
                    dim = self.component.dims[want]
                    if sizes.setdefault(want, size) != size:
                        raise self._wrong(
                            f"{where} has {want} = {size}, another input has {sizes[want]}",
                            "Give the dimensions names of their own, or correct the case",
                        )
                    if not dim.min <= size <= dim.max:
                        raise self._wrong(
                            f"{where} has {want} = {size}, outside its bounds"
                            f" {dim.min} to {dim.max}",
                            "Correct the case or the bounds in `dims`",
                        )

    def _wrong(self, problem: str, mend: str) -> ExportError:
        return ExportError(f"{self.script}: component '{self.component.name}' {problem}", mend=mend)
