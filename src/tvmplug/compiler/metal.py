"""Kernels for Apple's GPUs: how they are spread over threads, and who compiles their source."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

from tvmplug import process
from tvmplug.errors import ToolError
from tvmplug.targets import Target
from tvmplug.toolchains.darwin import sdk_of

_CALLBACK = "tvm_callback_metal_compile"


def schedule(lowered: Any) -> Any:
    """Bind the loops of every kernel to threads, with TVM's default rules; none is tuned.

    The rule for matrix products is left out: in TVM 0.27 it ends the process for this target.

    Args:
        lowered: An IRModule whose kernels are not scheduled, inside the target's scope.
    """
    from tvm.s_tir import dlight  # noqa: PLC0415  loads TVM

    rules = (dlight.gpu.Reduction(), dlight.gpu.GeneralReduction(), dlight.gpu.Fallback())
    return dlight.ApplyDefaultSchedule(*rules)(lowered)


@contextlib.contextmanager
def own_compiler(target: Target) -> Iterator[None]:
    """Have Apple's compiler turn kernels into a library, where this machine has it.

    Elsewhere the objects hold their source, which the device compiles when the model is loaded.

    Args:
        target: What is compiled for; one for the CPU changes nothing.
    """
    if target.device != "metal" or not has_compiler(target):
        yield
        return
    import tvm_ffi  # noqa: PLC0415  loads TVM
    from tvm.support import xcode  # noqa: PLC0415

    def compile_source(source: str, _: Any) -> bytes:
        return bytes(xcode.compile_metal(source, sdk=sdk_of(target)))

    tvm_ffi.register_global_func(_CALLBACK, compile_source, override=True)
    try:
        yield
    finally:
        tvm_ffi.registry.remove_global_func(_CALLBACK)


def has_compiler(target: Target) -> bool:
    """Whether `xcrun metal` is on this machine for a target's system."""
    if shutil.which("xcrun") is None:
        return False
    find = ["xcrun", "--sdk", sdk_of(target), "--find", "metal"]
    try:
        return process.run(find, echo=False, check=False).returncode == 0
    except ToolError:
        return False
