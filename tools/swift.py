"""Swift's own tools over the Apple part of plugins: from Debian, run in their own root.

There is no Apple SDK here. Sources are checked as for iOS, against Swift's standard library for
devices without an operating system's frameworks and a stub of Flutter (`apple/Flutter.swift`).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.checks import Findings
from tools.install import Wanted
from tools.sandbox import run_inside
from tools.toolchain import installed
from tvmplug.errors import ProcessError
from tvmplug.process import Completed

_HOME = "./usr/libexec/swift"
SWIFT = Wanted(
    name="swift",
    title="Swift from Debian (once, about 680 MB)",
    # A package's manifest is compiled, linked and run: hence a C library to link with.
    packages=("coreutils", "libc6-dev", "swiftlang"),
    what="Swift",
    # More than half of it is for debugging, editors and other processors.
    exclude=(
        "./usr/share/*",
        *(f"{_HOME}/bin/{name}" for name in ("clangd", "docc", "lldb*", "llvm-*", "sourcekit*")),
        *(f"{_HOME}/lib/lib{name}*" for name in ("LTO", "clang.so", "lldb", "sourcekitd")),
        f"{_HOME}/lib/swift/FrameworkABIBaseline/*",
        f"{_HOME}/lib/swift/embedded/Swift.swiftmodule/*-none-*",
        f"{_HOME}/lib/swift/host/compiler/lib_InternalSwiftScan.so",
        f"{_HOME}/lib/swift_static/*",
        f"{_HOME}/share/pm/*",
    ),
)
_STUB = Path(__file__).with_name("apple") / "Flutter.swift"
# The oldest iOS that the standard library without frameworks is made for.
_TARGET = ("-target", "arm64-apple-ios18.0", "-enable-experimental-feature", "Embedded")
# The headers of C modules are read without those of an operating system.
_C = ("-Xcc", "-ffreestanding")


@dataclass(frozen=True)
class Swift:
    """Swift's compiler, package manager, formatter and checker of property lists.

    Attributes:
        root: The folder that they have as their root folder.
        versions: The version of every Debian package in it.
    """

    root: Path
    versions: dict[str, str]

    def dump_package(self, package: Path) -> dict[str, Any]:
        """Compile and run a package's manifest; return what it declares.

        Args:
            package: The folder with the `Package.swift`; dependencies are not looked at.

        Raises:
            ProcessError: It does not compile, or stops with a message of its own.
        """
        dump = ["swift", "package", "--scratch-path", "/tmp/scratch", "dump-package"]  # noqa: S108
        done = self._run(dump, [package], package.resolve())
        declared: dict[str, Any] = json.loads(done.stdout)
        return declared

    def type_check(self, sources: Sequence[Path], modules: Sequence[Path] = ()) -> Findings:
        """Check the types of the sources of one module, as for iOS; every warning counts.

        Args:
            sources: The files; `import Flutter` finds the stub.
            modules: Folders with a `module.modulemap` each, of C libraries that they import.
        """
        with tempfile.TemporaryDirectory(prefix="tvmplug-swift-") as name:
            made = Path(name).resolve()
            stub = made / _STUB.name
            stub.write_bytes(_STUB.read_bytes())
            frontend = ["swift-frontend", *_TARGET, *_C, "-parse-as-library", "-swift-version", "5"]
            self._run(
                [*frontend, "-emit-module", "-module-name", "Flutter", "-o", f"{made}/", stub],
                [made],
            )
            searched = [part for folder in (made, *modules) for part in ("-I", folder.resolve())]
            checked = [source.resolve() for source in sources]
            command = [*frontend, "-typecheck", "-warnings-as-errors", *searched, *checked]
            return self._findings(command, checked, [made, *modules])

    def format_check(self, sources: Sequence[Path]) -> Findings:
        """See that Swift files are formatted as `swift format` would, and pass its rules."""
        checked = [source.resolve() for source in sources]
        return self._findings(["swift-format", "lint", "--strict", *checked], checked)

    def check_plists(self, lists: Sequence[Path]) -> Findings:
        """Check the syntax of property lists, such as `Info.plist`, as `plutil -lint` does."""
        checked = [path.resolve() for path in lists]
        return self._findings(["plutil", "-lint", *checked], checked)

    def _findings(
        self,
        command: Sequence[str | Path],
        checked: Sequence[Path],
        shown: Sequence[Path] = (),
    ) -> Findings:
        try:
            done = self._run(command, [*shown, *(path.parent for path in checked)])
        except ProcessError as error:
            return Findings(False, error.output)
        return Findings(True, done.stdout + done.stderr)

    def _run(
        self, command: Sequence[str | Path], shown: Sequence[Path], cwd: Path = Path("/")
    ) -> Completed:
        variables = {
            "PATH": "/usr/libexec/swift/bin:/usr/bin",
            # A manifest that stops has said why; its stack says nothing more.
            "SWIFT_BACKTRACE": "enable=no",
        }
        return run_inside(self.root, command, shown=shown, cwd=cwd, env=variables)


def find_or_install_swift() -> Swift:
    """Return Swift; install it when it is not there yet.

    Raises:
        Unavailable: It cannot be had on this machine.
    """
    root = installed(SWIFT)
    # Where nothing can be run in it, that is told here and not in the midst of a check.
    run_inside(root.path, ["true"], shown=(), cwd=Path("/"))
    return Swift(root.path, root.versions)
