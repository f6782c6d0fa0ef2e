"""Swift of plugins: manifests are run, sources checked as for iOS, formats looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.swift import Swift
from tvmplug.errors import ProcessError

pytestmark = pytest.mark.slow

MANIFEST = """\
// swift-tools-version: 5.9

import Foundation
import PackageDescription

let index = "\\(Context.packageDirectory)/Frameworks/greet.xcframework/Info.plist"
guard FileManager.default.fileExists(atPath: index) else {
  fatalError("greet: the framework is missing")
}

let package = Package(
  name: "greet",
  platforms: [.iOS("13.0")],
  products: [.library(name: "greet-it", targets: ["greet"])],
  dependencies: [.package(name: "FlutterFramework", path: "../FlutterFramework")],
  targets: [.target(name: "greet")]
)
"""
PLUGIN = """\
import greet_model

#if os(iOS)
  import Flutter
#elseif os(macOS)
  import FlutterMacOS
#endif

/// Greets.
public final class GreetPlugin: NSObject, FlutterPlugin {
  /// What Flutter calls when the app starts.
  public static func register(with registrar: FlutterPluginRegistrar) {
    _ = greet_count(UInt32(1))
  }
}
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with a plugin's class and the C library that it imports."""
    (tmp_path / "Package.swift").write_text(MANIFEST)
    (tmp_path / "GreetPlugin.swift").write_text(PLUGIN)
    (tmp_path / "module").mkdir()
    (tmp_path / "module/module.modulemap").write_text('module greet_model { header "greet.h" }\n')
    (tmp_path / "module/greet.h").write_text(
        "#include <stdint.h>\nint32_t greet_count(uint32_t);\n"
    )
    (tmp_path / "Frameworks/greet.xcframework").mkdir(parents=True)
    (tmp_path / "Frameworks/greet.xcframework/Info.plist").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict>\n'
        "<key>Name</key><string>greet</string></dict></plist>\n"
    )
    return tmp_path


def test_a_manifest_says_what_a_package_is(swift: Swift, package: Path) -> None:
    declared = swift.dump_package(package)
    assert declared["name"] == "greet"
    assert declared["platforms"] == [{"options": [], "platformName": "ios", "version": "13.0"}]
    assert [(each["name"], each["targets"]) for each in declared["products"]] == [
        ("greet-it", ["greet"])
    ]
    [dependency] = declared["dependencies"]
    assert dependency["fileSystem"][0]["path"] == str(package.parent / "FlutterFramework")
    assert not (package / ".build").exists()


def test_a_manifests_own_message_is_told(swift: Swift, package: Path) -> None:
    (package / "Frameworks/greet.xcframework/Info.plist").unlink()
    with pytest.raises(ProcessError) as raised:
        swift.dump_package(package)
    assert "Fatal error: greet: the framework is missing" in raised.value.output


def test_a_manifest_with_a_mistake_is_refused(swift: Swift, package: Path) -> None:
    (package / "Package.swift").write_text(MANIFEST.replace(".library(", ".libary("))
    with pytest.raises(ProcessError) as raised:
        swift.dump_package(package)
    assert "has no member 'libary'" in raised.value.output


def test_a_plugins_class_is_checked_for_ios(swift: Swift, package: Path) -> None:
    found = swift.type_check([package / "GreetPlugin.swift"], [package / "module"])
    assert (found.ok, found.output) == (True, "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("UInt32(1)", '"one"'), "cannot convert value of type 'String'"),
        (("register(with", "register(for"), "requirement 'register(with:)' declared here"),
        (("greet_count(", "greet_them("), "cannot find 'greet_them' in scope"),
        (("os(iOS)", "os(macOS)"), "cannot find type 'NSObject' in scope"),
        # A warning alone.
        (("_ = greet", "let count = greet"), "'count' was never used"),
    ],
)
def test_errors_and_warnings_of_the_compiler_count(
    swift: Swift, package: Path, change: tuple[str, str], said: str
) -> None:
    source = package / "GreetPlugin.swift"
    assert PLUGIN.count(change[0]) == 1
    source.write_text(PLUGIN.replace(*change))
    found = swift.type_check([source], [package / "module"])
    assert not found.ok
    assert said in found.output


def test_format_is_checked(swift: Swift, package: Path) -> None:
    sources = [package / "Package.swift", package / "GreetPlugin.swift"]
    found = swift.format_check(sources)
    assert (found.ok, found.output) == (True, "")
    sources[1].write_text(PLUGIN.replace("    _ =", "  _ ="))
    found = swift.format_check(sources)
    assert not found.ok
    assert "GreetPlugin.swift:13:1: error: [Indentation]" in found.output


def test_property_lists_are_checked(swift: Swift, package: Path) -> None:
    index = package / "Frameworks/greet.xcframework/Info.plist"
    assert swift.check_plists([index]).ok
    index.write_text(index.read_text().replace("</dict>", ""))
    assert not swift.check_plists([index]).ok
