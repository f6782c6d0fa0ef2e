"""Typed functions around TVM, which ships no types.

TVM is imported by the functions, not by the module: it takes a second that nobody should wait
for who only wants an error about the export script.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tvmplug import files
from tvmplug.compiler import metal, placing
from tvmplug.errors import CompileError, ExportError, ToolError
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


def lower(module: IRModule, component: Component, prefix: str, target: Target) -> IRModule:
    """Bind the weights, legalise, fold constants and fuse.

    Args:
        module: the component's IRModule.
        component: for its function and its weights.
        prefix: the component's symbol prefix, `g2p_encoder_`.
        target: what is compiled for.

    Returns:
        A module that `objects` takes.

    Raises:
        CompileError: TVM does not support an operation of the model.
    """
    with _compile_errors(component.name):
        import tvm  # noqa: PLC0415
        from tvm import relax  # noqa: PLC0415

        # Folding right after legalisation computes transposed and reshaped weights once, here,
        # instead of in every call. Sorting and sampling are dispatched before, as in TVM's own
        # default pipeline, because legalisation would take their operators away.
        transform = relax.transform
        weights = {name: np.asarray(weight) for name, weight in component.params.items()}
        passes = [
            transform.BindParams(component.function, weights),
            relax.backend.DispatchSampling(),
            relax.backend.DispatchSortScan(),
            transform.LegalizeOps(),
            transform.FoldConstant(),
            transform.DeadCodeElimination([component.function]),
            transform.AnnotateTIROpPattern(),
            transform.FuseOps(),
            transform.FuseTIR(),
        ]
        with tvm.target.Target(dict(target.tvm_target)):
            lowered = _with_two_kernels(tvm.transform.Sequential(passes)(module))
            if target.device == "metal":
                lowered = metal.schedule(lowered)
        return lowered.with_attr("system_lib_prefix", prefix)


def _with_two_kernels(lowered: IRModule) -> IRModule:
    """Fill a module up with kernels that nobody calls until it has two.

    TVM 0.27 marks a lone kernel as the library's entry and exports it without the prefix as
    `__tvm_ffi_main`, and writes C source instead of objects for a module without any. It can go
    when `test_a_component_with_one_kernel_or_none_compiles` passes without it.
    """
    import tvm  # noqa: PLC0415
    from tvm import te  # noqa: PLC0415

    source = te.placeholder((1,), "float32", name="source")
    copy = te.compute((1,), lambda i: source[i], name="copy")
    kernels = [f for f in lowered.functions.values() if isinstance(f, tvm.tirx.PrimFunc)]
    for number in range(len(kernels), 2):
        name = f"unused_{number}"
        lowered[name] = te.create_prim_func([source, copy]).with_attr("global_symbol", name)
    return lowered


def objects(
    lowered: IRModule, component: str, target: Target, scratch: Path
) -> list[tuple[str, bytes]]:
    """Generate code: the component's object files.

    Args:
        lowered: what `lower` returned.
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
        with _compile_errors(component):
            import tvm  # noqa: PLC0415
            from tvm import relax  # noqa: PLC0415

            with metal.own_compiler(target):
                executable = relax.build(lowered, tvm.target.Target(dict(target.tvm_target)))
            paths: list[str] = []

            def collect(_: str, objects: list[str], **__: object) -> None:
                paths.extend(objects)

            executable.export_library("unused", fcompile=collect, workspace_dir=folder)
        return [(Path(path).name, Path(path).read_bytes()) for path in paths]


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


@contextlib.contextmanager
def _compile_errors(component: str) -> Iterator[None]:
    """Turn whatever TVM raises into a CompileError with the first telling line."""
    try:
        yield
    except (CompileError, ExportError, OSError, MemoryError):
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1] if lines else type(error).__name__
        raise CompileError(
            f"TVM cannot compile the component '{component}': {type(error).__name__}: {reason}",
            mend="Rewrite that part of the model with operations that TVM supports",
        ) from error
