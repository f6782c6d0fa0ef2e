"""`python -m tvmplug.compiler`: compiles a model plugin; for the toolkit, inside the compile env.

Prints one JSON line for each target on stdout (the result, or `error`, `message` and `mend`),
everything else on stderr, and exits with the exit code of the first error. What concerns no single
target is one line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvmplug import files
from tvmplug.compiler import freshness
from tvmplug.compiler.answer import answers
from tvmplug.errors import TvmplugError
from tvmplug.manifest import read_manifest
from tvmplug.metadata import METADATA_NAME, read_metadata
from tvmplug.targets import target_named, with_choices

if TYPE_CHECKING:
    from tvmplug.compiler.run import Result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the compiler; see the module's docstring.

    Args:
        argv: the arguments; None takes the process's.

    Returns:
        The exit code: 0, or the error's.
    """
    parser = argparse.ArgumentParser(prog="python -m tvmplug.compiler", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="the model plugin's folder")
    parser.add_argument(
        "--target", action="append", required=True, help="a name of the table of targets"
    )
    parser.add_argument("--cpu", help="the oldest processor that is served, as LLVM calls it")
    parser.add_argument("--plain", action="store_true", help="without tvmplug's schedules")
    parser.add_argument(
        "--out", action="append", type=Path, required=True, help="the folder for its artifacts"
    )
    parser.add_argument("--update-golden", action="store_true", help="record golden cases anew")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    options = parser.parse_args(argv)
    if len(options.target) != len(options.out):
        parser.error("give --target and --out as often as each other")
    return answers(lambda: _compile(options), debug=options.debug)


def _compile(options: argparse.Namespace) -> list[dict[str, Any] | TvmplugError]:
    root = options.project.resolve()
    targets = [
        with_choices(target_named(name), cpu=options.cpu, plain=options.plain)
        for name in options.target
    ]
    outs = [out.absolute() for out in options.out]
    read_manifest(root)  # refuses what is no plugin before anything is written
    with ExitStack() as locks:
        for out in sorted(set(outs)):  # in one order, so that two compilers cannot wait for ever
            # Not `out` itself: that is the lock of the toolkit, which may hold it while we run.
            lock = out.with_name(f"{out.name}.compiler")
            locks.enter_context(files.locked(lock, timeout_s=3600))
        stale = {
            target.name: out
            for target, out in zip(targets, outs, strict=True)
            if options.update_golden or not freshness.is_fresh(root, target, out)
        }
        results: dict[str, Any] = {}
        if stale:
            from tvmplug.compiler.run import Wanted, compile_targets  # noqa: PLC0415  loads NumPy

            wanted = [Wanted(each, stale[each.name]) for each in targets if each.name in stale]
            made = compile_targets(root, wanted, update_golden=options.update_golden)
            results = {each.target.name: one for each, one in zip(wanted, made, strict=True)}
        return [
            _told(results.get(target.name), out) for target, out in zip(targets, outs, strict=True)
        ]


def _told(result: Result | TvmplugError | None, out: Path) -> dict[str, Any] | TvmplugError:
    """The answer about one target; no result where it was up to date."""
    if isinstance(result, TvmplugError):
        return result
    metadata = read_metadata(out / METADATA_NAME)
    return {
        "compiled": result is not None,
        "archive": str(out / metadata.archive),
        "metadata": str(out / METADATA_NAME),
        "archive_sha256": metadata.archive_sha256,
        "components": [component.name for component in metadata.components],
        "golden": [str(path) for path in result.golden] if result else [],
        "kernels": {
            "compiled": result.compiled if result else 0,
            "cached": result.cached if result else 0,
        },
    }


if __name__ == "__main__":
    sys.exit(main())
