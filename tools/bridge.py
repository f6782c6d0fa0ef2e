"""flutter_rust_bridge's code generator, for the tests of plugins whose calls go over the bridge.

It comes from crates.io in the pinned version, compiled once.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.apt import Unavailable
from tools.install import made_once
from tools.toolchain import Toolchain, environment, places
from tvmplug import files
from tvmplug.build.bridge import GENERATOR
from tvmplug.errors import ProcessError
from tvmplug.output import progress
from tvmplug.pins import PINS
from tvmplug.process import run

_WHAT = "flutter_rust_bridge's code generator"
_TIMEOUT_S = 3600


@dataclass(frozen=True)
class Bridge:
    """The code generator.

    Attributes:
        program: Its command.
    """

    program: Path

    def environment(self, toolchain: Toolchain, work: Path) -> dict[str, str]:
        """Variables with which a build finds the generator, and the programs that it calls.

        Debian has Flutter's packages and no `flutter` command. The generator asks it for its
        version and for nothing else: Dart answers.

        Args:
            toolchain: Dart and Flutter.
            work: A folder for the two commands.
        """
        for name in ("dart", "flutter"):
            files.write_text(work / name, f'#!/bin/sh\nexec "{toolchain.dart}" "$@"\n')
            (work / name).chmod(0o755)
        path = os.pathsep.join((str(self.program.parent), str(work), os.environ["PATH"]))
        return {**environment(), "PATH": path}


def find_or_install_bridge() -> Bridge:
    """Return the generator; compile it when it is not there yet.

    Raises:
        Unavailable: It cannot be had on this machine.
    """
    folder = places() / f"frb-{PINS.frb}"
    places().mkdir(parents=True, exist_ok=True)
    made_once(folder, _make)
    return Bridge(folder / "bin" / GENERATOR)


def _make(folder: Path) -> None:
    if shutil.which("cargo") is None:
        raise Unavailable("no cargo on this machine", _WHAT)
    # Without optimisation: it compiles in a fraction of the time and runs for a second.
    options = ["--version", PINS.frb, "--locked", "--debug", "--root", str(folder)]
    env = {"CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_TARGET_DIR": str(folder / "target")}
    with progress(f"{_WHAT} from crates.io (once)", every_line=False):
        try:
            run(
                ["cargo", "install", GENERATOR, *options],
                env=env, timeout_s=_TIMEOUT_S, echo=False,
            )  # fmt: skip
        except ProcessError as error:
            raise Unavailable(error.output.splitlines()[-1], _WHAT) from error
    shutil.rmtree(folder / "target")
