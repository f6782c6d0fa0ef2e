"""`python -m tvmplug.compiler.tuning`: tunes a model plugin; for the toolkit, in the compile env.

Answers as `python -m tvmplug.compiler` does: see `answer`.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tvmplug.compiler.answer import answer
from tvmplug.targets import target_named, with_choices


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tuner; see the module's docstring.

    Args:
        argv: The arguments; None takes the process's.

    Returns:
        The exit code: 0, or the error's.
    """
    parser = argparse.ArgumentParser(prog="python -m tvmplug.compiler.tuning", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="the model plugin's folder")
    parser.add_argument("--target", required=True, help="a name of the table of targets")
    parser.add_argument("--cpu", help="the oldest processor that is served, as LLVM calls it")
    parser.add_argument("--threads", type=int, help="how many threads a kernel has")
    parser.add_argument("--host", help="where TVM's RPC server or tracker is, if not here")
    parser.add_argument("--port", type=int, help="its port")
    parser.add_argument("--key", help="under which name the tracker knows the device")
    parser.add_argument("--linker", help="the command that links a library for that machine")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    options = parser.parse_args(argv)
    return answer(lambda: _tune(options), debug=options.debug)


def _tune(options: argparse.Namespace) -> dict[str, Any]:
    from tvmplug.compiler.tuning.devices import Remote  # noqa: PLC0415  loads NumPy
    from tvmplug.compiler.tuning.run import tune_plugin  # noqa: PLC0415

    target = with_choices(target_named(options.target), cpu=options.cpu, plain=False)
    remote = None
    if options.host is not None:
        linker = tuple(shlex.split(options.linker))
        remote = Remote(options.host, options.port, options.key, linker)
    report = tune_plugin(options.project.resolve(), target, remote=remote, threads=options.threads)
    return {
        "instruction_set": report.instruction_set,
        "processor": report.processor,
        "threads": report.threads,
        "kernels": [
            {
                "kernel": each.kernel,
                "before": str(each.before),
                "after": str(each.after),
                "ratio": round(each.ratio, 3),
                "notes": list(each.notes),
            }
            for each in report.kernels
        ],
        "skipped": report.skipped,
        "dropped": list(report.dropped),
    }


if __name__ == "__main__":
    sys.exit(main())
