"""The darwin folder of generated plugins: what CocoaPods and SwiftPM are told, and what follows."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.tools.needed import needed
from tools.ruby import Ruby, find_or_install_ruby
from tvmplug.apple.macho import read_macho
from tvmplug.apple.prelink import prelink
from tvmplug.apple.staging import Package, pack
from tvmplug.build.image import Image
from tvmplug.errors import ProcessError
from tvmplug.manifest import AppleLinkage
from tvmplug.process import run
from tvmplug.targets import Target
from tvmplug.toolchains.darwin import find_linker

from .conftest import APPLE, MODEL, RUNTIME, Workbench
from .plugins import PLUGINS, Render, isolated, render_plugin, template

__all__ = ["isolated", "render_plugin", "template"]

pytestmark = pytest.mark.slow

STUBS = Path(__file__).parents[2] / "src/tvmplug/apple/stubs"
OWNED = "Owned by the template: `copier update` may rewrite it, do not edit."
LINKAGES = [AppleLinkage.FRAMEWORK, AppleLinkage.STATIC]
# An app's own code calls what the plugins' Swift classes call.
APP = """\
void TVMFFIGetVersion(unsigned *);
unsigned g2p_abi_version(void);
unsigned vad_abi_version(void);
int main(void) { unsigned v[3]; TVMFFIGetVersion(v);
  return (int)(g2p_abi_version() + vad_abi_version()); }
"""


@pytest.fixture(scope="module")
def ruby() -> Ruby:
    """What podspecs run in."""
    return needed(find_or_install_ruby)


@dataclass(frozen=True)
class Built:
    """Three plugins with staged XCFrameworks, and what their podspecs say. Do not change them."""

    podspecs: dict[str, dict[str, Any]]
    folders: dict[str, Path]
    linkage: AppleLinkage

    def staged(self, name: str, target: Target) -> tuple[Path, dict[str, Any]]:
        """The slice of a plugin's XCFramework that Xcode takes for a target, and its entry."""
        place = self.folders[name] / self.podspecs[name]["vendored_frameworks"]
        variant = "simulator" if target.platform == "ios-simulator" else None
        wanted = (target.os, variant)
        for entry in plistlib.loads((place / "Info.plist").read_bytes())["AvailableLibraries"]:
            if (entry["SupportedPlatform"], entry.get("SupportedPlatformVariant")) == wanted:
                return place / entry["LibraryIdentifier"], entry
        raise AssertionError(f"{place} has no slice for {target.name}")


@pytest.fixture(scope="module", params=LINKAGES, ids=lambda linkage: linkage.value)
def built(
    request: pytest.FixtureRequest,
    render_plugin: Render,
    ruby: Ruby,
    tmp_path_factory: pytest.TempPathFactory,
) -> Built:
    """The small runtime and two small models, in plugins from the templates."""
    linkage: AppleLinkage = request.param
    images: dict[str, list[Image]] = {name: [] for name in PLUGINS}
    for target in APPLE:
        bench = Workbench(tmp_path_factory.mktemp(target.name), target)
        frameworks: tuple[Path, ...] = ()
        for name, prefix in PLUGINS.items():
            package = Package(plugin=name, prefix=prefix)
            source = MODEL.replace("g2p_", prefix) if prefix else RUNTIME
            archive = bench.library(name, source)
            exports = f"{prefix or 'TVMFFI'}*"
            spec = bench.spec(package.module, [archive], exports, frameworks=frameworks)
            if linkage is AppleLinkage.STATIC:
                images[name].append(prelink(spec, bench.folder / f"lib{package.module}.a"))
                continue
            images[name].append(bench.link(spec))
            if not prefix:  # the runtime comes first, the models need it
                frameworks = (images[name][-1].path,)
    podspecs, folders = {}, {}
    for name, prefix in PLUGINS.items():
        root = render_plugin(name, apple_linkage=linkage.value)
        folders[name] = root / "darwin"
        package = Package(plugin=name, prefix=prefix, linkage=linkage)
        pack(package, images[name], folders[name] / name / "Frameworks")
        podspecs[name] = ruby.read_podspec(folders[name] / f"{name}.podspec")
    return Built(podspecs, folders, linkage)


def flags(built: Built, target: Target) -> list[str | Path]:
    """What CocoaPods gives the app's linker for the vendored frameworks of all pods."""
    arguments: list[str | Path] = []
    for name in PLUGINS:
        folder, entry = built.staged(name, target)
        library = Path(entry["LibraryPath"])
        if library.suffix == ".framework":
            arguments += [f"-F{folder}", "-framework", library.stem]
        else:
            arguments += [f"-L{folder}", f"-l{library.stem.removeprefix('lib')}"]
        if "libraries" in built.podspecs[name]:
            arguments.append(STUBS / f"lib{built.podspecs[name]['libraries']}.tbd")
    return arguments


def link_app(bench: Workbench, arguments: Sequence[str | Path]) -> tuple[Path, str]:
    """Link an app's program as Xcode does in release mode; return it and its link map."""
    target = bench.target
    program, link_map = bench.folder / "app", bench.folder / "app.map"
    base: list[str | Path] = ["-arch", target.arch, "-dead_strip", "-map", link_map]
    base += ["-platform_version", target.platform, target.minimum_os, target.minimum_os]
    base += [bench.object("app", APP), STUBS / "libSystem.tbd", *arguments]
    run([find_linker().program, *base, "-o", program], echo=False)
    return program, link_map.read_text(errors="replace")


@pytest.mark.skipif("sys.platform == 'darwin'", reason="replayed with lld and our own text stubs")
@pytest.mark.parametrize("target", APPLE, ids=lambda target: target.name)
def test_an_app_links_what_the_podspecs_say(built: Built, tmp_path: Path, target: Target) -> None:
    bench = Workbench(tmp_path, target)
    program, text = link_app(bench, flags(built, target))
    found = read_macho(program.read_bytes(), "app")
    live = text.partition("# Dead Stripped Symbols")[0]
    frameworks = [name for name in found.needed if name.startswith("@rpath/")]
    if built.linkage is AppleLinkage.FRAMEWORK:
        modules = ("tvm_runtime", "g2p_flutter_model", "vad_flutter_model")
        assert sorted(frameworks) == sorted(f"@rpath/{it}.framework/{it}" for it in modules)
    else:
        assert frameworks == []
        assert live.count(" _startup\n") == 2
        assert live.count(" _TVMFFIRegister\n") == 1
        # Dart looks it up by name in the program itself.
        assert {"TVMFFIRegister", "g2p_abi_version", "vad_abi_version"} <= set(found.exported)


def test_a_podspec_says_what_the_plugin_is(built: Built) -> None:
    for name, spec in built.podspecs.items():
        pubspec = YAML(typ="safe").load((built.folders[name].parent / "pubspec.yaml").read_text())
        assert spec["version"] == pubspec["version"]
        assert spec["summary"] == pubspec["description"]
        assert spec["platforms"] == {"ios": "13.0", "osx": "11.0"}
        assert spec["ios"]["dependencies"] == {"Flutter": []}
        assert spec["osx"]["dependencies"] == {"FlutterMacOS": []}
        assert (built.folders[name] / spec["license"]["file"]).is_file()
        own = {"tvm_runtime_flutter": []} if PLUGINS[name] else {}
        assert spec.get("dependencies", {}) == own


def test_a_podspec_s_patterns_meet_files(built: Built) -> None:
    for name, spec in built.podspecs.items():
        folder = built.folders[name]
        assert [path.suffix for path in folder.glob(spec["source_files"])] == [".swift"]
        for pattern in spec["resource_bundles"][f"{name}_privacy"]:
            manifests = [plistlib.loads(path.read_bytes()) for path in folder.glob(pattern)]
            assert [manifest["NSPrivacyTracking"] for manifest in manifests] == [False]


def test_only_static_linkage_touches_the_app_s_settings(built: Built) -> None:
    for spec in built.podspecs.values():
        static = built.linkage is AppleLinkage.STATIC
        assert spec.get("static_framework", False) is static
        wanted = {"STRIP_STYLE": "non-global"} if static else None
        assert spec.get("user_target_xcconfig") == wanted
        flags = str(spec["pod_target_xcconfig"]) + str(spec.get("user_target_xcconfig", ""))
        assert "force_load" not in flags
        assert "LDFLAGS" not in flags


@pytest.mark.parametrize("name", PLUGINS)
@pytest.mark.parametrize(
    ("platforms", "targets"),
    [
        (["ios", "macos"], "ios,ios-simulator,macos"),
        (["ios"], "ios,ios-simulator"),
        (["linux", "macos"], "macos"),
    ],
)
def test_a_missing_xcframework_stops_pod_install_with_the_command(
    render_plugin: Render, ruby: Ruby, name: str, platforms: list[str], targets: str
) -> None:
    root = render_plugin(name, platforms=platforms)
    with pytest.raises(ProcessError) as caught:
        ruby.read_podspec(root / f"darwin/{name}.podspec")
    wanted = f"On a Mac, run `tvmplug build --target {targets}` in the folder of {name}"
    assert wanted in caught.value.output
    assert wanted.replace("run `", 'run "\n      + "`') in _manifest(root, name)


@pytest.mark.parametrize("name", PLUGINS)
def test_ruby_warns_of_nothing(render_plugin: Render, ruby: Ruby, name: str) -> None:
    assert ruby.check_syntax(render_plugin(name) / f"darwin/{name}.podspec") == "Syntax OK"


@pytest.mark.parametrize("linkage", LINKAGES, ids=lambda linkage: linkage.value)
@pytest.mark.parametrize("name", PLUGINS)
def test_every_file_says_whose_it_is_and_names_nothing_of_a_machine(
    render_plugin: Render, name: str, linkage: AppleLinkage
) -> None:
    root = render_plugin(name, apple_linkage=linkage.value)
    files = [path for path in (root / "darwin").rglob("*") if path.is_file()]
    sources = [path for path in files if "Frameworks" not in path.parts]
    assert len(sources) == 4
    for path in sources:
        text = path.read_text()
        assert OWNED in "\n".join(text.splitlines()[:2]), path
        assert not re.search(r"(?<![\w/:.])/(?:Users|home|root|tmp|opt|usr)/", text), path
        assert not any(line.endswith(" ") for line in text.splitlines()), path
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


@pytest.mark.parametrize("name", PLUGINS)
def test_flutter_finds_the_class_that_the_pubspec_names(render_plugin: Render, name: str) -> None:
    root = render_plugin(name)
    pubspec = YAML(typ="safe").load((root / "pubspec.yaml").read_text())
    for platform in ("ios", "macos"):
        told = pubspec["flutter"]["plugin"]["platforms"][platform]
        assert told["sharedDarwinSource"] is True
        path = root / f"darwin/{name}/Sources/{name}/{told['pluginClass']}.swift"
        assert f"public final class {told['pluginClass']}: NSObject, FlutterPlugin" in (
            path.read_text()
        )


def test_no_darwin_folder_without_apple_s_platforms(render_plugin: Render) -> None:
    for name in ("tvm_runtime_flutter", "g2p_flutter"):
        assert not (render_plugin(name, platforms=["linux"]) / "darwin").exists()


@pytest.mark.parametrize("name", PLUGINS)
def test_the_swift_package_names_what_the_podspec_names(render_plugin: Render, name: str) -> None:
    text = _manifest(render_plugin(name), name)
    module = f"{name}_model" if PLUGINS[name] else "tvm_runtime"
    assert text.startswith("// swift-tools-version: 5.9\n")
    assert f'name: "{name}"' in text
    assert f'.library(name: "{name.replace("_", "-")}"' in text
    assert f'let artifact = "Frameworks/{module}.xcframework"' in text
    assert f'.binaryTarget(name: "{module}", path: artifact)' in text
    assert '.package(name: "FlutterFramework", path: "../FlutterFramework")' in text
    own = '.package(name: "tvm_runtime_flutter", path: "../tvm_runtime_flutter")'
    assert (own in text) is bool(PLUGINS[name])
    assert '.iOS("13.0"),' in text
    assert '.macOS("11.0"),' in text


def _manifest(root: Path, name: str) -> str:
    return (root / "darwin" / name / "Package.swift").read_text()
