"""Both example plugins for every target, built once with the tools that come from packages."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.examples.example_plugins import PLUGINS, ROOT, generate_all
from tests.tools.needed import needed
from tools.cross import Cross, find_or_install_cross
from tools.rust import find_or_install_rust
from tvmplug.targets import TARGETS
from tvmplug.toolchains.darwin import find_linker

ASKED = "ios,ios-simulator,macos,android-arm64,android-x64,linux-arm64"
APPLE = [row.name for row in TARGETS.values() if row.is_apple]
LINKED = [*APPLE, "linux-arm64"]
NO_NDK = ["android-arm64", "android-x64"]


@dataclass(frozen=True)
class Family:
    """The runtime plugin and both examples, beside each other.

    Attributes:
        root: The folder that holds them.
        environment: The variables with which tvmplug finds the tools.
    """

    root: Path
    environment: Mapping[str, str]

    def tvmplug(self, plugin: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run tvmplug in a plugin."""
        return subprocess.run(
            [sys.executable, "-m", "tvmplug", *arguments],
            cwd=self.root / plugin, env=dict(self.environment),
            check=False, capture_output=True, text=True,
        )  # fmt: skip

    def build(self, plugin: str, targets: str = ASKED) -> dict[str, dict[str, Any]]:
        """Build a plugin; return what was told of each target, and the XCFramework."""
        done = self.tvmplug(plugin, "build", "--target", targets, "--json")
        assert done.returncode == 0, done.stderr[-4000:]
        document = json.loads(done.stdout)
        return {row["target"]: row for row in document["targets"]} | {
            "xcframework": document["xcframework"]
        }


@pytest.fixture(scope="session")
def cross() -> Cross:
    return needed(find_or_install_cross)


@pytest.fixture(scope="session")
def environment(cross: Cross, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """This process's variables, with Rust for all targets, an emulator, and no Android NDK."""
    # Rust from Debian, which comes first on PATH, has no lld beside it.
    lld = find_linker().program
    rust = needed(find_or_install_rust)
    triples = [TARGETS[name].rust_triple for name in LINKED]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANDROID_")}
    variables = {**kept, **rust.environment(*triples)}
    # The linker is the toolkit's own business.
    variables.pop("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", None)
    runner = shlex.join([str(cross.qemu), "-L", str(cross.sysroot)])
    home = tmp_path_factory.mktemp("home")
    return variables | {
        "PATH": os.pathsep.join((variables["PATH"], str(lld.parent))),
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(Path.home() / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
        "CARGO_TARGET_DIR": str(ROOT / ".cache" / "cargo" / "test-phones"),
        "TVMPLUG_CACHE_DIR": os.environ.get("TVMPLUG_CACHE_DIR", str(ROOT / ".cache" / "tvmplug")),
        "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER": runner,
        "HOME": str(home),  # an NDK may lie in the user's own
        "COLUMNS": "120",
    }


@pytest.fixture(scope="session")
def family(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Family:
    """The plugins, rendered."""
    root = tmp_path_factory.mktemp("family")
    generate_all(root)
    made = Family(root, environment)
    for plugin in PLUGINS:
        assert made.tvmplug(plugin, "registry", "add").returncode == 0
    return made


@pytest.fixture(scope="session")
def built(family: Family) -> dict[str, dict[str, dict[str, Any]]]:
    """What building each of them told, by the plugin's name."""
    return {plugin: family.build(plugin) for plugin in ("tvm_runtime_flutter", *PLUGINS)}
