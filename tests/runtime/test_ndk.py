"""The Android NDK is found in the usual places, the newest first, and a missing one is one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tvmplug.errors import ToolError
from tvmplug.pins import PINS
from tvmplug.targets import target_named
from tvmplug.toolchains import ndk
from tvmplug.toolchains.cxx import find_cxx
from tvmplug.toolchains.ndk import find_ndk

VARIABLES = (
    "ANDROID_NDK_HOME",
    "ANDROID_NDK_ROOT",
    "ANDROID_NDK_LATEST_HOME",
    "ANDROID_HOME",
    "ANDROID_SDK_ROOT",
)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without Android's tools, and with a home of its own."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setitem(ndk._SDK_PLACES, sys.platform, ("~/Android/Sdk",))
    return tmp_path


def install(folder: Path, version: str) -> Path:
    """An NDK as far as it says which one it is."""
    folder.mkdir(parents=True)
    text = f"Pkg.Desc = Android NDK\nPkg.Revision = {version}\n"
    (folder / "source.properties").write_text(text)
    return folder


@pytest.mark.parametrize("variable", VARIABLES[:3])
def test_a_variable_names_it(machine: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    folder = install(machine / "r28", PINS.ndk)
    monkeypatch.setenv(variable, str(folder))
    found = find_ndk()
    assert (found.path, found.version) == (folder, PINS.ndk)


@pytest.mark.parametrize("variable", VARIABLES[3:])
def test_the_newest_of_an_sdk_is_taken(
    machine: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(machine / "sdk"))
    for version in ("28.2.13676358", "9.1.1", "28.10.1", "27.0.1"):
        install(machine / "sdk" / "ndk" / version, version)
    assert find_ndk().version == "28.10.1"


def test_the_usual_place_of_an_sdk_is_known(machine: Path) -> None:
    folder = install(machine / "Android" / "Sdk" / "ndk" / PINS.ndk, PINS.ndk)
    assert find_ndk().path == folder


def test_a_variable_wins_over_an_sdk(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(machine / "Android" / "Sdk" / "ndk" / "29.0.1", "29.0.1")
    named = install(machine / "named", "28.0.1")
    monkeypatch.setenv("ANDROID_NDK_HOME", str(named))
    assert find_ndk().path == named


def test_a_newer_beta_serves(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDROID_NDK_HOME", str(install(machine / "beta", "30.0.1-beta1")))
    assert find_ndk().version == "30.0.1-beta1"


def test_an_old_one_is_named(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDROID_NDK_HOME", str(install(machine / "old", "26.1.10909125")))
    with pytest.raises(ToolError, match=r"the Android NDK is 26\.1\.10909125 in .*old, 28 is") as e:
        find_ndk()
    assert f"sdkmanager 'ndk;{PINS.ndk}'" in str(e.value)


def test_a_missing_one_is_one_line_with_its_mend() -> None:
    with pytest.raises(ToolError) as caught:
        find_ndk()
    assert str(caught.value) == (
        "the Android NDK (version 28 or newer) is not found. "
        f"Run `sdkmanager 'ndk;{PINS.ndk}'` (or Android Studio's SDK Manager), "
        "or set ANDROID_NDK_HOME to its folder"
    )


def test_the_programs_are_those_of_the_oldest_android(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install(machine / "r28", PINS.ndk)
    monkeypatch.setenv("ANDROID_NDK_HOME", str(folder))
    found = find_ndk()
    programs = found.clang(target_named("android-arm64")), found.llvm("nm")
    assert [program.name.removesuffix(".cmd") for program in programs] == [
        f"aarch64-linux-android{PINS.minimum_os['android']}-clang",
        "llvm-nm",
    ]
    assert {program.parent.name for program in programs} == {"bin"}
    assert found.cmake_toolchain.relative_to(folder).name == "android.toolchain.cmake"


def test_the_runtime_for_android_is_aligned_for_large_pages(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDROID_NDK_HOME", str(install(machine / "r28", PINS.ndk)))
    toolchain = find_cxx(target_named("android-x64"))
    assert toolchain.driver[0].endswith(f"x86_64-linux-android{PINS.minimum_os['android']}-clang++")
    assert "-Wl,-z,max-page-size=16384" in toolchain.link_flags
    assert not toolchain.proof_only
