"""How a program in the compile environment answers the toolkit: JSON lines, and an exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from tvmplug.errors import TvmplugError


def answer(work: Callable[[], dict[str, Any]], *, debug: bool) -> int:
    """Do the work, and print what comes of it as one JSON line on stdout; see `answers`."""
    return answers(lambda: [work()], debug=debug)


def answers(work: Callable[[], Sequence[dict[str, Any] | TvmplugError]], *, debug: bool) -> int:
    """Do several pieces of work, and print what comes of each as one JSON line on stdout.

    That is its result, or `error`, `message` and `mend`; everything else goes to stderr. An error
    that is raised is the only line.

    Args:
        work: What is to be done.
        debug: Print the tracebacks of errors.

    Returns:
        The exit code: 0, or the first error's.
    """
    # The author's script and TVM's C++ may print to stdout: only our lines may get through.
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        results = _results(work)
        failed = [result for result in results if isinstance(result, TvmplugError)]
        for each in failed if debug else ():
            traceback.print_exception(each)
        sys.stdout.flush()
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
    for result in results:
        document = _document(result) if isinstance(result, TvmplugError) else result
        print(json.dumps(document, ensure_ascii=False), flush=True)
    return failed[0].exit_code if failed else 0


def _results(
    work: Callable[[], Sequence[dict[str, Any] | TvmplugError]],
) -> Sequence[dict[str, Any] | TvmplugError]:
    try:
        return work()
    except TvmplugError as error:
        return [error]


def _document(error: TvmplugError) -> dict[str, Any]:
    return {"error": type(error).__name__, "message": error.message, "mend": error.mend}
