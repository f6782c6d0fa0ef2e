"""Finds a Dask cluster, and looks whether its workers can do a fleet's jobs."""

from __future__ import annotations

import importlib
import logging
import platform
import socket
from typing import Any

from tvmplug import __version__
from tvmplug.errors import FleetError, ToolError, UsageError
from tvmplug.fleet import dask_worker
from tvmplug.fleet.dask_worker import Setup

_CONNECT_S = 10


def connect(address: str) -> Any:
    """Return a client of a cluster.

    Args:
        address: The scheduler's HOST:PORT.

    Raises:
        ToolError: Dask is not installed.
        UsageError: The address is none.
        FleetError: No scheduler answers there.
    """
    try:
        distributed = importlib.import_module("distributed")
    except ModuleNotFoundError as error:
        raise ToolError(
            "Dask is not installed", mend="Run `pip install 'tvmplug[dask]'`"
        ) from error
    # What matters of its messages is in our errors.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"{address} is no address", mend="Say --executor dask://HOST:PORT")
    try:
        # Dask would try for long, and leave a thread behind.
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
        return distributed.Client(
            address, timeout=_CONNECT_S, set_as_default=False, name="tvmplug-fleet"
        )
    except (OSError, OverflowError) as error:
        raise FleetError(
            f"no Dask scheduler answers at {address}",
            mend="Start one with `dask scheduler`, and workers with `dask worker HOST:PORT`",
        ) from error


def examine(client: Any, address: str, setup: Setup) -> None:
    """Refuse a cluster that cannot do the jobs.

    Raises:
        FleetError: It has no workers; they have another tvmplug or Python, or another disk.
    """
    told = client.run(dask_worker.about, setup, on_error="return")
    if not told:
        raise FleetError(
            f"the Dask cluster at {address} has no workers",
            mend=f"Start some with `dask worker {address}`",
        )
    ours = (__version__, platform.python_version())
    for worker, theirs in told.items():
        if isinstance(theirs, ImportError):
            raise FleetError(
                f"the Dask worker at {worker} has no tvmplug {__version__}: {theirs}",
                mend="Install it in the workers' environment",
            )
        if isinstance(theirs, Exception):
            raise FleetError(
                f"the Dask worker at {worker} cannot work on this fleet: {theirs}",
                mend=f"It must see {setup.lock.parent} as this machine does",
            )
        if theirs != ours:
            raise FleetError(
                f"the Dask worker at {worker} has tvmplug {theirs[0]} on Python {theirs[1]}, "
                f"this one is {ours[0]} on Python {ours[1]}",
                mend="Use the same environment for both",
            )
