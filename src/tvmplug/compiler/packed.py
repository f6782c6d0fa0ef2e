"""Refuses components that call library functions which the shared runtime does not have.

Sorting, top-k and random numbers live in TVM's `libtvm_runtime_extra`, which the runtime plugin
does not ship; without this check such a component fails when an app first calls it.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from pathlib import Path
from typing import Any

from tvmplug import process
from tvmplug.compiler.tvm_facade import IRModule
from tvmplug.errors import CompileError

_CALL = re.compile(r'T\.call_c?packed(?:_lowered)?\(\s*"([^"]+)"')

# In a process of its own: this one has loaded the compiler and all of TVM's extra libraries.
_LIST = """
import ctypes, json, sys
from tvm_ffi.registry import list_global_func_names
ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
print(json.dumps(sorted(list_global_func_names())))
"""


def check_calls(lowered: IRModule, component: str) -> tuple[str, ...]:
    """Compare the library functions that a module calls with those of the wheels' runtime.

    Args:
        lowered: the module that `lowering.lower` made.
        component: the component's name, for the message.

    Returns:
        The names of the functions that it calls.

    Raises:
        CompileError: names the first function that the runtime lacks.
    """
    called = _called(lowered)
    if called and (missing := sorted(called - _runtime_functions())):
        raise CompileError(
            f"the component '{component}' calls {missing[0]}, which the shared runtime does not"
            " have",
            mend="Leave that step (sorting, top-k, ...) out of the model and do it in Rust",
        )
    return tuple(sorted(called))


def _called(lowered: IRModule) -> set[str]:
    from tvm import relax, tirx  # noqa: PLC0415

    names: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, relax.ExternFunc):
            names.add(str(node.global_symbol))

    for function in lowered.functions.values():
        if isinstance(function, relax.Function):
            relax.analysis.post_order_visit(function, visit)
        elif isinstance(function, tirx.PrimFunc):
            # TVM 0.27 has no Python visitor for TIR, so its text is searched.
            names.update(_CALL.findall(function.script()))
    return names


@functools.cache
def _runtime_functions() -> frozenset[str]:
    import tvm  # noqa: PLC0415

    pattern = {"win32": "tvm_runtime.dll", "darwin": "libtvm_runtime.dylib"}
    name = pattern.get(sys.platform, "libtvm_runtime.so")
    library = next(Path(tvm.__file__).parent.rglob(name))
    done = process.run([sys.executable, "-c", _LIST, library], echo=False)
    return frozenset(json.loads(done.stdout.splitlines()[-1]))
