"""Static linkage: a plugin as one object that shows its own functions alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tvmplug.apple.localise import localise
from tvmplug.apple.macho import read_macho
from tvmplug.apple.prelink import prelink
from tvmplug.artifacts.ar import read_archive
from tvmplug.errors import ArtifactError, ProcessError
from tvmplug.process import run
from tvmplug.targets import target_named
from tvmplug.toolchains.darwin import find_linker

from .conftest import MODEL, RUNTIME, Workbench

STUBS = Path(__file__).parents[2] / "src/tvmplug/apple/stubs"
APP = """\
unsigned g2p_abi_version(void);
unsigned vad_abi_version(void);
void TVMFFIGetVersion(unsigned *);
int main(void) { unsigned v[3]; TVMFFIGetVersion(v);
  return (int)(g2p_abi_version() + vad_abi_version()); }
"""

pytestmark = pytest.mark.skipif(
    "sys.platform == 'darwin'", reason="the links are replayed with lld and our own text stubs"
)


def link_app(bench: Workbench, libraries: Sequence[Path], *flags: str) -> str:
    """Link a program like an app's, without what nothing in it calls; return its link map."""
    program, link_map = bench.folder / "app", bench.folder / "app.map"
    version = bench.target.minimum_os
    arguments = ["-arch", bench.target.arch, "-dead_strip", "-map", link_map]
    arguments += ["-platform_version", bench.target.platform, version, version]
    arguments += [bench.object("app", APP), *libraries, *flags, STUBS / "libSystem.tbd"]
    run([find_linker().program, *arguments, "-o", program], echo=False)
    return link_map.read_text(errors="replace")


def made(bench: Workbench, name: str, source: str, *exports: str) -> Path:
    """A prelinked library."""
    archive = bench.library(f"{name}_objects", source)
    return prelink(bench.spec(name, [archive], *exports), bench.folder / f"lib{name}.a").path


def test_two_plugins_with_functions_of_one_name_live_in_one_program(bench: Workbench) -> None:
    runtime = made(bench, "tvm_runtime", RUNTIME, "TVMFFI*")
    g2p = made(bench, "g2p_flutter_model", MODEL, "g2p_*")
    vad = made(bench, "vad_flutter_model", MODEL.replace("g2p_", "vad_"), "vad_*")
    text = link_app(bench, [runtime, g2p, vad])  # by name alone, no flag forces anything in
    live = text.partition("# Dead Stripped Symbols")[0]
    assert live.count(" _startup") == 2  # the constructors, which nothing refers to
    assert live.count(" _helper\n") >= 2


def test_without_it_the_same_plugins_collide(bench: Workbench) -> None:
    runtime = bench.library("tvm_runtime", RUNTIME)
    g2p = bench.library("g2p", MODEL)
    with pytest.raises(ProcessError) as caught:
        link_app(bench, [g2p, runtime], "-force_load", str(runtime), "-u", "_vad_abi_version")
    assert "duplicate symbol: _helper" in caught.value.output


def test_what_dart_looks_up_by_name_stays_in_the_program(bench: Workbench) -> None:
    source = MODEL + "unsigned g2p_unused_by_swift(void) { return 7; }\n"
    runtime = made(bench, "tvm_runtime", RUNTIME, "TVMFFI*")
    g2p = made(bench, "g2p_flutter_model", source, "g2p_*")
    vad = made(bench, "vad_flutter_model", MODEL.replace("g2p_", "vad_"), "vad_*")
    live = link_app(bench, [runtime, g2p, vad]).partition("# Dead Stripped Symbols")[0]
    assert "_g2p_unused_by_swift" in live


def test_only_the_plugin_s_own_functions_are_global(bench: Workbench) -> None:
    library = made(bench, "g2p_flutter_model", MODEL, "g2p_*")
    found = read_macho(library.read_bytes(), "library")
    assert found.exported == ("g2p_abi_version",)
    assert "TVMFFIRegister" in found.undefined
    assert (found.platform, found.arch, found.minimum_os) == ("ios", "arm64", "13.0")
    archive = read_archive(library.read_bytes(), "library")
    assert [member.name for member in archive.members] == ["g2p_flutter_model.o"]
    assert archive.members[0].symbols == ("_g2p_abi_version",)


def test_two_objects_that_define_one_symbol_are_refused(bench: Workbench) -> None:
    first = bench.library("first", RUNTIME)
    second = bench.library("second", RUNTIME)
    with pytest.raises(ArtifactError, match=r"first\.o\) and .*second\.o\) both define"):
        prelink(bench.spec("tvm_runtime", [first, second], "TVMFFI*"), bench.folder / "libx.a")


def test_a_crate_gives_what_its_functions_need_and_nothing_else(bench: Workbench) -> None:
    crate = bench.archive(
        "crate",
        [
            bench.object("api", "int below(void); int g2p_run(void) { return below(); }"),
            bench.object("below", "int below(void) { return 2; }"),
            bench.object("unused", "int not_in_any_library(void);"
                         "int unused(void) { return not_in_any_library(); }"),
        ],
    )  # fmt: skip
    spec = bench.spec("g2p_flutter_model", [], "g2p_*", on_demand=(crate,))
    found = read_macho(prelink(spec, bench.folder / "libm.a").path.read_bytes(), "library")
    assert found.exported == ("g2p_run",)
    assert found.undefined == ()


def test_a_simulator_s_object_is_refused(bench: Workbench, tmp_path: Path) -> None:
    folder = tmp_path / "simulator"
    folder.mkdir()
    archive = Workbench(folder, target_named("ios-simulator-arm64")).library("model", MODEL)
    with pytest.raises(ArtifactError, match="is for ios-simulator, ios needs ios"):
        prelink(bench.spec("g2p_flutter_model", [archive], "g2p_*"), tmp_path / "libm.a")


def test_the_same_archives_make_the_same_bytes(bench: Workbench) -> None:
    first = made(bench, "g2p_flutter_model", MODEL, "g2p_*").read_bytes()
    assert made(bench, "g2p_flutter_model", MODEL, "g2p_*").read_bytes() == first


@pytest.mark.parametrize("size", [3, 31, 40, 200, 600])
def test_an_object_that_is_cut_off_is_refused(bench: Workbench, size: int) -> None:
    whole = bench.object("model", MODEL).read_bytes()
    with pytest.raises(ArtifactError, match=r"model\.o is"):
        localise(whole[:size], lambda _: True, "model.o")


def test_an_image_is_no_relocatable_object(bench: Workbench) -> None:
    content = bench.runtime().path.read_bytes()
    with pytest.raises(ArtifactError, match="is no relocatable Mach-O object"):
        localise(content, lambda _: True, "tvm_runtime")
