"""Runtimes that are really built, and a small model to run on one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.needed import needed
from tools.cross import Cross, find_or_install_cross
from tvmplug.pinned_env import cache_dir
from tvmplug.process import run
from tvmplug.runtime import Runtime, build_runtime
from tvmplug.targets import target_named

# A dynamic size, a matrix product with bound weights and an activation: the bytecode, its
# constants, the memory pool and the kernels of a model in small.
MODEL = """\
import sys
from pathlib import Path

import numpy as np
from tvm import relax, tirx

from tvmplug.compiler import codegen, lowering
from tvmplug.compiler.kernels import workers
from tvmplug.export import Case, Component, Dim
from tvmplug.targets import target_named

builder = relax.BlockBuilder()
n = tirx.Var("n", "int64")
x = relax.Var("x", relax.TensorType((n, 2), "float32"))
weight = relax.Var("weight", relax.TensorType((2, 3), "float32"))
with builder.function("main", [x, weight]):
    with builder.dataflow():
        result = builder.emit_output(relax.op.nn.relu(relax.op.matmul(x, weight)))
    builder.emit_func_output(result)
weights = np.array([[1, 2, -3], [4, 5, 6]], dtype="float32")
component = Component(
    name="small",
    module=builder.get(),
    params={"weight": weights},
    cases=[Case({"x": np.zeros((1, 2), "float32")}, {"y": np.zeros((1, 3), "float32")})],
    dims={"n": Dim(1, 9)},
)
target = target_named(sys.argv[1])
lowered = lowering.lower(component.module, component, "small_", target)
folder = Path(sys.argv[2])
with workers(jobs=1, cache=None) as makers:
    pending = codegen.start(lowered, "small", target, makers, folder)
    for name, content in pending.result(lambda line: None).files:
        (folder / name).write_bytes(content)
"""


@pytest.fixture(autouse=True)
def with_the_pinned_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """This environment has the pinned TVM; zig keeps its libraries where a real build does."""
    monkeypatch.setenv("TVMPLUG_COMPILE_PYTHON", sys.executable)
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", str(cache_dir() / "zig"))


@pytest.fixture(scope="session")
def built() -> Callable[[str], Runtime]:
    """Builds a runtime, or takes it from the cache."""

    def build(target: str) -> Runtime:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TVMPLUG_COMPILE_PYTHON", sys.executable)
            return build_runtime(target_named(target))

    return build


@pytest.fixture(scope="session")
def linux_arm64(built: Callable[[str], Runtime]) -> Runtime:
    return built("linux-arm64")


@pytest.fixture(scope="session")
def ios(built: Callable[[str], Runtime]) -> Runtime:
    return built("ios")


@pytest.fixture(scope="session")
def cross() -> Cross:
    return needed(find_or_install_cross)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Path]]:
    """Compiles the small model: its objects for a target."""

    def compile_model(target: str) -> list[Path]:
        folder = tmp_path_factory.mktemp("model")
        run([sys.executable, "-c", MODEL, target, folder], echo=False)
        return sorted(folder.glob("*.o"))

    return compile_model
