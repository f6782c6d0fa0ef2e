"""The one function that starts other programs. Everything that runs a tool calls it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug.errors import ProcessError, ToolError

_LAST_LINES = 20


@dataclass(frozen=True)
class Completed:
    """What a program left behind.

    Attributes:
        returncode: Its exit status.
        stdout: What it printed; empty when the output was not captured.
        stderr: What it printed as errors; empty when not captured.
    """

    returncode: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 600,
    capture: bool = True,
    echo: bool = True,
    check: bool = True,
) -> Completed:
    """Run a program and wait for it.

    Args:
        argv: The program and its arguments; never a shell string.
        cwd: The folder to run in.
        env: Variables added to the environment.
        timeout_s: Seconds after which the program is killed.
        capture: Keep the output and return it; otherwise it goes to stderr.
        echo: Print the command to stderr before it runs.
        check: Raise when the program fails.

    Returns:
        The exit status and the captured output.

    Raises:
        ToolError: The program is not installed or may not be executed.
        ProcessError: It failed (with `check`) or ran out of time.
    """
    command = [str(part) for part in argv]
    if echo:
        print(f"$ {shlex.join(command)}", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else sys.stderr,
            stderr=subprocess.PIPE if capture else sys.stderr,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise ToolError(f"cannot run {command[0]} in {cwd}: no such folder") from error
        raise ToolError(
            f"{command[0]} is not installed or not on PATH",
            mend=f"Install {command[0]}, then run the command again (see `tvmplug doctor`)",
        ) from error
    except PermissionError as error:
        raise ToolError(f"{command[0]} may not be executed: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ProcessError(
            f"{command[0]} did not finish within {timeout_s:g} s",
            output=_last_lines(_text(error.stdout) + _text(error.stderr)),
        ) from error
    completed = Completed(done.returncode, done.stdout or "", done.stderr or "")
    if check and done.returncode != 0:
        raise ProcessError(
            f"{command[0]} failed with exit status {done.returncode}",
            output=_last_lines(completed.stdout + completed.stderr),
            returncode=done.returncode,
        )
    return completed


def _text(output: str | bytes | None) -> str:
    if isinstance(output, bytes):
        return output.decode(errors="replace")
    return output or ""


def _last_lines(output: str) -> str:
    return "\n".join(output.rstrip().splitlines()[-_LAST_LINES:])
