"""All Dart that is generated or shipped as an example: formatted, free of lints, and tested."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from copier import run_copy
from plumbum import local

from tests.templates.conftest import PARTS
from tests.templates.matrix import variants
from tools import checks, flutter_test
from tools.packages import write_config
from tools.toolchain import Toolchain

ROOT = Path(__file__).parents[2]
RUNTIME = "tvm_runtime_flutter"
MODELS = ("model-short-name", "model-long-name", "model-torch-git-Apache-2.0")
DART_BLOCK = re.compile(r"^```dart\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def generated(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime plugin and model plugins of odd names and origins, side by side."""
    folder = tmp_path_factory.mktemp("generated")
    template = folder / "template"
    template.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "target")
            shutil.copytree(source, template / part, ignore=ignored)
        else:
            shutil.copy2(source, template / part)
    answers = variants()
    # Copier's tasks get plumbum's environment.
    with local.env(TVMPLUG_SKIP_HOOKS="1"):
        for place, variant in ((RUNTIME, "runtime-MIT"), *zip(MODELS, MODELS, strict=True)):
            run_copy(
                str(template), folder / place, data=answers[variant], defaults=True, unsafe=True,
                quiet=True,
            )  # fmt: skip
    for variant in MODELS:
        plugin = folder / variant
        for number, block in enumerate(DART_BLOCK.findall((plugin / "README.md").read_text())):
            (plugin / "test" / f"readme_{number}.dart").write_text(block)
        for project in (plugin, plugin / "example"):
            write_config(project, toolchain, {RUNTIME: folder / RUNTIME})
    write_config(folder / RUNTIME, toolchain)
    return folder


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


def test_generated_plugins_and_their_readmes_are_formatted_and_have_no_lints(
    generated: Path, toolchain: Toolchain
) -> None:
    readmes = [block for model in MODELS for block in (generated / model).glob("test/readme_*")]
    assert len(readmes) >= len(MODELS)
    check(toolchain, *(generated / place for place in (RUNTIME, *MODELS)))


@pytest.mark.parametrize("variant", ["model-short-name", "model-long-name"])
def test_an_example_app_works_before_anything_is_built(
    variant: str, generated: Path, toolchain: Toolchain
) -> None:
    done = flutter_test.run(toolchain, generated / variant / "example", resolve=False)
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
