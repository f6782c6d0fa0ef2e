"""Typed functions around TVM, which ships no types.

TVM is imported by the functions, not by the module: it takes a second that nobody should wait
for who only wants an error about the export script.
"""

from __future__ import annotations

import importlib.metadata
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tvmplug import files
from tvmplug.compiler import metal, placing
from tvmplug.compiler.cpu import vector_math
from tvmplug.compiler.tvm_errors import compile_errors
from tvmplug.errors import ExportError, ToolError
from tvmplug.export import Array, Component
from tvmplug.pins import PINS
from tvmplug.targets import Target

# Room that code and tables of one component may take on disk beside its constants.
_CODE_BYTES = 4 << 20

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


def objects(
    lowered: IRModule, component: str, target: Target, scratch: Path
) -> list[tuple[str, bytes]]:
    """Generate code: the component's object files.

    Args:
        lowered: the module that `lowering.lower` made.
        component: the component's name, for messages.
        target: what is compiled for.
        scratch: a folder for TVM's files; they are removed.

    Returns:
        (file name, content) of each object, in TVM's order.

    Raises:
        CompileError: TVM failed.
        FileError: the disk is full.
    """
    placing.check_room(scratch, _constant_bytes(lowered) + _CODE_BYTES)
    with files.file_errors(scratch), tempfile.TemporaryDirectory(dir=scratch) as folder:
        with compile_errors(component):
            executable = _built(lowered, target)
            paths: list[str] = []

            def collect(_: str, objects: list[str], **__: object) -> None:
                paths.extend(objects)

            executable.export_library("unused", fcompile=collect, workspace_dir=folder)
        return [(Path(path).name, Path(path).read_bytes()) for path in paths]


def runnable(
    lowered: IRModule, component: Component, target: Target
) -> Callable[[Sequence[Array]], list[Array]]:
    """Generate code for this machine, to run here.

    Args:
        lowered: the module that `lowering.lower` made.
        component: for its name and its function.
        target: this machine's.

    Returns:
        From inputs, in the function's order, to outputs.

    Raises:
        CompileError: TVM failed.
    """
    with compile_errors(component.name):
        import tvm  # noqa: PLC0415
        from tvm import relax  # noqa: PLC0415

        # It registers no functions: two of one prefix could not be loaded.
        executable = _built(lowered.without_attr("system_lib_prefix"), target)
        function = relax.VirtualMachine(executable, tvm.cpu())[component.function]

    def run(inputs: Sequence[Array]) -> list[Array]:
        with compile_errors(component.name):
            result = function(*(tvm.runtime.tensor(np.asarray(array)) for array in inputs))
            tensors = result if hasattr(result, "__len__") else [result]
            return [np.asarray(tensor.numpy()) for tensor in tensors]

    return run


def executable(lowered: IRModule, component: Component, target: Target) -> Any:
    """Generate code that registers no functions: to run here, or to be linked as a library.

    Args:
        lowered: the module that `lowering.lower` made.
        component: for its name.
        target: what is compiled for.

    Returns:
        TVM's executable.

    Raises:
        CompileError: TVM failed.
    """
    with compile_errors(component.name):
        return _built(lowered.without_attr("system_lib_prefix"), target)


def _built(lowered: IRModule, target: Target) -> Any:
    """TVM's executable, with code for the target."""
    import tvm  # noqa: PLC0415
    from tvm import relax  # noqa: PLC0415

    math = vector_math.lowerings() if target.has_own_kernels else nullcontext("default")
    with metal.own_compiler(target), math as pipeline:
        return relax.build(
            lowered, tvm.target.Target(dict(target.tvm_target)), tir_pipeline=pipeline
        )


def _constant_bytes(lowered: IRModule) -> int:
    import tvm  # noqa: PLC0415
    from tvm import relax  # noqa: PLC0415

    sizes: list[int] = []

    def count(node: Any) -> None:
        if isinstance(node, tvm.ir.GenericConst) and hasattr(node.value, "numpy"):
            sizes.append(int(node.value.numpy().nbytes))

    for function in lowered.functions.values():
        if isinstance(function, relax.Function):
            relax.analysis.post_order_visit(function, count)
    return sum(sizes)
