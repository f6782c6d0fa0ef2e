"""The one function that starts other programs. Everything that runs a tool calls it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
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


@dataclass(frozen=True)
class CompletedBytes:
    """What a program left behind whose output is no text.

    Attributes:
        returncode: Its exit status.
        stdout: What it printed, byte for byte.
        stderr: What it printed as errors.
    """

    returncode: int
    stdout: bytes
    stderr: str


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    without: Collection[str] = (),
    stdin: str | None = None,
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
        without: Variables taken out of it.
        stdin: What the program reads; nothing by default.
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
    done = _wait(
        command,
        cwd=cwd,
        env=env,
        without=without,
        stdin=None if stdin is None else stdin.encode(errors="surrogateescape"),
        timeout_s=timeout_s,
        capture=capture,
    )
    completed = Completed(done.returncode, _text(done.stdout), _text(done.stderr))
    if check and done.returncode != 0:
        raise _failed(command, done.returncode, completed.stdout + completed.stderr)
    return completed


def run_bytes(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    without: Collection[str] = (),
    stdin: bytes | None = None,
    timeout_s: float = 600,
    check: bool = True,
) -> CompletedBytes:
    """Run a program whose input and output are bytes, without a word, and wait for it.

    Takes, returns and raises what `run` does.
    """
    command = [str(part) for part in argv]
    done = _wait(
        command,
        cwd=cwd,
        env=env,
        without=without,
        stdin=stdin,
        timeout_s=timeout_s,
        capture=True,
    )
    completed = CompletedBytes(done.returncode, done.stdout or b"", _text(done.stderr))
    if check and done.returncode != 0:
        raise _failed(command, done.returncode, _text(completed.stdout) + completed.stderr)
    return completed


def _wait(
    command: list[str],
    *,
    cwd: Path | None,
    env: Mapping[str, str] | None,
    without: Collection[str],
    stdin: bytes | None,
    timeout_s: float,
    capture: bool,
) -> subprocess.CompletedProcess[bytes]:
    """Start a program, feed it, and turn what keeps it from running into our errors."""
    inherited = {name: value for name, value in os.environ.items() if name not in without}
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env={**inherited, **(env or {})},
            timeout=timeout_s,
            input=stdin or b"",  # a program that asks the terminal would wait for ever
            stdout=subprocess.PIPE if capture else sys.stderr,
            stderr=subprocess.PIPE if capture else sys.stderr,
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


def _failed(command: list[str], returncode: int, output: str) -> ProcessError:
    return ProcessError(
        f"{command[0]} failed with exit status {returncode}",
        output=_last_lines(output),
        returncode=returncode,
    )


def _text(output: bytes | None) -> str:
    """Text as a person reads it: UTF-8, with one kind of line end."""
    told = (output or b"").decode(errors="replace")
    return told.replace("\r\n", "\n").replace("\r", "\n")


def _last_lines(output: str) -> str:
    return "\n".join(output.rstrip().splitlines()[-_LAST_LINES:])
