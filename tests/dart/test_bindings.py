"""Dart's bindings are what their generator makes of the header, and lay out memory as C does."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import bindings
from tools import toolchain as toolchains
from tools.toolchain import Toolchain
from tvmplug.process import run

HEADER = bindings.HEADER.read_text()
DART = bindings.BINDINGS.read_text()
# A field of Dart's class, and what fills all of its bytes.
FILLED = {"int": "-1", "double": "-1.1"}

pytestmark = pytest.mark.slow


def test_the_committed_bindings_are_those_of_the_header(toolchain: Toolchain) -> None:
    assert bindings.make(toolchain) == DART, "run `python -m tools.bindings`"


def test_every_function_of_the_header_is_bound() -> None:
    declared = re.findall(r"P##(\w+)\(", HEADER)
    assert len(declared) > 25
    assert re.findall(r"^    '(\w+)',$", DART, re.MULTILINE) == declared


def test_structs_and_constants_are_those_of_c(toolchain: Toolchain, tmp_path: Path) -> None:
    dart = tmp_path / "layout.dart"
    dart.write_text(_dart_program())
    in_dart = run([toolchain.dart, str(dart)], env=toolchains.environment(), echo=False).stdout
    in_c = _run_c(tmp_path)
    assert len(in_c.splitlines()) > 60
    assert in_dart.splitlines() == in_c.splitlines()


def _run_c(folder: Path) -> str:
    lines = [f'printf("{name} %d\\n", (int){name});' for name in _constants()]
    for struct, fields in _structs():
        lines.append(f'printf("{struct} %zu\\n", sizeof({struct}));')
        lines += [
            f'printf("{struct}.{field} %zu %zu\\n",'
            f" offsetof({struct}, {field}), sizeof((({struct} *)0)->{field}));"
            for field, _ in fields
        ]
    source = folder / "layout.c"
    body = "\n".join(lines)
    source.write_text(
        f'#include "tvm_plugin.h"\n#include <stdio.h>\nint main(void) {{\n{body}\n}}\n'
    )
    program = folder / "layout"
    command = [
        "cc",
        "-std=c11",
        "-Wall",
        "-Werror",
        f"-I{bindings.HEADER.parent}",
        source,
        "-o",
        program,
    ]
    subprocess.run(command, check=True)
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def _dart_program() -> str:
    """Fills each field with bytes that are not zero, and looks where they are."""
    lines = [f"print('{name} ${{{_lower(name)}}}');" for name in _constants()]
    for struct, fields in _structs():
        name = _upper(struct)
        lines.append(f"print('{struct} ${{sizeOf<{name}>()}}');")
        for field, kind in fields:
            fill = "\n".join(_fill(f"memory.cast<{name}>().ref.{field}", kind))
            lines.append(f"clear();\n{fill}\nprint('{struct}.{field} ${{filled()}}');")
    body = "\n".join(lines)
    return f"""
import 'dart:ffi';
import '{bindings.BINDINGS.as_uri()}';

final memory = DynamicLibrary.process().lookupFunction<
    Pointer<Uint8> Function(Size, Size), Pointer<Uint8> Function(int, int)>('calloc')(1, 64);
void clear() => memory.asTypedList(64).fillRange(0, 64, 0);
String filled() {{
  final bytes = memory.asTypedList(64);
  final first = bytes.indexWhere((byte) => byte != 0);
  return '$first ${{bytes.lastIndexWhere((byte) => byte != 0) + 1 - first}}';
}}
void main() {{
{body}
}}
"""


def _fill(place: str, kind: str) -> Iterator[str]:
    if kind in FILLED:
        yield f"{place} = {FILLED[kind]};"
    elif kind.startswith("Pointer"):
        yield f"{place} = Pointer.fromAddress(-1);"
    else:
        for field, inner in _fields(kind):
            yield from _fill(f"{place}.{field}", inner)


def _constants() -> list[str]:
    return re.findall(r"\b(TVM_PLUGIN_\w+) (?:= )?\d+", HEADER)


def _structs() -> list[tuple[str, list[tuple[str, str]]]]:
    """The header's structs, in its order, with the fields that Dart gives them."""
    names = re.findall(r"^typedef struct (\w+) {", HEADER, re.MULTILINE)
    assert len(names) == 7
    return [(name, _fields(_upper(name))) for name in names]


def _fields(name: str) -> list[tuple[str, str]]:
    body = re.search(rf"^final class {name} extends \w+ {{(.*?)^}}", DART, re.DOTALL | re.MULTILINE)
    assert body, name
    found = re.findall(r"^  external (\S+) (\w+);", body[1], re.MULTILINE)
    return [(field, kind) for kind, field in found]


def _upper(name: str) -> str:
    return "".join(part.capitalize() for part in name.lower().split("_"))


def _lower(name: str) -> str:
    upper = _upper(name)
    return upper[0].lower() + upper[1:]
