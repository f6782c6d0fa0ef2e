"""The tutorial does what it says, from its first command to the app's window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.docs.pages import ROOT, blocks_of
from tests.docs.running import Reader
from tools import checks, toolchain
from tools.display import Display

pytestmark = pytest.mark.slow

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
