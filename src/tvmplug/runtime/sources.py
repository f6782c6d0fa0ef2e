"""TVM's C++ sources: the pinned wheels hold them, in the compile environment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tvmplug.environment import compile_python
from tvmplug.errors import ToolError
from tvmplug.pins import PINS
from tvmplug.process import run

_WHEELS = {"apache-tvm": PINS.tvm, "apache-tvm-ffi": PINS.tvm_ffi}
# A source of each, as a sign that the wheel has them at all.
_SIGNS = {"tvm": "src/runtime/vm/vm.cc", "tvm_ffi": "src/ffi/object.cc"}

# Asks for the places without importing TVM, which takes a second.
_QUERY = """
import importlib.metadata as m, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        d = m.distribution(name)
        found[name] = [d.version, str(d.locate_file(""))]
    except m.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Sources:
    """The packages that hold the C++ sources.

    Attributes:
        tvm: The `tvm` package: `src/runtime`, `include`.
        tvm_ffi: The `tvm_ffi` package: `src/ffi`, `include`.
    """

    tvm: Path
    tvm_ffi: Path


def find_sources() -> Sources:
    """Return the sources of the pinned TVM; its environment is made when missing.

    Raises:
        ToolError: The environment cannot be made, or has other versions or no sources.
    """
    python = compile_python(None)
    found = json.loads(run([python, "-c", _QUERY, *_WHEELS], echo=False).stdout)
    for name, pin in _WHEELS.items():
        version = found[name][0] if name in found else "not installed"
        if version != pin:
            raise ToolError(
                f"{python} has {name} {version}, the pin is {pin}",
                mend="Unset TVMPLUG_COMPILE_PYTHON, or install the pinned version there",
            )
    sources = Sources(
        tvm=Path(found["apache-tvm"][1]) / "tvm",
        tvm_ffi=Path(found["apache-tvm-ffi"][1]) / "tvm_ffi",
    )
    for folder in (sources.tvm, sources.tvm_ffi):
        if not (folder / _SIGNS[folder.name]).is_file():
            raise ToolError(
                f"{folder} has no C++ sources: {_SIGNS[folder.name]} is missing",
                mend=f"Delete {python.parent.parent} and run the command again",
            )
    return sources
