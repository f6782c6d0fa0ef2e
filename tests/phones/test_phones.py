"""Two real models for phones, Macs and AArch64 Linux, from this machine: built, packed, proved."""

from __future__ import annotations

import json
import plistlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.example_plugins import PLUGINS
from tests.tools.needed import needed
from tools.cross import Cross
from tools.rust import find_or_install_rust
from tvmplug.artifacts.ar import members_of
from tvmplug.artifacts.audit import audit_folder
from tvmplug.artifacts.symbols import read_object
from tvmplug.targets import TARGETS, targets_named

from .conftest import APPLE, ASKED, LINKED, NO_NDK, Family

pytestmark = pytest.mark.slow

Built = dict[str, dict[str, dict[str, Any]]]
RUNTIME = "tvm_runtime_flutter"
SLICES = {"ios-arm64", "ios-arm64_x86_64-simulator", "macos-arm64_x86_64"}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_each_model_is_compiled_for_every_target(built: Built, family: Family, plugin: str) -> None:
    for target in targets_named(ASKED):
        row = built[plugin][target.name]
        assert row["error"] is None
        assert row["model"]["bytes"] > 1_000_000
        folder = family.root / plugin / "build" / "tvmplug" / target.name
        metadata = audit_folder(folder, target)
        assert (metadata.target, metadata.plugin) == (target.name, plugin)


def test_each_target_whose_compiler_is_here_gets_the_one_runtime(built: Built) -> None:
    for name in LINKED:
        rows = [document[name] for document in built.values()]
        assert all(row["todo"] == [] for row in rows), rows
        # Stripped, with VM, thread pool and system library support: the goal for AArch64.
        assert all(row["runtime"]["bytes"] <= 1_500_000 for row in rows if "x64" not in name)
        assert all(row["library"]["proof_only"] is (name in APPLE) for row in rows)


def test_what_needs_the_ndk_is_one_clear_line(built: Built) -> None:
    for document in built.values():
        for name in NO_NDK:
            missing = [item["missing"] for item in document[name]["todo"]]
            assert any("Android NDK" in line for line in missing)
            assert any("ANDROID_NDK_HOME" in item["mend"] for item in document[name]["todo"])
            assert document[name]["library"] is None


def test_the_table_names_what_a_mac_and_an_ndk_have_still_to_do(
    built: Built, family: Family
) -> None:
    done = family.tvmplug("g2p_flutter", "build", "--target", ASKED)
    assert done.returncode == 0, done.stderr
    lines = " ".join(done.stdout.split())
    for command in ("ios", "ios-simulator", "macos"):
        assert f"on a Mac: tvmplug build --target {command} " in lines + " "
    assert "ANDROID_NDK_HOME" in lines
    assert "6 of 8 targets linked, 5 of them as a proof only" in lines


def test_a_second_build_does_nothing(built: Built, family: Family) -> None:
    for plugin in built:
        again = family.build(plugin)
        assert {name: again[name]["changed"] for name in LINKED} == dict.fromkeys(LINKED, False)


@pytest.mark.parametrize("plugin", [RUNTIME, *PLUGINS])
def test_an_xcframework_has_a_slice_for_each_platform(
    built: Built, family: Family, plugin: str
) -> None:
    packed = built[plugin]["xcframework"]
    assert (sorted(packed["targets"]), packed["missing"]) == (sorted(APPLE), [])
    assert packed["proof_only"]
    folder = Path(packed["path"])
    info = plistlib.loads((folder / "Info.plist").read_bytes())
    assert {entry["LibraryIdentifier"] for entry in info["AvailableLibraries"]} == SLICES
    for entry in info["AvailableLibraries"]:
        framework = folder / entry["LibraryIdentifier"] / entry["LibraryPath"]
        assert framework.is_dir()
        assert list(framework.rglob("PrivacyInfo.xcprivacy"))
    # A proof is nowhere that an app would find it.
    assert not list((family.root / plugin / "darwin").rglob("*.xcframework"))


def test_linux_libraries_are_staged(built: Built, family: Family) -> None:
    for plugin, library in [(RUNTIME, "libtvm_runtime.so"), *((n, f"lib{n}.so") for n in PLUGINS)]:
        folder = family.root / plugin / "linux" / "lib" / "arm64"
        assert [path.name for path in folder.iterdir()] == [library]
        assert (folder / library).stat().st_size == built[plugin]["linux-arm64"]["library"]["bytes"]


def test_an_app_with_both_models_holds_every_object_once(built: Built, family: Family) -> None:
    done = family.tvmplug("g2p_flutter", "check", "--link", "--json")
    findings = {row["name"]: row for row in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0, findings
    for name in LINKED:
        for question in ("artifacts", "one runtime", "once", "app", "app, static"):
            assert findings[f"{name}: {question}"]["status"] == "ok", findings
    assert "g2p_flutter, vad_flutter" in findings["ios: one runtime"]["detail"]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_golden_tests_pass_on_aarch64(built: Built, family: Family, plugin: str) -> None:
    done = family.tvmplug(plugin, "test", "--target", "linux-arm64", "--json")
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads(done.stdout)["passed"] >= 1
    assert "qemu-aarch64" in family.environment["CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER"]


def test_without_rusts_library_for_a_target_the_rustup_command_is_named(
    built: Built, family: Family, tmp_path: Path
) -> None:
    rust = needed(find_or_install_rust)
    libraries = rust.root / "usr/lib/rustlib/x86_64-apple-darwin"
    hidden = Family(
        family.root, {**family.environment, "RUSTC": str(_rustc_without(libraries, tmp_path))}
    )
    row = hidden.build("g2p_flutter", "macos-x64,linux-arm64")
    told = [item["mend"] for item in row["macos-x64"]["todo"]]
    assert "Run `rustup target add x86_64-apple-darwin`" in told
    assert row["linux-arm64"]["todo"] == []


def _rustc_without(libraries: Path, folder: Path) -> Path:
    """A rustc that looks for one target's library where there is none."""
    program = folder / "rustc"
    program.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *target-libdir*{libraries.name}*) echo {folder}/none;;'
        ' *) exec rustc "$@";; esac\n'
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def static(built: Built, family: Family) -> Iterator[Family]:
    """The plugins with static linkage for iOS; afterwards as they were."""
    manifests = [family.root / plugin / "tvm_plugin.yaml" for plugin in built]
    texts = [manifest.read_text() for manifest in manifests]
    for manifest, text in zip(manifests, texts, strict=True):
        manifest.write_text(text.replace("apple_linkage: framework", "apple_linkage: static"))
    yield family
    for manifest, text in zip(manifests, texts, strict=True):
        manifest.write_text(text)
    for plugin in built:
        family.build(plugin, "ios")


def test_static_libraries_are_one_object_each_and_link_without_a_flag(
    static: Family, built: Built
) -> None:
    for plugin in built:
        row = static.build(plugin, "ios")["ios"]
        archive = Path(row["library"]["path"])
        ((where, content),) = members_of(archive)
        prefix = {"g2p_flutter": "g2p_", "vad_flutter": "vad_", RUNTIME: "TVM"}[plugin]
        shown = {symbol.name for symbol in read_object(content, where).defined}
        assert shown
        assert all(name.startswith(prefix) for name in shown), shown
    done = static.tvmplug("g2p_flutter", "check", "--link", "--target", "ios", "--json")
    findings = {row["name"]: row for row in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0, findings
    assert findings["ios: app"]["status"] == "ok"


def test_the_crates_build_for_android(built: Built, family: Family, cross: Cross) -> None:
    """As static libraries: without the NDK nothing links for Android, and the scripts find a
    runtime to name, which no static library holds."""
    rust = needed(find_or_install_rust)
    target = TARGETS["android-arm64"]
    plugin = family.root / "g2p_flutter"
    done = subprocess.run(
        ["cargo", "rustc", "--release", "--lib", "--crate-type", "staticlib",
         "--target", target.rust_triple, "--message-format=json"],
        cwd=plugin / "rust",
        env={
            **family.environment,
            **rust.environment(target.rust_triple),
            "TVMPLUG_RUNTIME_LIB_DIR": str(family.root / RUNTIME / "linux" / "lib" / "arm64"),
            "TVMPLUG_SYSTEM_LIB_DIR": str(plugin / "build" / "tvmplug" / target.name),
        },
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    files = [name for message in messages for name in message.get("filenames", [])]
    (archive,) = [Path(name) for name in files if name.endswith("libg2p_flutter.a")]
    objects = [read_object(content, where) for where, content in members_of(archive)]
    assert {found.arch for found in objects} == {"arm64"}
    defined = {symbol.name for found in objects for symbol in found.defined}
    assert {"g2p_abi_version", "g2p_model_open"} <= defined
