"""Measures one kernel: builds its candidates, compares their results, and lets them race."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tvmplug.compiler import codegen, lowering
from tvmplug.compiler.cpu.choices import Asked, Choice
from tvmplug.compiler.cpu.isa import instruction_set
from tvmplug.compiler.cpu.signature import Kernel
from tvmplug.compiler.tuning.deciding import Times, finalists, ratio_of, verdict
from tvmplug.compiler.tuning.devices import Device, Loaded
from tvmplug.compiler.tuning.probe import component_of, inputs_of
from tvmplug.compiler.tuning.sizes import Samples
from tvmplug.errors import CompileError
from tvmplug.export import Array
from tvmplug.targets import Target

# A convolution has more tiles that fit than anybody waits for; the ranking is good enough.
MOST_CANDIDATES = 12
_HEAT_ROUNDS, _FINAL_ROUNDS = 3, 11
# A time is that of as many calls as take so long.
_ROUND_S = 0.01
# Sums in another order differ by this much of the largest number.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Measured:
    """What came of measuring a kernel.

    Attributes:
        kernel: The kernel's text.
        before: The tile that it has.
        after: The tile that it shall have.
        ratio: The time with the second as a share of that with the first.
        table: The tile of tvmplug's table.
        to_table: The time with `after` as a share of that with the table's.
        notes: Candidates that failed, and how.
    """

    kernel: str
    before: Choice
    after: Choice
    ratio: float
    table: Choice
    to_table: float
    notes: tuple[str, ...] = ()


def measure(asked: Asked, samples: Samples, target: Target, device: Device) -> Measured:
    """Find the fastest tile of a kernel.

    Args:
        asked: The kernel, the tile it has, and the candidates.
        samples: Its sizes in the calls that are timed.
        target: What is compiled for.
        device: Where it runs.

    Raises:
        CompileError: The kernel cannot be measured at all.
        ToolError: The device failed.
    """
    now, table = asked.chosen, asked.ranked[0]
    ranked = list(dict.fromkeys([table, now, *asked.ranked[:MOST_CANDIDATES]]))
    racers: dict[Choice, Loaded] = {}
    notes: list[str] = []
    wanted: list[Array] | None = None
    for choice in ranked:
        try:
            loaded = build(asked.kernel, choice, samples, target, device)
        except CompileError as error:
            if choice in (table, now):
                raise
            notes.append(f"{choice} does not compile: {error.message}")
            continue
        results = loaded.results()
        wanted = results if wanted is None else wanted
        if all(_equal(one, other) for one, other in zip(results, wanted, strict=True)):
            racers[choice] = loaded
        else:
            notes.append(f"{choice} gives other results than {table}")
    if now not in racers:
        notes.append(f"{now} loses its place")
        now = table
    number = max(1, math.ceil(_ROUND_S / max(racers[now].seconds(1), 1e-9)))
    heat = _race(racers, number, _HEAT_ROUNDS)
    final = {choice: racers[choice] for choice in finalists(heat, (now, table))}
    times = _race(final, number, _FINAL_ROUNDS)
    found = verdict(times, now)
    return Measured(
        kernel=asked.kernel.text,
        before=asked.chosen,
        after=found.choice,
        ratio=found.ratio,
        table=table,
        to_table=ratio_of(times, found.choice, table),
        notes=tuple(notes),
    )


def build(
    kernel: Kernel, choice: Choice, samples: Samples, target: Target, device: Device
) -> Loaded:
    """Compile a kernel with a tile, the way that a component is compiled, and bring it there.

    Args:
        kernel: The kernel.
        choice: Its tile.
        samples: Its sizes in each call.
        target: What is compiled for.
        device: Where it shall run.

    Raises:
        CompileError: TVM failed, or the kernel did not take the tile.
        ToolError: The device failed.
    """
    component = component_of(kernel)
    tuned = {instruction_set(target.tvm_target).name: {kernel.text: choice}}
    lowered = lowering.lower(component.module, component, "probe_", target, tuned)
    if [(each.kernel.text, each.chosen) for each in lowered.tiles] != [(kernel.text, choice)]:
        raise CompileError(f"{kernel.text} by itself is another kernel than in the model")
    executable = codegen.executable(lowered, component, target)
    return device.load(executable, [inputs_of(kernel, sizes) for sizes in samples])


def _race(racers: Mapping[Choice, Loaded], number: int, rounds: int) -> Times:
    """Time all in each round, so that what disturbs the machine falls on all of them."""
    times: dict[Choice, list[float]] = {choice: [] for choice in racers}
    order = list(racers)
    for _ in range(rounds):
        for choice in order:
            times[choice].append(racers[choice].seconds(number))
        order = [*order[1:], order[0]]  # nobody always follows the same one
    return times


def _equal(one: Array, other: Array) -> bool:
    largest = float(np.abs(other).max(initial=0.0))
    return bool(np.allclose(one, other, rtol=0, atol=_TOLERANCE * max(largest, 1e-30)))
