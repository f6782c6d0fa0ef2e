"""Swift's own tools over the generated package manifests and plugin classes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.tools.needed import needed
from tools.swift import Swift, find_or_install_swift
from tvmplug.apple.staging import PLUGIN_HEADER, Package, pack
from tvmplug.build.image import Image
from tvmplug.errors import ProcessError

from .conftest import Linked
from .plugins import PLUGINS, Render, isolated, render_plugin, template

__all__ = ["isolated", "render_plugin", "template"]

pytestmark = pytest.mark.slow

HEADER = Path(__file__).parents[2] / "template-runtime/include" / PLUGIN_HEADER


@pytest.fixture(scope="module")
def swift() -> Swift:
    """Swift's compiler, package manager and formatter."""
    return needed(find_or_install_swift)


def package_of(name: str) -> Package:
    """What is packed for a plugin."""
    return Package(plugin=name, prefix=PLUGINS[name], plugin_header=HEADER.read_text())


def stage(root: Path, name: str, linked: Linked) -> Path:
    """Put a plugin's XCFramework into a copy's darwin folder."""
    images: Sequence[Image] = linked.model if PLUGINS[name] else linked.runtime
    return pack(package_of(name), images, root / "darwin" / name / "Frameworks")


@pytest.mark.parametrize("variant", product(PLUGINS, ["framework", "static"]), ids="-".join)
def test_swift_reads_the_manifest_of_a_package(
    swift: Swift, render_plugin: Render, linked: Linked, tmp_path: Path, variant: tuple[str, str]
) -> None:
    name, linkage = variant
    root = tmp_path / name
    shutil.copytree(render_plugin(name, apple_linkage=linkage), root)
    stage(root, name, linked)
    declared = swift.dump_package(root / "darwin" / name)
    module = package_of(name).module
    targets: dict[str, dict[str, Any]] = {each["name"]: each for each in declared["targets"]}
    assert declared["name"] == name
    assert targets[module]["type"] == "binary"
    assert targets[module]["path"] == f"Frameworks/{module}.xcframework"
    platforms = {each["platformName"]: each["version"] for each in declared["platforms"]}
    assert platforms == {"ios": "13.0", "macos": "11.0"}
    assert [each["name"] for each in declared["products"]] == [name.replace("_", "-")]
    needs = {each["fileSystem"][0]["nameForTargetDependencyResolutionOnly"] for each in
             declared["dependencies"]}  # fmt: skip
    assert needs == {"FlutterFramework"} | ({"tvm_runtime_flutter"} if PLUGINS[name] else set())
    libraries = [
        each["kind"]["linkedLibrary"]["_0"]
        for each in targets[name]["settings"]
        if "linkedLibrary" in each["kind"]
    ]
    # C++ comes with a framework, and must be asked for by what is linked statically.
    assert libraries == (["c++"] if linkage == "static" and not PLUGINS[name] else [])


@pytest.mark.parametrize("name", PLUGINS)
def test_a_missing_xcframework_stops_xcode_with_the_command(
    swift: Swift, render_plugin: Render, name: str
) -> None:
    with pytest.raises(ProcessError) as caught:
        swift.dump_package(render_plugin(name) / "darwin" / name)
    wanted = f"run `tvmplug build --target ios,ios-simulator,macos` in the folder of {name}"
    assert f"Fatal error: {name}: Frameworks/" in caught.value.output
    assert wanted in caught.value.output


def test_the_plugin_classes_type_check_against_the_frameworks_headers(
    swift: Swift, render_plugin: Render, tmp_path: Path
) -> None:
    modules = tmp_path / "include"
    for name in PLUGINS:
        package = package_of(name)
        folder = modules / package.module
        folder.mkdir(parents=True)
        for header, text in package.headers.items():
            (folder / header).write_text(text)
        headers = "".join(f'  header "{header}"\n' for header in package.headers)
        text = f"module {package.module} {{\n{headers}  export *\n}}\n"
        (folder / "module.modulemap").write_text(text)
    for name in PLUGINS:
        sources = sorted((render_plugin(name) / f"darwin/{name}/Sources").rglob("*.swift"))
        found = swift.type_check(sources, [modules])
        assert found.ok, found.output


def test_swift_format_has_nothing_to_say(swift: Swift, render_plugin: Render) -> None:
    sources = [
        path
        for name in PLUGINS
        for linkage in ("framework", "static")
        for path in render_plugin(name, apple_linkage=linkage).rglob("darwin/**/*.swift")
    ]
    assert len(sources) == 2 * 2 * len(PLUGINS)
    found = swift.format_check(sources)
    assert found.ok, found.output


def test_plutil_accepts_every_property_list(
    swift: Swift, render_plugin: Render, linked: Linked, tmp_path: Path
) -> None:
    place = pack(package_of("g2p_flutter"), linked.model, tmp_path)
    lists = [path for pattern in ("Info.plist", "*.xcprivacy") for path in place.rglob(pattern)]
    for name in PLUGINS:
        for linkage in ("framework", "static"):
            root = render_plugin(name, apple_linkage=linkage)
            lists += (root / f"darwin/{name}/Sources").rglob("*.xcprivacy")
    assert len(lists) > 2 * len(PLUGINS) + 4
    found = swift.check_plists(lists)
    assert found.ok, found.output
