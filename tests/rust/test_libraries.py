"""The library that an app ships: what it exports, needs and gives away."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

EXPORTED = {
    "abi_version", "metadata", "methods", "runtime",
    "session_open", "session_run", "session_close", "result_free",
    "tensor_new", "tensor_retain", "tensor_view", "tensor_free",
    "model_open", "model_call", "model_close", "value_free", "error_free",
    "mailbox_number", "mailbox_open", "mailbox_join", "mailbox_close",
    "mailbox_scratch", "mailbox_start", "mailbox_call",
    "ticket_new", "ticket_view", "ticket_keep", "ticket_free",
}  # fmt: skip


@pytest.fixture(scope="module")
def release(workshop: Any, starter: Any) -> Path:
    """The library as it is published: optimised, stripped, paths of this machine replaced."""
    workshop.build(starter)
    build_release(workshop, starter).succeeded()
    return Path(workshop.root / f"release/release/lib{starter.name}.so")


def build_release(workshop: Any, plugin: Any) -> Any:
    replaced = {
        Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo"): "cargo",
        workshop.root: "plugins",
    }
    flags = [f"--remap-path-prefix={path}=/{name}" for path, name in replaced.items()]
    more = {
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(["-Dwarnings", *flags]),
        "CARGO_TARGET_DIR": str(workshop.root / "release"),
    }
    return workshop.cargo(workshop.crate(plugin), "build", "--release", plugin=plugin, more=more)


def test_it_exports_the_plugins_functions_and_nothing_else(release: Path, run_program: Any) -> None:
    listed = run_program(["nm", "-D", "--defined-only", release], cwd=release.parent).succeeded()
    names = {line.split()[-1] for line in listed.stdout.splitlines()}
    assert names == {f"beta_{name}" for name in EXPORTED}


def test_it_finds_the_runtime_beside_itself_and_stays_loaded(
    release: Path, run_program: Any
) -> None:
    listed = run_program(["readelf", "-d", release], cwd=release.parent).succeeded().stdout
    assert re.findall(r"R(?:UN)?PATH.*\[(.*)\]", listed) == ["$ORIGIN"]
    needed = re.findall(r"NEEDED.*\[(.*)\]", listed)
    assert {"libtvm_runtime.so", "libtvm_ffi.so"} <= set(needed)
    assert "NODELETE" in listed


def test_it_holds_no_path_of_the_machine_it_was_built_on(release: Path, workshop: Any) -> None:
    content = release.read_bytes()
    for folder in (workshop.root, Path.home()):
        assert str(folder).encode() not in content


def test_it_claims_its_prefix_when_it_is_loaded(
    release: Path, workshop: Any, scenario: Any
) -> None:
    """Before anything is opened, and after the linker dropped whatever nothing refers to."""
    library = workshop.root / "app/lib" / f"released_{release.name}"
    shutil.copyfile(release, library)
    owners = scenario("only_loaded", [str(library), "beta_"])
    assert [owner["prefix"] for owner in owners] == ["beta_"]
    assert scenario("open_scale", [str(library), "beta_"])["code"] == 0


def test_it_carries_its_metadata(release: Path, workshop: Any, starter: Any) -> None:
    text = (workshop.system_library(starter) / "system_lib.json").read_bytes()
    assert text in release.read_bytes()


def test_building_again_does_nothing(release: Path, workshop: Any, starter: Any) -> None:
    assert release.exists()
    assert "Compiling" not in build_release(workshop, starter).succeeded().stderr


def test_without_a_compiled_model_the_build_names_the_command(
    workshop: Any, plugin_of: Any
) -> None:
    plugin = plugin_of("empty_flutter", "empty_")
    workshop.render_model(plugin, workshop.crate(plugin))
    done = workshop.cargo(workshop.crate(plugin), "build", plugin=plugin)
    assert done.code != 0
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: empty_flutter")]
    assert len(errors) == 1
    assert "libempty_flutter_system_lib.a cannot be read" in errors[0]
    assert "Run `tvmplug build`" in errors[0]


def test_without_the_runtime_the_build_names_the_command(
    workshop: Any, run_program: Any, tmp_path: Path
) -> None:
    environ = {
        **workshop.environ(),
        "TVMPLUG_RUNTIME_LIB_DIR": str(tmp_path),
        "CARGO_TARGET_DIR": str(tmp_path / "target"),
    }
    done = run_program(["cargo", "check"], cwd=workshop.runtime, env=environ)
    assert done.code != 0
    assert f"{tmp_path}/libtvm_runtime.so cannot be read" in done.stderr
    assert "tvmplug build" in done.stderr


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"tvm": "0.26.0"}, 8, "compiled for tvm 0.26.0, but the runtime holds tvm"),
        ({"tvm": "9.0.0"}, 8, "compiled for tvm 9.0.0, but the runtime holds tvm"),
        ({"tvm_ffi": "0.1.14"}, 8, "compiled for tvm-ffi 0.1.14"),
        ({"format": 2}, 10, "format 2 is not 1"),
        ({"prefix": "other_"}, 10, "instead of `other_scale_`"),
        ({"components": 3}, 10, "system_lib.json cannot be read"),
    ],
)
def test_metadata_of_another_build_is_refused(
    tampered: Any, change: dict[str, Any], code: int, message: str
) -> None:
    answer = tampered(change)
    assert answer["code"] == code
    assert message in answer["message"]


def test_a_pin_mismatch_names_the_older_side(tampered: Any) -> None:
    assert "Update the model plugin" in tampered({"tvm": "0.26.0"})["mend"]
    assert "Update the runtime plugin" in tampered({"tvm": "9.0.0"})["mend"]


@pytest.fixture
def tampered(workshop: Any, scenario: Any, plugin_of: Any) -> Iterator[Callable[..., Any]]:
    """What a plugin says whose metadata was changed after it was compiled."""
    plugin = plugin_of("gamma_flutter", "gamma_")
    library = workshop.build(plugin)
    metadata = workshop.system_library(plugin) / "system_lib.json"
    original = metadata.read_text()

    def open_changed(change: dict[str, Any]) -> Any:
        metadata.write_text(json.dumps({**json.loads(original), **change}))
        workshop.cargo(workshop.crate(plugin), "build", plugin=plugin).succeeded()
        shutil.copyfile(workshop.target / "debug" / library.name, library)
        return scenario("open_scale", plugin)

    yield open_changed
    metadata.write_text(original)
