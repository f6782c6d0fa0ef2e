"""`python -m tvmplug.compiler`: compiles a model plugin; for the toolkit, inside the compile env.

Prints one JSON line on stdout (the result, or `error`, `message` and `mend`), everything else on
stderr, and exits with the error's exit code.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tvmplug import files
from tvmplug.compiler import freshness
from tvmplug.compiler.answer import answer
from tvmplug.manifest import read_manifest
from tvmplug.metadata import METADATA_NAME, read_metadata
from tvmplug.targets import target_named, with_choices


def main(argv: Sequence[str] | None = None) -> int:
    """Run the compiler; see the module's docstring.

    Args:
        argv: the arguments; None takes the process's.

    Returns:
        The exit code: 0, or the error's.
    """
    parser = argparse.ArgumentParser(prog="python -m tvmplug.compiler", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="the model plugin's folder")
    parser.add_argument("--target", required=True, help="a name of the table of targets")
    parser.add_argument("--cpu", help="the oldest processor that is served, as LLVM calls it")
    parser.add_argument("--plain", action="store_true", help="without tvmplug's schedules")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the artifacts")
    parser.add_argument("--update-golden", action="store_true", help="record golden cases anew")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    options = parser.parse_args(argv)
    return answer(lambda: _compile(options), debug=options.debug)


def _compile(options: argparse.Namespace) -> dict[str, Any]:
    root, out = options.project.resolve(), options.out.absolute()
    target = with_choices(target_named(options.target), cpu=options.cpu, plain=options.plain)
    read_manifest(root)  # refuses what is no plugin before anything is written
    # Not `out` itself: that is the lock of the toolkit, which may hold it while we run.
    with files.locked(out.with_name(f"{out.name}.compiler"), timeout_s=3600):
        recorded: tuple[Path, ...] = ()
        compiled = options.update_golden or not freshness.is_fresh(root, target, out)
        if compiled:
            from tvmplug.compiler.run import compile_plugin  # noqa: PLC0415  loads NumPy

            result = compile_plugin(root, target, out, update_golden=options.update_golden)
            recorded = result.golden
        metadata = read_metadata(out / METADATA_NAME)
    return {
        "compiled": compiled,
        "archive": str(out / metadata.archive),
        "metadata": str(out / METADATA_NAME),
        "archive_sha256": metadata.archive_sha256,
        "components": [component.name for component in metadata.components],
        "golden": [str(path) for path in recorded],
    }


if __name__ == "__main__":
    sys.exit(main())
