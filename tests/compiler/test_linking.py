"""Compiled archives in a real link, and run: alone, two plugins together, one prefix twice."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tvmplug.metadata import METADATA_NAME, read_metadata

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed"),
]

# Runs in a process of its own: a library registers its functions as it is loaded, for good.
RUNNER = """
import ctypes, json, sys
import numpy as np
import tvm
from safetensors.numpy import load_file, save_file
library, jobs = sys.argv[1], json.loads(sys.argv[2])
ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
for prefix, case, answer in jobs:
    import tvm_ffi
    machine = tvm.relax.VirtualMachine(tvm_ffi.system_lib(prefix), tvm.cpu())
    ids = tvm.runtime.tensor(load_file(case)["in.ids"])
    results = machine["main"](ids)
    save_file({str(i): result.numpy() for i, result in enumerate(results)}, answer)
"""


def wheel_library(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    found = sorted(Path(spec.origin).parent.glob(f"lib/{name}"))
    assert found, f"{package} has no {name}"
    return found[0]


def link(out: Path, *archives: Path) -> subprocess.CompletedProcess[str]:
    runtime = wheel_library("tvm", "libtvm_runtime.so")
    ffi = wheel_library("tvm_ffi", "libtvm_ffi.so")
    argv = ["gcc", "-shared", "-o", out, "-Wl,--whole-archive", *archives]
    argv += ["-Wl,--no-whole-archive", "-Wl,--no-undefined", runtime, ffi, "-lm"]
    argv += [f"-Wl,-rpath,{runtime.parent}", f"-Wl,-rpath,{ffi.parent}"]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def archive_of(plugin: Any) -> Path:
    metadata = read_metadata(plugin.out() / METADATA_NAME)
    path: Path = plugin.out() / metadata.archive
    return path


def replay(library: Path, plugins: list[Any], folder: Path) -> None:
    """Run every component on a golden case and compare with the original model's answer."""
    jobs = []
    for plugin in plugins:
        metadata = read_metadata(plugin.out() / METADATA_NAME)
        for component in metadata.components:
            case = plugin.root / "model" / "golden" / component.name / "01.safetensors"
            jobs.append((component, case, folder / f"{component.prefix}answer"))
    listed = json.dumps([(c.prefix, str(case), str(answer)) for c, case, answer in jobs])
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, library, listed],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "override" not in done.stderr.lower()
    for component, case, answer in jobs:
        expected, got = load_file(case), load_file(answer)
        for index, output in enumerate(component.outputs):
            np.testing.assert_allclose(
                got[str(index)],
                expected[f"out.{output.name}"],
                rtol=component.rtol,
                atol=component.atol,
            )


def test_two_plugins_link_into_one_library_and_answer_as_the_original_models(
    compiled: Any, other_compiled: Any, tmp_path: Path
) -> None:
    library = tmp_path / "libboth.so"
    done = link(library, archive_of(compiled), archive_of(other_compiled))

    assert done.returncode == 0, done.stderr
    replay(library, [compiled, other_compiled], tmp_path)


def test_one_prefix_twice_does_not_link(compiled: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy.a"
    shutil.copy(archive_of(compiled), copy)

    done = link(tmp_path / "libtwice.so", archive_of(compiled), copy)

    assert done.returncode != 0
    assert "multiple definition of `g2p_encoder___tvm_ffi__library_bin'" in done.stderr
    # What TVM leaves without a prefix is weak, and so no reason to fail.
    assert "hfsf2" not in done.stderr


def test_the_index_makes_a_plain_link_work(compiled: Any, tmp_path: Path) -> None:
    source = tmp_path / "main.c"
    source.write_text(
        "extern const char g2p_encoder___tvm_ffi__library_bin[];"
        "int main(void) { return g2p_encoder___tvm_ffi__library_bin == 0; }"
    )
    runtime, ffi = (
        wheel_library("tvm", "libtvm_runtime.so"),
        wheel_library("tvm_ffi", "libtvm_ffi.so"),
    )
    program = tmp_path / "main"
    argv = ["gcc", source, archive_of(compiled), runtime, ffi, "-lm", "-o", program]
    argv += [f"-Wl,-rpath,{runtime.parent}", f"-Wl,-rpath,{ffi.parent}"]
    subprocess.run(argv, check=True)
    subprocess.run([program], check=True)
