"""A plugin's linux folder in an app's build: CMake bundles exactly its libraries, from anywhere.

The parent project does what Flutter's generated_plugins.cmake and an app's CMakeLists.txt do:
it adds each plugin through a link below flutter/ephemeral, collects NAME_bundled_libraries, and
installs them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import REPOSITORY, files_of, render

RUNTIME = "tvm_runtime_flutter"
LIBRARIES = {
    RUNTIME: ("libtvm_runtime.so", "libtvm_ffi.so"),
    "g2p_flutter": ("libg2p_flutter.so",),
    "vad_flutter": ("libvad_flutter.so",),
}
PARENT = """\
cmake_minimum_required(VERSION 3.13)
project(runner LANGUAGES NONE)
list(APPEND FLUTTER_FFI_PLUGIN_LIST {plugins})
set(PLUGIN_BUNDLED_LIBRARIES)
foreach(ffi_plugin ${{FLUTTER_FFI_PLUGIN_LIST}})
  add_subdirectory(flutter/ephemeral/.plugin_symlinks/${{ffi_plugin}}/linux plugins/${{ffi_plugin}})
  list(APPEND PLUGIN_BUNDLED_LIBRARIES ${{${{ffi_plugin}}_bundled_libraries}})
endforeach(ffi_plugin)
file(WRITE "${{CMAKE_BINARY_DIR}}/bundled" "${{PLUGIN_BUNDLED_LIBRARIES}}")
install(FILES ${{PLUGIN_BUNDLED_LIBRARIES}} DESTINATION lib)
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("cmake"), reason="skipped: no cmake"),
]


@pytest.fixture(scope="module")
def plugins(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three plugins of an app, with something staged for both architectures."""
    folder = tmp_path_factory.mktemp("plugins")
    found = {}
    for name, libraries in LIBRARIES.items():
        answers = {"kind": "runtime"} if name == RUNTIME else {"plugin_name": name}
        found[name] = render(template, folder / name, **{"kind": "model", **answers})
        for architecture in ("x64", "arm64"):
            staged = found[name] / "linux" / "lib" / architecture
            staged.mkdir(parents=True)
            for library in libraries:
                (staged / library).write_text(f"{library} for {architecture}")
    return found


def configure(app: Path, plugins: dict[str, Path], *options: str) -> list[Path]:
    """Configure an app with these plugins; return what it would bundle."""
    links = app / "flutter" / "ephemeral" / ".plugin_symlinks"
    links.mkdir(parents=True)
    for name, folder in plugins.items():
        (links / name).symlink_to(folder)
    (app / "CMakeLists.txt").write_text(PARENT.format(plugins=" ".join(plugins)))
    subprocess.run(
        ["cmake", "-S", app, "-B", app / "build", *options],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [Path(path) for path in (app / "build/bundled").read_text().split(";")]


def read_only(folder: Path) -> None:
    """Take the right to write away, as some pub caches have it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)


@pytest.mark.parametrize(
    "place", ["by path/{name}", "pub cache/hosted/pub.dev/{name}-0.27.0"], ids=["path", "cache"]
)
def test_an_app_bundles_exactly_the_plugins_libraries_from_a_read_only_folder(
    plugins: dict[str, Path], tmp_path: Path, place: str
) -> None:
    placed = {name: tmp_path / place.format(name=name) for name in plugins}
    for name, folder in placed.items():
        shutil.copytree(plugins[name], folder)
        read_only(folder)
    # Root may write all the same, so what lies there is compared too.
    before = {name: files_of(folder) for name, folder in placed.items()}

    for app in (tmp_path / "first app", tmp_path / "second"):
        bundled = configure(app, placed, "-DFLUTTER_TARGET_PLATFORM=linux-x64")
        expected = [
            placed[name] / "linux" / "lib" / "x64" / library
            for name, libraries in LIBRARIES.items()
            for library in libraries
        ]
        assert [path.resolve() for path in bundled] == expected
        subprocess.run(
            ["cmake", "--install", app / "build", "--prefix", app / "bundle"],
            check=True, capture_output=True,
        )  # fmt: skip
        assert sorted(files_of(app / "bundle")) == sorted(f"lib/{path.name}" for path in expected)

    assert {name: files_of(folder) for name, folder in placed.items()} == before


def test_the_libraries_are_those_of_the_architecture_that_flutter_builds_for(
    plugins: dict[str, Path], tmp_path: Path
) -> None:
    for architecture in ("x64", "arm64"):
        option = f"-DFLUTTER_TARGET_PLATFORM=linux-{architecture}"
        bundled = configure(tmp_path / architecture, plugins, option)
        assert {path.parent.name for path in bundled} == {architecture}
    (host,) = {path.parent.name for path in configure(tmp_path / "older flutter", plugins)}
    assert host in {"x64", "arm64"}


def test_what_is_not_staged_stops_the_build_with_its_mend(
    plugins: dict[str, Path], tmp_path: Path
) -> None:
    for name, libraries in LIBRARIES.items():
        folder = shutil.copytree(plugins[name], tmp_path / name)
        shutil.rmtree(folder / "linux" / "lib" / "x64")
        with pytest.raises(subprocess.CalledProcessError) as failed:
            configure(
                tmp_path / f"app of {name}",
                {**plugins, name: folder},
                "-DFLUTTER_TARGET_PLATFORM=linux-x64",
            )
        said = " ".join(failed.value.stderr.split())
        assert f"{libraries[0]} is missing" in said
        assert f"Run `tvmplug build` in the folder of {name}" in said


def test_no_path_is_absolute(plugins: dict[str, Path]) -> None:
    for folder in plugins.values():
        text = (folder / "linux" / "CMakeLists.txt").read_text()
        assert re.findall(r"""(?<![\w}.])/[\w.]+""", re.sub(r"#.*", "", text)) == []


@pytest.mark.parametrize(("app", "title"), [("demo_app", b"demo"), ("speech_app", b"speech")])
def test_the_example_and_the_other_apps_have_one_runner(
    plugins: dict[str, Path], app: str, title: bytes
) -> None:
    example = files_of(plugins["g2p_flutter"] / "example" / "linux")
    demo = files_of(REPOSITORY / "examples" / app / "linux")
    differ = {
        b'"com.example.g2p_flutter_example"': b'"dev.tvmplug.%b"' % app.encode(),
        b'"g2p_flutter_example"': b'"%b"' % app.encode(),
        b'kTitle[] = "g2p_flutter"': b'kTitle[] = "tvmplug %b"' % title,
        b"kWidth = 960": b"kWidth = 1280",
        b"kHeight = 720": b"kHeight = 800",
    }
    for name, own in example.items():
        expected = re.sub(rb"\A(?:#|//) Owned by you.*\n\n?", b"", own)
        for old, new in differ.items():
            expected = expected.replace(old, new)
        assert demo[name] == expected, name
    generated = {name for name in demo if "generated" in name or "ephemeral" in name}
    assert example.keys() == demo.keys() - generated
