"""`make demo-app`: build a Flutter app for Linux with both plugins, and use it as a person would.

The app is `examples/demo_app`, put beside the generated plugins. It is built ahead of time, started
on a screen of its own, typed into and clicked; what it shows is read from the lines that it prints
when it is driven, and saved as screenshots.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from demo import window
from demo.run import PLUGINS
from tools import toolchain
from tools.display import Display
from tvmplug.cli import report
from tvmplug.errors import TvmplugError
from tvmplug.output import say, table

PROJECT = PLUGINS.folder / "demo_app"
SCREENSHOTS = PLUGINS.folder / "screenshots"


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
    return window.built(PROJECT, PLUGINS)


def drive(bundle: Path, words: list[str]) -> Seen:
    """Start the app, type words, find speech, listen, and take screenshots.

    Args:
        bundle: What `build` returned.
        words: For the field of words; the last one is on the screenshots.

    Raises:
        ToolError: The app ended, or did not show something in time.
        BuildError: It holds another number of TVM runtimes than one.
    """
    window.empty(SCREENSHOTS)
    desktop = toolchain.find_or_install_desktop()
    with Display(desktop, [bundle, SCREENSHOTS]) as display:
        running = display.start(bundle / PROJECT.name, env={"DEMO_APP_EVENTS": "1"})
        user = window.Person(display, running, SCREENSHOTS)
        runtime = user.sees("runtime")
        user.presses("ctrl+k")
        refusal = user.enters("two words", "problem")["text"]
        user.looks("a_word_that_is_refused")
        phonemes = {}
        for word in words:
            user.presses("ctrl+k")
            phonemes[word] = user.enters(word, "phonemes")["phonemes"]
        user.presses("ctrl+r")
        segments = [(start, end) for start, end in user.sees("segments")["segments"]]
        user.looks("light")
        user.presses("ctrl+d")
        user.sees("theme")
        display.wait_for_brightness(0, 0.3)
        user.looks("dark")
        user.presses("ctrl+l")
        user.sees("listening")
        user.looks("listening")
        user.presses("Escape")
        stopped = user.sees("heard")
        user.presses("ctrl+l")
        heard = user.sees("heard")
        mapped = running.mapped_libraries()
    return Seen(
        phonemes=phonemes,
        refusal=refusal,
        segments=segments,
        stopped_after=stopped["chunks"],
        heard=heard["chunks"],
        runtimes=window.runtimes(mapped),
        plugins=runtime["plugins"],
        tvm=runtime["tvm"],
    )


def _show(seen: Seen) -> None:
    table("Typed", ["word", "phonemes"], [[w, " ".join(p)] for w, p in seen.phonemes.items()])
    seconds = [[f"{start / 16000:.2f} s", f"{end / 16000:.2f} s"] for start, end in seen.segments]
    table("Speech in the clip", ["from", "to"], seconds)
    table("Plugins in the process", ["plugin", "prefix"], [[n, p] for n, p in seen.plugins.items()])
    say(f"Listening was stopped after {seen.stopped_after} chunks, then heard all {seen.heard}.")
    say(f"Refused: {seen.refusal}")
    say(f"TVM runtimes in the process: {len(seen.runtimes)} (TVM {seen.tvm})")
    window.say_pictures(SCREENSHOTS)


if __name__ == "__main__":
    sys.exit(main())
