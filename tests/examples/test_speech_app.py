"""The app of both named plugins: formatted, free of lints, its own tests pass, and it speaks.

All but the last needs no built plugins: the app's own tests stand in for the models. The app with
both models is in `make test-models`, since they need PyTorch to be built.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))

from dart_here import dart
from example_plugins import ROOT, generate_all

from demo import speech
from demo.speech import Seen
from tools import checks, flutter_test
from tools.packages import write_config
from tools.toolchain import Toolchain

EXAMPLES = speech.PLUGINS.examples
MISSING = [name for name in EXAMPLES.values() if not (ROOT / "examples" / name).is_dir()]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"no examples/{' and '.join(MISSING)} here"),
]


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return dart()


@pytest.fixture(scope="module")
def app(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app's sources beside the plugins."""
    folder = tmp_path_factory.mktemp("speech")
    generate_all(folder, EXAMPLES)
    made = shutil.ignore_patterns("build", ".dart_tool", "ephemeral", "generated_*")
    shutil.copytree(ROOT / "examples" / "speech_app", folder / "speech_app", ignore=made)
    write_config(folder / "speech_app", toolchain)
    return folder / "speech_app"


def test_the_app_is_formatted_and_has_no_lints(app: Path, toolchain: Toolchain) -> None:
    found = checks.analyze(toolchain, [app], resolve=False)
    assert found.ok, found.output
    found = checks.format_check(toolchain, [app])
    assert found.ok, found.output


def test_the_apps_own_tests_pass(app: Path, toolchain: Toolchain) -> None:
    done = flutter_test.run(toolchain, app, resolve=False)
    assert done.ok, done.explain()
    assert len(done.tests) >= 11


@pytest.fixture(scope="module")
def seen(toolchain: Toolchain) -> Seen:
    """What the app showed of two texts."""
    assert toolchain
    return speech.drive(speech.build(), ["Charsiu is a style of pork.", "a"])


@pytest.mark.models
class TestUsed:
    """The app as `make demo-speech` builds and uses it."""

    def test_phonemes_of_the_first_plugin_are_spoken_by_the_second(self, seen: Seen) -> None:
        sentence, letter = seen.heard.values()
        assert len(sentence.phonemes.split()) >= 6
        assert sentence.phonemes != letter.phonemes
        assert all(each.seconds > 0.1 and each.loudest > 0.01 for each in seen.heard.values())
        assert sentence.seconds != letter.seconds

    def test_random_weights_are_called_random(self, seen: Seen) -> None:
        assert seen.warning == "Both models have random weights: noises, not speech."

    def test_it_holds_one_runtime_and_both_plugins(self, seen: Seen) -> None:
        assert [path.name for path in seen.runtimes] == ["libtvm_runtime.so"]
        assert [path.name for path in seen.plugins] == [f"lib{name}.so" for name in EXAMPLES]

    @pytest.mark.parametrize("name", ["opened", "spoken"])
    def test_screenshots_show_something(self, seen: Seen, name: str) -> None:
        assert seen
        with Image.open(speech.SCREENSHOTS / f"{name}.png") as picture:
            assert picture.size == (1280, 800)
            assert len(picture.convert("RGB").getcolors(1 << 20) or ()) > 100
