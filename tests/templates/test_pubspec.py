"""pubspec.yaml of every variant obeys the rules of Flutter and pub; each rule can be broken."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tvmplug.pins import PINS

from .conftest import REPOSITORY
from .matrix import parameters, variants
from .pubspec_rules import DART_FILE_NAME_SINCE, is_constraint, problems

Pubspec = dict[str, Any]
VARIANTS = variants()
FOLDERS = ("android", "darwin", "linux", "windows")
MODELS = sorted(name for name, answers in VARIANTS.items() if answers["kind"] == "model")


# Renders every variant: its tests are slow.
@pytest.fixture(params=parameters())
def plugin(request: pytest.FixtureRequest, rendered: Callable[[str], Path]) -> Path:
    return rendered(request.param)


def read(folder: Path) -> Pubspec:
    return yaml.safe_load((folder / "pubspec.yaml").read_text())


@pytest.mark.slow
def test_every_variant_obeys_the_rules(plugin: Path) -> None:
    assert problems(read(plugin)) == []
    if (plugin / "example").exists():
        assert problems(read(plugin / "example")) == []


def test_the_demo_app_obeys_the_rules() -> None:
    assert problems(read(REPOSITORY / "examples/demo_app")) == []


@pytest.mark.slow
def test_minimum_sdks_are_the_pins(plugin: Path) -> None:
    wanted = {"sdk": f"^{PINS.dart}", "flutter": f">={PINS.flutter}"}
    folders = [plugin, plugin / "example", REPOSITORY / "examples/demo_app"]
    for folder in filter(Path.exists, folders):
        assert read(folder)["environment"] == wanted


def test_the_pinned_flutter_knows_every_key() -> None:
    assert tuple(int(part) for part in PINS.flutter.split(".")[:2]) >= DART_FILE_NAME_SINCE


@pytest.mark.slow
def test_each_platform_is_one_that_was_answered(plugin: Path) -> None:
    answered = yaml.safe_load((plugin / ".copier-answers.yml").read_text())["platforms"]
    platforms = read(plugin)["flutter"]["plugin"]["platforms"]
    assert sorted(platforms) == sorted(answered)
    folders = {"darwin" if name in {"ios", "macos"} else name for name in platforms}
    assert {name for name in FOLDERS if (plugin / name).exists()} == folders


@pytest.mark.slow
def test_each_class_that_flutter_registers_is_there(plugin: Path) -> None:
    for platform, settings in read(plugin)["flutter"]["plugin"]["platforms"].items():
        if "pluginClass" not in settings:
            continue
        extension, folder = ("kt", "android") if platform == "android" else ("swift", "darwin")
        source = (plugin / folder).rglob(f"{settings['pluginClass']}.{extension}")
        text = next(source).read_text()
        assert re.search(rf"^(?:\w+ )*class {settings['pluginClass']}\b", text, re.M)
        if platform == "android":
            assert f"package {settings['package']}\n" in text


@pytest.mark.slow
@pytest.mark.parametrize("variant", MODELS)
def test_flutter_finds_the_class_that_loads_the_library(
    rendered: Callable[[str], Path], variant: str
) -> None:
    plugin = rendered(variant)
    for settings in read(plugin)["flutter"]["plugin"]["platforms"].values():
        source = (plugin / "lib" / settings["dartFileName"]).read_text()
        body = re.search(
            rf"^(?:\w+ )*class {settings['dartPluginClass']}\b.*?^}}", source, re.M | re.S
        )
        assert body, f"{settings['dartFileName']} has no class {settings['dartPluginClass']}"
        assert "static void registerWith()" in body[0]


GOOD: Pubspec = {
    "name": "g2p_flutter",
    "description": "A model.",
    "version": "0.1.0",
    "publish_to": "none",
    "environment": {"sdk": "^3.8.0", "flutter": ">=3.32.0"},
    "dependencies": {
        "flutter": {"sdk": "flutter"},
        "ffi": "^2.1.3",
        "tvm_runtime_flutter": {"path": "../tvm_runtime_flutter"},
    },
    "flutter": {
        "plugin": {
            "platforms": {
                "linux": {
                    "ffiPlugin": True,
                    "dartPluginClass": "G2pModelPlugin",
                    "dartFileName": "src/plugin.dart",
                }
            }
        }
    },
}
LINUX = "flutter.plugin.platforms.linux"
# What is set where (None: taken away), and the beginning of the one problem that it makes.
BROKEN: list[tuple[str, Any, str]] = [
    ("name", "G2P", "name: G2P is no lower-case Dart identifier"),
    ("name", "2go", "name: 2go is no lower-case Dart identifier"),
    ("name", "class", "name: class is a reserved word"),
    ("version", "1.0", "version: 1.0 is not semantic"),
    ("version", None, "version: None is not semantic"),
    ("description", " ", "description: missing"),
    ("publish_to", None, "dependencies.tvm_runtime_flutter: from no registry, so publish_to"),
    ("environment.sdk", "3.8", "environment.sdk: 3.8 is no version constraint"),
    ("environment.sdk", ">=3.8.0", "environment.sdk: has no upper bound"),
    ("environment.sdk", None, "environment.sdk: None is no version constraint"),
    ("environment.flutter", "^3.32.0", "environment.flutter: must be a lower bound"),
    ("environment.flutter", ">3.32", "environment.flutter: >3.32 is no version constraint"),
    ("environment.flutter", ">=3.24.0", f"{LINUX}.dartFileName: needs Flutter 3.27"),
    ("dependencies.ffi", "^2.1", "dependencies.ffi: ^2.1 is no version constraint"),
    ("dependencies.ffi", {"url": "x"}, "dependencies.ffi: comes from nowhere"),
    ("dependencies.ffi", {"path": "/ffi"}, "dependencies.ffi: an absolute path"),
    ("dependencies.flutter", None, "dependencies.flutter: must be the SDK's"),
    ("flutter", [], "flutter: must be a map"),
    ("flutter.asset", ["a.png"], "flutter.asset: Flutter does not know it"),
    ("flutter.assets", "a.png", "flutter.assets: must be a list"),
    ("flutter.uses-material-design", "yes", "flutter.uses-material-design: must be true"),
    ("flutter.plugin", [], "flutter.plugin: must be a map"),
    ("flutter.plugin.pluginClass", "G2p", "flutter.plugin: the old keys do not go"),
    ("flutter.plugin.platform", {}, "flutter.plugin.platform: Flutter does not know it"),
    ("flutter.plugin.platforms", None, "flutter.plugin.platforms: missing"),
    ("flutter.plugin.platforms", ["linux"], "flutter.plugin.platforms: must be a map"),
    ("flutter.plugin.platforms", {}, "flutter.plugin.platforms: must be a map"),
    ("flutter.plugin.platforms.gnu", {}, "flutter.plugin.platforms.gnu: Flutter does not know it"),
    (LINUX, True, f"{LINUX}: must be a map"),
    (LINUX, {}, f"{LINUX}: names no implementation"),
    (LINUX, {"ffiPlugin": False}, f"{LINUX}: names no implementation"),
    (f"{LINUX}.ffi", True, f"{LINUX}.ffi: Flutter does not know it"),
    (f"{LINUX}.package", "dev.x", f"{LINUX}.package: Flutter does not know it"),
    (f"{LINUX}.fileName", "a.dart", f"{LINUX}.fileName: Flutter does not know it"),
    (f"{LINUX}.ffiPlugin", "true", f"{LINUX}.ffiPlugin: must be true or false"),
    (f"{LINUX}.pluginClass", "G2p", f"{LINUX}.ffiPlugin: has no effect beside pluginClass"),
    (f"{LINUX}.dartPluginClass", None, f"{LINUX}.dartFileName: does not go without"),
    (f"{LINUX}.dartPluginClass", "_G2p", f"{LINUX}.dartPluginClass: is no class name"),
    (f"{LINUX}.dartPluginClass", 1, f"{LINUX}.dartPluginClass: must be a string"),
    (f"{LINUX}.dartFileName", "lib/a.dart", f"{LINUX}.dartFileName: must be a path inside of lib"),
    (f"{LINUX}.dartFileName", "../a.dart", f"{LINUX}.dartFileName: must be a path inside of lib"),
    (f"{LINUX}.dartFileName", "src/plugin", f"{LINUX}.dartFileName: must name a Dart file"),
    (LINUX, {"ffiPlugin": True, "default_package": "x"}, f"{LINUX}.default_package: does not go"),
    (
        LINUX,
        {"dartPluginClass": "G2p", "default_package": "x"},
        f"{LINUX}.default_package: does not go",
    ),
    (
        "flutter.plugin",
        {"implements": "x", "platforms": {"linux": {"default_package": "y"}}},
        f"{LINUX}.default_package: does not go with implements",
    ),
    (
        "flutter.plugin.platforms.android",
        {"pluginClass": "G2p"},
        "flutter.plugin.platforms.android: names no implementation",
    ),
]


def changed(where: str, value: Any) -> Pubspec:
    pubspec = copy.deepcopy(GOOD)
    *path, last = where.split(".")
    place = pubspec
    for key in path:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return pubspec


def test_a_good_pubspec_has_no_problems() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(("where", "value", "problem"), BROKEN, ids=lambda value: str(value)[:60])
def test_a_broken_rule_is_one_problem(where: str, value: Any, problem: str) -> None:
    found = problems(changed(where, value))
    assert len(found) == 1, found
    assert found[0].startswith(problem)


def test_an_old_flutter_leaves_a_desktop_plugins_dart_class_out() -> None:
    pubspec = changed(f"{LINUX}.dartFileName", None)
    pubspec["environment"]["flutter"] = ">=2.10.0"
    assert problems(pubspec) == [
        f"{LINUX}.dartPluginClass: needs Flutter 2.11 in environment.flutter"
    ]


@pytest.mark.parametrize(
    "text", ["any", "1.2.3", "^1.2.3", ">=1.2.3", ">=1.2.3 <2.0.0", ">1.0.0-dev.1", "^1.2.3+4"]
)
def test_constraints_that_pub_takes(text: str) -> None:
    assert is_constraint(text)


@pytest.mark.parametrize("text", ["", "1", "1.2", "~1.2.3", "=1.2.3", "^1.2", ">= 1.2.3,", None, 1])
def test_constraints_that_pub_refuses(text: object) -> None:
    assert not is_constraint(text)
