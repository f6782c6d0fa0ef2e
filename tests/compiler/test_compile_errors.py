"""What a compile refuses, and how it says so."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tvmplug.compiler.run import compile_plugin
from tvmplug.errors import CompileError, ExportError
from tvmplug.targets import TARGETS

pytestmark = pytest.mark.slow

LINUX = TARGETS["linux-x64"]


def fail(run: Any, error: str, code: int, reason: str) -> None:
    assert run.code == code, run.stderr
    assert run.answer["error"] == error
    assert reason in run.answer["message"]
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("rng = ", "raise RuntimeError('no weights')\n    rng = ", "RuntimeError: no weights"),
        ('dims={"n": Dim(1, 64)},', "", "the module's dynamic dimension 'n' has no bounds"),
        ("Dim(1, 64)}", 'Dim(1, 64), "k": Dim(1, 2)}', "`dims` bounds 'k'"),
        ("Case({", 'Case({"mask": ids, ', "input 'mask', which the module does not take"),
        ('Case({"ids": ids}', 'Case({"idz": ids}', "ranges names 'ids'"),
        ('{"hidden": hidden, ', "{", "returns 2 tensors, the cases have 1 reference outputs"),
        ("size=(1, n))", 'size=(1, n)).astype("int32")', "is int32, the module has int64"),
        ('"twice": np.concatenate([hidden, hidden])', '"twice": hidden[:0]', "outside its bounds"),
        ('{"hidden": hidden,', '{"hidden": hidden.T,', "the module has ('n', 3)"),
        ('"weight": weight}', '"weight": weight.T}', "params has 'weight' as float32 (3, 4)"),
        ('"weight": weight}', '"weight": weight, "bias": weight}', "params names 'bias'"),
        ("name=name,", 'name=name, function="forward",', "has no function 'forward'"),
        ("module=module()", "module=3", "has a module of type builtins.int"),
        ("module=module()", 'module="no.onnx"', "there is no ONNX file"),
        (
            "Dim(1, 64)},",
            'Dim(1, 64), "b": Dim(1, 2)}, shapes={"ids": ("b", "n")},',
            "`shapes` declares 'ids' as ('b', 'n'), the module takes (1, 'n')",
        ),
    ],
)
def test_a_fault_of_the_export_script_is_one_clear_error(
    plugin: Callable[..., Any], old: str, new: str, reason: str
) -> None:
    made = plugin(components=("encoder",))
    text = made.script.read_text()
    assert old in text
    made.script.write_text(text.replace(old, new, 1))

    with pytest.raises(ExportError, match=re.escape(reason)) as caught:
        compile_plugin(made.root, LINUX, made.out(), update_golden=False)
    assert "\n" not in str(caught.value)
    assert list(made.out().parent.iterdir()) == []


def test_a_failing_script_is_the_answer_of_the_process(plugin: Callable[..., Any]) -> None:
    made = plugin(components=("encoder",), script="def export():\n    raise ValueError('no')\n")
    run = made.compile()
    fail(run, "ExportError", 6, "export.py:3: ValueError: no")
    assert [path.name for path in made.out().parent.iterdir()] == [".linux-x64.compiler.lock"]


def test_a_model_that_tvm_cannot_compile_is_one_clear_error(plugin: Callable[..., Any]) -> None:
    made = plugin(components=("encoder",))
    # The size of unique's result is known at run time only.
    unsupported = "relax.op.add(hidden, relax.op.mean(relax.op.unique(rows)))"
    text = made.script.read_text()
    made.script.write_text(text.replace("[hidden, hidden], axis", f"[hidden, {unsupported}], axis"))
    fail(made.compile(), "CompileError", 7, "TVM cannot compile the component 'encoder': ")


@pytest.mark.parametrize(
    ("call", "function"),
    [
        ("relax.op.astype(relax.op.argsort(rows, axis=0), 'float32')", "tvm.contrib.sort.argsort"),
        ("relax.op.call_dps_packed('my.own', [rows], out_ty=rows.ty)", "my.own"),
    ],
)
def test_a_function_that_the_shared_runtime_lacks_is_named(
    plugin: Callable[..., Any], call: str, function: str
) -> None:
    made = plugin(components=("encoder",))
    text = made.script.read_text()
    made.script.write_text(text.replace("matmul(rows,", f"matmul(builder.emit({call}),"))
    with pytest.raises(CompileError, match=f"calls {function}, which the shared runtime"):
        compile_plugin(made.root, LINUX, made.out(), update_golden=False)


def test_a_folder_that_is_no_plugin_is_left_alone(compiled: Any, tmp_path: Path) -> None:
    fail(type(compiled)(tmp_path).compile(), "ProjectError", 5, "is no tvmplug plugin")
    assert list(tmp_path.iterdir()) == []


def test_a_runtime_plugin_has_nothing_to_compile(plugin: Callable[..., Any]) -> None:
    made = plugin()
    manifest = made.root / "tvm_plugin.yaml"
    manifest.write_text(manifest.read_text().replace("kind: model", "kind: runtime"))
    fail(made.compile(), "ProjectError", 5, "is the runtime plugin")


def test_another_tvm_than_the_pinned_one_is_refused(
    plugin: Callable[..., Any], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    (other / "apache_tvm-0.1.0.dist-info").mkdir(parents=True)
    (other / "apache_tvm-0.1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: apache-tvm\nVersion: 0.1.0\n"
    )
    run = plugin().compile(env={**os.environ, "PYTHONPATH": str(other)})
    fail(run, "ToolError", 10, "the compile environment has apache-tvm 0.1.0, pinned is")
