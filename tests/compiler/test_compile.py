"""Real compiles: few, and shared by the tests where they only read."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from tvmplug.artifacts.ar import Archive, Dialect, read_archive
from tvmplug.artifacts.audit import audit_folder
from tvmplug.artifacts.symbols import read_object
from tvmplug.compiler.run import compile_plugin
from tvmplug.metadata import METADATA_NAME, Bounds, TensorSpec, read_metadata
from tvmplug.targets import METAL, TARGETS, ObjectFormat

pytestmark = pytest.mark.slow

LINUX = TARGETS["linux-x64"]
ARCHIVE = "libg2p_flutter_system_lib.a"

# One kernel of a known schedule.
ONE_LOOP = """\
import numpy as np
from tvm import relax
from tvm.script import tirx as T

from tvmplug.export import Case, Component


@T.prim_func(s_tir=True)
def double(x: T.Buffer((64,)), y: T.Buffer((64,))):
    T.func_attr({"tirx.is_scheduled": True})
    with T.sblock("root"):
        for i in T.LOOP(64):
            y[i] = x[i] * T.float32(2)


def export():
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType((64,), "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            kernel = builder.add_func(double, "double")
            y = builder.emit_output(relax.call_tir(kernel, [x], x.ty))
        builder.emit_func_output(y)
    ones = np.ones(64, "float32")
    return [
        Component(
            name="encoder",
            module=builder.get(),
            params={},
            cases=[Case({"x": ones}, {"y": 2 * ones})],
        )
    ]
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_answer_is_one_json_line_whatever_the_script_prints(plugin: Callable[..., Any]) -> None:
    made = plugin(components=("encoder",))
    with made.script.open("a") as script:
        script.write("import os\nos.write(1, b'straight to the descriptor\\n')\n")
    run = made.compile()

    assert run.code == 0
    assert run.answer["compiled"] is True
    assert run.answer["components"] == ["encoder"]
    assert "a stray line on stdout" in run.stderr
    assert "straight to the descriptor" in run.stderr
    for stage in ("export g2p_flutter", "lower encoder", "codegen encoder", "pack", "audit"):
        assert f"{stage} ..." in run.stderr


@pytest.mark.parametrize("loop", ["serial", "parallel"])
def test_the_metadata_says_whether_kernels_use_the_pool_of_workers(
    plugin: Callable[..., Any], loop: str
) -> None:
    made = plugin(components=("encoder",), script=ONE_LOOP.replace("LOOP", loop))
    assert made.compile().code == 0
    (encoder,) = read_metadata(made.out() / METADATA_NAME).components
    assert encoder.parallel == (loop == "parallel")


def test_notes_are_said_and_kept(plugin: Callable[..., Any]) -> None:
    script = ONE_LOOP.replace("LOOP", "serial")
    noted = script.replace("Component(", 'Component(notes={"weights": "random, seed 0"}, ')
    made = plugin(components=("encoder",), script=noted)
    done = made.compile()
    assert "  weights: random, seed 0\n" in done.stderr
    (encoder,) = read_metadata(made.out() / METADATA_NAME).components
    assert encoder.notes == {"weights": "random, seed 0"}


def test_the_metadata_states_the_interface(compiled: Any) -> None:
    metadata = read_metadata(compiled.out() / METADATA_NAME)
    encoder = metadata.components[0]

    assert [c.name for c in metadata.components] == ["encoder", "decoder_step"]
    assert (encoder.prefix, encoder.function) == ("g2p_encoder_", "main")
    assert encoder.inputs == (TensorSpec("ids", "int64", (1, "n"), (0, 29)),)
    assert encoder.outputs == (
        TensorSpec("hidden", "float32", ("n", 3)),
        TensorSpec("twice", "float32", ("n * 2", 3)),
    )
    assert encoder.dims == {"n": Bounds(1, 64), "n * 2": Bounds(2, 128)}


def test_golden_cases_are_recorded(compiled: Any) -> None:
    golden = compiled.root / "model" / "golden"
    assert sorted(str(p.relative_to(golden)) for p in golden.glob("*/*")) == [
        "decoder_step/00.safetensors",
        "decoder_step/01.safetensors",
        "encoder/00.safetensors",
        "encoder/01.safetensors",
    ]
    case = load_file(golden / "encoder" / "01.safetensors")
    shapes = {name: (str(array.dtype), array.shape) for name, array in case.items()}
    assert shapes == {
        "in.ids": ("int64", (1, 5)),
        "out.hidden": ("float32", (5, 3)),
        "out.twice": ("float32", (10, 3)),
    }


def test_the_archive_passes_its_audit_and_holds_no_path(compiled: Any) -> None:
    audit_folder(compiled.out(), LINUX, {"g2p_flutter": "g2p_", "kokoro_flutter": "kokoro_"})
    content = (compiled.out() / ARCHIVE).read_bytes()
    for path in (compiled.root, Path.cwd(), Path.home(), "/tmp/"):
        assert str(path).encode() not in content


def test_the_same_input_gives_the_same_bytes_elsewhere(
    compiled: Any, plugin: Callable[..., Any]
) -> None:
    again = plugin()
    assert again.compile().code == 0
    assert contents(again.out()) == contents(compiled.out())


def test_golden_cases_change_only_when_asked(compiled: Any, tmp_path: Path) -> None:
    made = type(compiled)(tmp_path / "copy")
    shutil.copytree(compiled.root, made.root)
    golden = made.root / "model" / "golden" / "encoder" / "00.safetensors"
    stale = golden.with_name("stale.safetensors")
    stale.write_bytes(golden.read_bytes())
    before = golden.read_bytes()
    made.script.write_text(made.script.read_text().replace("SCALE = 1.0", "SCALE = 0.5"))

    assert made.compile().answer["golden"] == []
    assert golden.read_bytes() == before

    assert str(golden) in made.compile("linux-x64", "--update-golden").answer["golden"]
    assert golden.read_bytes() != before
    assert not stale.exists()


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "linux-x64"])
def test_every_target_compiles_to_objects_of_its_own(
    compiled: Any, tmp_path: Path, target: str
) -> None:
    made = type(compiled)(tmp_path / "copy")
    shutil.copytree(compiled.root, made.root)
    compile_plugin(made.root, TARGETS[target], made.out(target), update_golden=False)

    metadata = audit_folder(made.out(target), TARGETS[target])
    archive = read_archive((made.out(target) / metadata.archive).read_bytes(), target)
    apple = TARGETS[target].os in ("ios", "macos")
    assert archive.dialect is (Dialect.BSD if apple else Dialect.GNU)
    for member in archive.members:
        compare_with_nm(member.content, tmp_path / "x.o")
    if archive.dialect is Dialect.GNU or TARGETS[target].os == "macos":
        compare_with_llvm_ar(archive, tmp_path)


FEW_KERNELS = """\
import numpy as np
from tvm import relax
from tvmplug.export import Case, Component


def component(name, body, reference):
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType((4,), "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            y = builder.emit_output(body(x))
        builder.emit_func_output(y)
    ones = np.full(4, 3, "float32")
    return Component(name=name, module=builder.get(), cases=[Case({"x": ones}, {"y": reference})])


def export():
    return [
        component("square", lambda x: relax.op.multiply(x, x), np.full(4, 9, "float32")),
        component("same", lambda x: x, np.full(4, 3, "float32")),
    ]
"""


def test_a_component_with_one_kernel_or_none_compiles(plugin: Callable[..., Any]) -> None:
    made = plugin(
        name="few_flutter", prefix="few_", components=("square", "same"), script=FEW_KERNELS
    )
    run = made.compile()
    assert run.code == 0, run.stderr
    archive = (made.out() / "libfew_flutter_system_lib.a").read_bytes()
    assert b"few_square___tvm_ffi__library_bin" in archive
    assert b"few_same___tvm_ffi__library_bin" in archive
    assert b"__tvm_ffi_main" not in archive


def compare_with_nm(content: bytes, path: Path) -> None:
    """The global symbols of an object, ours against those that llvm-nm lists."""
    if shutil.which("llvm-nm") is None:
        pytest.skip("llvm is not installed")
    path.write_bytes(content)
    done = subprocess.run(
        ["llvm-nm", "--extern-only", "--format=just-symbols", path],
        check=True,
        capture_output=True,
        text=True,
    )
    found = read_object(content, path.name)
    underscore = "_" if found.format is ObjectFormat.MACHO else ""
    ours = {s.raw for s in found.defined} | {underscore + name for name in found.undefined}
    assert ours == set(done.stdout.split())


def compare_with_llvm_ar(archive: Archive, folder: Path) -> None:
    """The index of an archive, ours against the one that llvm-ar makes of the same objects."""
    for member in archive.members:
        (folder / member.name).write_bytes(member.content)
    dialect = "darwin" if archive.dialect is Dialect.BSD else "gnu"
    argv = ["llvm-ar", f"--format={dialect}", "rcsD", folder / "theirs.a"]
    subprocess.run([*argv, *(folder / m.name for m in archive.members)], check=True)
    theirs = read_archive((folder / "theirs.a").read_bytes(), "theirs.a")

    def index(found: Archive) -> dict[str, list[str]]:
        return {member.name: sorted(member.symbols) for member in found.members}

    assert index(archive) == index(theirs)


def test_a_full_disk_leaves_the_old_artifacts(compiled: Any, tmp_path: Path) -> None:
    made = type(compiled)(tmp_path / "copy")
    shutil.copytree(compiled.root, made.root)
    made.script.write_text(made.script.read_text() + "\n# changed\n")
    before = contents(made.out())
    limit = 100 << 10  # less than one object
    run = made.compile(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert (run.code, run.answer["error"]) == (12, "FileError")
    assert "File too large" in run.answer["message"]
    assert contents(made.out()) == before
    assert not list(made.out().parent.glob(".*.new-*"))


def test_a_kill_leaves_the_old_or_the_new_artifacts(compiled: Any, tmp_path: Path) -> None:
    made = type(compiled)(tmp_path / "copy")
    shutil.copytree(compiled.root, made.root)
    chance = random.Random(0)  # noqa: S311  only spreads the moments
    original = made.script.read_text()
    for number in range(6):
        made.script.write_text(original.replace("SCALE = 1.0", f"SCALE = 1.{number + 1}"))
        started = subprocess.Popen(
            made.argv(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(0.5 + 1.5 * chance.random())
        started.send_signal(signal.SIGKILL)
        started.wait()
        audit_folder(made.out(), LINUX)  # whole: metadata and archive belong together

    assert made.compile().code == 0
    assert sorted(path.name for path in made.out().parent.iterdir()) == [
        ".linux-x64.compiler.lock",
        "linux-x64",
    ]


def test_two_compilers_at_once_agree(plugin: Callable[..., Any]) -> None:
    made = plugin(components=("encoder",))
    pair = [
        subprocess.Popen(made.argv(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    answers = [json.loads(process.communicate()[0]) for process in pair]

    assert sorted(answer["compiled"] for answer in answers) == [False, True]
    assert answers[0]["archive_sha256"] == answers[1]["archive_sha256"]


@pytest.mark.parametrize("target", ["ios-metal", "macos-x64-metal"])
def test_kernels_for_apples_gpus_are_in_the_objects_as_source(
    compiled: Any, tmp_path: Path, target: str
) -> None:
    made = type(compiled)(tmp_path / "copy")
    shutil.copytree(compiled.root, made.root)
    compile_plugin(made.root, METAL[target], made.out(target), update_golden=False)

    metadata = audit_folder(made.out(target), METAL[target])
    archive = (made.out(target) / metadata.archive).read_bytes()
    assert metadata.target == target
    assert b"kernel void" in archive
    assert b"using namespace metal;" in archive


XCRUN = """\
#!/bin/sh
# Stands in for Xcode's driver: a library is what its compiler was given, behind Metal's magic.
last() { for word; do :; done; echo "$word"; }
case "$*" in
  *--find*) echo /usr/bin/metal ;;
  *show-sdk-version*) echo 17.0 ;;
  *" -c "*) for w; do [ "$p" = -c ] && cp "$w" "$(last "$@")"; p=$w; done ;;
  *) { printf MTLB; wc -c < "$4"; } > "$(last "$@")" ;;
esac
"""


def test_with_xcode_the_objects_hold_compiled_kernels(
    compiled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "xcrun").write_text(XCRUN)
    (programs / "xcrun").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    made = type(compiled)(tmp_path / "copy")
    shutil.copytree(compiled.root, made.root)

    answer = made.compile("ios-metal").answer

    archive = Path(answer["archive"]).read_bytes()
    assert b"MTLB" in archive
    assert b"kernel void" not in archive
