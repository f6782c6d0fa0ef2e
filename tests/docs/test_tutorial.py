"""The tutorial does what it says, from its first command to the app's window."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from ruamel.yaml import YAML

from tests.docs.pages import ROOT, blocks_of
from tests.docs.running import Reader
from tests.docs.validating import problems
from tools import checks, toolchain
from tools.display import Display

# The first of them does the whole tutorial.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

BUNDLE = "example/build/linux/x64/release/bundle"


def test_every_command_prints_what_the_page_shows(tutorial: Reader) -> None:
    page = [each for each in blocks_of(ROOT / "docs" / "tutorial.md") if each.reason is None]
    assert list(tutorial.printed) == [
        each.place for each in page if each.is_command and each.title is None
    ]


def test_the_code_on_the_page_is_formatted_and_has_no_lints(tutorial: Reader) -> None:
    tools = toolchain.find_or_install()
    plugin = tutorial.folder / "tuner_flutter"
    for found in (
        checks.analyze(tools, [plugin, plugin / "example"]),
        checks.format_check(tools, [plugin / "lib", plugin / "test", plugin / "example" / "lib"]),
    ):
        assert found.ok, found.output
    tutorial.shell(f"cargo fmt --check --manifest-path {plugin}/rust/Cargo.toml")
    tutorial.shell(f"ruff check --quiet {plugin}/model {tutorial.folder}/make_tuner.py")


def test_what_was_made_on_the_way_is_valid_by_its_schema(tutorial: Reader) -> None:
    tutorial.shell(f"cd {tutorial.folder} && tvmplug fleet init")
    plugin = tutorial.folder / "tuner_flutter"
    made = {
        "system_lib": json.loads(
            (plugin / "build" / "tvmplug" / "linux-x64" / "system_lib.json").read_text()
        ),
        "tvm_plugin": _yaml(plugin / "tvm_plugin.yaml"),
        "tvm_plugins": _yaml(tutorial.folder / "tvm_runtime_flutter" / "tvm_plugins.yaml"),
        "fleet": _yaml(tutorial.folder / "fleet.yaml"),
    }
    assert made["tvm_plugins"]["plugins"]["tuner_flutter"] == {"prefix": "tuner_"}
    for name, document in made.items():
        assert problems(name, document) == [], name


def _yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


def test_the_app_of_the_tutorial_names_the_note(tutorial: Reader, tmp_path: Path) -> None:
    bundle = tutorial.folder / "tuner_flutter" / BUNDLE
    with Display(
        toolchain.find_or_install_desktop(), [bundle, tmp_path], width=900, height=560
    ) as display:
        running = display.start(bundle / "tuner_flutter_example")
        display.settle()
        display.screenshot(tmp_path / "before.png")
        display.key("Tab", "Return")  # the first button: the deepest string
        display.settle()
        display.screenshot(tmp_path / "after.png")
        mapped = {path.name for path in running.mapped_libraries()}
    assert {"libtuner_flutter.so", "libtvm_runtime.so"} <= mapped
    with Image.open(tmp_path / "before.png") as before, Image.open(tmp_path / "after.png") as after:
        assert before.tobytes() != after.tobytes()
