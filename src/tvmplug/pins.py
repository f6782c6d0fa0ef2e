"""The pins: one TVM release, and every version that must match it.

They stand in `pins.yml`, which Copier includes too, so that templates and
toolkit read the same file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

_PINS_FILE = Path(__file__).with_name("pins.yml")


@dataclass(frozen=True)
class Pins:
    """What one release of tvmplug builds with.

    Attributes:
        tvm: Version of the apache-tvm wheel.
        tvm_ffi: Version of the apache-tvm-ffi wheel.
        runtime_version: pub and crate version of the runtime plugin.
        rust: Oldest Rust that the generated crates build with.
        dart: Oldest Dart SDK.
        flutter: Oldest Flutter SDK.
        minimum_os: Oldest version by operating system (`android` is the API level).
        compile_sdk: The Android API level that Gradle compiles against.
        ndk: Version of the Android NDK; another one of the same major number or newer serves too.
        agp: Version of the Android Gradle plugin.
        frb: Version of flutter_rust_bridge: crate, code generator and Dart package.
        tvm_wheel_hashes: `sha256:...` of every apache-tvm wheel of that version.
        tvm_ffi_wheel_hashes: The same for apache-tvm-ffi.
    """

    tvm: str
    tvm_ffi: str
    runtime_version: str
    rust: str
    dart: str
    flutter: str
    minimum_os: Mapping[str, str]
    compile_sdk: str
    ndk: str
    agp: str
    frb: str
    tvm_wheel_hashes: tuple[str, ...]
    tvm_ffi_wheel_hashes: tuple[str, ...]

    @property
    def runtime_constraint(self) -> str:
        """What a model plugin asks pub and cargo for: the same TVM line, nothing newer."""
        return f"^{self.runtime_version}"


def read_defaults(path: Path) -> dict[str, Any]:
    """Return the default of every question in a file of unasked Copier questions.

    Args:
        path: A YAML file of `name: {type: ..., default: VALUE, when: false}` entries.
    """
    questions = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return {name: question["default"] for name, question in questions.items()}


def _load(path: Path) -> Pins:
    pins = read_defaults(path)
    return Pins(
        tvm=pins["tvm_version"],
        tvm_ffi=pins["tvm_ffi_version"],
        runtime_version=pins["runtime_version"],
        rust=pins["rust_version"],
        dart=pins["dart_version"],
        flutter=pins["flutter_version"],
        minimum_os=pins["minimum_os"],
        compile_sdk=pins["compile_sdk"],
        ndk=pins["ndk_version"],
        agp=pins["agp_version"],
        frb=pins["frb_version"],
        tvm_wheel_hashes=tuple(pins["tvm_wheel_hashes"]),
        tvm_ffi_wheel_hashes=tuple(pins["tvm_ffi_wheel_hashes"]),
    )


PINS = _load(_PINS_FILE)
