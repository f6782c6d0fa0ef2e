"""Typed functions around TVM, which ships no types.

TVM is imported by the functions, not by the module: it takes a second that nobody should wait
for who only wants an error about the export script.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvmplug.errors import ExportError, ToolError
from tvmplug.export import Array
from tvmplug.pins import PINS

IRModule = Any
"""A `tvm.IRModule`; TVM ships no types."""


@dataclass(frozen=True)
class Parameter:
    """A tensor that a function takes or returns; a dynamic size is an expression like `n * 2`."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Signature:
    """What a function takes and returns.

    Attributes:
        inputs: its parameters that are not bound to weights, in order.
        outputs: its results in order; their names are empty.
        output_bounds: smallest and largest value of each dynamic size of the outputs.
    """

    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    output_bounds: Mapping[str, tuple[int, int]]


def check_versions() -> None:
    """Refuse to compile with another TVM than the pinned one.

    Raises:
        ToolError: TVM is missing or not the pinned version; says which.
    """
    for package, pinned in (("apache-tvm", PINS.tvm), ("apache-tvm-ffi", PINS.tvm_ffi)):
        try:
            found = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if found != pinned:
            raise ToolError(
                f"the compile environment has {package} {found}, pinned is {pinned}",
                mend="Unset TVMPLUG_COMPILE_PYTHON, or install the pinned version there",
            )


def signature(
    module: IRModule,
    function: str,
    *,
    bound: Mapping[str, Array],
    bounds: Mapping[str, tuple[int, int]],
) -> Signature:
    """Read what a Relax function takes and returns.

    Args:
        module: the IRModule.
        function: its name.
        bound: weights by parameter name; those parameters are not inputs.
        bounds: smallest and largest size of the module's dynamic dimensions, as far as known.

    Raises:
        ExportError: no such function, a weight that fits no parameter, a parameter or result that
            is no tensor or has no known shape.
    """
    import tvm  # noqa: PLC0415
    from tvm import relax, sym  # noqa: PLC0415

    functions = {gv.name_hint: f for gv, f in module.functions.items()}
    func = functions.get(function)
    if not isinstance(func, relax.Function):
        known = ", ".join(n for n, f in functions.items() if isinstance(f, relax.Function))
        raise ExportError(f"the module has no function '{function}'", mend=f"It has: {known}")
    analyzer = sym.Analyzer()
    symbols: dict[str, Any] = {}

    def tensor(name: str, type_: Any, what: str) -> Parameter:
        if not isinstance(type_, relax.TensorType) or type_.dtype is None:
            raise ExportError(f"{what} is no tensor but {type_}", mend="Only tensors can cross")
        if not isinstance(type_.shape, relax.ShapeExpr):
            raise ExportError(
                f"{what} has no known shape ({type_})", mend="Give it one, with R.match_cast"
            )
        sizes: list[int | str] = []
        for value in type_.shape.values:
            if isinstance(value, tvm.tirx.IntImm):
                sizes.append(int(value.value))
                continue
            text = re.sub(r"T\.int64\((-?\d+)\)", r"\1", str(value))
            symbols[text] = value
            if text in bounds and isinstance(value, tvm.ir.Var):
                low, high = bounds[text]
                analyzer.bind(value, tvm.ir.Range(low, high + 1), allow_override=True)
            sizes.append(text)
        return Parameter(name, str(type_.dtype), tuple(sizes))

    parameters = [tensor(p.name, p.ty, f"the parameter '{p.name}'") for p in func.params]
    _check_weights(parameters, bound)
    returned = func.ret_ty
    types = list(returned.fields) if isinstance(returned, tvm.ir.TupleType) else [returned]
    outputs = [tensor("", type_, f"result {index}") for index, type_ in enumerate(types)]
    output_bounds: dict[str, tuple[int, int]] = {}
    for size in {size for output in outputs for size in output.shape if isinstance(size, str)}:
        interval = analyzer.const_int_bound(symbols[size])
        output_bounds[size] = (int(interval.min_value), int(interval.max_value))
    return Signature(
        inputs=tuple(p for p in parameters if p.name not in bound),
        outputs=tuple(outputs),
        output_bounds=output_bounds,
    )


def _check_weights(parameters: list[Parameter], bound: Mapping[str, Array]) -> None:
    by_name = {parameter.name: parameter for parameter in parameters}
    for name, weight in bound.items():
        if name not in by_name:
            raise ExportError(
                f"params names '{name}', which the function does not take",
                mend=f"It takes: {', '.join(by_name)}",
            )
        want, got = by_name[name], np.asarray(weight)
        if (want.dtype, want.shape) != (str(got.dtype), got.shape):
            raise ExportError(
                f"params has '{name}' as {got.dtype} {got.shape}, the function takes"
                f" {want.dtype} {want.shape}",
                mend="Convert or transpose the weight",
            )
