"""All Dart that is generated or shipped as an example: formatted, free of lints, and tested."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.templates.conftest import isolated, render, template
from tests.templates.matrix import is_bridged, variants
from tools import checks, flutter_test
from tools.packages import write_config
from tools.toolchain import Toolchain
from tvmplug import files
from tvmplug.manifest import read_manifest

__all__ = ["isolated", "template"]  # fixtures of the templates' tests

ROOT = Path(__file__).parents[2]
RUNTIME = "tvm_runtime_flutter"
VARIANTS = {name: answers for name, answers in variants().items() if not is_bridged(name)}
DART_BLOCK = re.compile(r"^```dart\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Generated:
    """Every variant of the templates, in `folder/VARIANT/plugin`, with resolved dependencies.

    Those over flutter_rust_bridge are left to tests/templates/test_bridge.py: its Dart package is
    on pub.dev alone.

    Attributes:
        folder: That folder.
        distinct: The plugins and example apps; those with the same Dart once.
        readmes: How many blocks of Dart their READMEs have.
    """

    folder: Path
    distinct: list[Path]
    readmes: int


@pytest.fixture(scope="module")
def generated(
    toolchain: Toolchain, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Generated:
    """All variants, each with the Dart of its README as files beside its tests."""
    folder = tmp_path_factory.mktemp("variants")
    distinct: dict[str, Path] = {}
    readmes = 0
    runtime = folder / RUNTIME
    render(template, runtime, kind="runtime")
    for name, answers in VARIANTS.items():
        plugin = render(template, folder / name / "plugin", **answers)
        # Where a dependency by path looks for it.
        (folder / name / RUNTIME).symlink_to(runtime)
        for number, block in enumerate(DART_BLOCK.findall((plugin / "README.md").read_text())):
            (plugin / "test" / f"readme_{number}.dart").write_text(block)
            readmes += 1
        places = {RUNTIME: plugin if read_manifest(plugin).name == RUNTIME else runtime}
        for project in (plugin, plugin / "example"):
            if not project.is_dir():
                continue
            # pub sees every variant: the dependencies differ where the Dart does not.
            write_config(project, toolchain, places)
            distinct.setdefault(_dart_of(project), project)
    return Generated(folder, list(distinct.values()), readmes)


def _dart_of(project: Path) -> str:
    def other(part: Path) -> bool:
        return bool(part.suffix) and part.suffix not in (".dart", ".yaml")

    parts = [files.sha256_tree(project / part, ignore=other) for part in ("lib", "test")]
    return " ".join([*parts, files.sha256_file(project / "analysis_options.yaml")])


@pytest.fixture(scope="module")
def demo_app(plugins: Path, toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo app's sources, beside the built plugins."""
    folder = tmp_path_factory.mktemp("apps") / "demo_app"
    generated = shutil.ignore_patterns("build", ".dart_tool", "ephemeral", "generated_*")
    shutil.copytree(ROOT / "examples" / "demo_app", folder, ignore=generated)
    for name in (RUNTIME, "g2p_flutter", "vad_flutter"):
        (folder.parent / name).symlink_to(plugins / name)
    write_config(folder, toolchain)
    return folder


def check(toolchain: Toolchain, *projects: Path) -> None:
    found = checks.analyze(toolchain, projects, resolve=False)
    assert found.ok, found.output
    found = checks.format_check(toolchain, projects)
    assert found.ok, found.output


def test_generated_dart_and_that_of_the_readmes_is_formatted_and_has_no_lints(
    generated: Generated, toolchain: Toolchain
) -> None:
    assert len(generated.distinct) > 3
    assert generated.readmes == sum(answers["kind"] == "model" for answers in VARIANTS.values())
    check(toolchain, *generated.distinct)


@pytest.mark.parametrize("variant", ["model-short-name", "model-long-name"])
def test_an_example_app_works_before_anything_is_built(
    variant: str, generated: Generated, toolchain: Toolchain
) -> None:
    example = generated.folder / variant / "plugin" / "example"
    done = flutter_test.run(toolchain, example, resolve=False)
    assert done.ok, done.explain()
    assert [test.name for test in done.skips] == [
        "every component runs (variant: TargetPlatform.linux)"
    ]


@pytest.mark.parametrize("plugin", ["g2p_flutter", "vad_flutter"])
def test_an_example_app_runs_every_component_of_a_real_plugin(
    plugin: str, plugins: Path, toolchain: Toolchain
) -> None:
    env = {"LD_LIBRARY_PATH": str(plugins / "bundle" / "lib")}
    done = flutter_test.run(toolchain, plugins / plugin / "example", env=env)
    assert done.ok, done.explain()
    assert "every component runs (variant: TargetPlatform.linux)" in [
        test.name for test in done.tests if test.outcome is flutter_test.Outcome.PASSED
    ]


def test_the_demo_app_is_formatted_and_has_no_lints(demo_app: Path, toolchain: Toolchain) -> None:
    check(toolchain, demo_app)


def test_the_demo_apps_own_tests_pass(demo_app: Path, toolchain: Toolchain) -> None:
    done = flutter_test.run(toolchain, demo_app, resolve=False)
    assert done.ok, done.explain()
    assert done.skipped == 0
