"""A Flutter app's `flutter_assets`: its assets and fonts, their manifests, and the licences.

`app.py` puts them into a bundle.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.codec import Value, encode
from tools.icons import make_icon_font
from tools.packages import read_pubspec
from tools.plugins import Package
from tools.toolchain import Desktop, Toolchain
from tvmplug.errors import ProjectError
from tvmplug.process import run

_ICON_FONT = "fonts/MaterialIcons-Regular.otf"
# Flutter's tool compiles these for every app that uses the material library.
_MATERIAL_SHADERS = "flutter/lib/src/material/shaders"
_DENSITY = re.compile(r"(\d+(?:\.\d+)?)x")


@dataclass(frozen=True)
class Asset:
    """An asset: the key that an app asks for it by, and its file for each pixel density."""

    key: str
    files: tuple[tuple[float, Path], ...]


def build_assets(
    toolchain: Toolchain,
    desktop: Desktop | None,
    project: Path,
    packages: Sequence[Package],
    folder: Path,
) -> None:
    """Make the folder `flutter_assets` of an app.

    Args:
        toolchain: Dart and Flutter.
        desktop: The root with the icon font; without one the icons are left out.
        project: The app.
        packages: All packages of the app, itself among them.
        folder: The folder to make; an old one is replaced.

    Raises:
        ProjectError: A pubspec names an asset that is not there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    app = read_pubspec(project)
    assets: list[Asset] = []
    families: list[Any] = []
    for package in packages:
        pubspec = app if package.folder == project else read_pubspec(package.folder)
        prefix = "" if package.folder == project else f"packages/{package.name}/"
        flutter = pubspec.get("flutter") or {}
        assets += list(declared_assets(flutter, package.folder, prefix))
        families += list(_fonts(flutter, package.folder, prefix, folder))
    if desktop is not None and (app.get("flutter") or {}).get("uses-material-design"):
        (folder / _ICON_FONT).parent.mkdir(exist_ok=True)
        make_icon_font(desktop.root, toolchain.packages, folder / _ICON_FONT)
        families.insert(0, {"family": "MaterialIcons", "fonts": [{"asset": _ICON_FONT}]})
    for asset in assets:
        for density, path in asset.files:
            _copy(path, folder / variant_key(asset.key, density))
    (folder / "AssetManifest.bin").write_bytes(encode(asset_manifest(assets)))
    (folder / "FontManifest.json").write_text(json.dumps(families), encoding="utf-8")
    (folder / "NOTICES.Z").write_bytes(gzip.compress(notices(packages).encode(), mtime=0))
    (folder / "NativeAssetsManifest.json").write_text(
        '{"format-version":[1,0,0],"native-assets":{}}', encoding="utf-8"
    )
    (folder / "version.json").write_text(json.dumps(_version(app)), encoding="utf-8")
    for shader in sorted((toolchain.packages / _MATERIAL_SHADERS).glob("*.frag")):
        _compile_shader(toolchain, shader, folder / "shaders" / shader.name)


def has_assets(packages: Sequence[Package]) -> bool:
    """Whether a package of these declares assets or fonts."""
    sections = (read_pubspec(package.folder).get("flutter") or {} for package in packages)
    return any(section.get("assets") or section.get("fonts") for section in sections)


def declared_assets(flutter: dict[str, Any], root: Path, prefix: str) -> Iterator[Asset]:
    """The assets of one package.

    Args:
        flutter: The `flutter:` section of its pubspec.
        root: Its folder.
        prefix: What the keys of its assets begin with.

    Raises:
        ProjectError: One is not there.
    """
    for entry in flutter.get("assets") or ():
        name = entry["path"] if isinstance(entry, dict) else entry
        if name.startswith("packages/"):
            # Another package's asset, which that package keeps in its lib folder: not supported.
            raise ProjectError(f"{root / 'pubspec.yaml'}: asset {name} is of another package")
        path = root / name
        if not path.exists():
            raise ProjectError(f"{root / 'pubspec.yaml'} names {name}, which is not there")
        # A folder stands for the files right in it.
        found = (
            sorted(file for file in path.iterdir() if file.is_file()) if name[-1] == "/" else [path]
        )
        for file in found:
            key = prefix + file.relative_to(root).as_posix()
            yield Asset(key, ((1.0, file), *_variants(file)))


def asset_manifest(assets: Sequence[Asset]) -> dict[str, Value]:
    """What AssetManifest.bin holds: every asset's files by key, with their pixel densities."""
    manifest: dict[str, Value] = {}
    for asset in sorted(assets, key=lambda asset: asset.key):
        variants: list[dict[str, Value]] = []
        for density, _ in asset.files:
            variant: dict[str, Value] = {"asset": variant_key(asset.key, density)}
            if density != 1.0:
                variant["dpr"] = density
            variants.append(variant)
        manifest[asset.key] = variants
    return manifest


def variant_key(key: str, density: float) -> str:
    """The key of the file for a pixel density: it lies in a folder named after that."""
    if density == 1.0:
        return key
    folder, _, name = key.rpartition("/")
    return f"{folder}/{density:.1f}x/{name}" if folder else f"{density:.1f}x/{name}"


def notices(packages: Sequence[Package]) -> str:
    """The licences of all packages, in the form that Flutter's licence page reads."""
    texts: dict[str, list[str]] = {}
    for package in sorted(packages, key=lambda package: package.name):
        licence = package.folder / "LICENSE"
        if licence.is_file():
            text = licence.read_text(encoding="utf-8", errors="replace").strip()
            texts.setdefault(text, []).append(package.name)
    separator = "\n" + "-" * 80 + "\n"
    return separator.join("\n".join(names) + "\n\n" + text for text, names in texts.items())


def _variants(file: Path) -> Iterator[tuple[float, Path]]:
    for folder in sorted(file.parent.iterdir()):
        match = _DENSITY.fullmatch(folder.name)
        if match and (folder / file.name).is_file():
            yield float(match.group(1)), folder / file.name


def _fonts(flutter: dict[str, Any], root: Path, prefix: str, folder: Path) -> Iterator[Any]:
    for family in flutter.get("fonts") or ():
        fonts = []
        for font in family["fonts"]:
            if not (root / font["asset"]).is_file():
                raise ProjectError(f"{root / 'pubspec.yaml'} names {font['asset']}, not there")
            _copy(root / font["asset"], folder / prefix / font["asset"])
            fonts.append({**font, "asset": prefix + font["asset"]})
        yield {"family": prefix + family["family"], "fonts": fonts}


def _version(app: dict[str, Any]) -> dict[str, str]:
    version, _, number = str(app.get("version", "")).partition("+")
    name = str(app["name"])
    found = {"app_name": name, "version": version, "build_number": number, "package_name": name}
    return {key: value for key, value in found.items() if value}


def _compile_shader(toolchain: Toolchain, source: Path, output: Path) -> None:
    output.parent.mkdir(exist_ok=True)
    library = toolchain.engine / "shader_lib"
    spirv = output.with_suffix(".spirv")
    run(
        [
            toolchain.engine / "impellerc",
            *("--sksl", "--runtime-stage-gles", "--runtime-stage-vulkan", "--iplr"),
            *(f"--sl={output}", f"--spirv={spirv}", f"--input={source}", "--input-type=frag"),
            *(f"--include={source.parent}", f"--include={library}"),
        ],
        echo=False,
    )
    spirv.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
