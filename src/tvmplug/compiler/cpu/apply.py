"""Applies the rules to a module's kernels, and says what they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tvmplug.compiler.cpu.isa import InstructionSet
from tvmplug.compiler.cpu.rules import RULES, Rule

IRModule = Any
GIVEN = "its author's own"
"""Stands for the rule of a kernel that came with its loops laid out."""
# A kernel with a smaller share of the operations than this is not named.
_WORTH_TELLING = 0.005


@dataclass(frozen=True)
class Taken:
    """What became of one kernel.

    Attributes:
        kernel: Its name.
        rule: The rule that took it; None when it keeps TVM's plain loops.
        flops: Floating-point operations of a call, None when that depends on dynamic sizes.
        failures: What rules said that should have taken it and could not.
    """

    kernel: str
    rule: str | None
    flops: float | None
    failures: tuple[str, ...] = ()


def apply(
    module: IRModule, isa: InstructionSet, rules: Sequence[Rule] = RULES
) -> tuple[IRModule, tuple[Taken, ...]]:
    """Schedule all kernels of a module.

    Args:
        module: An IRModule after fusion.
        isa: What is compiled for.
        rules: The first that takes a kernel lays it out.

    Returns:
        The module with scheduled kernels, and what became of each.
    """
    from tvm import tirx  # noqa: PLC0415  takes a second

    taken = []
    for name, function in list(module.functions.items()):
        if isinstance(function, tirx.PrimFunc):
            scheduled, told = schedule_kernel(name.name_hint, function, isa, rules)
            module[name] = scheduled
            taken.append(told)
    return module, tuple(taken)


def told(kernels: Sequence[Taken]) -> list[str]:
    """What the schedules did, in lines for the person who builds."""
    if not kernels:
        return []
    plain = [each for each in kernels if each.rule is None]
    total = sum(each.flops or 0.0 for each in kernels)
    left = sum(each.flops or 0.0 for each in plain)
    share = 100 * (total - left) / total if total else 100.0
    lines = [
        f"schedules: {len(kernels) - len(plain)} of {len(kernels)} kernels, {share:.1f} % of the "
        "operations"
    ]
    lines += [
        f"plain loops: {each.kernel}, {100 * each.flops / total:.1f} % of the operations"
        for each in sorted(plain, key=lambda each: -(each.flops or 0.0))
        if total and each.flops and each.flops / total >= _WORTH_TELLING
    ]
    lines += [f"{each.kernel}: {why}" for each in kernels for why in each.failures]
    return lines


def schedule_kernel(
    name: str, function: Any, isa: InstructionSet, rules: Sequence[Rule] = RULES
) -> tuple[Any, Taken]:
    """Schedule one kernel.

    Args:
        name: What reports call it.
        function: A PrimFunc after fusion.
        isa: What is compiled for.
        rules: The first that takes the kernel lays it out.

    Returns:
        The kernel as it was or scheduled, and what became of it.
    """
    from tvm import s_tir  # noqa: PLC0415

    failures: list[str] = []
    if (function.attrs or {}).get("tirx.is_scheduled"):
        return function, Taken(name, GIVEN, _flops(function))
    for rule in rules:
        # Anew: one that failed may be half changed.
        sch = s_tir.Schedule(_narrowed(function) if rule.narrow else function)
        try:
            if rule.schedule(sch, isa):
                scheduled = sch.mod["main"].with_attr("tirx.is_scheduled", True)
                return scheduled, Taken(name, rule.name, _flops(function), tuple(failures))
        except Exception as error:  # TVM's own errors have no common base
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            failures.append(f"{rule.name}: {lines[-1] if lines else type(error).__name__}")
    return function, Taken(name, None, _flops(function), tuple(failures))


def _narrowed(function: Any) -> Any:
    """Count in 32 bits where all sizes are known: TVM 0.27 cuts no loops that count in 64."""
    import tvm  # noqa: PLC0415
    from tvm import tirx  # noqa: PLC0415

    try:
        narrow = tirx.transform.ForceNarrowIndexToInt32()
        return narrow(tvm.IRModule({"main": function}))["main"]
    except Exception:  # dynamic sizes
        return function


def _flops(function: Any) -> float | None:
    import tvm  # noqa: PLC0415
    from tvm.s_tir.analysis import estimate_tir_flops  # noqa: PLC0415

    try:
        return float(estimate_tir_flops(tvm.IRModule({"main": function})))
    except Exception:  # sizes that are not known
        return None
