"""Lays out and compiles single kernels, several at a time, and keeps what came of them.

Threads, not processes: TVM and LLVM run without Python's lock, and a kernel has an LLVM context of
its own. A kernel's object depends on nothing but what `_key` hashes, so that it is the same bytes
from the cache, from another thread, and beside other kernels.
"""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tvmplug import files
from tvmplug.compiler import stages
from tvmplug.compiler.cpu import vector_math
from tvmplug.compiler.cpu.apply import Taken, schedule_kernel
from tvmplug.compiler.cpu.isa import instruction_set
from tvmplug.errors import FileError
from tvmplug.kernel_cache import KernelCache
from tvmplug.pins import PINS
from tvmplug.targets import Target

_PACKAGE = Path(__file__).parent
_ENTRY = "tirx.is_entry_func"
_PIPELINE = "tvmplug.kernel"
# Changes where entries of the cache are written in another way.
_FORMAT = 1

PrimFunc = Any
"""A `tvm.tirx.PrimFunc`; TVM ships no types."""


@dataclass(frozen=True)
class Kernel:
    """A kernel to compile.

    Attributes:
        name: How the module and reports call it.
        function: Its TIR, with the symbol that it gets.
        ruled: Whether the rules lay out its loops; else they stay as they are.
    """

    name: str
    function: PrimFunc
    ruled: bool


@dataclass(frozen=True)
class Made:
    """A compiled kernel.

    Attributes:
        name: The kernel's.
        content: The object file.
        taken: What the rules did; None where they were not asked.
        cached: Whether it was compiled before.
    """

    name: str
    content: bytes
    taken: Taken | None
    cached: bool = False


class Workers:
    """Threads that compile kernels; see `workers`.

    Args:
        pool: The threads.
        cache: Where compiled kernels are kept; None keeps none.
    """

    def __init__(self, pool: ThreadPoolExecutor, cache: KernelCache | None) -> None:
        self.pool = pool
        self._cache = cache

    def start(self, kernel: Kernel, prefix: str, target: Target, scratch: Path) -> Future[Made]:
        """Have a kernel compiled.

        Args:
            kernel: The kernel.
            prefix: The symbol prefix of its component.
            target: What is compiled for; one for the CPU.
            scratch: A folder for LLVM's files; they are removed.
        """
        return self.pool.submit(self._make, kernel, prefix, target, scratch)

    def _make(self, kernel: Kernel, prefix: str, target: Target, scratch: Path) -> Made:
        cache = self._cache
        if cache is None:
            return _compile(kernel, prefix, target, scratch)
        key = _key(kernel, prefix, target)
        if (found := cache.get(key)) is not None:
            return replace(_read(kernel.name, found), cached=True)
        made = _compile(kernel, prefix, target, scratch)
        try:
            cache.put(key, _written(made))
        except FileError as error:
            if self._cache is not None:  # not said by another thread
                self._cache = None
                stages.say(f"no kernel is kept for the next build: {error}")
        return made


@contextmanager
def workers(jobs: int, cache: KernelCache | None) -> Iterator[Workers]:
    """Start threads; they end with the block, and what is not begun by then is left out.

    Args:
        jobs: How many kernels are compiled at the same time.
        cache: Where compiled kernels are kept; None keeps none.
    """
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="kernels")
    # One registration for all: the threads' own would come and go with each kernel.
    with vector_math.lowerings():
        try:
            yield Workers(pool, cache)
        finally:
            pool.shutdown(cancel_futures=True)
    if cache is not None:
        cache.trim()


def _key(kernel: Kernel, prefix: str, target: Target) -> str:
    """Everything that decides the bytes of a kernel's object and what is told about it.

    TIR's text leaves out what TVM's printer does not show, so its structural hash stands beside
    it, which comes from other code of TVM; neither tells what debuggers are told.
    """
    import tvm_ffi  # noqa: PLC0415  takes a second

    isa = instruction_set(target.tvm_target) if target.has_own_kernels else None
    parts: Mapping[str, object] = {
        "format": _FORMAT,
        "tir": kernel.function.script(show_meta=True),
        "hash": tvm_ffi.structural_hash(kernel.function),
        "debug": _for_debuggers(kernel.function),
        "ruled": kernel.ruled,
        "prefix": prefix,
        "target": [dict(target.tvm_target), target.has_own_kernels, repr(isa)],
        "pins": [PINS.tvm, PINS.tvm_ffi],
        "tvmplug": _own_sha256(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _for_debuggers(function: PrimFunc) -> list[str]:
    """The names of variables, and the places in an author's script that a kernel's parts come from.

    TVM 0.27 writes both into objects.
    """
    import tvm_ffi  # noqa: PLC0415  takes a second
    from tvm.ir import Var  # noqa: PLC0415

    found: list[str] = []

    def look(node: Any) -> None:
        if isinstance(node, Var):
            found.append(str(node.name))
        if (span := getattr(node, "span", None)) is not None:
            found.append(f"{span.source_name.name}:{span.line}:{span.column}")

    tvm_ffi.structural_walk(function, look)
    return found


@functools.cache
def _own_sha256() -> str:
    """Of the compiler's own code; it does not change while it runs."""
    return files.sha256_tree(_PACKAGE, ignore=lambda path: "__pycache__" in path.parts)


def _written(made: Made) -> bytes:
    """As an entry of the cache: a line about the rules, then the object."""
    told = asdict(made.taken) if made.taken is not None else None
    return json.dumps(told).encode() + b"\n" + made.content


def _read(name: str, entry: bytes) -> Made:
    line, _, content = entry.partition(b"\n")
    told = json.loads(line)
    if told is not None:
        told = Taken(**{**told, "kernel": name, "failures": tuple(told["failures"])})
    return Made(name, content, told)


def _compile(kernel: Kernel, prefix: str, target: Target, scratch: Path) -> Made:
    import tvm  # noqa: PLC0415  takes a second

    function, taken = kernel.function, None
    machine = tvm.target.Target(dict(target.tvm_target))
    if kernel.ruled:
        symbol = function.attrs["global_symbol"]
        with machine:
            isa = instruction_set(target.tvm_target)
            function, taken = schedule_kernel(kernel.name, function, isa)
        function = function.with_attr("global_symbol", symbol)
    module = tvm.IRModule({kernel.name: function}, attrs={"system_lib_prefix": prefix})
    built = tvm.tirx.build(module, machine, pipeline=_pipeline(own=target.has_own_kernels))
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        path = Path(folder) / "kernel.o"
        built.write_to_file(str(path), "o")
        return Made(kernel.name, path.read_bytes(), taken)


@functools.cache
def _pipeline(*, own: bool) -> str:
    """The name of a TIR pipeline for modules of one kernel.

    TVM 0.27 marks a lone kernel as the library's entry, and exports it as `__tvm_ffi_main`, without
    a prefix. It can go when `test_no_object_has_an_entry` passes without it.
    """
    import tvm  # noqa: PLC0415  takes a second
    from tvm import tirx  # noqa: PLC0415

    base = vector_math.PIPELINE if own else "default"

    def unmark(module: Any, _: Any) -> Any:
        for name, function in module.functions.items():
            if _ENTRY in (function.attrs or {}):
                module[name] = function.without_attr(_ENTRY)
        return module

    def pipeline() -> tuple[Any, Any, Any]:
        lower, finish_host, finish_device = tirx.get_tir_pipeline(base)
        unmarked = tvm.transform.module_pass(unmark, opt_level=0, name="tvmplug.NoEntry")
        return tvm.transform.Sequential([lower, unmarked]), finish_host, finish_device

    name = f"{_PIPELINE}.{base}"
    tirx.register_tir_pipeline(name, pipeline)
    return name
