"""Small Relax functions, compiled the way that components are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tvm
from tvm import relax

from tests.compiler.cpu import kernels
from tvmplug.compiler.cpu import vector_math
from tvmplug.compiler.lowering import Lowered, lower, scheduled
from tvmplug.export import Component
from tvmplug.targets import Target, host_target, target_named, with_choices

Array = np.ndarray[Any, Any]
Make = Callable[[Any], Any]
"""From a block builder to what makes Relax expressions of a function's inputs."""
Shapes = Sequence[Sequence[Any]]
ROUNDING = 2e-5


@dataclass(frozen=True)
class Built:
    """A compiled function, and what the schedules did."""

    call: Callable[..., Array]
    rules: dict[str, str | None]
    failures: tuple[str, ...]


Build = Callable[[Make, Shapes], Built]
"""`build` or `build_arm64`."""


def lowered(
    make: Make,
    shapes: Shapes,
    cpu: str | None = None,
    *,
    target: Target | None = None,
    weight_dtype: str = "float32",
) -> tuple[Lowered, Target]:
    """Make kernels of one Relax function the way that they are made of a component."""
    builder = relax.BlockBuilder()
    inputs = [
        relax.Var(f"x{i}", relax.TensorType(tuple(shape), "float32"))
        for i, shape in enumerate(shapes)
    ]
    with builder.function("main", inputs):
        with builder.dataflow():
            result = builder.emit_output(make(builder)(*inputs))
        builder.emit_func_output(result)
    target = target or with_choices(host_target(), cpu=cpu, plain=False)
    component = Component(name="one", module=builder.get(), weight_dtype=weight_dtype)
    return scheduled(lower(component.module, component, "test_", target), target), target


def build(
    make: Make, shapes: Shapes, cpu: str | None = None, *, weight_dtype: str = "float32"
) -> Built:
    """Compile one Relax function the way that a component is compiled."""
    made, target = lowered(make, shapes, cpu, weight_dtype=weight_dtype)
    module = made.module.without_attr("system_lib_prefix")
    with vector_math.lowerings() as pipeline:
        executable = relax.build(
            module, tvm.target.Target(dict(target.tvm_target)), tir_pipeline=pipeline
        )
    machine = relax.VirtualMachine(executable, tvm.cpu())

    def call(*arrays: Array) -> Array:
        result = machine["main"](*(tvm.runtime.tensor(array) for array in arrays))
        return np.asarray(result.numpy())

    return _built(made, call)


def build_arm64(make: Make, shapes: Shapes, *, weight_dtype: str = "float32") -> Built:
    """Compile one Relax function, of known sizes, for AArch64; its kernels run in an emulator."""
    arm64 = target_named("linux-arm64")
    made, target = lowered(make, shapes, target=arm64, weight_dtype=weight_dtype)
    calls = kernels.compiled(kernels_of(made), target.tvm_target)
    return _built(made, lambda *arrays: _interpreted(made.module["main"], calls, arrays))


def kernels_of(made: Lowered) -> Any:
    """A module of the kernels alone, without those that nobody calls."""
    functions = made.module.functions.items()
    return tvm.IRModule({
        name.name_hint: function.with_attr("global_symbol", name.name_hint)
        for name, function in functions
        if isinstance(function, tvm.tirx.PrimFunc) and not name.name_hint.startswith("unused_")
    })  # fmt: skip


def _interpreted(function: Any, calls: kernels.Calls, arrays: Sequence[Array]) -> Array:
    """What the virtual machine does with a function that calls kernels and nothing else."""
    values: dict[Any, Any] = dict(zip(function.params, arrays, strict=True))

    def value(expression: Any) -> Any:
        if isinstance(expression, relax.Var):
            return values[expression]
        if isinstance(expression, relax.TupleGetItem):
            return value(expression.tuple_value)[expression.index]
        if not isinstance(expression, relax.Call):
            return expression.value.numpy()
        assert expression.op.name == "relax.call_tir", expression
        kernel, inputs = expression.args[:2]
        (types,) = expression.ty_args
        fields = types.fields if isinstance(types, relax.TupleType) else [types]
        outputs = [(tuple(map(int, field.shape.values)), str(field.dtype)) for field in fields]
        given = [value(each) for each in inputs.fields]
        (found,) = calls([kernels.Call(kernel.name_hint, given, outputs)])
        return found if isinstance(types, relax.TupleType) else found[0]

    for block in function.body.blocks:
        for binding in block.bindings:
            values[binding.var] = value(binding.value)
    return np.asarray(value(function.body.body))


def _built(made: Lowered, call: Callable[..., Array]) -> Built:
    return Built(
        call,
        {kernel.kernel: kernel.rule for kernel in made.kernels},
        tuple(why for kernel in made.kernels for why in kernel.failures),
    )


def numbers(shape: Sequence[int], seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal(tuple(shape)).astype("float32")


def close(found: Array, wanted: Array, depth: int) -> None:
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=ROUNDING, atol=ROUNDING * np.sqrt(depth) * 4)


def took(built: Built) -> None:
    """All kernels that multiply were scheduled, and no rule broke on its way."""
    assert built.failures == ()
    assert "product" in built.rules.values()
