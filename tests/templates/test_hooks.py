"""The hooks: when they run, what they are given, and what their failure does to a plugin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from plumbum import local

from .conftest import commit, git, render


class Toolkit:
    """A program in the toolkit's place that records how it is called and exits as told."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "toolkit"
        self.log = folder / "calls"
        self.exits_with(0)

    def exits_with(self, code: int) -> None:
        self.path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{self.log}"\nexit {code}\n')
        self.path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def toolkit(tmp_path: Path) -> Toolkit:
    return Toolkit(tmp_path)


def copier(toolkit: Toolkit, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Copier's command line with the hooks on."""
    environment = {name: value for name, value in local.env.items() if name != "TVMPLUG_SKIP_HOOKS"}
    return subprocess.run(
        [sys.executable, "-m", "copier", *map(str, arguments)],
        env={**environment, "TVMPLUG_TOOLKIT_PYTHON": str(toolkit.path)},
        check=False, capture_output=True, text=True,
    )  # fmt: skip


def call(event: str, folder: Path) -> str:
    return f"-m tvmplug hook {event} --project {folder}"


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["g2p_flutter", 'it\'s a "strange" $HOME; folder'])
def test_hooks_run_once_after_a_copy_and_once_after_an_update(
    own_template: Path, tmp_path: Path, toolkit: Toolkit, folder: str
) -> None:
    place = tmp_path / folder
    options = ["--trust", "--defaults", "--quiet"]
    name = ["--data", "plugin_name=g2p_flutter"]
    done = copier(toolkit, "copy", *options, *name, own_template, place)
    assert done.returncode == 0, done.stderr
    assert toolkit.calls == [call("copy", place)]

    git(place, "init", "--quiet")
    commit(place, "Generated")
    commit(own_template, "Second release", tag="v0.2.0")
    done = copier(toolkit, "update", *options, place)
    assert done.returncode == 0, done.stderr
    assert toolkit.calls == [call("copy", place), call("update", place)]


@pytest.mark.slow
def test_a_prefix_that_cannot_be_had_undoes_the_generation(
    template: Path, tmp_path: Path, toolkit: Toolkit
) -> None:
    toolkit.exits_with(4)
    place = tmp_path / "g2p_flutter"
    done = copier(toolkit, "copy", "--trust", "--defaults", "--quiet", template, place)
    assert done.returncode != 0
    assert toolkit.calls == [call("copy", place)]
    assert not place.exists()


@pytest.mark.slow
@pytest.mark.parametrize("code", [2, 9, 10, 130])
def test_any_other_failure_leaves_the_plugin_whole_and_says_how_to_finish(
    template: Path, tmp_path: Path, toolkit: Toolkit, code: int
) -> None:
    toolkit.exits_with(code)
    place = tmp_path / "g2p_flutter"
    done = copier(toolkit, "copy", "--trust", "--defaults", "--quiet", template, place)
    assert done.returncode == 0
    assert (place / "tvm_plugin.yaml").is_file()
    assert "build --project" in done.stderr


@pytest.mark.slow
def test_hooks_can_be_skipped(template: Path, tmp_path: Path, toolkit: Toolkit) -> None:
    with local.env(TVMPLUG_TOOLKIT_PYTHON=str(toolkit.path)):
        render(template, tmp_path / "g2p_flutter")  # the fixture sets TVMPLUG_SKIP_HOOKS=1
    assert toolkit.calls == []


@pytest.mark.slow
def test_an_update_goes_through_when_its_hook_fails(
    own_template: Path, tmp_path: Path, toolkit: Toolkit
) -> None:
    place = render(own_template, tmp_path / "g2p_flutter", ref="v0.1.0")
    git(place, "init", "--quiet")
    commit(place, "Generated")
    commit(own_template, "Second release", tag="v0.2.0")
    toolkit.exits_with(4)
    done = copier(toolkit, "update", "--trust", "--defaults", place)
    assert done.returncode == 0, done.stderr
    assert "_commit: v0.2.0" in (place / ".copier-answers.yml").read_text()
