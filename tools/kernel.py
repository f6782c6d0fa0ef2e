"""Dart source to a kernel file, by Flutter's frontend server: for tests and for apps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools import toolchain as toolchains
from tools.install import made_once
from tools.packages import write_config
from tools.toolchain import Toolchain
from tvmplug.errors import ToolError
from tvmplug.process import run

_TEST_OPTIONS = ("--incremental", "--track-widget-creation")
# Raise it when the libraries or the options below change.
_BASE = "test-base-1"
# What test programs import; their own project's code is never in it, so it cannot go stale.
_BASE_LIBRARIES = (
    "dart:ffi",
    "dart:io",
    "dart:isolate",
    "package:ffi/ffi.dart",
    "package:flutter/material.dart",
    "package:flutter/services.dart",
    "package:flutter_test/flutter_test.dart",
)
_BASE_PUBSPEC = """\
name: test_base
publish_to: none
environment:
  sdk: ^3.8.0
dependencies:
  ffi: any
  flutter:
    sdk: flutter
  flutter_test:
    sdk: flutter
"""


@dataclass(frozen=True)
class Compiled:
    """Whether a compilation went well, and what the compiler said."""

    ok: bool
    output: str


def compile_kernel(
    toolchain: Toolchain,
    main: Path | str,
    packages: Path,
    kernel: Path,
    options: Sequence[str | Path] = (),
    *,
    sdk: str = "flutter_patched_sdk",
) -> Compiled:
    """Compile a program with all that it imports.

    Args:
        toolchain: Dart and Flutter.
        main: The library with `main`: its file, or its `package:` URI.
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
            main.as_uri() if isinstance(main, Path) else main,
        ],
        env=toolchains.environment(),
        echo=False,
        check=False,
    )
    return read_answer(done.returncode, done.stdout, done.stderr)


def compile_test(toolchain: Toolchain, main: Path, packages: Path, kernel: Path) -> Compiled:
    """Compile a program of tests: Flutter itself is compiled once, not every time.

    Args:
        toolchain: Dart and Flutter.
        main: The library with `main`.
        packages: A package_config.json.
        kernel: The file to write.
    """
    start = f"--initialize-from-dill={_base_kernel(toolchain)}"
    return compile_kernel(toolchain, main, packages, kernel, [*_TEST_OPTIONS, start])


def read_answer(returncode: int, stdout: str, stderr: str) -> Compiled:
    """What the frontend server's output means.

    It prints `result ID`, messages, ID, the sources that changed, and last `ID FILE ERRORS`; it
    may exit with 0 all the same.
    """
    lines = stdout.splitlines()
    if returncode != 0 or len(lines) < 2 or not lines[0].startswith("result "):
        return Compiled(False, "\n".join([stdout.rstrip(), stderr.rstrip()]).strip())
    identifier = lines[0].removeprefix("result ")
    said = [*lines[1 : lines.index(identifier)], *stderr.splitlines()]
    return Compiled(lines[-1].rsplit(" ", 1)[-1] == "0", "\n".join(said))


def _base_kernel(toolchain: Toolchain) -> Path:
    """Flutter and its test library as a kernel file, made once."""
    return made_once(toolchain.root / _BASE, partial(_make_base, toolchain)) / "base.dill"


def _make_base(toolchain: Toolchain, folder: Path) -> None:
    folder.mkdir()
    (folder / "pubspec.yaml").write_text(_BASE_PUBSPEC, encoding="utf-8")
    imports = "".join(f"import '{library}';\n" for library in _BASE_LIBRARIES)
    (folder / "main.dart").write_text(f"{imports}void main() {{}}\n", encoding="utf-8")
    packages = write_config(folder, toolchain)
    made = compile_kernel(
        toolchain, folder / "main.dart", packages, folder / "base.dill", _TEST_OPTIONS
    )
    if not made.ok:
        raise ToolError(f"cannot compile Flutter's test library: {made.output}")
