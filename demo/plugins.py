"""Makes the plugins of the examples beside a runtime plugin, through the front door.

Plain `copier copy` calls, whose hooks compile and build. What a run has made, the next run uses,
unless the templates, the toolkit or the examples changed.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.errors import BuildError
from tvmplug.output import say, stderr
from tvmplug.process import run

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
RUNTIME = "tvm_runtime_flutter"
COPIER_COPY = ("copier", "copy", "--trust", "--defaults", "--vcs-ref=HEAD")
# What plugins are made of, beside their examples: when none of it changed, they are not made again.
_SOURCES = (
    "copier.yml",
    "hooks",
    "questions",
    "src",
    "starters",
    "template-model",
    "template-runtime",
)


@dataclass(frozen=True)
class PluginSet:
    """A runtime plugin and model plugins beside it.

    Attributes:
        folder: Where they are made.
        examples: The folder in `examples/` of each model plugin.
        limit_s: Seconds that the generation of one may take, its build included.
    """

    folder: Path
    examples: Mapping[str, str]
    limit_s: float = 1800

    @property
    def bundle(self) -> Path:
        """One folder with every plugin's libraries, as Flutter puts them together for Linux."""
        return self.folder / "bundle" / "lib"

    def prepare(self) -> None:
        """Make the plugins and put their libraries together, as far as that is not done.

        One process at a time: another one that wants them waits.

        Raises:
            BuildError: A plugin was generated but not built.
        """
        with files.locked(self.folder, timeout_s=self.limit_s):
            self._generate()

    def _generate(self) -> None:
        stamp = self.folder / ".made-from"
        made_from = self._sources_hash()
        shown = self.folder.relative_to(ROOT)
        if stamp.is_file() and stamp.read_text() == made_from:
            say(f"Using the plugins in {shown}/ (nothing they are made of changed)")
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        heading("1. The runtime plugin")
        copier_copy(self.folder / RUNTIME, "-d", "kind=runtime", limit_s=self.limit_s)
        for number, (plugin, example) in enumerate(self.examples.items(), start=2):
            heading(f"{number}. The model plugin {plugin}")
            # The files an author would write; Copier keeps author-owned files that it finds.
            source = ROOT / "examples" / example
            ignored = shutil.ignore_patterns("answers.yml", "*.wav", "__pycache__")
            shutil.copytree(source, self.folder / plugin, ignore=ignored)
            answers = ("--data-file", source / "answers.yml")
            copier_copy(self.folder / plugin, *answers, limit_s=self.limit_s)
        self.bundle.mkdir(parents=True)
        for plugin in (RUNTIME, *self.examples):
            libraries = sorted((self.folder / plugin / "linux" / "lib" / "x64").glob("*.so"))
            if not libraries:
                raise BuildError(
                    f"{plugin} was generated but not built: its hook says why above",
                    mend="Mend that, then run the command again",
                )
            for library in libraries:
                shutil.copy2(library, self.bundle)
        files.write_text(stamp, made_from)

    def _sources_hash(self) -> str:
        parts = []
        for name in sorted([*_SOURCES, *(f"examples/{each}" for each in self.examples.values())]):
            path = ROOT / name
            found = (
                files.sha256_file(path)
                if path.is_file()
                else files.sha256_tree(path, ignore=lambda part: part.name == "__pycache__")
            )
            parts.append(f"{name} {found}")
        return "\n".join(parts) + "\n"


def copier_copy(destination: Path, *options: str | Path, limit_s: float = 1800) -> None:
    """Generate a plugin with plain Copier; its hooks compile and build it."""
    run(
        [*COPIER_COPY, *options, ROOT, destination],
        env=environment(),
        capture=False,
        timeout_s=limit_s,
    )


def environment() -> dict[str, str]:
    """The environment of the Copier calls: this checkout's tools and caches, nothing else."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        # Crates that several plugins need are compiled once.
        "CARGO_TARGET_DIR": str(CACHE / "cargo" / "plugins"),
    }


def heading(text: str) -> None:
    """Say what comes next."""
    stderr.print(f"\n[bold]{text}[/]")
