"""Every variant of both templates: formatted, and without a lint, whatever the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.templates.conftest import isolated, render, template
from tests.templates.matrix import variants
from tools import checks
from tools.packages import write_config
from tools.toolchain import Toolchain
from tvmplug import files
from tvmplug.manifest import read_manifest

__all__ = ["isolated", "template"]  # fixtures of the templates' tests

RUNTIME = "tvm_runtime_flutter"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def projects(
    toolchain: Toolchain, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """The plugins and example apps of all variants, resolved; those with the same Dart once."""
    folder = tmp_path_factory.mktemp("variants")
    found: dict[str, Path] = {}
    runtime = folder / RUNTIME
    render(template, runtime, kind="runtime")
    for name, answers in variants().items():
        plugin = render(template, folder / name / "plugin", **answers)
        # Where a dependency by path looks for it.
        (folder / name / RUNTIME).symlink_to(runtime)
        places = {RUNTIME: plugin if read_manifest(plugin).name == RUNTIME else runtime}
        for project in (plugin, plugin / "example"):
            if not project.is_dir():
                continue
            # pub sees every variant: the dependencies differ where the Dart does not.
            write_config(project, toolchain, places)
            found.setdefault(_dart_of(project), project)
    return list(found.values())


def _dart_of(project: Path) -> str:
    def other(part: Path) -> bool:
        return bool(part.suffix) and part.suffix not in (".dart", ".yaml")

    parts = [files.sha256_tree(project / part, ignore=other) for part in ("lib", "test")]
    return " ".join([*parts, files.sha256_file(project / "analysis_options.yaml")])


def test_all_dart_is_formatted(toolchain: Toolchain, projects: list[Path]) -> None:
    found = checks.format_check(toolchain, projects)
    assert found.ok, found.output


def test_the_analyzer_has_nothing_to_say(toolchain: Toolchain, projects: list[Path]) -> None:
    assert len(projects) > 3
    found = checks.analyze(toolchain, projects, resolve=False)
    assert found.ok, found.output
