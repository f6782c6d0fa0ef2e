"""Compiling again, in part, side by side: the archive is the same bytes, and says what was done."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compiler.test_compile import ONE_LOOP
from tvmplug.artifacts.ar import read_archive
from tvmplug.artifacts.symbols import read_object
from tvmplug.compiler.run import Result, Wanted, compile_plugin, compile_targets
from tvmplug.errors import FileError
from tvmplug.metadata import METADATA_NAME, read_metadata
from tvmplug.targets import TARGETS, Target, with_choices

pytestmark = pytest.mark.slow

LINUX = TARGETS["linux-x64"]

# Layers of different widths, none of which can be the kernel of another; a first layer may come
# before them, which moves all others.
SCRIPT = """\
import numpy as np
from tvm import relax

from tvmplug.export import Case, Component

WIDTHS = (8, 24, 40, 56)
FIRST = False


def layers(name):
    rng = np.random.default_rng(1)
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType((4, 8), "float32"))
    y = np.ones((4, 8), "float32")
    with builder.function("main", [x]):
        with builder.dataflow():
            value = x
            for inner in ((16,) if FIRST else ()) + WIDTHS:
                for shape in ((8, inner), (inner, 8)):
                    weight = (rng.normal(size=shape) / 8).astype("float32")
                    value = builder.emit(relax.op.matmul(value, relax.const(weight)))
                    value = builder.emit(relax.op.tanh(value))
                    y = np.tanh(y @ weight)
            result = builder.emit_output(value)
        builder.emit_func_output(result)
    cases = [Case({"x": np.ones((4, 8), "float32")}, {"y": y})]
    return Component(name=name, module=builder.get(), cases=cases)


def export():
    return [layers(name) for name in COMPONENTS]
"""
BROKEN = """\


def broken(name):
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType((4, 8), "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            result = builder.emit_output(relax.op.call_dps_packed("my.op", [x], x.ty))
        builder.emit_func_output(result)
    x = np.ones((4, 8), "float32")
    return Component(name=name, module=builder.get(), cases=[Case({"x": x}, {"y": x})])


def export():
    return [layers("encoder"), broken("decoder_step")]
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TVMPLUG_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def made(plugin: Callable[..., Any]) -> Any:
    return plugin(components=("encoder",), script=SCRIPT)


def archive(made: Any, target: str = "linux-x64") -> bytes:
    metadata = read_metadata(made.out(target) / METADATA_NAME)
    content: bytes = (made.out(target) / metadata.archive).read_bytes()
    return content


def again(made: Any, target: Target = LINUX) -> tuple[bytes, int, int]:
    """Compile here; the archive, how many kernels were compiled, and how many the cache had."""
    result = compile_plugin(made.root, target, made.out(target.name), update_golden=False)
    return archive(made, target.name), result.compiled, result.cached


def test_cold_warm_and_partly_warm_builds_give_the_same_bytes(made: Any, cache: Path) -> None:
    cold, compiled, cached = again(made)
    warm = again(made)
    for number, entry in enumerate(sorted((cache / "kernels").glob("??/*"))):
        if number % 3 == 0:
            entry.unlink()
        elif number % 3 == 1:
            entry.write_bytes(entry.read_bytes()[:-7])
    partly, compiled_then, cached_then = again(made)

    assert (compiled > 0, cached) == (True, 0)
    assert warm == (cold, 0, compiled)
    assert partly == cold
    assert compiled_then + cached_then == compiled
    assert 0 < cached_then < compiled


def test_a_layer_more_compiles_its_own_kernels_alone(made: Any) -> None:
    _, compiled, _ = again(made)
    text = made.script.read_text()
    made.script.write_text(text.replace("FIRST = False", "FIRST = True"))

    assert again(made)[1:] == (2, compiled)


def test_another_processor_or_target_shares_no_kernel(made: Any) -> None:
    others = (with_choices(LINUX, cpu="x86-64-v2", plain=False), TARGETS["android-x64"])
    assert again(made)[1] > 0
    assert [again(made, target)[2] for target in others] == [0, 0]


def test_an_authors_kernel_that_moved_in_the_script_gives_the_bytes_of_a_first_build(
    plugin: Callable[..., Any], cache: Path
) -> None:
    made = plugin(components=("encoder",), script=ONE_LOOP.replace("LOOP", "serial"))
    again(made)
    made.script.write_text("# A line more.\n" + made.script.read_text())
    warm, *_ = again(made)
    shutil.rmtree(cache)

    assert again(made)[0] == warm


def test_several_threads_give_the_bytes_of_one(
    made: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = set()
    for jobs in ("1", "4"):
        monkeypatch.setenv("TVMPLUG_JOBS", jobs)
        shutil.rmtree(cache, ignore_errors=True)
        content, _, cached = again(made)
        assert cached == 0
        found.add(content)
    assert len(found) == 1


def test_targets_of_one_run_get_the_bytes_of_runs_of_their_own(made: Any, cache: Path) -> None:
    targets = ("linux-x64", "macos-arm64")
    options = [
        str(word) for name in targets[1:] for word in ("--target", name, "--out", made.out(name))
    ]
    run = made.compile(targets[0], *options)
    together = [archive(made, name) for name in targets]
    shutil.rmtree(cache)

    assert run.code == 0, run.stderr
    assert len(run.stdout.splitlines()) == len(targets)
    assert run.stderr.count("export g2p_flutter ...") == 1
    assert "macos-arm64: codegen encoder: " in run.stderr
    assert [again(made, TARGETS[name])[0] for name in targets] == together


def test_a_target_that_fails_leaves_the_others_alone(made: Any) -> None:
    (made.root / "build").write_text("a file")
    outs = {"linux-x64": made.root / "elsewhere", "android-arm64": made.out("android-arm64")}
    wanted = [Wanted(TARGETS[name], out) for name, out in outs.items()]
    good, bad = compile_targets(made.root, wanted, update_golden=False)

    assert isinstance(good, Result)
    assert isinstance(bad, FileError)
    assert (outs["linux-x64"] / good.metadata.archive).is_file()


def test_two_builds_at_once_share_the_cache(made: Any, tmp_path: Path) -> None:
    copy = type(made)(tmp_path / "copy")
    shutil.copytree(made.root, copy.root)
    pair = [
        subprocess.Popen(each.argv(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for each in (made, copy)
    ]
    assert [each.wait() for each in pair] == [0, 0]
    assert archive(made) == archive(copy)
    assert again(made)[1] == 0


def test_a_killed_build_leaves_a_cache_that_can_be_used(made: Any, cache: Path) -> None:
    started = subprocess.Popen(made.argv(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not list((cache / "kernels").glob("??/[!.]*")) and time.monotonic() < until:
        time.sleep(0.01)
    started.send_signal(signal.SIGKILL)
    started.wait()
    content, _, cached = again(made)
    shutil.rmtree(cache)

    assert cached > 0
    assert again(made)[0] == content


def test_a_component_that_fails_is_named_and_no_folder_is_left(plugin: Callable[..., Any]) -> None:
    made = plugin(script=SCRIPT + BROKEN)
    run = made.compile()

    assert (run.code, run.answer["error"]) == (7, "CompileError")
    assert "the component 'decoder_step' calls my.op" in run.answer["message"]
    assert [path.name for path in made.out().parent.iterdir() if path.is_dir()] == []


def test_a_cache_that_cannot_be_written_is_said_and_does_not_matter(
    made: Any, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cold, *_ = again(made)
    shutil.rmtree(cache / "kernels")
    (cache / "kernels").write_text("a file")
    content, _, cached = again(made)

    assert "no kernel is kept for the next build: " in capsys.readouterr().err
    assert (content, cached) == (cold, 0)


@pytest.mark.parametrize("plain", [False, True])
def test_no_object_has_an_entry(made: Any, plain: bool) -> None:
    content, compiled, _ = again(made, with_choices(LINUX, cpu=None, plain=plain))
    objects = read_archive(content, "archive").members
    defined = {s.name for each in objects for s in read_object(each.content, each.name).defined}

    assert "__tvm_ffi_main" not in defined
    assert len(objects) == compiled + 1
