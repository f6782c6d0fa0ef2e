"""One pin: the table, the lock files and the package metadata agree."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tvmplug.pins import PINS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ROOT = Path(__file__).parents[2]
_LOCKS = _ROOT / "src" / "tvmplug" / "locks"


def _locked(lock: str, package: str) -> tuple[str, tuple[str, ...]]:
    text = (_LOCKS / lock).read_text()
    found = re.search(rf"^{package}==(\S+) \\\n((?:    --hash=\S+(?: \\)?\n?)+)", text, re.M)
    assert found, f"{package} is not in {lock}"
    return found[1], tuple(re.findall(r"--hash=(\S+)", found[2]))


@pytest.mark.parametrize("lock", ["compile.txt", "dev.txt"])
def test_the_locks_hold_the_pinned_wheels_and_their_hashes(lock: str) -> None:
    assert _locked(lock, "apache-tvm") == (PINS.tvm, PINS.tvm_wheel_hashes)
    assert _locked(lock, "apache-tvm-ffi") == (PINS.tvm_ffi, PINS.tvm_ffi_wheel_hashes)


def test_the_compile_extra_asks_for_the_pinned_versions() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    asked = [Requirement(line) for line in project["optional-dependencies"]["compile"]]
    exact = {r.name: str(r.specifier) for r in asked if r.name.startswith("apache")}
    assert exact == {"apache-tvm": f"=={PINS.tvm}", "apache-tvm-ffi": f"=={PINS.tvm_ffi}"}


def test_the_runtime_plugin_follows_the_version_of_tvm() -> None:
    tvm, runtime = Version(PINS.tvm), Version(PINS.runtime_version)
    assert (runtime.major, runtime.minor) == (tvm.major, tvm.minor)
    assert f"^{PINS.runtime_version}" == PINS.runtime_constraint


@pytest.mark.parametrize("lock", ["toolkit.txt", "compile.txt", "dev.txt"])
def test_every_locked_requirement_has_hashes_and_names_no_index(lock: str) -> None:
    text = (_LOCKS / lock).read_text()
    requirements = re.split(r"\n(?=\S)", text.partition("\n")[2].strip())
    assert len(requirements) > 10
    for requirement in requirements:
        assert "--hash=sha256:" in requirement
    assert "://" not in text
    assert "index-url" not in text
