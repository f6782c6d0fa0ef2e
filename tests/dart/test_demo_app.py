"""The demo app, built by Flutter's own steps and used through its window: `make demo-app`."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from demo import app as demo_app
from demo.app import SCREENSHOTS, Seen
from tools.toolchain import Desktop, Toolchain

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.demo]


@pytest.fixture(scope="module")
def bundle(toolchain: Toolchain, desktop: Desktop) -> Path:
    """The app's bundle, built from this checkout."""
    return demo_app.build()


@pytest.fixture(scope="module")
def seen(bundle: Path) -> Seen:
    """What the app showed to someone at the keyboard."""
    return demo_app.drive(bundle, ["cat", "flutterby"])


def test_words_that_are_typed_become_phonemes(seen: Seen) -> None:
    assert seen.phonemes["cat"] == ["K", "AE1", "T"]
    assert seen.phonemes["flutterby"][:3] == ["F", "L", "AH1"]


def test_a_word_that_the_model_does_not_take_is_refused_in_words(seen: Seen) -> None:
    assert "not a letter that the model knows" in seen.refusal
    assert "Pass one word at a time" in seen.refusal


def test_the_speech_in_the_clip_is_found(seen: Seen) -> None:
    with wave.open(str(ROOT / "examples" / "vad" / "speech.wav")) as clip:
        samples = clip.getnframes()
    assert len(seen.segments) == 2
    assert all(0 <= start < end <= samples for start, end in seen.segments)
    assert seen.heard == -(-samples // 512)


def test_listening_stops_when_asked_to(seen: Seen) -> None:
    assert seen.stopped_after < seen.heard


def test_the_app_holds_one_runtime_and_both_plugins(seen: Seen, bundle: Path) -> None:
    assert [path.name for path in seen.runtimes] == ["libtvm_runtime.so"]
    assert seen.plugins == {"g2p_flutter": "g2p_", "vad_flutter": "vad_"}
    assert seen.tvm.startswith("0.27.")
    assert [path.name for path in sorted(bundle.rglob("lib*tvm*"))] == [
        "libtvm_ffi.so",
        "libtvm_runtime.so",
    ]


def test_the_bundle_holds_each_plugins_library_once(bundle: Path) -> None:
    plugins = sorted(path.name for path in bundle.rglob("*_flutter.so"))
    assert plugins == ["libg2p_flutter.so", "libvad_flutter.so"]


@pytest.mark.parametrize("name", ["light", "dark", "listening", "a_word_that_is_refused"])
def test_screenshots_show_something(seen: Seen, name: str) -> None:
    with Image.open(SCREENSHOTS / f"{name}.png") as picture:
        assert picture.size == (1280, 800)
        assert len(picture.convert("RGB").getcolors(1 << 20) or ()) > 100


def test_the_dark_theme_is_darker(seen: Seen) -> None:
    assert _brightness(SCREENSHOTS / "dark.png") < 64
    assert _brightness(SCREENSHOTS / "light.png") > 192


def _brightness(path: Path) -> float:
    """From 0 to 255, in the middle of the picture's pixels."""
    with Image.open(path) as picture:
        return ImageStat.Stat(picture.convert("L")).median[0]
