"""The header: what C and C++ compilers make of it, and whether it says what the library does."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
INCLUDE = HERE.parents[1] / "template-runtime/include"
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-I", INCLUDE]


@pytest.mark.parametrize(("compiler", "standard"), [("cc", "c11"), ("c++", "c++17")])
def test_the_header_compiles_without_warnings(
    run_program: Any, tmp_path: Path, compiler: str, standard: str
) -> None:
    source = tmp_path / ("use.cc" if compiler == "c++" else "use.c")
    source.write_text('#include "tvm_plugin.h"\nTVM_PLUGIN_DECLARE(g2p_)\n')
    argv = [compiler, f"-std={standard}", *STRICT, "-c", source, "-o", tmp_path / "use.o"]
    run_program(argv, cwd=tmp_path).succeeded()


def test_sizes_offsets_and_constants_are_those_of_rust(
    workshop: Any, run_program: Any, tmp_path: Path
) -> None:
    examples = workshop.runtime / "examples"
    examples.mkdir(exist_ok=True)
    shutil.copyfile(HERE / "abi_layout.rs", examples / "abi_layout.rs")
    printed = workshop.cargo(workshop.runtime, "run", "-q", "--example", "abi_layout").succeeded()
    lines = printed.stdout.splitlines()
    assert len(lines) > 40
    checks = [
        f'_Static_assert({expression} == {number}, "{expression}");'
        for expression, number in (line.split(" = ") for line in lines)
    ]
    source = tmp_path / "check.c"
    source.write_text("\n".join(['#include "tvm_plugin.h"', *checks]) + "\n")
    argv = ["cc", "-std=c11", *STRICT, "-c", source, "-o", tmp_path / "check.o"]
    run_program(argv, cwd=tmp_path).succeeded()


def test_the_runtime_crate_sees_tvms_types_as_the_pinned_headers_do(
    run_program: Any, tmp_path: Path
) -> None:
    spec = find_spec("tvm_ffi")
    assert spec
    assert spec.origin
    include = Path(spec.origin).parent / "include"
    argv = ["cc", "-std=c11", "-I", include, "-c", HERE / "c_api_layout.c", "-o", tmp_path / "o"]
    run_program(argv, cwd=tmp_path).succeeded()


def test_a_host_in_c_uses_two_plugins(
    workshop: Any, probe: Any, starter: Any, run_program: Any, tmp_path: Path
) -> None:
    libraries = [workshop.build(plugin) for plugin in (probe, starter)]
    search = [f"-Wl,-rpath,{libraries[0].parent}", f"-Wl,-rpath-link,{libraries[0].parent}"]
    program = tmp_path / "host"
    argv = ["cc", "-std=c11", *STRICT, HERE / "host.c", *libraries, *search, "-o", program]
    run_program(argv, cwd=tmp_path).succeeded()
    assert run_program([program], cwd=tmp_path).succeeded().stdout.split() == ["3", "7.5"]
