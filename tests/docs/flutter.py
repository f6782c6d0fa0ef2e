"""Stands in for `flutter`, which no package registry has: the same steps, with Debian's packages.

`tests/docs` puts it on PATH for the pages that it runs. Compiler, engine and CMake are the real
ones; see `tools/`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tools import app, flutter_test, toolchain
from tools.packages import read_pubspec


def main(arguments: list[str]) -> int:
    """Run `flutter test` or `flutter build linux --release` in this folder."""
    here = Path.cwd()
    if arguments == ["test"]:
        libraries = os.environ.get("LD_LIBRARY_PATH")
        env = {"LD_LIBRARY_PATH": libraries} if libraries else {}
        done = flutter_test.run(toolchain.find_or_install(), here, env=env)
        print(done.explain())
        print("All tests passed!" if done.ok and not done.skipped else "Some tests failed.")
        return 0 if done.ok else 1
    if arguments == ["build", "linux", "--release"]:
        bundle = app.build(toolchain.find_or_install(), toolchain.find_or_install_desktop(), here)
        name = read_pubspec(here)["name"]
        print(f"✓ Built {(bundle / name).relative_to(here)}")
        return 0
    print(f"only `test` and `build linux --release` are here, not {arguments}", file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
