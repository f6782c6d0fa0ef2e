"""The rules: how a kernel's loops are laid out, by what the kernel is.

A rule looks at one kernel and either schedules it or leaves it to the next one. What no rule
takes keeps TVM's plain loops, and the build says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tvmplug.compiler.cpu.cell import schedule_cell
from tvmplug.compiler.cpu.conv_schedule import schedule_convolution
from tvmplug.compiler.cpu.elementwise import schedule_elementwise, schedule_view
from tvmplug.compiler.cpu.isa import InstructionSet
from tvmplug.compiler.cpu.reduction import schedule_reduction
from tvmplug.compiler.cpu.reduction_softmax import schedule_softmax
from tvmplug.compiler.cpu.tiling import schedule_tiles

# Returns whether it took the kernel; one that raises did not.
Schedule = Callable[[Any, InstructionSet], bool]


@dataclass(frozen=True)
class Rule:
    """A way to lay out loops.

    Attributes:
        name: How reports call it.
        schedule: Given TVM's schedule of a kernel, changes it and returns True, or returns False.
        narrow: Whether it counts in 32 bits where all sizes are known.
    """

    name: str
    schedule: Schedule
    narrow: bool = False


RULES: tuple[Rule, ...] = (
    Rule("cell", schedule_cell),
    Rule("product", schedule_tiles),
    Rule("convolution", schedule_convolution),
    Rule("view", schedule_view),
    Rule("element-wise", schedule_elementwise, narrow=True),
    Rule("softmax", schedule_softmax, narrow=True),
    Rule("reduction", schedule_reduction, narrow=True),
)
