"""Apple's linker on a Mac, lld elsewhere. What lld links is for proof and is not shipped."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tvmplug.errors import ProcessError, ToolError
from tvmplug.process import run
from tvmplug.targets import Target

_SDKS = {"ios": "iphoneos", "ios-simulator": "iphonesimulator", "macos": "macosx"}
# Debian calls a program by its major number when several may be installed.
_NEWEST_LLD, _OLDEST_LLD = 30, 15
_TRIPLE = re.compile(r"^host: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class DarwinLinker:
    """What links Mach-O images.

    Attributes:
        kind: `xcode` for Apple's own tools, `lld` for LLVM's.
        program: The file to run: `xcrun`, or lld.
        version: Name and version, for people.
    """

    kind: Literal["xcode", "lld"]
    program: Path
    version: str

    @property
    def proof_only(self) -> bool:
        """Whether its images only prove that a link works: lld has no Apple SDK to link with."""
        return self.kind == "lld"


def find_linker() -> DarwinLinker:
    """Return the linker for Apple's platforms on this machine.

    Raises:
        ToolError: There is none.
    """
    return _find_xcode() if sys.platform == "darwin" else _find_lld()


def sdk_of(target: Target) -> str:
    """Return the name of the SDK that a target is built with, as `xcrun --sdk` takes it."""
    return _SDKS[target.platform]


@cache
def _find_xcode() -> DarwinLinker:
    program = shutil.which("xcrun")
    mend = "Install Xcode, then run `sudo xcode-select --switch /Applications/Xcode.app`"
    if program is None:
        raise ToolError("Apple's linker is missing: there is no xcrun on PATH", mend=mend)
    try:
        done = run([program, "clang", "--version"], echo=False)
    except ProcessError as error:
        raise ToolError("xcrun finds no clang", mend=mend) from error
    return DarwinLinker("xcode", Path(program), done.stdout.splitlines()[0].strip())


@cache
def _find_lld() -> DarwinLinker:
    names = ["ld64.lld", *(f"ld64.lld-{n}" for n in range(_NEWEST_LLD, _OLDEST_LLD - 1, -1))]
    found = next((path for name in names if (path := shutil.which(name))), None) or _rust_lld()
    if found is None:
        raise ToolError(
            "there is no linker for Apple's platforms: neither ld64.lld on PATH nor the one that"
            " comes with Rust",
            mend="Install Rust with rustup, or LLVM's lld",
        )
    done = run([found, "--version"], echo=False)
    # "LLD 22.1.2 (/checkout/... commit)", "Debian LLD 14.0.6": name and number are enough.
    version = re.search(r"LLD [\d.]+", done.stdout)
    return DarwinLinker("lld", Path(found), version[0] if version else done.stdout.strip())


def _rust_lld() -> str | None:
    """The lld in rustup's toolchains, which goes by the linkers' names in a folder of its own."""
    if shutil.which("rustc") is None:
        return None
    try:
        host = _TRIPLE.search(run(["rustc", "-vV"], echo=False).stdout)
        root = run(["rustc", "--print", "sysroot"], echo=False).stdout.strip()
    except ProcessError:
        return None
    if host is None:
        return None
    path = Path(root) / "lib/rustlib" / host[1] / "bin/gcc-ld/ld64.lld"
    return str(path) if path.is_file() else None
