"""A component's interface, as the metadata records it: the module's signature against the cases."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tvmplug import names
from tvmplug.compiler import tvm_facade
from tvmplug.compiler.frontends import Imported
from tvmplug.compiler.tvm_facade import Parameter, Signature
from tvmplug.errors import ExportError
from tvmplug.export import DTYPES, Array, Component, case_name, dtype_of
from tvmplug.metadata import Bounds, ComponentSpec, TensorSpec

_UNBOUNDED = 1 << 40


def describe(component: Component, imported: Imported, prefix: str) -> ComponentSpec:
    """Read a component's interface from its module and check every case against it.

    Args:
        component: the author's component, validated.
        imported: its module.
        prefix: the plugin's prefix, `g2p_`.

    Returns:
        Its entry of the metadata, inputs and outputs in the function's order.

    Raises:
        ExportError: module and cases (or `shapes`, `dims`) disagree; says on what.
    """
    try:
        return _Description(component, imported, prefix).spec()
    except ExportError as error:
        raise ExportError(
            f"component '{component.name}': {error.message}", mend=error.mend
        ) from error


class _Description:
    def __init__(self, component: Component, imported: Imported, prefix: str) -> None:
        self._component = component
        self._imported = imported
        self._prefix = names.component_prefix(prefix, component.name)

    def spec(self) -> ComponentSpec:
        component = self._component
        # Once to learn the module's own dimension names, once with the author's bounds for them.
        renamed = self._renamed(self._signature({}))
        bounds = {
            own: (component.dims[name].min, component.dims[name].max)
            for own, name in renamed.items()
            if name in component.dims
        }
        signature = self._signature(bounds)
        inputs = tuple(self._input(parameter, renamed) for parameter in signature.inputs)
        outputs = self._outputs(signature, renamed)
        dims = {
            renamed[own]: Bounds(*bounds[own])
            for own in renamed
            if any(renamed[own] in tensor.shape for tensor in (*inputs, *outputs))
        }
        for size, (low, high) in signature.output_bounds.items():
            if size not in renamed and high < _UNBOUNDED:
                dims[str(_spelled(size, renamed))] = Bounds(max(low, 0), high)
        for index, case in enumerate(component.cases):
            sizes: dict[str, int] = {}
            where = f"case {case_name(case, index)}"
            for tensor in inputs:
                _check(f"{where}, input '{tensor.name}'", tensor, case.inputs[tensor.name], sizes)
            _check_bounds(where, sizes, dims)
            for tensor in outputs:
                where_output = f"{where}, reference output '{tensor.name}'"
                _check(where_output, tensor, case.outputs[tensor.name], sizes)
            _check_bounds(where, sizes, dims)
        return ComponentSpec(
            name=component.name,
            prefix=self._prefix,
            function=self._imported.function,
            inputs=inputs,
            outputs=outputs,
            dims=dims,
            rtol=float(component.rtol),
            atol=float(component.atol),
            notes=dict(component.notes),
        )

    def _signature(self, bounds: Mapping[str, tuple[int, int]]) -> Signature:
        signature = tvm_facade.signature(
            self._imported.module,
            self._imported.function,
            bound=self._component.params,
            bounds=bounds,
        )
        takes = [parameter.name for parameter in signature.inputs]
        given = list(self._component.cases[0].inputs)
        if missing := [name for name in takes if name not in given]:
            raise ExportError(
                f"the module takes the input '{missing[0]}', which the cases lack",
                mend="Add it to the inputs of every case, or bind it as a weight in `params`",
            )
        if extra := [name for name in given if name not in takes]:
            raise ExportError(
                f"the cases have the input '{extra[0]}', which the module does not take",
                mend=f"It takes: {', '.join(takes)}",
            )
        return signature

    def _renamed(self, signature: Signature) -> dict[str, str]:
        """The module's names of its dynamic dimensions -> the author's, from `shapes`."""
        renamed: dict[str, str] = {}
        for parameter in signature.inputs:
            declared = self._component.shapes.get(parameter.name)
            if declared is None:
                declared = parameter.shape
            if len(declared) != len(parameter.shape):
                raise _disagree(parameter, declared)
            for own, name in zip(parameter.shape, declared, strict=True):
                if isinstance(own, int) or isinstance(name, int):
                    if own != name:
                        raise _disagree(parameter, declared)
                elif renamed.setdefault(own, name) != name:
                    raise ExportError(
                        f"`shapes` calls the module's dimension {own} both {renamed[own]} and"
                        f" {name}",
                        mend="Use one name for one dimension",
                    )
        for own, name in renamed.items():
            if name not in self._component.dims:
                raise ExportError(
                    f"the module's dynamic dimension '{own}' has no bounds",
                    mend=f'Add dims={{"{name}": Dim(min, max)}}',
                )
        if unused := [name for name in self._component.dims if name not in renamed.values()]:
            raise ExportError(
                f"`dims` bounds '{unused[0]}', which is no dimension of an input",
                mend="Remove it, or use the module's name or the one in `shapes`",
            )
        return renamed

    def _input(self, parameter: Parameter, renamed: Mapping[str, str]) -> TensorSpec:
        _check_dtype(f"the input '{parameter.name}'", parameter)
        low_high = self._component.ranges.get(parameter.name)
        return TensorSpec(
            name=parameter.name,
            dtype=parameter.dtype,
            shape=tuple(_spelled(size, renamed) for size in parameter.shape),
            range=None if low_high is None else (int(low_high[0]), int(low_high[1])),
        )

    def _outputs(self, signature: Signature, renamed: Mapping[str, str]) -> tuple[TensorSpec, ...]:
        given = list(self._component.cases[0].outputs)
        ordered = list(self._imported.output_names) or given
        if sorted(ordered) != sorted(given):
            raise ExportError(
                f"the cases have the reference outputs {', '.join(given)}, the module returns"
                f" {', '.join(ordered)}",
                mend="Use the module's names in the cases",
            )
        if len(ordered) != len(signature.outputs):
            raise ExportError(
                f"the module returns {len(signature.outputs)} tensors, the cases have"
                f" {len(given)} reference outputs",
                mend="Give every output in every case, in the module's order",
            )
        outputs: list[TensorSpec] = []
        for name, parameter in zip(ordered, signature.outputs, strict=True):
            _check_dtype(f"the output '{name}'", parameter)
            shape = tuple(_spelled(size, renamed) for size in parameter.shape)
            outputs.append(TensorSpec(name=name, dtype=parameter.dtype, shape=shape))
        return tuple(outputs)


def _spelled(size: int | str, renamed: Mapping[str, str]) -> int | str:
    """A size with the author's names of the dimensions: `s0 * 2` becomes `n * 2`."""
    if isinstance(size, int):
        return size
    if size in renamed:  # an input may be declared by an expression as a whole
        return renamed[size]
    return re.sub(r"[A-Za-z_]\w*", lambda found: renamed.get(found[0], found[0]), size)


def _disagree(parameter: Parameter, declared: tuple[int | str, ...]) -> ExportError:
    return ExportError(
        f"`shapes` declares '{parameter.name}' as {declared}, the module takes {parameter.shape}",
        mend="Correct `shapes`, or export the module with that shape",
    )


def _check_dtype(where: str, parameter: Parameter) -> None:
    if parameter.dtype not in DTYPES:
        raise ExportError(
            f"{where} has the unsupported dtype {parameter.dtype}",
            mend=f"Convert it inside the module to one of {', '.join(DTYPES)}",
        )


def _check(where: str, tensor: TensorSpec, array: Array, sizes: dict[str, int]) -> None:
    """Compare one array of a case with the interface; collects the dynamic sizes."""
    if dtype_of(array) != tensor.dtype:
        raise ExportError(
            f"{where} is {array.dtype}, the module has {tensor.dtype}",
            mend=f'Convert it with .astype("{tensor.dtype}")',
        )
    fits = len(array.shape) == len(tensor.shape) and all(
        (want if isinstance(want, int) else sizes.setdefault(want, got)) == got
        for want, got in zip(tensor.shape, array.shape, strict=True)
    )
    if not fits:
        raise ExportError(
            f"{where} has the shape {array.shape}, the module has {tensor.shape}"
            + (f" with {sizes}" if sizes else ""),
            mend="Correct the case, or the module",
        )


def _check_bounds(where: str, sizes: Mapping[str, int], dims: Mapping[str, Bounds]) -> None:
    for name, size in sizes.items():
        bounds = dims.get(name)
        if bounds is not None and not bounds.min <= size <= bounds.max:
            raise ExportError(
                f"{where} has {name} = {size}, outside its bounds {bounds.min} to {bounds.max}",
                mend="Correct the case or the bounds in `dims`",
            )
