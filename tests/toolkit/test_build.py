"""Building for real: Copier's render, the real compiler, real cargo; kills, damage, refusals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from copier import run_copy

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache"
LIBRARY = Path("linux/lib/x64/libscale_flutter.so")
Tvmplug = Callable[..., Any]

pytestmark = pytest.mark.slow

EXPORT = '''\
"""y = 3 x, and its sum: two functions, compiled in a second."""

import numpy as np
from tvm import relax

from tvmplug.export import Case, Component

FACTOR = 3.0


def export() -> list[Component]:
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType((2, 3), "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            y = builder.emit(relax.op.multiply(x, relax.const(FACTOR, "float32")))
            total = builder.emit(relax.op.sum(x, axis=[1]))
            both = builder.emit_output(relax.Tuple([y, total]))
        builder.emit_func_output(both)
    value = np.arange(6, dtype="float32").reshape(2, 3)
    case = Case(inputs={"x": value}, outputs={"y": value * 3, "total": value.sum(axis=1)})
    return [Component(name="scale", module=builder.finalize(), shapes={"x": (2, 3)}, cases=[case])]
'''


def _render(destination: Path, **answers: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a checkout that is being worked on counts as dirty
        run_copy(
            str(REPOSITORY), destination, data=answers, defaults=True, unsafe=True, quiet=True,
            skip_tasks=True, vcs_ref="HEAD",
        )  # fmt: skip


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a runtime plugin and a model plugin, rendered once and built by the tests."""
    root = tmp_path_factory.mktemp("family")
    _render(root / "tvm_runtime_flutter", kind="runtime")
    _render(
        root / "scale_flutter", kind="model", components=["scale"], prefix="scale_", source="relax"
    )
    (root / "scale_flutter" / "model" / "export.py").write_text(EXPORT)
    (root / "scale_flutter" / "model" / "requirements.txt").write_text("# nothing more\n")
    return root


@pytest.fixture(scope="module")
def module_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all builds: another folder of runtime libraries would make cargo link anew."""
    return tmp_path_factory.mktemp("module-cache")


@pytest.fixture(autouse=True)
def shared(module_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The crates that plugins depend on are built once for all tests.
    monkeypatch.setenv("CARGO_TARGET_DIR", str(CACHE / "cargo" / "plugins"))
    monkeypatch.setenv("TVMPLUG_CACHE_DIR", str(module_cache))


@pytest.fixture
def built(family: Path, tvmplug: Tvmplug) -> Path:
    """The model plugin, built and registered."""
    root = family / "scale_flutter"
    done = tvmplug("build", cwd=root)
    assert done.returncode == 0, done.stderr
    assert tvmplug("registry", "add", cwd=root).returncode == 0
    return root


@pytest.fixture
def restored(built: Path) -> Iterator[Path]:
    """The built model plugin; what a test does to its sources is undone after it."""
    files = [built / "rust/src/api.rs", built / "model/export.py"]
    texts = [file.read_text() for file in files]
    yield built
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)


def _staged(root: Path) -> list[str]:
    return sorted(path.name for path in (root / LIBRARY).parent.iterdir())


def test_the_runtime_plugin_stages_the_pinned_libraries_and_its_crate_builds(
    family: Path, tvmplug: Tvmplug
) -> None:
    root = family / "tvm_runtime_flutter"
    done = tvmplug("build", "--json", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    told = json.loads(done.stdout)
    assert [file["path"] for file in told["staged"]] == [
        "linux/lib/x64/libtvm_runtime.so",
        "linux/lib/x64/libtvm_ffi.so",
    ]
    assert all(file["bytes"] > 1e6 for file in told["staged"])
    assert tvmplug("check", cwd=root).returncode == 0
    damaged = root / "linux/lib/x64/libtvm_ffi.so"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    refused = tvmplug("check", cwd=root)
    assert refused.returncode == 8
    assert "is not the one of TVM" in " ".join(refused.stdout.split())
    assert tvmplug("build", cwd=root).returncode == 0
    assert tvmplug("check", cwd=root).returncode == 0


def test_a_built_model_passes_every_check_and_its_golden_test(
    built: Path, tvmplug: Tvmplug
) -> None:
    assert _staged(built) == [LIBRARY.name]
    checked = json.loads(tvmplug("check", "--json", cwd=built).stdout)
    assert {row["status"] for row in checked["findings"]} == {"ok"}, checked
    tested = tvmplug("test", "--json", cwd=built)
    assert tested.returncode == 0, tested.stderr
    assert json.loads(tested.stdout)["passed"] >= 1


def test_nothing_is_done_when_nothing_changed_whatever_the_times_say(
    built: Path, tvmplug: Tvmplug
) -> None:
    for path in built.rglob("*"):
        if path.is_file():
            os.utime(path)
    before = (built / LIBRARY).stat()
    started = time.monotonic()
    done = tvmplug("build", "--json", cwd=built, PATH="")
    elapsed = time.monotonic() - started
    assert json.loads(done.stdout)["changed"] is False
    assert done.stderr == ""
    after = (built / LIBRARY).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    # Start-up included; two cores that are busy otherwise must not make this fail.
    assert elapsed < 4


def test_a_broken_crate_is_told_by_place_and_leaves_the_old_library(
    restored: Path, tvmplug: Tvmplug
) -> None:
    before = (restored / LIBRARY).read_bytes()
    api = restored / "rust/src/api.rs"
    line = len(api.read_text().splitlines()) + 1
    with api.open("a") as file:
        file.write("fn broken() -> u32 { missing }\n")
    done = tvmplug("build", cwd=restored)
    assert done.returncode == 9
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert f"cannot find value `missing` in this scope (src/api.rs:{line}:22)" in last
    assert (restored / LIBRARY).read_bytes() == before
    assert _staged(restored) == [LIBRARY.name]
    hook = tvmplug("hook", "update", "--project", restored)
    assert hook.returncode == 0
    assert "the build failed; the project is whole" in hook.stderr


def test_without_cargo_the_model_is_compiled_and_the_rest_named(
    restored: Path, tvmplug: Tvmplug, tmp_path: Path
) -> None:
    with (restored / "model/export.py").open("a") as file:
        file.write("# changed\n")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    if shutil.which("cargo", path=path):
        pytest.skip("cargo is a system program here")
    done = tvmplug("build", cwd=restored, PATH=path)
    assert done.returncode == 10
    assert "cargo is not on PATH. Install Rust" in done.stderr
    assert "✓ compile scale_flutter" in done.stderr
    hook = tvmplug("hook", "copy", "--project", restored, PATH=path)
    assert hook.returncode == 0
    assert f"build --project {restored}" in hook.stderr


def test_the_golden_test_fails_when_a_weight_changes(restored: Path, tvmplug: Tvmplug) -> None:
    script = restored / "model/export.py"
    script.write_text(script.read_text().replace("FACTOR = 3.0", "FACTOR = 3.01"))
    done = tvmplug("test", cwd=restored)
    assert done.returncode == 11, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "component `scale`" in last
    assert "output `y`" in last
    assert "--update-golden" in last


def test_an_export_script_that_raises_is_the_authors_error(
    restored: Path, tvmplug: Tvmplug
) -> None:
    before = (restored / LIBRARY).read_bytes()
    script = restored / "model/export.py"
    script.write_text(script.read_text().replace("value = ", "value = undefined_name + "))
    done = tvmplug("build", cwd=restored)
    assert done.returncode == 6
    assert "undefined_name" in done.stderr.splitlines()[-1]
    assert (restored / LIBRARY).read_bytes() == before


def test_a_damaged_library_is_refused_by_check_and_built_again(
    built: Path, tvmplug: Tvmplug
) -> None:
    good = (built / LIBRARY).read_bytes()
    (built / LIBRARY).write_bytes(good[: len(good) // 2])
    assert tvmplug("check", cwd=built).returncode == 8
    assert tvmplug("build", cwd=built).returncode == 0
    assert (built / LIBRARY).read_bytes() == good


def test_a_truncated_archive_is_refused_and_compiled_again(built: Path, tvmplug: Tvmplug) -> None:
    archive = built / "build/tvmplug/linux-x64/libscale_flutter_system_lib.a"
    good = archive.read_bytes()
    archive.write_bytes(good[:-200])
    refused = tvmplug("check", "--json", cwd=built)
    assert refused.returncode == 8
    rows = {row["name"]: row["status"] for row in json.loads(refused.stdout)["findings"]}
    assert rows["symbols"] == "failed"
    assert tvmplug("build", cwd=built).returncode == 0
    assert archive.read_bytes() == good


def test_a_runtime_beside_a_models_library_is_refused(
    built: Path, family: Path, tvmplug: Tvmplug
) -> None:
    bundled = (built / LIBRARY).with_name("libtvm_runtime.so")
    bundled.write_bytes(b"a second runtime")
    done = tvmplug("check", cwd=built)
    bundled.unlink()
    assert done.returncode == 8
    assert "only the runtime plugin may ship" in " ".join(done.stdout.split())


def test_a_prefix_that_another_plugin_got_meanwhile_is_refused_by_check_and_audit(
    restored: Path, family: Path, tvmplug: Tvmplug
) -> None:
    path = family / "tvm_runtime_flutter" / "tvm_plugins.yaml"
    before = path.read_text()
    path.write_text(before.replace("scale_flutter:", "rival_flutter:"))
    try:
        checked = tvmplug("check", "--json", cwd=restored)
        rows = {row["name"]: row["status"] for row in json.loads(checked.stdout)["findings"]}
        with (restored / "rust/src/api.rs").open("a") as file:
            file.write("// changed\n")
        build = tvmplug("build", cwd=restored)
    finally:
        path.write_text(before)
    assert checked.returncode == 4
    assert (rows["registry"], rows["symbols"]) == ("failed", "failed")
    assert build.returncode == 8
    assert "rival_flutter" in build.stderr


def test_a_place_that_cannot_be_written_is_a_file_error(built: Path, tvmplug: Tvmplug) -> None:
    # A file where the folder should be: a read-only folder does not stop root.
    folder = (built / LIBRARY).parent
    shutil.rmtree(folder)
    folder.write_text("in the way")
    done = tvmplug("build", cwd=built)
    folder.unlink()
    assert done.returncode == 12
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert tvmplug("build", cwd=built).returncode == 0
    assert _staged(built) == [LIBRARY.name]


@pytest.mark.parametrize("after_s", [0.4, 1.2, 2.5, 4.0])
def test_a_build_killed_at_any_moment_leaves_a_whole_library_and_the_next_one_recovers(
    restored: Path, tvmplug: Tvmplug, after_s: float
) -> None:
    old = (restored / LIBRARY).read_bytes()
    with (restored / "rust/src/api.rs").open("a") as file:
        file.write(
            f'/// Changes the library.\n#[used]\nstatic _MARK: [u8; 8] = *b"{after_s:08}";\n'
        )
    with (restored / "model/export.py").open("a") as file:
        file.write(f"# {after_s}\n")
    victim = subprocess.Popen(
        [sys.executable, "-m", "tvmplug", "build"], cwd=restored,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    time.sleep(after_s)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()
    left = (restored / LIBRARY).read_bytes()
    done = tvmplug("build", cwd=restored)
    assert done.returncode == 0, done.stderr
    new = (restored / LIBRARY).read_bytes()
    assert left in (old, new)
    assert _staged(restored) == [LIBRARY.name]
    assert not list((restored / "build/tvmplug/linux-x64").glob(".new-*"))
    assert tvmplug("check", cwd=restored).returncode == 0


def _started(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tvmplug", "build"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that starts the tests in the background lets them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def _sleeps() -> bool:
    """Whether the export script's child runs."""
    return subprocess.run(["pgrep", "-fx", "sleep 601.5"], check=False).returncode == 0


def _until(wanted: bool, state: Callable[[], bool], *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while state() != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return state() == wanted


def test_an_interrupted_build_says_so_and_stops_what_it_started(restored: Path) -> None:
    with (restored / "model/export.py").open("a") as file:
        file.write("import subprocess\nsubprocess.run(['sleep', '601.5'])\n")
    build = _started(restored)
    assert _until(True, _sleeps, within_s=60)
    os.killpg(build.pid, signal.SIGINT)
    _, told = build.communicate(timeout=60)
    assert build.returncode == 130
    assert told.splitlines()[-1] == "interrupted"
    assert "Traceback" not in told
    assert _until(False, _sleeps, within_s=60)


def test_two_builds_at_once_do_the_work_once(restored: Path, tvmplug: Tvmplug) -> None:
    with (restored / "model/export.py").open("a") as file:
        file.write("# two at once\n")
    builds = [_started(restored) for _ in range(2)]
    told = [build.communicate(timeout=300) for build in builds]
    assert [build.returncode for build in builds] == [0, 0], told
    assert sum("$ " in err and "tvmplug.compiler" in err for _, err in told) == 1
    assert tvmplug("check", cwd=restored).returncode == 0
