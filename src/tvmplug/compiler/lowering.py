"""From a model's operators to kernels: bind weights, legalise, fold, fuse, and schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tvmplug.compiler import metal
from tvmplug.compiler.cpu.apply import Taken, apply
from tvmplug.compiler.cpu.choices import NO_WINNERS, Asked, Choices, Winners
from tvmplug.compiler.cpu.isa import instruction_set
from tvmplug.compiler.cpu.rewrite import rewrite
from tvmplug.compiler.tvm_errors import compile_errors
from tvmplug.export import Component
from tvmplug.targets import Target

IRModule = Any


@dataclass(frozen=True)
class Lowered:
    """A component as kernels.

    Attributes:
        module: What `tvm_facade.objects` takes.
        kernels: What the schedules did with each kernel; empty where there are none.
        tiles: What was asked for tiles, and which they are.
    """

    module: IRModule
    kernels: tuple[Taken, ...] = ()
    tiles: tuple[Asked, ...] = ()


def lower(
    module: IRModule,
    component: Component,
    prefix: str,
    target: Target,
    tuned: Mapping[str, Winners] = MappingProxyType({}),
) -> Lowered:
    """Make kernels of a component's operators.

    Args:
        module: the component's IRModule.
        component: for its function and its weights.
        prefix: the component's symbol prefix, `g2p_encoder_`.
        target: what is compiled for.
        tuned: the tiles that were measured, by the instruction set's name.

    Returns:
        The kernels, scheduled for the target.

    Raises:
        CompileError: TVM does not support an operation of the model.
    """
    with compile_errors(component.name):
        import tvm  # noqa: PLC0415
        from tvm import relax  # noqa: PLC0415

        transform = relax.transform
        weights = {name: np.asarray(weight) for name, weight in component.params.items()}
        bind = [transform.BindParams(component.function, weights)]
        clean = transform.DeadCodeElimination([component.function])
        # Folding right after legalisation computes transposed and reshaped weights once, here,
        # instead of in every call. Sorting and sampling are dispatched before, as in TVM's own
        # default pipeline, because legalisation would take their operators away.
        fuse = [
            clean,
            relax.backend.DispatchSampling(),
            relax.backend.DispatchSortScan(),
            transform.LegalizeOps(),
            transform.FoldConstant(),
            clean,
            transform.AnnotateTIROpPattern(),
            transform.FuseOps(),
            transform.FuseTIR(),
        ]
        kernels: tuple[Taken, ...] = ()
        choices = Choices()
        with tvm.target.Target(dict(target.tvm_target)):
            lowered = tvm.transform.Sequential(bind)(module)
            if target.has_own_kernels:
                isa = instruction_set(target.tvm_target)
                choices = Choices(tuned.get(isa.name, NO_WINNERS))
                lowered = rewrite(lowered, isa, component.weight_dtype, choices)
            lowered = tvm.transform.Sequential(fuse)(lowered)
            if target.has_own_kernels:
                lowered, kernels = apply(lowered, isa)
            lowered = _with_two_kernels(lowered)
            if target.device == "metal":
                lowered = metal.schedule(lowered)
        module = lowered.with_attr("system_lib_prefix", prefix)
        return Lowered(module, kernels, tuple(choices.asked.values()))


def _with_two_kernels(lowered: IRModule) -> IRModule:
    """Fill a module up with kernels that nobody calls until it has two.

    TVM 0.27 marks a lone kernel as the library's entry and exports it without the prefix as
    `__tvm_ffi_main`, and writes C source instead of objects for a module without any. It can go
    when `test_a_component_with_one_kernel_or_none_compiles` passes without it.
    """
    import tvm  # noqa: PLC0415
    from tvm import te  # noqa: PLC0415

    source = te.placeholder((1,), "float32", name="source")
    copy = te.compute((1,), lambda i: source[i], name="copy")
    kernels = [f for f in lowered.functions.values() if isinstance(f, tvm.tirx.PrimFunc)]
    for number in range(len(kernels), 2):
        name = f"unused_{number}"
        lowered[name] = te.create_prim_func([source, copy]).with_attr("global_symbol", name)
    return lowered
