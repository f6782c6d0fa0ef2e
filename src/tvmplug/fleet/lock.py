"""One run at a time: a lock that ends when the last process of a run ends, not only its first.

The lock is flock's: it belongs to an open file that child processes inherit, so whoever gets it
knows that nothing of the run before writes any more. Processes elsewhere (Dask workers) `join`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tvmplug.errors import FleetError
from tvmplug.files import file_errors

_TAKEN = (errno.EACCES, errno.EAGAIN)
_PAUSE_S = 0.05


class FleetLock:
    """Held by a run from its first write to its last.

    Args:
        path: The lock's file; its folder is made when missing. It is never deleted: a lock on a
            deleted file excludes nobody.
        patience_s: Seconds to wait for the processes of a run that was killed.
    """

    def __init__(self, path: Path, *, patience_s: float = 20) -> None:
        self.path = path
        self.token = ""  # names this holder to the processes that join it
        self._patience_s = patience_s
        self._file: IO[str] | None = None

    @property
    def fd(self) -> int:
        """The descriptor that child processes inherit to hold the lock too."""
        if self._file is None:
            raise FleetError(f"{self.path} is not held")
        return self._file.fileno()

    def acquire(self) -> None:
        """Take the lock.

        A holder that lives is reported at once; one that was killed is waited for, since its
        child processes end within moments.

        Raises:
            FleetError: Another run of this fleet goes on.
            FileError: The file cannot be written.
        """
        deadline = time.monotonic() + self._patience_s
        with file_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("a+", encoding="utf-8")
            try:
                self._wait(file, deadline)
                # Who joined the run before reads this, and knows that it is over.
                self.token = secrets.token_hex(8)
                _tell(file, self.token)
                with _joined_file(self.path) as joined:
                    self._wait(joined, deadline)
            except BaseException:
                file.close()
                raise
        self._file = file

    def release(self) -> None:
        """Let go; the lock is free when no child process holds it any more."""
        if self._file is not None:
            # Not LOCK_UN: that would take it from the children too.
            self._file.close()
            self._file = None

    def __enter__(self) -> FleetLock:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _wait(self, file: IO[str], deadline: float) -> None:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise
            else:
                return
            holder = _holder(self.path)
            leads = _lives(holder) and holder.get("token") != self.token
            if leads or time.monotonic() > deadline:
                raise _busy(self.path, holder if leads else {})
            time.sleep(_PAUSE_S)


@contextlib.contextmanager
def join(path: Path, token: str) -> Iterator[None]:
    """Write in the name of a run that another process leads, on this machine or another.

    Args:
        path: The lock's file.
        token: `FleetLock.token` of that run.

    Raises:
        FleetError: That run is over.
    """
    with file_errors(path), _joined_file(path) as joined:
        try:
            fcntl.flock(joined, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            raise _over(path) from error
        # Read after the lock is shared: a new run changes the token first, and waits then.
        if _holder(path).get("token") != token:
            raise _over(path)
        yield


def _joined_file(path: Path) -> IO[str]:
    return path.with_name(f"{path.name}.joined").open("a", encoding="utf-8")


def _tell(file: IO[str], token: str) -> None:
    """Write who holds the lock, for the message that others get."""
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.time(),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "token": token,
    }
    file.seek(0)
    file.truncate()
    file.write(json.dumps(holder) + "\n")
    file.flush()


def _holder(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _lives(holder: dict[str, Any]) -> bool:
    """Tell whether the process that took the lock is there; unknown counts as gone."""
    if holder.get("host") != socket.gethostname():
        return bool(holder)  # a shared disk: nothing can be asked about the process
    try:
        os.kill(int(holder["pid"]), 0)
    except (KeyError, ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _busy(path: Path, holder: dict[str, Any]) -> FleetError:
    if not _lives(holder):
        return FleetError(
            f"processes of a run that was killed still hold {path}",
            mend=f"See who with `fuser -v {shlex.quote(str(path))}`; stop them, then run it again",
        )
    since = datetime.fromtimestamp(float(holder["since"])).astimezone()
    where = "" if holder["host"] == socket.gethostname() else f" on {holder['host']}"
    return FleetError(
        f"another run of this fleet goes on: `{holder['command']}`, process {holder['pid']}"
        f"{where}, since {since:%Y-%m-%d %H:%M:%S}",
        mend="Wait for it to end, or stop it with Ctrl-C where it runs",
    )


def _over(path: Path) -> FleetError:
    return FleetError(f"the run that held {path} is over; nothing more is written for it")
