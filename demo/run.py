"""`make demo`: generate three plugins, build them, run two models over one runtime.

Everything goes through the front door: plain `copier copy` calls whose hooks compile and
build, then a host program that opens the built plugins as an app would.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from demo.plugins import CACHE, COPIER_COPY, ROOT, PluginSet, environment, heading
from tvmplug.cli import report
from tvmplug.commands.new import one_line
from tvmplug.errors import BuildError, TvmplugError, UsageError
from tvmplug.output import say
from tvmplug.process import run

PLUGINS = PluginSet(
    folder=ROOT / "build" / "demo", examples={"g2p_flutter": "g2p", "vad_flutter": "vad"}
)


def main() -> int:
    """Run the demo on the words and the sound file of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", required=True, help="words to turn into phonemes")
    parser.add_argument("--sound", required=True, type=Path, help="a WAV file to find speech in")
    args = parser.parse_args()
    try:
        if not args.sound.is_file():
            raise UsageError(
                f"there is no sound file {args.sound}", mend='Name one: make demo SOUND="my.wav"'
            )
        PLUGINS.prepare()
        host = build_host()
        heading("Two models in one process")
        done = subprocess.run(
            [host, PLUGINS.bundle, args.words, args.sound], check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0:
            return done.returncode
        _show_refusal()
    except TvmplugError as error:
        return report(error)
    say("")
    say('Your own words and sound: make demo WORDS="hello flutterby" SOUND=recording.wav')
    say(f"The generated plugins: {PLUGINS.folder.relative_to(ROOT)}/")
    return 0


def build_host() -> Path:
    """Build the host programs; return the path of the one that shows."""
    target = CACHE / "cargo" / "host"
    run(
        ["cargo", "build", "--release", "--quiet"],
        cwd=ROOT / "demo" / "host",
        env={"CARGO_TARGET_DIR": str(target)},
        capture=False,
    )
    return target / "release" / "host"


def _show_refusal() -> None:
    """Ask for a third plugin with a prefix that is taken, and show that it is refused."""
    third = PLUGINS.folder / "third_flutter"
    shutil.rmtree(third, ignore_errors=True)
    heading("A third plugin asks for g2p_")
    asked = ["--quiet", "-d", "kind=model", "-d", "prefix=g2p_"]
    refused = run([*COPIER_COPY, *asked, ROOT, third], env=environment(), check=False)
    if refused.returncode == 0 or third.exists():
        raise BuildError(f"{third.name} was generated although g2p_ is taken")
    say(_reason(refused.stderr))
    say(f"refused, exit status {refused.returncode}; no folder {third.name} was left behind")


def _reason(stderr: str) -> str:
    """The line that says why, out of what Copier and the hook printed."""
    lines = [line.strip() for line in stderr.splitlines() if "g2p_flutter" in line]
    return one_line(lines[0] if lines else stderr)


if __name__ == "__main__":
    sys.exit(main())
