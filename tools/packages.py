"""Which package lies where, for a Dart project: what `flutter pub get` would say.

pub itself resolves, offline, so a wrong version constraint or a missing dependency fails here
as it would for a user. Flutter's own packages come from Debian through a hand-made Flutter
root, the hosted ones through a hand-made pub cache. Everything that runs Dart calls this.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tools import toolchain as toolchains
from tools.install import made_once
from tools.toolchain import Toolchain
from tvmplug import files
from tvmplug.errors import ProcessError, ProjectError
from tvmplug.process import run

CONFIG = Path(".dart_tool") / "package_config.json"
# pub only reads folder names of this host: it resolves offline, and the name cannot exist.
_HOST = "packages.invalid"
_SECTIONS = ("dependencies", "dev_dependencies", "dependency_overrides")
# An app's CMake files call it to assemble the app.
_BACKEND = "packages/flutter_tools/bin/tool_backend.sh"
# Raise it when what is laid out changes.
_LAYOUT = 2


def write_config(
    project: Path, toolchain: Toolchain, places: Mapping[str, Path] | None = None
) -> Path:
    """Resolve a project's dependencies and write its `.dart_tool/package_config.json`.

    Nothing else is written into the project, no lock file either.

    Args:
        project: A folder with a pubspec.yaml; its path dependencies are relative to it.
        toolchain: Dart and Flutter.
        places: Packages to take from these folders whatever the pubspec says, by name: for
            what would come from a registry or from git.

    Returns:
        The file.

    Raises:
        ProjectError: pub refuses the pubspec, or a dependency cannot be found.
    """
    project = project.resolve()
    root, cache = flutter_root(toolchain)
    variables = {
        **toolchains.environment(),
        "FLUTTER_ROOT": str(root),
        "PUB_CACHE": str(cache),
        "PUB_HOSTED_URL": f"https://{_HOST}",
        # Even offline it asks for Flutter's releases, to propose one: 25 s without a network.
        "PUB_MAX_HTTP_RETRIES": "0",
        "_PUB_TEST_FLUTTER_RELEASES_URL": f"https://{_HOST}",
    }
    pubspec = at_its_place(read_pubspec(project), project, places or {})
    with tempfile.TemporaryDirectory(prefix="tvmplug-pub-") as name:
        scratch = Path(name).resolve()
        # JSON is YAML.
        (scratch / "pubspec.yaml").write_text(json.dumps(pubspec), encoding="utf-8")
        try:
            run([toolchain.dart, "pub", "get", "--offline"], cwd=scratch, env=variables, echo=False)
        except ProcessError as error:
            raise ProjectError(
                f"pub cannot resolve {project / 'pubspec.yaml'}: {' '.join(error.output.split())}"
            ) from error
        config = json.loads((scratch / CONFIG).read_text(encoding="utf-8"))
        graph = (scratch / CONFIG).with_name("package_graph.json").read_text(encoding="utf-8")
        for package in config["packages"]:
            package["rootUri"] = _absolute(package["rootUri"], scratch, project)
    files.write_text(project / CONFIG, json.dumps(config, indent=2) + "\n")
    files.write_text((project / CONFIG).with_name("package_graph.json"), graph)
    return project / CONFIG


def read_pubspec(project: Path) -> dict[str, Any]:
    """A project's pubspec.

    Raises:
        ProjectError: It is missing or no YAML mapping.
    """
    path = project / "pubspec.yaml"
    if not path.is_file():
        raise ProjectError(f"{project} is no Dart project: it has no pubspec.yaml")
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise ProjectError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ProjectError(f"{path} holds no mapping")
    return content


def at_its_place(
    pubspec: Mapping[str, Any], project: Path, places: Mapping[str, Path]
) -> dict[str, Any]:
    """A pubspec that means the same from any folder, with some packages put elsewhere.

    Args:
        pubspec: As it is written.
        project: The folder that its relative paths start from.
        places: The folders of packages that override what it says.
    """
    moved = dict(pubspec)
    for section in _SECTIONS:
        moved[section] = {
            name: _absolute_path(wanted, project)
            for name, wanted in (pubspec.get(section) or {}).items()
        }
    overrides = {name: {"path": str(path.resolve())} for name, path in places.items()}
    moved["dependency_overrides"] |= {
        name: path for name, path in overrides.items() if name != pubspec.get("name")
    }
    return moved


def flutter_root(toolchain: Toolchain) -> tuple[Path, Path]:
    """The folders that pub knows Flutter and the hosted packages by, made of links.

    Args:
        toolchain: Dart and Flutter.

    Returns:
        The Flutter root and the pub cache.
    """
    folder = made_once(toolchain.root / f"pub-{_LAYOUT}", partial(_lay_out, toolchain))
    return folder / "flutter", folder / "cache"


def _lay_out(toolchain: Toolchain, folder: Path) -> None:
    root, hosted = folder / "flutter", folder / "cache" / "hosted" / _HOST
    for made in (root / "packages" / "flutter_test", root / "bin/cache/pkg", hosted):
        made.mkdir(parents=True)
    backend = root / _BACKEND
    backend.parent.mkdir(parents=True)
    backend.write_text("#!/bin/sh\n# tools/app.py has assembled everything before.\n")
    backend.chmod(0o755)
    version = toolchain.flutter_version
    (root / "version").write_text(version, encoding="utf-8")
    (root / "bin/cache/flutter.version.json").write_text(
        json.dumps({"frameworkVersion": version, "flutterVersion": version}), encoding="utf-8"
    )
    (root / "bin/cache/pkg/sky_engine").symlink_to(toolchain.packages / "sky_engine")
    (root / "packages/flutter").symlink_to(toolchain.packages / "flutter")
    found = {}
    for package in toolchain.packages.iterdir():
        if (number := read_pubspec(package).get("version")) is not None:
            found[package.name] = str(number)
            (hosted / f"{package.name}-{number}").symlink_to(package)
    # flutter_test wants one exact test_api, and Debian ships the next one.
    test = read_pubspec(toolchain.packages / "flutter_test")
    test["dependencies"]["test_api"] = found["test_api"]
    test_folder = root / "packages" / "flutter_test"
    (test_folder / "lib").symlink_to(toolchain.packages / "flutter_test" / "lib")
    (test_folder / "pubspec.yaml").write_text(json.dumps(test), encoding="utf-8")


def _absolute_path(wanted: Any, project: Path) -> Any:
    if isinstance(wanted, dict) and "path" in wanted:
        return {**wanted, "path": str((project / wanted["path"]).resolve())}
    return wanted


def _absolute(uri: str, scratch: Path, project: Path) -> str:
    """A root URI of the scratch project's configuration, as one of the real project's."""
    if uri.startswith("file:"):
        return uri
    path = (scratch / CONFIG.parent / uri).resolve()
    return (project if path == scratch else path).as_uri()
