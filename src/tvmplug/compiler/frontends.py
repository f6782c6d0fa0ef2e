"""Turns what an author's component holds (Relax, PyTorch or ONNX) into a Relax module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvmplug.compiler.onnx_clip import raise_clips
from tvmplug.compiler.tvm_facade import IRModule
from tvmplug.errors import ExportError
from tvmplug.export import Component


@dataclass(frozen=True)
class Imported:
    """A component as a Relax module.

    Attributes:
        module: the IRModule.
        function: the function to call.
        output_names: the names of its results where the source names them (ONNX), else empty.
    """

    module: IRModule
    function: str
    output_names: tuple[str, ...] = ()


def to_relax(component: Component, folder: Path) -> Imported:
    """Convert a component's module.

    Args:
        component: the author's component.
        folder: what the path of an .onnx file is relative to: `model/`.

    Raises:
        ExportError: it is none of the supported kinds, the file is missing or damaged, or TVM's
            importer does not know an operator in it.
    """
    module = component.module
    kind = f"{type(module).__module__}.{type(module).__name__}"
    if kind.startswith("tvm.") and type(module).__name__ == "IRModule":
        return Imported(module, component.function)
    if kind.startswith("torch.export") and type(module).__name__ == "ExportedProgram":
        return _importing(component, "PyTorch", lambda: _from_torch(module))
    if isinstance(module, str | Path):
        path = folder / module
        return _importing(component, "ONNX", lambda: _from_onnx(_read_onnx(path), component))
    if kind.startswith("onnx") and type(module).__name__ == "ModelProto":
        return _importing(component, "ONNX", lambda: _from_onnx(module, component))
    raise ExportError(
        f"component '{component.name}' has a module of type {kind}",
        mend="Pass a Relax IRModule, a torch.export.ExportedProgram, an onnx.ModelProto or the"
        " path of an .onnx file",
    )


def _importing(component: Component, source: str, convert: Callable[[], Imported]) -> Imported:
    try:
        return convert()
    except ExportError:
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1] if lines else type(error).__name__
        raise ExportError(
            f"component '{component.name}': TVM's {source} importer failed: {reason}",
            mend="Replace that operator before exporting the model",
        ) from error


def _from_torch(program: Any) -> Imported:
    from tvm.relax.frontend.torch import from_exported_program  # noqa: PLC0415

    return Imported(from_exported_program(program, unwrap_unit_return_tuple=True), "main")


def _read_onnx(path: Path) -> Any:
    import onnx  # noqa: PLC0415

    if not path.is_file():
        raise ExportError(f"there is no ONNX file {path}", mend="Paths are relative to model/")
    try:
        return onnx.load(str(path))
    except Exception as error:
        raise ExportError(f"{path} is no readable ONNX model: {error}") from error


def _from_onnx(model: Any, component: Component) -> Imported:
    from tvm import tirx  # noqa: PLC0415
    from tvm.relax.frontend.onnx import from_onnx  # noqa: PLC0415

    variables = {name: tirx.Var(name, "int64") for name in component.dims}
    shapes = {
        name: [variables[size] if isinstance(size, str) else size for size in shape]
        for name, shape in component.shapes.items()
    }
    # The names of the cases are those of the ONNX graph, so they must not be rewritten.
    module = raise_clips(from_onnx(model, shape_dict=shapes or None, sanitize_input_names=False))
    return Imported(module, "main", tuple(output.name for output in model.graph.output))
