"""A little app with a plugin: built as `flutter build linux` does, then used on a screen."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import lief
import pytest

from tools import app as apps
from tools import checks
from tools.display import Display
from tools.running import App
from tools.toolchain import Desktop, Toolchain
from tvmplug.errors import BuildError, ProjectError, ToolError

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
SIZE = (800, 500)


@pytest.fixture(scope="module")
def project(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app")
    for name in ("hello_app", "greet_plugin"):
        shutil.copytree(HERE / name, folder / name)
    return folder / "hello_app"


@pytest.fixture(scope="module")
def bundle(toolchain: Toolchain, desktop: Desktop, project: Path) -> Path:
    return apps.build(toolchain, desktop, project)


@pytest.fixture
def display(desktop: Desktop, bundle: Path, tmp_path: Path) -> Iterator[Display]:
    with Display(desktop, [bundle, tmp_path], width=SIZE[0], height=SIZE[1]) as display:
        yield display


@pytest.fixture
def running(display: Display, bundle: Path) -> App:
    app = display.start(bundle / "hello_app")
    app.wait_for_line("brightness")
    return app


def test_the_sample_is_formatted_and_analyses_clean(toolchain: Toolchain, project: Path) -> None:
    folders = [project, project.parent / "greet_plugin"]
    found = checks.analyze(toolchain, folders)
    assert found.ok, found.output
    found = checks.format_check(toolchain, [folder / "lib" for folder in folders])
    assert found.ok, found.output


def test_the_bundle_is_laid_out_as_flutters(bundle: Path) -> None:
    found = {
        path.relative_to(bundle).as_posix()
        for path in bundle.rglob("*")
        if path.is_file() and "flutter_assets" not in path.parts
    }
    assert found == {
        "hello_app",
        "data/icudtl.dat",
        "lib/libapp.so",
        "lib/libflutter_linux_gtk.so",
        "lib/libgreet.so",
    }
    assert {path.name for path in (bundle / "data/flutter_assets").iterdir()} == {
        "AssetManifest.bin", "FontManifest.json", "NOTICES.Z", "NativeAssetsManifest.json",
        "assets", "fonts", "shaders", "version.json",
    }  # fmt: skip


def test_the_app_finds_its_libraries_beside_itself(bundle: Path) -> None:
    program = lief.ELF.parse(bundle / "hello_app")
    assert program is not None
    paths = [
        entry.runpath
        for entry in program.dynamic_entries
        if isinstance(entry, lief.ELF.DynamicEntryRunPath)
    ]
    assert paths == ["$ORIGIN/lib"]


def test_dart_is_compiled_again_only_when_it_changed(
    toolchain: Toolchain, desktop: Desktop, project: Path, bundle: Path
) -> None:
    library = project / "build/lib/libapp.so"
    made = library.stat().st_mtime_ns
    assert apps.build(toolchain, desktop, project) == bundle
    assert library.stat().st_mtime_ns == made


def test_the_app_runs_registers_its_plugin_and_reads_its_assets(running: App) -> None:
    assert running.wait_for_line("answer") == "answer 42, registered true"
    assert running.wait_for_line("asset") == "asset Text of an asset"
    mapped = [path.name for path in running.mapped_libraries()]
    assert {"libapp.so", "libflutter_linux_gtk.so", "libgreet.so"} <= set(mapped)


def test_a_person_can_type_and_click(display: Display, running: App) -> None:
    display.type("Say 3 'words' & $HOME!")
    display.key("Return")
    assert running.wait_for_line("said") == "said Say 3 'words' & $HOME!"
    display.click(SIZE[0] - 40, SIZE[1] - 40)
    assert running.wait_for_line("said clicked")
    with pytest.raises(ToolError, match="no keys for 'ü'"):
        display.type("ü")


def test_a_screenshot_shows_text_and_icons(display: Display, running: App, tmp_path: Path) -> None:
    picture = tmp_path / "screen.png"
    display.screenshot(picture)
    size = display.run(f"magick-im7.q16 identify -format '%w %h' {picture}")
    assert size == f"{SIZE[0]} {SIZE[1]}"
    x, y = SIZE[0] - 44, SIZE[1] - 44

    def brightness(x: int, y: int) -> float:
        pixel = f"'%[fx:100*p{{{x},{y}}}.intensity]'"
        return float(display.run(f"magick-im7.q16 {picture} -format {pixel} info:"))

    # The plus in the round button is dark in its middle and in its four arms; the box that stands
    # for a missing glyph is not.
    plus = [(x, y), (x + 4, y), (x - 4, y), (x, y + 4), (x, y - 4)]
    assert all(brightness(*place) < 40 for place in plus)
    assert brightness(x + 12, y + 12) > 60


@pytest.mark.parametrize("dark", [False, True])
def test_the_app_sees_which_colours_a_person_prefers(
    display: Display, bundle: Path, dark: bool
) -> None:
    app = display.start(bundle / "hello_app", dark=dark)
    assert app.wait_for_line(f"brightness {'dark' if dark else 'light'}")


def test_an_app_that_ends_is_an_error_with_what_it_printed(display: Display) -> None:
    with pytest.raises(ToolError, match="ended"):
        display.start(Path("/usr/bin/false"))
    with pytest.raises(ToolError, match="none"):
        display.start(Path("/none"))


def test_a_killed_app_is_seen_to_have_ended(running: App) -> None:
    os.kill(running.pid, signal.SIGKILL)
    with pytest.raises(ToolError, match="the app has ended"):
        running.wait_for_line("never printed")


def test_closing_the_display_leaves_nothing(desktop: Desktop, bundle: Path, tmp_path: Path) -> None:
    with Display(desktop, [bundle, tmp_path]) as display:
        app = display.start(bundle / "hello_app")
        assert app.running
    assert _gone(app.pid)
    assert not app.printed.exists()
    assert list(tmp_path.iterdir()) == []


def test_killing_the_owner_of_a_display_ends_all_of_it(bundle: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from tools import toolchain\n"
        "from tools.display import Display\n"
        "bundle = pathlib.Path(sys.argv[1])\n"
        "with Display(toolchain.find_or_install_desktop(), [bundle]) as display:\n"
        "    print(display.start(bundle / 'hello_app').pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, bundle],
        cwd=HERE.parents[1],
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        owner.kill()
    assert _gone(pid)


def test_mistakes_are_told_with_the_compilers_words(
    toolchain: Toolchain, desktop: Desktop, bundle: Path, project: Path, tmp_path: Path
) -> None:
    # With its machine code, so that Dart need not be compiled again; CMake's folder cannot move.
    shutil.copytree(project.parent, tmp_path, dirs_exist_ok=True, ignore=_cmake_folder)
    project = tmp_path / "hello_app"
    main = project / "lib/main.dart"
    text = main.read_text()
    main.write_text(text.replace("answer()", "nothing()"))
    with pytest.raises(BuildError, match=r"main\.dart.*Method not found: 'nothing'"):
        apps.build(toolchain, desktop, project)
    main.write_text(text)
    (tmp_path / "greet_plugin/linux/greet.c").write_text("no C at all")
    with pytest.raises(BuildError, match=r"(?s)ninja failed.*greet\.c:1"):
        apps.build(toolchain, desktop, project)
    (project / "pubspec.yaml").write_text(
        (project / "pubspec.yaml").read_text().replace("- assets/", "- sounds/")
    )
    with pytest.raises(ProjectError, match="names sounds/, which is not there"):
        apps.build(toolchain, desktop, project)
    shutil.rmtree(project / "linux")
    with pytest.raises(ProjectError, match=r"has no linux/CMakeLists\.txt"):
        apps.build(toolchain, desktop, project)


def _cmake_folder(folder: str, _: list[str]) -> list[str]:
    return ["linux"] if Path(folder).name == "build" else []


def _gone(pid: int) -> bool:
    """Whether a process ends within a few seconds."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
