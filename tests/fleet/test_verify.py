"""`--verify build` and `test`: the real templates, the real compiler, cargo, golden tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fleet.commands import commits_on, fleet, look
from tests.templates.conftest import commit, git, render, template
from tvmplug.registry import register

__all__ = ["template"]
pytestmark = pytest.mark.fleet

RUNTIME = "tvm_runtime_flutter"
MODEL = "scale_flutter"


@pytest.fixture
def file(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime plugin and a model of the real templates at v0.1.0; the template has v0.2.0."""
    monkeypatch.setenv("TVMPLUG_COMPILE_PYTHON", sys.executable)
    source = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(template), str(source))
    render(source, tmp_path / RUNTIME, ref="v0.1.0", kind="runtime")
    render(source, tmp_path / MODEL, ref="v0.1.0", kind="model", plugin_name=MODEL)
    register(tmp_path / RUNTIME / "tvm_plugins.yaml", MODEL, "scale_")
    (tmp_path / RUNTIME / ".tvm_plugins.yaml.lock").unlink()
    for name in (RUNTIME, MODEL):
        git(tmp_path / name, "init", "--quiet")
        commit(tmp_path / name, "Generated")
    for kind in ("runtime", "model"):
        cmake = source / f"template-{kind}/linux/CMakeLists.txt.jinja"
        cmake.write_text(cmake.read_text().replace("VERSION 3.13", "VERSION 3.14"))
    commit(source, "Second release", tag="v0.2.0")
    path = tmp_path / "fleet.yaml"
    path.write_text(
        f"version: 1\ntemplates: [{source}]\nruntime: {RUNTIME}\nrepositories:\n"
        f"  - {RUNTIME}\n  - {MODEL}\n"
    )
    return path


def log_of(file: Path, name: str) -> str:
    return "".join(log.read_text() for log in (file.parent / ".fleet/logs").rglob(f"{name}.log"))


def test_a_plugin_is_compiled_and_golden_tested_before_its_update_is_committed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [look(file.parent / name) for name in (RUNTIME, MODEL)]
    told = fleet(capsys, "update", file, "--verify", "test")
    assert told.results == {RUNTIME: "updated", MODEL: "updated"}, log_of(file, MODEL)
    log = log_of(file, MODEL)
    assert "$ tvmplug check" in log
    assert "$ tvmplug build" in log
    assert '"passed"' in log.partition("$ tvmplug test")[2]
    for name, was in zip((RUNTIME, MODEL), before, strict=True):
        assert commits_on(file.parent / name) == 1
        git(file.parent / name, "update-ref", "-d", "refs/heads/tvmplug/update")
        # Whatever was built is gone with the worktree.
        assert look(file.parent / name) == was
    assert not (file.parent / ".fleet/work").exists() or not list(
        (file.parent / ".fleet/work").glob("*/*")
    )


def test_a_model_that_does_not_compile_is_left_as_it_was(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = file.parent / MODEL
    export = folder / "model/export.py"
    export.write_text(export.read_text() + "\nraise RuntimeError('the weights are gone')\n")
    commit(folder, "Broken")
    before = look(folder)
    told = fleet(capsys, "update", file, "--verify", "build")
    assert told.results == {RUNTIME: "updated", MODEL: "failed"}
    outcome = told.of(MODEL)
    assert outcome["reason"] == "build"
    assert "the weights are gone" in outcome["message"] + "".join(outcome["details"])
    assert outcome["mend"]
    assert look(folder) == before
