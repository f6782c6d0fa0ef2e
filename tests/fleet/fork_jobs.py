"""Jobs for the tests of executors: what a fork server's children are told to do."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tvmplug.errors import CompileError

Tell = Callable[[str], None]
warmed: list[Any] = []


@dataclass(frozen=True, kw_only=True)
class Task:
    """A job, as far as an executor looks."""

    attempt: int
    log: Path
    what: dict[str, Any] = field(default_factory=dict)


class NoReturnTicket(Exception):  # noqa: N818
    """An error that can be pickled and not read again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def warm(argument: Any) -> None:
    if argument == "fail":
        raise CompileError("the template is broken", mend="Mend it")
    if argument == "crash":
        raise KeyError(argument)
    warmed.append(argument)


def echo(task: Task, tell: Tell) -> dict[str, Any]:
    """Return what the process sees of itself."""
    tell("one")
    tell("two")
    return {
        "what": task.what,
        "pid": os.getpid(),
        "parent": os.getppid(),
        "group": os.getpgid(0),
        "warmed": list(warmed),
    }


def large(task: Task, _tell: Tell) -> bytes:
    return bytes(task.what["size"])


def talk(_task: Task, _tell: Tell) -> None:
    """Print in every way that there is."""
    print("python ünd\udcff out")
    print("python err", file=sys.stderr)
    os.write(1, b"raw out\n")
    subprocess.run(["sh", "-c", "echo shell out; echo shell err >&2; cat"], check=True)


def fail(task: Task, _tell: Tell) -> None:
    kind = task.what["kind"]
    if kind == "ours":
        raise CompileError("it does not compile", mend="Mend it")
    if kind == "python":
        raise ValueError("a value")
    if kind == "memory":
        raise MemoryError
    if kind == "unreadable":
        raise NoReturnTicket("one", "two")
    if kind == "exit":
        os._exit(3)
    if kind == "system-exit":
        sys.exit(4)
    os.kill(os.getpid(), signal.Signals[kind])
    time.sleep(60)


def unpicklable(_task: Task, _tell: Tell) -> Any:
    return lambda: None


def write_until_killed(task: Task, tell: Tell) -> None:
    """Append to a file for as long as this process lives, and have a program do it too."""
    folder = Path(task.what["folder"])
    name = str(task.attempt)
    loop = "while :; do echo x >> $0; sleep 0.005; done"
    program = subprocess.Popen(["sh", "-c", loop, str(folder / f"{name}.program")])
    if task.what.get("daemon"):
        subprocess.Popen(["sh", "-c", loop, str(folder / f"{name}.daemon")], start_new_session=True)
    (folder / f"{name}.pid").write_text(str(os.getpid()))
    told = False
    try:
        while True:
            with (folder / f"{name}.python").open("a") as file:
                file.write("x\n")
            if not told and (folder / f"{name}.program").exists():
                tell("writing")
                told = True
            time.sleep(0.005)
    finally:
        program.kill()
        (folder / f"{name}.cleaned").touch()


def stubborn(_task: Task, tell: Tell) -> None:
    """Do not end when told to."""
    tell("here")
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)


def count_in(task: Task, tell: Tell) -> int:
    """Return how many of these run at once, this one with them."""
    with Path(task.what["file"]).open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b"+")
        file.flush()
        file.seek(0)
        now = file.read()
        fcntl.flock(file, fcntl.LOCK_UN)
    tell("in")
    time.sleep(0.05)
    with Path(task.what["file"]).open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b"-")
    return now.count(b"+") - now.count(b"-")


def wait_for(task: Task, tell: Tell) -> str:
    """Wait until a file is there."""
    tell("waiting")
    while not Path(task.what["file"]).exists():
        time.sleep(0.01)
    return "came"


def descriptors(_task: Task, _tell: Tell) -> dict[str, list[str]]:
    """Return what this process and a program of it have open."""
    listing = "for f in /proc/$$/fd/*; do readlink $f || true; done"
    program = subprocess.run(["sh", "-c", listing], capture_output=True, text=True, check=True)
    own = []
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            own.append(str(each.readlink()))
    return {"own": own, "program": program.stdout.split()}


def environment(_task: Task, _tell: Tell) -> str:
    done = subprocess.run(
        ["git", "config", "--get", "gc.auto"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
