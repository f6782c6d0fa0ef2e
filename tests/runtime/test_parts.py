"""A runtime with every optional part: it links, and TVM's own RPC client calls it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tools import zig
from tools.cross import Cross
from tvmplug.errors import UsageError
from tvmplug.process import run
from tvmplug.runtime import Runtime, RuntimeOptions, build_runtime
from tvmplug.runtime.sources import find_sources
from tvmplug.runtime.store import PARTS, options_named
from tvmplug.targets import target_named
from tvmplug.toolchains.cxx import find_cxx

HERE = Path(__file__).parent

# A process of its own, which loads TVM: the number of worker threads on the other side, and an
# array there and back.
CLIENT = """\
import sys
import numpy as np
import tvm
from tvm import rpc

remote = rpc.connect("127.0.0.1", int(sys.argv[1]))
print(remote.get_function("runtime.NumThreads")())
values = np.arange(6, dtype="float32").reshape(2, 3)
print(np.array_equal(tvm.runtime.tensor(values, remote.cpu()).numpy(), values))
try:
    remote.get_function("runtime.config_threadpool")("nonsense", 1)
except Exception as error:
    print(type(error).__name__)
"""


@pytest.fixture(scope="module")
def everything() -> Runtime:
    return build_runtime(target_named("linux-arm64"), RuntimeOptions(tuple(PARTS)))


def test_parts_are_chosen_by_name_in_any_order() -> None:
    assert options_named("timer, byoc,,timer") == RuntimeOptions(("byoc", "timer"))
    assert options_named("") == RuntimeOptions()
    assert options_named("rpc").parts == ("rpc", "timer")  # it needs that one to link
    with pytest.raises(UsageError, match="there is no part 'disco'"):
        options_named("rpc,disco")


@pytest.mark.slow
def test_every_part_can_be_built_in(everything: Runtime, linux_arm64: Runtime) -> None:
    assert everything.parts == tuple(sorted(PARTS))
    assert everything.folder != linux_arm64.folder
    assert everything.shared is not None
    content = everything.shared.read_bytes()
    for name in (b"vm.builtin.paged_attention_kv_cache_create", b"rpc.ServerLoop"):
        assert name in content
    for name in (b"ffi.StructuralHash", b"runtime.timer.cpu", b"const_loader"):
        assert name in content


@pytest.mark.slow
def test_without_them_none_is(linux_arm64: Runtime) -> None:
    assert linux_arm64.shared is not None
    content = linux_arm64.shared.read_bytes()
    for name in (b"paged_attention", b"rpc.ServerLoop", b"ffi.StructuralHash", b"runtime.timer"):
        assert name not in content


@contextmanager
def serving(runtime: Runtime, cross: Cross, folder: Path) -> Iterator[tuple[str, Any]]:
    """A program with that runtime in an emulator, and the port on which it serves one client."""
    program = folder / "server"
    arguments = [
        *("-Os", HERE / "server.c", f"-I{find_sources().tvm_ffi / 'include'}"),
        *(f"-L{runtime.folder}", "-ltvm_runtime", "-o", program),
    ]
    zig.compile_with("cc", "aarch64-linux-gnu.2.28", arguments)
    command = cross.command([program], libraries=[runtime.folder], env={"TVM_NUM_THREADS": "2"})
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip(), server
        finally:
            server.kill()


@pytest.mark.slow
def test_tvms_rpc_client_calls_it(everything: Runtime, cross: Cross, tmp_path: Path) -> None:
    with serving(everything, cross, tmp_path) as (port, server):
        told = run([sys.executable, "-c", CLIENT, port], echo=False, timeout_s=120).stdout
        assert server.wait(timeout=60) == 0
    assert told.splitlines()[:2] == ["2", "True"]
    assert told.splitlines()[2].endswith("Error")


# A product with weights: its kernel is compiled here with two tiles, linked, loaded and run there.
# Both give the same results, and one of all tiles wins.
TUNER = """\
import shlex
import sys

import numpy as np
from tvmplug.compiler.cpu.signature import Factor, Kernel
from tvmplug.compiler.lowering import lower
from tvmplug.compiler.tuning import devices, measuring, probe
from tvmplug.targets import target_named

target = target_named("linux-arm64")
remote = devices.Remote("127.0.0.1", int(sys.argv[1]), None, tuple(shlex.split(sys.argv[2])))
kernel = Kernel("matmul", Factor(("a", 8), (0, 1)), Factor((8, 16), (0, 1), weights=True))
component = probe.component_of(kernel)
(asked,) = lower(component.module, component, "t_", target).tiles
samples = [{"a": 3}, {"a": 17}]
with devices.opened(target, remote, 1) as device:
    found = {}
    for choice in (asked.ranked[0], asked.ranked[-1]):
        loaded = measuring.build(kernel, choice, samples, target, device)
        found[choice] = loaded.results()
        assert 0 < loaded.seconds(2) < 10
    print(device.threads)
    print([array.shape for array in found[asked.ranked[0]]])
    print(all(np.allclose(*pair) for pair in zip(*found.values())))
    best = measuring.measure(asked, samples, target, device)
    print(best.before == asked.ranked[0], best.after in asked.ranked, best.notes)
"""


@pytest.mark.slow
def test_tiles_are_measured_on_it(everything: Runtime, cross: Cross, tmp_path: Path) -> None:
    linker = shlex.join(find_cxx(target_named("linux-arm64")).driver)
    with serving(everything, cross, tmp_path) as (port, server):
        told = run([sys.executable, "-c", TUNER, port, linker], echo=False, timeout_s=300).stdout
        assert server.wait(timeout=60) == 0
    assert told.splitlines() == ["1", "[(3, 16), (17, 16)]", "True", "True True ()"]
    assert list(tmp_path.glob("*.so")) == []  # what was uploaded is removed
