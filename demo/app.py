"""`make demo-app`: build a Flutter app for Linux with both plugins, and use it as a person would.

The app is `examples/demo_app`, put beside the generated plugins. It is built ahead of time, started
on a screen of its own, typed into and clicked; what it shows is read from the lines that it prints
when it is driven, and saved as screenshots.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.run import FOLDER, ROOT, prepare
from tools import app, toolchain
from tools.display import App, Display
from tvmplug.cli import report
from tvmplug.errors import BuildError, TvmplugError
from tvmplug.output import say, table

SOURCE = ROOT / "examples" / "demo_app"
PROJECT = FOLDER / "demo_app"
SCREENSHOTS = FOLDER / "screenshots"
# What builds leave in the project: kept when its sources are copied anew.
_KEPT = ("build", ".dart_tool")


@dataclass(frozen=True)
class Seen:
    """What the app showed.

    Attributes:
        phonemes: Of each word that was typed.
        refusal: What it said of a word that the model does not take.
        segments: Stretches of speech in the clip, in samples: first, and first after it.
        stopped_after: Chunks that were heard when the listening was stopped by a key.
        heard: Chunks that were heard when it was not.
        runtimes: Files of TVM's runtime that the process had mapped.
        plugins: The prefix of each plugin in the process.
        tvm: The version of TVM that the app named.
    """

    phonemes: dict[str, list[str]]
    refusal: str
    segments: list[tuple[int, int]]
    stopped_after: int
    heard: int
    runtimes: list[Path]
    plugins: dict[str, str]
    tvm: str


def main() -> int:
    """Build the app, use it, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", default="tvm kokoro flutterby", help="words to type")
    args = parser.parse_args()
    try:
        seen = drive(build(), args.words.split())
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
    tools, desktop = toolchain.find_or_install(), toolchain.find_or_install_desktop()
    prepare()
    _copy_sources()
    return app.build(tools, desktop, PROJECT)


def drive(bundle: Path, words: list[str]) -> Seen:
    """Start the app, type words, find speech, listen, and take screenshots.

    Args:
        bundle: What `build` returned.
        words: For the field of words; the last one is on the screenshots.

    Raises:
        ToolError: The app ended, or did not show something in time.
        BuildError: It holds another number of TVM runtimes than one.
    """
    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    SCREENSHOTS.mkdir(parents=True)
    desktop = toolchain.find_or_install_desktop()
    with Display(desktop, [bundle, SCREENSHOTS]) as display:
        running = display.start(bundle / PROJECT.name, env={"DEMO_APP_EVENTS": "1"})
        user = _User(display, running)
        runtime = user.sees("runtime")
        refusal = user.enters("two words", "problem")["text"]
        user.looks("a_word_that_is_refused")
        phonemes = {word: user.enters(word, "phonemes")["phonemes"] for word in words}
        display.key("ctrl+r")
        segments = [(start, end) for start, end in user.sees("segments")["segments"]]
        user.looks("light")
        display.key("ctrl+d")
        user.sees("theme")
        display.wait_for_brightness(0, 0.3)
        user.looks("dark")
        display.key("ctrl+l")
        user.sees("listening")
        user.looks("listening")
        display.key("Escape")
        stopped = user.sees("heard")
        display.key("ctrl+l")
        heard = user.sees("heard")
        mapped = running.mapped_libraries()
    runtimes = [path for path in mapped if path.name.startswith("libtvm_runtime")]
    if len(runtimes) != 1:
        raise BuildError(f"the app holds {len(runtimes)} TVM runtimes instead of one: {runtimes}")
    return Seen(
        phonemes=phonemes,
        refusal=refusal,
        segments=segments,
        stopped_after=stopped["chunks"],
        heard=heard["chunks"],
        runtimes=runtimes,
        plugins=runtime["plugins"],
        tvm=runtime["tvm"],
    )


class _User:
    """Someone at the keyboard, who looks at one thing after the other."""

    def __init__(self, display: Display, running: App) -> None:
        self._display = display
        self._running = running
        self._looked_at = 0

    def enters(self, word: str, then: str) -> dict[str, Any]:
        """Type a word instead of what the field holds; wait for what comes of it."""
        self._display.key("ctrl+k", "ctrl+a")
        self._display.type(word)
        self._display.key("Return")
        return self.sees(then)

    def sees(self, event: str) -> dict[str, Any]:
        """Wait until the app shows something that it did not show before."""
        line = self._running.wait_for_line(f'"event":"{event}"', after=self._looked_at)
        self._looked_at = self._running.lines().index(line, self._looked_at) + 1
        found: dict[str, Any] = json.loads(line)
        return found

    def looks(self, name: str) -> None:
        """Save what is on the screen, once it holds still."""
        self._display.settle()
        self._display.screenshot(SCREENSHOTS / f"{name}.png")


def _copy_sources() -> None:
    """Put the app beside the plugins, and keep what was built of it."""
    PROJECT.mkdir(parents=True, exist_ok=True)
    for path in PROJECT.iterdir():
        if path.name not in _KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    ignored = shutil.ignore_patterns(*_KEPT)
    shutil.copytree(SOURCE, PROJECT, ignore=ignored, dirs_exist_ok=True)


def _show(seen: Seen) -> None:
    table("Typed", ["word", "phonemes"], [[w, " ".join(p)] for w, p in seen.phonemes.items()])
    seconds = [[f"{start / 16000:.2f} s", f"{end / 16000:.2f} s"] for start, end in seen.segments]
    table("Speech in the clip", ["from", "to"], seconds)
    table("Plugins in the process", ["plugin", "prefix"], [[n, p] for n, p in seen.plugins.items()])
    say(f"Listening was stopped after {seen.stopped_after} chunks, then heard all {seen.heard}.")
    say(f"Refused: {seen.refusal}")
    say(f"TVM runtimes in the process: {len(seen.runtimes)} (TVM {seen.tvm})")
    say("Screenshots:")
    for picture in sorted(SCREENSHOTS.glob("*.png")):
        say(f"  {picture.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
