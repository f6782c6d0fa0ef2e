"""LLVM's linker, which comes with Rust under the names of the linkers that it stands in for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from tvmplug.errors import ProcessError
from tvmplug.process import run


def in_rust(name: str) -> Path | None:
    """Return a linker of rustup's toolchains, which lie in a folder of their own.

    Args:
        name: `ld.lld` or `ld64.lld`.

    Returns:
        The program; None where there is no Rust, or one without it, as Debian's.
    """
    if shutil.which("rustc") is None:
        return None
    try:
        root = Path(run(["rustc", "--print", "sysroot"], echo=False).stdout.strip())
    except ProcessError:
        return None
    return next(iter(sorted(root.glob(f"lib/rustlib/*/bin/gcc-ld/{name}"))), None)


def version_of(command: Sequence[str | Path]) -> str:
    """Return name and number of a linker: `LLD 22.1.2`, without who built it.

    Raises:
        ProcessError: It does not run.
    """
    told = run([*command, "--version"], echo=False).stdout
    found = re.search(r"LLD [\d.]+", told)
    return found[0] if found else told.strip()
