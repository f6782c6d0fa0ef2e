"""From a model's operators to kernels: bind weights, legalise, fold, fuse, and name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
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


# The numbers by which TVM tells kernels of the same operators apart.
_NUMBER = re.compile(r"\d+(?=_|$)")
_DIGITS = 10


@dataclass(frozen=True)
class Lowered:
    """A component as kernels.

    Attributes:
        module: What `codegen.start` takes: kernels with TVM's plain loops.
        kernels: What the schedules did with each kernel; empty where none were asked yet.
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
        The kernels, each for itself: `kernels` lays out their loops. Those for GPUs are scheduled.

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
        choices = Choices()
        with tvm.target.Target(dict(target.tvm_target)):
            lowered = tvm.transform.Sequential(bind)(module)
            if target.has_own_kernels:
                isa = instruction_set(target.tvm_target)
                choices = Choices(tuned.get(isa.name, NO_WINNERS))
                lowered = rewrite(lowered, isa, component.weight_dtype, choices)
            lowered = tvm.transform.Sequential(fuse)(lowered)
            lowered = _named_by_content(lowered)
            if target.device == "metal":
                lowered = metal.schedule(with_two_kernels(lowered))
        module = lowered.with_attr("system_lib_prefix", prefix)
        return Lowered(module, tiles=tuple(choices.asked.values()))


def scheduled(lowered: Lowered, target: Target) -> Lowered:
    """Lay out the loops of all kernels, for a module that is compiled as a whole.

    Args:
        lowered: what `lower` made.
        target: what is compiled for.

    Returns:
        The same with scheduled kernels, two at least, and what became of each.
    """
    import tvm  # noqa: PLC0415

    module, kernels = lowered.module, lowered.kernels
    if target.has_own_kernels:
        with tvm.target.Target(dict(target.tvm_target)):
            module, kernels = apply(module, instruction_set(target.tvm_target))
    return replace(lowered, module=with_two_kernels(module), kernels=kernels)


def _named_by_content(lowered: IRModule) -> IRModule:
    """Give each kernel a name that says what it computes, and a hash of how.

    TVM numbers kernels by their place in the model: with a layer more, all that follow would have
    other names, and objects hold names.
    """
    import tvm_ffi  # noqa: PLC0415
    from tvm import relax, tirx  # noqa: PLC0415

    taken: set[str] = set()
    for variable, function in list(lowered.functions.items()):
        if isinstance(function, tirx.PrimFunc):
            nameless = _with_plain_parameters(function.without_attr("global_symbol"))
            content = f"{nameless.script(show_meta=True)}{tvm_ffi.structural_hash(nameless)}"
            digest = hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]
            name = f"{_NUMBER.sub('', variable.name_hint)}_{digest}"
            while name in taken:  # an author's own kernel, twice
                name += "_"
            taken.add(name)
            lowered[variable] = nameless.with_attr("global_symbol", name)
    return relax.transform.NormalizeGlobalVar()(lowered)


def _with_plain_parameters(function: Any) -> Any:
    """Number a kernel's parameters, which TVM names after the model's variables.

    Those are numbered by their place in the model as well, and objects hold them for debuggers.
    """
    import tvm  # noqa: PLC0415
    import tvm_ffi  # noqa: PLC0415

    plain = {old: tvm.ir.Var(f"p{i}", old.ty) for i, old in enumerate(function.params)}
    return tvm_ffi.structural_map(function, (tvm.ir.Var, lambda found: plain.get(found, found)))


def with_two_kernels(lowered: IRModule) -> IRModule:
    """Fill a module up with kernels that nobody calls until it has two.

    TVM 0.27 marks a lone kernel as the library's entry and exports it without the prefix as
    `__tvm_ffi_main`, and writes C source instead of objects for a module without any. It can go
    when `test_a_component_with_one_kernel_or_none_compiles` passes without it.

    Args:
        lowered: a module; it is changed.

    Returns:
        The module.
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
