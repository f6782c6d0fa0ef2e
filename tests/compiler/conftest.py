"""A small model plugin on disk, and the compiler run as the toolkit runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MANIFEST = """\
kind: model
name: {name}
prefix: {prefix}
components: [{components}]
source: relax
runtime: {{from: path, path: ../tvm_runtime_flutter}}
platforms: [linux]
tvm: 0.27.0.post1
tvm_ffi: 0.1.15.post2
"""

# Embedding, matrix product, tanh and a concatenation: a dynamic size, an index input, two outputs
# (one of a derived size), and weights to bind.
SCRIPT = """\
import numpy as np
from tvm import relax, tirx

from tvmplug.export import Case, Component, Dim

print("a stray line on stdout")
SCALE = 1.0


def module():
    builder = relax.BlockBuilder()
    n = tirx.Var("n", "int64")
    ids = relax.Var("ids", relax.TensorType((1, n), "int64"))
    table = relax.Var("table", relax.TensorType((29, 4), "float32"))
    weight = relax.Var("weight", relax.TensorType((4, 3), "float32"))
    with builder.function("main", [ids, table, weight]):
        with builder.dataflow():
            rows = builder.emit(relax.op.take(table, relax.op.reshape(ids, (n,)), axis=0))
            hidden = builder.emit(relax.op.tanh(relax.op.matmul(rows, weight)))
            twice = builder.emit_output(relax.op.concat([hidden, hidden], axis=0))
            hidden = builder.emit_output(hidden)
        builder.emit_func_output(relax.Tuple([hidden, twice]))
    return builder.get()


def export():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(29, 4)).astype("float32")
    weight = rng.normal(size=(4, 3)).astype("float32") * SCALE

    def case(n):
        ids = rng.integers(0, 29, size=(1, n))
        hidden = np.tanh(table[ids[0]] @ weight)
        return Case({"ids": ids}, {"hidden": hidden, "twice": np.concatenate([hidden, hidden])})

    return [
        Component(
            name=name,
            module=module(),
            params={"table": table, "weight": weight},
            cases=[case(3), case(5)],
            dims={"n": Dim(1, 64)},
            ranges={"ids": (0, 29)},
        )
        for name in COMPONENTS
    ]
"""


@dataclass(frozen=True)
class Run:
    """How one run of the compiler ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def answer(self) -> dict[str, Any]:
        lines = self.stdout.splitlines()
        assert len(lines) == 1, f"not one line: {self.stdout!r}, stderr: {self.stderr[-2000:]}"
        value: dict[str, Any] = json.loads(lines[0])
        return value


@dataclass(frozen=True)
class Plugin:
    """A model plugin's folder."""

    root: Path

    @property
    def script(self) -> Path:
        return self.root / "model" / "export.py"

    def out(self, target: str = "linux-x64") -> Path:
        return self.root / "build" / "tvmplug" / target

    def argv(self, target: str = "linux-x64", *options: str) -> list[str]:
        argv = [sys.executable, "-m", "tvmplug.compiler", "--project", str(self.root)]
        return [*argv, "--target", target, "--out", str(self.out(target)), *options]

    def compile(self, target: str = "linux-x64", *options: str, **popen: Any) -> Run:
        done = subprocess.run(
            self.argv(target, *options), capture_output=True, text=True, check=False, **popen
        )
        return Run(done.returncode, done.stdout, done.stderr)


def make_plugin(
    root: Path,
    *,
    name: str = "g2p_flutter",
    prefix: str = "g2p_",
    components: tuple[str, ...] = ("encoder", "decoder_step"),
    script: str = SCRIPT,
) -> Plugin:
    (root / "model").mkdir(parents=True)
    text = MANIFEST.format(name=name, prefix=prefix, components=", ".join(components))
    (root / "tvm_plugin.yaml").write_text(text)
    (root / "model" / "export.py").write_text(f"COMPONENTS = {components!r}\n{script}")
    return Plugin(root)


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., Plugin]:
    """Makes a plugin in the test's folder."""
    return lambda **settings: make_plugin(
        tmp_path / settings.get("name", "g2p_flutter"), **settings
    )


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    """A plugin that was compiled for linux-x64; treat it as read-only."""
    made = make_plugin(tmp_path_factory.mktemp("compiled") / "g2p_flutter")
    run = made.compile()
    assert run.code == 0, run.stderr
    return made


@pytest.fixture(scope="session")
def other_compiled(tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    """Another plugin of the same model under another prefix."""
    made = make_plugin(
        tmp_path_factory.mktemp("other") / "kokoro_flutter", name="kokoro_flutter", prefix="kokoro_"
    )
    run = made.compile()
    assert run.code == 0, run.stderr
    return made
