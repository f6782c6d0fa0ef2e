"""Vector versions of the functions that models spend time in, instead of a library call a number.

    with vector_math.lowerings() as pipeline:
        relax.build(module, target, tir_pipeline=pipeline)

TVM asks LLVM for `expf` and its like, which LLVM calls once for each lane. In their place kernels
call functions of ours that take whole vectors and come along as LLVM code, which LLVM inlines:
none is left in the object. (As expressions of TVM's own they would be large trees, since TVM 0.27
puts the values of names back into what uses them: two of them nested took seconds to compile.)
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tvmplug.compiler.cpu.vector_math_functions import FUNCTIONS, SIN_LIMIT
from tvmplug.compiler.cpu.vector_math_llvm import Function

# TVM's tables of what operators become for LLVM and whether a vectorised loop may hold them, and
# the level of its own entries.
_LOWERINGS = "llvm.FLowerIntrinsic"
_VECTORIZABLE = "TVectorizable"
_TVM_LEVEL = 10
_LEVEL = 99
PIPELINE = "tvmplug"

Expression = Any
"""A TIR expression; TVM ships no types."""


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How far a float32 result may be from the exact one.

    Up to `limit` the error is at most `ulp` units in the last place of the exact result plus
    `absolute`; beyond it is at most `absolute_beyond`. NaN gives NaN.

    Attributes:
        ulp: Units in the last place; those of results below 2^-126 are 2^-149.
        absolute: What comes on top.
        limit: The largest |x| for which the above holds.
        absolute_beyond: The error of larger finite arguments.
    """

    ulp: float
    absolute: float = 0.0
    limit: float = float("inf")
    absolute_beyond: float = 0.0


_CIRCULAR = Accuracy(ulp=2.75, absolute=2.0**-48, limit=SIN_LIMIT, absolute_beyond=2.0**-22.5)
ACCURACY: Mapping[str, Accuracy] = MappingProxyType(
    {
        "tirx.cos": _CIRCULAR,
        # Infinitely large and infinitely small results are exact. One that is smaller than
        # 2^-125.5 is 0.
        "tirx.erf": Accuracy(ulp=5.0),
        "tirx.exp": Accuracy(ulp=1.25, absolute=2.0**-125.4),
        "tirx.log": Accuracy(ulp=1.5),
        "tirx.sigmoid": Accuracy(ulp=2.5, absolute=2.0**-125.4),
        "tirx.sin": _CIRCULAR,
        "tirx.tanh": Accuracy(ulp=5.5),
    }
)
"""The errors of float32. A float16 number is computed in float32 and rounded to float16 last."""

_lock = threading.Lock()
_active = 0
_before: dict[tuple[str, str], Any] = {}
# The functions that the module in work has called so far: operator and lanes.
_called: ContextVar[set[tuple[str, int]] | None] = ContextVar("_called", default=None)


@contextmanager
def lowerings() -> Iterator[str]:
    """Let TVM's LLVM code generator use these functions.

    They stand in a table of the whole process. Contexts may be nested, or overlap in several
    threads: the table is as it was before when the last of them ends.

    Yields:
        The name of the TIR pipeline to build with.
    """
    global _active  # noqa: PLW0603  TVM's table is global, too
    with _lock:
        if _active == 0:
            _register()
        _active += 1
    try:
        yield PIPELINE
    finally:
        with _lock:
            _active -= 1
            if _active == 0:
                _restore()


def _register() -> None:
    from tvm import ir, tirx  # noqa: PLC0415  takes a second

    tirx.register_tir_pipeline(PIPELINE, _pipeline)
    for name in FUNCTIONS:
        operator = ir.Op.get(name)
        for table in (_LOWERINGS, _VECTORIZABLE):
            _before[name, table] = operator.get_attr(table)
        operator.set_attr(_LOWERINGS, _lowering(name, _before[name, _LOWERINGS]), _LEVEL)
        # Without this a vectorised loop calls it for one number after the other, as erf in 0.27.
        operator.set_attr(_VECTORIZABLE, True, _LEVEL)


def _restore() -> None:
    from tvm import ir  # noqa: PLC0415

    for (name, table), entry in _before.items():
        operator = ir.Op.get(name)
        operator.reset_attr(table)
        if entry is not None:
            operator.set_attr(table, entry, _TVM_LEVEL)
    _before.clear()


def _lowering(
    name: str, otherwise: Callable[[Expression], Expression] | None
) -> Callable[[Expression], Expression]:
    """What TVM calls for each use of an operator.

    Args:
        name: The operator's.
        otherwise: What served before, for types that ours has nothing for.
    """

    def lower(call: Expression) -> Expression:
        from tvm import tirx  # noqa: PLC0415

        dtype = str(call.ty.dtype)
        kind, _, count = dtype.partition("x")
        called = _called.get()
        if called is None or kind not in ("float32", "float16") or not (count or "1").isdecimal():
            # An unchanged call is TVM's sign to go on with its other tables.
            return otherwise(call) if otherwise is not None else call
        lanes = int(count or "1")
        called.add((name, lanes))
        (argument,) = call.args
        # A float16 number is computed in float32 and rounded last.
        wide = dtype.replace("float16", "float32")
        if wide != dtype:
            argument = tirx.Cast(wide, argument)
        result = tirx.call_pure_extern(wide, _symbol(name, lanes), argument)
        return result if wide == dtype else tirx.Cast(dtype, result)

    return lower


def _symbol(name: str, lanes: int) -> str:
    return f"tvmplug.{name.rpartition('.')[2]}.{'' if lanes == 1 else f'v{lanes}'}f32"


@functools.cache
def _code(name: str, lanes: int) -> str:
    """A function as LLVM's text."""
    function = Function(_symbol(name, lanes), lanes)
    return function.returning(FUNCTIONS[name](function, function.argument))


def _pipeline() -> tuple[Any, Any, Any]:
    """TVM's own pipeline for TIR, whose last step brings the functions that kernels call."""
    import tvm  # noqa: PLC0415
    from tvm import tirx  # noqa: PLC0415

    lower, finish_host, finish_device = tirx.get_tir_pipeline("default")

    def finish(module: Any, _: Any) -> Any:
        called: set[tuple[str, int]] = set()
        token = _called.set(called)
        try:
            module = finish_host()(module)
        finally:
            _called.reset(token)
        return _with_code(module, called)

    host = tvm.transform.module_pass(finish, opt_level=0, name="tvmplug.VectorMath")
    return lower, lambda: host, finish_device


def _with_code(module: Any, called: set[tuple[str, int]]) -> Any:
    """Let the code generator link the functions' code to a module: any kernel can carry it."""
    from tvm import ir, tirx  # noqa: PLC0415

    if called:
        texts = [_code(*function) for function in sorted(called)]
        # Declarations may not be repeated within a text.
        lines = dict.fromkeys(
            line for text in texts for line in text.splitlines() if line.startswith("declare")
        )
        bodies = [text[text.index("define") :] for text in texts]
        code = ir.StringImm("\n".join([*lines, *bodies]))
        name, kernel = next(iter(module.functions.items()))
        body = tirx.AttrStmt(code, "pragma_import_llvm", code, kernel.body)
        module[name] = kernel.with_body(body, kernel.span)
    return module
