"""The XCFramework of a plugin as Xcode, CocoaPods and SwiftPM will read it."""

from __future__ import annotations

import plistlib
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tvmplug.apple.macho import read_macho
from tvmplug.apple.staging import Package, missing_targets, pack
from tvmplug.apple.universal import split
from tvmplug.errors import ArtifactError
from tvmplug.files import sha256_tree
from tvmplug.manifest import AppleLinkage
from tvmplug.process import run
from tvmplug.targets import targets_named
from tvmplug.toolchains.cxx import find_cxx

from .conftest import APPLE, Linked, Workbench

HEADER = Path(__file__).parents[2] / "template-runtime/include/tvm_plugin.h"
SLICES = ["ios-arm64", "ios-arm64_x86_64-simulator", "macos-arm64_x86_64"]


def runtime(**more: Any) -> Package:
    """The runtime plugin."""
    return Package(
        plugin="tvm_runtime_flutter", prefix="", plugin_header=HEADER.read_text(), **more
    )


def model(**more: Any) -> Package:
    """A model plugin."""
    return Package(plugin="g2p_flutter", prefix="g2p_", **more)


def test_there_is_one_slice_for_each_platform(linked: Linked, tmp_path: Path) -> None:
    place = pack(model(), linked.model, tmp_path)
    assert place == tmp_path / "g2p_flutter_model.xcframework"
    assert sorted(path.name for path in place.iterdir()) == ["Info.plist", *SLICES]
    info = plistlib.loads((place / "Info.plist").read_bytes())
    assert info["CFBundlePackageType"] == "XFWK"
    assert info["XCFrameworkFormatVersion"] == "1.0"
    assert info["AvailableLibraries"] == [
        {
            "BinaryPath": "g2p_flutter_model.framework/g2p_flutter_model",
            "LibraryIdentifier": "ios-arm64",
            "LibraryPath": "g2p_flutter_model.framework",
            "SupportedArchitectures": ["arm64"],
            "SupportedPlatform": "ios",
        },
        {
            "BinaryPath": "g2p_flutter_model.framework/g2p_flutter_model",
            "LibraryIdentifier": "ios-arm64_x86_64-simulator",
            "LibraryPath": "g2p_flutter_model.framework",
            "SupportedArchitectures": ["arm64", "x86_64"],
            "SupportedPlatform": "ios",
            "SupportedPlatformVariant": "simulator",
        },
        {
            "BinaryPath": "g2p_flutter_model.framework/Versions/A/g2p_flutter_model",
            "LibraryIdentifier": "macos-arm64_x86_64",
            "LibraryPath": "g2p_flutter_model.framework",
            "SupportedArchitectures": ["arm64", "x86_64"],
            "SupportedPlatform": "macos",
        },
    ]


def test_the_slices_are_those_of_the_table_of_targets() -> None:
    assert sorted({target.library_dir for target in APPLE}) == [f"darwin/{s}" for s in SLICES]


def test_every_library_is_where_the_index_says_and_for_that_platform(
    linked: Linked, tmp_path: Path
) -> None:
    place = pack(runtime(), linked.runtime, tmp_path)
    for entry in plistlib.loads((place / "Info.plist").read_bytes())["AvailableLibraries"]:
        path = place / entry["LibraryIdentifier"] / entry["BinaryPath"]
        assert path.stat().st_mode & stat.S_IXUSR
        parts = split(path.read_bytes(), path.name)
        assert sorted(part.arch for part in parts) == entry["SupportedArchitectures"]
        suffix = "-simulator" if "SupportedPlatformVariant" in entry else ""
        platforms = {read_macho(part.content, path.name).platform for part in parts}
        assert platforms == {entry["SupportedPlatform"] + suffix}


def test_a_framework_on_a_mac_has_its_versions_and_their_links(
    linked: Linked, tmp_path: Path
) -> None:
    framework = pack(model(), linked.model, tmp_path) / SLICES[2] / "g2p_flutter_model.framework"
    links = {path.name: str(path.readlink()) for path in framework.iterdir() if path.is_symlink()}
    assert links == {
        "g2p_flutter_model": "Versions/Current/g2p_flutter_model",
        "Headers": "Versions/Current/Headers",
        "Modules": "Versions/Current/Modules",
        "Resources": "Versions/Current/Resources",
    }
    assert str((framework / "Versions/Current").readlink()) == "A"
    for name in links:
        assert (framework / name).exists()


@pytest.mark.parametrize(
    ("slice_name", "key", "version"),
    [
        (SLICES[0], "MinimumOSVersion", "13.0"),
        (SLICES[1], "MinimumOSVersion", "14.0"),
        (SLICES[2], "LSMinimumSystemVersion", "11.0"),
    ],
)
def test_a_framework_tells_the_store_who_it_is(
    linked: Linked, tmp_path: Path, slice_name: str, key: str, version: str
) -> None:
    package = model(version="1.2.3-dev+4", organisation="org.phones")
    framework = pack(package, linked.model, tmp_path) / slice_name / "g2p_flutter_model.framework"
    resources = framework / "Resources" if slice_name == SLICES[2] else framework
    info = plistlib.loads((resources / "Info.plist").read_bytes())
    assert info["CFBundleExecutable"] == "g2p_flutter_model"
    assert info["CFBundleIdentifier"] == "org.phones.g2p-flutter-model"
    assert info["CFBundlePackageType"] == "FMWK"
    assert info["CFBundleShortVersionString"] == "1.2.3"
    assert info[key] == version
    privacy = plistlib.loads((resources / "PrivacyInfo.xcprivacy").read_bytes())
    assert privacy["NSPrivacyTracking"] is False
    assert privacy["NSPrivacyAccessedAPITypes"] == []


def test_a_privacy_manifest_names_what_the_library_really_calls(
    bench: Workbench, tmp_path: Path
) -> None:
    source = """\
        #include <sys/stat.h>
        unsigned long long mach_absolute_time(void);
        int TVMFFIRun(void) { struct stat s; return stat("/", &s) + (int)mach_absolute_time(); }
    """
    archive = bench.library("runtime", source)
    image = bench.link(bench.spec("tvm_runtime", [archive], "TVMFFI*"))
    place = pack(runtime(), [image], tmp_path / "out")
    path = place / "ios-arm64/tvm_runtime.framework/PrivacyInfo.xcprivacy"
    used = plistlib.loads(path.read_bytes())["NSPrivacyAccessedAPITypes"]
    assert {each["NSPrivacyAccessedAPIType"] for each in used} == {
        "NSPrivacyAccessedAPICategoryFileTimestamp",
        "NSPrivacyAccessedAPICategorySystemBootTime",
    }
    assert all(each["NSPrivacyAccessedAPITypeReasons"] for each in used)


def test_the_headers_are_modules_that_a_compiler_accepts(linked: Linked, tmp_path: Path) -> None:
    places = [pack(runtime(), linked.runtime, tmp_path), pack(model(), linked.model, tmp_path)]
    source = tmp_path / "app.m"
    source.write_text(
        "@import tvm_runtime;\n@import g2p_flutter_model;\n"
        "unsigned f(void) { TVMFFIVersion v; TVMFFIGetVersion(&v); return g2p_abi_version(); }\n"
    )
    bench = Workbench(tmp_path)
    _compile_with_modules(bench, source, [f"-F{place / SLICES[0]}" for place in places])


def test_the_headers_of_static_libraries_lie_in_folders_of_their_own(
    bench: Workbench, tmp_path: Path
) -> None:
    source = tmp_path / "app.m"
    source.write_text("@import tvm_runtime;\n@import g2p_flutter_model;\n")
    static = AppleLinkage.STATIC
    archives = {
        "tvm_runtime": (runtime(linkage=static), "void TVMFFIGetVersion(unsigned *o) { *o = 1; }"),
        "g2p_flutter_model": (model(linkage=static), "int g2p_run(void) { return 1; }"),
    }
    headers = tmp_path / "include"  # Xcode copies the headers of all libraries into one folder
    for name, (package, text) in archives.items():
        archive = bench.library(name, text)
        image = replace(bench.link(bench.spec(name, [archive], "*")), path=archive)
        place = pack(package, [image], tmp_path / "out")
        entry = plistlib.loads((place / "Info.plist").read_bytes())["AvailableLibraries"][0]
        assert entry["LibraryPath"] == f"lib{name}.a"
        assert (place / "ios-arm64" / entry["LibraryPath"]).read_bytes() == archive.read_bytes()
        run(["cp", "-R", f"{place}/ios-arm64/{entry['HeadersPath']}/.", headers], echo=False)
    _compile_with_modules(bench, source, [f"-I{headers}"])


def test_the_same_images_make_the_same_bytes(linked: Linked, tmp_path: Path) -> None:
    first = pack(model(), linked.model, tmp_path / "a")
    again = pack(model(), tuple(reversed(linked.model)), tmp_path / "b")
    assert sha256_tree(first) == sha256_tree(again)


def test_a_new_xcframework_takes_the_place_of_the_old_one(linked: Linked, tmp_path: Path) -> None:
    place = pack(model(), linked.model, tmp_path)
    (place / "leftover").write_text("from an older version")
    assert pack(model(), linked.model[:1], tmp_path) == place
    assert sorted(path.name for path in place.iterdir()) == ["Info.plist", "ios-arm64"]
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


def test_what_is_still_missing_can_be_asked(linked: Linked) -> None:
    missing = missing_targets(linked.model[:2], targets_named("ios,ios-simulator,macos"))
    assert [row.name for row in missing] == ["ios-simulator-x64", "macos-arm64", "macos-x64"]


def test_one_processor_of_a_platform_makes_a_slice_that_says_so(
    linked: Linked, tmp_path: Path
) -> None:
    place = pack(model(), linked.model[1:2], tmp_path)
    assert sorted(path.name for path in place.iterdir()) == ["Info.plist", "ios-arm64-simulator"]


def test_a_simulator_s_library_in_the_device_s_slice_is_refused(
    linked: Linked, tmp_path: Path
) -> None:
    device, simulator = linked.model[:2]
    with pytest.raises(ArtifactError, match=r"is for ios-simulator 14\.0 .*wanted is ios 13\.0"):
        pack(model(), [replace(device, path=simulator.path)], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_libraries_for_one_target_are_refused(linked: Linked, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="two files for one processor"):
        pack(model(), [linked.model[0], linked.model[0]], tmp_path)


def test_a_model_that_brings_a_second_runtime_is_refused(linked: Linked, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="of its own: it defines TVMFFIGetVersion"):
        pack(model(), linked.runtime, tmp_path)


def test_a_runtime_without_tvm_is_refused(linked: Linked, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no TVM runtime"):
        pack(runtime(), linked.model, tmp_path)


def test_a_library_that_is_gone_is_named_with_the_command(linked: Linked, tmp_path: Path) -> None:
    gone = replace(linked.model[0], path=tmp_path / "gone")
    with pytest.raises(ArtifactError, match=r"gone is missing.*tvmplug build --target ios"):
        pack(model(), [gone], tmp_path)


def test_nothing_to_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="needs one slice for each platform, got none"):
        pack(model(), [], tmp_path)


def _compile_with_modules(bench: Workbench, source: Path, flags: list[str]) -> None:
    compiler = find_cxx(bench.target)
    driver = ["cc" if word == "c++" else word for word in compiler.driver]
    modules = ["-fmodules", f"-fmodules-cache-path={source.parent / 'modules'}"]
    made = ["-c", source, "-o", source.with_suffix(".o")]
    run([*driver, *modules, *flags, *made], env=compiler.environment, echo=False)
