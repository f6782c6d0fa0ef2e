"""What narrow weights do to a component's outputs, measured on the machine that compiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tvmplug.compiler import codegen, lowering
from tvmplug.compiler.frontends import Imported
from tvmplug.errors import CompileError
from tvmplug.export import Array, Case, Component, case_name
from tvmplug.metadata import ComponentSpec
from tvmplug.targets import host_target


@dataclass(frozen=True)
class Error:
    """A distance between outputs and those of the original model.

    Attributes:
        share: The largest difference, as a share of the output's largest absolute value.
        where: The case and the output that have it.
    """

    share: float
    where: str


def with_measured_error(
    spec: ComponentSpec, component: Component, imported: Imported
) -> ComponentSpec:
    """Measure the error of a component with narrow weights, and refuse one that is too large.

    The component is compiled for this machine and run on its cases, whatever the target is:
    rounded weights are the same numbers everywhere.

    Args:
        spec: The component's entry of the metadata.
        component: With its `weight_dtype`, its cases and its limit.
        imported: Its module.

    Returns:
        The entry with the error, and a golden test that allows what the limit allows; the same
        entry for float32 weights.

    Raises:
        CompileError: TVM failed, or the error is above the limit.
    """
    if component.weight_dtype == "float32":
        return spec
    lowered = lowering.lower(imported.module, component, spec.prefix, host_target())
    run = codegen.runnable(lowered, component, host_target())
    names = [tensor.name for tensor in spec.inputs]
    found = [
        error_of(case, case_name(case, index), run([case.inputs[name] for name in names]), spec)
        for index, case in enumerate(component.cases)
    ]
    worst = max(found, key=lambda error: error.share)
    if not worst.share <= component.max_error:
        raise CompileError(
            f"component '{component.name}': {component.weight_dtype} weights change {worst.where}"
            f" by {worst.share:.3g} of its largest value, max_error is {component.max_error:g}",
            mend="Choose a wider weight_dtype in model/export.py, or a larger max_error if the"
            " model is good enough like that",
        )
    largest = max(_largest(array) for case in component.cases for array in case.outputs.values())
    return replace(
        spec,
        weight_dtype=component.weight_dtype,
        error=worst.share,
        atol=max(spec.atol, component.max_error * largest),
    )


def error_of(case: Case, name: str, found: Sequence[Array], spec: ComponentSpec) -> Error:
    """The largest error of a case's outputs, among those that are floating-point numbers.

    Args:
        case: With the original model's outputs.
        name: The case's.
        found: The component's outputs, in the order of the metadata.
        spec: The component's entry of the metadata.
    """
    outputs: Mapping[str, Array] = {
        tensor.name: array for tensor, array in zip(spec.outputs, found, strict=True)
    }
    errors = [Error(0.0, f"case {name}")]
    for output, wanted in case.outputs.items():
        if np.asarray(wanted).dtype.kind != "f":
            continue
        difference = _largest(outputs[output].astype("float64") - wanted)
        share = difference / (_largest(wanted) or 1.0)
        errors.append(Error(share, f"output '{output}' of case {name}"))
    # NaN is larger than all.
    return max(errors, key=lambda error: np.inf if np.isnan(error.share) else error.share)


def _largest(array: Array) -> float:
    return float(np.abs(np.asarray(array, dtype="float64")).max(initial=0.0))
