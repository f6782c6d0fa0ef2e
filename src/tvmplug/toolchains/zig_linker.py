"""Stands between rustc and zig, which do not quite understand each other.

rustc calls it as its linker: `zig_linker.py DRIVER... -- ARGUMENTS`. Standard library only.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# What rustc asks of gcc, and what zig has instead: LLVM's unwinder, linked in; and nothing for
# what it adds or does by itself.
_REPLACED = {
    "-lgcc_s": "-lunwind",
    "-lgcc_eh": "-lunwind",
    "-lgcc": "",
    "-lrt": "",
    "-lutil": "",
    "-Wl,-O1": "",
}
_MAP = "-Wl,-Map="


def translate(arguments: Sequence[str]) -> tuple[list[str], Path | None]:
    """Return rustc's arguments as zig takes them, and the file that the link map shall be in.

    zig's linker prints a map instead of writing it.
    """
    words = [_REPLACED.get(word, word) for word in arguments]
    maps = [Path(word.removeprefix(_MAP)) for word in words if word.startswith(_MAP)]
    kept = [word for word in words if word and not word.startswith((_MAP, "--target="))]
    return [*kept, *(["-Wl,--print-map"] if maps else [])], maps[-1] if maps else None


def main(argv: Sequence[str]) -> int:
    """Link; return zig's exit status."""
    split = argv.index("--")
    arguments, link_map = translate(argv[split + 1 :])
    command = [*argv[:split], *arguments]
    if link_map is None:
        return subprocess.call(command)
    # Written whole and renamed: a link that fails leaves no map of another library.
    unfinished = link_map.with_name(f".{link_map.name}.new")
    with unfinished.open("wb") as stream:
        status = subprocess.call(command, stdout=stream)
    if status == 0:
        unfinished.replace(link_map)
    else:
        unfinished.unlink()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
