"""The Android folders of both templates, as Copier renders them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.templates.conftest import render
from tvmplug.pins import PINS

from .conftest import ABIS, ORGANISATIONS, PLUGINS

Render = Callable[..., Path]

pytestmark = pytest.mark.slow


def _files(plugin: Path) -> dict[str, str]:
    android = plugin / "android"
    return {
        path.relative_to(android).as_posix(): path.read_text()
        for path in sorted(android.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("organisation", ORGANISATIONS)
@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_has_the_files_of_an_android_library(
    render_plugin: Render, name: str, organisation: str
) -> None:
    files = _files(render_plugin(name, organisation))
    kotlin = f"src/main/kotlin/{organisation.replace('.', '/')}/{name}/{PLUGINS[name]}.kt"
    assert set(files) == {
        ".editorconfig", "build.gradle.kts", "settings.gradle.kts", "consumer-rules.pro",
        "src/main/AndroidManifest.xml", kotlin,
    }  # fmt: skip
    for path, text in files.items():
        first = text.splitlines()[0]
        assert "Owned by the template: `copier update` may rewrite it, do not edit." in first, path
        assert text.endswith("\n"), path
        assert "{{" not in text, path
        assert "{%" not in text, path


@pytest.mark.parametrize("name", PLUGINS)
def test_the_pins_and_the_namespace_are_in_the_build_file(render_plugin: Render, name: str) -> None:
    files = _files(render_plugin(name))
    build = files["build.gradle.kts"]
    assert f'namespace = "com.example.{name}"' in build
    assert f"compileSdk = {PINS.compile_sdk}" in build
    assert f"minSdk = {PINS.minimum_os['android']}" in build
    assert f'ndkVersion = "{PINS.ndk}"' in build
    assert f'version "{PINS.agp}"' in files["settings.gradle.kts"]
    assert "kotlin-android" not in build
    assert "org.jetbrains.kotlin.android" not in build


@pytest.mark.parametrize("name", PLUGINS)
def test_flutters_registrant_finds_the_class_that_the_pubspec_names(
    render_plugin: Render, name: str
) -> None:
    plugin = render_plugin(name)
    pubspec = YAML(typ="safe").load((plugin / "pubspec.yaml").read_text())
    android = pubspec["flutter"]["plugin"]["platforms"]["android"]
    folder = android["package"].replace(".", "/")
    kotlin = plugin / "android/src/main/kotlin" / folder / f"{android['pluginClass']}.kt"
    assert f"package {android['package']}\n" in kotlin.read_text()
    assert f"class {android['pluginClass']} : FlutterPlugin" in kotlin.read_text()
    rules = (plugin / "android/consumer-rules.pro").read_text()
    assert f"-keep class {android['package']}.{android['pluginClass']} " in rules


def test_a_package_that_holds_keywords_of_kotlins_is_quoted(render_plugin: Render) -> None:
    plugin = render_plugin("g2p_flutter", "in.example.is")
    (kotlin,) = plugin.rglob("*.kt")
    assert "package `in`.example.`is`.g2p_flutter\n" in kotlin.read_text()
    assert 'namespace = "in.example.is.g2p_flutter"' in _files(plugin)["build.gradle.kts"]


@pytest.mark.parametrize("name", PLUGINS)
def test_the_manifest_is_xml_without_a_package(render_plugin: Render, name: str) -> None:
    manifest = render_plugin(name) / "android/src/main/AndroidManifest.xml"
    root = ET.parse(manifest).getroot()  # noqa: S314  our own file
    assert root.tag == "manifest"
    assert root.attrib == {}


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_loads_its_own_library_and_no_other(render_plugin: Render, name: str) -> None:
    files = _files(render_plugin(name))
    library = "tvm_runtime" if name == "tvm_runtime_flutter" else name
    kotlin = next(text for path, text in files.items() if path.endswith(".kt"))
    assert re.findall(r'loadLibrary\("(.*)"\)', kotlin) == [library]
    assert re.findall(r"lib(\w+)\.so", files["build.gradle.kts"]) == [library]
    for target in ABIS.values():
        assert target in kotlin
        assert target in files["build.gradle.kts"]


def test_without_android_there_is_no_android_folder(template: Path, tmp_path: Path) -> None:
    plugin = render(
        template, tmp_path / "g2p", kind="model", plugin_name="g2p_flutter", platforms=["linux"]
    )
    assert not (plugin / "android").exists()
