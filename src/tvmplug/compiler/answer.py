"""How a program in the compile environment answers the toolkit: one JSON line, and an exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from tvmplug.errors import TvmplugError


def answer(work: Callable[[], dict[str, Any]], *, debug: bool) -> int:
    """Do the work, and print what comes of it as one JSON line on stdout.

    That is its result, or `error`, `message` and `mend`; everything else goes to stderr.

    Args:
        work: What is to be done.
        debug: Print the traceback of an error.

    Returns:
        The exit code: 0, or the error's.
    """
    # The author's script and TVM's C++ may print to stdout: only our line may get through.
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        code, result = _result(work, debug=debug)
        sys.stdout.flush()
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
    print(json.dumps(result, ensure_ascii=False), flush=True)
    return code


def _result(work: Callable[[], dict[str, Any]], *, debug: bool) -> tuple[int, dict[str, Any]]:
    try:
        return 0, work()
    except TvmplugError as error:
        if debug:
            traceback.print_exc()
        return error.exit_code, {
            "error": type(error).__name__,
            "message": error.message,
            "mend": error.mend,
        }
