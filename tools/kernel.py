"""Dart source to a kernel file, by Flutter's frontend server: for tests and for apps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import toolchain as toolchains
from tools.toolchain import Toolchain
from tvmplug.process import run


@dataclass(frozen=True)
class Compiled:
    """Whether a compilation went well, and what the compiler said."""

    ok: bool
    output: str


def compile_kernel(
    toolchain: Toolchain,
    main: Path,
    packages: Path,
    kernel: Path,
    options: Sequence[str | Path] = (),
    *,
    sdk: str = "flutter_patched_sdk",
) -> Compiled:
    """Compile a program with all that it imports.

    Args:
        toolchain: Dart and Flutter.
        main: The library with `main`.
        packages: A package_config.json.
        kernel: The file to write.
        options: More options of the frontend server.
        sdk: `flutter_patched_sdk`, or `flutter_patched_sdk_product` for release.
    """
    done = run(
        [
            *toolchain.frontend_server,
            "--sdk-root",
            f"{toolchain.engine / sdk}/",
            "--target=flutter",
            "--packages",
            packages,
            "--output-dill",
            kernel,
            *options,
            main.as_uri(),
        ],
        env=toolchains.environment(),
        echo=False,
        check=False,
    )
    # It prints `result ID`, messages, and last `ID FILE ERRORS`, and may exit with 0 all the same.
    lines = done.stdout.splitlines()
    failed = done.returncode != 0 or not lines or lines[-1].rsplit(" ", 1)[-1] != "0"
    said = [line for line in lines if not line.startswith(("result ", "+", "-"))][:-1]
    return Compiled(not failed, "\n".join([*said, done.stderr]).strip())
