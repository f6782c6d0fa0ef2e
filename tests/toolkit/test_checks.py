"""`tvmplug check` and the hook's own decisions, on plugins that need no toolchain."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tvmplug import checks
from tvmplug.findings import Finding, Status, exit_code
from tvmplug.metadata import ComponentSpec, Metadata
from tvmplug.project import find_project
from tvmplug.targets import TARGETS

LINUX = TARGETS["linux-x64"]
Tvmplug = Callable[..., Any]


def _check(root: Path) -> dict[str, Finding]:
    return {f.name: f for f in checks.check_project(find_project(root), LINUX, None)}


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def registered(model: Path, runtime: Path) -> Path:
    """The model plugin, registered and not built."""
    text = "version: 1\nplugins:\n  g2p_flutter: {prefix: g2p_}\n"
    (runtime / "tvm_plugins.yaml").write_text(text)
    return model


def _compiled(root: Path, **changes: Any) -> None:
    """Write metadata as the compiler would, but for `changes`."""
    values: dict[str, Any] = {
        "plugin": "g2p_flutter",
        "prefix": "g2p_",
        "archive": "libg2p_flutter_system_lib.a",
        "archive_sha256": "0" * 64,
        "target": "linux-x64",
        "tvm_target": dict(LINUX.tvm_target),
        "tvm": "0.27.0.post1",
        "tvm_ffi": "0.1.15.post2",
        "source_sha256": "0" * 64,
        "components": (
            ComponentSpec("scale", "g2p_scale_", "main", (), (), {}, rtol=1e-4, atol=1e-5),
        ),
    }
    folder = root / "build" / "tvmplug" / "linux-x64"
    folder.mkdir(parents=True)
    (folder / "system_lib.json").write_text(Metadata(**{**values, **changes}).to_json())


def test_a_plugin_that_is_not_built_passes_and_says_what_is_left(
    registered: Path, tvmplug: Tvmplug
) -> None:
    done = tvmplug("check", cwd=registered)
    assert done.returncode == 0, done.stdout
    assert "not compiled yet" in done.stdout
    assert "tvmplug build" in done.stdout
    found = _check(registered)
    assert {f.status for f in found.values()} == {Status.OK, Status.SKIPPED}
    assert {name for name, f in found.items() if f.status is Status.SKIPPED} == {
        "metadata",
        "symbols",
        "library",
        "artifacts",
    }


def test_the_runtime_plugin_is_checked_by_its_own_rules(runtime: Path) -> None:
    found = _check(runtime)
    assert exit_code(found.values()) == 0
    _edit(runtime / "pubspec.yaml", "0.27.0", "0.26.0")
    found = _check(runtime)
    assert found["pubspec"].status is Status.FAILED
    assert "0.26.0; with TVM 0.27.0.post1 it must be 0.27.0" in found["pubspec"].detail


@pytest.mark.parametrize(
    ("edit", "check", "code", "says"),
    [
        (("pubspec.yaml", "name: g2p", "name: p2g"), "pubspec", 5, "names the package p2g_flutter"),
        (
            ("pubspec.yaml", "path: ../tvm", "path: ../../tvm"),
            "requirements",
            5,
            "pubspec.yaml name",
        ),
        (("rust/Cargo.toml", "../../tvm", "../tvm"), "requirements", 5, "rust/Cargo.toml name"),
        ((".copier-answers.yml", "g2p_\n", "x_\n"), "answers", 5, "says prefix g2p_, the answers"),
        (
            ("tvm_plugin.yaml", "platforms: [linux]", "platforms: [linux, android]"),
            "pubspec",
            5,
            "lacks android under flutter.plugin.platforms",
        ),
        ((".copier-answers.yml", "kind", "{"), "answers", 5, ".copier-answers.yml cannot be read"),
        (("tvm_plugin.yaml", "tvm: 0.27.0.post1", "tvm: 0.26.0"), "pins", 8, "made for TVM 0.26.0"),
        (
            ("../tvm_runtime_flutter/tvm_plugin.yaml", "0.27.0.post1", "0.26.0"),
            "pins",
            8,
            "holds 0.26",
        ),
        (
            ("../tvm_runtime_flutter/tvm_plugins.yaml", "g2p_}", "p_}"),
            "registry",
            4,
            "does not hold",
        ),
        (
            ("../tvm_runtime_flutter/tvm_plugins.yaml", "g2p_flutter", "o_x"),
            "registry",
            4,
            "of o_x",
        ),
        (("../tvm_runtime_flutter/tvm_plugins.yaml", "version: 1", "{"), "registry", 4, "not YAML"),
    ],
)
def test_each_thing_that_is_wrong_is_found_told_and_has_an_exit_code(
    registered: Path, edit: tuple[str, str, str], check: str, code: int, says: str
) -> None:
    file, old, new = edit
    _edit(registered / file, old, new)
    found = _check(registered)
    failed = [f for f in found.values() if f.status is Status.FAILED]
    assert [f.name for f in failed] == [check]
    assert says in failed[0].detail
    assert failed[0].mend
    assert exit_code(found.values()) == code


def test_the_pins_check_says_which_side_to_update(registered: Path, runtime: Path) -> None:
    _edit(runtime / "tvm_plugin.yaml", "0.27.0.post1", "0.26.0")
    assert "Update tvm_runtime_flutter" in str(_check(registered)["pins"].mend)


@pytest.mark.parametrize(
    ("changes", "says", "mend"),
    [
        ({"tvm": "0.26.0"}, "compiled by TVM 0.26.0", "Update g2p_flutter"),
        ({"tvm_ffi": "0.1.14"}, "tvm-ffi 0.1.14", "Update g2p_flutter"),
        ({"prefix": "p2g_"}, "has prefix p2g_", "tvmplug build"),
        ({"plugin": "vad_flutter"}, "has plugin vad_flutter", "tvmplug build"),
        ({"target": "linux-arm64"}, "has target linux-arm64", "tvmplug build"),
        ({"components": ()}, "has components ", "tvmplug build"),
    ],
)
def test_metadata_of_something_else_is_refused(
    registered: Path, changes: dict[str, Any], says: str, mend: str
) -> None:
    _compiled(registered, **changes)
    found = _check(registered)["metadata"]
    assert (found.status, found.exit_code) == (Status.FAILED, 8)
    assert says in found.detail
    assert mend in str(found.mend)


def test_metadata_newer_than_the_runtime_plugin_says_to_update_that(
    registered: Path, runtime: Path
) -> None:
    _compiled(registered)
    _edit(runtime / "tvm_plugin.yaml", "0.27.0.post1", "0.26.0")
    assert "Update tvm_runtime_flutter" in str(_check(registered)["metadata"].mend)


def test_a_table_and_its_json_say_the_same(registered: Path, tvmplug: Tvmplug) -> None:
    _edit(registered / "pubspec.yaml", "name: g2p", "name: p2g")
    shown = tvmplug("check", cwd=registered)
    told = json.loads(tvmplug("check", "--json", cwd=registered).stdout)
    assert shown.returncode == 5
    assert told["ok"] is False
    rows = {row["name"]: row for row in told["findings"]}
    assert rows["pubspec"]["status"] == "failed"
    assert "FAIL" in shown.stdout
    assert rows["pubspec"]["mend"] in " ".join(shown.stdout.split())


def test_without_the_runtime_plugin_the_registry_is_skipped_not_failed(
    registered: Path, runtime: Path
) -> None:
    runtime.rename(runtime.with_name("elsewhere"))
    found = _check(registered)
    assert found["registry"].status is Status.SKIPPED
    assert "--registry" in str(found["registry"].mend)


# The hook, in a process of its own as Copier starts it. `PATH` without cargo keeps it short.


@pytest.fixture
def compiled_model(registered: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A model plugin whose compiler fails at once: the hook must take that calmly."""
    python = tmp_path / "python"
    error = '{"error": "ExportError", "message": "export() failed", "mend": "Mend it"}'
    python.write_text(f"#!/bin/sh\necho '{error}'\nexit 6\n")
    python.chmod(0o755)
    monkeypatch.setenv("TVMPLUG_COMPILE_PYTHON", str(python))
    (registered / "model").mkdir()
    return registered


def test_the_hook_stops_a_copy_whose_prefix_is_taken(
    make_model: Callable[[str, str], Path], registered: Path, runtime: Path, tvmplug: Tvmplug
) -> None:
    before = (runtime / "tvm_plugins.yaml").read_text()
    other = make_model("other_flutter", "g2p_encoder_")
    done = tvmplug("hook", "copy", "--project", other)
    assert done.returncode == 4
    assert "g2p_flutter holds g2p_, and g2p_encoder_ begins with g2p_" in done.stderr
    assert (runtime / "tvm_plugins.yaml").read_text() == before
    assert registered.is_dir()


def test_the_hook_registers_and_takes_a_failing_build_calmly(
    compiled_model: Path, runtime: Path, tvmplug: Tvmplug
) -> None:
    (runtime / "tvm_plugins.yaml").write_text("version: 1\nplugins: {}\n")
    done = tvmplug("hook", "copy", "--project", compiled_model)
    assert done.returncode == 0, done.stderr
    assert "prefix: g2p_" in (runtime / "tvm_plugins.yaml").read_text()
    assert "the build failed; the project is whole: export() failed. Mend it" in done.stderr
    assert f"build --project {compiled_model}" in done.stderr
    assert "Traceback" not in done.stderr


def test_after_an_update_even_a_taken_prefix_stops_nothing(
    compiled_model: Path, runtime: Path, tvmplug: Tvmplug
) -> None:
    _edit(runtime / "tvm_plugins.yaml", "g2p_flutter: {prefix: g2p_}", "o_x: {prefix: g2p_}")
    _edit(compiled_model / "rust" / "Cargo.toml", "../../tvm_runtime_flutter", "../../old")
    done = tvmplug("hook", "update", "--project", compiled_model)
    assert done.returncode == 0, done.stderr
    assert "prefix g2p_ is not registered" in done.stderr
    assert "../../tvm_runtime_flutter/rust" in (compiled_model / "rust/Cargo.toml").read_text()


def test_a_runtime_plugin_elsewhere_gets_a_command_to_run_there(
    compiled_model: Path, runtime: Path, tvmplug: Tvmplug
) -> None:
    runtime.rename(runtime.with_name("elsewhere"))
    done = tvmplug("hook", "copy", "--project", compiled_model)
    assert done.returncode == 0, done.stderr
    assert "registry add g2p_flutter g2p_ --registry PATH" in done.stderr


def test_the_hook_can_be_skipped(model: Path, runtime: Path, tvmplug: Tvmplug) -> None:
    before = (runtime / "tvm_plugins.yaml").read_text()
    done = tvmplug("hook", "copy", "--project", model, TVMPLUG_SKIP_HOOKS="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (runtime / "tvm_plugins.yaml").read_text() == before
