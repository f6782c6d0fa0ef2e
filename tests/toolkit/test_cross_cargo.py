"""What cargo is told for other machines: linkers, runners, the oldest system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmplug.errors import ToolError
from tvmplug.pins import PINS
from tvmplug.targets import TARGETS, host_target
from tvmplug.toolchains import rust
from tvmplug.toolchains.zig_linker import translate

OTHERS = [row for row in TARGETS.values() if row.supported and row != host_target()]


@pytest.fixture(autouse=True)
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set for cargo, and no NDK is on the machine."""
    for name in list(os.environ):
        if name.startswith(("CARGO_TARGET_", "CARGO_UNSTABLE", "ANDROID_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize("target", [t for t in OTHERS if t.os == "android"], ids=lambda t: t.name)
def test_android_is_linked_by_the_ndks_clang_of_the_pinned_level(
    target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ToolError, match="NDK"):
        rust.linker_variables(target, tmp_path)
    ndk = tmp_path / "ndk"
    clang = f"{target.rust_triple}{PINS.minimum_os['android']}-clang"
    program = ndk / "toolchains/llvm/prebuilt/linux-x86_64/bin" / clang
    program.parent.mkdir(parents=True)
    program.touch()
    (ndk / "source.properties").write_text(f"Pkg.Revision = {PINS.ndk}\n")
    monkeypatch.setenv("ANDROID_NDK_HOME", str(ndk))
    name = f"CARGO_TARGET_{target.rust_triple.upper().replace('-', '_')}_LINKER"
    assert rust.linker_variables(target, tmp_path) == {name: str(program)}
    monkeypatch.setenv(name, "/own/linker")
    assert rust.linker_variables(target, tmp_path) == {}


@pytest.mark.parametrize("target", [t for t in OTHERS if t.is_apple], ids=lambda t: t.name)
def test_apples_crates_carry_the_pinned_system_and_link_nothing(target, tmp_path: Path) -> None:
    assert rust.linker_variables(target, tmp_path) == {}
    (value,) = rust.minimum_os(target).values()
    assert value == target.minimum_os


def test_no_emulator_is_one_line_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    target = TARGETS["linux-arm64"]
    with pytest.raises(ToolError, match="apt install qemu-user libc6-arm64-cross"):
        rust.runner_variables(target)
    emulator = tmp_path / "qemu-aarch64-static"
    emulator.touch()
    emulator.chmod(0o755)
    (value,) = rust.runner_variables(target).values()
    assert value.split()[0] == str(emulator)
    with pytest.raises(ToolError, match="a machine of that kind"):
        rust.runner_variables(TARGETS["android-arm64"])


def test_a_missing_standard_library_names_the_rustup_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rustc = tmp_path / "rustc"
    rustc.write_text(f"#!/bin/sh\necho {tmp_path}/lib\n")
    rustc.chmod(0o755)
    monkeypatch.setenv("RUSTC", str(rustc))
    rust._libraries.cache_clear()
    target = TARGETS["ios"]
    with pytest.raises(ToolError, match="`rustup target add aarch64-apple-ios`"):
        rust.require_std(target)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libstd-0.rlib").touch()
    rust.require_std(target)
    rust._libraries.cache_clear()


@given(st.lists(st.sampled_from(["-lgcc_s", "-lc", "a.o", "-Wl,-O1", "-lutil", "--target=x"])))
def test_zig_gets_its_own_unwinder_and_nothing_it_does_not_know(words: list[str]) -> None:
    translated, link_map = translate(words)
    assert link_map is None
    assert translated.count("-lunwind") == words.count("-lgcc_s")
    assert [w for w in translated if w != "-lunwind"] == [w for w in words if w in ("-lc", "a.o")]
