"""Zig's C and C++ compiler, which is a package of the development environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.toolchain import ROOT
from tvmplug.process import Completed, run


def command(*arguments: str | Path) -> list[str]:
    """The command that runs `zig` with some arguments, such as `cc`."""
    return [sys.executable, "-m", "ziglang", *map(str, arguments)]


def environment() -> dict[str, str]:
    """Variables for zig: what it keeps lies in the checkout, not in the home."""
    kept = ROOT / ".cache" / "zig"
    return {"ZIG_GLOBAL_CACHE_DIR": os.environ.get("ZIG_GLOBAL_CACHE_DIR") or str(kept)}


def compile_with(tool: str, triple: str, arguments: Sequence[str | Path]) -> Completed:
    """Compile or link for a target.

    Args:
        tool: `cc` or `c++`.
        triple: Zig's name of the target, such as `aarch64-linux-gnu.2.28`.
        arguments: As for a C compiler.

    Raises:
        ProcessError: The compiler failed; the error holds what it said.
    """
    full = command(tool, "-target", triple, *arguments)
    return run(full, env=environment(), echo=False, timeout_s=900)
