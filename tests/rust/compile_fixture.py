"""Compiles small Relax modules to a plugin's system library and metadata; the tests run it.

Usage: compile_fixture.py OUT_DIR PLUGIN PREFIX SCALE
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import tvm
from tvm import relax

TARGET = {"kind": "llvm", "mtriple": "x86_64-unknown-linux-gnu"}
FLOAT, INDEX = "float32", "int64"


def function(parameters: list[relax.Var], build: Any) -> tvm.IRModule:
    """One Relax module whose `main` returns what `build(block builder)` emits."""
    builder = relax.BlockBuilder()
    with builder.function("main", parameters):
        with builder.dataflow():
            result = builder.emit_output(build(builder))
        builder.emit_func_output(result)
    return builder.finalize()


def scale(factor: float) -> tvm.IRModule:
    """y = x * factor; static shape [2, 3]."""
    x = relax.Var("x", relax.TensorType((2, 3), FLOAT))
    return function([x], lambda b: relax.op.multiply(x, relax.const(factor, FLOAT)))


def join() -> tvm.IRModule:
    """(x + y, sum(x)) with one dynamic dimension shared by both inputs."""
    n = tvm.tirx.Var("n", "int64")
    x, y = (relax.Var(name, relax.TensorType((1, n), FLOAT)) for name in "xy")
    return function(
        [x, y],
        lambda b: relax.Tuple([b.emit(relax.op.add(x, y)), b.emit(relax.op.sum(x, axis=[1]))]),
    )


def embed() -> tvm.IRModule:
    """Rows of a 10 x 4 table: an index input, where a bad index would end the process."""
    n = tvm.tirx.Var("n", "int64")
    ids = relax.Var("ids", relax.TensorType((n,), INDEX))
    table = relax.const(np.arange(40, dtype=FLOAT).reshape(10, 4))
    return function([ids], lambda b: relax.op.take(table, ids, axis=0))


def view() -> tvm.IRModule:
    """(the input's own memory under another shape, x + x)."""
    x = relax.Var("x", relax.TensorType((2, 3), FLOAT))
    flat, shape = relax.TensorType((6,), FLOAT), relax.ShapeExpr((6,))

    def build(b: Any) -> Any:
        reshaped = relax.call_pure_packed("vm.builtin.reshape", x, shape, ty_args=flat)
        return relax.Tuple([b.emit(reshaped), b.emit(relax.op.add(x, x))])

    return function([x], build)


def tensor(name: str, dtype: str, shape: list[Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": shape, **more}


def components(factor: float) -> list[tuple[str, tvm.IRModule, dict[str, Any]]]:
    dims = {"n": {"min": 1, "max": 64}}
    return [
        (
            "scale",
            scale(factor),
            {
                "inputs": [tensor("x", FLOAT, [2, 3])],
                "outputs": [tensor("y", FLOAT, [2, 3])],
                "dims": {},
                "parallel": False,
            },
        ),
        (
            "join",
            join(),
            {
                "inputs": [tensor("x", FLOAT, [1, "n"]), tensor("y", FLOAT, [1, "n"])],
                "outputs": [tensor("sum", FLOAT, [1, "n"]), tensor("total", FLOAT, [1])],
                "dims": dims,
            },
        ),
        (
            "embed",
            embed(),
            {
                "inputs": [tensor("ids", INDEX, ["n"], range=[0, 10])],
                "outputs": [tensor("rows", FLOAT, ["n", 4])],
                "dims": dims,
            },
        ),
        (
            "view",
            view(),
            {
                "inputs": [tensor("x", FLOAT, [2, 3])],
                "outputs": [tensor("flat", FLOAT, [6]), tensor("twice", FLOAT, [2, 3])],
                "dims": {},
            },
        ),
    ]


def compile_component(module: tvm.IRModule, prefix: str, folder: Path) -> list[Path]:
    """The objects of one component, named after its prefix."""
    built = tvm.compile(
        module.with_attr("system_lib_prefix", prefix), target=tvm.target.Target(TARGET)
    )
    archive = folder / f"{prefix}.tar"
    built.export_library(str(archive))
    with tarfile.open(archive) as members:
        members.extractall(folder / prefix, filter="data")
    objects = sorted((folder / prefix).glob("*.o"))
    return [path.rename(folder / f"{prefix}{path.name}") for path in objects]


def main(out: Path, plugin: str, prefix: str, factor: float) -> None:
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"lib{plugin}_system_lib.a"
    archive.unlink(missing_ok=True)
    described = []
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for name, module, spec in components(factor):
            own = f"{prefix}{name}_"
            objects += compile_component(module, own, Path(folder))
            described.append(
                {
                    "name": name,
                    "prefix": own,
                    "function": "main",
                    "rtol": 1e-5,
                    "atol": 1e-6,
                    **spec,
                }
            )
        subprocess.run(["ar", "rcsD", archive, *objects], check=True)
    metadata = {
        "format": 1,
        "plugin": plugin,
        "prefix": prefix,
        "archive": archive.name,
        "archive_sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "target": "linux-x64",
        "tvm_target": TARGET,
        "tvm": version("apache-tvm"),
        "tvm_ffi": version("apache-tvm-ffi"),
        "source_sha256": "0" * 64,
        "components": described,
    }
    (out / "system_lib.json").write_text(json.dumps(metadata, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]))
