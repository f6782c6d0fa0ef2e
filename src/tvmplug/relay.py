"""Run a long program with its progress in sight: the compiler and cargo.

`process.run` is for short ones. The difference is that a child's stderr is read line by line.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from tvmplug import output
from tvmplug.errors import ProcessError, ToolError
from tvmplug.process import Completed

_LAST_LINES = 40


def relay(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None,
    timeout_s: float,
    show: Callable[[str], None],
) -> Completed:
    """Run a program to its end, handing on each line of its stderr as it comes.

    Args:
        argv: The program and its arguments.
        cwd: The folder to run in.
        env: All of its variables; None for this process's own.
        timeout_s: Seconds after which it is killed.
        show: Told each line of stderr.

    Returns:
        Its exit status, stdout and the last lines of stderr, whether it failed or not.

    Raises:
        ToolError: It is not installed.
        ProcessError: It ran out of time.
    """
    command = [str(part) for part in argv]
    output.say(f"$ {shlex.join(command)}")
    environ = dict(os.environ if env is None else env)
    try:
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # Its own group: Ctrl-C reaches this process alone, which then ends all of the group.
            start_new_session=True,
        )
    except OSError as error:
        raise ToolError(
            f"{command[0]} cannot be run: {error.strerror}",
            mend=f"Install {command[0]}, then run the command again (see `tvmplug doctor`)",
        ) from error
    last: deque[str] = deque(maxlen=_LAST_LINES)
    reader = threading.Thread(target=_hand_on, args=(child.stderr, last, show), daemon=True)
    timed_out = threading.Event()

    def stop() -> None:
        timed_out.set()
        _end(child)

    timer = threading.Timer(timeout_s, stop)
    reader.start()
    timer.start()
    try:
        told = child.stdout.read() if child.stdout else ""
        returncode = child.wait()
    except BaseException:
        _end(child)
        child.wait()
        raise
    finally:
        timer.cancel()
        reader.join(timeout=5)
    if timed_out.is_set():
        raise ProcessError(
            f"{command[0]} did not finish within {timeout_s:g} s", output="\n".join(last)
        )
    return Completed(returncode, told, "\n".join(last))


def _end(child: subprocess.Popen[str]) -> None:
    """Kill a program with all that it started, such as cargo's compilers."""
    if sys.platform == "win32":
        child.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _hand_on(stream: IO[str] | None, last: deque[str], show: Callable[[str], None]) -> None:
    for line in stream or ():
        text = line.rstrip()
        if text:
            last.append(text)
            show(text.strip())
