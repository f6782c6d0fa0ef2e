"""A component's object files: one for each kernel, and one for the VM's code and the constants.

Kernels for GPUs stay in one module, since TVM stores their source with the constants.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed, wait
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tvmplug import files
from tvmplug.compiler import lowering, metal, placing
from tvmplug.compiler.cpu import vector_math
from tvmplug.compiler.cpu.apply import Taken
from tvmplug.compiler.kernels import Kernel, Made, Workers
from tvmplug.compiler.lowering import Lowered
from tvmplug.compiler.tvm_errors import compile_errors
from tvmplug.compiler.tvm_facade import IRModule
from tvmplug.export import Array, Component
from tvmplug.targets import Target

# Room that code and tables of one component may take on disk beside its constants.
_CODE_BYTES = 4 << 20


@dataclass(frozen=True)
class Objects:
    """A component's object files.

    Attributes:
        files: Name and content of each, in an order that depends on nothing but the component.
        taken: What the rules did with each kernel that they were asked about.
        kernels: How many kernels have an object of their own.
        cached: How many of them were compiled before.
    """

    files: tuple[tuple[str, bytes], ...]
    taken: tuple[Taken, ...] = ()
    kernels: int = 0
    cached: int = 0

    @property
    def summary(self) -> str:
        """In a few words: how many kernels there are, and how many were compiled before."""
        if not self.kernels:
            return ""
        return f"{self.kernels} kernels" + (f", {self.cached} from the cache" * (self.cached > 0))


class Pending:
    """Objects that are being made; see `start`.

    Args:
        component: The component's name, for messages.
        kernels: Its kernels, in order.
        rest: The objects beside them.
    """

    def __init__(
        self,
        component: str,
        kernels: Sequence[Future[Made]],
        rest: Future[list[tuple[str, bytes]]],
    ) -> None:
        self._component = component
        self._kernels = kernels
        self._rest = rest

    def result(self, show: Callable[[str], None]) -> Objects:
        """Wait for them.

        Args:
            show: Told how far it is.

        Raises:
            CompileError: TVM failed; what is not begun of this component is left out.
            FileError: The disk is full.
        """
        try:
            with compile_errors(self._component):
                for count, _ in enumerate(_succeeding(self._kernels), start=1):
                    show(f"{count} of {len(self._kernels)} kernels")
                rest = self._rest.result()
        except BaseException:
            self.cancel()
            raise
        made = [future.result() for future in self._kernels]
        return Objects(
            files=(*((f"{each.name}.o", each.content) for each in made), *rest),
            taken=tuple(each.taken for each in made if each.taken is not None),
            kernels=len(made),
            cached=sum(each.cached for each in made),
        )

    def cancel(self) -> None:
        """Leave out what is not begun, and wait for what is: its files lie in a folder."""
        futures: list[Future[Any]] = [*self._kernels, self._rest]
        wait([each for each in futures if not each.cancel()])


def start(
    lowered: Lowered, component: str, target: Target, workers: Workers, scratch: Path
) -> Pending:
    """Begin to generate code.

    Args:
        lowered: What `lowering.lower` made.
        component: The component's name, for messages.
        target: What is compiled for.
        workers: Who does it.
        scratch: A folder for TVM's files; they are removed.

    Raises:
        CompileError: TVM failed.
        FileError: The disk is full.
    """
    placing.check_room(scratch, _constant_bytes(lowered.module) + _CODE_BYTES)
    with compile_errors(component):
        if target.device != "cpu":
            whole = _whole(lowered, target)
            rest = workers.pool.submit(_exported, whole, scratch, with_code=True)
            return Pending(component, [], rest)
        prefix = _prefix(lowered.module)
        machinery, kernels = _parts(lowered.module, target)
        # First, since it cannot be divided.
        rest = workers.pool.submit(_exported, machinery, scratch, with_code=False)
        return Pending(
            component, [workers.start(k, prefix, target, scratch) for k in kernels], rest
        )


def executable(lowered: Lowered, component: Component, target: Target) -> Any:
    """Generate code that registers no functions: to run here, or to be linked as a library.

    Args:
        lowered: What `lowering.lower` made.
        component: For its name.
        target: What is compiled for.

    Returns:
        TVM's executable.

    Raises:
        CompileError: TVM failed.
    """
    with compile_errors(component.name):
        nameless = lowered.module.without_attr("system_lib_prefix")
        return _whole(replace(lowered, module=nameless), target)


def runnable(
    lowered: Lowered, component: Component, target: Target
) -> Callable[[Sequence[Array]], list[Array]]:
    """Generate code for this machine, to run here.

    Args:
        lowered: What `lowering.lower` made.
        component: For its name and its function.
        target: This machine's.

    Returns:
        From inputs, in the function's order, to outputs.

    Raises:
        CompileError: TVM failed.
    """
    made = executable(lowered, component, target)
    with compile_errors(component.name):
        import tvm  # noqa: PLC0415
        from tvm import relax  # noqa: PLC0415

        function = relax.VirtualMachine(made, tvm.cpu())[component.function]

    def run(inputs: Sequence[Array]) -> list[Array]:
        with compile_errors(component.name):
            result = function(*(tvm.runtime.tensor(np.asarray(array)) for array in inputs))
            tensors = result if hasattr(result, "__len__") else [result]
            return [np.asarray(tensor.numpy()) for tensor in tensors]

    return run


def _whole(lowered: Lowered, target: Target) -> Any:
    """TVM's executable of a whole module, its kernels compiled together."""
    import tvm  # noqa: PLC0415
    from tvm import relax  # noqa: PLC0415

    module = lowering.scheduled(lowered, target).module
    machine = tvm.target.Target(dict(target.tvm_target))
    math = vector_math.lowerings() if target.has_own_kernels else nullcontext("default")
    with metal.own_compiler(target), math as pipeline:
        return relax.build(module, machine, tir_pipeline=pipeline)


def _parts(lowered: IRModule, target: Target) -> tuple[Any, list[Kernel]]:
    """The VM's executable without any kernel, and the kernels.

    It is what `relax.build` of TVM 0.27 does, which has no way to leave its last step to others.
    """
    import tvm  # noqa: PLC0415
    from tvm import relax, tirx  # noqa: PLC0415
    from tvm.relax import vm_build  # noqa: PLC0415

    machine = tvm.target.Target(dict(target.tvm_target))
    prefix = _prefix(lowered)
    ours = {name.name_hint for name, f in lowered.functions.items() if isinstance(f, tirx.PrimFunc)}
    with machine:
        module = relax.get_pipeline("default")(lowered)
    constants = dict((module.attrs or {}).get("const_name_to_constant", {}))
    builder = relax.ExecBuilder()
    left = vm_build._vmcodegen(builder, module, "bytecode")
    kernels = []
    for variable, function in left.functions.items():
        if isinstance(function, tirx.PrimFunc):
            name = variable.name_hint.removeprefix(prefix)
            # Functions that count sizes came in just now: there is nothing to lay out in them.
            kernels.append(Kernel(name, function, target.has_own_kernels and name in ours))
    # Without any kernel TVM would write C source for the rest.
    empty = lowering.with_two_kernels(tvm.IRModule({}, attrs={"system_lib_prefix": prefix}))
    executable = vm_build._vmlink(builder, machine, empty, params=constants)
    return executable, sorted(kernels, key=lambda kernel: kernel.name)


def _exported(executable: Any, scratch: Path, *, with_code: bool) -> list[tuple[str, bytes]]:
    """The files that TVM writes of an executable: `lib0.o`, and `PREFIXdevc.o`."""
    with files.file_errors(scratch), tempfile.TemporaryDirectory(dir=scratch) as folder:
        paths: list[str] = []

        def collect(_: str, objects: list[str], **__: object) -> None:
            paths.extend(objects)

        executable.export_library("unused", fcompile=collect, workspace_dir=folder)
        found = [(Path(path).name, Path(path).read_bytes()) for path in paths]
        return [(name, content) for name, content in found if with_code or name != "lib0.o"]


def _succeeding(futures: Sequence[Future[Made]]) -> Iterator[Made]:
    """Results as they come; the first failure is raised at once."""
    for future in as_completed(futures):
        yield future.result()


def _prefix(module: IRModule) -> str:
    # Not `get_attr`, which in TVM 0.27 fails for texts of up to seven bytes.
    return str(module.attrs["system_lib_prefix"])


def _constant_bytes(lowered: IRModule) -> int:
    import tvm  # noqa: PLC0415
    from tvm import relax  # noqa: PLC0415

    sizes: list[int] = []

    def count(node: Any) -> None:
        if isinstance(node, tvm.ir.GenericConst) and hasattr(node.value, "numpy"):
            sizes.append(int(node.value.numpy().nbytes))

    for function in lowered.functions.values():
        if isinstance(function, relax.Function):
            relax.analysis.post_order_visit(function, count)
    return sum(sizes)
