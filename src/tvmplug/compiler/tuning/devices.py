"""Where kernels are run and timed: this machine, or one that is reached over TVM's RPC."""

from __future__ import annotations

import os
import platform
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tvmplug.compiler.cpu.isa import instruction_set
from tvmplug.compiler.tvm_errors import compile_errors
from tvmplug.errors import ToolError, TvmplugError, UsageError
from tvmplug.export import Array
from tvmplug.pins import PINS
from tvmplug.process import run
from tvmplug.targets import Target, host_target

_MOST_THREADS = 4  # as in a model, see `threads.rs` of the runtime's template
# TVM's modes: threads may move between the cores that are listed, or have the fast ones.
_SHARED, _FAST = -3, 1
# A device gives up a client that is silent for so long, such as one that was killed.
_SESSION_S = 600
_ANSWER_S = 10  # a tracker takes a connection at once
_FUNCTION = "main"


@dataclass(frozen=True)
class Remote:
    """A machine to be reached.

    Attributes:
        host: Its name or address; with `key` a tracker's.
        port: The port of its RPC server, or of the tracker.
        key: Under which name a tracker knows such devices.
        linker: The command that links a shared library for it.
    """

    host: str
    port: int
    key: str | None
    linker: tuple[str, ...]

    def __str__(self) -> str:
        """As messages call it."""
        return f"{self.host}:{self.port}"


class Loaded(Protocol):
    """A kernel on a device, with the inputs of some calls."""

    def results(self) -> list[Array]:
        """What each call returns."""

    def seconds(self, number: int) -> float:
        """The time of one round of all calls: the mean of so many rounds."""


class Device(Protocol):
    """A machine that runs kernels.

    Attributes:
        processor: What the file of tiles says of it.
        threads: How many a kernel has.
    """

    processor: str
    threads: int

    def load(self, executable: Any, calls: Sequence[Sequence[Array]]) -> Loaded:
        """Bring a kernel there, with the inputs of each call."""


@contextmanager
def opened(target: Target, remote: Remote | None, threads: int | None) -> Iterator[Device]:
    """Reach the device.

    Args:
        target: What kernels are compiled for.
        remote: None for this machine.
        threads: How many threads a kernel shall have; None for as many as in a model.

    Raises:
        UsageError: This machine does not run such kernels.
        ToolError: The device does not answer.
    """
    if remote is None:
        _check_local(target)
        yield _Local(threads)
        return
    with tempfile.TemporaryDirectory(prefix="tvmplug-tune-") as folder:
        yield _Far(remote, target, threads, Path(folder))


class _Local:
    """This machine."""

    def __init__(self, threads: int | None) -> None:
        import tvm  # noqa: PLC0415  takes a second

        cores = _cores()
        cores = cores[: threads or _MOST_THREADS]
        configure = tvm.get_global_func("runtime.config_threadpool")
        configure(_SHARED, len(cores), [str(core) for core in cores])
        self.processor = _processor()
        self.threads = len(cores)

    def load(self, executable: Any, calls: Sequence[Sequence[Array]]) -> Loaded:
        import tvm  # noqa: PLC0415

        with compile_errors("probe"):
            return _Calls(executable, tvm.cpu(), calls)


class _Far:
    """A machine behind TVM's RPC."""

    def __init__(self, remote: Remote, target: Target, threads: int | None, folder: Path) -> None:
        self._remote, self._target, self._folder = remote, target, folder
        self._count = 0
        self._session = _connected(remote)
        with _reaching(remote):
            if threads is not None:
                self._session.get_function("runtime.config_threadpool")(_FAST, threads)
            self.threads = int(self._session.get_function("runtime.NumThreads")())
        named = f" {remote.key}" if remote.key else ""
        self.processor = f"a device{named} over RPC, {target.name}"

    def load(self, executable: Any, calls: Sequence[Sequence[Array]]) -> Loaded:
        self._count += 1
        # A name of its own: the device's loader gives an old library again for an old name.
        path = self._folder / f"{self._folder.name}-{self._count}.so"
        executable.export_library(str(path), fcompile=self._link)
        with _reaching(self._remote):
            self._session.upload(str(path))
            module = self._session.load_module(path.name)
            self._session.remove(path.name)
            loaded = _Calls(module, self._session.cpu(), calls)
        path.unlink()
        return _Guarded(loaded, self._remote)

    def _link(self, output: str, objects: Sequence[str], **_: object) -> None:
        """Link for `export_library`; TVM's runtime, which is there, has what is missing."""
        flags = ["-shared", "-nostdlib"]
        flags += ["-Wl,-undefined,dynamic_lookup"] if self._target.is_apple else []
        run([*self._remote.linker, *flags, "-o", output, *objects], echo=False)


class _Calls:
    """A kernel in a virtual machine, wherever that is; results and times come from there."""

    def __init__(self, module: Any, device: Any, calls: Sequence[Sequence[Array]]) -> None:
        import tvm  # noqa: PLC0415
        from tvm import relax  # noqa: PLC0415

        self._device = device
        self._machine = relax.VirtualMachine(module, device)
        self._calls = [[tvm.runtime.tensor(array, device) for array in call] for call in calls]
        for number, call in enumerate(self._calls):
            self._machine.save_function(_FUNCTION, f"call_{number}", *call, include_return=False)

    def results(self) -> list[Array]:
        found = []
        for call in self._calls:
            self._machine.set_input(_FUNCTION, *call)
            self._machine.invoke_stateful(_FUNCTION)
            found.append(np.asarray(self._machine.get_outputs(_FUNCTION).numpy()))
        return found

    def seconds(self, number: int) -> float:
        total = 0.0
        for call in range(len(self._calls)):
            timer = self._machine.time_evaluator(f"call_{call}", self._device, number=number)
            total += float(timer().mean)
        return total


class _Guarded:
    """A kernel on a device that may go away."""

    def __init__(self, loaded: Loaded, remote: Remote) -> None:
        self._loaded, self._remote = loaded, remote

    def results(self) -> list[Array]:
        with _reaching(self._remote):
            return self._loaded.results()

    def seconds(self, number: int) -> float:
        with _reaching(self._remote):
            return self._loaded.seconds(number)


def _connected(remote: Remote) -> Any:
    from tvm import rpc  # noqa: PLC0415

    try:
        if remote.key is None:
            return rpc.connect(remote.host, remote.port, session_timeout=_SESSION_S)
        # TVM would try again for a minute where nobody listens.
        socket.create_connection((remote.host, remote.port), timeout=_ANSWER_S).close()
        tracker = rpc.connect_tracker(remote.host, remote.port)
        known = {each["key"].removeprefix("server:") for each in tracker.summary()["server_info"]}
        if remote.key in known:  # else the request would wait for ever
            return tracker.request(remote.key, session_timeout=_SESSION_S)
    except Exception as error:  # TVM's own errors have no common base
        raise _unreachable(remote, _last_line(error)) from error
    raise ToolError(
        f"the tracker at {remote} knows no device '{remote.key}', "
        f"only {', '.join(sorted(known)) or '(nothing)'}",
        mend="Start one with `python -m tvm.exec.rpc_server"
        f" --tracker {remote.host}:{remote.port} --key {remote.key}`",
    )


def _unreachable(remote: Remote, why: str) -> ToolError:
    if remote.key is None:
        return ToolError(
            f"no RPC server answers at {remote}: {why}",
            mend=f"Start one on the device, with TVM {PINS.tvm} there:"
            " `python -m tvm.exec.rpc_server --port 9090`",
        )
    return ToolError(
        f"there is no tracker at {remote}: {why}",
        mend=f"Start one: `python -m tvm.exec.rpc_tracker --port {remote.port}`",
    )


@contextmanager
def _reaching(remote: Remote) -> Iterator[None]:
    try:
        yield
    except TvmplugError:
        raise
    except Exception as error:
        raise ToolError(
            f"the device at {remote} failed: {_last_line(error)}",
            mend="See that it is there and has the pinned TVM; run the command again, "
            "what was measured is kept",
        ) from error


def _check_local(target: Target) -> None:
    """Refuse kernels that this machine's processor does not run."""
    import tvm  # noqa: PLC0415
    from tvm.target import codegen  # noqa: PLC0415

    mend = "Name a machine that does with --rpc HOST:PORT, where TVM's RPC server runs"
    host = host_target()
    if (target.os, target.arch) != (host.os, host.arch):
        raise UsageError(f"this machine does not run kernels for {target.name}", mend=mend)
    own = {**target.tvm_target, "mcpu": codegen.llvm_get_system_cpu()}
    isa = instruction_set(target.tvm_target)
    if not all(codegen.llvm_cpu_has_features(f, tvm.target.Target(own)) for f in isa.features):
        raise UsageError(f"this machine's processor has no {isa.name}", mend=mend)


def _cores() -> list[int]:
    """The numbers of the cores that this process may use; the first thread of each."""
    allowed: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    numbers = sorted(allowed(0)) if allowed else list(range(os.cpu_count() or 1))
    first: dict[str, int] = {}
    for number in numbers:
        folder = Path(f"/sys/devices/system/cpu/cpu{number}/topology")
        try:
            core, package = (folder / "core_id", folder / "physical_package_id")
            place = f"{package.read_text()} {core.read_text()}"
        except OSError:
            place = f"only {number}"
        first.setdefault(place, number)
    return sorted(first.values())


def _processor() -> str:
    """What this machine's processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
