"""`make demo-speech`: build a Flutter app for Linux with the two named plugins, and use it.

The app is `examples/speech_app`: charsiug2p_flutter reads a text, kokoro_flutter speaks its
phonemes, over one TVM runtime. Both are compiled through PyTorch, which their hooks install
(gigabytes), with random weights unless the examples' folders hold checkpoints.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from demo import window
from demo.plugins import ROOT, PluginSet
from tools import toolchain
from tools.display import Display
from tvmplug.cli import report
from tvmplug.errors import TvmplugError
from tvmplug.output import say, table

PLUGINS = PluginSet(
    folder=ROOT / "build" / "speech",
    examples={"charsiug2p_flutter": "charsiug2p", "kokoro_flutter": "kokoro"},
    limit_s=7200,  # PyTorch comes first
)
PROJECT = PLUGINS.folder / "speech_app"
SCREENSHOTS = PLUGINS.folder / "screenshots"
_OPENING_S = 120  # half a gigabyte of weights is unpacked
_SPEAKING_S = 300


@dataclass(frozen=True)
class Heard:
    """What the app showed of a text.

    Attributes:
        phonemes: Of charsiug2p_flutter.
        seconds: How long kokoro_flutter's sound of them lasts.
        loudest: The highest sample of that sound, without its sign.
    """

    phonemes: str
    seconds: float
    loudest: float


@dataclass(frozen=True)
class Seen:
    """What the app showed.

    Attributes:
        warning: What it said of the weights; empty when all are trained.
        heard: Of each text that was typed.
        runtimes: Files of TVM's runtime that the process had mapped.
        plugins: Files of the two plugins that the process had mapped.
    """

    warning: str
    heard: dict[str, Heard]
    runtimes: list[Path]
    plugins: list[Path]


def main() -> int:
    """Build the app, use it, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "texts", nargs="*", default=["Charsiu is a style of pork."], help="texts to type"
    )
    args = parser.parse_args()
    try:
        seen = drive(build(), args.texts)
    except TvmplugError as error:
        return report(error)
    _show(seen)
    return 0


def build() -> Path:
    """Build the app with the generated plugins; return its bundle.

    Raises:
        Unavailable: This machine cannot have Dart and Flutter.
        BuildError: A compiler failed.
    """
    return window.built(PROJECT, PLUGINS)


def drive(bundle: Path, texts: list[str]) -> Seen:
    """Start the app, type texts, and take screenshots.

    Args:
        bundle: What `build` returned.
        texts: For the field of the text; the last one is on the screenshots.

    Raises:
        ToolError: The app ended, or did not show something in time.
        BuildError: It holds another number of TVM runtimes than one.
    """
    window.empty(SCREENSHOTS)
    heard = {}
    with Display(toolchain.find_or_install_desktop(), [bundle, SCREENSHOTS]) as display:
        running = display.start(bundle / PROJECT.name, env={"SPEECH_APP_EVENTS": "1"})
        user = window.Person(display, running, SCREENSHOTS)
        opened = user.sees("opened", timeout_s=_OPENING_S)
        user.looks("opened")
        for text in texts:
            spoken = user.enters(text, "spoken", timeout_s=_SPEAKING_S)
            heard[text] = Heard(spoken["phonemes"], spoken["seconds"], spoken["loudest"])
        user.looks("spoken")
        mapped = running.mapped_libraries()
    return Seen(
        warning=opened["warning"],
        heard=heard,
        runtimes=window.runtimes(mapped),
        plugins=[path for path in mapped if path.name.endswith("_flutter.so")],
    )


def _show(seen: Seen) -> None:
    rows = [[text, each.phonemes, f"{each.seconds:.2f} s"] for text, each in seen.heard.items()]
    table("Typed", ["text", "phonemes", "sound"], rows)
    if seen.warning:
        say(seen.warning)
    say(f"Plugins in the process: {', '.join(path.name for path in seen.plugins)}")
    say(f"TVM runtimes in the process: {len(seen.runtimes)}")
    window.say_pictures(SCREENSHOTS)


if __name__ == "__main__":
    sys.exit(main())
