"""Runs single TIR kernels, here and as AArch64 code in an emulator, and shows their machine code.

    (result,) = kernels.run(module, kernels.ARM64, [x, y], [((3, 4), "float32")])

Kernels get arrays that are aligned as TVM aligns them, and outputs full of NaN (of 0xA5 in every
byte, which is a NaN in none but no plausible number in any type). A write beside an array fails.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import struct
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import tvm
import tvm_ffi
from tvm.target import codegen
from tvm_ffi import libinfo

from tests.tools.needed import needed
from tools import zig
from tools.cross import Cross, find_or_install_cross
from tools.toolchain import ROOT
from tvmplug.compiler.cpu import vector_math
from tvmplug.targets import target_named

Array = np.ndarray[Any, Any]
IRModule = Any
Target = Mapping[str, object]
"""TVM's target as attributes: kind, mtriple, mcpu and so on."""
Output = tuple[tuple[int, ...], str]
"""Shape and dtype of an array that a kernel writes."""


def _x86_64(cpu: str) -> Target:
    return MappingProxyType({"kind": "llvm", "mtriple": "x86_64-linux-gnu", "mcpu": cpu})


X86_64_V2 = _x86_64("x86-64-v2")
X86_64_V3 = _x86_64("x86-64-v3")
X86_64_V4 = _x86_64("x86-64-v4")
ARM64: Target = target_named("linux-arm64").tvm_target

_PREFIX = "test_"
_GUARD, _UNTOUCHED = 64, 0xA5
_RUNNER = Path(__file__).with_name("kernel_runner.c")
_ZIG_TRIPLE = "aarch64-linux-gnu.2.28"
# A basic block's label, as LLVM writes it for ELF and for Mach-O.
_BLOCK = re.compile(r"\.?LBB\d+_\d+:")
_DEBUG_LABELS = (".Ltmp", ".Lfunc", "Ltmp", "Lfunc")
_DLPACK_CODES = {"i": 0, "u": 1, "f": 2, "b": 6}


@dataclass(frozen=True)
class Call:
    """One call of a kernel; its parameters are the inputs, then the outputs.

    Attributes:
        kernel: its name in the module.
        inputs: arrays that it reads.
        outputs: what it writes.
    """

    kernel: str
    inputs: Sequence[Array]
    outputs: Sequence[Output]


def run(
    module: IRModule, target: Target, inputs: Sequence[Array], outputs: Sequence[Output]
) -> list[Array]:
    """Compile a module's only kernel, call it once, and return what it wrote.

    Args:
        module: an IRModule with one PrimFunc, scheduled as it shall be.
        target: for this machine's processor or for AArch64.
        inputs: arrays for its first parameters.
        outputs: shape and dtype for each of the rest.
    """
    (kernel,) = (variable.name_hint for variable in module.functions)
    return compiled(module, target)([Call(kernel, inputs, outputs)])[0]


Calls = Callable[[Sequence[Call]], list[list[Array]]]
"""Calls kernels one after the other, and returns what each wrote."""


def compiled(module: IRModule, target: Target) -> Calls:
    """Compile a module of PrimFuncs, with `vector_math` as the product does."""
    if str(target["mtriple"]).startswith(("aarch64", "arm64")):
        return _compiled_for_arm64(module, target)
    need(target)
    executable = _compile(module, target)
    return lambda calls: [_call_here(executable, call) for call in calls]


def runs_here(target: Target) -> bool:
    """Whether this machine's processor has all features of a target's."""
    asked = tvm.target.Target(dict(target))
    if (
        str(target["mtriple"]).partition("-")[0]
        != codegen.llvm_get_system_triple().partition("-")[0]
    ):
        return False
    here = tvm_ffi.get_global_func("tvm.codegen.llvm.GetHostCPUFeatures")()
    # The set also names hints for LLVM's scheduler, which no processor reports.
    return all(here.get(feature, True) for feature in codegen.llvm_get_cpu_features(asked))


def need(target: Target) -> None:
    """Skip the test where nothing can run a target's code."""
    if str(target["mtriple"]).startswith("aarch64"):
        _emulator()
    elif not runs_here(target):
        pytest.skip(f"skipped: this processor is no {target['mcpu']}")


# --- machine code ---


def disassemble(module: IRModule, target: Target) -> str:
    """The assembly of a module's kernels: instructions and labels, without directives.

    What checks the arguments before it calls a kernel is left out.
    """
    kept = []
    inside = False
    for line in _compile(module, target).mod.inspect_source("s").splitlines():
        code = re.split(r"\s*(?:#|//)\s", line + " ")[0].rstrip()
        label = re.match(r"(\w+):", code)
        if label and not _BLOCK.match(code):
            inside = not label[1].startswith("_")
        if inside and re.match(r"\.?\w+:|\s+[a-z]", code) and not code.startswith(_DEBUG_LABELS):
            kept.append(code)
    return "\n".join(kept)


def innermost_loops(assembly: str) -> list[str]:
    """The bodies of the loops that hold no other loop.

    Args:
        assembly: what `disassemble` returned, for x86-64 or AArch64.
    """
    lines = assembly.splitlines()
    labels = {
        match[0][:-1]: place for place, line in enumerate(lines) if (match := _BLOCK.match(line))
    }
    ends: dict[int, int] = {}
    for place, line in enumerate(lines):
        branch = re.match(r"\s+(?:j\w+|b|b\.\w+|cbn?z|tbn?z)\s.*?(\.?LBB\d+_\d+)$", line)
        if branch and labels.get(branch[1], place) < place:
            start = labels[branch[1]]
            ends[start] = max(place, ends.get(start, 0))
    return [
        "\n".join(lines[start : end + 1])
        for start, end in sorted(ends.items())
        if not any(start < other <= end for other in ends)
    ]


# --- compiling and calling ---


def _compile(module: IRModule, target: Target) -> Any:
    with vector_math.lowerings() as pipeline:
        return tvm.compile(module, target=tvm.target.Target(dict(target)), tir_pipeline=pipeline)


def _call_here(executable: Any, call: Call) -> list[Array]:
    arrays = [_guarded(array.shape, array.dtype) for array in call.inputs]
    for (_, array), given in zip(arrays, call.inputs, strict=True):
        array[...] = given
    arrays += [_guarded(shape, np.dtype(dtype)) for shape, dtype in call.outputs]
    executable[call.kernel](*(tvm_ffi.from_dlpack(array) for _, array in arrays))
    for index, (memory, array) in enumerate(arrays):
        outside = np.concatenate([memory[:_GUARD], memory[_GUARD + array.nbytes :]])
        assert (outside == _UNTOUCHED).all(), f"{call.kernel}: wrote outside of {index}"
    return [array for _, array in arrays[len(call.inputs) :]]


def _guarded(shape: Sequence[int], dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """An untouched array, and the memory in which it lies between two guards."""
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    room = np.full(size + 3 * _GUARD, _UNTOUCHED, np.uint8)
    start = -room.ctypes.data % _GUARD
    memory = room[start : start + size + 2 * _GUARD]
    return memory, memory[_GUARD : _GUARD + size].view(dtype).reshape(shape)


# --- AArch64 ---


@dataclass(frozen=True)
class _Emulator:
    cross: Cross
    program: Path


@functools.cache
def _emulator() -> _Emulator:
    """The emulator and the program that calls kernels, which is compiled once a checkout."""
    cross = needed(find_or_install_cross)
    includes = [
        libinfo.find_include_path(),
        libinfo.find_dlpack_include_path(),
        str(Path(tvm.__file__).parent / "include"),
    ]
    digest = hashlib.sha256(_RUNNER.read_bytes()).hexdigest()[:16]
    program = ROOT / ".cache" / "kernels" / f"runner-{digest}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            made = Path(folder) / "runner"
            headers = [f"-I{include}" for include in includes]
            libraries = ["-rdynamic", "-ldl", "-lm"]
            zig.compile_with(
                "cc", _ZIG_TRIPLE, ["-O1", "-Wall", *headers, _RUNNER, "-o", made, *libraries]
            )
            made.replace(program)
    return _Emulator(cross, program)


def _compiled_for_arm64(module: IRModule, target: Target) -> Calls:
    emulator = _emulator()
    # As the product's objects: they register their kernels.
    library = _compile(module.with_attr("system_lib_prefix", _PREFIX), target).mod
    folder = tempfile.TemporaryDirectory()  # lives as long as the function that is returned
    made, linked = Path(folder.name) / "k.o", Path(folder.name) / "k.so"
    library.write_to_file(str(made), "o")
    _link(made, linked)

    def call(calls: Sequence[Call]) -> list[list[Array]]:
        calls_file, results_file = Path(folder.name) / "calls", Path(folder.name) / "results"
        calls_file.write_bytes(_packed(calls))
        emulator.cross.run([emulator.program, linked, calls_file, results_file], timeout_s=120)
        return _unpacked(calls, results_file.read_bytes())

    return call


def _unpacked(calls: Sequence[Call], content: bytes) -> list[list[Array]]:
    results, place = [], 0
    for call in calls:
        arrays = []
        for shape, dtype in call.outputs:
            count = int(np.prod(shape, dtype=np.int64))
            array = np.frombuffer(content, dtype, count, place).reshape(shape)
            place += array.nbytes
            arrays.append(array)
        results.append(arrays)
    return results


def _link(made: Path, linked: Path) -> None:
    """Make a library of an object; the program that loads it has what the object lacks."""
    arguments = ["-shared", "-z", "lazy", str(made), "-o", str(linked)]
    # Many in a second: the linker itself, without the driver that looks for everything first.
    zig.run([*_zig(), "ld.lld", *arguments], echo=False, timeout_s=60)


@functools.cache
def _zig() -> tuple[str, ...]:
    import ziglang  # noqa: PLC0415

    program = Path(ziglang.__file__).with_name("zig.exe" if os.name == "nt" else "zig")
    return (str(program),) if program.exists() else (sys.executable, "-m", "ziglang")


def _packed(calls: Sequence[Call]) -> bytes:
    parts = [struct.pack("<Q", len(calls))]
    for call in calls:
        name = f"__tvm_ffi_{call.kernel}".encode()
        arrays = [(0, np.array(array, order="C")) for array in call.inputs]
        arrays += [(1, _guarded(shape, np.dtype(dtype))[1]) for shape, dtype in call.outputs]
        parts += [struct.pack("<Q", len(name)), name, struct.pack("<Q", len(arrays))]
        for is_output, array in arrays:
            code = _DLPACK_CODES[array.dtype.kind]
            bits = 8 * array.dtype.itemsize
            parts.append(struct.pack("<4Q", is_output, code, bits, array.ndim))
            parts.append(struct.pack(f"<{array.ndim}q", *array.shape))
            parts += [struct.pack("<Q", array.nbytes), array.tobytes()]
    return b"".join(parts)
