"""Apple's linker on a Mac, lld elsewhere. What lld links is for proof and is not shipped."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tvmplug.errors import ProcessError, ToolError
from tvmplug.process import run
from tvmplug.targets import Target
from tvmplug.toolchains import lld

_SDKS = {"ios": "iphoneos", "ios-simulator": "iphonesimulator", "macos": "macosx"}
# Debian calls a program by its major number when several may be installed.
_NEWEST_LLD, _OLDEST_LLD = 30, 15


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
    on_path = next((path for name in names if (path := shutil.which(name))), None)
    found = Path(on_path) if on_path else lld.in_rust("ld64.lld")
    if found is None:
        raise ToolError(
            "there is no linker for Apple's platforms: neither ld64.lld on PATH nor the one that"
            " comes with Rust",
            mend="Install Rust with rustup, or LLVM's lld",
        )
    return DarwinLinker("lld", found, lld.version_of([found]))
