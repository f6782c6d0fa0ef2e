"""`make demo`: generate three plugins, build them, run two models over one runtime.

Everything goes through the front door: plain `copier copy` calls whose hooks compile and
build, then a host program that opens the built plugins as an app would. What a run has
made, the next run uses, unless the templates, the toolkit or the examples changed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tvmplug import files
from tvmplug.cli import report
from tvmplug.commands.new import one_line
from tvmplug.errors import BuildError, TvmplugError, UsageError
from tvmplug.output import say, stderr
from tvmplug.process import run

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "demo"
BUNDLE = FOLDER / "bundle" / "lib"
CACHE = ROOT / ".cache"
RUNTIME = "tvm_runtime_flutter"
EXAMPLES = {"g2p_flutter": "g2p", "vad_flutter": "vad"}
COPIER_COPY = ("copier", "copy", "--trust", "--defaults", "--vcs-ref=HEAD")
# What the plugins are made of: when none of it changed, they are not made again.
SOURCES = (
    "copier.yml",
    "examples/g2p",
    "examples/vad",
    "hooks",
    "questions",
    "src",
    "starters",
    "template-model",
    "template-runtime",
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
        prepare()
        host = build_host()
        _heading("Two models in one process")
        done = subprocess.run(
            [host, BUNDLE, args.words, args.sound], check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0:
            return done.returncode
        _show_refusal()
    except TvmplugError as error:
        return report(error)
    say("")
    say('Your own words and sound: make demo WORDS="hello flutterby" SOUND=recording.wav')
    say(f"The generated plugins: {FOLDER.relative_to(ROOT)}/")
    return 0


def prepare() -> None:
    """Make the plugins and put their libraries together, as far as that is not done.

    One process at a time: another one that wants them waits.
    """
    with files.locked(FOLDER, timeout_s=1800):
        _generate()


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


def copier_copy(destination: Path, *options: str | Path) -> None:
    """Generate a plugin with plain Copier; its hooks compile and build it."""
    run(
        [*COPIER_COPY, *options, ROOT, destination],
        env=_environment(),
        capture=False,
        timeout_s=1800,
    )


def _generate() -> None:
    """Make the runtime plugin and the two model plugins, unless what is there is of today."""
    stamp = FOLDER / ".made-from"
    made_from = _sources_hash()
    if stamp.is_file() and stamp.read_text() == made_from:
        say(f"Using the plugins in {FOLDER.relative_to(ROOT)}/ (nothing they are made of changed)")
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    _heading("1. The runtime plugin")
    copier_copy(FOLDER / RUNTIME, "-d", "kind=runtime")
    for number, (plugin, example) in enumerate(EXAMPLES.items(), start=2):
        _heading(f"{number}. The model plugin {plugin}")
        # The files an author would write; Copier keeps author-owned files that it finds.
        shutil.copytree(
            ROOT / "examples" / example,
            FOLDER / plugin,
            ignore=shutil.ignore_patterns("answers.yml", "*.wav"),
        )
        copier_copy(FOLDER / plugin, "--data-file", ROOT / "examples" / example / "answers.yml")
    for plugin in (RUNTIME, *EXAMPLES):
        if not _staged(plugin):
            raise BuildError(
                f"{plugin} was generated but not built: its hook says why above",
                mend="Mend that, then run `make demo` again",
            )
    _bundle()
    files.write_text(stamp, made_from)


def _bundle() -> None:
    """Put every plugin's libraries into one folder, as Flutter does for a Linux app."""
    BUNDLE.mkdir(parents=True)
    for plugin in (RUNTIME, *EXAMPLES):
        for library in _staged(plugin):
            shutil.copy2(library, BUNDLE)


def _staged(plugin: str) -> list[Path]:
    return sorted((FOLDER / plugin / "linux" / "lib" / "x64").glob("*.so"))


def _show_refusal() -> None:
    """Ask for a third plugin with a prefix that is taken, and show that it is refused."""
    third = FOLDER / "third_flutter"
    shutil.rmtree(third, ignore_errors=True)
    _heading("A third plugin asks for g2p_")
    asked = ["--quiet", "-d", "kind=model", "-d", "prefix=g2p_"]
    refused = run([*COPIER_COPY, *asked, ROOT, third], env=_environment(), check=False)
    if refused.returncode == 0 or third.exists():
        raise BuildError(f"{third.name} was generated although g2p_ is taken")
    say(_reason(refused.stderr))
    say(f"refused, exit status {refused.returncode}; no folder {third.name} was left behind")


def _reason(stderr: str) -> str:
    """The line that says why, out of what Copier and the hook printed."""
    lines = [line.strip() for line in stderr.splitlines() if "g2p_flutter" in line]
    return one_line(lines[0] if lines else stderr)


def _environment() -> dict[str, str]:
    """The environment of the Copier calls: this checkout's tools and caches, nothing else."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        # Crates that both plugins need are compiled once.
        "CARGO_TARGET_DIR": str(CACHE / "cargo" / "plugins"),
    }


def _sources_hash() -> str:
    parts = []
    for name in SOURCES:
        path = ROOT / name
        found = (
            files.sha256_file(path)
            if path.is_file()
            else files.sha256_tree(path, ignore=lambda part: part.name == "__pycache__")
        )
        parts.append(f"{name} {found}")
    return "\n".join(parts) + "\n"


def _heading(text: str) -> None:
    stderr.print(f"\n[bold]{text}[/]")


if __name__ == "__main__":
    sys.exit(main())
